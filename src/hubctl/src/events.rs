//! The progress of a start: server-sent events with one JSON object each (contract of JupyterHub's progress stream).

use std::io::{self, BufRead, Read};

use serde::Deserialize;

/// Bytes of one line; a longer one is no progress event.
const LINE_MAX: u64 = 256 << 10;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Progress {
    /// How far it is.
    #[serde(default, rename = "progress")]
    pub(crate) percent: u8,
    /// A sentence.
    #[serde(default)]
    pub(crate) message: String,
    /// The last event of a start that worked.
    #[serde(default)]
    pub(crate) ready: bool,
    /// The last event of a start that did not.
    #[serde(default)]
    pub(crate) failed: bool,
    /// With `ready`: the server's path.
    #[serde(default)]
    pub(crate) url: Option<String>,
}

/// Reads the next event, passing over keep-alives; `Ok(None)` at the end of the stream.
pub(crate) fn next(from: &mut impl BufRead) -> io::Result<Option<Progress>> {
    let mut data = String::new();
    loop {
        let mut line = Vec::new();
        let count = from.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)?;
        if count == 0 {
            return Ok(None);
        }
        if line.pop() != Some(b'\n') {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "half an event"));
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end_matches('\r');
        if let Some(text) = line.strip_prefix("data:") {
            data.push_str(text.trim_start());
        } else if line.is_empty() && !data.is_empty() {
            return serde_json::from_str(&data).map(Some).map_err(io::Error::from);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, ErrorKind};

    use super::{Progress, next};

    #[test]
    fn events_are_read_past_keep_alives_and_comments() {
        let text = "\n\n: here\nevent: x\ndata: {\"progress\": 0, \"message\": \"Server requested\"}\n\n\n\n\
                    data:{\"progress\":100,\"ready\":true,\"message\":\"ok\",\"html_message\":\"<a>\",\"url\":\"/user/a/\"}\r\n\r\n";
        let mut from = Cursor::new(text);
        let first = Progress { percent: 0, message: "Server requested".into(), ready: false, failed: false, url: None };
        let last =
            Progress { percent: 100, message: "ok".into(), ready: true, failed: false, url: Some("/user/a/".into()) };
        assert_eq!(next(&mut from).ok(), Some(Some(first)));
        assert_eq!(next(&mut from).ok(), Some(Some(last)));
        assert_eq!(next(&mut from).ok(), Some(None));
    }

    #[test]
    fn nonsense_is_an_error() {
        for text in ["data: {\"progress\": \"much\"}\n\n", "data: hello\n\n", "data: {}"] {
            assert_eq!(
                next(&mut Cursor::new(text)).map_err(|error| error.kind()),
                Err(ErrorKind::InvalidData),
                "{text}"
            );
        }
    }
}

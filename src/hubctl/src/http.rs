//! HTTP/1.0 as far as a client of one's own hub needs it: one request, one answer that ends with the connection.
//!
//! Must never trust a length: a head has at most [`HEAD_MAX`] bytes, a body at most [`BODY_MAX`].

use std::io::{self, BufRead, Read};

/// Bytes of status line and headers.
const HEAD_MAX: usize = 64 << 10;
/// Bytes of a body that is read as a whole.
const BODY_MAX: u64 = 64 << 20;
const HEADERS_MAX: usize = 64;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    /// Such as `GET`.
    pub(crate) method: &'a str,
    /// The whole path, percent-encoded already.
    pub(crate) path: &'a str,
    /// What the answer may be.
    pub(crate) accept: &'a str,
    /// JSON, or empty for none.
    pub(crate) body: &'a [u8],
    /// As the person who calls, for what is their own, and not as somebody who manages the hub?
    pub(crate) own: bool,
}

impl Request<'_> {
    /// The bytes to send.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let Self { method, path, accept, body, own } = self;
        let caller = if own { "X-Hub-As: self\r\n" } else { "" };
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let (version, length) = (env!("CARGO_PKG_VERSION"), body.len());
        let head = format!(
            "{method} {path} HTTP/1.0\r\nHost: localhost\r\nAccept: {accept}\r\nUser-Agent: hubctl/{version}\r\n\
             {caller}{kind}Content-Length: {length}\r\n\r\n"
        );
        [head.as_bytes(), body].concat()
    }
}

/// What is known of an answer whose body was not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// The HTTP status.
    pub(crate) status: u16,
    /// `Content-Length`; without it the body ends with the connection.
    pub(crate) length: Option<u64>,
    /// `Location`: where a redirect leads.
    pub(crate) location: Option<String>,
}

/// Reads up to the empty line. `InvalidData` for what is not HTTP, `UnexpectedEof` for half a head.
pub(crate) fn read_head(from: &mut impl BufRead) -> io::Result<Head> {
    let mut head = Vec::new();
    loop {
        let before = head.len();
        let room = u64::try_from(HEAD_MAX - before).unwrap_or_default();
        from.by_ref().take(room).read_until(b'\n', &mut head)?;
        if head.ends_with(b"\r\n\r\n") || head.ends_with(b"\n\n") {
            return parse_head(&head);
        }
        if head.len() >= HEAD_MAX {
            return Err(invalid("the head is too long"));
        }
        if head.len() == before || !head.ends_with(b"\n") {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn parse_head(head: &[u8]) -> io::Result<Head> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let parsed = response.parse(head).map_err(|error| invalid(&error.to_string()))?;
    let (true, Some(status)) = (parsed.is_complete(), response.code) else { return Err(invalid("half a head")) };
    let (mut length, mut location) = (None, None);
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(invalid("a transfer coding, which HTTP/1.0 does not have"));
        }
        if header.name.eq_ignore_ascii_case("content-length") {
            let text = std::str::from_utf8(header.value).ok().map(str::trim);
            length = Some(text.and_then(|text| text.parse().ok()).ok_or_else(|| invalid("a wrong length"))?);
        }
        if header.name.eq_ignore_ascii_case("location") {
            location = Some(String::from_utf8_lossy(header.value).trim().to_owned());
        }
    }
    Ok(Head { status, length, location })
}

/// Reads a whole body.
pub(crate) fn read_body(from: &mut impl BufRead, head: &Head) -> io::Result<Vec<u8>> {
    let limit = head.length.unwrap_or(BODY_MAX + 1);
    if head.length.is_some_and(|length| length > BODY_MAX) {
        return Err(invalid("the body is too long"));
    }
    let mut body = Vec::new();
    let count = from.take(limit).read_to_end(&mut body)?;
    match head.length {
        Some(length) if u64::try_from(count).unwrap_or_default() < length => Err(io::ErrorKind::UnexpectedEof.into()),
        None if u64::try_from(count).unwrap_or(u64::MAX) > BODY_MAX => Err(invalid("the body is too long")),
        _ => Ok(body),
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, ErrorKind};

    use super::{HEAD_MAX, Head, Request, read_body, read_head};

    fn answer(text: &str) -> Result<(Head, Vec<u8>), ErrorKind> {
        let mut from = Cursor::new(text.as_bytes());
        let head = read_head(&mut from).map_err(|error| error.kind())?;
        let body = read_body(&mut from, &head).map_err(|error| error.kind())?;
        Ok((head, body))
    }

    #[test]
    fn a_request_is_http_1_0() {
        let text = |body: &[u8]| {
            let (path, own) = ("/hub/api/users/j%C3%BC", !body.is_empty());
            let request = Request { method: "GET", path, accept: "application/json", body, own };
            String::from_utf8_lossy(&request.to_bytes()).into_owned()
        };
        let bare = text(b"");
        assert!(bare.starts_with("GET /hub/api/users/j%C3%BC HTTP/1.0\r\nHost: localhost\r\n"));
        assert!(bare.ends_with("\r\nContent-Length: 0\r\n\r\n") && !bare.contains("Content-Type"), "{bare}");
        assert!(!bare.contains("X-Hub-As"));
        assert!(
            text(b"{}")
                .ends_with("\r\nX-Hub-As: self\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
        );
    }

    #[test]
    fn a_body_ends_with_its_length_or_with_the_connection() {
        let told = answer("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}rest");
        assert_eq!(told, Ok((Head { status: 200, length: Some(2), location: None }, b"{}".to_vec())));
        let open = answer("HTTP/1.1 302 Found\r\nLocation: /x/\r\n\r\nabc");
        let location = Some("/x/".to_owned());
        assert_eq!(open, Ok((Head { status: 302, length: None, location }, b"abc".to_vec())));
        assert_eq!(
            answer("HTTP/1.0 204 No Content\r\n\r\n").map(|(head, body)| (head.status, body.len())),
            Ok((204, 0))
        );
    }

    #[test]
    fn a_broken_answer_is_an_error() {
        for text in
            ["", "HTTP/1.0 200 OK\r\n", "HTTP/1.0 200 OK\r\nA: b", "HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nabc"]
        {
            assert_eq!(answer(text), Err(ErrorKind::UnexpectedEof), "{text}");
        }
        for text in [
            "SSH-2.0-OpenSSH\r\n\r\n",
            "HTTP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.0 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        ] {
            assert_eq!(answer(text), Err(ErrorKind::InvalidData), "{text}");
        }
        let endless = format!("HTTP/1.0 200 OK\r\n{}", "A: b\r\n".repeat(HEAD_MAX / 6 + 1));
        assert_eq!(answer(&endless), Err(ErrorKind::InvalidData));
        let one_line = format!("HTTP/1.0 200 {}", "x".repeat(HEAD_MAX * 2));
        assert_eq!(answer(&one_line), Err(ErrorKind::InvalidData));
    }
}

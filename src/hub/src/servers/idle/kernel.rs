//! Asks a kernel itself whether it stands idle, as a JupyterLab page asks it for what it is: by a message through its
//! WebSocket, on the channel on which it computes. One that computes answers only afterwards.
//!
//! Must never be asked of a suspended server, nor lightly of a kernel without a page: the messages that Jupyter Server
//! keeps for the page that was cut off are lost when somebody else connects.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::auth::random::random_hex;
use crate::servers::address::Address;

/// For the answer. A kernel that rests gives it in a few milliseconds; who takes longer is taken to compute.
const DEADLINE: Duration = Duration::from_secs(3);
/// Bytes of a message that is looked at. The answer has some 1000; what is longer is somebody's output.
const MESSAGE_MAX: u64 = 1 << 16;
/// Frames (RFC 6455, 5.2): the whole of a text, and the end; and the bit that says that what follows is masked.
const TEXT: u8 = 0x81;
const CLOSE: u8 = 0x88;
const MASKED: u8 = 0x80;
/// In place of a length: it follows in two bytes, or in eight.
const LONGER: u8 = 0x7e;
const LONGEST: u8 = 0x7f;

/// What tells an answer from everything else that a kernel says.
#[derive(Deserialize)]
struct Message {
    channel: String,
    msg_type: String,
    parent_header: Parent,
}

#[derive(Deserialize)]
struct Parent {
    #[serde(default)]
    msg_id: String,
}

/// Whether a kernel stands idle: it answered. `path`: that of its channels. Whatever goes wrong is no answer.
pub(super) async fn answers(address: &Address, path: &str, token: Option<&str>) -> bool {
    matches!(tokio::time::timeout(DEADLINE, ask(address, path, token)).await, Ok(Some(())))
}

async fn ask(address: &Address, path: &str, token: Option<&str>) -> Option<()> {
    let (session, question) = (random_hex().ok()?, random_hex().ok()?);
    let stream = address.connect().await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let mut request = Request::get(format!("{path}?session_id={session}"))
        .header("host", "localhost")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", STANDARD.encode(session.get(..16)?));
    if let Some(token) = token {
        request = request.header("authorization", format!("token {token}"));
    }
    let request = request.body(Empty::<Bytes>::new()).ok()?;
    let talk = async {
        let response = sender.send_request(request).await.ok()?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return None;
        }
        let mut channels = TokioIo::new(hyper::upgrade::on(response).await.ok()?);
        let header = json!({
            "msg_id": question, "session": session, "username": "", "msg_type": "kernel_info_request", "version": "5.3",
            "date": "",
        });
        let message = json!({
            "header": header, "parent_header": {}, "metadata": {}, "content": {}, "channel": "shell", "buffers": [],
        });
        send(&mut channels, TEXT, message.to_string().as_bytes()).await?;
        while !is_answer(&receive(&mut channels).await?, &question) {}
        // A farewell that does not arrive is as good: the connection ends.
        let _ = send(&mut channels, CLOSE, &[]).await;
        Some(())
    };
    // The connection's future moves the bytes until it hands the stream over; it is dropped with this function.
    let mut connection = std::pin::pin!(connection.with_upgrades());
    tokio::pin!(talk);
    tokio::select! {
        told = &mut talk => told,
        _ = &mut connection => talk.await,
    }
}

fn is_answer(message: &[u8], question: &str) -> bool {
    serde_json::from_slice::<Message>(message).is_ok_and(|message| {
        message.channel == "shell"
            && message.msg_type == "kernel_info_reply"
            && message.parent_header.msg_id == question
    })
}

/// A frame as a client sends it. The mask is there for proxies between the two; here is none.
async fn send(stream: &mut (impl AsyncWrite + Unpin), kind: u8, payload: &[u8]) -> Option<()> {
    let mut frame = vec![kind];
    if let Ok(short @ 0..=125) = u8::try_from(payload.len()) {
        frame.push(MASKED | short);
    } else {
        frame.push(MASKED | LONGER);
        frame.extend(u16::try_from(payload.len()).ok()?.to_be_bytes());
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    stream.write_all(&frame).await.ok()
}

/// The next frame's content; that of one too long to be an answer is passed over.
async fn receive(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let [_, length] = stream.read_u16().await.ok()?.to_be_bytes();
    let length = match length {
        LONGER => u64::from(stream.read_u16().await.ok()?),
        LONGEST => stream.read_u64().await.ok()?,
        short => u64::from(short),
    };
    let mut payload = stream.take(length);
    let mut message = Vec::new();
    if length > MESSAGE_MAX {
        tokio::io::copy(&mut payload, &mut tokio::io::sink()).await.ok()?;
    } else {
        payload.read_to_end(&mut message).await.ok()?;
    }
    (payload.limit() == 0).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a server sends them: not masked.
    fn frame(payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![TEXT, 127];
        frame.extend((payload.len() as u64).to_be_bytes());
        frame.extend(payload);
        frame
    }

    #[tokio::test]
    async fn messages_of_any_length_are_read_and_the_longest_passed_over() {
        let long = vec![b'x'; usize::try_from(MESSAGE_MAX).unwrap() + 1];
        let bytes = [frame(b"one"), frame(&long), vec![TEXT, 3, b't', b'w', b'o'], vec![TEXT, 9, b'c']].concat();
        let mut stream = bytes.as_slice();
        assert_eq!(receive(&mut stream).await.unwrap(), b"one");
        assert_eq!(receive(&mut stream).await.unwrap(), b"");
        assert_eq!(receive(&mut stream).await.unwrap(), b"two");
        assert_eq!(receive(&mut stream).await, None, "it was cut off");
    }

    #[tokio::test]
    async fn a_frame_says_how_long_it_is() {
        for (length, head) in [(0, vec![TEXT, 0x80]), (125, vec![TEXT, 0xfd]), (300, vec![TEXT, 0xfe, 1, 44])] {
            let mut sent = Vec::new();
            send(&mut sent, TEXT, &vec![b'x'; length]).await.unwrap();
            assert_eq!(sent.len(), head.len() + 4 + length);
            assert!(sent.starts_with(&head));
        }
    }

    #[test]
    fn only_the_shells_answer_to_this_very_question_is_one() {
        let said = |channel: &str, kind: &str, parent: &str| {
            json!({"channel": channel, "msg_type": kind, "parent_header": {"msg_id": parent}, "content": {}})
                .to_string()
        };
        assert!(is_answer(said("shell", "kernel_info_reply", "q").as_bytes(), "q"));
        // The control channel answers while the kernel computes.
        assert!(!is_answer(said("control", "kernel_info_reply", "q").as_bytes(), "q"));
        assert!(!is_answer(said("shell", "kernel_info_reply", "r").as_bytes(), "q"));
        assert!(!is_answer(said("iopub", "status", "q").as_bytes(), "q"));
        assert!(!is_answer(br#"{"channel": "iopub", "msg_type": "status", "parent_header": {}}"#, "q"));
    }
}

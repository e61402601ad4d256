//! A kernel's WebSocket as Jupyter Server offers it: what of it an answer to `kernel_info_request` needs.

use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Speaks for a kernel. One that computes says on all channels but that of the question what it is.
pub fn speak(mut request: Request<Incoming>, computes: bool) {
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let mut stream = TokioIo::new(upgraded.await.unwrap());
        let head = stream.read_u16().await.unwrap().to_be_bytes();
        assert_eq!(head, [0x81, 0xfe], "one masked text of more than 125 bytes");
        let length = stream.read_u16().await.unwrap();
        let mut mask = [0; 4];
        stream.read_exact(&mut mask).await.unwrap();
        let mut payload = vec![0; length.into()];
        stream.read_exact(&mut payload).await.unwrap();
        for (place, byte) in payload.iter_mut().enumerate() {
            *byte ^= mask[place % 4];
        }
        let asked: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!((&asked["channel"], &asked["header"]["msg_type"]), (&json!("shell"), &json!("kernel_info_request")));
        let said = |channel: &str, kind: &str, parent: &Value| json!({"channel": channel, "msg_type": kind, "parent_header": parent, "content": {}});
        let mut messages = vec![
            said("iopub", "status", &json!({})),
            said("control", "kernel_info_reply", &asked["header"]),
            said("shell", "kernel_info_reply", &json!({"msg_id": "another"})),
        ];
        if !computes {
            messages.push(said("shell", "kernel_info_reply", &asked["header"]));
        }
        for message in messages {
            let message = message.to_string();
            stream.write_all(&[0x81, 126]).await.unwrap();
            stream.write_u16(u16::try_from(message.len()).unwrap()).await.unwrap();
            stream.write_all(message.as_bytes()).await.unwrap();
        }
        // Until whoever asked leaves.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
}

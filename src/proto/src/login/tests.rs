//! The frames: there and back, cut short, too long, nonsense.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::io::Cursor;

use hubd_base::names::{NameError, UserName};
use hubd_base::secret::Secret;

use super::{FrameError, HEADER, MAX_FRAME, Outcome, Reply, Request, TextKind, WireError, body_length};

fn replies() -> Vec<Reply> {
    let alice = UserName::parse("alice").unwrap();
    vec![
        Reply::Prompt { echo: false, text: "Password: ".to_owned() },
        Reply::Prompt { echo: true, text: String::new() },
        Reply::Text { kind: TextKind::Info, text: "Letzte Anmeldung: früh".to_owned() },
        Reply::Text { kind: TextKind::Error, text: "你的密码已过期\n".to_owned() },
        Reply::PasswordExpired,
        Reply::Done(Outcome::Accepted { user: alice.clone(), uid: u32::MAX, admin: true }),
        Reply::Done(Outcome::Accepted { user: alice, uid: 0, admin: false }),
        Reply::Done(Outcome::Refused),
        Reply::Done(Outcome::Denied { reason: "Your account has expired.".to_owned() }),
        Reply::Done(Outcome::PasswordExpired),
        Reply::Done(Outcome::TooManyTries),
        Reply::Done(Outcome::Unavailable),
    ]
}

/// Requests have no `Debug` on purpose: they are compared by their bytes.
fn requests() -> Vec<Request> {
    vec![
        Request::Begin {
            user: b"alice".to_vec(),
            remote_host: "2001:db8::1".to_owned(),
            change_expired: true,
            language: "zh_CN".to_owned(),
        },
        Request::Begin {
            user: vec![0, 255, b'/'],
            remote_host: String::new(),
            change_expired: false,
            language: String::new(),
        },
        Request::Answer(Secret::from(String::from("correct horse"))),
        Request::Answer(Secret::from(Vec::new())),
    ]
}

fn body(tag: u8, fields: &[&[u8]]) -> Vec<u8> {
    let mut body = vec![tag];
    for field in fields {
        body.extend(u32::try_from(field.len()).unwrap().to_be_bytes());
        body.extend(*field);
    }
    body
}

#[test]
fn replies_come_back_as_they_were() {
    let mut wire = Vec::new();
    for reply in replies() {
        let frame = reply.encode().unwrap();
        assert_eq!(body_length(frame[..HEADER].try_into().unwrap()), Ok(frame.len() - HEADER));
        assert_eq!(Reply::decode(&frame[HEADER..]), Ok(reply.clone()));
        reply.write_to(&mut wire).unwrap();
    }
    let mut wire = Cursor::new(wire);
    for reply in replies() {
        assert_eq!(Reply::read_from(&mut wire).unwrap(), Some(reply));
    }
    assert_eq!(Reply::read_from(&mut wire).unwrap(), None);
}

#[test]
fn requests_come_back_as_they_were() {
    let mut wire = Vec::new();
    for request in requests() {
        let frame = request.encode().unwrap();
        let again = Request::decode(&frame[HEADER..]).ok().unwrap();
        assert!(*again.encode().unwrap() == *frame);
        request.write_to(&mut wire).unwrap();
    }
    let mut wire = Cursor::new(wire);
    let mut count = 0;
    while Request::read_from(&mut wire).unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, requests().len());
}

#[test]
fn the_bytes_on_the_wire_are_these() {
    let frame = Request::Answer(Secret::from(String::from("pw"))).encode().unwrap();
    assert_eq!(*frame, [0, 0, 0, 7, 2, 0, 0, 0, 2, b'p', b'w']);
    let begin = Request::Begin {
        user: b"al".to_vec(),
        remote_host: "::1".to_owned(),
        change_expired: true,
        language: String::new(),
    };
    assert_eq!(*begin.encode().unwrap(), b"\0\0\0\x17\x01\0\0\0\x02al\0\0\0\x03::1\0\0\0\x01\x01\0\0\0\0".to_vec());
}

#[test]
fn every_frame_cut_short_is_refused() {
    let mut frames: Vec<Vec<u8>> = replies().iter().map(|reply| reply.encode().unwrap().to_vec()).collect();
    frames.extend(requests().iter().map(|request| request.encode().unwrap().to_vec()));
    for frame in frames {
        for end in HEADER..frame.len() {
            let cut = &frame[HEADER..end];
            assert!(Reply::decode(cut).is_err() && Request::decode(cut).is_err(), "{cut:?}");
        }
        for end in 1..frame.len() {
            let ended = Reply::read_from(&mut Cursor::new(&frame[..end])).unwrap_err();
            assert!(matches!(ended, WireError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof));
        }
    }
}

#[test]
fn a_frame_with_more_than_its_fields_is_refused() {
    for reply in replies() {
        let mut frame = reply.encode().unwrap();
        frame.push(0);
        assert_eq!(Reply::decode(&frame[HEADER..]), Err(FrameError::Trailing(1)));
    }
}

#[test]
fn a_length_is_checked_before_anything_is_read() {
    assert_eq!(body_length([0, 0, 0, 0]), Err(FrameError::Truncated));
    assert_eq!(body_length([0, 1, 0, 0]), Ok(MAX_FRAME));
    assert_eq!(body_length([0, 1, 0, 1]), Err(FrameError::TooLong(MAX_FRAME + 1)));
    let refused = Request::read_from(&mut Cursor::new([255; 64])).err().unwrap();
    assert!(matches!(refused, WireError::Frame(FrameError::TooLong(4_294_967_295))));
}

#[test]
fn what_does_not_fit_is_not_sent() {
    let fits = Secret::from(vec![b'x'; MAX_FRAME - 5]);
    let frame = Request::Answer(fits).encode().unwrap();
    assert_eq!(frame.len(), HEADER + MAX_FRAME);
    assert!(Request::decode(&frame[HEADER..]).is_ok());
    let text = "x".repeat(MAX_FRAME - 4);
    assert_eq!(Reply::Done(Outcome::Denied { reason: text }).encode(), Err(FrameError::TooLong(MAX_FRAME + 1)));
    assert_eq!(Reply::decode(&vec![18; MAX_FRAME + 1]), Err(FrameError::TooLong(MAX_FRAME + 1)));
}

#[test]
fn wrong_fields_are_named() {
    for (body, error) in [
        (body(0, &[]), FrameError::Tag(0)),
        (body(1, &[b"alice", b"", b"\x01"]), FrameError::Tag(1)),
        (body(255, &[]), FrameError::Tag(255)),
        (body(16, &[b"\x02", b"x"]), FrameError::Field("echo")),
        (body(16, &[b"", b"x"]), FrameError::Field("echo")),
        (body(17, &[b"\x01\x00", b"x"]), FrameError::Field("kind")),
        (body(16, &[b"\x00", b"\xff"]), FrameError::Utf8("text")),
        (body(32, &[b"../etc", &[0; 4], b"\x00"]), FrameError::Name(NameError::Character('/'))),
        (body(32, &[b"al\xffice", &[0; 4], b"\x00"]), FrameError::Name(NameError::Encoding)),
        (body(32, &[b"alice", &[0; 5], b"\x00"]), FrameError::Field("uid")),
        (body(32, &[b"alice", &[0; 4], b"\x07"]), FrameError::Field("admin")),
    ] {
        assert_eq!(Reply::decode(&body), Err(error), "{body:?}");
    }
    assert_eq!(Request::decode(&body(18, &[])).err(), Some(FrameError::Tag(18)));
    assert_eq!(Request::decode(&body(1, &[b"a", b"\xff", b"\x00"])).err(), Some(FrameError::Utf8("remote_host")));
}

#[test]
fn noise_never_panics_and_whatever_decodes_encodes_to_the_same_bytes() {
    // xorshift: the same noise on every run
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let tags = [1_u8, 2, 16, 17, 18, 32, 33, 34, 35, 36, 37, 99];
    let mut understood = 0;
    for _ in 0..50_000 {
        let mut noise = vec![tags[usize::try_from(next() % 12).unwrap()]];
        for _ in 0..next() % 4 {
            // mostly honest lengths, so that the fields themselves are reached
            let length = u32::try_from(next() % 6).unwrap();
            let told = if next() % 8 == 0 { u32::try_from(next() >> 33).unwrap() } else { length };
            noise.extend(told.to_be_bytes());
            noise.extend((0..length).map(|_| u8::try_from(next() % 128 / (1 + next() % 100)).unwrap()));
        }
        if let Ok(reply) = Reply::decode(&noise) {
            assert_eq!(reply.encode().unwrap()[HEADER..], noise);
            understood += 1;
        }
        if let Ok(request) = Request::decode(&noise) {
            assert!(request.encode().unwrap()[HEADER..] == noise);
            understood += 1;
        }
    }
    assert!(understood > 1000, "{understood}");
}

//! What a browser sends through a WebSocket, read as far as tells messages from mere signs of life (RFC 6455, 5.2).
//!
//! A tab answers pings for as long as it is open. Typing in a terminal, running a cell, editing a shared document are
//! data frames. Nothing is kept, changed or held up: the bytes go on as they came, and a frame costs a look at its head.

use hyper::Request;
use hyper::header::{HeaderValue, UPGRADE};

/// How the messages of a tunnel are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talk {
    /// A WebSocket whose messages are all caused by people: kernels, terminals and most others.
    Messages,
    /// A shared document: its first byte tells edits from the note "I am still here" that goes round every 15 s
    /// (y-protocols: 0 is a change, 1 who is there).
    Shared,
    /// Another protocol: every byte counts.
    Bytes,
}

impl Talk {
    /// Of the tunnel that a request asks for.
    pub fn of<B>(request: &Request<B>) -> Self {
        let protocol = request.headers().get(UPGRADE).map(HeaderValue::as_bytes).unwrap_or_default();
        match protocol.eq_ignore_ascii_case(b"websocket") {
            false => Self::Bytes,
            true if request.uri().path().contains("/api/collaboration/") => Self::Shared,
            true => Self::Messages,
        }
    }
}

/// The longest head of a frame: two bytes, eight of length, four of the mask.
const HEAD_MAX: usize = 14;
/// Of a shared document: who is there.
const AWARENESS: u8 = 1;

/// A direction of a tunnel that is being read.
#[derive(Debug)]
pub struct Frames {
    talk: Talk,
    head: [u8; HEAD_MAX],
    /// Bytes of the head that are there.
    have: usize,
    /// Bytes of the payload still to come.
    left: u64,
    /// Whether the next byte of the payload is its first, and decides.
    first: bool,
    /// Whether the frame that is being read counts.
    counts: bool,
}

impl Frames {
    /// At the beginning of a tunnel.
    pub fn new(talk: Talk) -> Self {
        Self { talk, head: [0; HEAD_MAX], have: 0, left: 0, first: false, counts: false }
    }

    /// Reads on. Returns whether some of these bytes belong to a message that a person caused.
    pub fn feed(&mut self, mut bytes: &[u8]) -> bool {
        if self.talk == Talk::Bytes {
            return !bytes.is_empty();
        }
        let mut caused = false;
        while let Some((byte, rest)) = bytes.split_first() {
            if self.left > 0 {
                if self.first {
                    self.first = false;
                    self.counts = byte ^ self.mask() != AWARENESS;
                }
                let taken = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                self.left -= u64::try_from(taken).unwrap_or(self.left);
                caused |= self.counts;
                bytes = bytes.get(taken..).unwrap_or_default();
                continue;
            }
            if let Some(place) = self.head.get_mut(self.have) {
                *place = *byte;
            }
            self.have += 1;
            bytes = rest;
            if self.have == self.head_length() {
                self.begin();
                // A message without content is one, too.
                caused |= self.counts && self.left == 0;
            }
        }
        caused
    }

    /// How long the head is, as far as what is there tells.
    fn head_length(&self) -> usize {
        let [_, second, ..] = self.head;
        if self.have < 2 {
            return 2;
        }
        let length = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let mask = if second & 0x80 == 0 { 0 } else { 4 };
        2 + length + mask
    }

    /// The head is complete.
    fn begin(&mut self) {
        let [first, second, ..] = self.head;
        let number = |from: usize, count: usize| {
            let bytes = self.head.get(from..from + count).unwrap_or_default();
            bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        self.left = match second & 0x7f {
            126 => number(2, 2),
            127 => number(2, 8),
            short => u64::from(short),
        };
        // 0 goes on with a message, 1 is text, 2 is binary; 8 and above are close, ping and pong.
        let opcode = first & 0x0f;
        let compressed = first & 0x40 != 0;
        self.first = self.talk == Talk::Shared && opcode == 2 && !compressed && self.left > 0;
        self.counts = match opcode {
            // What goes on counts as what it goes on with.
            0 => self.counts,
            other => other < 8,
        };
        if !self.first {
            self.have = 0;
        }
    }

    /// The first byte of the frame's mask; 0 without one. The head is kept until this was asked for.
    fn mask(&mut self) -> u8 {
        let [_, second, ..] = self.head;
        let masked = second & 0x80 != 0;
        let at = self.have.saturating_sub(4);
        self.have = 0;
        if masked { self.head.get(at).copied().unwrap_or(0) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as browsers send it.
    fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0x80 | opcode];
        match payload.len() {
            short @ ..126 => bytes.push(0x80 | u8::try_from(short).unwrap()),
            middle @ ..0x1_0000 => {
                bytes.push(0xfe);
                bytes.extend(u16::try_from(middle).unwrap().to_be_bytes());
            }
            long => {
                bytes.push(0xff);
                bytes.extend(u64::try_from(long).unwrap().to_be_bytes());
            }
        }
        let mask = [0x5a, 0x01, 0xff, 0x33];
        bytes.extend(mask);
        bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        bytes
    }

    fn caused(talk: Talk, frames: &[Vec<u8>]) -> bool {
        let whole = Frames::new(talk).feed(&frames.concat());
        // However the bytes are cut, the answer is the same.
        let mut reader = Frames::new(talk);
        let pieces: Vec<bool> = frames.concat().iter().map(|byte| reader.feed(&[*byte])).collect();
        assert_eq!(whole, pieces.contains(&true));
        whole
    }

    #[test]
    fn messages_count_and_signs_of_life_do_not() {
        let (ping, answer, close) = (frame(9, b"x"), frame(10, b"still here"), frame(8, &[3, 232]));
        assert!(!caused(Talk::Messages, &[answer.clone(), ping.clone(), answer.clone(), close]));
        assert!(caused(Talk::Messages, &[frame(1, b"ls\n")]));
        assert!(caused(Talk::Messages, &[answer.clone(), frame(2, &[0; 200]), answer.clone()]));
        assert!(caused(Talk::Messages, &[frame(2, &vec![0; 70_000])]));
        assert!(caused(Talk::Messages, &[frame(1, b"")]));
    }

    #[test]
    fn a_reader_is_not_lost_after_long_messages() {
        for length in [0, 1, 125, 126, 65_535, 65_536, 100_000] {
            let mut reader = Frames::new(Talk::Messages);
            assert!(reader.feed(&frame(2, &vec![9; length])));
            assert!(!reader.feed(&frame(10, b"")), "{length}");
            assert!(reader.feed(&frame(1, b"a")), "{length}");
            assert!(!reader.feed(&frame(9, b"abc")), "{length}");
        }
    }

    #[test]
    fn in_a_shared_document_changes_count_and_presence_does_not() {
        let (change, presence) = (frame(2, &[0, 2, 9]), frame(2, &[1, 7, 7]));
        assert!(!caused(Talk::Shared, &[presence.clone(), presence.clone(), frame(10, b"")]));
        assert!(caused(Talk::Shared, &[presence.clone(), change.clone()]));
        assert!(caused(Talk::Shared, &[change, presence.clone()]));
        assert!(caused(Talk::Messages, &[presence]));
    }

    #[test]
    fn of_other_protocols_every_byte_counts() {
        assert!(caused(Talk::Bytes, &[b"\x8a".to_vec()]));
    }

    #[test]
    fn the_request_tells_how_a_tunnel_is_read() {
        let talk =
            |path: &str, protocol: &str| Talk::of(&Request::get(path).header("upgrade", protocol).body(()).unwrap());
        assert_eq!(talk("/user/alice/api/kernels/1/channels", "websocket"), Talk::Messages);
        assert_eq!(talk("/user/alice/api/collaboration/room/json:notebook:1", "WebSocket"), Talk::Shared);
        assert_eq!(talk("/user/alice/proxy/5900/", "vnc"), Talk::Bytes);
    }
}

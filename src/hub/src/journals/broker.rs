//! Logs of this machine: the broker reads the journal, which takes root.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, StreamExt};
use hubd_proto::broker;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use zbus::zvariant::OwnedFd;

use super::{Beginning, Choice, Entry, FailedLogin, Journals, LINES_MAX, Source};
use crate::clock::Usec;
use crate::servers::launcher::LaunchError;
use crate::servers::systemd::{Bus, read};

/// Bytes of one line: the broker's have some 20 000 at most.
const LINE_MAX: u64 = 128 * 1024;
/// Everything counts, whatever its level.
const EVERYTHING: u8 = 7;

/// The journal of this machine.
#[derive(Debug, Default)]
pub struct Broker {
    /// The bus, shared with whoever else needs the broker.
    pub bus: Arc<Bus>,
}

/// As it goes over the bus; 0 for no bound.
fn chosen(choice: &Choice, priority: u8) -> (u32, u8, u64, u64) {
    let lines = choice.lines.clamp(1, LINES_MAX);
    (lines, priority, bound(choice.since), bound(choice.until))
}

fn bound(when: Option<Usec>) -> u64 {
    when.and_then(|when| u64::try_from(when).ok()).unwrap_or(0)
}

/// What is no such object is left out.
fn parse<T: DeserializeOwned>(texts: &[String]) -> Vec<T> {
    texts.iter().filter_map(|text| serde_json::from_str(text).ok()).collect()
}

/// The entries that come out of the broker's socket, to its end.
fn entries(socket: UnixStream) -> BoxStream<'static, Entry> {
    let lines = stream::unfold(BufReader::new(socket), |mut reader| async {
        let mut line = Vec::new();
        let read = (&mut reader).take(LINE_MAX).read_until(b'\n', &mut line).await;
        read.is_ok_and(|read| read > 0).then_some((line, reader))
    });
    lines.filter_map(|line| async move { serde_json::from_slice(&line).ok() }).boxed()
}

impl Journals for Broker {
    fn read<'a>(&'a self, source: &'a Source, choice: &'a Choice) -> BoxFuture<'a, Result<Vec<Entry>, LaunchError>> {
        async move {
            let chosen = chosen(choice, choice.priority);
            let reply = match source {
                Source::Server(id) => {
                    let asked = (id.user.as_str(), id.server.as_str(), "", chosen);
                    self.bus.broker(broker::METHOD_READ_JOURNAL, &asked).await?
                }
                Source::Service(name) => {
                    self.bus.broker(broker::METHOD_READ_SERVICE_JOURNAL, &(name.as_str(), "", chosen)).await?
                }
                Source::Hub(part) => self.bus.broker(broker::METHOD_READ_HUB_JOURNAL, &(part.word(), chosen)).await?,
            };
            Ok(parse(&read::<Vec<String>>(&reply)?))
        }
        .boxed()
    }

    fn follow<'a>(
        &'a self,
        source: &'a Source,
        priority: u8,
        from: &'a Beginning,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Entry>, LaunchError>> {
        async move {
            let from = match from {
                Beginning::Since(when) => (priority, bound(Some(*when)), ""),
                Beginning::After(cursor) => (priority, 0, cursor.as_str()),
            };
            let reply = match source {
                Source::Server(id) => {
                    let asked = (id.user.as_str(), id.server.as_str(), from);
                    self.bus.broker(broker::METHOD_FOLLOW_JOURNAL, &asked).await?
                }
                Source::Service(name) => {
                    self.bus.broker(broker::METHOD_FOLLOW_SERVICE_JOURNAL, &(name.as_str(), from)).await?
                }
                Source::Hub(part) => self.bus.broker(broker::METHOD_FOLLOW_HUB_JOURNAL, &(part.word(), from)).await?,
            };
            let unusable = |error: std::io::Error| LaunchError::Unreachable(format!("the broker's socket: {error}"));
            let socket = std::os::unix::net::UnixStream::from(std::os::fd::OwnedFd::from(read::<OwnedFd>(&reply)?));
            socket.set_nonblocking(true).map_err(unusable)?;
            Ok(entries(UnixStream::from_std(socket).map_err(unusable)?))
        }
        .boxed()
    }

    fn failed_logins<'a>(&'a self, choice: &'a Choice) -> BoxFuture<'a, Result<Vec<FailedLogin>, LaunchError>> {
        async move {
            let asked = (chosen(choice, EVERYTHING),);
            Ok(parse(&read::<Vec<String>>(&self.bus.broker(broker::METHOD_READ_FAILED_LOGINS, &asked).await?)?))
        }
        .boxed()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn entries_come_out_of_the_socket_one_by_one_until_it_ends() {
        let (mut broker, ours) = UnixStream::pair().unwrap();
        let mut entries = entries(ours);
        let line = |number: u32| {
            let line = serde_json::json!({
                "time_usec": number, "priority": 6, "identifier": "x", "message": "a\nb", "cursor": format!("s={number}"),
            });
            format!("{line}\n")
        };
        broker.write_all(line(1).as_bytes()).await.unwrap();
        let first = entries.next().await.unwrap();
        assert_eq!((first.line.time_usec, &*first.line.message, &*first.cursor), (1, "a\nb", "s=1"));
        broker.write_all(format!("no entry\n{}", line(2)).as_bytes()).await.unwrap();
        drop(broker);
        assert_eq!(entries.next().await.unwrap().cursor, "s=2");
        assert!(entries.next().await.is_none());
    }

    #[test]
    fn a_choice_stays_within_its_bounds() {
        let choice = Choice { lines: u32::MAX, priority: 4, since: Some(5), until: None };
        assert_eq!(chosen(&choice, choice.priority), (LINES_MAX, 4, 5, 0));
    }
}

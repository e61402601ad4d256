//! Logs that the test writes itself.

use std::sync::Mutex;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use hubd::journals::{Beginning, Choice, Entry, FailedLogin, Journals, Source};
use hubd::servers::launcher::{JournalLine, LaunchError};
use tokio::sync::broadcast;

/// What was asked, in order: whose log, and the level.
type Asked = Vec<(Source, u8)>;

pub struct FakeJournals {
    /// Every line of every log.
    lines: Mutex<Vec<(Source, Entry)>>,
    news: broadcast::Sender<(Source, Entry)>,
    pub failed: Mutex<Vec<FailedLogin>>,
    /// Every follow that began.
    pub followed: Mutex<Vec<(Source, u8, Beginning)>>,
    /// Every reading.
    pub read: Mutex<Asked>,
}

impl Default for FakeJournals {
    fn default() -> Self {
        Self {
            lines: Mutex::default(),
            news: broadcast::channel(5000).0,
            failed: Mutex::default(),
            followed: Mutex::default(),
            read: Mutex::default(),
        }
    }
}

impl FakeJournals {
    /// Writes a line; whoever follows gets it.
    pub fn write(&self, source: &Source, time_usec: i64, priority: u8, message: &str) {
        let mut lines = self.lines.lock().unwrap();
        let cursor = format!("s={}", lines.len());
        let line = JournalLine {
            time_usec,
            priority,
            identifier: "jupyter-lab".into(),
            message: message.to_owned(),
            message_id: None,
        };
        let entry = Entry { line, cursor };
        lines.push((source.clone(), entry.clone()));
        let _ = self.news.send((source.clone(), entry));
    }

    /// How many follow something right now.
    pub fn followers(&self) -> usize {
        self.news.receiver_count()
    }
}

impl Journals for FakeJournals {
    fn read<'a>(&'a self, source: &'a Source, choice: &'a Choice) -> BoxFuture<'a, Result<Vec<Entry>, LaunchError>> {
        self.read.lock().unwrap().push((source.clone(), choice.priority));
        let fits = |(of, entry): &&(Source, Entry)| {
            of == source
                && entry.line.priority <= choice.priority
                && choice.since.is_none_or(|since| entry.line.time_usec >= since)
                && choice.until.is_none_or(|until| entry.line.time_usec <= until)
        };
        let mut found: Vec<Entry> =
            self.lines.lock().unwrap().iter().filter(fits).map(|(_, entry)| entry.clone()).collect();
        found.drain(..found.len().saturating_sub(choice.lines as usize));
        Box::pin(async move { Ok(found) })
    }

    fn follow<'a>(
        &'a self,
        source: &'a Source,
        priority: u8,
        from: &'a Beginning,
    ) -> BoxFuture<'a, Result<BoxStream<'static, Entry>, LaunchError>> {
        self.followed.lock().unwrap().push((source.clone(), priority, from.clone()));
        let source = source.clone();
        let news = stream::unfold(self.news.subscribe(), |mut news| async { Some((news.recv().await.ok()?, news)) });
        let fitting = news.filter_map(move |(of, entry)| {
            let fits = of == source && entry.line.priority <= priority;
            async move { fits.then_some(entry) }
        });
        Box::pin(async move { Ok(fitting.boxed()) })
    }

    fn failed_logins<'a>(&'a self, choice: &'a Choice) -> BoxFuture<'a, Result<Vec<FailedLogin>, LaunchError>> {
        let since = choice.since.unwrap_or(0);
        let failed: Vec<_> =
            self.failed.lock().unwrap().iter().filter(|login| login.time_usec >= since).cloned().collect();
        Box::pin(async move { Ok(failed) })
    }
}

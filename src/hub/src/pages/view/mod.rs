//! What the pages show: one struct for each page, filled by the handlers, drawn by the templates.
//!
//! Invariant: plain data in, HTML out. Every value is escaped by its template, every sentence comes from the locale
//! files, and every form carries the XSRF token. Nothing here reads a request or a clock.

mod error;
mod failure;
mod frame;
mod home;
mod moment;
mod server;
mod spawn;

use askama::Template;

pub use error::{ErrorKind, ErrorPage};
pub use failure::{Failure, FailureKind};
pub use frame::{Frame, Notice, NoticeKind};
pub use home::HomePage;
pub(super) use moment::Moment;
pub use server::{Actions, ServerView};
pub use spawn::{SpawnPendingPage, Stage, StoppedPage};

/// Draws a page.
pub trait Page {
    /// The whole HTML document. Templates write into memory, which does not fail; if it ever does, the page is empty.
    fn render_page(&self) -> String;
}

impl<T: Template> Page for T {
    fn render_page(&self) -> String {
        self.render().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;

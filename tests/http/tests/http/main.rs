//! The real router, gate, proxy and SQLite file, with a launcher, a PAM and an authority made for the test.
//!
//! The files mirror the URLs. Every wait has a deadline.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]
#![allow(missing_docs, clippy::format_push_string, reason = "nobody imports a test")]

mod admin;
mod api;
mod api_activity;
mod api_client;
mod api_groups;
mod api_rules;
mod api_tokens;
mod api_users;
mod calls;
mod fake_pam;
mod home;
mod idle;
mod launcher;
mod login;
mod login_conversation;
mod metrics;
mod named;
mod oauth;
mod oom;
mod scopes;
mod server;
mod servers;
mod service_launcher;
mod services;
mod share_codes;
mod shares;
mod singleuser;
mod spawn;
mod stay;
mod token_page;
mod tunnel;
mod upstream;
mod usage;
mod world;
mod xsrf;

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

mod accounts;
mod admin;
mod admin_limits;
mod admin_live;
mod admin_logs;
mod admin_services;
mod admin_sessions;
mod api;
mod api_activity;
mod api_client;
mod api_groups;
mod api_rules;
mod api_tokens;
mod api_users;
mod calls;
mod choice;
mod fake_pam;
mod home;
mod idle;
mod idle_rules;
mod journals;
mod keeper;
mod kernel;
mod launcher;
mod limits;
mod login;
mod login_conversation;
mod metrics;
mod named;
mod notice;
mod oauth;
mod oom;
mod outcome;
mod pressure;
mod profiles;
mod scopes;
mod server;
mod servers;
mod service_launcher;
mod services;
mod share_codes;
mod shares;
mod singleuser;
mod spawn;
mod start_log;
mod stay;
mod suspension;
mod token_page;
mod tunnel;
mod upstream;
mod usage;
mod world;
mod xsrf;

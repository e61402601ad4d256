//! The process that faces the network: pages, REST API, OAuth2, reverse proxy.
//!
//! Invariant: no privilege, no password kept, no truth about running processes. Imports run downwards only:
//! `pages`, `api`, `oauth`, `proxy` -> `http` -> `services` -> `servers` -> `auth` -> `store`.

pub mod api;
pub mod app;
pub mod auth;
pub mod clock;
pub mod http;
pub mod journals;
pub mod oauth;
pub mod observe;
pub mod pages;
pub mod proxy;
pub mod servers;
pub mod services;
pub mod store;

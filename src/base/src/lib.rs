//! What every program of the hub shares: names, secrets, configuration, accounts, who may come and with how much,
//! where `JupyterLab` is.
//!
//! Linked into programs that run as root: keep it small, with few dependencies, and without any input it trusts
//! before parsing it.

pub mod account;
pub mod config;
pub mod lab;
pub mod limits;
pub mod names;
pub mod policy;
pub mod profiles;
pub mod secret;

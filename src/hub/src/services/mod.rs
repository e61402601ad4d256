//! Services of the configuration: what of them runs, and the tokens they show.
//!
//! Invariant: systemd owns what runs, and starts again what ended by itself. A hub that starts finds its services running
//! and leaves them alone; it starts those that do not run, and those whose configuration or token is another by now.

pub mod launcher;
pub mod manager;
pub mod order;
pub mod systemd;
pub mod tokens;

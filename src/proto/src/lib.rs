//! What the hub's programs say to each other: the frames of a login and the names of the broker's interface.

pub mod accounts;
pub mod broker;
pub mod login;

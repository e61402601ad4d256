//! HTTP of the hub: where connections come from, which part answers, and how errors look.

pub mod cookies;
pub mod credentials;
pub mod document;
pub mod faults;
pub mod layers;
pub mod listen;
pub mod next;
pub mod origin;
pub mod public;
pub mod redirect;
pub mod serve;
pub mod stay;
pub mod visitor;
pub mod xsrf;

//! The scopes against the wire contract (`facts`) and against their own definition (`laws`).

mod facts;
mod laws;

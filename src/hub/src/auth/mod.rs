//! Who is asking, and what they may do. Knows the store, knows nothing of HTTP.

pub mod access;
pub mod accounts;
pub mod changes;
pub mod clients;
pub mod configured;
pub mod groups;
pub mod keeper;
pub mod login;
pub mod people;
pub mod random;
pub mod roles;
pub mod scopes;
pub mod services;
pub mod sessions;
pub mod share_codes;
pub mod shares;
pub mod standing;
pub mod token_request;
pub mod tokens;
pub mod xsrf;

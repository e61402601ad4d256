//! Who is asking, and what they may do. Knows the store, knows nothing of HTTP.

pub mod login;
pub mod people;
pub mod scopes;
pub mod sessions;
pub mod standing;
pub mod tokens;
pub mod xsrf;

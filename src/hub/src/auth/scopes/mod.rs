//! The scopes of `JupyterHub`'s role-based access control: what they are called, what they imply, what they cover.
//!
//! A request's [`Scopes`] are made by [`Catalog::expand`] from the raw strings of roles, shares and tokens, combined
//! with [`Scopes::add`] and [`Scopes::intersect`], and asked with [`Scopes::covers`].
//! Invariant: nothing here ever gives more than its inputs do; what cannot be resolved gives nothing.
//! Never here: the store, HTTP, a clock. Who is in which group is asked through [`Membership`] at the moment of the
//! question, so expanded scopes may outlive a change of a group, but an intersection may not.

mod catalog;
mod definitions;
mod held;
mod owner;
mod raw;

pub use catalog::{Catalog, Custom, Sentence};
pub use definitions::{ADMIN_ROLE, Definition, SERVER_ROLE, TOKEN_ROLE, USER_ROLE, definitions};
pub use held::{Cover, Filters, Holding, Membership, Resource, Scopes};
pub use owner::{Issuer, Owner, identify};
pub use raw::{Filter, Kind, RawScope, ScopeError};

#[cfg(test)]
mod tests;

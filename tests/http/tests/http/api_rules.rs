//! The rules of people, groups and tokens.

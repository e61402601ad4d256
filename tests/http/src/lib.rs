//! The http tier: see `tests/http`.

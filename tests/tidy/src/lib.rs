//! The laws of the repository, as tests: see `tests/tidy`.

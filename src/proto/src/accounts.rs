//! The names of the broker's second D-Bus interface, for accounts that the hub makes, and of its polkit actions.
//!
//! Name and object are those of [`crate::broker`]. Passwords travel through pipes (`h`), never as strings: what is a
//! string on the bus can be read by whoever may monitor it.

/// The interface.
pub const INTERFACE: &str = "org.hubd.Accounts1";

/// `CreateAccount(s user, h password, b must_change) -> h`: makes an account with this password. The password is what
/// can be read from the pipe, at most [`PASSWORD_MAX`] bytes; nothing in it has the broker choose one. From the pipe of
/// the answer the password can be read that was set.
pub const METHOD_CREATE: &str = "CreateAccount";
/// `SetPassword(s user, h password, b must_change) -> h`: as [`METHOD_CREATE`], for an account that the hub made.
pub const METHOD_SET_PASSWORD: &str = "SetPassword";
/// `DeleteAccount(s user, b home)`: removes an account that the hub made, and its home with all files if wished. A home
/// that stays becomes root's.
pub const METHOD_DELETE: &str = "DeleteAccount";

/// The Unix group of all accounts that the hub made, and of no others.
pub const MARKER_GROUP: &str = "hub-people";
/// The shortest password that somebody may choose for another person, in characters.
pub const PASSWORD_MIN_CHARS: usize = 8;
/// The longest, in bytes.
pub const PASSWORD_MAX: usize = 256;

/// polkit: may make accounts.
pub const ACTION_CREATE: &str = "org.hubd.create-account";
/// polkit: may set passwords of accounts that the hub made.
pub const ACTION_SET_PASSWORD: &str = "org.hubd.set-password";
/// polkit: may delete accounts that the hub made.
pub const ACTION_DELETE: &str = "org.hubd.delete-account";

/// What the configuration or the account itself forbids; the text says what.
pub const ERROR_REFUSED: &str = "org.hubd.Error.Refused";

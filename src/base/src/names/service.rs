//! The name of a service and what is named after it: unit, folder, socket.
//!
//! Invariant: a [`ServiceName`] stands in a path, a unit name, a URL or a scope as it is; nothing in it needs to be
//! percent-encoded. The unit's name is the one place where it is escaped.

use std::fmt;
use std::path::{Path, PathBuf};

use super::{Dash, NameError, UNIT_NAME_MAX, UNIT_SUFFIX, escape_unit, unescape_unit};

/// The folder of the services' sockets: `root:_hubd`, 0710.
pub const SERVICES_DIR: &str = "/run/hub/services";
/// The longest name of a service in bytes. Its socket's path fits in `sun_path` (108) with room to spare.
pub const SERVICE_MAX: usize = 64;

const UNIT_PREFIX: &str = "hub-service@";
const FORWARD_PREFIX: &str = "hub-service-forward@";
const ESCAPED_MAX: usize = UNIT_NAME_MAX - FORWARD_PREFIX.len() - UNIT_SUFFIX.len();

/// The name of a service: what `services/<name>/` and `service-<name>` are made of. Case is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceName(String);

impl ServiceName {
    /// Takes 1 to 64 bytes of `A-Za-z0-9_.-~`, the first one a letter or a digit.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let first = text.chars().next().ok_or(NameError::Empty)?;
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '~');
        if let Some(bad) = text.chars().find(|c| !plain(c)) {
            return Err(NameError::Character(bad));
        }
        if !first.is_ascii_alphanumeric() {
            return Err(NameError::Start(first));
        }
        // A name of many tildes would be too long once each of them is four bytes.
        if text.len() > SERVICE_MAX || escape_unit(text, Dash::Keep).len() > ESCAPED_MAX {
            return Err(NameError::TooLong);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name, which is also its segment of a URL's path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `hub-service@idle-culler.service`. Never longer than systemd allows (255 bytes).
    pub fn unit_name(&self) -> String {
        format!("{UNIT_PREFIX}{}{UNIT_SUFFIX}", escape_unit(&self.0, Dash::Keep))
    }

    /// The exact inverse of [`ServiceName::unit_name`]: any other spelling gives `None`.
    pub fn from_unit_name(unit: &str) -> Option<Self> {
        let instance = unit.strip_prefix(UNIT_PREFIX)?.strip_suffix(UNIT_SUFFIX)?;
        let bytes = unescape_unit(instance)?;
        let name = Self::parse(std::str::from_utf8(&bytes).ok()?).ok()?;
        (name.unit_name() == unit).then_some(name)
    }

    /// The socket unit of the forwarder to the service's TCP address: `hub-service-forward@idle-culler.socket`.
    pub fn forward_socket_name(&self) -> String {
        format!("{FORWARD_PREFIX}{}.socket", escape_unit(&self.0, Dash::Keep))
    }

    /// What that socket starts: `hub-service-forward@idle-culler.service`.
    pub fn forward_unit_name(&self) -> String {
        format!("{FORWARD_PREFIX}{}{UNIT_SUFFIX}", escape_unit(&self.0, Dash::Keep))
    }

    /// The folder of the socket that the service is reached by: `/run/hub/services/idle-culler`.
    pub fn directory(&self) -> PathBuf {
        Path::new(SERVICES_DIR).join(&self.0)
    }

    /// The socket: `/run/hub/services/idle-culler/s`. At most 107 bytes.
    pub fn socket_path(&self) -> PathBuf {
        self.directory().join("s")
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for ServiceName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

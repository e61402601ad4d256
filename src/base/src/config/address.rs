//! Addresses: where people find the hub, where a service listens, where a login leads back to.

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use toml::de::DeValue;

use super::value::{expected, quote, string};
use super::{ServiceTarget, ServiceUrl};

/// The longest path of a socket in bytes: `sun_path` without its final NUL.
const SOCKET_MAX: usize = 107;

/// `https://hub.example.org`, as browsers write it in `Origin`: in lower case, without the usual port. `None` for `""`.
pub(super) fn origin(value: &DeValue<'_>) -> Result<Option<String>, String> {
    let wanted = "\"\" or an address such as \"https://hub.example.org\", without a path (which is hub.base_url)";
    let text = string(value, wanted)?;
    if text.is_empty() {
        return Ok(None);
    }
    let rest = text.strip_prefix("https://").ok_or_else(|| expected(wanted, value))?;
    let rest = rest.strip_suffix('/').unwrap_or(rest).to_ascii_lowercase();
    let (_, port) = authority(&rest).ok_or_else(|| expected(wanted, value))?;
    let shown = if port == Some(443) { rest.rsplit_once(':').map_or(rest.as_str(), |(host, _)| host) } else { &rest };
    Ok(Some(format!("https://{shown}")))
}

/// Where a service listens; `None` for `""`.
pub(super) fn service(value: &DeValue<'_>) -> Result<Option<ServiceUrl>, String> {
    let wanted =
        "\"\" or an address without a path such as \"http://127.0.0.1:9000\" or \"http+unix://%2Frun%2Fgrades.sock\"";
    let text = string(value, wanted)?;
    if text.is_empty() {
        return Ok(None);
    }
    let text = text.strip_suffix('/').unwrap_or(text);
    if text.starts_with("https://") {
        let shown = quote(text);
        return Err(format!(
            "the hub speaks plain HTTP with services, got {shown}: let the service listen on \"http://127.0.0.1:PORT\" \
             or on a socket, \"http+unix://%2Frun%2FNAME.sock\""
        ));
    }
    let has_path = text.split_once("://").is_some_and(|(_, rest)| rest.contains(BEHIND));
    let target = ServiceTarget::find(text).filter(|_| !has_path).ok_or_else(|| expected(wanted, value))?;
    Ok(Some(ServiceUrl { text: text.to_owned(), target }))
}

/// What ends the part of an address that says where to connect.
const BEHIND: [char; 3] = ['/', '?', '#'];

impl ServiceTarget {
    /// Where an address leads: `http://host:port`, `https://host:port` or `http+unix://` and a percent-encoded path.
    ///
    /// What stands behind that is not looked at: a service gets the whole path that was asked for.
    pub fn find(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let place = rest.split(BEHIND).next()?;
        let tls = match scheme {
            "http+unix" => return socket(place).map(Self::Unix),
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let (host, port) = authority(place)?;
        let port = port.unwrap_or(if tls { 443 } else { 80 });
        Some(Self::Tcp { host: host.to_owned(), port, tls })
    }
}

/// Host (without brackets) and port.
fn authority(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        (host, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
    } else {
        let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        if !host.starts_with(|c: char| c.is_ascii_alphanumeric()) || !host.bytes().all(plain) {
            return None;
        }
        (host, port)
    };
    let port = match port {
        None => None,
        // A sign or a zero in front would be taken by the number's own parser.
        Some(digits) if digits.starts_with(|c: char| matches!(c, '1'..='9')) => Some(digits.parse().ok()?),
        Some(_) => return None,
    };
    Some((host, port))
}

/// The path of a socket out of its percent-encoded form.
fn socket(text: &str) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                bytes.push(u8::try_from(high * 16 + low).ok()?);
            }
            b'@' => return None,
            byte => bytes.push(byte),
        }
    }
    let path = String::from_utf8(bytes).ok()?;
    (path.len() <= SOCKET_MAX && is_plain_path(&path)).then(|| PathBuf::from(path))
}

/// An absolute path without tricks; `None` for `""`.
pub(super) fn folder(value: &DeValue<'_>) -> Result<Option<PathBuf>, String> {
    let wanted = "\"\" or an absolute path";
    let text = string(value, wanted)?;
    match text {
        "" => Ok(None),
        path if is_plain_path(path) => Ok(Some(PathBuf::from(path))),
        _ => Err(expected(wanted, value)),
    }
}

fn is_plain_path(text: &str) -> bool {
    Path::new(text).is_absolute() && !text.contains(char::is_control) && !text.split('/').any(|part| part == "..")
}

/// Where a login leads back to: an address, or a path on the hub. `None` for `""`.
pub(super) fn redirect(value: &DeValue<'_>) -> Result<Option<String>, String> {
    let wanted = "\"\", an address such as \"https://grades.example.org/oauth_callback\" or a path on the hub";
    let text = string(value, wanted)?;
    if text.is_empty() {
        return Ok(None);
    }
    // A fragment must not be there (RFC 6749, 3.1.2).
    let odd = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '#' | '\\');
    let path = text.starts_with('/') && !text.starts_with("//");
    let address = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme)).is_some_and(|rest| {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        rest.get(..end).is_some_and(|host| authority(host).is_some())
    });
    if (path || address) && !text.contains(odd) { Ok(Some(text.to_owned())) } else { Err(expected(wanted, value)) }
}

//! Where to go afterwards: `next` only ever leads to this very host (contract 8.6).

use hubd_base::names::UserName;
use percent_encoding::percent_decode_str;

/// The path to go to, if `next` is a path below `prefix`; anything else is `None`.
pub fn check(next: &str, prefix: &str) -> Option<String> {
    let inside = next.starts_with(prefix) && !next.starts_with("//");
    // Browsers read a backslash as a slash, and control characters not at all.
    let plain = !next.contains('\\') && !next.chars().any(char::is_control);
    (inside && plain).then(|| next.to_owned())
}

/// The path to go to, if `next` is a path, or an address of this hub: of `origin` (`https://hub.example.org`), which is
/// configured or comes from the request itself. `configured` says that the scheme counts too.
pub fn check_here(next: &str, origin: &str, configured: bool) -> Option<String> {
    let next = next.replace('\\', "%5C");
    // Three slashes and more are read as two by browsers.
    let slashes = next.len() - next.trim_start_matches('/').len();
    let next = next.get(slashes.saturating_sub(2).min(slashes)..)?;
    let (scheme, rest) = match next.split_once("://") {
        Some((scheme, rest)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => (Some(scheme), rest),
        _ => match next.strip_prefix("//") {
            Some(rest) => (None, rest),
            None => return check(next, "/"),
        },
    };
    let (own_scheme, own_host) = origin.split_once("://")?;
    let (host, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let is = |scheme: &str, wanted: &str| scheme.eq_ignore_ascii_case(wanted);
    // Unconfigured, a proxy in front may speak HTTPS, of which the hub does not know.
    let same_scheme = scheme
        .is_none_or(|scheme| is(scheme, own_scheme) || (!configured && (is(scheme, "http") || is(scheme, "https"))));
    if !same_scheme || own_host.is_empty() || !host.eq_ignore_ascii_case(own_host) {
        return None;
    }
    check(&format!("/{}", path.trim_start_matches('/')), "/")
}

/// A value for a query parameter.
pub fn quote(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// One decoded path segment as a person's name.
pub fn user_of(segment: &str) -> Option<UserName> {
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    UserName::parse(&decoded).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_never_leads_outside() {
        for good in ["/user/alice/lab?a=b", "/hub/home", "/", "/hub/user/%C3%BC/"] {
            assert_eq!(check(good, "/").as_deref(), Some(good));
        }
        for bad in [
            "",
            "home",
            "//evil",
            "///evil",
            "/\\evil",
            "https://evil/",
            "/\tevil",
            "/\n/evil",
            "\\/evil",
            "javascript:x",
        ] {
            assert_eq!(check(bad, "/"), None, "{bad:?}");
        }
        assert_eq!(check("/hub/home", "/jupyter/"), None);
        assert_eq!(check("/jupyter/hub/home", "/jupyter/").as_deref(), Some("/jupyter/hub/home"));
    }

    #[test]
    fn an_address_of_this_hub_is_as_good_as_its_path() {
        let configured = |next: &str| check_here(next, "https://hub.example.org", true);
        for (next, path) in [
            ("/hub/home", "/hub/home"),
            ("/elsewhere?a=b#c", "/elsewhere?a=b#c"),
            ("https://hub.example.org/user/alice/lab?x=1", "/user/alice/lab?x=1"),
            ("HTTPS://Hub.Example.ORG/a", "/a"),
            ("//hub.example.org//a", "/a"),
            ("////hub.example.org/a", "/a"),
            ("https://hub.example.org", "/"),
            ("https://hub.example.org?x=1", "/?x=1"),
            ("/a?u=https://evil/", "/a?u=https://evil/"),
            ("/a\\b", "/a%5Cb"),
        ] {
            assert_eq!(configured(next).as_deref(), Some(path), "{next}");
        }
        for bad in [
            "",
            "home",
            "http://hub.example.org/a",
            "https://hub.example.org:8443/a",
            "https://hub.example.org.evil/a",
            "https://hub.example.org@evil/a",
            "https://evil/hub.example.org",
            "//evil/a",
            "///evil/a",
            "/\\evil",
            "\\\\evil",
            "javascript:alert(1)//",
            "javascript://hub.example.org/%0aalert(1)",
            "/\tx",
            "/\n/evil",
        ] {
            let found = configured(bad);
            assert!(found.is_none() || found.as_deref() == Some("/%5Cevil"), "{bad:?}: {found:?}");
        }
        assert_eq!(check_here("https://localhost:8000/a", "http://localhost:8000", false).as_deref(), Some("/a"));
        assert_eq!(check_here("ftp://localhost:8000/a", "http://localhost:8000", false), None);
        assert_eq!(check_here("//localhost/a", "", false), None);
    }
}

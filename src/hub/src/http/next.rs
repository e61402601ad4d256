//! Where to go afterwards: `next` only ever leads inside the hub (contract 8.6, and stricter).

use hubd_base::names::{ServerId, UserName};
use percent_encoding::percent_decode_str;

/// The path to go to, if `next` is a path below `base_url` of this very host; anything else is `None`.
pub fn check(next: &str, base_url: &str) -> Option<String> {
    let inside = next.starts_with(base_url) && !next.starts_with("//");
    // Browsers read a backslash as a slash, and control characters not at all.
    let plain = !next.contains('\\') && !next.chars().any(char::is_control);
    (inside && plain).then(|| next.to_owned())
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

/// The default server of the person that the path segment names.
pub fn server_of(segment: &str) -> Option<ServerId> {
    user_of(segment).map(ServerId::default_of)
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
}

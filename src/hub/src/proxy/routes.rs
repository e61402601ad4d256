//! From a path to the server it belongs to.

use hubd_base::names::{ServerId, UserName};
use hyper::Request;
use percent_encoding::percent_decode_str;

use crate::app::App;

/// Where a path below `<base>user/` leads.
#[derive(Debug, PartialEq, Eq)]
pub struct Target<'a> {
    /// The server.
    pub id: ServerId,
    /// What follows the server's prefix, undecoded, without query.
    pub path: &'a str,
    /// Whether the slash after the name is there.
    pub complete: bool,
}

/// What follows `<base>user/`, if the path begins so.
pub fn user_path<'p>(app: &App, path: &'p str) -> Option<&'p str> {
    path.strip_prefix(app.base_url())?.strip_prefix("user/")
}

/// The server of a path below `<base>user/`; `None` when the first segment is no possible name.
pub fn parse(rest: &str) -> Option<Target<'_>> {
    let (segment, path, complete) = match rest.split_once('/') {
        Some((segment, path)) => (segment, path, true),
        None => (rest, "", false),
    };
    let name = percent_decode_str(segment).decode_utf8().ok()?;
    let id = ServerId::default_of(UserName::parse(&name).ok()?);
    Some(Target { id, path, complete })
}

/// The query of a request with its question mark, or nothing.
pub fn query<B>(request: &Request<B>) -> String {
    request.uri().query().map(|query| format!("?{query}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_the_person_of_its_first_segment() {
        let of = |rest| parse(rest).map(|target| (target.id.user.to_string(), target.path.to_owned(), target.complete));
        assert_eq!(of("alice/lab/tree/x%2Fy"), Some(("alice".into(), "lab/tree/x%2Fy".into(), true)));
        assert_eq!(of("alice"), Some(("alice".into(), String::new(), false)));
        assert_eq!(of("%C3%BCser/"), Some(("üser".into(), String::new(), true)));
        assert_eq!(of("alic%65/"), Some(("alice".into(), String::new(), true)));
    }

    #[test]
    fn impossible_names_lead_nowhere() {
        for rest in ["", "/", "a%2Fb/", "../", "%2e%2e/", "a%00/", "a%0a/", "%FF/", "a b/"] {
            assert_eq!(parse(rest), None, "{rest}");
        }
    }
}

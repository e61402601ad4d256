//! What is taken off and put on between browser and server (RFC 9110 7.6.1; contract 9.1).

use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::http::cookies;

/// Headers of one connection only, beside those that `Connection` names.
const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What clients may claim about who they are; the hub says it itself.
const CLAIMS: [&str; 10] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-server",
    "x-real-ip",
    "x-scheme",
    "keep-alive",
    "proxy-connection",
];

/// What of the client's credentials a server sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// None of the hub's: the gate looked at them.
    Hidden,
    /// All but the cookie that logs a browser in at the hub: the server asks the hub about them itself.
    Shown,
}

impl Credentials {
    fn hides(self, cookie: &str) -> bool {
        match self {
            Self::Hidden => cookies::is_ours(cookie),
            Self::Shown => cookies::is_login(cookie),
        }
    }
}

/// Makes a client's headers fit for the server: `Host`, `Origin` and the server's own cookies stay.
/// Returns the protocol to switch to, if the client asks for one.
pub fn prepare_request(headers: &mut HeaderMap, address: &str, credentials: Credentials) -> Option<HeaderValue> {
    let upgrade = upgrade_of(headers);
    strip_hop_by_hop(headers);
    for name in CLAIMS {
        headers.remove(name);
    }
    if credentials == Credentials::Hidden {
        // The hub's tokens are not for servers; and a server without a token of its own needs none.
        headers.remove(header::AUTHORIZATION);
    }
    headers.remove(header::EXPECT);
    match cookies::without(headers, |cookie| credentials.hides(cookie)) {
        Some(kept) => headers.insert(header::COOKIE, kept),
        None => headers.remove(header::COOKIE),
    };
    if let Ok(address) = HeaderValue::from_str(address) {
        headers.insert("x-forwarded-for", address.clone());
        headers.insert("x-real-ip", address);
    }
    headers.insert("x-forwarded-proto", HeaderValue::from_static("http"));
    if let Some(protocol) = &upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol.clone());
    }
    upgrade
}

/// By what of the client's credentials the server may tell one visitor from another, as they were sent.
pub fn credentials(headers: &HeaderMap, credentials: Credentials) -> Vec<u8> {
    let mut told = Vec::new();
    if credentials == Credentials::Shown {
        for value in headers.get_all(header::AUTHORIZATION) {
            told.extend(value.as_bytes());
            told.push(b'\n');
        }
    }
    if let Some(kept) = cookies::without(headers, |cookie| credentials.hides(cookie)) {
        told.extend(kept.as_bytes());
    }
    told
}

/// Makes a server's headers fit for the client: it cannot set the cookies that it cannot see, nor the
/// session's id, by which others know a log-out.
pub fn prepare_response(headers: &mut HeaderMap, credentials: Credentials) {
    let upgrade = upgrade_of(headers);
    strip_hop_by_hop(headers);
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
    if headers.contains_key(header::SET_COOKIE) {
        let kept: Vec<HeaderValue> = headers
            .get_all(header::SET_COOKIE)
            .iter()
            .filter(|cookie| {
                let hubs_own = |cookie| credentials.hides(cookie) || cookies::is_session_id(cookie);
                !cookie.to_str().is_ok_and(hubs_own)
            })
            .cloned()
            .collect();
        headers.remove(header::SET_COOKIE);
        for cookie in kept {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
    if let Some(protocol) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
    }
}

/// The `Upgrade` header, if `Connection` names it.
fn upgrade_of(headers: &HeaderMap) -> Option<HeaderValue> {
    let named = connection_options(headers).any(|option| option.eq_ignore_ascii_case("upgrade"));
    headers.get(header::UPGRADE).filter(|_| named).cloned()
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> =
        connection_options(headers).filter_map(|option| HeaderName::try_from(option).ok()).collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|option| !option.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn strips_connection_headers_and_those_it_names() {
        let mut sent =
            headers(&[("connection", "close, x-secret"), ("x-secret", "1"), ("te", "trailers"), ("x-kept", "2")]);
        prepare_request(&mut sent, "192.0.2.1", Credentials::Hidden);
        assert!(!sent.contains_key("connection") && !sent.contains_key("x-secret") && !sent.contains_key("te"));
        assert_eq!(sent.get("x-kept").unwrap(), "2");
    }

    #[test]
    fn forwarded_headers_are_rewritten_never_trusted() {
        let mut sent = headers(&[
            ("x-forwarded-for", "10.0.0.1"),
            ("forwarded", "for=10.0.0.1"),
            ("x-scheme", "https"),
            ("x-real-ip", "10.0.0.1"),
        ]);
        prepare_request(&mut sent, "192.0.2.1", Credentials::Hidden);
        assert_eq!(sent.get("x-forwarded-for").unwrap(), "192.0.2.1");
        assert_eq!(sent.get("x-real-ip").unwrap(), "192.0.2.1");
        assert!(!sent.contains_key("forwarded") && !sent.contains_key("x-scheme"));
    }

    #[test]
    fn host_origin_and_the_servers_own_cookies_pass() {
        let mut sent = headers(&[
            ("host", "hub.example.org"),
            ("origin", "http://hub.example.org"),
            ("cookie", "_xsrf=a; jupyterhub-user-alice=secret"),
            ("authorization", "token secret"),
        ]);
        prepare_request(&mut sent, "192.0.2.1", Credentials::Hidden);
        assert_eq!(sent.get("host").unwrap(), "hub.example.org");
        assert_eq!(sent.get("origin").unwrap(), "http://hub.example.org");
        assert_eq!(sent.get("cookie").unwrap(), "_xsrf=a");
        assert!(!sent.contains_key("authorization"));
    }

    #[test]
    fn an_upgrade_stays_one_and_only_when_connection_names_it() {
        let mut sent = headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]);
        assert_eq!(prepare_request(&mut sent, "192.0.2.1", Credentials::Hidden).unwrap(), "websocket");
        assert_eq!(sent.get("connection").unwrap(), "upgrade");
        let mut sent = headers(&[("upgrade", "websocket")]);
        assert!(prepare_request(&mut sent, "192.0.2.1", Credentials::Hidden).is_none());
        assert!(!sent.contains_key("upgrade"));
    }

    #[test]
    fn a_server_cannot_set_the_hubs_cookies() {
        let mut answer = headers(&[("set-cookie", "jupyterhub-hub-login=x; Path=/hub/")]);
        answer.append(header::SET_COOKIE, HeaderValue::from_static("_xsrf=2|a; Path=/user/alice/"));
        prepare_response(&mut answer, Credentials::Hidden);
        let kept: Vec<_> = answer.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(kept, ["_xsrf=2|a; Path=/user/alice/"]);
    }

    #[test]
    fn a_server_that_asks_the_hub_itself_sees_all_but_the_login() {
        let mut sent = headers(&[
            ("cookie", "_xsrf=a; jupyterhub-hub-login=secret; jupyterhub-user-alice=b; jupyterhub-session-id=c"),
            ("authorization", "token d"),
        ]);
        prepare_request(&mut sent, "192.0.2.1", Credentials::Shown);
        assert_eq!(sent.get("cookie").unwrap(), "_xsrf=a; jupyterhub-user-alice=b; jupyterhub-session-id=c");
        assert_eq!(sent.get("authorization").unwrap(), "token d");
        let mut answer = headers(&[("set-cookie", "jupyterhub-hub-login=x; Path=/hub/")]);
        answer.append(header::SET_COOKIE, HeaderValue::from_static("jupyterhub-session-id=x; Path=/"));
        answer.append(header::SET_COOKIE, HeaderValue::from_static("jupyterhub-user-alice=b; Path=/user/alice/"));
        prepare_response(&mut answer, Credentials::Shown);
        let kept: Vec<_> = answer.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(kept, ["jupyterhub-user-alice=b; Path=/user/alice/"]);
    }
}

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

/// Who decides whether a visitor may use what is behind the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The hub's gate: none of the hub's cookies and tokens goes further.
    Gate,
    /// What is behind, by tokens of the hub: only the hub's own login stays here.
    Itself,
}

impl Guard {
    /// Whether a `name=value` pair, or a whole `Set-Cookie` value, is none of what is behind.
    fn keeps_from(self, sent: Sent, pair: &str) -> bool {
        match (self, sent) {
            (Self::Gate, _) => cookies::is_ours(pair),
            (Self::Itself, Sent::ByClient) => cookies::is_login(pair),
            (Self::Itself, Sent::ByServer) => cookies::is_login(pair) || cookies::is_of_session(pair),
        }
    }
}

#[derive(Clone, Copy)]
enum Sent {
    ByClient,
    ByServer,
}

/// Makes a client's headers fit for the server: `Host`, `Origin` and the server's own cookies stay.
/// `upgrade`: the protocol to switch to, if the client asks for one.
pub fn prepare_request(headers: &mut HeaderMap, address: &str, guard: Guard) -> Option<HeaderValue> {
    let upgrade = upgrade_of(headers);
    strip_hop_by_hop(headers);
    for name in CLAIMS {
        headers.remove(name);
    }
    if guard == Guard::Gate {
        // The hub's tokens are not for servers; and a server without a token of its own needs none.
        headers.remove(header::AUTHORIZATION);
    }
    headers.remove(header::EXPECT);
    match cookies::without(headers, |pair| guard.keeps_from(Sent::ByClient, pair)) {
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

/// Makes a server's headers fit for the client: it cannot set the hub's cookies.
pub fn prepare_response(headers: &mut HeaderMap, guard: Guard) {
    let upgrade = upgrade_of(headers);
    strip_hop_by_hop(headers);
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
    if headers.contains_key(header::SET_COOKIE) {
        let kept: Vec<HeaderValue> = headers
            .get_all(header::SET_COOKIE)
            .iter()
            .filter(|cookie| !cookie.to_str().is_ok_and(|cookie| guard.keeps_from(Sent::ByServer, cookie)))
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
        prepare_request(&mut sent, "192.0.2.1", Guard::Gate);
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
        prepare_request(&mut sent, "192.0.2.1", Guard::Gate);
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
        prepare_request(&mut sent, "192.0.2.1", Guard::Gate);
        assert_eq!(sent.get("host").unwrap(), "hub.example.org");
        assert_eq!(sent.get("origin").unwrap(), "http://hub.example.org");
        assert_eq!(sent.get("cookie").unwrap(), "_xsrf=a");
        assert!(!sent.contains_key("authorization"));
    }

    #[test]
    fn an_upgrade_stays_one_and_only_when_connection_names_it() {
        let mut sent = headers(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]);
        assert_eq!(prepare_request(&mut sent, "192.0.2.1", Guard::Gate).unwrap(), "websocket");
        assert_eq!(sent.get("connection").unwrap(), "upgrade");
        let mut sent = headers(&[("upgrade", "websocket")]);
        assert!(prepare_request(&mut sent, "192.0.2.1", Guard::Gate).is_none());
        assert!(!sent.contains_key("upgrade"));
    }

    #[test]
    fn a_server_cannot_set_the_hubs_cookies() {
        let mut answer = headers(&[("set-cookie", "jupyterhub-hub-login=x; Path=/hub/")]);
        answer.append(header::SET_COOKIE, HeaderValue::from_static("_xsrf=2|a; Path=/user/alice/"));
        prepare_response(&mut answer, Guard::Gate);
        let kept: Vec<_> = answer.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(kept, ["_xsrf=2|a; Path=/user/alice/"]);
    }
    #[test]
    fn who_asks_the_hub_itself_gets_all_but_the_login() {
        let mut sent = headers(&[
            (
                "cookie",
                "jupyterhub-hub-login=a; jupyterhub-session-id=b; service-grades=c; __Host-jupyterhub-hub-login=d",
            ),
            ("authorization", "token secret"),
        ]);
        prepare_request(&mut sent, "192.0.2.1", Guard::Itself);
        assert_eq!(sent.get("cookie").unwrap(), "jupyterhub-session-id=b; service-grades=c");
        assert_eq!(sent.get("authorization").unwrap(), "token secret");
        let mut answer = headers(&[("set-cookie", "jupyterhub-session-id=x; Path=/")]);
        answer.append(header::SET_COOKIE, HeaderValue::from_static("jupyterhub-hub-login=x; Path=/hub/"));
        answer.append(header::SET_COOKIE, HeaderValue::from_static("service-grades=x; Path=/services/grades/"));
        prepare_response(&mut answer, Guard::Itself);
        let kept: Vec<_> = answer.get_all(header::SET_COOKIE).iter().collect();
        assert_eq!(kept, ["service-grades=x; Path=/services/grades/"]);
    }
}

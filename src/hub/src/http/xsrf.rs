//! Where a request carries its form protection, and when it needs none (contract 5.3).

use axum::http::{HeaderMap, HeaderValue, Method, Uri};

/// `_xsrf` of the address, or of the headers that scripts use.
pub fn submitted(uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let query = uri.query().unwrap_or_default();
    let argument = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "_xsrf");
    let header = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let header = || header("x-xsrftoken").or_else(|| header("x-csrftoken"));
    argument.map(|(_, value)| value.into_owned()).or_else(|| header().map(str::to_owned))
}

/// Whether a call of the API by cookie needs no form protection: reads that no other site's script can have caused.
/// These are navigations, clients without fetch metadata, and what the browser itself says comes from this very site.
pub fn is_exempt(method: &Method, headers: &HeaderMap) -> bool {
    let header = |name| headers.get(name).map(HeaderValue::as_bytes);
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    match header("sec-fetch-mode") {
        Some(b"websocket") => true,
        _ if matches!(*method, Method::HEAD | Method::OPTIONS) => true,
        None | Some(b"navigate") => reads,
        Some(b"no-cors") => reads && header("sec-fetch-site") == Some(b"same-origin"),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_argument_comes_before_the_headers() {
        let sent = headers(&[("x-xsrftoken", "header"), ("x-csrftoken", "other")]);
        let of = |uri: &'static str, sent: &HeaderMap| submitted(&Uri::from_static(uri), sent);
        assert_eq!(of("/hub/api/user?_xsrf=a%2Bb", &sent).as_deref(), Some("a+b"));
        assert_eq!(of("/hub/api/user", &sent).as_deref(), Some("header"));
        assert_eq!(of("/hub/api/user", &headers(&[("x-csrftoken", "other")])).as_deref(), Some("other"));
        assert_eq!(of("/hub/api/user?xsrf=a", &HeaderMap::new()), None);
    }

    #[test]
    fn only_reads_that_nobody_else_can_cause_need_no_token() {
        let (get, post, head) = (Method::GET, Method::POST, Method::HEAD);
        let mode = |mode| headers(&[("sec-fetch-mode", mode)]);
        assert!(is_exempt(&get, &HeaderMap::new()) && is_exempt(&head, &HeaderMap::new()));
        assert!(is_exempt(&get, &mode("navigate")) && !is_exempt(&post, &mode("navigate")));
        assert!(!is_exempt(&post, &HeaderMap::new()) && !is_exempt(&Method::DELETE, &HeaderMap::new()));
        assert!(is_exempt(&get, &mode("websocket")) && is_exempt(&head, &mode("cors")));
        for other in ["cors", "same-origin", "no-cors", "", "Navigate"] {
            assert!(!is_exempt(&get, &mode(other)), "{other}");
        }
        let here = |site| headers(&[("sec-fetch-mode", "no-cors"), ("sec-fetch-site", site)]);
        assert!(is_exempt(&get, &here("same-origin")));
        assert!(!is_exempt(&get, &here("cross-site")) && !is_exempt(&post, &here("same-origin")));
    }
}

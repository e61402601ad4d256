//! The `Authorization` header as `JupyterHub` reads it (contract 1.1).

use axum::http::header::{AUTHORIZATION, HeaderMap};

/// The token of `Authorization: token <t>` or `Bearer <t>`; the word in any case, one or more blanks.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = value.split_once(|c: char| c.is_ascii_whitespace())?;
    let token = rest.trim_start();
    let known = scheme.eq_ignore_ascii_case("token") || scheme.eq_ignore_ascii_case("bearer");
    let good = !token.is_empty() && !token.contains(|c: char| c.is_ascii_whitespace());
    (known && good).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn both_words_are_read_and_nothing_else() {
        let read = |value: &'static str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))]);
            token(&headers).map(str::to_owned)
        };
        for good in ["token abc", "Bearer abc", "TOKEN  abc", "bearer \tabc"] {
            assert_eq!(read(good).as_deref(), Some("abc"), "{good:?}");
        }
        for bad in ["", "token", "token ", "Basic abc", "abc", "token a b"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}

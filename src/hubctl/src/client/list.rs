//! Lists of the API, which come in pages.

use serde_json::Value;

use super::Client;
use crate::failure::Failure;
use crate::http::Request;

/// Entries in one answer: the most the API gives.
const LIMIT: usize = 200;
const PAGES: &str = "application/jupyterhub-pagination+json, application/json";

impl Client {
    /// Every entry, page after page, as the API gives them. `arguments` is empty or begins with `&`.
    pub(crate) fn list(&self, path: &str, arguments: &str) -> Result<Vec<Value>, Failure> {
        let mut entries = Vec::new();
        let mut offset = 0;
        loop {
            let whole = format!("{path}?offset={offset}&limit={LIMIT}{arguments}");
            let request = Request { method: "GET", path: &whole, accept: PAGES, body: b"", own: false };
            let answer = self.expect(self.call(&request)?)?;
            let page = Page::parse(self.read(&answer)?, offset);
            let page = page.ok_or_else(|| self.strange(&format!("GET {path}")))?;
            entries.extend(page.items);
            match page.next {
                Some(next) if next > offset => offset = next,
                _ => return Ok(entries),
            }
        }
    }
}

#[derive(Debug, PartialEq)]
struct Page {
    items: Vec<Value>,
    /// Where the next page begins.
    next: Option<usize>,
}

impl Page {
    /// The paginated form, which names the next page, or a bare list, which goes on while it is full.
    fn parse(value: Value, offset: usize) -> Option<Self> {
        match value {
            Value::Array(items) => {
                let next = (items.len() >= LIMIT).then(|| offset.saturating_add(items.len()));
                Some(Self { items, next })
            }
            mut value => {
                let next = value.pointer("/_pagination/next/offset").and_then(Value::as_u64);
                let next = next.and_then(|next| usize::try_from(next).ok());
                match value.get_mut("items").map(Value::take) {
                    Some(Value::Array(items)) => Some(Self { items, next }),
                    _ => None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{LIMIT, Page};
    use crate::client::tests::{FakeHub, respond};

    #[test]
    fn pages_and_bare_lists_are_read() {
        let next = json!({"offset": 50, "limit": 50, "url": "x"});
        let page = json!({"items": [1], "_pagination": {"offset": 0, "limit": 50, "total": 9, "next": next}});
        assert_eq!(Page::parse(page, 0), Some(Page { items: vec![json!(1)], next: Some(50) }));
        let last = json!({"items": [], "_pagination": {"next": null}});
        assert_eq!(Page::parse(last, 0), Some(Page { items: vec![], next: None }));
        let short = Page { items: vec![json!(1), json!(2)], next: None };
        assert_eq!(Page::parse(json!([1, 2]), 0), Some(short));
        let full = Page::parse(Value::Array(vec![json!(1); LIMIT]), 400);
        assert_eq!(full.and_then(|page| page.next), Some(400 + LIMIT));
        assert_eq!(Page::parse(json!({"message": "x"}), 0), None);
        assert_eq!(Page::parse(json!(7), 0), None);
    }

    #[test]
    fn all_pages_are_fetched() {
        let hub = FakeHub::new(|line| {
            let count = if line.contains("offset=0&") { LIMIT } else { 1 };
            respond(200, &Value::Array(vec![json!({"name": "a"}); count]).to_string())
        });
        let users = hub.client().list("users", "&include_stopped_servers=1");
        assert_eq!(users.map(|users| users.len()).unwrap_or_default(), LIMIT + 1);
        let asked = hub.seen.recv();
        let first = "GET /jupyter/hub/api/users?offset=0&limit=200&include_stopped_servers=1 HTTP/1.0";
        assert_eq!(asked.as_deref(), Ok(first));
    }
}

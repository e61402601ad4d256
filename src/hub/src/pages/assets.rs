//! The pages' own files (style sheet, scripts, logo), part of the program and served from memory.
//!
//! Invariant: `url()` carries the hash of the content, so that a browser may keep what it got for ever; after an
//! upgrade the address is another one. Nothing is read from disk and no path is joined, so none can be climbed.
//! These files may be sent compressed, as they hold no secret; pages never are, as the length of what was compressed tells
//! of the secrets in it (BREACH).

use std::io::Write;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// One file below `<base>hub/static/`.
pub struct Asset {
    /// File name, the last part of its address.
    pub name: &'static str,
    /// The content.
    pub bytes: &'static [u8],
    /// For the header `Content-Type`.
    pub content_type: &'static str,
    /// First 16 hexadecimal digits of the content's SHA-256; the `v` of its address.
    pub hash: String,
    /// The content in gzip's format (RFC 1952).
    gzip: Vec<u8>,
}

impl Asset {
    /// The answer to a request with these headers and this query: the file, compressed for who takes that, or word that
    /// it is what they have already. Who asks by its hash may keep it for ever.
    pub fn answer(&'static self, headers: &HeaderMap, query: Option<&str>) -> Response<Body> {
        let fixed = query.and_then(|query| query.strip_prefix("v=")) == Some(self.hash.as_str());
        let keep = if fixed { "public, max-age=31536000, immutable" } else { "no-cache" };
        let small = takes_gzip(headers);
        let (bytes, etag) = if small {
            (self.gzip.as_slice(), format!("\"{}-gzip\"", self.hash))
        } else {
            (self.bytes, format!("\"{}\"", self.hash))
        };
        let unchanged = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == etag.as_bytes());
        let mut response =
            if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { Response::new(Body::from(bytes)) };
        let found = response.headers_mut();
        found.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        found.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        found.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if small && !unchanged {
            found.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        if let Ok(etag) = HeaderValue::from_str(&etag) {
            found.insert(header::ETAG, etag);
        }
        response
    }
}

/// Whether `Accept-Encoding` (RFC 9110 12.5.3) names gzip, and not with a weight of nothing.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let given = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

/// The file with this name; `None` for every other text, whatever it holds.
pub fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

/// The address of a file for a page: `<base>hub/static/<name>?v=<hash>`. `base_url` ends with a slash.
pub fn url(base_url: &str, name: &str) -> String {
    let hash = find(name).map_or("", |asset| asset.hash.as_str());
    format!("{base_url}hub/static/{name}?v={hash}")
}

static ASSETS: LazyLock<[Asset; 9]> = LazyLock::new(|| {
    const CSS: &str = "text/css; charset=utf-8";
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    [
        asset("hub.css", CSS, include_bytes!("../../static/hub.css")),
        asset("dark.css", CSS, include_bytes!("../../static/dark.css")),
        asset("hub.svg", "image/svg+xml", include_bytes!("../../static/hub.svg")),
        asset("page.js", SCRIPT, include_bytes!("../../static/page.js")),
        asset("login.js", SCRIPT, include_bytes!("../../static/login.js")),
        asset("home.js", SCRIPT, include_bytes!("../../static/home.js")),
        asset("admin.js", SCRIPT, include_bytes!("../../static/admin.js")),
        asset("log.js", SCRIPT, include_bytes!("../../static/log.js")),
        asset("spawn.js", SCRIPT, include_bytes!("../../static/spawn.js")),
    ]
});

fn asset(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    let digest = Sha256::digest(bytes);
    let hash = digest.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    Asset { name, bytes, content_type, hash, gzip: gzip(bytes) }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 2), Compression::best());
    // Writing to memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]
mod tests {
    use super::{ASSETS, find, takes_gzip, url};
    use axum::http::{HeaderMap, HeaderValue, header};
    use std::collections::BTreeMap;
    use std::io::Read;

    #[test]
    fn an_address_leads_back_to_its_file_and_carries_its_hash() {
        let address = url("/jupyter/", "hub.css");
        let asset = find("hub.css").unwrap();
        assert_eq!(address, format!("/jupyter/hub/static/hub.css?v={}", asset.hash));
        assert_eq!(asset.hash.len(), 16);
    }

    #[test]
    fn what_is_compressed_is_the_file_itself_and_much_smaller() {
        for asset in ASSETS.iter() {
            let mut back = Vec::new();
            flate2::read::GzDecoder::new(asset.gzip.as_slice()).read_to_end(&mut back).unwrap();
            assert!(back == asset.bytes && asset.gzip.len() < asset.bytes.len(), "{}", asset.name);
        }
        let sum = |len: fn(&super::Asset) -> usize| ASSETS.iter().map(len).sum::<usize>();
        assert!(sum(|asset| asset.gzip.len()) * 2 < sum(|asset| asset.bytes.len()));
    }

    #[test]
    fn gzip_is_for_who_takes_it() {
        let of = |value: &'static str| {
            takes_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]))
        };
        for yes in ["gzip", "gzip, deflate, br, zstd", "br;q=1.0, GZIP;q=0.8", "deflate,gzip ; q=0.001"] {
            assert!(of(yes), "{yes}");
        }
        for no in ["", "identity", "br", "gzip;q=0", "gzip; q=0.000, br", "x-gzip-like", "*;q=0"] {
            assert!(!of(no), "{no}");
        }
        assert!(!takes_gzip(&HeaderMap::new()));
    }

    #[test]
    fn nothing_but_the_listed_names_is_found() {
        for name in ["", "hub", "../hub.css", "HUB.CSS", "hub.css/", "/hub.css", "hub.css\0", "main.rs"] {
            assert!(find(name).is_none(), "{name:?}");
        }
    }

    #[test]
    fn a_page_needs_less_than_60_kilobytes() {
        assert!(ASSETS.iter().map(|asset| asset.bytes.len()).sum::<usize>() < 60_000);
    }

    #[test]
    fn every_folder_entry_is_served() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(find(&name).is_some(), "{name}");
        }
    }

    /// WCAG 2.2: 4.5 to 1 for words (1.4.3), 3 to 1 for the edges of controls, icons and the focus ring (1.4.11), in both schemes.
    #[test]
    fn colours_have_the_contrast_that_wcag_asks_for() {
        const PAIRS: &[(&str, &str, f64)] = &[
            ("text", "page", 4.5),
            ("text", "surface", 4.5),
            ("text", "sunken", 4.5),
            ("text", "raised", 4.5),
            ("muted", "page", 4.5),
            ("muted", "surface", 4.5),
            ("muted", "sunken", 4.5),
            ("link", "page", 4.5),
            ("link", "surface", 4.5),
            ("on-accent", "accent", 4.5),
            ("on-accent", "accent-hover", 4.5),
            ("danger", "surface", 4.5),
            ("text", "danger-soft", 4.5),
            ("danger", "danger-soft", 4.5),
            ("text", "good-soft", 4.5),
            ("good", "good-soft", 4.5),
            ("busy", "busy-soft", 4.5),
            ("quiet", "quiet-soft", 4.5),
            ("asleep", "asleep-soft", 4.5),
            ("text", "info-soft", 4.5),
            ("edge", "surface", 3.0),
            ("edge", "page", 3.0),
            ("accent", "surface", 3.0),
            ("accent", "sunken", 3.0),
            ("focus", "page", 3.0),
            ("focus", "surface", 3.0),
        ];
        for (scheme, file) in [("light", "hub.css"), ("dark", "dark.css")] {
            let colours = colours(std::str::from_utf8(find(file).unwrap().bytes).unwrap());
            for (front, back, least) in PAIRS {
                let ratio = contrast(&colours[front], &colours[back]);
                println!("{scheme:5} {front:>10} on {back:<12} {ratio:5.2}");
                assert!(ratio >= *least, "{scheme}: {front} on {back} has {ratio:.2} to 1, needs {least}");
            }
        }
    }

    fn colours(sheet: &str) -> BTreeMap<&str, [f64; 3]> {
        let mut colours = BTreeMap::new();
        for line in sheet.lines() {
            let Some((name, value)) = line.trim().strip_prefix("--").and_then(|rest| rest.split_once(": #")) else {
                continue;
            };
            let value = u32::from_str_radix(value.trim_end_matches(';'), 16).unwrap();
            let part = |shift: u32| f64::from((value >> shift) & 0xff) / 255.0;
            colours.insert(name, [part(16), part(8), part(0)]);
        }
        colours
    }

    fn contrast(one: &[f64; 3], other: &[f64; 3]) -> f64 {
        let light = |c: f64| if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
        let luminance = |c: &[f64; 3]| 0.2126 * light(c[0]) + 0.7152 * light(c[1]) + 0.0722 * light(c[2]);
        let (a, b) = (luminance(one), luminance(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}

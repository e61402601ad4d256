//! The pages' own files (style sheet, scripts, logo), part of the program and served from memory.
//!
//! Invariant: `url()` carries the hash of the content, so that a browser may keep what it got for ever; after an
//! upgrade the address is another one. Nothing is read from disk and no path is joined, so none can be climbed.

use std::sync::LazyLock;

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
    /// The hash in quotes, for the header `ETag` (RFC 9110 8.8.3).
    pub etag: String,
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

static ASSETS: LazyLock<[Asset; 7]> = LazyLock::new(|| {
    const CSS: &str = "text/css; charset=utf-8";
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    [
        asset("hub.css", CSS, include_bytes!("../../static/hub.css")),
        asset("dark.css", CSS, include_bytes!("../../static/dark.css")),
        asset("hub.svg", "image/svg+xml", include_bytes!("../../static/hub.svg")),
        asset("page.js", SCRIPT, include_bytes!("../../static/page.js")),
        asset("login.js", SCRIPT, include_bytes!("../../static/login.js")),
        asset("home.js", SCRIPT, include_bytes!("../../static/home.js")),
        asset("spawn.js", SCRIPT, include_bytes!("../../static/spawn.js")),
    ]
});

fn asset(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    let digest = Sha256::digest(bytes);
    let hash = digest.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let etag = format!("\"{hash}\"");
    Asset { name, bytes, content_type, hash, etag }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]
mod tests {
    use super::{ASSETS, find, url};
    use std::collections::BTreeMap;

    #[test]
    fn an_address_leads_back_to_its_file_and_carries_its_hash() {
        let address = url("/jupyter/", "hub.css");
        let asset = find("hub.css").unwrap();
        assert_eq!(address, format!("/jupyter/hub/static/hub.css?v={}", asset.hash));
        assert_eq!(asset.hash.len(), 16);
        assert_eq!(asset.etag, format!("\"{}\"", asset.hash));
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

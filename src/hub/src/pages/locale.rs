//! The words of the pages: English and Simplified Chinese, side by side in `locales/*.toml`.
//!
//! Invariant: both files hold the same keys, in the same order, with the same `{placeholders}`; a test says
//! so, and that the pages use every key and no other. Nothing here fails at run time: a text that is missing falls back to English.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use toml::de::DeTable;

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Language {
    /// English, also what people get whose browser asks for a language the hub does not speak.
    #[default]
    En,
    /// Simplified Chinese.
    ZhCn,
}

impl Language {
    /// Every language, in the order of the switch.
    pub const ALL: [Self; 2] = [Self::En, Self::ZhCn];

    /// The tag of BCP 47, as in `lang="..."` and in the cookie `hub-language`.
    pub fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhCn => "zh-CN",
        }
    }

    /// As gettext names it, for what speaks to people on behalf of the machine, such as PAM.
    pub fn gettext(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhCn => "zh_CN",
        }
    }

    /// Its name in its own words.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::ZhCn => "简体中文",
        }
    }

    /// The language whose `code()` this is, exactly.
    pub fn find(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }

    /// The language of a request: what the person chose (the cookie's value), else the best of `Accept-Language`
    /// (RFC 9110 12.5.4; the higher `q` wins, then the earlier), else English.
    pub fn choose(cookie: Option<&str>, accept_language: Option<&str>) -> Self {
        cookie.and_then(Self::find).or_else(|| accept_language.and_then(accepted)).unwrap_or_default()
    }
}

/// The texts of one language, cheap to copy into every page.
#[derive(Clone, Copy, Debug)]
pub struct Text(Language);

impl Text {
    /// The texts of this language.
    pub fn of(language: Language) -> Self {
        Self(language)
    }

    /// The language of these texts.
    pub fn language(self) -> Language {
        self.0
    }

    /// The text of a key such as `login.title`.
    pub fn get(self, key: &str) -> &'static str {
        self.find(key).unwrap_or("…")
    }

    /// As [`Text::get`], for a key that may not be there.
    pub fn find(self, key: &str) -> Option<&'static str> {
        let of = |language| texts(language).get(key).map(String::as_str);
        of(self.0).or_else(|| of(Language::En))
    }

    /// The text of a key with each `{name}` replaced by its value. Values are not looked at again.
    pub fn fill(self, key: &str, values: &[(&str, &str)]) -> String {
        let mut rest = self.get(key);
        let mut out = String::with_capacity(rest.len());
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, after)) = after.split_once('}') else {
                out.push('{');
                rest = after;
                continue;
            };
            out.push_str(values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value));
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

type Texts = BTreeMap<String, String>;

fn texts(language: Language) -> &'static Texts {
    static EN: LazyLock<Texts> = LazyLock::new(|| read(source(Language::En)));
    static ZH_CN: LazyLock<Texts> = LazyLock::new(|| read(source(Language::ZhCn)));
    match language {
        Language::En => &EN,
        Language::ZhCn => &ZH_CN,
    }
}

/// The keys of all texts of a language.
#[cfg(test)]
pub(super) fn keys(language: Language) -> impl Iterator<Item = String> {
    texts(language).keys().cloned()
}

fn source(language: Language) -> &'static str {
    match language {
        Language::En => include_str!("../../locales/en.toml"),
        Language::ZhCn => include_str!("../../locales/zh-CN.toml"),
    }
}

/// `[section]` with `key = "text"` below becomes `section.key`. The files are part of the program and a test reads them, so what cannot be read is left out.
fn read(source: &str) -> Texts {
    let mut texts = Texts::new();
    let Ok(sections) = DeTable::parse(source) else { return texts };
    for (section, keys) in sections.get_ref() {
        for (key, text) in keys.get_ref().as_table().into_iter().flatten() {
            if let Some(text) = text.get_ref().as_str() {
                let key = format!("{}.{}", section.get_ref(), key.get_ref());
                texts.insert(key, text.to_owned());
            }
        }
    }
    texts
}

fn accepted(header: &str) -> Option<Language> {
    let mut best: Option<(f32, Language)> = None;
    for range in header.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let language = parts.next().and_then(of_tag);
        let quality =
            parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.trim().parse::<f32>().ok());
        if let (Some(language), Some(quality)) = (language, quality) {
            if quality > 0.0 && best.is_none_or(|(so_far, _)| quality > so_far) {
                best = Some((quality, language));
            }
        }
    }
    best.map(|(_, language)| language)
}

/// Traditional Chinese (zh-TW, zh-HK, zh-Hant) is not matched: those readers say what they want next in their own list.
fn of_tag(tag: &str) -> Option<Language> {
    let tag = tag.to_ascii_lowercase();
    match tag.as_str() {
        "*" | "en" => Some(Language::En),
        "zh" | "zh-cn" | "zh-sg" | "zh-hans" => Some(Language::ZhCn),
        _ if tag.starts_with("en-") => Some(Language::En),
        _ if tag.starts_with("zh-hans-") => Some(Language::ZhCn),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::{Language, Text, source, texts};
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    #[test]
    fn the_cookie_wins_over_the_browser() {
        assert_eq!(Language::choose(Some("zh-CN"), Some("en")), Language::ZhCn);
        assert_eq!(Language::choose(Some("en"), Some("zh-CN,zh;q=0.9")), Language::En);
        assert_eq!(Language::choose(Some("xx"), Some("zh-CN")), Language::ZhCn);
    }

    #[test]
    fn accept_language_is_read_with_its_weights() {
        for (header, language) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", Language::ZhCn),
            ("zh", Language::ZhCn),
            ("ZH-hans-cn", Language::ZhCn),
            ("zh-SG;q=0.7, en;q=0.3", Language::ZhCn),
            ("en-US,en;q=0.9,zh-CN;q=0.8", Language::En),
            ("zh-CN;q=0.2,en-GB;q=0.3", Language::En),
            ("zh-CN;q=0,en;q=0.1", Language::En),
            ("zh-TW,en;q=0.5", Language::En),
            ("de, zh-CN;q=0.5, *;q=0.1", Language::ZhCn),
            ("zh;q=many, de", Language::En),
            ("", Language::En),
        ] {
            assert_eq!(Language::choose(None, Some(header)), language, "{header}");
        }
        assert_eq!(Language::choose(None, None), Language::En);
    }

    #[test]
    fn values_fill_their_places_and_are_not_filled_again() {
        let text = Text::of(Language::En);
        assert_eq!(text.fill("server.of", &[("user", "{user}")]), "JupyterLab of {user}");
    }

    #[test]
    fn both_files_have_the_same_keys_in_the_same_order_with_the_same_places() {
        let (english, chinese) = (lines(Language::En), lines(Language::ZhCn));
        let keys = |lines: &[(String, String)]| lines.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
        assert_eq!(keys(&english), keys(&chinese));
        assert_eq!(english.len(), texts(Language::En).len(), "each key is one line of the file");
        for ((key, one), (_, other)) in english.iter().zip(&chinese) {
            assert_eq!(places(one), places(other), "{key}");
            assert!(!one.is_empty() && !other.is_empty(), "{key}");
        }
    }

    #[test]
    fn the_pages_use_every_key_and_no_other() {
        let hub = Path::new(env!("CARGO_MANIFEST_DIR"));
        // The scopes have a test of their own, in text.rs.
        let keys = texts(Language::En).keys().map(String::as_str);
        let known: BTreeSet<&str> = keys.filter(|key| !key.starts_with("scope.")).collect();
        let mut used = BTreeSet::new();
        for file in files(&hub.join("templates")).into_iter().chain(files(&hub.join("src"))) {
            let code = fs::read_to_string(&file).unwrap();
            for literal in code.split('"').skip(1).step_by(2).chain(code.split('"').step_by(2)) {
                used.extend(known.get(literal));
            }
            for call in ["text.get(\"", "text.fill(\"", "text().get(\"", "text().fill(\""] {
                for rest in code.split(call).skip(1) {
                    let key = rest.split('"').next().unwrap();
                    assert!(known.contains(key), "{}: no text has the key {key}", file.display());
                }
            }
        }
        assert_eq!(known.difference(&used).collect::<Vec<_>>(), Vec::<&&str>::new(), "texts that no page uses");
    }

    fn lines(language: Language) -> Vec<(String, String)> {
        let mut section = String::new();
        let mut lines = Vec::new();
        for line in source(language).lines() {
            if let Some(name) = line.strip_prefix('[') {
                section = name.trim_end_matches(']').to_owned();
            } else if let Some((key, text)) = line.split_once(" = ") {
                lines.push((format!("{section}.{key}"), text.trim_matches('"').to_owned()));
            }
        }
        lines
    }

    fn places(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found.extend(files(&path));
            } else if path.extension().is_some_and(|end| end == "html" || end == "rs") {
                found.push(path);
            }
        }
        found
    }
}

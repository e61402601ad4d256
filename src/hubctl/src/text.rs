//! What hubctl says, in English and Simplified Chinese.
//!
//! Every sentence stands once in [`words`], both languages side by side. `{}` is filled in order. Names of commands,
//! keys and files are the same in both.

mod words;

use std::fmt::Display;

pub(crate) use words::Text;

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Chinese,
}

/// Says things in one language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Talk {
    language: Language,
}

impl Talk {
    pub(crate) const fn new(language: Language) -> Self {
        Self { language }
    }

    /// As locale(7) says: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set decides.
    pub(crate) fn from_environment() -> Self {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).unwrap_or_default();
        Self::new(if locale.starts_with("zh") { Language::Chinese } else { Language::English })
    }

    /// One sentence or word, with the arguments in their places.
    pub(crate) fn say(self, text: Text, arguments: &[&dyn Display]) -> String {
        fill(self.template(text), arguments)
    }

    /// The language's tag, as in hub.toml.
    pub(crate) fn tag(self) -> &'static str {
        match self.language {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }

    /// A text without arguments.
    pub(crate) fn template(self, text: Text) -> &'static str {
        let (english, chinese) = text.pair();
        match self.language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }
}

fn fill(template: &str, arguments: &[&dyn Display]) -> String {
    let mut parts = template.split("{}");
    let mut out = parts.next().unwrap_or_default().to_owned();
    let mut arguments = arguments.iter();
    for part in parts {
        if let Some(argument) = arguments.next() {
            out.push_str(&argument.to_string());
        }
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Language, Talk, Text, fill};

    #[test]
    fn every_text_has_both_languages_with_the_same_places() {
        for text in Text::ALL {
            let (english, chinese) = text.pair();
            assert!(!english.is_empty() && !chinese.is_empty(), "{text:?}");
            assert_eq!(english.matches("{}").count(), chinese.matches("{}").count(), "{text:?}");
            assert_eq!(english.matches('`').count(), chinese.matches('`').count(), "{text:?}");
        }
    }

    #[test]
    fn places_are_filled_in_order() {
        assert_eq!(fill("a {} b {}.", &[&1, &"{}"]), "a 1 b {}.");
        let talk = Talk::new(Language::Chinese);
        assert_eq!(talk.say(Text::Stopped, &[&"alice"]), "alice 的服务器已停止。");
    }
}

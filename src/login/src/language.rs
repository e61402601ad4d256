//! The language in which PAM's modules speak to the person: they take their sentences from gettext's catalogs.
//!
//! Linux-PAM has catalogs for many languages, and Debian installs them all. gettext goes by `LANGUAGE`, but only where the
//! locale is a real one, neither `C` nor `C.UTF-8`: the language's own, or else the one that most machines have, must have
//! been generated. What modules write to the log stays English, but for the C library's own words for errors. Must be called
//! while the process has one thread.

#![expect(unsafe_code, reason = "the environment and the locale are the C library's")]

use std::ffi::CString;

/// A real locale that many machines have, where the language's own is missing.
const COMMON: &str = "en_US";

/// Has PAM speak this language where it can. What is no name of a language is ignored, as it came from a browser.
pub fn speak(language: &str) {
    if !is_language(language) {
        return;
    }
    // SAFETY: the process has only this thread, so nobody reads the environment meanwhile.
    unsafe { std::env::set_var("LANGUAGE", language) };
    let _ = [language, COMMON].into_iter().any(use_locale);
}

/// Whether the locale is there; then words and characters are its own.
fn use_locale(name: &str) -> bool {
    let Ok(name) = CString::new(format!("{name}.UTF-8")) else { return false };
    [libc::LC_CTYPE, libc::LC_MESSAGES].into_iter().all(|category| {
        // SAFETY: the process has only this thread, so nobody reads the locale meanwhile; the name ends with a NUL and
        // outlives the call.
        let set = unsafe { libc::setlocale(category, name.as_ptr()) };
        !set.is_null()
    })
}

/// `zh` or `zh_CN`: nothing that could be a path or a list.
fn is_language(text: &str) -> bool {
    let (language, country) =
        text.split_once('_').map_or((text, None), |(language, country)| (language, Some(country)));
    let fits = |part: &str, letter: fn(&u8) -> bool| part.len() == 2 && part.as_bytes().iter().all(letter);
    fits(language, u8::is_ascii_lowercase) && country.is_none_or(|country| fits(country, u8::is_ascii_uppercase))
}

#[cfg(test)]
mod tests {
    use super::is_language;

    #[test]
    fn only_names_of_languages_are_taken() {
        for good in ["en", "zh_CN", "de"] {
            assert!(is_language(good), "{good}");
        }
        for bad in ["", "C", "zh-CN", "zh_CN:en", "zh_cn", "../x", "zh_CN.UTF-8", "_CN", "zh_", "e", "e\0", "äö"] {
            assert!(!is_language(bad), "{bad}");
        }
    }
}

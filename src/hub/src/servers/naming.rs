//! Which servers people may have: names, how many, and what a server may be called (contract 1.8).

use hubd_base::names::{ServerName, UserName};

/// Longest display name, characters.
const DISPLAY_MAX: usize = 255;

/// Why there will be no server of that name. The texts are the contract's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Servers with a name are off.
    #[error("Named servers are not enabled.")]
    NotEnabled,
    /// The person has as many as they may.
    #[error(
        "User {user} already has the maximum of {limit} named servers.  \
         One must be deleted before a new server can be created"
    )]
    Limit {
        /// Whose servers.
        user: UserName,
        /// How many each person may have.
        limit: u32,
    },
    /// No name of a server.
    #[error("Invalid server_name: '{0}'")]
    Name(String),
    /// Nothing that people could read.
    #[error("Invalid display_name: '{0}'")]
    DisplayName(String),
}

/// The name of a server as it came in.
pub fn parse(name: &str) -> Result<ServerName, Refusal> {
    ServerName::parse(name).map_err(|_| Refusal::Name(name.to_owned()))
}

/// A name for people: 1 to 255 characters that can be printed, words parted by single blanks.
pub fn check_display_name(text: &str) -> Result<(), Refusal> {
    let count = text.chars().count();
    let words = !text.starts_with(' ') && !text.ends_with(' ') && !text.contains("  ");
    let good = (1..=DISPLAY_MAX).contains(&count) && words && text.chars().all(is_printable);
    if good { Ok(()) } else { Err(Refusal::DisplayName(text.to_owned())) }
}

/// Neither control, format, private or unassigned, nor a separator other than the plain blank. The standard library
/// has this table for its own use only: it escapes what cannot be printed. (A combining mark is escaped when it comes
/// first, therefore the letter before it.)
fn is_printable(c: char) -> bool {
    let text: String = ['a', c].into_iter().collect();
    matches!(c, '"' | '\'' | '\\') || text.escape_debug().eq(text.chars())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn display_names_are_words_that_can_be_printed() {
        for good in ["x", "My GPU server", "数据 分析", "it's \"quoted\" \\", "cafe\u{301}", "🚀", &"x".repeat(255)]
        {
            assert_eq!(check_display_name(good), Ok(()), "{good:?}");
        }
        for bad in ["", " x", "x ", "a  b", "a\tb", "a\nb", "a\u{a0}b", "a\u{200b}b", "\u{e000}", "\u{2028}"] {
            assert_eq!(check_display_name(bad), Err(Refusal::DisplayName(bad.to_owned())), "{bad:?}");
        }
        assert!(check_display_name(&"x".repeat(256)).is_err());
    }

    #[test]
    fn the_sentences_are_the_contracts() {
        let user = UserName::parse("alice").unwrap();
        let limit = Refusal::Limit { user, limit: 2 }.to_string();
        assert_eq!(
            limit,
            "User alice already has the maximum of 2 named servers.  \
             One must be deleted before a new server can be created"
        );
        assert_eq!(parse("Not A Slug").unwrap_err().to_string(), "Invalid server_name: 'Not A Slug'");
    }
}

//! Names in entries: what is too long, or may be more than a name, stands there as its digest.

use crate::limits::LEDGER_NAME;
use crate::units::Digest;

/// The longest word that is one.
const WORD: usize = 64;

/// An id, a path or the name of a branch or group as an entry holds it. A longer one than
/// [`LEDGER_NAME`] stands there as `sha256:` and its digest, so that it can still be compared.
pub(crate) fn bounded(name: &str) -> String {
    if name.len() <= LEDGER_NAME {
        return name.to_owned();
    }
    digest(name)
}

/// What people wrote where one word is usual: a label, a login, a team. Anything else, such as
/// a sentence or an address, stands there as its digest.
pub(crate) fn word(text: &str) -> String {
    let name = text.strip_prefix('@').unwrap_or(text);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+/".contains(&byte);
    if !name.is_empty() && text.len() <= WORD && name.bytes().all(plain) {
        return text.to_owned();
    }
    digest(text)
}

fn digest(text: &str) -> String {
    format!("sha256:{}", Digest::of(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_up_to_its_limit() {
        let longest = "p".repeat(LEDGER_NAME);
        assert_eq!(bounded(&longest), longest);
        let longer = bounded(&format!("{longest}p"));
        assert!(
            longer.starts_with("sha256:") && longer.len() == 71,
            "{longer}"
        );
        assert_ne!(longer, bounded(&format!("{longest}q")));
    }

    #[test]
    fn only_words_are_kept_as_they_are() {
        for kept in [
            "3",
            "v1.2-beta+7",
            "octocat",
            "@octocat",
            "@acme/ai-team",
            &"w".repeat(64),
        ] {
            assert_eq!(word(kept), kept);
        }
        for hidden in [
            "",
            "@",
            "ann@example.invalid",
            "you are a pirate",
            "café",
            "a\nb",
            &"w".repeat(65),
        ] {
            assert_eq!(word(hidden), digest(hidden), "{hidden}");
        }
    }
}

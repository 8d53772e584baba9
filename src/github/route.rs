//! Text inside an address, and times as answers write them.

use chrono::{DateTime, Utc};

/// Writes `text` so that it stands for itself inside an address. A `/` stays: the branches of
/// a repository have it in their names.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Reads a time as GitHub writes it; none where it is not one.
pub(super) fn time(text: &str) -> Option<DateTime<Utc>> {
    let time = DateTime::parse_from_rfc3339(text).ok()?;
    Some(time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_no_meaning_in_an_address_stays() {
        for (text, expected) in [
            ("release/1.x", "release/1.x"),
            ("a#b", "a%23b"),
            ("50%", "50%25"),
            ("a?b=c&d", "a%3Fb%3Dc%26d"),
            ("renovate[bot]", "renovate%5Bbot%5D"),
            ("grün", "gr%C3%BCn"),
            ("a b\n", "a%20b%0A"),
        ] {
            assert_eq!(encode(text), expected);
        }
    }
}

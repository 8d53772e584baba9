//! Patterns of paths: `*` stays in its folder, `**` does not.

use std::path::Path;

use globset::{GlobBuilder, GlobSet};

/// A pattern that can be matched.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    text: String,
    set: GlobSet,
}

impl Pattern {
    /// As it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether a path fits.
    pub(crate) fn is_match(&self, path: impl AsRef<Path>) -> bool {
        self.set.is_match(path)
    }
}

/// Reads a pattern, or says why it is none. One that is well-formed may still be too large or
/// nest too deeply to be matched.
pub(crate) fn compile(text: &str) -> Result<Pattern, String> {
    let glob = GlobBuilder::new(text)
        .literal_separator(true)
        .build()
        .map_err(|error| error.kind().to_string())?;
    let set = GlobSet::new([glob]).map_err(|_| String::from("too large or too deeply nested"))?;
    Ok(Pattern {
        text: text.to_owned(),
        set,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_or_is_refused_and_never_panics() {
        let pattern = compile("out/*.json").unwrap();
        assert!(pattern.is_match("out/a.json") && !pattern.is_match("out/b/a.json"));
        let nested = format!("{}{}", "{a,".repeat(3_000), "}".repeat(3_000));
        let large = "[a-z]".repeat(2_000_000);
        for (text, want) in [
            ("a[", "unclosed character class"),
            (nested.as_str(), "too deeply nested"),
            (large.as_str(), "too large"),
        ] {
            let error = compile(text).unwrap_err();
            assert!(error.contains(want), "{want}: {error}");
        }
    }
}

//! The name of a repository on GitHub, safe to put into an address.

use std::fmt;

/// `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RepoName(String);

impl RepoName {
    /// Reads `owner/name`; what GitHub would not allow in a name is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (owner, name) = text.split_once('/')?;
        let fits = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        (fits(owner) && fits(name)).then(|| Self(text.to_owned()))
    }

    /// The part before the `/`.
    pub(crate) fn owner(&self) -> &str {
        self.0.split_once('/').map_or("", |(owner, _)| owner)
    }

    /// The part after the `/`.
    pub(crate) fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_are_safe_in_an_address_are_read() {
        let repo = RepoName::parse("acme/prompts.v2").unwrap();
        assert_eq!(repo.to_string(), "acme/prompts.v2");
        assert_eq!((repo.owner(), repo.name()), ("acme", "prompts.v2"));
        for bad in [
            "acme", "/x", "acme/", "a/b/c", "a/..", "a/b?c", "a b/c", "a/b\n",
        ] {
            assert_eq!(RepoName::parse(bad), None, "{bad}");
        }
    }
}

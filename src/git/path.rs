//! Paths inside the repository.

use std::fmt;

/// A path inside the repository: relative, `/` between parts, no `.` or `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RepoPath(pub(super) String);

impl RepoPath {
    /// Reads a path that must lie inside the repository.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::root().join(text)
    }

    /// The root of the repository.
    pub(crate) fn root() -> Self {
        Self(String::new())
    }

    /// Follows `relative` from this folder; leaving the repository gives none. A leading `/`
    /// means an absolute path, which never lies inside.
    pub(crate) fn join(&self, relative: &str) -> Option<Self> {
        if relative.starts_with('/') || relative.contains(['\\', '\0']) {
            return None;
        }
        let mut parts: Vec<&str> = self.0.split('/').filter(|part| !part.is_empty()).collect();
        for part in relative.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                part => parts.push(part),
            }
        }
        Some(Self(parts.join("/")))
    }

    /// The folder that holds this file.
    pub(crate) fn folder(&self) -> Self {
        Self(
            self.0
                .rsplit_once('/')
                .map_or("", |(folder, _)| folder)
                .to_owned(),
        )
    }

    /// The last part.
    pub(crate) fn name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The whole path as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_leave_the_repository() {
        let folder = RepoPath::parse("prompts/support").unwrap();
        let joined = |relative: &str| folder.join(relative).map(|path| path.to_string());
        assert_eq!(joined("a.md").as_deref(), Some("prompts/support/a.md"));
        assert_eq!(joined("../x/./b.md").as_deref(), Some("prompts/x/b.md"));
        for escape in ["../../../etc/passwd", "/etc/passwd", "a\\..\\b", "a\0b"] {
            assert_eq!(joined(escape), None, "{escape}");
        }
    }
}

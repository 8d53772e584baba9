//! Walks along first parents without holding the commits, and tells what differs at some paths.

use git2::{Oid, Tree};

use super::{CommitSha, GitError, Repo, RepoPath};

/// Why a walk along first parents ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The visitor had enough.
    Stopped,
    /// At a commit without parents.
    Beginning,
    /// The clone has no more of the line.
    Cut,
}

impl CommitSha {
    /// Reads the bytes of an id.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut hex = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            hex.push_str(&format!("{byte:02x}"));
        }
        Self::parse(&hex)
    }

    /// The bytes of the id.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let pairs = self.0.as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
        pairs.filter_map(byte).collect()
    }
}

impl Repo {
    /// Walks from a commit along first parents, newest first, until `visit` says stop: it gets
    /// the bytes of each id, and the committer's time in seconds.
    pub(crate) fn first_parents(
        &self,
        from: &CommitSha,
        mut visit: impl FnMut(&[u8], i64) -> bool,
    ) -> Result<End, GitError> {
        let missing = |_| GitError::Missing {
            what: format!("commit {}", from.short()),
        };
        let mut commit = self.inner.find_commit(self.oid(from)?).map_err(missing)?;
        let edge = self.edge()?;
        loop {
            if !visit(commit.id().as_bytes(), commit.time().seconds()) {
                return Ok(End::Stopped);
            }
            let Ok(parent) = commit.parent_id(0) else {
                // At the edge a commit looks like a first one.
                let cut = edge.contains(&commit.id());
                return Ok(if cut { End::Cut } else { End::Beginning });
            };
            match self.inner.find_commit(parent) {
                Ok(found) => commit = found,
                Err(_) => return Ok(End::Cut),
            }
        }
    }

    /// The name of a commit's author. Their address is nobody's business.
    pub(crate) fn author(&self, commit: &CommitSha) -> Option<String> {
        let commit = self.inner.find_commit(self.oid(commit).ok()?).ok()?;
        let author = commit.author();
        Some(String::from_utf8_lossy(author.name_bytes()).into_owned())
    }
}

/// Some paths whose contents are compared from commit to commit. What lies in a folder that did
/// not change is not looked up again.
pub(crate) struct Watch {
    paths: Vec<Watched>,
}

struct Watched {
    path: RepoPath,
    /// The folders on the way, the root first, as they were last.
    folders: Vec<Oid>,
    found: Option<Oid>,
}

impl Watch {
    /// Watches these paths.
    pub(crate) fn new(paths: impl IntoIterator<Item = RepoPath>) -> Self {
        let watched = |path| Watched {
            path,
            folders: Vec::new(),
            found: None,
        };
        Self {
            paths: paths.into_iter().map(watched).collect(),
        }
    }

    /// Whether something lies there at this commit that did not at the one before, or the other
    /// way round. The first commit differs from nothing.
    pub(crate) fn differs(&mut self, repo: &Repo, commit: &CommitSha) -> Result<bool, GitError> {
        let tree = repo.tree(commit)?;
        let mut differs = false;
        for watched in &mut self.paths {
            differs |= watched.look(repo, &tree);
        }
        Ok(differs)
    }
}

impl Watched {
    fn look(&mut self, repo: &Repo, root: &Tree<'_>) -> bool {
        let first = self.folders.is_empty();
        let mut tree = root.clone();
        let mut folders = vec![tree.id()];
        let mut found = None;
        let mut parts = self.path.as_str().split('/').peekable();
        while let Some(part) = parts.next() {
            if self.folders.get(folders.len() - 1) == folders.last() {
                // From here on everything is as it was.
                let rest = self.folders.get(folders.len()..).unwrap_or_default();
                folders.extend_from_slice(rest);
                found = self.found;
                break;
            }
            let Some(id) = tree.get_name(part).map(|entry| entry.id()) else {
                break;
            };
            if parts.peek().is_none() {
                found = Some(id);
                break;
            }
            let Ok(folder) = repo.inner.find_tree(id) else {
                break;
            };
            folders.push(folder.id());
            tree = folder;
        }
        let differs = !first && found != self.found;
        self.folders = folders;
        self.found = found;
        differs
    }
}

//! The only user of `git2`: revisions, trees and blobs of one repository, never its worktree.

mod append;
mod branch;
mod error;
pub(crate) mod fetch;
mod first_parents;
mod history;
mod line;
mod path;
mod prefix;
mod trees;
pub(crate) mod write;

use std::fmt;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, ObjectType, Oid, Repository};
use serde::{Deserialize, Serialize};

pub(crate) use append::Moved;
pub(crate) use error::GitError;
pub(crate) use first_parents::{End, Watch};
pub(crate) use history::Landed;
pub(crate) use line::{CommitSignature, OnLine};
pub(crate) use path::RepoPath;

/// A full commit id: 40 or 64 lower-case hexadecimal characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct CommitSha(String);

impl TryFrom<String> for CommitSha {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("expected a full commit id")
    }
}

impl From<CommitSha> for String {
    fn from(sha: CommitSha) -> Self {
        sha.0
    }
}

impl CommitSha {
    /// Reads a full id; anything shorter or longer is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = matches!(text.len(), 40 | 64)
            && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 12 characters, for people.
    pub(crate) fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl BlobId {
    /// The id's bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for CommitSha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a blob or a folder: equal ids are equal content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BlobId(Oid);

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file.
    File,
    /// A symbolic link: never followed.
    Symlink,
    /// Another repository.
    Submodule,
    /// A folder.
    Folder,
}

/// What lies at a path at one commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its content.
    pub(crate) id: BlobId,
    /// Its kind.
    pub(crate) kind: Kind,
}

/// One file that two commits do not share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Delta {
    /// The file at the first commit.
    pub(crate) before: Option<(RepoPath, Entry)>,
    /// The file at the second commit.
    pub(crate) after: Option<(RepoPath, Entry)>,
}

/// A repository: a clone, a bare one or a linked worktree of one.
pub(crate) struct Repo {
    inner: Repository,
    /// The folder of its own files.
    common: PathBuf,
}

impl Repo {
    /// Opens the repository at `path` or in a folder above it.
    pub(crate) fn open(path: &Path) -> Result<Self, GitError> {
        let shown = path.display().to_string();
        let inner = Repository::discover(path).map_err(|error| match error.code() {
            ErrorCode::NotFound => GitError::NoRepository {
                path: shown.clone(),
            },
            ErrorCode::Owner => GitError::Owner {
                path: shown.clone(),
            },
            _ => GitError::from(error),
        })?;
        Ok(Self {
            common: inner.commondir().to_owned(),
            inner,
        })
    }

    /// The folder that people mean by this repository: the worktree, or the bare folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.inner
            .workdir()
            .unwrap_or_else(|| self.inner.path())
            .to_owned()
    }

    /// The folder with the checked-out files; none where the repository is bare.
    pub(crate) fn worktree(&self) -> Option<PathBuf> {
        self.inner.workdir().map(Path::to_owned)
    }

    /// The branch that others start from: the remote's, else the one that is checked out.
    pub(crate) fn default_branch(&self) -> Option<String> {
        let of = |name: &str, prefix: &str| {
            let found = self.inner.find_reference(name).ok()?;
            let target = found.symbolic_target().ok()??;
            target.strip_prefix(prefix).map(str::to_owned)
        };
        of("refs/remotes/origin/HEAD", "refs/remotes/origin/").or_else(|| of("HEAD", "refs/heads/"))
    }

    /// The folder of the repository's own files, shared by all worktrees.
    pub(crate) fn common(&self) -> PathBuf {
        self.common.clone()
    }

    /// The folder for gatecard's own caches, shared by all worktrees.
    pub(crate) fn cache(&self) -> PathBuf {
        self.common().join("gatecard")
    }

    /// Whether history was cut off when cloning.
    pub(crate) fn is_shallow(&self) -> bool {
        self.inner.is_shallow()
    }

    /// Whether a remote keeps objects that were left out when cloning, as `--filter` does.
    pub(crate) fn is_partial(&self) -> bool {
        let found = self.inner.config().and_then(|config| {
            let mut promised = false;
            let entries = config.entries(Some("^remote\\..*\\.promisor$"))?;
            entries
                .for_each(|entry| promised |= entry.value().is_ok_and(|value| value != "false"))?;
            Ok(promised)
        });
        found.unwrap_or(false)
    }

    /// Whether the clone has this commit.
    pub(crate) fn has(&self, commit: &CommitSha) -> bool {
        self.tree(commit).is_ok()
    }

    /// Whether a remote of this name is set up.
    pub(crate) fn has_remote(&self, name: &str) -> bool {
        self.inner.find_remote(name).is_ok()
    }

    /// When a commit was made, by its committer's clock.
    pub(crate) fn time(&self, commit: &CommitSha) -> Option<chrono::DateTime<chrono::Utc>> {
        let commit = self.inner.find_commit(self.oid(commit).ok()?).ok()?;
        chrono::DateTime::from_timestamp(commit.time().seconds(), 0)
    }

    /// Whether any branch or tag has a commit yet, or a commit is checked out without one.
    fn has_commit(&self) -> bool {
        let named = self
            .inner
            .references()
            .is_ok_and(|mut all| all.next().is_some());
        named || self.inner.head().is_ok()
    }

    /// Resolves a branch, tag or commit to a commit.
    pub(crate) fn resolve(&self, revision: &str) -> Result<CommitSha, GitError> {
        // A full id was made somewhere, so this clone lacks it.
        let full = CommitSha::parse(revision).is_some();
        let unknown = |full: bool| GitError::UnknownRevision {
            revision: crate::untrusted::log_line(revision),
            elsewhere: full || self.is_shallow(),
        };
        let found = self.inner.revparse_single(revision).map_err(|_| {
            if full || self.has_commit() {
                return unknown(full);
            }
            GitError::Unborn {
                path: self.folder().display().to_string(),
            }
        })?;
        let commit = found.peel(ObjectType::Commit).map_err(|_| unknown(false))?;
        Ok(CommitSha(commit.id().to_string()))
    }

    /// Returns the best common ancestor of two commits; several (criss-cross merges) are an
    /// error.
    pub(crate) fn merge_base(
        &self,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<CommitSha, GitError> {
        let (one, others) = self.merge_bases(base, head)?;
        if others.is_empty() {
            return Ok(one);
        }
        Err(GitError::ManyMergeBases {
            base: base.short().to_owned(),
            head: head.short().to_owned(),
            count: others.len() + 1,
        })
    }

    /// Returns the best common ancestors of two commits: one, and others after criss-cross
    /// merges.
    ///
    /// A history that a shallow clone cuts off between the two commits and an ancestor is an
    /// error: a better one may lie beyond the edge.
    pub(crate) fn merge_bases(
        &self,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<(CommitSha, Vec<CommitSha>), GitError> {
        let none = || GitError::NoMergeBase {
            base: base.short().to_owned(),
            head: head.short().to_owned(),
            shallow: self.is_shallow(),
        };
        let found = self
            .inner
            .merge_bases(self.oid(base)?, self.oid(head)?)
            .map_err(|error| match error.code() {
                ErrorCode::NotFound => none(),
                // A shallow clone also fails with a missing parent object.
                _ if self.is_shallow() => none(),
                _ => GitError::from(error),
            })?;
        let mut found = found.iter().map(|oid| CommitSha(oid.to_string()));
        let one = found.next().ok_or_else(none)?;
        let others: Vec<CommitSha> = found.collect();
        for ancestor in [&one].into_iter().chain(&others) {
            if self.is_cut_off(ancestor, &[base, head])? {
                return Err(none());
            }
        }
        Ok((one, others))
    }

    /// Tells what lies at `path` at a commit.
    pub(crate) fn entry(
        &self,
        commit: &CommitSha,
        path: &RepoPath,
    ) -> Result<Option<Entry>, GitError> {
        let tree = self.tree(commit)?;
        match tree.get_path(Path::new(path.as_str())) {
            Ok(found) => Ok(Some(Entry {
                id: BlobId(found.id()),
                kind: kind(found.filemode()),
            })),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a blob of at most `limit` bytes. Its size is looked up before it is read.
    pub(crate) fn blob(&self, id: BlobId, limit: u64) -> Result<Vec<u8>, GitError> {
        let missing = |_| GitError::Missing {
            what: format!("the content of blob {}", id.0),
        };
        let odb = self.inner.odb()?;
        let (size, _) = odb.read_header(id.0).map_err(missing)?;
        let size = size as u64;
        if size > limit {
            return Err(GitError::TooLarge { size, limit });
        }
        let object = odb.read(id.0).map_err(missing)?;
        Ok(object.data().to_vec())
    }

    /// Lists the names in a folder at a commit.
    pub(crate) fn names(
        &self,
        commit: &CommitSha,
        folder: &RepoPath,
    ) -> Result<Vec<String>, GitError> {
        let Some(tree) = self.folder_tree(commit, folder)? else {
            return Ok(Vec::new());
        };
        Ok(tree
            .iter()
            .map(|entry| String::from_utf8_lossy(entry.name_bytes()).into_owned())
            .collect())
    }

    /// Lists every file below a folder at a commit, in the order of their paths.
    pub(crate) fn files(
        &self,
        commit: &CommitSha,
        below: &RepoPath,
    ) -> Result<Vec<(RepoPath, Entry)>, GitError> {
        let Some(tree) = self.folder_tree(commit, below)? else {
            return Ok(Vec::new());
        };
        let prefix = match below.as_str() {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let mut found = Vec::new();
        tree.walk(git2::TreeWalkMode::PreOrder, |folder, entry| {
            if entry.kind() != Some(ObjectType::Tree) {
                let name = String::from_utf8_lossy(entry.name_bytes());
                let id = BlobId(entry.id());
                let kind = kind(entry.filemode());
                let path = RepoPath(format!("{prefix}{folder}{name}"));
                found.push((path, Entry { id, kind }));
            }
            git2::TreeWalkResult::Ok
        })?;
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found)
    }

    /// The id of a folder at a commit, where it is there.
    pub(crate) fn folder_id(
        &self,
        commit: &CommitSha,
        path: &RepoPath,
    ) -> Result<Option<BlobId>, GitError> {
        let tree = self.folder_tree(commit, path)?;
        Ok(tree.map(|tree| BlobId(tree.id())))
    }

    /// The entries of a folder by its id.
    pub(crate) fn children(&self, folder: BlobId) -> Result<Vec<(String, Entry)>, GitError> {
        let tree = self.inner.find_tree(folder.0)?;
        Ok(tree
            .iter()
            .map(|entry| {
                let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
                let id = BlobId(entry.id());
                (
                    name,
                    Entry {
                        id,
                        kind: kind(entry.filemode()),
                    },
                )
            })
            .collect())
    }

    fn folder_tree(
        &self,
        commit: &CommitSha,
        folder: &RepoPath,
    ) -> Result<Option<git2::Tree<'_>>, GitError> {
        let tree = self.tree(commit)?;
        if folder.as_str().is_empty() {
            return Ok(Some(tree));
        }
        match tree.get_path(Path::new(folder.as_str())) {
            Ok(found) => Ok(found.to_object(&self.inner)?.into_tree().ok()),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Lists the files that two commits do not share, renames paired by content.
    pub(crate) fn diff(&self, base: &CommitSha, head: &CommitSha) -> Result<Vec<Delta>, GitError> {
        let changed = self.changed(Some(base), head)?;
        let removed = changed.iter().any(|delta| delta.after.is_none());
        let added = changed.iter().any(|delta| delta.before.is_none());
        // Without a removal there is nothing that was moved.
        if !(removed && added) {
            return Ok(changed);
        }
        let (base, head) = (self.tree(base)?, self.tree(head)?);
        let mut options = git2::DiffOptions::new();
        options.include_typechange(true).skip_binary_check(true);
        let mut diff =
            self.inner
                .diff_tree_to_tree(Some(&base), Some(&head), Some(&mut options))?;
        let mut similar = git2::DiffFindOptions::new();
        similar.renames(true).rename_limit(2_000);
        diff.find_similar(Some(&mut similar))?;
        let mut deltas: Vec<Delta> = diff
            .deltas()
            .map(|delta| Delta {
                before: side(&delta.old_file()),
                after: side(&delta.new_file()),
            })
            .collect();
        let key = |delta: &Delta| {
            let (path, _) = delta.after.as_ref().or(delta.before.as_ref())?;
            Some(path.clone())
        };
        deltas.sort_by_key(key);
        Ok(deltas)
    }

    fn oid(&self, commit: &CommitSha) -> Result<Oid, GitError> {
        let format = self.inner.object_format();
        Oid::from_str_ext(commit.as_str(), format).map_err(|_| GitError::UnknownRevision {
            revision: commit.to_string(),
            elsewhere: self.is_shallow(),
        })
    }

    fn tree(&self, commit: &CommitSha) -> Result<git2::Tree<'_>, GitError> {
        let missing = |_| GitError::Missing {
            what: format!("commit {}", commit.short()),
        };
        let commit = self.inner.find_commit(self.oid(commit)?).map_err(missing)?;
        Ok(commit.tree()?)
    }
}

/// A file on one side of a difference, where it is there.
fn side(file: &git2::DiffFile<'_>) -> Option<(RepoPath, Entry)> {
    let path = String::from_utf8_lossy(file.path_bytes()?).into_owned();
    let entry = Entry {
        id: BlobId(file.id()),
        kind: kind(file.mode().into()),
    };
    (file.exists() && !file.id().is_zero()).then_some((RepoPath(path), entry))
}

fn kind(mode: i32) -> Kind {
    match mode {
        0o120_000 => Kind::Symlink,
        0o160_000 => Kind::Submodule,
        0o040_000 => Kind::Folder,
        _ => Kind::File,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_ids_are_commits() {
        assert!(CommitSha::parse(&"a".repeat(40)).is_some());
        assert!(CommitSha::parse(&"a".repeat(64)).is_some());
        for bad in ["", "abc", &"A".repeat(40), &"g".repeat(40)] {
            assert_eq!(CommitSha::parse(bad), None);
        }
    }
}

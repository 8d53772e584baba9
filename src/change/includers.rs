//! Which unchanged prompts include a changed file.
//!
//! Any prompt might, so each is asked once whether its bytes hold an include at all; the
//! answer belongs to the blob and is kept in a cache beside the clone.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::files;
use crate::git::{BlobId, CommitSha, Entry, GitError, Kind, Repo, RepoPath};
use crate::policy::scope::{Governance, Scope};
use crate::prompt::MAX_PROMPT;
use crate::prompt::closure::may_include;

const MAGIC: &[u8] = b"gatecard includes 2\n";
const MAX_CACHE: u64 = 64 << 20;

/// Lists the governed files of a commit.
pub(crate) fn governed(
    repo: &Repo,
    commit: &CommitSha,
    scope: &Scope,
) -> Result<Vec<(RepoPath, Entry)>, GitError> {
    let mut found = Vec::new();
    for root in scope.roots() {
        for (path, entry) in repo.files(commit, &root)? {
            if matches!(scope.of(&path), Governance::Governed(_)) {
                found.push((path, entry));
            }
        }
    }
    Ok(found)
}

/// Lists the governed files of a commit whose bytes hold an include.
pub(crate) fn including(
    repo: &Repo,
    commit: &CommitSha,
    scope: &Scope,
) -> Result<Vec<(RepoPath, Entry)>, GitError> {
    let mut cache = Cache::open(repo);
    let mut found = Vec::new();
    for (path, entry) in governed(repo, commit, scope)? {
        if entry.kind == Kind::File && cache.includes(repo, entry.id)? {
            found.push((path, entry));
        }
    }
    cache.save();
    Ok(found)
}

/// Blobs that were asked before: those without an include, and those with one.
struct Cache {
    path: PathBuf,
    without: BTreeSet<Vec<u8>>,
    with: BTreeSet<Vec<u8>>,
    dirty: bool,
}

impl Cache {
    /// A cache that is missing, of another version or damaged is empty: it only saves time.
    fn open(repo: &Repo) -> Self {
        let path = repo.cache().join("includes");
        let mut cache = Self {
            path,
            without: BTreeSet::new(),
            with: BTreeSet::new(),
            dirty: false,
        };
        let bytes = files::read_bounded(&cache.path, MAX_CACHE).unwrap_or_default();
        let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
            return cache;
        };
        while let Some((flag_and_length, tail)) = rest.split_first_chunk::<2>() {
            let [flag, length] = *flag_and_length;
            let Some((id, tail)) = tail.split_at_checked(usize::from(length)) else {
                break;
            };
            let set = if flag == 0 {
                &mut cache.without
            } else {
                &mut cache.with
            };
            set.insert(id.to_vec());
            rest = tail;
        }
        cache
    }

    fn includes(&mut self, repo: &Repo, id: BlobId) -> Result<bool, GitError> {
        let key = id.as_bytes();
        if self.without.contains(key) {
            return Ok(false);
        }
        if self.with.contains(key) {
            return Ok(true);
        }
        let includes = match repo.blob(id, MAX_PROMPT) {
            Ok(bytes) => may_include(&bytes),
            // Whether it can be read is told where it is read as a prompt.
            Err(GitError::TooLarge { .. }) => false,
            Err(error) => return Err(error),
        };
        let set = if includes {
            &mut self.with
        } else {
            &mut self.without
        };
        set.insert(key.to_vec());
        self.dirty = true;
        Ok(includes)
    }

    /// A clone that cannot be written to is only slower.
    fn save(&self) {
        if !self.dirty {
            return;
        }
        let mut bytes = MAGIC.to_vec();
        for (flag, set) in [(0, &self.without), (1, &self.with)] {
            for id in set {
                bytes.push(flag);
                bytes.push(u8::try_from(id.len()).unwrap_or_default());
                bytes.extend_from_slice(id);
            }
        }
        drop(files::write_atomic(&self.path, &bytes));
    }
}

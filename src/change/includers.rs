//! Which unchanged prompts include a changed file.
//!
//! Any prompt might, so each is asked once whether its bytes hold an include at all; the
//! answer belongs to the blob and is kept in a cache beside the clone.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::files;
use crate::git::{BlobId, CommitSha, Entry, GitError, Kind, Repo, RepoPath};
use crate::policy::scope::{Governance, Scope};
use crate::prompt::MAX_PROMPT;
use crate::prompt::includes::may_include;

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

/// Blobs that were asked before, as records of one flag and one id, sorted by id.
struct Cache {
    path: PathBuf,
    known: Vec<u8>,
    fresh: BTreeMap<Vec<u8>, u8>,
}

impl Cache {
    /// A cache that is missing, of another version or damaged is empty: it only saves time.
    fn open(repo: &Repo) -> Self {
        let path = repo.cache().join("includes");
        let mut known = files::read_bounded(&path, MAX_CACHE).unwrap_or_default();
        if known.starts_with(MAGIC) {
            known.drain(..MAGIC.len());
        } else {
            known.clear();
        }
        Self {
            path,
            known,
            fresh: BTreeMap::new(),
        }
    }

    fn flag(&self, id: &[u8]) -> Option<u8> {
        if let Some(flag) = self.fresh.get(id) {
            return Some(*flag);
        }
        let width = id.len() + 1;
        let records = self.known.len() / width;
        let record = |at: usize| self.known.get(at * width..(at + 1) * width)?.split_first();
        let (mut low, mut high) = (0, records);
        while low < high {
            let middle = usize::midpoint(low, high);
            let (flag, found) = record(middle)?;
            match found.cmp(id) {
                Ordering::Equal => return Some(*flag),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn includes(&mut self, repo: &Repo, id: BlobId) -> Result<bool, GitError> {
        if let Some(flag) = self.flag(id.as_bytes()) {
            return Ok(flag != 0);
        }
        let includes = match repo.blob(id, MAX_PROMPT) {
            Ok(bytes) => may_include(&bytes),
            // Whether it can be read is told where it is read as a prompt.
            Err(GitError::TooLarge { .. }) => false,
            Err(error) => return Err(error),
        };
        self.fresh
            .insert(id.as_bytes().to_vec(), u8::from(includes));
        Ok(includes)
    }

    /// Adds what was learned. A clone that cannot be written to is only slower.
    fn save(mut self) {
        let Some(width) = self.fresh.keys().next().map(|id| id.len() + 1) else {
            return;
        };
        for record in self.known.chunks_exact(width) {
            if let Some((flag, id)) = record.split_first() {
                self.fresh.entry(id.to_vec()).or_insert(*flag);
            }
        }
        let mut bytes = MAGIC.to_vec();
        for (id, flag) in &self.fresh {
            bytes.push(*flag);
            bytes.extend_from_slice(id);
        }
        drop(files::write_atomic(&self.path, &bytes));
    }
}

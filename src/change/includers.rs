//! Which unchanged prompts include a changed file.
//!
//! Any prompt might, so each is asked once whether its bytes hold an include at all; the
//! answer belongs to the blob, or to the folder, and is kept in a cache beside the clone.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::files;
use crate::git::{BlobId, CommitSha, Entry, GitError, Kind, Repo, RepoPath};
use crate::limits::{INCLUDE_CACHE, PROMPT, TREE_DEPTH};
use crate::policy::scope::{Governance, Scope};
use crate::prompt::includes::may_include;
use crate::prompt::may_be_prompt;

const MAGIC: &[u8] = b"gatecard includes 5\n";

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

/// Lists the governed files of a commit whose bytes hold an include. A folder that is known
/// to hold none is not even opened.
pub(crate) fn including(
    repo: &Repo,
    commit: &CommitSha,
    scope: &Scope,
) -> Result<Vec<RepoPath>, GitError> {
    let mut search = Search {
        repo,
        scope,
        cache: Cache::open(repo),
        found: Vec::new(),
    };
    for root in scope.roots() {
        if let Some(id) = repo.folder_id(commit, &root)? {
            search.folder(&root, id)?;
        }
    }
    search.cache.save();
    Ok(search.found)
}

struct Search<'a> {
    repo: &'a Repo,
    scope: &'a Scope,
    cache: Cache,
    found: Vec<RepoPath>,
}

impl Search<'_> {
    /// Searches a folder, and tells whether no file below it holds an include.
    fn folder(&mut self, path: &RepoPath, id: BlobId) -> Result<bool, GitError> {
        if self.cache.flag(id.as_bytes()) == Some(0) {
            return Ok(true);
        }
        if path.as_str().split('/').count() > TREE_DEPTH {
            return Err(GitError::Other {
                message: format!("folders nest deeper than {TREE_DEPTH}"),
            });
        }
        let mut clean = true;
        for (name, entry) in self.repo.children(id)? {
            let Some(path) = path.join(&name) else {
                continue;
            };
            clean &= match entry.kind {
                Kind::Folder => self.folder(&path, entry.id)?,
                Kind::File if may_be_prompt(&path) => self.file(path, entry.id)?,
                Kind::File | Kind::Symlink | Kind::Submodule => true,
            };
        }
        if clean {
            self.cache.fresh.insert(id.as_bytes().to_vec(), 0);
        }
        Ok(clean)
    }

    fn file(&mut self, path: RepoPath, id: BlobId) -> Result<bool, GitError> {
        let includes = self.cache.includes(self.repo, id)?;
        if includes && matches!(self.scope.of(&path), Governance::Governed(_)) {
            self.found.push(path);
        }
        Ok(!includes)
    }
}

/// Blobs and folders that were asked before, as records of one flag and one id, sorted by id.
struct Cache {
    path: PathBuf,
    known: Vec<u8>,
    fresh: BTreeMap<Vec<u8>, u8>,
}

impl Cache {
    /// A cache that is missing, of another version or damaged is empty: it only saves time.
    fn open(repo: &Repo) -> Self {
        let path = repo.cache().join("includes");
        let mut known = files::read_bounded(&path, INCLUDE_CACHE).unwrap_or_default();
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
        let includes = match repo.blob(id, PROMPT) {
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

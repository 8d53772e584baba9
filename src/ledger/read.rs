//! Reads entries from the branch.

use std::cell::OnceCell;

use super::entry::{Body, Entry, SCHEMA, Waiver};
use super::index::Index;
use super::{LedgerError, place};
use crate::git::{BlobId, CommitSha, GitError, Kind, Repo, RepoPath};
use crate::limits::LEDGER_ENTRY;
use crate::units::Digest;

/// What an entry should be that could not be read.
const NEWER: &str = "an entry that this version of gatecard can read";

/// The ledger of a repository, as its branch has it.
pub(crate) struct Ledger<'r> {
    repo: &'r Repo,
    tip: CommitSha,
    /// Opened at the first lookup.
    index: OnceCell<Index>,
}

/// A folder of a hundred entries.
struct Shard {
    /// The last number that may lie in it.
    end: u64,
    folder: RepoPath,
    id: BlobId,
}

/// An entry with the digest of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// The entry.
    pub(crate) entry: Entry,
    /// What the next entry names as `prev`.
    pub(crate) digest: Digest,
}

/// By what entries are looked up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// Everything that names a prompt, by its id, or by the id it had.
    Prompt(String),
    /// Everything that names a prompt version.
    Version(Digest),
    /// Everything of a pull request.
    Pull(u64),
    /// The merge whose push ended at a commit.
    Merge(CommitSha),
    /// Every merge of something ungated.
    Ungated,
    /// Every correction of an earlier entry.
    Amendments,
    /// Everything of a head.
    Head(CommitSha),
    /// Everything of a review, by its id.
    Review(u64),
    /// Every time that a gate was let red for a prompt version.
    Waiver {
        /// The gate.
        gate: String,
        /// The prompt, where the gate is about one.
        prompt: Option<String>,
        /// Its version.
        version: Option<Digest>,
    },
    /// The corrections of an entry, by its number.
    Amends(u64),
}

impl Key {
    /// The key of a waiver.
    pub(super) fn of_waiver(waiver: &Waiver) -> Self {
        Self::Waiver {
            gate: waiver.gate.clone(),
            prompt: waiver.prompt.clone(),
            version: waiver.version,
        }
    }

    /// Whether it finds an entry.
    pub(crate) fn finds(&self, entry: &Entry) -> bool {
        keys(entry).contains(self)
    }
}

impl<'r> Ledger<'r> {
    /// Opens the ledger: the branch of the clone or the one that was fetched from `origin`,
    /// whichever contains the other. `None` where there is neither.
    pub(crate) fn open(repo: &'r Repo, branch: &str) -> Result<Option<Self>, LedgerError> {
        let local = repo.reference(&format!("refs/heads/{branch}"))?;
        Ok(newest(repo, branch, local)?.map(|tip| Self::at(repo, tip)))
    }

    /// The ledger as a commit has it.
    pub(crate) const fn at(repo: &'r Repo, tip: CommitSha) -> Self {
        Self {
            repo,
            tip,
            index: OnceCell::new(),
        }
    }

    /// The branch's tip.
    pub(crate) const fn tip(&self) -> &CommitSha {
        &self.tip
    }

    /// Reads every entry, in order. Says nothing about the chain: `verify` does.
    pub(crate) fn entries(&self) -> Result<Vec<Stored>, LedgerError> {
        let mut found = Vec::new();
        for (_, path, id) in self.files_from(1)? {
            found.push(self.read(&path, id)?);
        }
        Ok(found)
    }

    /// What the entries from a number on are found by, in order, each with its number. Reads
    /// them as far as that needs: whoever looks one up reads it again, and strictly.
    pub(super) fn keys_from(&self, first: u64) -> Result<Vec<(u64, Vec<Key>)>, LedgerError> {
        let mut found = Vec::new();
        for (seq, path, id) in self.files_from(first)? {
            let bytes = self.bytes(&path, id)?;
            let entry: Entry = serde_json::from_slice(&bytes)
                .map_err(|error| self.no_entry(&path, (error.to_string(), NEWER)))?;
            found.push((seq, keys(&entry)));
        }
        Ok(found)
    }

    /// The files of the entries from a number on, in order.
    fn files_from(&self, first: u64) -> Result<Vec<(u64, String, BlobId)>, LedgerError> {
        let mut found = Vec::new();
        for shard in self.shards()? {
            if shard.end >= first {
                found.extend(self.files(&shard)?);
            }
        }
        found.retain(|(seq, ..)| *seq >= first);
        Ok(found)
    }

    /// The newest entry.
    pub(crate) fn last(&self) -> Result<Option<Stored>, LedgerError> {
        for shard in self.shards()?.iter().rev() {
            if let Some((_, path, id)) = self.files(shard)?.pop() {
                return self.read(&path, id).map(Some);
            }
        }
        Ok(None)
    }

    /// The entries that a key finds, in order.
    pub(crate) fn about(&self, key: &Key) -> Result<Vec<Stored>, LedgerError> {
        let mut found = Vec::new();
        for seq in self.index()?.find(key) {
            found.extend(self.numbered(seq)?);
        }
        found.retain(|stored| key.finds(&stored.entry));
        Ok(found)
    }

    /// The newest entry that a key finds and that fits. Reads no more entries than it must.
    pub(crate) fn newest(
        &self,
        key: &Key,
        fits: impl Fn(&Entry) -> bool,
    ) -> Result<Option<Stored>, LedgerError> {
        for seq in self.index()?.find(key).into_iter().rev() {
            let mut found = self.numbered(seq)?;
            found.retain(|stored| key.finds(&stored.entry) && fits(&stored.entry));
            if let Some(found) = found.pop() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn index(&self) -> Result<&Index, LedgerError> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let index = Index::open(self.repo, self)?;
        Ok(self.index.get_or_init(|| index))
    }

    /// The entry with a number: one, unless somebody tampered with the branch.
    pub(crate) fn numbered(&self, seq: u64) -> Result<Vec<Stored>, LedgerError> {
        let folder = RepoPath::parse(&place::shard(seq)).unwrap_or_else(RepoPath::root);
        let Some(id) = self.repo.folder_id(&self.tip, &folder)? else {
            return Ok(Vec::new());
        };
        let start = format!("{seq:010}-");
        let mut found = Vec::new();
        for (name, entry) in self.repo.children(id)? {
            if name.starts_with(&start) && entry.kind == Kind::File {
                let path = format!("{folder}/{name}");
                if place::parse(&path).is_some() {
                    found.push(self.read(&path, entry.id)?);
                }
            }
        }
        Ok(found)
    }

    /// The folders that entries lie in, in the order of their numbers.
    fn shards(&self) -> Result<Vec<Shard>, LedgerError> {
        let mut found = Vec::new();
        let top = RepoPath::parse(place::FOLDER).unwrap_or_else(RepoPath::root);
        let Some(id) = self.repo.folder_id(&self.tip, &top)? else {
            return Ok(found);
        };
        for (upper, folder, id) in self.folders(&top, id)? {
            for (lower, folder, id) in self.folders(&folder, id)? {
                let end = upper.saturating_mul(100).saturating_add(lower);
                let end = end.saturating_mul(100).saturating_add(99);
                found.push(Shard { end, folder, id });
            }
        }
        found.sort_by_key(|shard| shard.end);
        Ok(found)
    }

    /// The folders in a folder that have a number as their name.
    fn folders(
        &self,
        parent: &RepoPath,
        id: BlobId,
    ) -> Result<Vec<(u64, RepoPath, BlobId)>, LedgerError> {
        let folders = self.repo.children(id)?.into_iter();
        let folders = folders.filter(|(_, entry)| entry.kind == Kind::Folder);
        Ok(folders
            .filter_map(|(name, entry)| Some((name.parse().ok()?, parent.join(&name)?, entry.id)))
            .collect())
    }

    /// The entries' files in a folder, in the order of their numbers.
    fn files(&self, shard: &Shard) -> Result<Vec<(u64, String, BlobId)>, LedgerError> {
        let mut found = Vec::new();
        for (name, entry) in self.repo.children(shard.id)? {
            let path = format!("{}/{name}", shard.folder);
            if let Some((seq, _)) = place::parse(&path)
                && entry.kind == Kind::File
            {
                found.push((seq, path, entry.id));
            }
        }
        found.sort();
        Ok(found)
    }

    fn read(&self, path: &str, id: BlobId) -> Result<Stored, LedgerError> {
        let bytes = self.bytes(path, id)?;
        parse(path, &bytes).map_err(|wrong| self.no_entry(path, wrong))
    }

    fn bytes(&self, path: &str, id: BlobId) -> Result<Vec<u8>, LedgerError> {
        match self.repo.blob(id, LEDGER_ENTRY) {
            Err(GitError::TooLarge { size, .. }) => {
                let found = format!("{size} bytes");
                Err(self.no_entry(path, (found, "at most the 4 MiB that gatecard writes")))
            }
            other => Ok(other?),
        }
    }

    fn no_entry(&self, path: &str, (found, expected): (String, &'static str)) -> LedgerError {
        LedgerError::Entry {
            path: crate::untrusted::log_line(path),
            commit: self.tip.short().to_owned(),
            found,
            expected,
        }
    }
}

/// The tip of the clone's branch, which is given, or that of the one that was fetched: whichever
/// contains the other.
pub(super) fn newest(
    repo: &Repo,
    branch: &str,
    local: Option<CommitSha>,
) -> Result<Option<CommitSha>, LedgerError> {
    let fetched = repo.reference(&format!("refs/remotes/origin/{branch}"))?;
    let (ours, theirs) = match (local, fetched) {
        (Some(ours), Some(theirs)) => (ours, theirs),
        (one, other) => return Ok(one.or(other)),
    };
    if repo.contains(&ours, &theirs)? {
        return Ok(Some(ours));
    }
    if repo.contains(&theirs, &ours)? {
        return Ok(Some(theirs));
    }
    Err(LedgerError::Diverged {
        local: branch.to_owned(),
        ours: ours.short().to_owned(),
        fetched: format!("origin/{branch}"),
        theirs: theirs.short().to_owned(),
    })
}

/// Reads an entry. What would not be written byte by byte as it stands there is none: that
/// finds unknown fields, another order and everything else that a digest would not show.
pub(crate) fn parse(path: &str, bytes: &[u8]) -> Result<Stored, (String, &'static str)> {
    let entry: Entry = serde_json::from_slice(bytes).map_err(|error| (error.to_string(), NEWER))?;
    if entry.v != SCHEMA {
        return Err((format!("schema version {}", entry.v), NEWER));
    }
    if entry.bytes().ok().as_deref() != Some(bytes) {
        return Err((String::from("another form or unknown fields"), NEWER));
    }
    if place::parse(path) != Some((entry.seq, entry.body.kind())) {
        let found = format!("entry {} of kind {}", entry.seq, entry.body.kind());
        return Err((found, "the entry that the file's name says"));
    }
    Ok(Stored {
        digest: Digest::of(bytes),
        entry,
    })
}

/// Everything that an entry is found by.
pub(crate) fn keys(entry: &Entry) -> Vec<Key> {
    let mut found: Vec<Key> = entry.about.pull.map(Key::Pull).into_iter().collect();
    let mut prompt = |id: Option<&String>, versions: &[Option<Digest>]| {
        found.extend(id.cloned().map(Key::Prompt));
        found.extend(versions.iter().flatten().copied().map(Key::Version));
    };
    match &entry.body {
        Body::HeadSeen(seen) => {
            for each in &seen.prompts {
                prompt(Some(&each.id), &[Some(each.version)]);
            }
        }
        Body::Approve(review) | Body::Dismiss(review) | Body::Stale(review) => {
            for each in &review.subjects {
                prompt(each.prompt.as_ref(), &[Some(each.digest)]);
            }
            found.push(Key::Review(review.review));
        }
        Body::Verdict(verdict) => {
            for each in &verdict.changes {
                prompt(Some(&each.id), &[each.from, each.to]);
                prompt(each.renamed_from.as_ref(), &[]);
            }
        }
        Body::Waiver(waiver) => {
            prompt(waiver.prompt.as_ref(), &[waiver.version]);
            found.push(Key::of_waiver(waiver));
        }
        Body::Merge(merge) => {
            for each in &merge.prompts {
                prompt(Some(&each.id), &[each.from, each.to]);
                prompt(each.renamed_from.as_ref(), &[]);
            }
            let prompts = merge.prompts.iter().any(|each| each.ungated.is_some());
            if prompts || merge.files.iter().any(|each| each.ungated.is_some()) {
                found.push(Key::Ungated);
            }
            found.push(Key::Merge(entry.about.head.clone()));
        }
        Body::Amend(amend) => found.extend([Key::Amendments, Key::Amends(amend.amends)]),
    }
    found.push(Key::Head(entry.about.head.clone()));
    found.sort();
    found.dedup();
    found
}

//! Where in the repository evidence still lies, by its digest.

use std::collections::BTreeMap;

use crate::git::{CommitSha, Kind, Repo, RepoPath};
use crate::limits::COMMITTED_EVIDENCE;
use crate::trail::Record;
use crate::units::Digest;

/// The evidence files that were looked for.
pub(super) struct Files<'r> {
    repo: &'r Repo,
    tip: CommitSha,
    /// The clone is not whole.
    lacks: bool,
    known: BTreeMap<(Digest, CommitSha), Option<String>>,
}

impl<'r> Files<'r> {
    pub(super) fn new(repo: &'r Repo, tip: CommitSha) -> Self {
        Self {
            repo,
            tip,
            lacks: repo.is_shallow() || repo.is_partial(),
            known: BTreeMap::new(),
        }
    }

    /// Says of each evidence file of a record where it lies: in the commit that brought the
    /// version, in the one that was judged, or in the base branch as it is now.
    pub(super) fn place(&mut self, record: &mut Record) {
        let landed = record.landed.as_ref().map(|landed| landed.commit.clone());
        let judged = record.verdict.as_ref().map(|judged| judged.head.clone());
        let named = [landed, judged].into_iter().flatten();
        let mut commits: Vec<CommitSha> = named.filter_map(|sha| CommitSha::parse(&sha)).collect();
        commits.push(self.tip.clone());
        for kept in &mut record.evidence {
            let Some(sha256) = kept.sha256 else {
                continue;
            };
            let mut places = commits.iter().cloned();
            kept.in_git = places.find_map(|commit| self.look(&kept.name, sha256, commit));
            kept.unseen = kept.in_git.is_none() && self.lacks;
        }
    }

    fn look(&mut self, name: &str, sha256: Digest, commit: CommitSha) -> Option<String> {
        let key = (sha256, commit);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let found = self.search(name, sha256, &key.1);
        self.known.insert(key, found.clone());
        found
    }

    /// A commit that is not here has no file here.
    fn search(&self, name: &str, sha256: Digest, commit: &CommitSha) -> Option<String> {
        let files = self.repo.files(commit, &RepoPath::root()).ok()?;
        let same = files
            .into_iter()
            .filter(|(path, file)| file.kind == Kind::File && path.name() == name);
        let mut same = same.filter(|(_, file)| {
            let bytes = self.repo.blob(file.id, COMMITTED_EVIDENCE);
            bytes.is_ok_and(|bytes| Digest::of(&bytes) == sha256)
        });
        let (path, _) = same.next()?;
        Some(format!("{}:{path}", commit.short()))
    }
}

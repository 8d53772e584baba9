//! The commits whose files eval runs say they ran, looked up in this repository.
//!
//! Only what a commit holds counts: the version of each changed prompt there, and the datasets
//! and judges. A run from files that differed from its commit shows nothing of either.

use std::collections::BTreeMap;

use super::collect::LoadedRun;
use super::evals::Revision;
use super::sets::{Files, Kind};
use crate::change::{Change, ChangeSet};
use crate::git::{CommitSha, GitError, Repo};
use crate::limits::REVISIONS;
use crate::policy::Policy;
use crate::units::Digest;
use crate::untrusted::visible;

/// Fewer characters of a commit's id than this name no commit.
const SHORTEST: usize = 7;

/// What a commit holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// The versions of the changed prompts, by their id at head; those it does not have are
    /// missing.
    pub(crate) versions: BTreeMap<String, Digest>,
    /// The digests of datasets and judges.
    pub(crate) sets: BTreeMap<Kind, Option<Digest>>,
}

/// Every commit that a run names.
#[derive(Debug, Clone, Default)]
pub(crate) struct Revisions(BTreeMap<String, Result<Held, String>>);

impl Revisions {
    /// Looks them up.
    pub(crate) fn read(
        repo: &Repo,
        policy: &Policy,
        changes: &ChangeSet,
        runs: &[LoadedRun],
    ) -> Self {
        let mut known = BTreeMap::new();
        for revision in runs.iter().filter_map(|run| run.run.revision.as_ref()) {
            if usable(revision).is_err() || known.contains_key(&revision.commit) {
                continue;
            }
            let held = if known.len() < REVISIONS {
                held(repo, policy, changes, &revision.commit)
            } else {
                Err(format!("more than {REVISIONS} commits are named"))
            };
            known.insert(revision.commit.clone(), held);
        }
        Self(known)
    }

    /// What the commit of a run holds; or why it shows nothing, in words; `None` where the run
    /// names none.
    pub(crate) fn of(&self, run: &LoadedRun) -> Option<Result<&Held, String>> {
        let revision = run.run.revision.as_ref()?;
        let name = visible(revision.commit.get(..12).unwrap_or(&revision.commit));
        let held = usable(revision).map_err(str::to_owned).and_then(|()| {
            match self.0.get(&revision.commit) {
                Some(Ok(held)) => Ok(held),
                Some(Err(why)) => Err(why.clone()),
                None => Err(String::from("it was not looked up")),
            }
        });
        Some(held.map_err(|why| format!("its commit `{name}` does not count: {why}")))
    }
}

/// Whether a run's files were those of its commit, as far as it says.
fn usable(revision: &Revision) -> Result<(), &'static str> {
    match revision.dirty {
        Some(false) => Ok(()),
        Some(true) => Err("files differed from it"),
        None => Err("the run does not say whether files differed from it"),
    }
}

fn held(repo: &Repo, policy: &Policy, changes: &ChangeSet, text: &str) -> Result<Held, String> {
    let commit = found(repo, text)?;
    let mut held = Held::default();
    let broken = |error: GitError| error.to_string();
    for change in &changes.changes {
        let version = ChangeSet::version_at(repo, policy, change, &commit).map_err(broken)?;
        if let Some(version) = version {
            held.versions.insert(key(change), version);
        }
    }
    for kind in Kind::ALL {
        let files = Files::at(repo, &commit, (policy, kind)).map_err(broken)?;
        held.sets.insert(kind, files.digest());
    }
    Ok(held)
}

fn found(repo: &Repo, text: &str) -> Result<CommitSha, String> {
    let text = text.to_ascii_lowercase();
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !hex || text.len() < SHORTEST || text.len() > 64 {
        return Err(format!(
            "it is no commit id of {SHORTEST} characters or more"
        ));
    }
    match repo.starting(&text) {
        Ok(Some(commit)) => Ok(commit),
        Ok(None) => Err(String::from(
            "this clone has no one commit of that name (fetch the whole history: `fetch-depth: 0`)",
        )),
        Err(error) => Err(error.to_string()),
    }
}

/// What a changed prompt is known by here.
pub(super) fn key(change: &Change) -> String {
    change.id.as_str().to_owned()
}

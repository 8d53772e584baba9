//! The versions that traces name, looked up in this repository.
//!
//! Order: the prompts of this change, the policy's `labels`, the merges on record in the ledger,
//! the prompt as it is at the base tip, then its history. What the ledger names is read again
//! from Git. A version that nothing knows does not resolve.

use std::collections::{BTreeMap, BTreeSet};

use super::traces::calls::Coverage;
use super::traces::expect::owed;
use super::traces::fields::Mask;
use crate::change::{ChangeSet, Range, includers};
use crate::git::{BlobId, CommitSha, GitError, Repo, RepoPath};
use crate::ledger::Ledger;
use crate::ledger::past::merges;
use crate::policy::Policy;
use crate::policy::scope::{Governance, Rule};
use crate::prompt::Prompt;
use crate::prompt::closure::Revision;

/// A prompt name and a version as traces write them.
type Named = (Option<String>, String);

/// What the versions that traces name came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Versions {
    resolved: BTreeMap<Named, Mask>,
    /// Names that did not resolve, with the calls that use them.
    pub(crate) unresolved: BTreeMap<Named, u64>,
    /// The clone is shallow, so that a version may exist where it cannot be seen.
    pub(crate) history_missing: bool,
}

impl Versions {
    /// The fields that calls of a version owe; `None` where the version does not resolve.
    pub(crate) fn owed(&self, prompt: Option<&str>, version: Option<&str>) -> Option<Mask> {
        let named = (prompt.map(str::to_owned), version?.to_owned());
        self.resolved.get(&named).copied()
    }
}

/// Resolves every version that the traces name.
pub(crate) fn resolve(
    repo: &Repo,
    range: &Range,
    policy: &Policy,
    changes: &ChangeSet,
    (coverage, ledger): (&Coverage, Option<&Ledger<'_>>),
) -> Result<Versions, GitError> {
    let mut open: BTreeMap<Named, u64> = BTreeMap::new();
    for (key, group) in &coverage.groups {
        if let Some(version) = &key.version {
            *open
                .entry((key.prompt.clone(), version.clone()))
                .or_default() += group.calls();
        }
    }
    let mut versions = Versions::default();
    let mut take = |open: &mut BTreeMap<Named, u64>, fits: &dyn Fn(&Named) -> Option<Mask>| {
        open.retain(|named, _| match fits(named) {
            Some(mask) => {
                versions.resolved.insert(named.clone(), mask);
                false
            }
            None => true,
        });
    };
    let changed: Vec<&Prompt> = changes
        .changes
        .iter()
        .flat_map(|change| [&change.base, &change.head])
        .flatten()
        .collect();
    take(&mut open, &|named| {
        changed
            .iter()
            .find(|prompt| names(prompt, named))
            .map(|prompt| owed(prompt))
    });
    take(&mut open, &|(prompt, version)| {
        let labels = policy.labels.get(prompt.as_deref()?)?;
        labels.contains_key(version).then(Mask::default)
    });
    if let Some(ledger) = ledger {
        let found = on_record(repo, policy, ledger, &open);
        take(&mut open, &|named| found.get(named).copied());
    }
    if !open.is_empty() {
        let mut history = History::find(repo, range, policy, &changed, &open)?;
        take(&mut open, &|named| history.at_tip(named));
        if !open.is_empty() {
            let found = history.walk(repo, &range.base, &open)?;
            take(&mut open, &|named| found.get(named).copied());
        }
    }
    versions.history_missing = !open.is_empty() && repo.is_shallow();
    versions.unresolved = open;
    Ok(versions)
}

/// Tells whether a trace means this version of this prompt. A digest needs no prompt name.
fn names(prompt: &Prompt, (name, version): &Named) -> bool {
    match name {
        Some(name) if !prompt.is_called(name) => false,
        Some(_) => {
            prompt.version.is_named(version) || prompt.draft.label().as_deref() == Some(version)
        }
        None => prompt.version.is_named(version),
    }
}

/// The names that merges on record know, where the clone has what was merged. What the ledger
/// cannot tell, history may.
fn on_record(
    repo: &Repo,
    policy: &Policy,
    ledger: &Ledger<'_>,
    open: &BTreeMap<Named, u64>,
) -> BTreeMap<Named, Mask> {
    let mut found = BTreeMap::new();
    for named in open.keys() {
        let (prompt, version) = named;
        for (commit, path) in merges(ledger, prompt.as_deref(), version).unwrap_or_default() {
            let Governance::Governed(rule) = policy.scope.of(&path) else {
                continue;
            };
            let prompts = read(repo, &commit, &path, rule).unwrap_or_default();
            let meant = prompts.iter().find(|prompt| names(prompt, named));
            found.extend(meant.map(|prompt| (named.clone(), owed(prompt))));
        }
    }
    found
}

/// The files in which the named prompts live, and their versions over time.
struct History<'p> {
    files: Vec<Followed<'p>>,
    tip: Vec<Prompt>,
}

struct Followed<'p> {
    path: RepoPath,
    rule: &'p Rule,
    /// The closure's files at the tip: a version can only change where one of them does.
    closure: BTreeSet<RepoPath>,
    seen: BTreeSet<Vec<Option<BlobId>>>,
}

impl Followed<'_> {
    /// Whether the closure is in a state at this commit that was not seen before.
    fn is_new(&mut self, repo: &Repo, commit: &CommitSha) -> Result<bool, GitError> {
        let state: Result<Vec<_>, GitError> = self
            .closure
            .iter()
            .map(|path| Ok(repo.entry(commit, path)?.map(|entry| entry.id)))
            .collect();
        Ok(self.seen.insert(state?))
    }
}

impl<'p> History<'p> {
    fn find(
        repo: &Repo,
        range: &Range,
        policy: &'p Policy,
        changed: &[&Prompt],
        open: &BTreeMap<Named, u64>,
    ) -> Result<Self, GitError> {
        let names: BTreeSet<&str> = open
            .keys()
            .filter_map(|(name, _)| name.as_deref())
            .collect();
        let mut paths: BTreeSet<RepoPath> = changed
            .iter()
            .filter(|prompt| names.iter().any(|name| prompt.is_called(name)))
            .map(|prompt| prompt.path.clone())
            .collect();
        let others: Vec<&&str> = names
            .iter()
            .filter(|name| !changed.iter().any(|prompt| prompt.is_called(name)))
            .collect();
        if !others.is_empty() {
            let governed = includers::governed(repo, &range.base, &policy.scope)?;
            let called = |path: &RepoPath, name: &str| is_id(policy, path, name);
            // A name that is no file's id may be one that a file declares: all are read then.
            let by_id = others
                .iter()
                .all(|name| governed.iter().any(|(path, _)| called(path, name)));
            paths.extend(
                governed
                    .into_iter()
                    .map(|(path, _)| path)
                    .filter(|path| !by_id || others.iter().any(|name| called(path, name))),
            );
        }
        let mut history = Self {
            files: Vec::new(),
            tip: Vec::new(),
        };
        for path in paths {
            let Governance::Governed(rule) = policy.scope.of(&path) else {
                continue;
            };
            let mut closure = BTreeSet::from([path.clone()]);
            for prompt in read(repo, &range.base, &path, rule)? {
                closure.extend(prompt.includes.iter().map(|included| included.path.clone()));
                history.tip.push(prompt);
            }
            let seen = BTreeSet::new();
            history.files.push(Followed {
                path,
                rule,
                closure,
                seen,
            });
        }
        Ok(history)
    }

    fn at_tip(&self, named: &Named) -> Option<Mask> {
        self.tip
            .iter()
            .find(|prompt| names(prompt, named))
            .map(owed)
    }

    /// Walks back until every open name is found or history ends. A commit is only read where
    /// a file of the closure differs from every state seen before.
    fn walk(
        &mut self,
        repo: &Repo,
        from: &CommitSha,
        open: &BTreeMap<Named, u64>,
    ) -> Result<BTreeMap<Named, Mask>, GitError> {
        let mut found = BTreeMap::new();
        if self.files.is_empty() {
            return Ok(found);
        }
        repo.history(from, |commit| {
            for file in &mut self.files {
                if !file.is_new(repo, commit)? {
                    continue;
                }
                for prompt in read(repo, commit, &file.path, file.rule)? {
                    let meant = open.keys().filter(|named| names(&prompt, named));
                    found.extend(meant.map(|named| (named.clone(), owed(&prompt))));
                }
            }
            Ok(found.len() < open.len())
        })?;
        Ok(found)
    }
}

/// Tells whether a governed file's id, or that of an entry in it, is `name`.
fn is_id(policy: &Policy, path: &RepoPath, name: &str) -> bool {
    let Governance::Governed(rule) = policy.scope.of(path) else {
        return false;
    };
    let name = name.split('#').next().unwrap_or(name);
    match &rule.id {
        Some(id) => id == name,
        None => path
            .as_str()
            .strip_prefix(name)
            .is_some_and(|suffix| suffix.starts_with(['.', '_']) && !suffix.contains('/')),
    }
}

/// Reads the prompts of a file at a commit; what cannot be read there names no version.
fn read(
    repo: &Repo,
    commit: &CommitSha,
    path: &RepoPath,
    rule: &Rule,
) -> Result<Vec<Prompt>, GitError> {
    let Some(entry) = repo.entry(commit, path)? else {
        return Ok(Vec::new());
    };
    let revision = Revision { repo, commit };
    Ok(revision.prompts(path, entry, rule).unwrap_or_default())
}

//! What Git and arithmetic say again: policies, the versions of heads, the numbers of verdicts.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Seen;
use super::finding::{Code, Findings};
use super::policies::{Compared, Found};
use crate::git::{CommitSha, GitError, RepoPath};
use crate::ledger::arithmetic::contradictions;
use crate::ledger::name::bounded;
use crate::ledger::{Body, Entry};
use crate::policy::scope::Governance;
use crate::prompt::closure::Revision;
use crate::rules::Rules;
use crate::units::Digest;

/// Looks at every entry by itself.
pub(super) fn check(seen: &Seen<'_>, findings: &mut Findings) -> Result<(), GitError> {
    let mut versions = Versions {
        seen,
        known: BTreeMap::new(),
    };
    for (seq, entry) in seen.entries() {
        let same = policy(seen, (seq, entry), findings)?;
        if let Body::Verdict(verdict) = &entry.body {
            let rules = rules(seen, entry).filter(|_| same);
            for each in contradictions(&entry.about, verdict, rules.as_deref()) {
                findings.entry(Code::Contradiction, seq, each.words);
            }
        }
        heads(&mut versions, (seq, entry), findings)?;
    }
    Ok(())
}

/// The rules of what an entry is about, where they can be read.
pub(super) fn rules(seen: &Seen<'_>, entry: &Entry) -> Option<Rc<Rules>> {
    match seen.policies.of(&entry.about.base, &entry.about.head) {
        Ok(Found::Rules(rules)) => Some(rules),
        // What the clone lacks is told where it must be known.
        Ok(Found::Unusable(_) | Found::None) | Err(_) => None,
    }
}

/// Whether the policy that an entry names is the one that Git has.
fn policy(
    seen: &Seen<'_>,
    (seq, entry): (u64, &Entry),
    findings: &mut Findings,
) -> Result<bool, GitError> {
    let Some(policy) = &entry.about.policy else {
        return Ok(false);
    };
    let commits = (&entry.about.base, &entry.about.head);
    match seen.policies.compare(policy, commits)? {
        Compared::Same => return Ok(true),
        Compared::Differs(words) => findings.entry(Code::PolicyMismatch, seq, words),
        Compared::Lacks(commit) => {
            if matches!(entry.body, Body::Verdict(_)) {
                let words = format!("commit {} is not in this clone", commit.short());
                findings.entry(Code::PolicyUnseen, seq, words);
            }
        }
    }
    Ok(false)
}

/// The versions that an entry gives the prompts of its head.
fn heads(
    versions: &mut Versions<'_>,
    (seq, entry): (u64, &Entry),
    findings: &mut Findings,
) -> Result<(), GitError> {
    let claimed: Vec<(&str, &str, Option<Digest>)> = match &entry.body {
        Body::HeadSeen(seen) => seen
            .prompts
            .iter()
            .map(|each| (each.id.as_str(), each.path.as_str(), Some(each.version)))
            .collect(),
        Body::Verdict(verdict) => verdict
            .changes
            .iter()
            .map(|each| (each.id.as_str(), each.path.as_str(), each.to))
            .collect(),
        _ => return Ok(()),
    };
    let repo = versions.seen.asked.repo;
    if !repo.has(&entry.about.head) || !repo.has(&entry.about.base) {
        let words = format!("commit {} is not in this clone", entry.about.head.short());
        findings.entry(Code::HeadUnseen, seq, words);
        return Ok(());
    }
    let Some(rules) = rules(versions.seen, entry) else {
        return Ok(());
    };
    for (id, path, version) in claimed {
        // A name that is too long stands there as its digest.
        let Some(path) = RepoPath::parse(path).filter(|own| bounded(own.as_str()) == path) else {
            continue;
        };
        let found = versions.at(&entry.about.head, &path, id, &rules)?;
        if found != version {
            let shown = |digest: Option<Digest>| {
                digest.map_or_else(|| String::from("none"), |digest| digest.short())
            };
            let (commit, own) = (entry.about.head.short(), shown(version));
            let words = format!(
                "{id}: version {own}, and commit {commit} has {}",
                shown(found)
            );
            findings.entry(Code::PromptMismatch, seq, words);
        }
    }
    Ok(())
}

/// The versions of one file at a commit, by id.
type InFile = BTreeMap<String, Digest>;

/// Versions at commits, each file read once.
struct Versions<'a> {
    seen: &'a Seen<'a>,
    known: BTreeMap<(CommitSha, RepoPath, Digest), InFile>,
}

impl Versions<'_> {
    /// The version of a prompt; `None` where it is not there or cannot be read.
    fn at(
        &mut self,
        commit: &CommitSha,
        path: &RepoPath,
        id: &str,
        rules: &Rules,
    ) -> Result<Option<Digest>, GitError> {
        let key = (commit.clone(), path.clone(), rules.sha256);
        if let Some(found) = self.known.get(&key) {
            return Ok(found.get(id).copied());
        }
        let repo = self.seen.asked.repo;
        let mut found = InFile::new();
        if let Governance::Governed(rule) = rules.policy.scope.of(path)
            && let Some(entry) = repo.entry(commit, path)?
            && let Ok(prompts) = (Revision { repo, commit }).prompts(path, entry, rule)
        {
            for prompt in prompts {
                found.insert(bounded(prompt.id.as_str()), prompt.version.digest());
            }
        }
        let version = found.get(id).copied();
        self.known.insert(key, found);
        Ok(version)
    }
}

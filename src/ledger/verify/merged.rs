//! What a merge entry says that the base branch got, held to the difference of its two commits.

use std::collections::BTreeMap;

use super::Seen;
use super::finding::{Code, Findings};
use super::policies::Found;
use crate::change::{Change, ChangeSet, Kind, Range};
use crate::git::{BlobId, CommitSha, GitError, Kind as FileKind, RepoPath};
use crate::ledger::Body;
use crate::ledger::entry::{Merged, MergedFile};
use crate::ledger::name::{bounded, word};
use crate::rules::Rules;

/// Everything governed that one commit of the base branch changes since another.
pub(super) fn between(
    seen: &Seen<'_>,
    rules: &Rules,
    base: &CommitSha,
    head: &CommitSha,
) -> Result<ChangeSet, GitError> {
    let range = Range {
        base: base.clone(),
        merge_base: base.clone(),
        others: Vec::new(),
        head: head.clone(),
    };
    ChangeSet::between(seen.asked.repo, &range, &rules.policy, &rules.path)
}

/// Looks at one merge entry.
pub(super) fn check(
    seen: &Seen<'_>,
    seq: u64,
    (base, head): &(CommitSha, CommitSha),
    findings: &mut Findings,
) -> Result<(), GitError> {
    let Some(Body::Merge(merge)) = seen.entry(seq).map(|entry| &entry.body) else {
        return Ok(());
    };
    let rules = match seen.policies.of(base, head)? {
        Found::Rules(rules) => rules,
        Found::Unusable(path) => {
            let words = format!("{path} at commit {} has errors", base.short());
            findings.entry(Code::PolicyUnusable, seq, words);
            return Ok(());
        }
        Found::None => {
            if !merge.prompts.is_empty() || !merge.files.is_empty() {
                let words = "names changes, and neither of its commits has a policy";
                findings.entry(Code::MergeMismatch, seq, words);
            }
            return Ok(());
        }
    };
    // A branch that was new has everything from this commit, and nothing that shows a change.
    if base == head {
        return Ok(());
    }
    let set = match between(seen, &rules, base, head) {
        Ok(set) => set,
        Err(error @ GitError::Missing { .. }) => {
            findings.entry(Code::ObjectsMissing, seq, error.to_string());
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let computed = set.changes.iter().map(|change| {
        let merged = prompt(change);
        (merged.id.clone(), merged)
    });
    let recorded = merge.prompts.iter().map(|each| {
        let mut known = each.clone();
        known.ungated = None;
        (each.id.clone(), known)
    });
    compare(seq, recorded.collect(), &computed.collect(), findings);
    let computed = files(seen, &set, head)?;
    let recorded = merge.files.iter().map(|each| {
        let mut known = each.clone();
        known.ungated = None;
        (each.path.clone(), known)
    });
    compare(seq, recorded.collect(), &computed, findings);
    Ok(())
}

/// A changed prompt as a merge entry has it.
fn prompt(change: &Change) -> Merged {
    let place = change.head.as_ref().or(change.base.as_ref());
    let label = change.head.as_ref().and_then(|head| head.draft.label());
    Merged {
        id: bounded(change.id.as_str()),
        path: bounded(place.map_or("", |prompt| prompt.path.as_str())),
        renamed_from: match &change.kind {
            Kind::Renamed { from } => Some(bounded(from.as_str())),
            Kind::Added | Kind::Modified | Kind::Removed => None,
        },
        from: change.base.as_ref().map(|base| base.version.digest()),
        to: change.head.as_ref().map(|head| head.version.digest()),
        label: label.map(|label| word(&label)),
        ungated: None,
    }
}

/// The other files of a change as a merge entry has them. A prompt that cannot be read is one.
fn files(
    seen: &Seen<'_>,
    set: &ChangeSet,
    head: &CommitSha,
) -> Result<BTreeMap<String, MergedFile>, GitError> {
    let mut found = BTreeMap::new();
    let mut add = |kind: &str, path: &RepoPath, blob: Option<BlobId>| {
        let path = bounded(path.as_str());
        let file = MergedFile {
            kind: kind.to_owned(),
            path: path.clone(),
            blob: blob.map(|blob| blob.to_string()),
            ungated: None,
        };
        found.insert(path, file);
    };
    for file in &set.governed {
        add(file.kind.id(), &file.path, file.blob);
    }
    for problem in &set.broken {
        let entry = seen.asked.repo.entry(head, &problem.path)?;
        let entry = entry.filter(|entry| entry.kind != FileKind::Folder);
        add("prompt", &problem.path, entry.map(|entry| entry.id));
    }
    Ok(found)
}

/// Finds what only one side has, or both have differently.
fn compare<T: PartialEq>(
    seq: u64,
    recorded: BTreeMap<String, T>,
    computed: &BTreeMap<String, T>,
    findings: &mut Findings,
) {
    for name in computed.keys().filter(|name| !recorded.contains_key(*name)) {
        let words = format!("does not name {name}, which its commits change");
        findings.entry(Code::MergeMismatch, seq, words);
    }
    for (name, recorded) in recorded {
        let words = match computed.get(&name) {
            None => format!("names {name}, which its commits do not change"),
            Some(computed) if *computed != recorded => {
                format!("says of {name} something else than its commits show")
            }
            Some(_) => continue,
        };
        findings.entry(Code::MergeMismatch, seq, words);
    }
}

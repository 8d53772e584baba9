//! From the difference of two trees to paired prompts.

use std::collections::{BTreeMap, BTreeSet};

use super::hidden::{self, Hidden};
use super::reader::Reader;
use super::workflow;
use super::{Change, ChangeSet, GovernedFile, GovernedKind, Kind, Range, Trigger, includers};
use crate::git::{Delta, GitError, Repo, RepoPath};
use crate::policy::scope::{Governance, Risk, Rule, Stage};
use crate::policy::{PATHS, Policy};
use crate::prompt::diff;
use crate::prompt::version::Facet;
use crate::prompt::{self, Problem, Prompt, PromptId};
use crate::reason::Code;

pub(super) fn change_set(
    repo: &Repo,
    range: &Range,
    policy: &Policy,
    policy_path: &RepoPath,
) -> Result<ChangeSet, GitError> {
    let deltas = repo.diff(&range.merge_base, &range.head)?;
    let paths = touched(repo, range, policy, &deltas)?;
    let reader = Reader { repo, policy };
    let mut before = reader.side(&range.merge_base, &paths.base)?;
    let after = reader.side(&range.head, &paths.head)?;
    let renames = renames(&deltas);
    let edited: BTreeSet<&RepoPath> = deltas
        .iter()
        .filter_map(|delta| Some(&delta.after.as_ref()?.0))
        .collect();
    let unreadable: BTreeSet<&RepoPath> = before.broken.iter().map(|(path, _)| path).collect();
    let lost: BTreeSet<RepoPath> = after.broken.iter().map(|(path, _)| path.clone()).collect();
    let moved = ungoverned(&before.paths(), &after.paths(), &renames);
    // A prompt that this change does not touch and that was broken before is not its fault.
    let (old, new): (Vec<_>, Vec<_>) = after
        .broken
        .into_iter()
        .partition(|(path, _)| unreadable.contains(path) && !edited.contains(path));
    let mut set = ChangeSet {
        broken: new.into_iter().map(|(_, problem)| problem).collect(),
        broken_before: old.into_iter().map(|(_, problem)| problem).collect(),
        lookalikes: lookalikes(policy, &deltas),
        governed: governed_files(repo, range, (policy, policy_path), &deltas)?,
        ..ChangeSet::default()
    };
    set.broken.extend(moved);
    set.broken
        .extend(reader.vanished(&range.head, &before.prompts, &after.prompts, &lost)?);
    set.broken.extend(unnamed(policy, &deltas));
    set.unread = reader.unread(&deltas);
    // A prompt that cannot be read at head is broken, not removed.
    before.prompts.retain(|prompt| !lost.contains(&prompt.path));
    let pairs = pair(before.prompts, after.prompts, &renames);
    for change in pairs
        .into_iter()
        .filter_map(|(base, head)| change(policy, base, head))
    {
        if change.kind != Kind::Modified || change.needs_evidence() || change.eases(policy) {
            set.changes.push(change);
        } else if change
            .head
            .as_ref()
            .is_some_and(|head| edited.contains(&head.path))
        {
            set.formatting.push(change.id);
        }
    }
    set.formatting.sort();
    reader.collisions(&range.head, &set.changes, &mut set.broken)?;
    settle(&reader, range, &unreadable, &mut set.changes)?;
    hidden::find(repo, range, &renames, &mut set.changes)?;
    set.changes.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(set)
}

/// Adds what only the repository tells of each change.
fn settle(
    reader: &Reader<'_>,
    range: &Range,
    unreadable: &BTreeSet<&RepoPath>,
    changes: &mut [Change],
) -> Result<(), GitError> {
    for change in changes {
        // A base that could not be read is no base, and the prompt is not new for that.
        if change.kind == Kind::Added
            && change
                .head
                .as_ref()
                .is_some_and(|head| unreadable.contains(&head.path))
        {
            change.kind = Kind::Modified;
        }
        change.base_moved = reader.moved(range, change)?;
        change.line = reader.line(range, change)?;
    }
    Ok(())
}

/// The governed files to read on each side.
struct Touched {
    base: BTreeSet<RepoPath>,
    head: BTreeSet<RepoPath>,
}

fn touched(
    repo: &Repo,
    range: &Range,
    policy: &Policy,
    deltas: &[Delta],
) -> Result<Touched, GitError> {
    let mut touched = Touched {
        base: BTreeSet::new(),
        head: BTreeSet::new(),
    };
    let is_prompt = |path: &RepoPath| matches!(policy.scope.of(path), Governance::Governed(_));
    let mut changed: BTreeSet<&RepoPath> = BTreeSet::new();
    for delta in deltas {
        if let Some((path, _)) = &delta.before {
            changed.insert(path);
            if is_prompt(path) {
                touched.base.insert(path.clone());
            }
        }
        if let Some((path, _)) = &delta.after {
            changed.insert(path);
            if is_prompt(path) {
                touched.head.insert(path.clone());
            }
        }
    }
    if changed.is_empty() {
        return Ok(touched);
    }
    let shared = policy.scope.shared().any(|path| changed.contains(path));
    let others = if shared {
        let all = includers::governed(repo, &range.head, &policy.scope)?;
        all.into_iter().map(|(path, _)| path).collect()
    } else {
        includers::including(repo, &range.head, &policy.scope)?
    };
    for path in others {
        touched.base.insert(path.clone());
        touched.head.insert(path);
    }
    Ok(touched)
}

/// Pairs the prompts of both sides: by id, then by renamed file, then by equal version.
fn pair(
    before: Vec<Prompt>,
    after: Vec<Prompt>,
    renames: &BTreeMap<RepoPath, RepoPath>,
) -> Vec<(Option<Prompt>, Option<Prompt>)> {
    let mut before: BTreeMap<PromptId, Prompt> = before
        .into_iter()
        .map(|prompt| (prompt.id.clone(), prompt))
        .collect();
    let (mut pairs, mut new) = (Vec::new(), Vec::new());
    for head in after {
        match before.remove(&head.id) {
            Some(base) => pairs.push((Some(base), Some(head))),
            None => new.push(head),
        }
    }
    for head in new {
        let old_path = renames.get(&head.path);
        let found = before
            .values()
            .find(|base| Some(&base.path) == old_path)
            .or_else(|| {
                before
                    .values()
                    .find(|base| base.version.digest() == head.version.digest())
            })
            .map(|base| base.id.clone());
        let base = found.and_then(|id| before.remove(&id));
        pairs.push((base, Some(head)));
    }
    pairs.extend(before.into_values().map(|base| (Some(base), None)));
    pairs
}

fn renames(deltas: &[Delta]) -> BTreeMap<RepoPath, RepoPath> {
    deltas
        .iter()
        .filter_map(|delta| {
            let ((before, _), (after, _)) = (delta.before.as_ref()?, delta.after.as_ref()?);
            (before != after).then(|| (after.clone(), before.clone()))
        })
        .collect()
}

fn change(policy: &Policy, base: Option<Prompt>, head: Option<Prompt>) -> Option<Change> {
    let kind = match (&base, &head) {
        (Some(base), Some(head)) if base.id != head.id => Kind::Renamed {
            from: base.id.clone(),
        },
        (Some(_), Some(_)) => Kind::Modified,
        (None, Some(_)) => Kind::Added,
        (Some(_), None) => Kind::Removed,
        (None, None) => return None,
    };
    let shown = head.as_ref().or(base.as_ref())?;
    let places = [base.as_ref(), head.as_ref()];
    let rules: Vec<&Rule> = places
        .into_iter()
        .flatten()
        .filter_map(|prompt| match policy.scope.of(&prompt.path) {
            Governance::Governed(rule) => Some(rule),
            Governance::Skipped(_) | Governance::Outside => None,
        })
        .collect();
    let both = base.as_ref().zip(head.as_ref());
    let facets = both
        .map(|(base, head)| head.differs(base))
        .unwrap_or_default();
    let differences = both
        .map(|(base, head)| diff::differences(base, head))
        .unwrap_or_default();
    let triggers = head
        .as_ref()
        .map(|head| triggers(policy, base.as_ref(), head))
        .unwrap_or_default();
    let change = Change {
        id: shown.id.clone(),
        kind,
        facets,
        triggers,
        differences,
        risk: Risk::Standard,
        stage: Stage::Production,
        base_moved: false,
        line: 1,
        hidden: Hidden::default(),
        base,
        head,
    };
    Some(change.under(&rules))
}

fn triggers(policy: &Policy, base: Option<&Prompt>, head: &Prompt) -> BTreeSet<Trigger> {
    let mut found = BTreeSet::new();
    let Some(base) = base else {
        found.insert(Trigger::NewPrompt);
        return found;
    };
    let models = |prompt: &Prompt| -> BTreeSet<_> {
        prompt
            .draft
            .models
            .iter()
            .filter_map(|each| each.model.clone())
            .collect()
    };
    if !models(head).is_subset(&models(base)) {
        found.insert(Trigger::NewModel);
    }
    if head.differs(base).contains(&Facet::Template) {
        let share = diff::changed_words(base, head);
        let limit = policy.major_change.hundredths();
        if u128::from(share.part) * 10_000 > u128::from(share.whole) * u128::from(limit) {
            found.insert(Trigger::MajorPromptChange);
        }
    }
    let tools = |prompt: &Prompt| match &prompt.draft.tools {
        serde_json::Value::Array(list) => list.len(),
        serde_json::Value::Null => 0,
        _ => 1,
    };
    match (tools(base), tools(head)) {
        (0, 1..) => {
            found.insert(Trigger::ToolsIntroduced);
        }
        (before, after) if after > before => {
            found.insert(Trigger::WorkflowExpanded);
        }
        _ => {}
    }
    found
}

/// Governed prompts that were moved to where no pattern finds them, or no format reads them.
fn ungoverned(
    before: &BTreeSet<RepoPath>,
    after: &BTreeSet<RepoPath>,
    renames: &BTreeMap<RepoPath, RepoPath>,
) -> Vec<Problem> {
    renames
        .iter()
        .filter(|(new, old)| before.contains(old) && !after.contains(new))
        .map(|(new, old)| {
            let found = format!("was moved from `{old}`, and the policy finds no prompt there");
            Problem::new(Code::Ungoverned, new, found)
        })
        .collect()
}

/// Governed files whose names are not UTF-8: they cannot be looked up, so they are never read.
fn unnamed(policy: &Policy, deltas: &[Delta]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, _) in deltas
        .iter()
        .flat_map(|delta| [&delta.before, &delta.after])
        .flatten()
    {
        let governed = matches!(policy.scope.of(path), Governance::Governed(_));
        if governed && path.as_str().contains('\u{FFFD}') {
            let found = "the name of this file is not UTF-8";
            problems.push(Problem::new(Code::PromptBinary, path, found));
        }
    }
    problems.dedup();
    problems
}

fn lookalikes(policy: &Policy, deltas: &[Delta]) -> Vec<RepoPath> {
    deltas
        .iter()
        .filter_map(|delta| Some(&delta.after.as_ref()?.0))
        .filter(|path| matches!(policy.scope.of(path), Governance::Outside))
        .filter(|path| looks_like_prompt(path))
        .cloned()
        .collect()
}

/// Tells from a path whether people would take the file for a prompt.
pub(crate) fn looks_like_prompt(path: &RepoPath) -> bool {
    match prompt::recognise(path, None) {
        Some((format, _)) if format.id() != "text" => true,
        Some(_) => {
            let folders = path.folder();
            folders.as_str().split('/').any(|folder| {
                let folder = folder.to_ascii_lowercase();
                folder == "prompt" || folder == "prompts"
            })
        }
        None => false,
    }
}

fn governed_files(
    repo: &Repo,
    range: &Range,
    (policy, policy_path): (&Policy, &RepoPath),
    deltas: &[Delta],
) -> Result<Vec<GovernedFile>, GitError> {
    let mut found = BTreeSet::new();
    for delta in deltas {
        for side in [&delta.before, &delta.after].into_iter().flatten() {
            let path = &side.0;
            let text = path.as_str();
            let evidence = &policy.evidence;
            let kind = if path == policy_path || PATHS.contains(&text) {
                GovernedKind::Policy
            } else if ["CODEOWNERS", ".github/CODEOWNERS", "docs/CODEOWNERS"].contains(&text) {
                GovernedKind::Owners
            } else if [&evidence.drills, &evidence.reviews, &evidence.data_policy].contains(&path) {
                GovernedKind::Evidence
            } else if policy.datasets.iter().any(|glob| glob.is_match(text)) {
                GovernedKind::Dataset
            } else if policy.judges.iter().any(|glob| glob.is_match(text)) {
                GovernedKind::Judge
            } else if [&policy.templates.comment, &policy.templates.summary]
                .into_iter()
                .flatten()
                .any(|template| template == path)
            {
                GovernedKind::Template
            } else if workflow::runs_gate(repo, &range.merge_base, side)? {
                GovernedKind::Workflow
            } else {
                continue;
            };
            let at = |commit| repo.entry(commit, path);
            let base = at(&range.base)?;
            found.insert(GovernedFile {
                kind,
                path: path.clone(),
                blob: delta
                    .after
                    .as_ref()
                    .filter(|(after, _)| after == path)
                    .map(|(_, entry)| entry.id),
                base_moved: base != at(&range.merge_base)? && base != at(&range.head)?,
            });
        }
    }
    Ok(found.into_iter().collect())
}

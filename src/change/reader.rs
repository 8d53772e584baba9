//! Reads the prompts of one side of a change, and asks what became of them on the other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Range};
use crate::git::{CommitSha, Delta, Entry, GitError, Kind as FileKind, Repo, RepoPath};
use crate::limits::PROMPT;
use crate::policy::Policy;
use crate::policy::scope::{Governance, Rule};
use crate::prompt::closure::Revision;
use crate::prompt::{self, Problem, Prompt, PromptId};
use crate::reason::Code;

/// What one side holds.
pub(super) struct Side {
    /// Its prompts.
    pub(super) prompts: Vec<Prompt>,
    /// Files that cannot be read, each with the first reason.
    pub(super) broken: Vec<(RepoPath, Problem)>,
}

impl Side {
    /// The files that hold a prompt, whether it can be read or not.
    pub(super) fn paths(&self) -> BTreeSet<RepoPath> {
        let prompts = self.prompts.iter().map(|prompt| &prompt.path);
        let broken = self.broken.iter().map(|(path, _)| path);
        prompts.chain(broken).cloned().collect()
    }
}

pub(super) struct Reader<'a> {
    /// The repository.
    pub(super) repo: &'a Repo,
    /// The policy of the base tip.
    pub(super) policy: &'a Policy,
}

impl Reader<'_> {
    pub(super) fn side(
        &self,
        commit: &CommitSha,
        paths: &BTreeSet<RepoPath>,
    ) -> Result<Side, GitError> {
        let mut side = Side {
            prompts: Vec::new(),
            broken: Vec::new(),
        };
        for path in paths {
            let Governance::Governed(rule) = self.policy.scope.of(path) else {
                continue;
            };
            match self.file(commit, path, rule)? {
                Ok(prompts) => side.prompts.extend(prompts),
                Err(problem) => side.broken.push((path.clone(), problem)),
            }
        }
        Ok(side)
    }

    /// Reads one file; one that is not there, or that a pattern found and no format reads,
    /// holds no prompt.
    fn file(
        &self,
        commit: &CommitSha,
        path: &RepoPath,
        rule: &Rule,
    ) -> Result<Result<Vec<Prompt>, Problem>, GitError> {
        let Some(entry) = self.repo.entry(commit, path)? else {
            return Ok(Ok(Vec::new()));
        };
        let revision = Revision {
            repo: self.repo,
            commit,
        };
        Ok(match revision.prompts(path, entry, rule) {
            Err(problem) if problem.code == Code::PromptFormat && !rule.exact => Ok(Vec::new()),
            result => result,
        })
    }

    /// Finds prompts of the base whose path still leads somewhere at head, to no prompt: a file
    /// that no format reads any more, or a folder that became a link or a submodule.
    pub(super) fn vanished(
        &self,
        head: &CommitSha,
        before: &[Prompt],
        after: &[Prompt],
        broken: &BTreeSet<RepoPath>,
    ) -> Result<Vec<Problem>, GitError> {
        let read: BTreeSet<&RepoPath> = after.iter().map(|prompt| &prompt.path).collect();
        let lost: BTreeSet<&RepoPath> = before
            .iter()
            .map(|prompt| &prompt.path)
            .filter(|path| !read.contains(path) && !broken.contains(*path))
            .collect();
        let mut problems = Vec::new();
        for path in lost {
            let mut place = path.clone();
            while !place.as_str().is_empty() {
                let found = match self.repo.entry(head, &place)?.map(|entry| entry.kind) {
                    Some(FileKind::Symlink) => Some((Code::PromptSymlink, "a symbolic link")),
                    Some(FileKind::Submodule) => Some((Code::PromptSubmodule, "a submodule")),
                    Some(FileKind::File) => Some((
                        Code::PromptFormat,
                        "was a prompt, and no prompt format reads it any more",
                    )),
                    Some(FileKind::Folder) | None => None,
                };
                if let Some((code, found)) = found {
                    problems.push(Problem::new(code, &place, found));
                    break;
                }
                place = place.folder();
            }
        }
        Ok(problems)
    }

    /// Lists changed files inside the policy's patterns that are no prompts to any format.
    pub(super) fn unread(&self, deltas: &[Delta]) -> Vec<RepoPath> {
        let unread = |path: &RepoPath, entry: &Entry| match self.policy.scope.of(path) {
            Governance::Governed(_) => {
                !prompt::may_be_prompt(path)
                    || self
                        .repo
                        .blob(entry.id, PROMPT)
                        .is_ok_and(|bytes| prompt::recognise(path, Some(&bytes)).is_none())
            }
            Governance::Skipped(reason) => reason == "documentation",
            Governance::Outside => false,
        };
        deltas
            .iter()
            .filter_map(|delta| delta.after.as_ref())
            .filter(|(path, entry)| unread(path, entry))
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// Finds prompts of other files that have the id of a changed one: a neighbour whose
    /// name differs in its suffix only, or another changed file.
    pub(super) fn collisions(
        &self,
        head: &CommitSha,
        changes: &[Change],
        broken: &mut Vec<Problem>,
    ) -> Result<(), GitError> {
        let mut folders: BTreeMap<RepoPath, Vec<String>> = BTreeMap::new();
        let mut seen: BTreeMap<&PromptId, &RepoPath> = BTreeMap::new();
        for prompt in changes.iter().filter_map(|change| change.head.as_ref()) {
            let mut report = |other: &RepoPath| {
                let found = format!("has the id `{}`, as `{other}` has", prompt.id.as_str());
                broken.push(Problem::new(Code::PromptIdCollision, &prompt.path, found));
            };
            if let Some(other) = seen.insert(&prompt.id, &prompt.path)
                && *other != prompt.path
            {
                report(other);
                continue;
            }
            let folder = prompt.path.folder();
            if !folders.contains_key(&folder) {
                folders.insert(folder.clone(), self.repo.names(head, &folder)?);
            }
            // Without ids of its own in the policy, only a name with the same start can clash.
            let stem = prompt.path.name().split('.').next().unwrap_or_default();
            let near = |name: &&String| self.policy.scope.names_ids() || name.starts_with(stem);
            for name in folders.get(&folder).into_iter().flatten().filter(near) {
                let Some(path) = folder.join(name).filter(|path| *path != prompt.path) else {
                    continue;
                };
                let Governance::Governed(rule) = self.policy.scope.of(&path) else {
                    continue;
                };
                let id = match &rule.id {
                    Some(id) => Some(id.as_str()),
                    None => prompt::recognise(&path, None)
                        .and_then(|(_, suffix)| path.as_str().strip_suffix(suffix)),
                };
                if id == Some(prompt.id.as_str()) {
                    report(&path);
                }
            }
        }
        Ok(())
    }

    /// Tells whether the base branch changed the same prompt since the merge base, to
    /// something else than head has.
    pub(super) fn moved(&self, range: &Range, change: &Change) -> Result<bool, GitError> {
        if range.base == range.merge_base {
            return Ok(false);
        }
        let path = match (&change.base, &change.head) {
            (Some(base), _) => &base.path,
            (None, Some(head)) => &head.path,
            (None, None) => return Ok(false),
        };
        let Governance::Governed(rule) = self.policy.scope.of(path) else {
            return Ok(false);
        };
        let id = change.base.as_ref().map_or(&change.id, |base| &base.id);
        let version = |prompts: Vec<Prompt>| {
            let found = prompts.into_iter().find(|prompt| prompt.id == *id)?;
            Some(found.version.digest())
        };
        let Ok(prompts) = self.file(&range.base, path, rule)? else {
            return Ok(true);
        };
        let tip = version(prompts);
        let was = change.base.as_ref().map(|base| base.version.digest());
        let head = change.head.as_ref().map(|head| head.version.digest());
        Ok(tip != was && tip != head)
    }

    /// The first line of a changed prompt's file that differs from the merge base.
    pub(super) fn line(&self, range: &Range, change: &Change) -> Result<usize, GitError> {
        let (Some(base), Some(head)) = (&change.base, &change.head) else {
            return Ok(1);
        };
        let bytes = |commit: &CommitSha, prompt: &Prompt| {
            let entry = self.repo.entry(commit, &prompt.path)?;
            entry.map_or_else(|| Ok(Vec::new()), |entry| self.repo.blob(entry.id, PROMPT))
        };
        let before = bytes(&range.merge_base, base)?;
        Ok(first_difference(&before, &bytes(&range.head, head)?))
    }
}

/// The first line of `after`, counted from 1, that `before` does not have there. A file that
/// only lost its end differs in its last line, and one that is the same in its first.
fn first_difference(before: &[u8], after: &[u8]) -> usize {
    let lines = |bytes: &[u8]| -> Vec<Vec<u8>> {
        let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        lines
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec())
            .collect()
    };
    let (before, after) = (lines(before), lines(after));
    if before == after {
        return 1;
    }
    let same = before.iter().zip(&after).take_while(|(a, b)| a == b);
    (same.count() + 1).min(after.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_stands_at_the_first_line_that_differs() {
        for (before, after, line) in [
            ("a\nb\nc\n", "a\nB\nc\n", 2),
            ("a\nb\n", "a\nb\nc\n", 3),
            ("a\nb\nc\n", "a\nb\n", 2),
            ("a\nb\n", "x\na\nb\n", 1),
            ("a\r\nb\r\n", "a\nB\n", 2),
            ("a\nb", "a\nc", 2),
            ("a\n", "", 1),
            // Only an included file changed.
            ("a\nb\n", "a\nb\n", 1),
        ] {
            let found = first_difference(before.as_bytes(), after.as_bytes());
            assert_eq!(found, line, "{before:?} {after:?}");
        }
    }
}

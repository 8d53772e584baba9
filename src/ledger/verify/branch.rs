//! The branch: one line of commits, each of which only adds the next entries.

use super::Asked;
use super::finding::{Code, Findings};
use crate::git::{CommitSha, Delta, GitError, Kind, OnLine, RepoPath};
use crate::ledger::place;

/// The ledger's own history, oldest first.
pub(super) struct History {
    /// Its commits.
    pub(super) commits: Vec<Made>,
}

/// A commit of the ledger and the numbers of the entries that it added.
pub(super) struct Made {
    /// The commit.
    pub(super) commit: OnLine,
    /// The numbers.
    pub(super) added: Vec<u64>,
}

/// Walks the branch, and finds every commit that does something else than to add entries.
pub(super) fn read(
    asked: &Asked<'_>,
    tip: &CommitSha,
    findings: &mut Findings,
) -> Result<History, GitError> {
    let mut line = asked.repo.line(tip, |_| false)?;
    line.commits.reverse();
    let mut history = History {
        commits: Vec::new(),
    };
    let mut next = 1;
    for (at, commit) in line.commits.into_iter().enumerate() {
        let first = at == 0;
        if first && line.cut_off {
            let words = "the clone lacks what came before this commit";
            findings.commit(Code::LedgerShallow, &commit.sha, words);
            next = 0;
            history.commits.push(Made {
                commit,
                added: Vec::new(),
            });
            continue;
        }
        if commit.parents.len() > 1 {
            let words = format!("found {} parents, expected one", commit.parents.len());
            findings.commit(Code::BranchMerged, &commit.sha, words);
        }
        let parent = commit.parents.first();
        let mut added = Vec::new();
        for delta in asked.repo.changed(parent, &commit.sha)? {
            added.extend(addition(&delta, (&commit.sha, first), findings));
        }
        added.sort_unstable();
        for seq in &added {
            // Behind a cut nobody knows which number is next.
            if next != 0 && *seq != next {
                let words = format!("found entry {seq}, expected entry {next}");
                findings.commit(Code::EntryOutOfTurn, &commit.sha, words);
            }
            next = seq + 1;
        }
        history.commits.push(Made { commit, added });
    }
    Ok(history)
}

/// The number of the entry that a difference adds; everything else is a finding.
fn addition(
    delta: &Delta,
    (commit, first): (&CommitSha, bool),
    findings: &mut Findings,
) -> Option<u64> {
    let (path, file) = match (&delta.before, &delta.after) {
        (None, Some(after)) => after,
        (Some((path, _)), None) => {
            findings.commit(Code::EntryRemoved, commit, format!("removes {path}"));
            return None;
        }
        (Some((path, _)), Some(_)) => {
            findings.commit(Code::EntryEdited, commit, format!("changes {path}"));
            return None;
        }
        (None, None) => return None,
    };
    match place::parse(path.as_str()) {
        Some(_) if file.kind != Kind::File => {
            let found = match file.kind {
                Kind::Symlink => "a symbolic link",
                _ => "a submodule",
            };
            let words = format!("found {found} at {path}, expected a file");
            findings.commit(Code::EntryNoFile, commit, words);
            None
        }
        Some((seq, _)) => Some(seq),
        None if first && is_readme(path) => None,
        None => {
            findings.commit(Code::FileForeign, commit, format!("adds {path}"));
            None
        }
    }
}

fn is_readme(path: &RepoPath) -> bool {
    path.as_str() == place::README
}

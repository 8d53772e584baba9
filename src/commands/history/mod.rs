//! `gatecard log`, `blame` and `export`: what the base branch got, who approved it, on what
//! evidence. Git tells what there was; the ledger tells what was judged and approved.

pub(super) mod blame;
pub(super) mod export;
mod files;
pub(super) mod log;

use std::collections::BTreeSet;

use serde::Serialize;

use super::policy_path;
use crate::cli::HistoryArgs;
use crate::error::Error;
use crate::git::{CommitSha, GitError, Repo, RepoPath};
use crate::ledger::entry::Merged;
use crate::ledger::{Body, Ledger, Stored};
use crate::lineage::Branch;
use crate::timeline::Timeline;
use crate::trail::{Landed, Record, Shelf, Standing, Wanted, record};
use crate::untrusted::log_line;

/// The base branch and the ledger beside it.
struct History<'r> {
    repo: &'r Repo,
    /// The base branch's name.
    base: String,
    branch: Branch<'r>,
    /// The ledger's branch, and the ledger where there is one.
    place: String,
    ledger: Option<Ledger<'r>>,
}

/// What was read, for programs.
#[derive(Serialize)]
struct Source {
    /// The base branch.
    branch: String,
    /// Its tip.
    commit: String,
    /// The ledger; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<At>,
}

/// A branch and its tip.
#[derive(Serialize)]
struct At {
    branch: String,
    commit: String,
}

impl<'r> History<'r> {
    fn open(repo: &'r Repo, args: &HistoryArgs) -> Result<Self, Error> {
        let base = args.branch.clone().or_else(|| repo.default_branch());
        let base = base.unwrap_or_else(|| String::from("HEAD"));
        let tip = tip(repo, &base)?;
        let named = args.policy.as_deref().map(policy_path).transpose()?;
        let branch = Branch::open(repo, tip, named.as_ref())?;
        let place = args.ledger.as_deref().unwrap_or_else(|| branch.ledger());
        let place = place.to_owned();
        let ledger = match Ledger::open(repo, &place)? {
            None if args.ledger.is_some() => Some(Ledger::at(repo, repo.resolve(&place)?)),
            found => found,
        };
        Ok(Self {
            repo,
            base,
            branch,
            place,
            ledger,
        })
    }

    fn line(&self) -> Result<Timeline, GitError> {
        Timeline::open(self.repo, &self.base, &self.branch.tip)
    }

    fn source(&self) -> Source {
        Source {
            branch: self.base.clone(),
            commit: self.branch.tip.to_string(),
            ledger: self.ledger.as_ref().map(|ledger| At {
                branch: self.place.clone(),
                commit: ledger.tip().to_string(),
            }),
        }
    }

    /// `main at a1b2c3d4e5f6, ledger gatecard/ledger at 123456789abc`
    fn shown(&self) -> String {
        let base = log_line(&self.base);
        let place = log_line(&self.place);
        let ledger = match &self.ledger {
            Some(ledger) => format!("ledger {place} at {}", ledger.tip().short()),
            None => format!("no ledger at {place}"),
        };
        format!("{base} at {}, {ledger}", self.branch.tip.short())
    }

    /// The commit that a merge ended at, with what Git knows of it.
    fn landed(&self, commit: &CommitSha) -> Landed {
        Landed {
            commit: commit.to_string(),
            date: self.repo.time(commit).map(shown_time),
            author: self.repo.author(commit),
        }
    }

    /// The record of a version that the base branch has, by the newest merge that fits.
    fn merged(&self, shelf: &Shelf, wanted: Wanted<'_>, fits: impl Fn(&Stored) -> bool) -> Record {
        let merge = shelf
            .standing()
            .rev()
            .find(|stored| merged(stored, wanted).is_some() && fits(stored));
        let mut found = record(shelf, Wanted { merge, ..wanted });
        if let Some(stored) = merge {
            found.standing = Standing::Merged;
            found.landed = Some(self.landed(&stored.entry.about.head));
            if let Some(merged) = merged(stored, wanted) {
                found.path.clone_from(&merged.path);
                found.label.clone_from(&merged.label);
                found.ungated.clone_from(&merged.ungated);
            }
        }
        found
    }

    /// What an unknown prompt is told.
    fn unknown(&self, command: &'static str, id: &str) -> Result<Error, GitError> {
        let prompts = self.branch.prompts(&self.branch.tip)?;
        let mut near: Vec<(usize, &str)> = prompts
            .iter()
            .map(|prompt| prompt.id.as_str())
            .map(|known| (strsim::damerau_levenshtein(id, known), known))
            .collect();
        near.sort_unstable();
        let near: Vec<String> = near
            .iter()
            .take(3)
            .map(|(_, known)| format!("`{known}`"))
            .collect();
        let such = match near.len() {
            0 => String::from("which has none"),
            _ => format!("such as {}", near.join(", ")),
        };
        Ok(Error::Usage {
            what: command,
            found: id.to_owned(),
            expected: format!("a prompt that {} has or had, {such}", self.base),
        })
    }
}

/// What a merge says of a version.
fn merged<'s>(stored: &'s Stored, wanted: Wanted<'_>) -> Option<&'s Merged> {
    let Body::Merge(merge) = &stored.entry.body else {
        return None;
    };
    let mut prompts = merge.prompts.iter();
    prompts.find(|each| wanted.ids.contains(&each.id) && each.to == wanted.version)
}

/// The branch as it was fetched, or as the clone has it, whichever contains the other: a clone
/// whose own branch stayed behind must not answer for the base branch.
fn tip(repo: &Repo, branch: &str) -> Result<CommitSha, GitError> {
    let fetched = repo.reference(&format!("refs/remotes/origin/{branch}"))?;
    let own = repo.reference(&format!("refs/heads/{branch}"))?;
    Ok(match (fetched, own) {
        (Some(fetched), Some(own)) => {
            if repo.contains(&own, &fetched)? {
                own
            } else {
                fetched
            }
        }
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => repo.resolve(branch)?,
    })
}

fn shown_time(time: chrono::DateTime<chrono::Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// The files in which the ledger saw a prompt.
fn paths(shelf: &Shelf, ids: &[String]) -> Vec<RepoPath> {
    let mut found = BTreeSet::new();
    for stored in shelf.entries() {
        let places: Vec<(&String, &String)> = match &stored.entry.body {
            Body::Merge(merge) => {
                let prompts = merge.prompts.iter();
                prompts.map(|each| (&each.id, &each.path)).collect()
            }
            Body::Verdict(verdict) => {
                let changes = verdict.changes.iter();
                changes.map(|each| (&each.id, &each.path)).collect()
            }
            _ => Vec::new(),
        };
        let ours = places.into_iter().filter(|(id, _)| ids.contains(id));
        found.extend(ours.filter_map(|(_, path)| RepoPath::parse(path)));
    }
    found.into_iter().collect()
}

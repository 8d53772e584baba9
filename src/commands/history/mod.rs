//! `gatecard log`, `blame`, `export` and `show`: what the base branch got, who approved it, on what
//! evidence. Git tells what there was; the ledger tells what was judged and approved.

pub(super) mod blame;
pub(super) mod export;
mod files;
pub(super) mod log;
pub(super) mod show;
mod version;
mod versions;

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Context, policy_path};
use crate::cli::HistoryArgs;
use crate::error::Error;
use crate::git::{CommitSha, GitError, Repo, RepoPath};
use crate::ledger::entry::{Merge, Merged};
use crate::ledger::{About, Body, Key, Ledger, LedgerError, Stored};
use crate::lineage::{Branch, Found};
use crate::rules::RulesError;
use crate::timeline::Timeline;
use crate::trail::text::headline;
use crate::trail::{Landed, Record, Shelf, Standing, Wanted, When, record};
use crate::untrusted::log_line;

/// The exit code where this clone cannot tell.
const CANNOT_TELL: u8 = 2;

/// How many renames the ledger is followed through.
const RENAMES: usize = 32;

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
        Self::read(repo, args).map_err(|error| told(repo, error))
    }

    fn read(repo: &'r Repo, args: &HistoryArgs) -> Result<Self, Error> {
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

    /// Everything about some keys, nothing without a ledger.
    fn shelf(&self, keys: &[Key]) -> Result<Shelf, LedgerError> {
        match &self.ledger {
            Some(ledger) => Shelf::about(ledger, keys),
            None => Ok(Shelf::default()),
        }
    }

    /// What is on record of some prompts under the names that they have and, as merges tell, had.
    fn named(&self, ids: &mut BTreeSet<String>) -> Result<Shelf, LedgerError> {
        let mut shelf = Shelf::default();
        for _ in 0..RENAMES {
            let keys: Vec<Key> = ids.iter().cloned().map(Key::Prompt).collect();
            shelf = self.shelf(&keys)?;
            let merges = shelf.standing().filter_map(merge);
            let merged = merges.flat_map(|(_, merge)| &merge.prompts);
            let ours = merged.filter(|each| ids.contains(&each.id));
            let before: Vec<String> = ours.filter_map(|each| each.renamed_from.clone()).collect();
            let known = ids.len();
            ids.extend(before);
            if ids.len() == known {
                break;
            }
        }
        Ok(shelf)
    }

    /// Whether an entry is of this base branch; a revision that is no branch may be of any.
    fn is_base(&self, about: &About) -> bool {
        let here = |folder: &str| {
            let found = self.repo.reference(&format!("{folder}/{}", self.base));
            found.is_ok_and(|found| found.is_some())
        };
        about.base_ref.as_ref().is_none_or(|of| *of == self.base)
            || !(here("refs/heads") || here("refs/remotes/origin"))
    }

    /// Holds the line's commits to when merges of it were recorded: they were there by then.
    fn hold(&self, line: &mut Timeline, shelf: &Shelf) {
        let merges = shelf
            .standing()
            .filter_map(merge)
            .map(|(stored, _)| &stored.entry);
        let of_base = merges.filter(|entry| self.is_base(&entry.about));
        let known: Vec<_> = of_base
            .map(|entry| (&entry.about.head, entry.at.get()))
            .collect();
        line.hold(known);
    }

    /// What people must know of the clone before they read on.
    fn warnings(&self, line: Option<&Timeline>) -> Vec<String> {
        let mut found = Vec::new();
        if let Some(line) = line.filter(|line| line.is_cut()) {
            let first = line.commit(0);
            let first = first.as_ref().map_or("", CommitSha::short);
            let date = line.time(0).map(shown_time).unwrap_or_default();
            found.push(format!(
                "this clone lacks {} before {first} of {date}, where only the ledger tells: run `{}`",
                log_line(&self.base),
                fetch(self.repo)
            ));
        }
        if self.ledger.is_none() && self.repo.has_remote("origin") {
            let place = log_line(&self.place);
            found.push(format!(
                "this clone has no ledger; if there is one, run `git fetch origin {place}:refs/remotes/origin/{place}`"
            ));
        }
        found
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

    /// The record of what a merge says that it brought.
    fn of_merge(&self, shelf: &Shelf, (stored, merged): (&Stored, &Merged)) -> Record {
        let mut ids = vec![merged.id.clone()];
        ids.extend(merged.renamed_from.clone());
        let wanted = Wanted {
            ids: &ids,
            version: merged.to,
            merge: Some(stored),
            judged: When::Ever,
        };
        Record {
            prompt: merged.id.clone(),
            renamed_from: merged.renamed_from.clone(),
            path: merged.path.clone(),
            label: merged.label.clone(),
            standing: Standing::Merged,
            ungated: merged.ungated.clone(),
            landed: Some(self.landed(&stored.entry.about.head)),
            ..record(shelf, wanted)
        }
    }

    /// The record of a version that the base branch has, by the newest merge that fits.
    fn merged(&self, shelf: &Shelf, wanted: Wanted<'_>, fits: impl Fn(&Stored) -> bool) -> Record {
        let merge = shelf.standing().rev().find(|stored| {
            let ours = merged(stored, wanted).is_some() && self.is_base(&stored.entry.about);
            ours && fits(stored)
        });
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

    /// Whether the branch has a prompt, or had it under this id.
    fn had(&self, id: &str) -> Result<bool, GitError> {
        let now = self.branch.find(&self.branch.tip, id, &[])?;
        Ok(
            !matches!(now, Found::Nothing)
                || !self.branch.steps(&self.line()?, id, &[])?.is_empty(),
        )
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

/// An error as one that tells what the clone lacks, where it is about that.
fn told(repo: &Repo, error: Error) -> Error {
    match error {
        Error::Git(lacking @ GitError::Missing { .. })
        | Error::Ledger(LedgerError::Git(lacking @ GitError::Missing { .. }))
        | Error::Rules(RulesError::Git {
            source: lacking @ GitError::Missing { .. },
            ..
        }) => Error::CannotTell {
            lacking: lacking.to_string(),
            fetch: fetch(repo),
        },
        error => error,
    }
}

/// What fetches everything that a clone lacks.
fn fetch(repo: &Repo) -> &'static str {
    match (repo.is_shallow(), repo.is_partial()) {
        (true, false) => "git fetch --unshallow",
        (true, true) => "git fetch --unshallow && git fetch --refetch --no-filter",
        (false, true) => "git fetch --refetch --no-filter",
        (false, false) => "git fetch --refetch",
    }
}

/// The exit code and its word: whether the clone and the ledger together tell of every version.
fn answer(records: &[Record]) -> (u8, &'static str) {
    let unseen = |record: &Record| record.standing == Standing::Unseen;
    if records.iter().any(unseen) {
        (CANNOT_TELL, "cannot-tell")
    } else {
        (0, "found")
    }
}

/// The header: what was read, what was found, and what must be known of it.
fn header(context: &mut Context<'_>, format: &str, lines: &[&str], warnings: &[String]) -> String {
    if format == "csv" {
        for warning in warnings {
            context.note(&format!("warning: {warning}"));
        }
    }
    let warnings = warnings.iter().map(|each| format!("warning: {each}"));
    let lines = lines.iter().map(|line| (*line).to_owned());
    lines.chain(warnings).map(|line| headline(&line)).collect()
}

/// An entry that is a merge.
fn merge(stored: &Stored) -> Option<(&Stored, &Merge)> {
    match &stored.entry.body {
        Body::Merge(merge) => Some((stored, merge)),
        _ => None,
    }
}

/// What a merge says of a version.
fn merged<'s>(stored: &'s Stored, wanted: Wanted<'_>) -> Option<&'s Merged> {
    let (_, merge) = merge(stored)?;
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

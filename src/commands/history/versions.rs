//! Every version of a prompt: from Git, with what is on record of it, and what the ledger alone
//! tells of.

use std::collections::BTreeSet;

use super::{History, RENAMES, merge, paths, shown_time};
use crate::error::Error;
use crate::git::RepoPath;
use crate::ledger::entry::Merged;
use crate::ledger::{Body, Key, Stored};
use crate::lineage::{Found, Step};
use crate::timeline::Timeline;
use crate::trail::{Landed, Record, Shelf, Standing, Wanted, When, covering, record};
use crate::units::Digest;

/// Every version of one prompt, the newest first, and then what was judged and not merged.
pub(super) fn of_prompt(
    history: &History<'_>,
    line: &mut Timeline,
    asked: &str,
) -> Result<(String, Vec<Record>), Error> {
    let (id, known) = name_now(history, asked)?;
    let steps = history.branch.steps(line, &id, &known)?;
    let mut ids: BTreeSet<String> = steps.iter().map(|step| step.id.clone()).collect();
    ids.extend([id.clone(), asked.to_owned()]);
    let shelf = history.named(&mut ids)?;
    history.hold(line, &shelf);
    let ids: Vec<String> = ids.into_iter().collect();
    let told = Told {
        history,
        line,
        shelf: &shelf,
        ids: &ids,
    };
    let mut records: Vec<Record> = steps.iter().map(|step| told.of_step(step)).collect();
    told.elsewhere(&mut records);
    if line.is_cut() {
        told.before(&mut records);
    }
    let merged = records.iter().filter_map(|record| record.version).collect();
    records.extend(told.judged(&merged));
    if records.is_empty() {
        return Err(history.unknown("log", asked)?);
    }
    Ok((id, records))
}

/// What a prompt is called at the tip, and where the ledger saw it: one that was renamed since
/// is followed.
fn name_now(history: &History<'_>, asked: &str) -> Result<(String, Vec<RepoPath>), Error> {
    let mut id = asked.to_owned();
    let Some(ledger) = &history.ledger else {
        return Ok((id, Vec::new()));
    };
    let mut known = Vec::new();
    for _ in 0..RENAMES {
        let shelf = Shelf::about(ledger, &[Key::Prompt(id.clone())])?;
        known = paths(&shelf, std::slice::from_ref(&id));
        let tip = &history.branch.tip;
        if !matches!(history.branch.find(tip, &id, &known)?, Found::Nothing) {
            break;
        }
        let renamed = shelf.standing().rev().find_map(|stored| {
            let (_, merge) = merge(stored)?;
            let mut prompts = merge.prompts.iter();
            prompts.find(|each| each.renamed_from.as_ref() == Some(&id))
        });
        let Some(renamed) = renamed.map(|each| each.id.clone()) else {
            break;
        };
        id = renamed;
    }
    Ok((id, known))
}

/// A prompt's line and everything that is on record of it.
struct Told<'a> {
    history: &'a History<'a>,
    line: &'a Timeline,
    shelf: &'a Shelf,
    ids: &'a [String],
}

impl Told<'_> {
    fn of_step(&self, step: &Step) -> Record {
        let (line, shelf) = (self.line, self.shelf);
        let cover = covering(shelf, line, step.at, self.ids);
        // A correction takes a merge away: the version is then there without being on record.
        let cover = cover.filter(|(stored, _)| shelf.amend(stored.entry.seq).is_none());
        let exact = cover.filter(|(_, merged)| merged.to == step.version);
        if exact.is_none() && step.at == 0 && line.is_cut() {
            return self.at_the_edge(step);
        }
        let wanted = Wanted {
            ids: self.ids,
            version: step.version,
            merge: exact.map(|(stored, _)| stored),
            judged: line.time(step.at).map_or(When::Ever, When::Until),
        };
        let mut record = of_file(step, record(shelf, wanted));
        record.standing = match (&exact, &cover) {
            (Some(_), _) => Standing::Merged,
            (None, Some(_)) => Standing::Between,
            (None, None) => Standing::Unrecorded,
        };
        record.merge = cover.map(|(stored, _)| stored.entry.seq);
        if let Some((_, merged)) = exact {
            record.ungated.clone_from(&merged.ungated);
            if record.renamed_from.is_none() {
                record.renamed_from.clone_from(&merged.renamed_from);
            }
        }
        record.landed = line.commit(step.at).map(|commit| Landed {
            date: line.time(step.at).map(shown_time),
            author: self.history.repo.author(&commit),
            commit: commit.to_string(),
        });
        record
    }

    /// What the branch had where the clone begins: a merge may tell how it came there.
    fn at_the_edge(&self, step: &Step) -> Record {
        let wanted = Wanted {
            ids: self.ids,
            version: step.version,
            merge: None,
            judged: self.line.time(0).map_or(When::Ever, When::Until),
        };
        let merged = self
            .history
            .merged(self.shelf, wanted, |stored| self.is_elsewhere(stored));
        let standing = match merged.standing {
            Standing::Merged => Standing::Merged,
            _ => Standing::Unseen,
        };
        Record {
            standing,
            ..of_file(step, merged)
        }
    }

    /// Whether a merge is of this branch, by a commit that this clone's branch does not have.
    fn is_elsewhere(&self, stored: &Stored) -> bool {
        let about = &stored.entry.about;
        self.history.is_base(about) && self.line.position(&about.head).is_none()
    }

    /// Adds what the ledger alone tells of: merges of before the clone begins, or of after it was
    /// fetched.
    fn elsewhere(&self, records: &mut Vec<Record>) {
        let listed: BTreeSet<u64> = records.iter().filter_map(|record| record.merge).collect();
        let newest = listed.last().copied();
        let (mut newer, mut older) = (Vec::new(), Vec::new());
        for (stored, merge) in self.shelf.standing().rev().filter_map(merge) {
            let seq = stored.entry.seq;
            if listed.contains(&seq) || !self.is_elsewhere(stored) {
                continue;
            }
            let is_older = newest.map_or(self.line.is_cut(), |newest| seq < newest);
            let side = if is_older { &mut older } else { &mut newer };
            for merged in merge
                .prompts
                .iter()
                .filter(|each| self.ids.contains(&each.id))
            {
                side.push(self.history.of_merge(self.shelf, (stored, merged)));
            }
        }
        records.splice(0..0, newer);
        records.extend(older);
    }

    /// Adds the versions that were there before a merge, of which nothing else tells.
    fn before(&self, records: &mut Vec<Record>) {
        let mut had: BTreeSet<Option<Digest>> = BTreeSet::new();
        let mut found = Vec::new();
        for (stored, merge) in self.shelf.standing().filter_map(merge) {
            let about = &stored.entry.about;
            let ours = merge
                .prompts
                .iter()
                .filter(|each| self.ids.contains(&each.id));
            for merged in ours.filter(|_| self.history.is_base(about)) {
                // Where this clone has what the push was onto, it has what was there before.
                let is_seen = self.line.position(&about.base).is_some();
                if !is_seen && merged.from.is_some() && had.insert(merged.from) {
                    let entry = stored.entry.at.get();
                    found.push(self.unseen(merged, When::Until(entry)));
                }
                had.insert(merged.to);
            }
        }
        let unseen = |record: &Record| record.standing == Standing::Unseen;
        let edge = records
            .iter()
            .find(|each| unseen(each))
            .and_then(|each| each.version);
        found.retain(|record| record.version != edge);
        records.extend(found.into_iter().rev());
    }

    fn unseen(&self, merged: &Merged, judged: When) -> Record {
        let wanted = Wanted {
            ids: self.ids,
            version: merged.from,
            merge: None,
            judged,
        };
        Record {
            prompt: merged.renamed_from.as_ref().unwrap_or(&merged.id).clone(),
            path: merged.path.clone(),
            standing: Standing::Unseen,
            ..record(self.shelf, wanted)
        }
    }

    /// The versions that were judged and that the branch never got, the newest first. Where the
    /// clone was cut off, it may have got them before.
    fn judged(&self, merged: &BTreeSet<Digest>) -> Vec<Record> {
        let standing = if self.line.is_cut() {
            Standing::Unseen
        } else {
            Standing::Judged
        };
        let (mut seen, mut found) = (merged.clone(), Vec::new());
        for stored in self.shelf.entries().rev() {
            let Body::Verdict(verdict) = &stored.entry.body else {
                continue;
            };
            let ours = verdict
                .changes
                .iter()
                .filter(|each| self.ids.contains(&each.id));
            for change in ours {
                let Some(version) = change.to.filter(|to| seen.insert(*to)) else {
                    continue;
                };
                let wanted = Wanted {
                    ids: self.ids,
                    version: Some(version),
                    merge: None,
                    judged: When::Ever,
                };
                found.push(Record {
                    prompt: change.id.clone(),
                    path: change.path.clone(),
                    standing,
                    ..record(self.shelf, wanted)
                });
            }
        }
        found
    }
}

/// A record with what the file says.
fn of_file(step: &Step, record: Record) -> Record {
    Record {
        prompt: step.id.clone(),
        renamed_from: step.renamed_from.clone(),
        path: step.path.clone(),
        label: step.label.clone(),
        problem: step.problem.map(str::to_owned),
        ..record
    }
}

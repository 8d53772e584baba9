//! `gatecard log`: every version of a prompt that the base branch got, with what is on record
//! of it; without a prompt, what is on record of each one as it is now.

use std::collections::BTreeSet;

use serde::Serialize;

use super::files::Files;
use super::{CANNOT_TELL, History, RENAMES, Source, header, merge, paths, shown_time, told};
use crate::cli::LogArgs;
use crate::commands::Context;
use crate::commands::moment::{Moment, start};
use crate::error::Error;
use crate::git::Repo;
use crate::ledger::entry::Merged;
use crate::ledger::{Body, Key, Stored};
use crate::lineage::{Found, Step};
use crate::timeline::Timeline;
use crate::trail::text::{Detail, approved, paragraph};
use crate::trail::{Landed, Record, Shelf, Standing, Wanted, When, covering, csv, record};
use crate::units::Digest;
use crate::untrusted::log_line;

#[derive(Serialize)]
struct Page<'a> {
    schema: &'static str,
    base: Source,
    /// The prompt that was asked for, as it is called now.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<&'a str>,
    /// Whether the clone lacks the beginning of the branch.
    cut: bool,
    /// `found`, or `cannot-tell` where the clone lacks what a version's standing is in.
    answer: &'static str,
    warnings: &'a [String],
    versions: &'a [Record],
}

/// Runs the command.
pub(in crate::commands) fn run(args: &LogArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let repo = Repo::open(&args.history.repo)?;
    let history = History::open(&repo, &args.history)?;
    log(&history, args, context).map_err(|error| told(&repo, error))
}

fn log(history: &History<'_>, args: &LogArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let repo = history.repo;
    let since = args.since.as_deref();
    let since = since
        .map(|text| Moment::read(repo, "--since", text))
        .transpose()?;
    let mut line = history.line()?;
    let (prompt, mut records) = match &args.prompt {
        Some(id) => {
            let (id, records) = of_prompt(history, &mut line, id)?;
            (Some(id), records)
        }
        None => (None, of_all(history)?),
    };
    if let Some(since) = since {
        records.retain(|record| is_since(repo, &line, record, &since));
    }
    let mut files = Files::new(repo, history.branch.tip.clone());
    for record in &mut records {
        files.place(record);
    }
    let answer = answer(&records);
    let warnings = history.warnings(prompt.is_some().then_some(&line));
    let read = match &prompt {
        Some(id) => format!("{} on {}", log_line(id), history.shown()),
        None => history.shown(),
    };
    let header = header(context, &args.format, &[&read], &warnings);
    match args.format.as_str() {
        "json" => {
            let page = Page {
                schema: "gatecard/log/v1",
                base: history.source(),
                prompt: prompt.as_deref(),
                cut: line.is_cut(),
                answer: answer.1,
                warnings: &warnings,
                versions: &records,
            };
            context.print_data(&format!("{:#}\n", serde_json::json!(page)))?;
        }
        "csv" => context.print_data(&csv::table(&records))?,
        _ => {
            let body: Vec<String> = match &prompt {
                Some(_) => records
                    .iter()
                    .map(|each| format!("\n{}", paragraph(each, Detail::Short)))
                    .collect(),
                None => listing(&records),
            };
            let nothing = if records.is_empty() {
                "nothing since then\n"
            } else {
                ""
            };
            context.print(&format!("{header}{}{nothing}", body.concat()))?;
        }
    }
    Ok(answer.0)
}

/// The exit code and its word: whether the clone and the ledger together tell of every version.
pub(super) fn answer(records: &[Record]) -> (u8, &'static str) {
    let unseen = |record: &Record| record.standing == Standing::Unseen;
    if records.iter().any(unseen) {
        (CANNOT_TELL, "cannot-tell")
    } else {
        (0, "found")
    }
}

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
    let shelf = if line.is_cut() {
        history.named(&mut ids)?
    } else {
        let keys: Vec<Key> = ids.iter().cloned().map(Key::Prompt).collect();
        history.shelf(&keys)?
    };
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
fn name_now(
    history: &History<'_>,
    asked: &str,
) -> Result<(String, Vec<crate::git::RepoPath>), Error> {
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

/// Every prompt of the tip, with what is on record of the version that it has.
fn of_all(history: &History<'_>) -> Result<Vec<Record>, Error> {
    let shelf = match &history.ledger {
        Some(ledger) => Shelf::all(ledger)?,
        None => Shelf::default(),
    };
    let prompts = history.branch.prompts(&history.branch.tip)?;
    Ok(prompts
        .iter()
        .map(|prompt| {
            let ids = [prompt.id.as_str().to_owned()];
            let wanted = Wanted {
                ids: &ids,
                version: Some(prompt.version.digest()),
                merge: None,
                judged: When::Ever,
            };
            let mut record = history.merged(&shelf, wanted, |_| true);
            [record.prompt] = ids;
            record.path = prompt.path.to_string();
            record.label = prompt.draft.label();
            record
        })
        .collect())
}

/// One line a prompt: `prompts/refund  a1b2c3d4e5f6  label 3  by alice for product`
fn listing(records: &[Record]) -> Vec<String> {
    use unicode_width::UnicodeWidthStr as _;
    let ids = records.iter().map(|each| log_line(&each.prompt).width());
    let width = ids.max().unwrap_or_default();
    records
        .iter()
        .map(|record| {
            let id = log_line(&record.prompt);
            let pad = " ".repeat(width.saturating_sub(id.width()));
            let version = record.version.map(|version| version.short());
            let label = record.label.as_deref();
            let label = label.map(|label| format!("  label {}", log_line(label)));
            let standing = match (record.standing, &record.ungated) {
                (Standing::Merged, None) => String::new(),
                (Standing::Merged, Some(code)) => format!("  ungated [{}]", log_line(code)),
                _ => String::from("  not on record"),
            };
            format!(
                "{id}{pad}  {}{}  approved {}{standing}\n",
                version.unwrap_or_default(),
                label.unwrap_or_default(),
                approved(&record.approvals, false),
            )
        })
        .collect()
}

/// Whether a version is of after a point: by where its commit stands on the line, or by time.
fn is_since(repo: &Repo, line: &Timeline, record: &Record, since: &Moment) -> bool {
    let landed = record.landed.as_ref();
    let commit = landed.and_then(|landed| crate::git::CommitSha::parse(&landed.commit));
    let position = commit.as_ref().and_then(|commit| line.position(commit));
    let time = match (position, &record.verdict) {
        (Some(at), _) => line.time(at),
        (None, Some(judged)) => {
            let judged = chrono::DateTime::parse_from_rfc3339(&judged.judged);
            judged.ok().map(|time| time.to_utc())
        }
        (None, None) => None,
    };
    // Of what the clone does not show, only that it was before the clone begins.
    let time = match record.standing {
        Standing::Unseen => line.time(0),
        _ => time,
    };
    let after = match since {
        Moment::Time(time) => Some(*time),
        Moment::Day(day) => Some(start(*day)),
        Moment::Commit(since) => match (position, line.position(since)) {
            (Some(at), Some(since)) => return at > since,
            _ => repo.time(since),
        },
    };
    time.zip(after).is_none_or(|(time, after)| time >= after)
}

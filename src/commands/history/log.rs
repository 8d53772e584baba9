//! `gatecard log`: every version of a prompt that the base branch got, with what is on record
//! of it; without a prompt, what is on record of each one as it is now.

use std::collections::BTreeSet;

use serde::Serialize;

use super::files::Files;
use super::{History, Source, paths, shown_time};
use crate::cli::LogArgs;
use crate::commands::Context;
use crate::commands::moment::{Moment, start};
use crate::error::Error;
use crate::git::Repo;
use crate::ledger::{Body, Key};
use crate::lineage::{Found, Step};
use crate::timeline::Timeline;
use crate::trail::text::{approved, paragraph};
use crate::trail::{Landed, Record, Shelf, Standing, Wanted, When, covering, csv, record};
use crate::units::Digest;
use crate::untrusted::log_line;

/// How many renames the ledger is followed through.
const RENAMES: usize = 32;

#[derive(Serialize)]
struct Page<'a> {
    schema: &'static str,
    base: Source,
    /// The prompt that was asked for, as it is called now.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt: Option<&'a str>,
    /// Whether the clone lacks the beginning of the branch.
    cut: bool,
    versions: &'a [Record],
}

/// Runs the command.
pub(in crate::commands) fn run(args: &LogArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let repo = Repo::open(&args.history.repo)?;
    let history = History::open(&repo, &args.history)?;
    let since = args.since.as_deref();
    let since = since
        .map(|text| Moment::read(&repo, "--since", text))
        .transpose()?;
    let line = history.line()?;
    let (prompt, mut records) = match &args.prompt {
        Some(id) => {
            let (id, records) = of_prompt(&history, &line, id)?;
            (Some(id), records)
        }
        None => (None, of_all(&history)?),
    };
    if let Some(since) = since {
        records.retain(|record| is_since(&repo, &line, record, &since));
    }
    let mut files = Files::new(&repo, history.branch.tip.clone());
    for record in &mut records {
        files.place(record);
    }
    match args.format.as_str() {
        "json" => {
            let page = Page {
                schema: "gatecard/log/v1",
                base: history.source(),
                prompt: prompt.as_deref(),
                cut: line.is_cut(),
                versions: &records,
            };
            context.print_data(&format!("{:#}\n", serde_json::json!(page)))?;
        }
        "csv" => context.print_data(&csv::table(&records))?,
        _ => {
            let mut text = match &prompt {
                Some(id) => format!("{} on {}\n", log_line(id), history.shown()),
                None => format!("{}\n", history.shown()),
            };
            let body: Vec<String> = match &prompt {
                Some(_) => records
                    .iter()
                    .map(|each| format!("\n{}", paragraph(each)))
                    .collect(),
                None => listing(&records),
            };
            text.push_str(&body.concat());
            if records.is_empty() {
                text.push_str("nothing since then\n");
            }
            if line.is_cut() {
                text.push_str("\nthis clone lacks the beginning of the branch: what was before is not known\n");
            }
            context.print(&text)?;
        }
    }
    Ok(0)
}

/// Every version of one prompt, the newest first, and then what was judged and not merged.
fn of_prompt(
    history: &History<'_>,
    line: &Timeline,
    asked: &str,
) -> Result<(String, Vec<Record>), Error> {
    let (id, known) = name_now(history, asked)?;
    let steps = history.branch.steps(line, &id, &known)?;
    let mut ids: Vec<String> = steps.iter().map(|step| step.id.clone()).collect();
    ids.extend([id.clone(), asked.to_owned()]);
    ids.sort();
    ids.dedup();
    let keys: Vec<Key> = ids.iter().cloned().map(Key::Prompt).collect();
    let shelf = match &history.ledger {
        Some(ledger) => Shelf::about(ledger, &keys)?,
        None => Shelf::default(),
    };
    let mut records: Vec<Record> = steps
        .iter()
        .map(|step| of_step(history, line, (&shelf, &ids), step))
        .collect();
    let merged: BTreeSet<Digest> = steps.iter().filter_map(|step| step.version).collect();
    records.extend(judged(&shelf, &ids, &merged));
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
            let Body::Merge(merge) = &stored.entry.body else {
                return None;
            };
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

fn of_step(
    history: &History<'_>,
    line: &Timeline,
    (shelf, ids): (&Shelf, &[String]),
    step: &Step,
) -> Record {
    let cover = covering(shelf, line, step.at, ids);
    // A correction takes a merge away: the version is then there without being on record.
    let cover = cover.filter(|(stored, _)| shelf.amend(stored.entry.seq).is_none());
    let exact = cover.filter(|(_, merged)| merged.to == step.version);
    let wanted = Wanted {
        ids,
        version: step.version,
        merge: exact.map(|(stored, _)| stored),
        judged: line.time(step.at).map_or(When::Ever, When::Until),
    };
    let mut record = record(shelf, wanted);
    record.prompt.clone_from(&step.id);
    record.renamed_from.clone_from(&step.renamed_from);
    record.path.clone_from(&step.path);
    record.label.clone_from(&step.label);
    record.problem = step.problem.map(str::to_owned);
    record.standing = match (&exact, &cover) {
        (Some(_), _) => Standing::Merged,
        (None, Some(_)) => Standing::Between,
        (None, None) => Standing::Unrecorded,
    };
    record.merge = cover.map(|(stored, _)| stored.entry.seq);
    record.ungated = exact.and_then(|(_, merged)| merged.ungated.clone());
    record.landed = line.commit(step.at).map(|commit| Landed {
        date: line.time(step.at).map(shown_time),
        author: history.repo.author(&commit),
        commit: commit.to_string(),
    });
    record
}

/// The versions that were judged and that the branch never got, the newest first.
fn judged(shelf: &Shelf, ids: &[String], merged: &BTreeSet<Digest>) -> Vec<Record> {
    let (mut seen, mut found) = (merged.clone(), Vec::new());
    for stored in shelf.entries().rev() {
        let Body::Verdict(verdict) = &stored.entry.body else {
            continue;
        };
        for change in verdict.changes.iter().filter(|each| ids.contains(&each.id)) {
            let Some(version) = change.to.filter(|to| seen.insert(*to)) else {
                continue;
            };
            let wanted = Wanted {
                ids,
                version: Some(version),
                merge: None,
                judged: When::Ever,
            };
            found.push(Record {
                prompt: change.id.clone(),
                path: change.path.clone(),
                standing: Standing::Judged,
                ..record(shelf, wanted)
            });
        }
    }
    found
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
                approved(&record.approvals),
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

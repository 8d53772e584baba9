//! `gatecard log`: every version of a prompt that the base branch got, with what is on record
//! of it; without a prompt, what is on record of each one as it is now.

use serde::Serialize;

use super::files::Files;
use super::versions::of_prompt;
use super::{History, Source, answer, header, told};
use crate::cli::LogArgs;
use crate::commands::Context;
use crate::commands::moment::{Moment, start};
use crate::error::Error;
use crate::git::Repo;
use crate::timeline::Timeline;
use crate::trail::text::{Detail, approved, paragraph};
use crate::trail::{Record, Shelf, Standing, Wanted, When, csv};
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

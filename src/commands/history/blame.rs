//! `gatecard blame`: which version of a prompt the base branch had, recomputed from Git, and
//! who approved it on what evidence, from the ledger. Or, from a version in a trace, the same.

use std::collections::BTreeSet;

use serde::Serialize;

use super::files::Files;
use super::{CANNOT_TELL, History, Source, fetch, header, paths, shown_time, told, version};
use crate::cli::BlameArgs;
use crate::commands::Context;
use crate::commands::moment::{Moment, end};
use crate::error::Error;
use crate::git::{CommitSha, Repo};
use crate::ledger::{Key, Stored};
use crate::lineage::Found;
use crate::prompt::Prompt;
use crate::timeline::Timeline;
use crate::trail::text::{Detail, paragraph};
use crate::trail::{Record, Wanted, When, csv};
use crate::untrusted::log_line;

/// There is an answer, which may be "nobody".
pub(super) const ANSWERED: u8 = 0;
/// There was no such prompt.
const NO_SUCH: u8 = 1;

/// What there is to say.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) code: u8,
    /// In one line: what was found, or why nothing was.
    pub(super) headline: String,
    /// What must be known of the clone.
    pub(super) warnings: Vec<String>,
    pub(super) at: Option<Stood>,
    pub(super) records: Vec<Record>,
}

/// Where the base branch stood.
#[derive(Serialize)]
pub(super) struct Stood {
    commit: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    /// Whether the commit is one that the branch itself stood at.
    on_branch: bool,
}

#[derive(Serialize)]
struct Page<'a> {
    schema: &'static str,
    base: Source,
    /// `found`, `no-such-prompt` or `cannot-tell`.
    answer: &'static str,
    headline: &'a str,
    warnings: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    at: &'a Option<Stood>,
    versions: &'a [Record],
}

/// Runs the command.
pub(in crate::commands) fn run(args: &BlameArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let repo = Repo::open(&args.history.repo)?;
    let history = History::open(&repo, &args.history)?;
    let asked = match (&args.prompt, &args.at, &args.version) {
        (Some(prompt), Some(at), None) => at_moment(&history, prompt, at),
        (None, None, Some(version)) => version::of_version(&history, version),
        _ => {
            return Err(Error::Usage {
                what: "blame",
                found: String::from("neither a version nor a prompt with a time"),
                expected: String::from("PROMPT --at TIME, or --version DIGEST"),
            });
        }
    };
    let mut answer = match asked.map_err(|error| told(&repo, error)) {
        Ok(answer) => answer,
        Err(Error::CannotTell { lacking, .. }) => cannot_tell(&history, &lacking),
        Err(error) => return Err(error),
    };
    answer.warnings.extend(history.warnings(None));
    let mut files = Files::new(&repo, history.branch.tip.clone());
    for record in &mut answer.records {
        files.place(record);
    }
    print(&history, &answer, &args.format, context)?;
    Ok(answer.code)
}

fn print(
    history: &History<'_>,
    answer: &Answer,
    format: &str,
    context: &mut Context<'_>,
) -> Result<(), Error> {
    let lines = [&*history.shown(), &*answer.headline];
    let header = header(context, format, &lines, &answer.warnings);
    match format {
        "json" => {
            let page = Page {
                schema: "gatecard/blame/v1",
                base: history.source(),
                answer: match answer.code {
                    ANSWERED => "found",
                    NO_SUCH => "no-such-prompt",
                    _ => "cannot-tell",
                },
                headline: &answer.headline,
                warnings: &answer.warnings,
                at: &answer.at,
                versions: &answer.records,
            };
            context.print_data(&format!("{:#}\n", serde_json::json!(page)))
        }
        "csv" => context.print_data(&csv::table(&answer.records)),
        _ => {
            let records = answer.records.iter();
            let records = records.map(|each| format!("\n{}", paragraph(each, Detail::Whole)));
            context.print(&format!("{header}{}", records.collect::<String>()))
        }
    }
}

fn cannot_tell(history: &History<'_>, why: &str) -> Answer {
    Answer {
        code: CANNOT_TELL,
        headline: format!(
            "cannot tell: {why}; run `{}`, or check out with `fetch-depth: 0`",
            fetch(history.repo)
        ),
        ..Answer::default()
    }
}

pub(super) fn no_such(headline: String) -> Answer {
    Answer {
        code: NO_SUCH,
        headline,
        ..Answer::default()
    }
}

/// Which version the branch had at a point.
fn at_moment(history: &History<'_>, id: &str, at: &str) -> Result<Answer, Error> {
    let moment = Moment::read(history.repo, "--at", at)?;
    let mut line = history.line()?;
    let shelf = history.named(&mut BTreeSet::from([id.to_owned()]))?;
    history.hold(&mut line, &shelf);
    let base = log_line(&history.base);
    let (position, when) = spot(&line, &moment, at);
    let commit = match (&moment, position) {
        (Moment::Commit(commit), _) => Some(commit.clone()),
        (_, position) => position.and_then(|at| line.commit(at)),
    };
    let Some(commit) = commit else {
        return Ok(if line.is_cut() {
            cannot_tell(
                history,
                &format!("this clone has no commit of {base} from then"),
            )
        } else {
            no_such(format!("{base} had no commit at {when}"))
        });
    };
    let stood = Stood {
        date: match position {
            Some(at) => line.time(at),
            None => history.repo.time(&commit),
        }
        .map(shown_time),
        on_branch: position.is_some(),
        commit: commit.to_string(),
    };
    let place = place(&stood, &base);
    let mut answer = match found(history, &line, (&commit, position), id)? {
        Found::Prompt(prompt) => {
            let record = of_prompt(history, &line, position, &prompt)?;
            let (id, version) = (log_line(&record.prompt), prompt.version.digest().short());
            Answer {
                code: ANSWERED,
                headline: format!("{id} at {when}: version {version}, {place}"),
                records: vec![record],
                ..Answer::default()
            }
        }
        Found::Broken(problem) => Answer {
            code: CANNOT_TELL,
            headline: format!(
                "cannot tell: {} cannot be read {place}: {}",
                log_line(&problem.place()),
                log_line(&problem.found)
            ),
            ..Answer::default()
        },
        Found::Nothing => no_such(format!(
            "there was no prompt {} at {when}, {place}",
            log_line(id)
        )),
    };
    answer.at = Some(stood);
    answer.warnings.extend(later(&line, &moment, &base));
    Ok(answer)
}

/// Where on the line a point is, and how it is called.
fn spot(line: &Timeline, moment: &Moment, asked: &str) -> (Option<usize>, String) {
    match moment {
        Moment::Time(time) => (line.at(*time), shown_time(*time)),
        Moment::Day(day) => (line.at(end(*day)), format!("the end of {day} UTC")),
        Moment::Commit(commit) => (line.position(commit), log_line(asked)),
    }
}

/// What is to be said of a time that this clone's branch does not reach.
fn later(line: &Timeline, moment: &Moment, base: &str) -> Option<String> {
    let asked = match moment {
        Moment::Time(time) => *time,
        Moment::Day(day) => end(*day),
        Moment::Commit(_) => return None,
    };
    let newest = line.time(line.len().checked_sub(1)?)?;
    (asked > newest).then(|| {
        format!(
            "the newest commit of {base} in this clone is of {}; {base} may have moved on since it was fetched",
            shown_time(newest)
        )
    })
}

/// What is on record of the version that the branch had at a position: by the newest merge
/// until then.
fn of_prompt(
    history: &History<'_>,
    line: &Timeline,
    position: Option<usize>,
    prompt: &Prompt,
) -> Result<Record, Error> {
    let version = prompt.version.digest();
    let ids = [prompt.id.as_str().to_owned()];
    let wanted = Wanted {
        ids: &ids,
        version: Some(version),
        merge: None,
        judged: position
            .and_then(|at| line.time(at))
            .map_or(When::Ever, When::Until),
    };
    // What this clone's branch does not have was before it begins, where it is cut off.
    let until = |stored: &Stored| match (position, line.position(&stored.entry.about.head)) {
        (Some(at), Some(head)) => head <= at,
        (Some(_), None) => line.is_cut(),
        (None, _) => true,
    };
    let shelf = history.shelf(&[Key::Version(version)])?;
    let mut record = history.merged(&shelf, wanted, until);
    if let Some(landed) = &mut record.landed
        && let Some(at) = CommitSha::parse(&landed.commit).and_then(|commit| line.position(&commit))
    {
        landed.date = line.time(at).map(shown_time);
    }
    let [id] = ids;
    Ok(Record {
        prompt: id,
        path: prompt.path.to_string(),
        label: prompt.draft.label(),
        ..record
    })
}

/// `in main at a1b2c3d4e5f6 of 2026-03-03T10:00:00Z`
fn place(stood: &Stood, base: &str) -> String {
    let commit = stood.commit.get(..12).unwrap_or(&stood.commit);
    let date = stood.date.as_deref();
    let date = date.map(|date| format!(" of {date}")).unwrap_or_default();
    if stood.on_branch {
        format!("in {base} at {commit}{date}")
    } else {
        format!("in {commit}{date}, where {base} itself never stood")
    }
}

/// The prompt as a commit has it, under the id of today or the one that it had then.
fn found(
    history: &History<'_>,
    line: &Timeline,
    (commit, position): (&CommitSha, Option<usize>),
    id: &str,
) -> Result<Found, Error> {
    let branch = &history.branch;
    let found = branch.find(commit, id, &[])?;
    if !matches!(found, Found::Nothing) {
        return Ok(found);
    }
    let keys = [Key::Prompt(id.to_owned())];
    let shelf = history.shelf(&keys)?;
    let known = paths(&shelf, &[id.to_owned()]);
    let steps = branch.steps(line, id, &known)?;
    if steps.is_empty() && shelf.entries().next().is_none() {
        return Err(history.unknown("blame", id)?);
    }
    let then = steps.iter().find(|step| Some(step.at) <= position);
    match then.filter(|step| step.version.is_some() && step.id != id) {
        Some(step) => {
            let path = crate::git::RepoPath::parse(&step.path);
            Ok(branch.find(commit, &step.id, path.as_slice())?)
        }
        None => Ok(found),
    }
}

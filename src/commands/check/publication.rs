//! What is published of a check, and whether it may be.

use super::{About, Checked, check_run, request};
use crate::anchor::Anchor;
use crate::change::Range;
use crate::cli::CheckArgs;
use crate::commands::Context;
use crate::environment::Environment;
use crate::error::Error;
use crate::git::Repo;
use crate::github::Subject;
use crate::limits::STATUS_TEXT;
use crate::output;
use crate::policy::{CommentMode, Mode};
use crate::publish::{self, Keep, Note, Part, Place, Publication, State, Status};
use crate::report::Report;
use crate::rules::Rules;
use crate::untrusted;
use crate::verdict::Verdict;

fn status(
    state: State,
    description: String,
    name: Option<&str>,
    subject: Option<&Subject>,
    environment: &Environment,
) -> Status {
    Status {
        state,
        context: subject.map_or_else(String::new, |subject| subject.status_name(name)),
        description,
        target_url: environment.run_url(),
    }
}

/// What is published of a finished check.
pub(super) fn of(
    checked: &Checked,
    subject: Option<&Subject>,
    environment: &Environment,
) -> Result<Publication, Error> {
    let report = &checked.report;
    let page = environment.run_url();
    let page = page.as_deref();
    // Where no prompt got another version, nothing was scored.
    let scored = |text: &str| String::from(if report.scored { text } else { "" });
    let state = match (report.verdict, report.mode) {
        (Verdict::Pass, _) | (_, Mode::Observe | Mode::Advise) => State::Success,
        (Verdict::Fail, Mode::Enforce) => State::Failure,
        (Verdict::Error, Mode::Enforce) => State::Error,
    };
    Ok(Publication {
        governed: report.governed,
        comment: match keep(checked.rules.policy.comment, report) {
            Some(keep) => Some(Note {
                body: output::markdown(report, output::Place::comment(page))?,
                keep,
            }),
            None => None,
        },
        status: status(
            state,
            description(report),
            checked.rules.status_name(),
            subject,
            environment,
        ),
        outputs: vec![
            ("verdict", report.verdict.id().to_owned()),
            ("score", scored(&report.card.total.to_string())),
            ("band", scored(report.card.band.id())),
            ("failed-gates", report.failed_gates().join("\n")),
            (
                "ledger",
                report.anchor().map(Anchor::whole).unwrap_or_default(),
            ),
        ],
        summary: output::markdown(report, output::Place::summary())?,
        check_run: check_run::of(checked, environment)?,
    })
}

/// What the status says: with the ledger's newest entry, to which the ledger can be held later,
/// however long the rest is.
fn description(report: &Report) -> String {
    let anchor = report.anchor();
    let anchor = anchor.map(|anchor| format!(" · ledger {}", anchor.short()));
    let anchor = anchor.unwrap_or_default();
    let room = STATUS_TEXT.saturating_sub(anchor.chars().count() + 1);
    format!("{}{anchor}", untrusted::shorten(&report.headline(), room))
}

/// How the comment is written, if one is: news makes one, and what is no news only brings one
/// up to date that is there.
fn keep(comment: CommentMode, report: &Report) -> Option<Keep> {
    match comment {
        CommentMode::Off => None,
        _ if report.mode == Mode::Observe => None,
        _ if !report.governed => Some(Keep::IfThere),
        CommentMode::FailuresOnly if report.verdict == Verdict::Pass => Some(Keep::IfThere),
        CommentMode::Update | CommentMode::FailuresOnly => Some(Keep::Update),
        CommentMode::Recreate => Some(Keep::Recreate),
    }
}

/// How a check ends: its exit code and what is published of it.
pub(super) struct Ending {
    /// The exit code of the verdict.
    pub(super) code: u8,
    /// What is published.
    pub(super) publication: Publication,
    /// Whether the status has the name that the policy gives it. Where the policy cannot be
    /// read, a status of that name may still be green.
    pub(super) named: bool,
}

/// Ends a check, also one that could not be made: the status must not stay pending.
pub(super) fn ending(
    checked: &Result<Box<Checked>, Error>,
    args: &CheckArgs,
    about: &About,
    environment: &Environment,
) -> Ending {
    let subject = about.subject.as_ref();
    let published = match checked {
        Ok(checked) => of(checked, subject, environment).map(|publication| Ending {
            code: code(&checked.report),
            publication,
            named: true,
        }),
        Err(error) => return of_failure(error, args, about, environment),
    };
    published.unwrap_or_else(|error| of_failure(&error, args, about, environment))
}

/// The exit code: that of the verdict, or 5 where it had to be recorded and could not be.
fn code(report: &Report) -> u8 {
    match report.verdict.exit_code(report.mode) {
        1.. if report.lacks_record() => 5,
        code => code,
    }
}

fn of_failure(error: &Error, args: &CheckArgs, about: &About, environment: &Environment) -> Ending {
    let subject = about.subject.as_ref();
    let rules = subject.and_then(|subject| base_rules(args, subject, environment));
    let policy = rules.as_ref().map(|rules| &rules.policy);
    // Another policy may be in force than the one that the event saw, and a workflow may ask
    // for a tighter mode.
    let asked = request::asked_mode(args, environment).ok().flatten();
    let mode = policy
        .filter(|_| about.confirmed)
        .map_or(Mode::Enforce, |policy| policy.mode)
        .max(asked.unwrap_or(Mode::Observe));
    let hint = error.hint().unwrap_or_default();
    let summary = format!(
        "## ⛔ gatecard: could not check\n\n{}\n\n{}\n",
        untrusted::markdown_inline(&error.to_string()),
        untrusted::markdown_inline(&hint),
    );
    // A policy that cannot be read wants nothing else than that an old comment does not stay.
    let silent =
        mode == Mode::Observe || policy.is_some_and(|policy| policy.comment == CommentMode::Off);
    // What the repository's people must mend blocks in every mode.
    let blocks = mode == Mode::Enforce || error.exit_code() == 2;
    let (code, state, description) = if blocks {
        let description = format!("could not check: {error}");
        (error.exit_code(), State::Error, description)
    } else {
        let description = format!("{}: could not check: {error}", mode.id());
        (0, State::Success, description)
    };
    let wants_run = policy.is_some_and(|policy| policy.check_run);
    let name = rules.as_ref().and_then(Rules::status_name);
    let publication = Publication {
        check_run: wants_run.then(|| check_run::of_failure(&summary, environment)),
        governed: true,
        comment: (!silent).then(|| Note {
            body: summary.clone(),
            keep: Keep::IfThere,
        }),
        status: status(state, description, name, subject, environment),
        outputs: vec![("verdict", Verdict::Error.id().to_owned())],
        summary,
    };
    Ending {
        code,
        publication,
        named: about.confirmed && rules.is_some(),
    }
}

/// What is set before there is a verdict.
pub(super) fn pending(
    description: &str,
    name: Option<&str>,
    subject: &Subject,
    environment: &Environment,
) -> Status {
    let text = description.to_owned();
    status(State::Pending, text, name, Some(subject), environment)
}

/// The same, where the policy was not read yet; none where it cannot be.
pub(super) fn waiting(
    description: &str,
    args: &CheckArgs,
    subject: &Subject,
    environment: &Environment,
) -> Option<Status> {
    let rules = base_rules(args, subject, environment)?;
    let name = rules.status_name();
    Some(pending(description, name, subject, environment))
}

/// The rules of the base, where they can be read: an older status of the name that they give
/// must not stay. Where the base has none, nothing gives another name.
fn base_rules(args: &CheckArgs, subject: &Subject, environment: &Environment) -> Option<Rules> {
    let repo = Repo::open(&args.change.repo).ok()?;
    let named = request::named_policy(args, environment).ok()?;
    Rules::find(&repo, subject.base(), subject.base(), named.as_ref()).ok()
}

/// Nothing is published where other commits than the subject's were judged, or were to be.
pub(super) fn is_allowed(args: &CheckArgs, subject: &Subject, range: Option<&Range>) -> bool {
    match (range, &args.change.base, &args.change.head) {
        (Some(range), ..) => range.head == *subject.head() && range.base == *subject.base(),
        (None, Some(base), Some(head)) => {
            base == subject.base().as_str() && head == subject.head().as_str()
        }
        (None, ..) => true,
    }
}

/// Why nothing is published on a laptop: no reason to mention it.
pub(super) const NO_SUBJECT: &str = "there is no pull request";

/// How far the verdict got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Published {
    /// The status says it.
    Status,
    /// The status says that the live state could not be seen.
    Blind,
    /// Another run says it, or nobody needs it any more.
    Left,
    /// Nothing was to be written, or the token may not: the job says it.
    Nothing,
    /// What should be on GitHub is not there.
    Lost,
}

/// Publishes and tells what became of it.
pub(super) fn publish(
    publication: &Publication,
    place: Result<Place<'_>, &'static str>,
    context: &mut Context<'_>,
) -> Published {
    let quiet = matches!(place, Err(NO_SUBJECT));
    let delivered = publish::deliver(publication, place, context.environment);
    for (name, part) in delivered.parts() {
        match part {
            Part::Done(how) => context.note(&format!("{name}: {how}")),
            Part::Skipped(_) if quiet => {}
            Part::Skipped(why) | Part::Left(why) => {
                context.note(&format!("{name}: not written, {why}"));
            }
            Part::Failed(error) => {
                let kind = if error.is_forbidden() {
                    "note"
                } else {
                    "error"
                };
                context.note(&format!("{kind}: {name}: {error}"));
                context.note(&format!("help: {}", error.hint()));
            }
        }
    }
    match &delivered.status {
        Part::Done(_) if delivered.blind => Published::Blind,
        Part::Done(_) => Published::Status,
        Part::Left(_) => Published::Left,
        Part::Skipped(_) if delivered.errors().next().is_none() => Published::Nothing,
        Part::Failed(error) if error.is_forbidden() => {
            context.note(READ_ONLY);
            Published::Nothing
        }
        Part::Skipped(_) | Part::Failed(_) => Published::Lost,
    }
}

/// What a token that may not write means to whoever reads the log.
const READ_ONLY: &str = "note: this token may not set the status; that of a pull request from a \
    fork may only read. The scorecard is in the job summary, and the job's own result is the verdict";

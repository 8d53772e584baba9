//! What is published of a check, and whether it may be.

use super::Checked;
use crate::cli::CheckArgs;
use crate::commands::Context;
use crate::environment::Environment;
use crate::error::Error;
use crate::git::{Repo, RepoPath};
use crate::github::PullRequest;
use crate::output;
use crate::policy::{CommentMode, Mode};
use crate::publish::{self, Part, Publication, State, Status};
use crate::rules::Rules;
use crate::verdict::Verdict;

fn status(
    state: State,
    description: String,
    name: Option<&str>,
    pull: Option<&PullRequest>,
    environment: &Environment,
) -> Status {
    let base = pull.map_or("", |pull| pull.base_ref.as_str());
    Status {
        state,
        context: name.map_or_else(|| format!("gatecard: {base}"), str::to_owned),
        description,
        target_url: environment.run_url(),
    }
}

/// What is published of a finished check.
pub(super) fn of(
    checked: &Checked,
    pull: Option<&PullRequest>,
    environment: &Environment,
) -> Result<Publication, Error> {
    let report = &checked.report;
    let body = output::comment(report)?;
    // Where no prompt got another version, nothing was scored.
    let scored = |text: &str| String::from(if report.scored { text } else { "" });
    let state = match (report.verdict, report.mode) {
        (Verdict::Pass, _) | (_, Mode::Observe | Mode::Advise) => State::Success,
        (Verdict::Fail, Mode::Enforce) => State::Failure,
        (Verdict::Error, Mode::Enforce) => State::Error,
    };
    Ok(Publication {
        comment: (checked.comment == CommentMode::Update && report.mode != Mode::Observe)
            .then(|| body.clone()),
        status: status(
            state,
            report.headline(),
            checked.status_name.as_deref(),
            pull,
            environment,
        ),
        outputs: vec![
            ("verdict", report.verdict.id().to_owned()),
            ("score", scored(&report.card.total.to_string())),
            ("band", scored(report.card.band.id())),
            ("failed-gates", report.failed_gates().join("\n")),
        ],
        summary: body,
    })
}

/// What is published of a check that could not be made: the status must not stay pending.
pub(super) fn of_failure(
    error: &Error,
    args: &CheckArgs,
    pull: Option<&PullRequest>,
    environment: &Environment,
) -> Publication {
    let name = pull.and_then(|pull| named_status(args, pull));
    let hint = error.hint().unwrap_or_default();
    let summary = format!(
        "## ⛔ gatecard: could not check\n\n{}\n\n{}\n",
        crate::untrusted::markdown_inline(&error.to_string()),
        crate::untrusted::markdown_inline(&hint),
    );
    Publication {
        comment: None,
        status: status(
            State::Error,
            format!("could not check: {error}"),
            name.as_deref(),
            pull,
            environment,
        ),
        outputs: vec![("verdict", Verdict::Error.id().to_owned())],
        summary,
    }
}

/// The name that the base policy gives the status: an older one of that name must not stay.
fn named_status(args: &CheckArgs, pull: &PullRequest) -> Option<String> {
    let repo = Repo::open(&args.repo).ok()?;
    let named = args.policy.as_deref().map(RepoPath::parse);
    let rules = Rules::find(&repo, &pull.base, &pull.base, named.flatten().as_ref()).ok()?;
    rules.policy.status_name
}

/// Nothing is published of a simulated policy, nor where other commits than the pull
/// request's were judged, or were to be.
pub(super) fn is_allowed(
    args: &CheckArgs,
    pull: &PullRequest,
    checked: &Result<Checked, Error>,
    context: &mut Context<'_>,
) -> bool {
    if args.policy_file.is_some() {
        context.note("note: a simulated policy is never published");
        return false;
    }
    let of_pull = match (checked, &args.base, &args.head) {
        (Ok(checked), ..) => {
            let range = &checked.report.range;
            range.head == pull.head && range.base == pull.base
        }
        (Err(_), Some(base), Some(head)) => {
            *base == pull.base.to_string() && *head == pull.head.to_string()
        }
        (Err(_), ..) => true,
    };
    if !of_pull {
        context
            .note("note: not published, since other commits than the pull request's were judged");
    }
    of_pull
}

/// Publishes, and returns whether everything that should be on GitHub is there.
pub(super) fn publish(
    publication: &Publication,
    pull: Option<&PullRequest>,
    context: &mut Context<'_>,
) -> bool {
    let delivered = publish::deliver(publication, pull, context.environment);
    for (name, part) in delivered.parts() {
        match part {
            Part::Done(how) => context.note(&format!("{name}: {how}")),
            // Where there is no pull request there is nothing to tell.
            Part::Skipped(why) if pull.is_some() => {
                context.note(&format!("{name}: not written, {why}"));
            }
            Part::Skipped(_) => {}
            Part::Failed(error) => {
                context.note(&format!("error: {name}: {error}"));
                context.note(&format!("help: {}", error.hint()));
            }
        }
    }
    delivered.errors().next().is_none()
}

//! `gatecard check`: event → policy → change set → evidence → scorecard → verdict → publish.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::{Context, policy_path};
use crate::categories::View;
use crate::change::{ChangeSet, Range};
use crate::cli::CheckArgs;
use crate::environment::Environment;
use crate::error::Error;
use crate::evidence::collect::{self, Evidence, Wanted};
use crate::evidence::judged::{self, Calls};
use crate::evidence::versions::{self, Versions};
use crate::files;
use crate::gates::Facts;
use crate::git::{Repo, RepoPath};
use crate::github::{Event, PullRequest};
use crate::output::{self, Look, Output};
use crate::policy::{CommentMode, MAX_POLICY, Mode, Policy, Price, Role};
use crate::prompt::Problem;
use crate::prompt::model::ModelRef;
use crate::publish::{self, Part, Publication, State, Status};
use crate::reason::Code;
use crate::report::{Parts, Report};
use crate::rules::{self, Origin, Rules};
use crate::scorecard::Scorecard;
use crate::verdict::Verdict;

/// Traces whose newest call is older than this say nothing of today.
const MAX_TRACE_AGE_DAYS: i64 = 30;

/// What is asked for, parsed.
pub(super) struct Request {
    /// The repository.
    pub(super) repo: PathBuf,
    /// The two revisions.
    pub(super) revisions: (String, String),
    /// The policy's path inside the base tree.
    pub(super) policy: Option<RepoPath>,
    /// A policy on disk.
    pub(super) policy_file: Option<PathBuf>,
    /// Evidence beside the policy's sources.
    pub(super) evidence: Vec<Wanted>,
    /// The mode that was asked for.
    pub(super) mode: Option<Mode>,
    /// Whether a mode may only be tightened: something will be published.
    pub(super) publishes: bool,
    /// Whether this is a workflow run.
    pub(super) actions: bool,
    /// The time of the check.
    pub(super) now: DateTime<Utc>,
}

/// A finished check and what the policy says about publishing it.
pub(super) struct Checked {
    /// The report.
    pub(super) report: Report,
    /// How the comment is kept.
    pub(super) comment: CommentMode,
    /// The name of the commit status, where the policy gives one.
    pub(super) status_name: Option<String>,
}

/// Runs the command.
pub(super) fn run(args: &CheckArgs, context: &mut Context<'_>) -> Result<u8, Error> {
    let formats = formats(&args.format)?;
    let pull = pull_request(args, context.environment)?;
    let checked = request(args, context, pull.as_ref()).and_then(|request| evaluate(&request));
    let (code, publication) = match &checked {
        Ok(checked) => {
            write(&formats, &checked.report, context)?;
            (
                checked.report.verdict.exit_code(checked.report.mode),
                publication(checked, pull.as_ref(), context.environment)?,
            )
        }
        Err(error) => {
            unfinished(&formats, error, context)?;
            (
                error.exit_code(),
                failed(error, args, pull.as_ref(), context.environment),
            )
        }
    };
    let pull = pull.filter(|pull| may_publish(args, pull, &checked, context));
    let published = publish(&publication, pull.as_ref(), context);
    checked?;
    Ok(if published || code != 0 { code } else { 4 })
}

/// The flow: each step is one call.
pub(super) fn evaluate(request: &Request) -> Result<Checked, Error> {
    let repo = Repo::open(&request.repo)?;
    let range = Range::resolve(&repo, &request.revisions.0, &request.revisions.1)?;
    let rules = find_rules(request, &repo, &range)?;
    let policy = &rules.policy;
    let mut changes = ChangeSet::between(&repo, &range, policy, &rules.path)?;
    invalid_policy(&repo, &range, &rules, &mut changes);
    let mut evidence = gather(request, &repo, &range, policy, &changes);
    let versions = price_and_resolve(&repo, &range, policy, &changes, &mut evidence)?;
    let judged = judged::judge(
        policy,
        &changes,
        &evidence,
        &versions,
        repo.time(&range.merge_base),
    );
    let calls = all_calls(&judged);
    let expired = expired(&evidence, request.now);
    let usable = |calls: &&Calls| !expired && calls.count() >= policy.min_traces;
    let view = View {
        judged: &judged,
        evidence: &evidence,
        calls: calls.as_ref().filter(usable),
        no_calls: match calls {
            Some(_) if expired => "the newest call is more than 30 days old",
            Some(_) => "too few calls to judge",
            None => "no traces",
        },
        now: request.now,
    };
    let card = Scorecard::of(policy, &view);
    let outcomes = rules.gates.judge(&Facts {
        changes: &changes,
        judged: &judged,
        evidence: &evidence,
        versions: &versions,
        policy,
        card: &card,
        traces_expired: expired,
    });
    let (mode, findings) = mode(request, &rules);
    let report = Report::of(Parts {
        mode,
        rules: &rules,
        range,
        changes: &changes,
        judged: &judged,
        evidence: &evidence,
        versions: &versions,
        calls: calls.as_ref(),
        card,
        outcomes,
        findings,
    });
    Ok(Checked {
        report,
        comment: policy.comment,
        status_name: policy.status_name.clone(),
    })
}

fn find_rules(request: &Request, repo: &Repo, range: &Range) -> Result<Rules, Error> {
    let Some(file) = &request.policy_file else {
        return Ok(Rules::find(
            repo,
            &range.base,
            &range.head,
            request.policy.as_ref(),
        )?);
    };
    let bytes = files::read_bounded(file, MAX_POLICY)?;
    let text = String::from_utf8(bytes).map_err(|_| Error::Usage {
        what: "--policy-file",
        found: file.display().to_string(),
        expected: String::from("UTF-8 text"),
    })?;
    let path = RepoPath::parse(&file.to_string_lossy().replace('\\', "/"))
        .or_else(|| RepoPath::parse(&file.file_name()?.to_string_lossy()))
        .unwrap_or_else(RepoPath::root);
    Ok(Rules::read(&text, &path, Origin::Simulated)?)
}

/// A head that leaves the policy unreadable would block everybody after the merge.
fn invalid_policy(repo: &Repo, range: &Range, rules: &Rules, changes: &mut ChangeSet) {
    if rules.origin != Origin::Base {
        return;
    }
    let touched = changes.governed.iter().any(|file| file.path == rules.path);
    for error in touched
        .then(|| rules::errors_at(repo, &range.head, &rules.path))
        .flatten()
        .unwrap_or_default()
    {
        let line = error.place.map(|place| place.line);
        changes
            .broken
            .push(Problem::new(Code::PolicyInvalid, &rules.path, error.message).at(line));
    }
}

/// Reads evidence only where a changed prompt needs it.
fn gather(
    request: &Request,
    repo: &Repo,
    range: &Range,
    policy: &Policy,
    changes: &ChangeSet,
) -> Evidence {
    let needed = changes
        .changes
        .iter()
        .any(crate::change::Change::needs_evidence);
    if needed {
        collect::collect(repo, range, policy, &request.evidence, request.actions)
    } else {
        collect::slow_only(repo, range, policy)
    }
}

fn price_and_resolve(
    repo: &Repo,
    range: &Range,
    policy: &Policy,
    changes: &ChangeSet,
    evidence: &mut Evidence,
) -> Result<Versions, Error> {
    let Some(coverage) = &mut evidence.coverage else {
        return Ok(Versions::default());
    };
    coverage.price(|provider, model| {
        let model = ModelRef::new(provider, model)?;
        let named = |(name, _): &(&String, &Price)| {
            ModelRef::parse(name).is_some_and(|name| name.same(&model))
        };
        let exact = policy.prices.get(&model.to_string());
        exact
            .or_else(|| Some(policy.prices.iter().find(named)?.1))
            .copied()
    });
    Ok(versions::resolve(repo, range, policy, changes, coverage)?)
}

/// The calls of all changed prompts, each once: what the categories score.
fn all_calls(judged: &[judged::Judged<'_>]) -> Option<Calls> {
    let mut all: Option<Calls> = None;
    for calls in judged.iter().filter_map(|judged| judged.calls.as_ref()) {
        all = Some(match all {
            Some(before) => before.union(calls),
            None => calls.clone(),
        });
    }
    all
}

#[expect(
    clippy::cast_possible_wrap,
    reason = "nanoseconds since 1970 stay below 2^63 until 2262"
)]
fn expired(evidence: &Evidence, now: DateTime<Utc>) -> bool {
    let last = evidence
        .coverage
        .as_ref()
        .and_then(|coverage| coverage.window);
    last.is_some_and(|(_, last)| {
        let last = DateTime::from_timestamp_nanos(last as i64);
        (now - last).num_days() > MAX_TRACE_AGE_DAYS
    })
}

/// The mode in force. The first policy enforces nothing; a flag that loosens what will be
/// published is named and ignored.
fn mode(request: &Request, rules: &Rules) -> (Mode, Vec<String>) {
    let own = match rules.origin {
        Origin::Bootstrap => Mode::Advise,
        Origin::Base | Origin::Simulated => rules.policy.mode,
    };
    match request.mode {
        Some(_) if rules.origin == Origin::Bootstrap => (own, Vec::new()),
        Some(asked) if request.publishes && asked < own => {
            let finding = format!(
                "mode `{}` was asked for and ignored: the policy says `{}`, and a workflow can only tighten it",
                asked.id(),
                own.id()
            );
            (own, vec![finding])
        }
        Some(asked) => (asked, Vec::new()),
        None => (own, Vec::new()),
    }
}

fn request(
    args: &CheckArgs,
    context: &Context<'_>,
    pull: Option<&PullRequest>,
) -> Result<Request, Error> {
    let environment = context.environment;
    let usage = |what, found: &str, expected: &str| Error::Usage {
        what,
        found: found.to_owned(),
        expected: expected.to_owned(),
    };
    let revisions = match (&args.base, &args.head, pull) {
        (Some(base), Some(head), _) => (base.clone(), head.clone()),
        (_, _, Some(pull)) => (pull.base.to_string(), pull.head.to_string()),
        _ => return Err(Error::NoRange),
    };
    let named = args.policy.as_deref().or(environment.policy.as_deref());
    let word = args.mode.as_deref().or(environment.mode.as_deref());
    let mode = word.map(|word| {
        let found = Mode::WORDS.iter().find(|(name, _)| *name == word);
        found
            .map(|(_, mode)| *mode)
            .ok_or_else(|| usage("--mode", word, "observe, advise or enforce"))
    });
    let now = args.now.as_deref().map(|text| {
        DateTime::parse_from_rfc3339(text)
            .map(|time| time.with_timezone(&Utc))
            .map_err(|_| usage("--now", text, "a time such as `2026-11-23T12:00:00Z`"))
    });
    Ok(Request {
        repo: args.repo.clone(),
        revisions,
        policy: named.map(policy_path).transpose()?,
        policy_file: args.policy_file.clone(),
        evidence: args
            .evidence
            .iter()
            .chain(&environment.evidence)
            .map(|text| wanted(text))
            .collect(),
        mode: mode.transpose()?,
        publishes: pull.is_some() && environment.token.is_some(),
        actions: environment.actions,
        now: now.transpose()?.unwrap_or(context.now),
    })
}

/// `candidate=PATH`, `baseline=PATH` or `PATH`.
pub(super) fn wanted(text: &str) -> Wanted {
    let role = text.split_once('=').and_then(|(word, path)| {
        let (_, role) = Role::WORDS.iter().find(|(name, _)| *name == word)?;
        Some((*role, path))
    });
    match role {
        Some((role, path)) => Wanted {
            path: PathBuf::from(path),
            role: Some(role),
        },
        None => Wanted {
            path: PathBuf::from(text),
            role: None,
        },
    }
}

fn pull_request(args: &CheckArgs, environment: &Environment) -> Result<Option<PullRequest>, Error> {
    let Some(path) = args.event.as_deref().or(environment.event_path.as_deref()) else {
        return Ok(None);
    };
    // Explicit commits on a machine that happens to have an event of another kind are fine.
    match Event::read(path, environment.event_name.as_deref())? {
        Event::PullRequest(pull) => Ok(Some(pull)),
        Event::Other => Ok(None),
    }
}

/// Where a rendered report goes.
type Target = (&'static dyn Output, Option<PathBuf>);

fn formats(named: &[String]) -> Result<Vec<Target>, Error> {
    named
        .iter()
        .map(|text| {
            let (name, file) = match text.split_once('=') {
                Some((name, file)) => (name, Some(PathBuf::from(file))),
                None => (text.as_str(), None),
            };
            let known: Vec<&str> = output::OUTPUTS.iter().map(|output| output.id()).collect();
            let output = output::by_id(name).ok_or_else(|| Error::Usage {
                what: "--format",
                found: name.to_owned(),
                expected: format!("one of {}", known.join(", ")),
            })?;
            Ok((output, file))
        })
        .collect()
}

fn write(formats: &[Target], report: &Report, context: &mut Context<'_>) -> Result<(), Error> {
    for (output, file) in formats {
        let look = Look {
            colour: context.colour && file.is_none(),
        };
        let text = output.render(report, look)?;
        deliver(&text, file.as_deref(), context)?;
    }
    Ok(())
}

fn deliver(text: &str, file: Option<&Path>, context: &mut Context<'_>) -> Result<(), Error> {
    match file {
        Some(file) => Ok(files::write_atomic(file, text.as_bytes())?),
        None => context.print(text),
    }
}

/// Programs that asked for JSON get JSON, whatever happened.
fn unfinished(formats: &[Target], error: &Error, context: &mut Context<'_>) -> Result<(), Error> {
    for (_, file) in formats.iter().filter(|(output, _)| output.id() == "json") {
        let mut errors = vec![error.to_string()];
        errors.extend(error.details().map(str::to_owned));
        let text = serde_json::json!({
            "schema": "gatecard/check/v1",
            "verdict": Verdict::Error.id(),
            "errors": errors,
            "next": error.hint(),
        });
        deliver(&format!("{text:#}\n"), file.as_deref(), context)?;
    }
    Ok(())
}

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

fn publication(
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
fn failed(
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
fn may_publish(
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
fn publish(
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

//! `gatecard check`: event → policy → change set → evidence → scorecard → verdict → publish.

mod publication;
mod render;
mod request;

pub(super) use request::{Request, wanted};

use super::Context;
use crate::categories::View;
use crate::change::{ChangeSet, Range};
use crate::cli::CheckArgs;
use crate::error::Error;
use crate::evidence::collect::{self, Asked, Evidence};
use crate::evidence::judged::{self, Calls};
use crate::evidence::versions::{self, Versions};
use crate::files;
use crate::gates::Facts;
use crate::git::{Repo, RepoPath};
use crate::policy::{CommentMode, MAX_POLICY, Mode, Policy, Price};
use crate::prompt::Problem;
use crate::prompt::model::ModelRef;
use crate::reason::Code;
use crate::report::{Parts, Report};
use crate::rules::{self, Origin, Rules};
use crate::scorecard::Scorecard;

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
    let targets = render::targets(&args.format)?;
    let pull = request::pull_request(args, context.environment)?;
    let checked =
        request::read(args, context, pull.as_ref()).and_then(|request| evaluate(&request));
    let (code, publication) = match &checked {
        Ok(checked) => {
            render::report(&targets, &checked.report, context)?;
            (
                checked.report.verdict.exit_code(checked.report.mode),
                publication::of(checked, pull.as_ref(), context.environment)?,
            )
        }
        Err(error) => {
            render::unfinished(&targets, error, context)?;
            (
                error.exit_code(),
                publication::of_failure(error, args, pull.as_ref(), context.environment),
            )
        }
    };
    let pull = pull.filter(|pull| publication::is_allowed(args, pull, &checked, context));
    let published = publication::publish(&publication, pull.as_ref(), context);
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
        (repo.time(&range.merge_base), request.now),
    );
    let calls = all_calls(&judged);
    let expired = expired(&evidence);
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
        let asked = Asked {
            wanted: &request.evidence,
            actions: request.actions,
            now: request.now,
        };
        collect::collect(repo, range, policy, &asked)
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

/// Whether there are calls and all of them are too old.
fn expired(evidence: &Evidence) -> bool {
    let coverage = evidence.coverage.as_ref();
    coverage.is_some_and(|coverage| coverage.outdated > 0 && coverage.groups.is_empty())
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

//! The flow: policy → change set → evidence → scorecard → outcomes → report. No network.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::request::Request;
use crate::approval::{Known, Plan};
use crate::categories::View;
use crate::change::{ChangeSet, Range};
use crate::error::Error;
use crate::evidence::collect::{self, Asked, Evidence};
use crate::evidence::judged::{self, Calls, LookedUp};
use crate::evidence::revisions::Revisions;
use crate::evidence::saved;
use crate::evidence::sets::Sets;
use crate::evidence::testset::Drift;
use crate::evidence::texts;
use crate::evidence::versions::{self, Versions};
use crate::files;
use crate::gates::{Facts, Outcome};
use crate::git::{Repo, RepoPath};
use crate::ledger::past::Past;
use crate::ledger::{Ledger, LedgerError};
use crate::limits::POLICY;
use crate::output;
use crate::policy::ledger::Recording;
use crate::policy::{Mode, Policy, Price};
use crate::prompt::model::ModelRef;
use crate::prompt::{Problem, PromptId};
use crate::reason::Code;
use crate::report::{Parts, Report};
use crate::rules::{self, Origin, Rules};
use crate::scorecard::Scorecard;
use crate::templates::Templates;

/// A finished check.
pub(in crate::commands) struct Checked {
    /// The report.
    pub(in crate::commands) report: Report,
    /// The rules, which say how it is published.
    pub(in crate::commands) rules: Rules,
    /// What was known of the reviews.
    pub(in crate::commands) approvals: Known,
    /// The time that was judged at.
    pub(in crate::commands) judged_at: DateTime<Utc>,
}

/// What is known before any evidence is read.
pub(in crate::commands) struct Prepared {
    /// The repository.
    pub(in crate::commands) repo: Repo,
    /// The commits.
    pub(in crate::commands) range: Range,
    /// The policy and its gates.
    pub(in crate::commands) rules: Rules,
    /// What changed.
    pub(in crate::commands) changes: ChangeSet,
}

impl Prepared {
    /// Finds the policy and what changed.
    pub(in crate::commands) fn of(
        folder: &Path,
        (base, head): (&str, &str),
        rules: impl FnOnce(&Repo, &Range) -> Result<Rules, Error>,
    ) -> Result<Self, Error> {
        let repo = Repo::open(folder)?;
        let range = Range::resolve(&repo, base, head)?;
        let rules = rules(&repo, &range)?;
        let mut changes = ChangeSet::between(&repo, &range, &rules.policy, &rules.path)?;
        nothing_hides(&repo, &range, &rules, &changes)?;
        invalid_policy(&repo, &range, &rules, &mut changes);
        Ok(Self {
            repo,
            range,
            rules,
            changes,
        })
    }
}

/// Finds the policy and what changed, as a request asks for them.
pub(in crate::commands) fn prepare(request: &Request) -> Result<Prepared, Error> {
    let (base, head) = &request.revisions;
    Prepared::of(&request.repo, (base, head), |repo, range| {
        find_rules(request, repo, range)
    })
}

/// Judges what changed.
#[expect(clippy::too_many_lines, reason = "the flow, one call a step")]
pub(in crate::commands) fn judge(request: &Request, prepared: Prepared) -> Result<Checked, Error> {
    let Prepared {
        repo,
        range,
        rules,
        changes,
    } = prepared;
    let policy = &rules.policy;
    let mut evidence = gather(request, &repo, &range, policy, &changes)?;
    let ledger = ledger(&repo, &rules, &changes);
    let known = ledger.as_ref().ok().and_then(Option::as_ref);
    let found = look_up(&repo, &range, policy, &changes, (&mut evidence, known))?;
    let judged = judged::judge(
        policy,
        &changes,
        &evidence,
        &found,
        (repo.time(&range.merge_base), request.now),
    );
    let past = known.map_or_else(
        || Ok(Past::default()),
        |known| past(known, request, &range, &changes),
    );
    let calls = all_calls(&judged);
    let expired = expired(&evidence);
    let usable = |calls: &&Calls| !expired && calls.count() >= policy.min_traces;
    let card = Scorecard::of(
        policy,
        &View {
            judged: &judged,
            evidence: &evidence,
            calls: calls.as_ref().filter(usable),
            no_calls: no_calls(calls.as_ref(), expired),
            past: past.as_ref().unwrap_or(&Past::default()),
            now: request.now,
        },
    );
    let mut approvals = Plan::of(&repo, &range, &rules, &changes)?.judge(&request.approvals)?;
    approvals.without_test_sets(|id| asks_less(&judged, id));
    let mut outcomes = rules.gates.judge(&Facts {
        changes: &changes,
        judged: &judged,
        evidence: &evidence,
        versions: &found.versions,
        policy,
        approvals: &approvals,
        card: &card,
        traces_expired: expired,
    });
    let (mode, mut findings) = mode(request, &rules);
    findings.extend(other_policy(&repo, &range, &rules));
    let unread = [ledger.as_ref().err(), past.as_ref().err()];
    findings.extend(unread.into_iter().flatten().map(ToString::to_string));
    name_makers(request, &mut outcomes, &mut findings);
    let waivers = rules.waivers.apply(&mut outcomes, request.now.date_naive());
    // Where nothing governed changed, no gate asked for a waiver.
    findings.extend(waivers.into_iter().filter(|_| !changes.is_empty()));
    let templates = Templates::read(&repo, &range.base, policy, &mut findings)?;
    let mut report = Report::of(Parts {
        mode,
        rules: &rules,
        range: range.clone(),
        changes: &changes,
        judged: &judged,
        evidence: &evidence,
        texts: texts::read(&evidence, &judged),
        versions: &found.versions,
        calls: calls.as_ref(),
        card,
        outcomes,
        approvals: &approvals,
        findings,
        templates,
        past: past.unwrap_or_default(),
    });
    let faults = output::faults(&report);
    report.findings.extend(faults.into_iter().map(Into::into));
    Ok(Checked {
        report,
        rules,
        approvals: request.approvals.clone(),
        judged_at: request.now,
    })
}

/// With several merge bases there is no one change to judge, unless nothing governed changed
/// since any of them.
fn nothing_hides(
    repo: &Repo,
    range: &Range,
    rules: &Rules,
    changes: &ChangeSet,
) -> Result<(), Error> {
    let mut empty = changes.is_empty();
    for other in &range.others {
        let range = Range {
            merge_base: other.clone(),
            ..range.clone()
        };
        let since = ChangeSet::between(repo, &range, &rules.policy, &rules.path)?;
        empty &= since.is_empty();
    }
    if !empty && !range.others.is_empty() {
        repo.merge_base(&range.base, &range.head)?;
    }
    Ok(())
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
    let bytes = files::read_bounded(file, POLICY)?;
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

/// The ledger, where the policy has one and it is there. One that cannot be read says nothing,
/// and that is told: whether a verdict may go unrecorded is decided where it is recorded.
fn ledger<'r>(
    repo: &'r Repo,
    rules: &Rules,
    changes: &ChangeSet,
) -> Result<Option<Ledger<'r>>, LedgerError> {
    let rule = &rules.policy.ledger;
    if rule.recording == Recording::Off || changes.is_empty() {
        return Ok(None);
    }
    Ledger::open(repo, &rule.branch)
}

/// What the ledger says of the changed prompts.
fn past(
    ledger: &Ledger<'_>,
    request: &Request,
    range: &Range,
    changes: &ChangeSet,
) -> Result<Past, LedgerError> {
    let prompts = changes
        .changes
        .iter()
        .filter_map(|change| change.base.as_ref());
    Past::read(ledger, prompts, (range.head.as_str(), request.now))
}

/// Reads evidence only where a changed prompt needs it.
fn gather(
    request: &Request,
    repo: &Repo,
    range: &Range,
    policy: &Policy,
    changes: &ChangeSet,
) -> Result<Evidence, Error> {
    if !changes.need_evidence() {
        return Ok(collect::slow_only(repo, range, policy));
    }
    let saved = match &request.fetched {
        Some(folder) => Some(saved::read(folder, &range.head, &policy.evidence.sources)?),
        None => None,
    };
    let asked = Asked {
        wanted: &request.evidence,
        supplies: saved.as_ref().unwrap_or(&request.supplies),
        actions: request.actions,
        now: request.now,
    };
    Ok(collect::collect(repo, range, policy, &asked))
}

/// Looks up in the repository what the evidence names.
fn look_up(
    repo: &Repo,
    range: &Range,
    policy: &Policy,
    changes: &ChangeSet,
    (evidence, ledger): (&mut Evidence, Option<&Ledger<'_>>),
) -> Result<LookedUp, Error> {
    if !changes.need_evidence() {
        return Ok(LookedUp::default());
    }
    Ok(LookedUp {
        revisions: Revisions::read(repo, policy, changes, &evidence.runs),
        sets: Sets::at_head(repo, &range.head, policy, changes)?,
        versions: price_and_resolve(repo, range, policy, changes, (evidence, ledger))?,
    })
}

fn price_and_resolve(
    repo: &Repo,
    range: &Range,
    policy: &Policy,
    changes: &ChangeSet,
    (evidence, ledger): (&mut Evidence, Option<&Ledger<'_>>),
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
    Ok(versions::resolve(
        repo,
        range,
        policy,
        changes,
        (coverage, ledger),
    )?)
}

/// Whether the test set of a prompt may ask for less than before.
fn asks_less(judged: &[judged::Judged<'_>], id: &PromptId) -> bool {
    let mut of = judged.iter().filter(|judged| judged.change.id == *id);
    of.any(|judged| judged.drift.as_ref().is_some_and(Drift::may_ask_less))
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

/// Says who made a version that only a merge queue's group has: nobody evaluated it.
fn name_makers(request: &Request, outcomes: &mut [Outcome], findings: &mut Vec<String>) {
    for (prompt, words) in &request.together {
        findings.push(format!("`{}`: {words}", prompt.as_str()));
        let of_prompt = outcomes
            .iter_mut()
            .map(|outcome| &mut outcome.ruling)
            .filter(|ruling| ruling.prompt.as_ref() == Some(prompt) && !ruling.state.is_green());
        for ruling in of_prompt {
            ruling.found = ruling.found.and(&format!("; {words}"));
        }
    }
}

/// Says that a workflow named another policy than the one that people look for.
fn other_policy(repo: &Repo, range: &Range, rules: &Rules) -> Option<String> {
    let usual = rules::usual(repo, &range.base).filter(|usual| *usual != rules.path)?;
    (rules.origin == Origin::Base).then(|| {
        format!(
            "judged by `{}`, as the workflow says, and not by `{usual}`",
            rules.path
        )
    })
}

/// Why there is no call to score.
const fn no_calls(calls: Option<&Calls>, expired: bool) -> &'static str {
    match calls {
        Some(_) if expired => "the newest call is more than 30 days old",
        Some(_) => "too few calls to judge",
        None => "no traces",
    }
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
    let mut findings = request.findings.clone();
    let asked = match request.mode {
        Some(asked) if rules.origin != Origin::Bootstrap => asked,
        Some(_) | None => own,
    };
    if !request.publishes || asked >= own {
        return (asked, findings);
    }
    findings.push(format!(
        "mode `{}` was asked for and ignored: the policy says `{}`, and a workflow can only tighten it",
        asked.id(),
        own.id()
    ));
    (own, findings)
}

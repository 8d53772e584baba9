//! Everything that a renderer may show of a check, in the order of the card. Every text in it
//! may come from a pull request, and is of the type that only a sink prints.

use std::collections::BTreeSet;

use crate::anchor::OnRecord;
use crate::approval::Approvals;
use crate::change::{ChangeSet, GovernedKind, Kind, Range};
use crate::evidence::binding::BoundCases;
use crate::evidence::collect::{Evidence, Use};
use crate::evidence::evals::CaseResult;
use crate::evidence::judged::{Calls, Judged};
use crate::evidence::texts::Texts;
use crate::evidence::told::Told;
use crate::evidence::traces::calls::Coverage;
use crate::evidence::traces::fields::FIELDS;
use crate::evidence::versions::Versions;
use crate::gates::{self, Alike, Outcome, State, Tally, alike};
use crate::git::BlobId;
use crate::ledger::past::{Past, Prior};
use crate::policy::provenance::Provenance;
use crate::policy::scope::Risk;
use crate::policy::{Mode, Role};
use crate::prompt::diff::Difference;
use crate::reason::Code;
use crate::regression::Comparison;
use crate::remark::{self, Remark};
use crate::rules::{Origin, Rules};
use crate::scorecard::Scorecard;
use crate::templates::Templates;
use crate::units::{Digest, Share, Usd};
use crate::untrusted::Untrusted;
use crate::verdict::Verdict;

/// A finished check.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    /// The verdict.
    pub(crate) verdict: Verdict,
    /// What it does.
    pub(crate) mode: Mode,
    /// The commits.
    pub(crate) range: Range,
    /// The policy.
    pub(crate) policy: PolicyRef,
    /// Whether the change touches anything that is governed.
    pub(crate) governed: bool,
    /// Whether a prompt got another version, so that there is something to score.
    pub(crate) scored: bool,
    /// Changed prompts.
    pub(crate) changes: Vec<ChangeReport>,
    /// Prompts whose files changed while their version did not.
    pub(crate) formatting: Vec<Untrusted>,
    /// Other governed files that changed.
    pub(crate) governed_files: Vec<GovernedReport>,
    /// The scorecard.
    pub(crate) card: Scorecard,
    /// The gates.
    pub(crate) outcomes: Vec<Outcome>,
    /// Baseline against candidate, by prompt.
    pub(crate) comparisons: Vec<(Untrusted, Comparison)>,
    /// What production records.
    pub(crate) coverage: Option<CoverageReport>,
    /// Who approved what.
    pub(crate) approvals: Approvals,
    /// Every evidence file.
    pub(crate) evidence: Vec<EvidenceReport>,
    /// What readers should know beside the gates.
    pub(crate) findings: Vec<Untrusted>,
    /// What there is to say of single lines.
    pub(crate) remarks: Vec<Remark>,
    /// What the ledger says of the changed prompts.
    pub(crate) past: Past,
    /// The one next step.
    pub(crate) next: Untrusted,
    /// The repository's own templates for it.
    pub(crate) templates: Templates,
    /// Where the verdict is on record, once that was tried.
    pub(crate) on_record: Option<OnRecord>,
}

/// The policy of a check.
#[derive(Debug, Clone)]
pub(crate) struct PolicyRef {
    /// Where it lies.
    pub(crate) path: Untrusted,
    /// Of its text.
    pub(crate) sha256: Digest,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

/// One changed prompt.
#[derive(Debug, Clone)]
pub(crate) struct ChangeReport {
    /// Its id.
    pub(crate) id: Untrusted,
    /// How it changed.
    pub(crate) kind: &'static str,
    /// The id it had.
    pub(crate) from: Option<Untrusted>,
    /// Its file.
    pub(crate) path: Untrusted,
    /// Its risk tier.
    pub(crate) risk: Risk,
    /// The version at the merge base.
    pub(crate) before: Option<Digest>,
    /// The version at head.
    pub(crate) after: Option<Digest>,
    /// What of it changed.
    pub(crate) facets: Vec<&'static str>,
    /// Why the full card is needed.
    pub(crate) triggers: Vec<&'static str>,
    /// How recent its evidence is; `None` where it needs none.
    pub(crate) freshness: Option<Untrusted>,
    /// What else is to be said of its eval runs.
    pub(crate) told: Told,
    /// Its eval cases, baseline before candidate.
    pub(crate) evals: Vec<CaseCounts>,
    /// The differences in words.
    pub(crate) differences: Vec<Difference>,
    /// What the ledger says of it.
    pub(crate) prior: Option<Prior>,
}

/// A changed governed file that is no prompt.
#[derive(Debug, Clone)]
pub(crate) struct GovernedReport {
    /// What it is.
    pub(crate) kind: GovernedKind,
    /// Where it lies.
    pub(crate) path: Untrusted,
    /// Its content at head; `None` where it is not there.
    pub(crate) blob: Option<BlobId>,
}

/// The cases of one version, counted by how they came out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CaseCounts {
    /// Which version.
    pub(crate) side: Role,
    /// All of them.
    pub(crate) cases: u64,
    /// Those that passed.
    pub(crate) passed: u64,
    /// Those that failed.
    pub(crate) failed: u64,
    /// Those that could not be run.
    pub(crate) errored: u64,
}

impl CaseCounts {
    fn of(side: Role, bound: &BoundCases) -> Self {
        Self {
            side,
            cases: bound.cases.len() as u64,
            passed: bound.count(CaseResult::Passed),
            failed: bound.count(CaseResult::Failed),
            errored: bound.count(CaseResult::Errored),
        }
    }
}

/// An evidence file.
#[derive(Debug, Clone)]
pub(crate) struct EvidenceReport {
    /// As people named it.
    pub(crate) path: Untrusted,
    /// Of the file as it lies on disk; `None` where it could not be read.
    pub(crate) sha256: Option<Digest>,
    /// What it is for.
    pub(crate) used_as: Use,
    /// The format's id.
    pub(crate) tool: &'static str,
    /// The tool's own version.
    pub(crate) tool_version: Option<Untrusted>,
    /// How it came here.
    pub(crate) provenance: Provenance,
    /// Why it says nothing, and what was found.
    pub(crate) problem: Option<(Code, Untrusted)>,
}

/// What the traces show of the calls that were judged.
#[derive(Debug, Clone)]
pub(crate) struct CoverageReport {
    /// LLM calls that were judged.
    pub(crate) calls: u64,
    /// They are all calls of the repository.
    pub(crate) repository_wide: bool,
    /// Traces in the evidence.
    pub(crate) traces: u64,
    /// Spans in the evidence.
    pub(crate) spans: u64,
    /// LLM calls outside the policy's `where`.
    pub(crate) excluded: u64,
    /// Records that could not be read.
    pub(crate) unreadable: u64,
    /// Fields that apply to some call: key and share.
    pub(crate) fields: Vec<(&'static str, Share)>,
    /// Half of the calls stay within this many milliseconds.
    pub(crate) p50: Option<u64>,
    /// 95 % of the calls stay within this many milliseconds.
    pub(crate) p95: Option<u64>,
    /// Input and output tokens.
    pub(crate) tokens: (u64, u64),
    /// What all calls cost, recorded or estimated.
    pub(crate) cost: Usd,
    /// Calls whose cost is estimated.
    pub(crate) estimated: u64,
    /// Calls that failed.
    pub(crate) failed: u64,
}

/// The parts that a report is made of.
pub(crate) struct Parts<'a> {
    /// The mode in force.
    pub(crate) mode: Mode,
    /// The rules.
    pub(crate) rules: &'a Rules,
    /// The commits.
    pub(crate) range: Range,
    /// What changed.
    pub(crate) changes: &'a ChangeSet,
    /// Changed prompts with their evidence.
    pub(crate) judged: &'a [Judged<'a>],
    /// All evidence.
    pub(crate) evidence: &'a Evidence,
    /// The words of the cases that are shown.
    pub(crate) texts: Texts,
    /// The versions that traces name.
    pub(crate) versions: &'a Versions,
    /// The calls that were judged.
    pub(crate) calls: Option<&'a Calls>,
    /// The scorecard.
    pub(crate) card: Scorecard,
    /// The gates.
    pub(crate) outcomes: Vec<Outcome>,
    /// Who approved what.
    pub(crate) approvals: &'a Approvals,
    /// What readers should know beside the gates.
    pub(crate) findings: Vec<String>,
    /// The repository's own templates.
    pub(crate) templates: Templates,
    /// What the ledger says of the changed prompts.
    pub(crate) past: Past,
}

impl Report {
    /// Puts the parts together.
    pub(crate) fn of(parts: Parts<'_>) -> Self {
        let verdict = verdict(parts.rules.origin, &parts.outcomes);
        let coverage = parts
            .evidence
            .coverage
            .as_ref()
            .zip(parts.calls)
            .map(|(coverage, calls)| covered(coverage, calls));
        let mut findings = parts.findings;
        findings.extend(parts.evidence.coverage.iter().flat_map(not_counted));
        let mut findings: Vec<Untrusted> = findings.into_iter().map(Untrusted::from).collect();
        findings.extend(parts.approvals.notes.iter().cloned());
        let others = findings_of(parts.changes, parts.versions);
        findings.extend(others.into_iter().map(Untrusted::from));
        findings.extend(past_the_gate(&parts.past));
        let remarks = remark::remarks(parts.changes, &parts.outcomes, parts.mode);
        Self {
            verdict,
            mode: parts.mode,
            policy: PolicyRef {
                path: parts.rules.path.as_str().into(),
                sha256: parts.rules.sha256,
                origin: parts.rules.origin,
            },
            range: parts.range,
            governed: !parts.changes.is_empty(),
            scored: !parts.judged.is_empty(),
            changes: changes(parts.changes, parts.judged, &parts.past),
            formatting: parts
                .changes
                .formatting
                .iter()
                .map(|id| id.shown().clone())
                .collect(),
            governed_files: parts
                .changes
                .governed
                .iter()
                .map(|file| GovernedReport {
                    kind: file.kind,
                    path: file.path.as_str().into(),
                    blob: file.blob,
                })
                .collect(),
            next: next(&parts.outcomes, &parts.card, !parts.judged.is_empty()),
            card: parts.card,
            comparisons: comparisons(parts.judged, &parts.outcomes, &parts.texts),
            outcomes: parts.outcomes,
            coverage,
            approvals: parts.approvals.clone(),
            evidence: evidence(parts.evidence),
            findings,
            remarks,
            templates: parts.templates,
            past: parts.past,
            on_record: None,
        }
    }

    /// How many gates are green, in one line. Waived ones are not counted among them.
    pub(crate) fn gates(&self) -> String {
        let tally = Tally::of(&self.outcomes);
        let prompts = self.outcomes.iter().filter_map(Outcome::prompt);
        let prompts = match prompts.collect::<BTreeSet<_>>().len() {
            0 | 1 => String::new(),
            several => format!(", in {several} prompts"),
        };
        let Tally { gates, green, .. } = tally;
        format!(
            "{green} of {gates} gates are green{}{prompts}",
            tally.waived()
        )
    }

    /// The outcomes that are not green.
    pub(crate) fn failing(&self) -> Vec<Alike<'_>> {
        alike(&self.outcomes, |outcome| !outcome.ruling.state.is_green())
    }

    /// The outcomes that are waived.
    pub(crate) fn waived(&self) -> Vec<Alike<'_>> {
        alike(&self.outcomes, |outcome| outcome.waiver.is_some())
    }

    /// The outcomes that block, errors first.
    pub(crate) fn blocking(&self) -> Vec<&Outcome> {
        blocking(&self.outcomes)
    }

    /// The ids of the gates that block, each once.
    pub(crate) fn failed_gates(&self) -> Vec<&'static str> {
        let mut ids: Vec<&'static str> = Vec::new();
        for outcome in self.blocking() {
            if !ids.contains(&outcome.gate) {
                ids.push(outcome.gate);
            }
        }
        ids
    }

    /// The verdict in one line.
    pub(crate) fn headline(&self) -> String {
        if !self.governed {
            return String::from("passed: nothing governed changed");
        }
        if self.lacks_record() {
            return self.unrecorded();
        }
        let tally = Tally::of(&self.outcomes);
        let (blocking, waived) = (tally.blocking, tally.waived());
        let gates = if blocking == 1 { "gate" } else { "gates" };
        let what = match (self.verdict, self.mode, self.policy.origin) {
            (_, _, Origin::Bootstrap) => {
                String::from("bootstrap: the first policy, nothing enforced")
            }
            (Verdict::Pass, ..) => format!("passed{waived}"),
            (_, Mode::Advise | Mode::Observe, _) => {
                format!(
                    "{}: would block, {blocking} {gates}{waived}",
                    self.mode.id()
                )
            }
            (Verdict::Fail, ..) => format!("blocked by {blocking} {gates}{waived}"),
            (Verdict::Error, ..) => {
                format!("cannot judge: {blocking} {gates} blocked or unreadable{waived}")
            }
        };
        let change = self
            .card
            .total
            .against(self.past.last().map(|card| card.total));
        match self.verdict {
            Verdict::Pass if !self.scored => format!("{what} · no prompt got another version"),
            _ if !self.scored => what,
            Verdict::Pass => {
                format!(
                    "{what} · score {}{change}, {}",
                    self.card.total,
                    self.card.band.words()
                )
            }
            // A band says what may be done with a change; this one may not be merged.
            Verdict::Fail | Verdict::Error => format!("{what} · score {}{change}", self.card.total),
        }
    }
}

/// The first policy judges nothing yet: it was written by the change that it would judge.
fn verdict(origin: Origin, outcomes: &[Outcome]) -> Verdict {
    match origin {
        Origin::Bootstrap => Verdict::Pass,
        Origin::Base | Origin::Simulated => {
            let blocking = outcomes.iter().filter(|each| each.is_blocking());
            Verdict::of(blocking.map(|each| each.ruling.state))
        }
    }
}

fn blocking(outcomes: &[Outcome]) -> Vec<&Outcome> {
    let mut found: Vec<&Outcome> = outcomes
        .iter()
        .filter(|outcome| outcome.is_blocking())
        .collect();
    // What is unreadable first, then what is not there: most of the others follow from them.
    found.sort_by_key(|outcome| {
        let follows = outcome.gate != gates::EXPECTED_EVIDENCE;
        (outcome.ruling.state != State::Error, follows)
    });
    found
}

fn changes(set: &ChangeSet, judged: &[Judged<'_>], past: &Past) -> Vec<ChangeReport> {
    set.changes
        .iter()
        .map(|change| {
            let shown = change.head.as_ref().or(change.base.as_ref());
            let judged = judged.iter().find(|judged| judged.change.id == change.id);
            let version = |prompt: &Option<crate::prompt::Prompt>| {
                prompt.as_ref().map(|prompt| prompt.version.digest())
            };
            ChangeReport {
                id: change.id.shown().clone(),
                kind: change.kind.id(),
                from: match &change.kind {
                    Kind::Renamed { from } => Some(from.shown().clone()),
                    _ => None,
                },
                path: shown
                    .map(|prompt| prompt.path.as_str().into())
                    .unwrap_or_default(),
                risk: change.risk,
                before: version(&change.base),
                after: version(&change.head),
                facets: change.facets.iter().map(|facet| facet.id()).collect(),
                triggers: change.triggers.iter().map(|trigger| trigger.id()).collect(),
                freshness: judged.map(|judged| judged.binding.freshness.words().into()),
                told: judged.map(Told::of).unwrap_or_default(),
                evals: judged.map(counts).unwrap_or_default(),
                differences: change.differences.clone(),
                prior: change
                    .base
                    .as_ref()
                    .and_then(|base| past.prompts.get(base.id.as_str()).cloned()),
            }
        })
        .collect()
}

/// What came to the base branch past the gate and is still there.
fn past_the_gate(past: &Past) -> impl Iterator<Item = Untrusted> + '_ {
    past.ungated.iter().map(|found| {
        let version = match found.version {
            Some(version) => format!("version {}", version.short()),
            None => String::from("its removal"),
        };
        let (prompt, code) = (found.prompt.for_machines(), found.code.for_machines());
        format!(
            "ungated change on record: {version} of `{prompt}` came to the base branch by commit {} without a verdict that let it pass [{code}], recorded {}",
            found.commit,
            found.at.format("%Y-%m-%d"),
        )
        .into()
    })
}

fn counts(judged: &Judged<'_>) -> Vec<CaseCounts> {
    let binding = &judged.binding;
    let sides = [
        (Role::Baseline, &binding.baseline),
        (Role::Candidate, &binding.candidate),
    ];
    let counts = sides.into_iter();
    counts
        .filter_map(|(side, bound)| Some(CaseCounts::of(side, bound.as_ref()?)))
        .collect()
}

/// What of the traces does not count.
fn not_counted(coverage: &Coverage) -> Vec<String> {
    let (outdated, repeated) = (coverage.outdated, coverage.repeated);
    let old = format!("{outdated} LLM calls are not of the last 30 days and do not count");
    let again = format!("{repeated} spans were given more than once and count once");
    let found = [(outdated, old), (repeated, again)].into_iter();
    found
        .filter(|(count, _)| *count > 0)
        .map(|(_, words)| words)
        .collect()
}

fn evidence(evidence: &Evidence) -> Vec<EvidenceReport> {
    let files = evidence.files.iter().map(|file| EvidenceReport {
        path: (&file.path).into(),
        sha256: file.sha256,
        used_as: file.used_as,
        tool: file.tool,
        tool_version: file.tool_version.as_ref().map(Untrusted::from),
        provenance: file.provenance,
        problem: file
            .problem
            .as_ref()
            .map(|problem| (problem.code, (&problem.found).into())),
    });
    files.collect()
}

fn comparisons(
    judged: &[Judged<'_>],
    outcomes: &[Outcome],
    texts: &Texts,
) -> Vec<(Untrusted, Comparison)> {
    judged
        .iter()
        .filter_map(|judged| {
            let id = &judged.change.id;
            let of_prompt = outcomes.iter().filter(|each| each.prompt() == Some(id));
            let tests = of_prompt.filter_map(|each| each.ruling.tested.clone());
            let comparison = judged.comparison.clone()?.tested(tests).with(texts);
            Some((id.shown().clone(), comparison))
        })
        .collect()
}

fn covered(coverage: &Coverage, calls: &Calls) -> CoverageReport {
    let sum = |of: &dyn Fn(&crate::evidence::traces::calls::Group) -> u64| {
        calls.groups().map(of).fold(0, u64::saturating_add)
    };
    CoverageReport {
        calls: calls.count(),
        repository_wide: calls.repository_wide,
        traces: coverage.traces.len() as u64,
        spans: coverage.spans,
        excluded: coverage.excluded,
        unreadable: coverage.unreadable,
        fields: FIELDS
            .iter()
            .map(|about| (about.id, calls.field(about.field)))
            .filter(|(_, share)| share.whole > 0)
            .collect(),
        p50: calls.latency(50),
        p95: calls.latency(95),
        tokens: (
            sum(&|group| group.input_tokens),
            sum(&|group| group.output_tokens),
        ),
        cost: calls
            .groups()
            .fold(Usd::default(), |cost, group| cost.plus(group.cost)),
        estimated: sum(&|group| group.estimated),
        failed: sum(&|group| group.failed),
    }
}

fn findings_of(changes: &ChangeSet, versions: &Versions) -> Vec<String> {
    let mut found = Vec::new();
    for file in &changes.governed {
        found.push(format!(
            "{} `{}` changed: it is judged as it is on the base branch",
            file.kind.id(),
            file.path
        ));
    }
    for problem in &changes.broken_before {
        found.push(format!(
            "{}: {} [{}], as before this change",
            problem.place(),
            problem.found,
            problem.code.id()
        ));
    }
    for path in &changes.unread {
        found.push(format!(
            "`{path}` lies where prompts are, and is read as none"
        ));
    }
    for path in &changes.lookalikes {
        found.push(format!(
            "`{path}` looks like a prompt and is governed by nothing"
        ));
    }
    for ((prompt, version), calls) in versions.unresolved.iter().take(5) {
        let prompt = prompt.as_deref().unwrap_or("no prompt");
        found.push(format!(
            "{calls} calls name `{prompt}` at version `{version}`, which this repository does not know"
        ));
    }
    found
}

/// The one next step: the fix of the first gate that blocks; else what would raise the card.
fn next(outcomes: &[Outcome], card: &Scorecard, scored: bool) -> Untrusted {
    if let Some(outcome) = blocking(outcomes).first() {
        return outcome.ruling.remedy();
    }
    match card.remedy().filter(|_| scored) {
        Some(remedy) => format!("nothing blocks; {remedy}").into(),
        None => "merge when your reviewers are content".into(),
    }
}

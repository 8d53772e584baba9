//! The policy file: read from the base branch, valid by construction, all errors at once.

mod archives;
pub(crate) mod eval_runs;
pub(crate) mod ledger;
pub(crate) mod people;
pub(crate) mod provenance;
mod read;
pub(crate) mod scope;
pub(crate) mod sources;
pub(crate) mod strength;

use std::collections::BTreeMap;

use crate::files::ArchiveLimits;
use crate::git::RepoPath;
use crate::glob::Pattern;
use crate::units::{Digest, Percent, Points, Score, Weight};
use crate::yaml::{Errors, Fields};
use eval_runs::EvalRuns;
use ledger::LedgerRule;
use people::People;
use provenance::Admissible;
use scope::Scope;
use sources::Evidence;
use strength::Sufficient;

pub(crate) use read::{TOP_LEVEL, percent, whole};

/// Where a policy is looked for, in this order.
pub(crate) const PATHS: &[&str] = &[".github/gatecard.yml", "gatecard.yml"];

/// The name of the check run; the status must have another one, since a branch rule that
/// requires a name takes either.
pub(crate) const CHECK_RUN: &str = "gatecard report";

/// What a failed gate does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mode {
    /// Computed and recorded; nothing is shown as a verdict.
    Observe,
    /// Shown; never blocks.
    Advise,
    /// Blocks.
    Enforce,
}

impl Mode {
    /// The words of the policy.
    pub(crate) const WORDS: &[(&str, Self)] = &[
        ("observe", Self::Observe),
        ("advise", Self::Advise),
        ("enforce", Self::Enforce),
    ];

    /// The mode's word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Advise => "advise",
            Self::Enforce => "enforce",
        }
    }
}

/// What a reader should do with a card of this score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Band {
    /// Not for workflows that touch customers, compliance, revenue or high volume.
    DoNotUse,
    /// Pilots and low-risk internal use.
    Pilot,
    /// A limited rollout with a plan for the weak categories.
    LimitedRollout,
    /// Production.
    Ready,
}

impl Band {
    /// The words of the policy.
    pub(crate) const WORDS: &[(&str, Self)] = &[
        ("do_not_use", Self::DoNotUse),
        ("pilot", Self::Pilot),
        ("limited_rollout", Self::LimitedRollout),
        ("ready", Self::Ready),
    ];

    /// The best band that any score can reach.
    pub(crate) const fn most(all_pass: bool, pre_production: bool) -> Self {
        if pre_production {
            Self::Pilot
        } else if all_pass {
            Self::Ready
        } else {
            Self::LimitedRollout
        }
    }

    /// The band as output names it.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::DoNotUse => "do_not_use",
            Self::Pilot => "pilot",
            Self::LimitedRollout => "limited_rollout",
            Self::Ready => "ready",
        }
    }

    /// The band as people read it.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::DoNotUse => "do not use",
            Self::Pilot => "pilot",
            Self::LimitedRollout => "limited rollout",
            Self::Ready => "ready",
        }
    }
}

/// The lower bounds of the bands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bands {
    /// From here on: ready.
    pub(crate) ready: Score,
    /// From here on: limited rollout.
    pub(crate) limited_rollout: Score,
    /// From here on: pilot.
    pub(crate) pilot: Score,
}

impl Bands {
    /// The band of a sum. `ready` also needs every category, security above all, to pass; before
    /// production the band is at most pilot.
    pub(crate) fn band(&self, total: Points, all_pass: bool, pre_production: bool) -> Band {
        let band = if total.reaches(self.ready) {
            Band::Ready
        } else if total.reaches(self.limited_rollout) {
            Band::LimitedRollout
        } else if total.reaches(self.pilot) {
            Band::Pilot
        } else {
            Band::DoNotUse
        };
        band.min(Band::most(all_pass, pre_production))
    }
}

/// The seven categories, in the order of the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CategoryId {
    /// What production records of a request.
    TraceCompleteness,
    /// Whether calls and changes link to versions.
    Versioning,
    /// Whether changes are tested.
    Evaluation,
    /// How fast a problem is understood.
    DebuggingSpeed,
    /// Whether latency and cost are known.
    LatencyAndCost,
    /// Who looked at it.
    Collaboration,
    /// How data is handled.
    Security,
}

impl CategoryId {
    /// All seven with their key, weight in hundredths of a percent and owner: the method's.
    pub(crate) const DEFAULTS: [(Self, &'static str, u32, &'static str); 7] = [
        (
            Self::TraceCompleteness,
            "trace_completeness",
            2_000,
            "engineering",
        ),
        (Self::Versioning, "versioning", 1_500, "AI engineering"),
        (
            Self::Evaluation,
            "evaluation",
            2_000,
            "AI engineering, product",
        ),
        (
            Self::DebuggingSpeed,
            "debugging_speed",
            1_500,
            "engineering",
        ),
        (Self::LatencyAndCost, "latency_and_cost", 1_000, "platform"),
        (Self::Collaboration, "collaboration", 1_000, "product"),
        (Self::Security, "security", 1_000, "security"),
    ];

    /// The category's key.
    pub(crate) fn id(self) -> &'static str {
        Self::DEFAULTS
            .iter()
            .find(|(id, ..)| *id == self)
            .map_or("", |(_, key, ..)| key)
    }

    /// The category's name for people.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::TraceCompleteness => "Trace completeness",
            Self::Versioning => "Prompt and model versioning",
            Self::Evaluation => "Evaluation workflow",
            Self::DebuggingSpeed => "Production debugging speed",
            Self::LatencyAndCost => "Latency and cost visibility",
            Self::Collaboration => "Collaboration and review",
            Self::Security => "Security and access control",
        }
    }
}

/// The condition under which a category passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// A score.
    Score(Score),
    /// A median investigation time below this many minutes.
    MedianMinutes(u64),
    /// A share of requests with complete latency, token and cost data.
    Complete(Percent),
    /// Stakeholder groups that reviewed.
    Groups(u64),
    /// The data policy is met.
    DataPolicyMet,
}

/// What the policy says of a category.
#[derive(Debug, Clone)]
pub(crate) struct CategoryRule {
    /// Its part of the final score.
    pub(crate) weight: Weight,
    /// When it passes.
    pub(crate) needs: Needs,
    /// Who answers for it.
    pub(crate) owner: String,
    /// What the owner wants readers to know.
    pub(crate) note: Option<String>,
}

/// Which side of a comparison an eval file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Made with the base version.
    Baseline,
    /// Made with the head version.
    Candidate,
}

impl Role {
    /// The words of the policy and the command line.
    pub(crate) const WORDS: &[(&str, Self)] =
        &[("baseline", Self::Baseline), ("candidate", Self::Candidate)];

    /// The side's word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Baseline => "baseline",
            Self::Candidate => "candidate",
        }
    }
}

/// Which calls of the traces count.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Where {
    /// Every environment counts: nothing is in production yet.
    pub(crate) any_environment: bool,
    /// `deployment.environment.name`.
    pub(crate) environment: Option<String>,
    /// `service.name`.
    pub(crate) service: Option<String>,
    /// `http.route` of the request.
    pub(crate) route: Option<String>,
}

/// The price of a model's tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Price {
    /// Billionths of a dollar for a million input tokens.
    pub(crate) input: u64,
    /// Billionths of a dollar for a million output tokens.
    pub(crate) output: u64,
}

/// How the scorecard comment is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CommentMode {
    /// One comment, updated in place.
    Update,
    /// One comment, made anew at the end of the conversation whenever it changes.
    Recreate,
    /// One comment, made by the first verdict that blocks, and updated in place.
    FailuresOnly,
    /// None.
    Off,
}

impl CommentMode {
    /// The words of the policy.
    pub(crate) const WORDS: &[(&str, Self)] = &[
        ("update", Self::Update),
        ("recreate", Self::Recreate),
        ("failures-only", Self::FailuresOnly),
        ("off", Self::Off),
    ];
}

/// Templates of the repository in place of the built-in ones: paths in the base tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TemplatePaths {
    /// The comment's.
    pub(crate) comment: Option<RepoPath>,
    /// The job summary's.
    pub(crate) summary: Option<RepoPath>,
}

/// A whole policy. Gates read their own parameters from the same file.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// What a failed gate does.
    pub(crate) mode: Mode,
    /// Which files are prompts.
    pub(crate) scope: Scope,
    /// Which files are eval datasets.
    pub(crate) datasets: Vec<Pattern>,
    /// Which files are judge prompts.
    pub(crate) judges: Vec<Pattern>,
    /// Digests by prompt id and label: versions that traces call by name.
    pub(crate) labels: BTreeMap<String, BTreeMap<String, Digest>>,
    /// Where evidence comes from.
    pub(crate) evidence: Evidence,
    /// The least provenance that counts, by risk.
    pub(crate) admissible: Admissible,
    /// The least strength of a binding that counts, by risk.
    pub(crate) sufficient: Sufficient,
    /// How evals are run, and who answers for their cases.
    pub(crate) eval_runs: EvalRuns,
    /// What an artifact may hold.
    pub(crate) archives: ArchiveLimits,
    /// The seven categories.
    pub(crate) categories: BTreeMap<CategoryId, CategoryRule>,
    /// The bounds of the bands.
    pub(crate) bands: Bands,
    /// Below it, a change that triggers the full card is blocked.
    pub(crate) minimum_band: Band,
    /// More changed words than this make a change major.
    pub(crate) major_change: Percent,
    /// Fewer calls of a prompt than this are not judged by themselves.
    pub(crate) min_traces: u64,
    /// How far a judge must agree with people for its metrics to count.
    pub(crate) min_kappa: Option<f64>,
    /// Who must approve what.
    pub(crate) people: People,
    /// Prices by `provider/model`.
    pub(crate) prices: BTreeMap<String, Price>,
    /// Whether verdicts are recorded, and where.
    pub(crate) ledger: LedgerRule,
    /// How the comment is kept.
    pub(crate) comment: CommentMode,
    /// Templates in place of the built-in ones.
    pub(crate) templates: TemplatePaths,
    /// Whether a check run with annotations is made as well.
    pub(crate) check_run: bool,
    /// The name of the commit status, where it is not `gatecard: <base ref>`.
    pub(crate) status_name: Option<String>,
}

impl Policy {
    /// Reads the policy; what is wrong goes to `errors`, and the result is then not to be used.
    pub(crate) fn read(top: &Fields<'_>, errors: &mut Errors<'_>) -> Self {
        read::policy(top, errors)
    }
}

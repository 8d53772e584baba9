//! Gates: the family. Each judges the facts by its own parameters; pure.

mod approvals;
mod budget;
mod canaries;
mod cost;
mod cost_and_latency;
mod expected_evidence;
mod hidden_characters;
mod judge_agreement;
mod latency;
mod max_regression;
mod min_examples;
mod minimum_band;
mod must_pass;
mod named;
mod policy_change;
mod prompt_files;
mod prompt_version;
mod request_metadata;
mod share;
mod tally;
mod test_set;
mod traces_to_evals;
mod waivers;

use crate::approval::Approvals;
use crate::change::ChangeSet;
use crate::evidence::collect::{Evidence, Use};
use crate::evidence::judged::Judged;
use crate::evidence::versions::Versions;
use crate::git::RepoPath;
use crate::measure::Measured;
use crate::policy::Policy;
use crate::prompt::PromptId;
use crate::reason::Code;
use crate::regression::Tested;
use crate::scorecard::Scorecard;
use crate::untrusted::Untrusted;
use crate::yaml::{Errors, Fields, Node};

pub(crate) use crate::verdict::State;
pub(crate) use expected_evidence::ID as EXPECTED_EVIDENCE;
pub(crate) use tally::{Alike, Tally, alike};
pub(crate) use test_set::ID as TEST_SET;
pub(crate) use waivers::{Waiver, Waivers};

/// The gates, in the order of the card: hard gates first.
pub(crate) const KINDS: &[&dyn GateKind] = &[
    &prompt_files::PromptFiles,
    &prompt_version::PromptVersion,
    &request_metadata::RequestMetadata,
    &cost_and_latency::CostAndLatency,
    &traces_to_evals::TracesToEvals,
    &expected_evidence::ExpectedEvidence,
    &min_examples::MinExamples,
    &max_regression::MaxRegression,
    &must_pass::MustPass,
    &canaries::Canaries,
    &judge_agreement::JudgeAgreement,
    &cost::Cost,
    &latency::Latency,
    &test_set::TestSet,
    &hidden_characters::HiddenCharacters,
    &approvals::Approvals,
    &policy_change::PolicyChange,
    &minimum_band::MinimumBand,
];

/// One kind of gate.
pub(crate) trait GateKind: Sync {
    /// The gate's id: its file, its key in the policy, its word in the output.
    fn id(&self) -> &'static str;

    /// One line for the docs.
    fn about(&self) -> &'static str;

    /// Where its parameters stand in the policy.
    fn section(&self) -> Section;

    /// Builds the gate from its parameters, or from the method's defaults.
    fn build(&self, parameters: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate>;
}

/// Where a gate's parameters stand in the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// Under `hard_gates`: cannot be bought off, waived or turned into a warning.
    Hard,
    /// In the list `gates`.
    Eval,
    /// It has none.
    None,
}

/// A gate with its parameters.
pub(crate) trait Gate {
    /// Judges the facts: one outcome for each prompt, or one for the change.
    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling>;

    /// Whether it only warns where it is red: `on_fail: warn`.
    fn warns(&self) -> bool {
        false
    }
}

/// Everything that a gate may look at.
pub(crate) struct Facts<'a> {
    /// What changed.
    pub(crate) changes: &'a ChangeSet,
    /// Changed prompts with their evidence.
    pub(crate) judged: &'a [Judged<'a>],
    /// All evidence.
    pub(crate) evidence: &'a Evidence,
    /// The versions that traces name.
    pub(crate) versions: &'a Versions,
    /// The policy.
    pub(crate) policy: &'a Policy,
    /// Who approved what.
    pub(crate) approvals: &'a Approvals,
    /// The scorecard.
    pub(crate) card: &'a Scorecard,
    /// The traces are older than they may be.
    pub(crate) traces_expired: bool,
}

/// What a gate says of one prompt, or of the change.
#[derive(Debug, Clone)]
pub(crate) struct Ruling {
    /// The prompt, where it is about one.
    pub(crate) prompt: Option<PromptId>,
    /// How it came out.
    pub(crate) state: State,
    /// Why: stable.
    pub(crate) code: Code,
    /// What was found.
    pub(crate) found: Untrusted,
    /// What was needed.
    pub(crate) needed: Untrusted,
    /// What to do, where it is more than the code says.
    fix: Option<Untrusted>,
    /// Whether a state that is not green blocks.
    pub(crate) blocks: bool,
    /// Where it is, where it is not the change as a whole.
    pub(crate) place: Option<(RepoPath, usize)>,
    /// The number that it rests on, where it rests on one.
    pub(crate) measured: Option<Measured>,
    /// The test that it rests on, where it rests on one.
    pub(crate) tested: Option<Tested>,
}

impl Ruling {
    /// A ruling about a prompt. It blocks when it is not green.
    pub(crate) fn of(
        prompt: Option<&PromptId>,
        state: State,
        code: Code,
        found: impl Into<Untrusted>,
        needed: impl Into<Untrusted>,
    ) -> Self {
        Self {
            prompt: prompt.cloned(),
            state,
            code,
            found: found.into(),
            needed: needed.into(),
            fix: None,
            blocks: true,
            place: None,
            measured: None,
            tested: None,
        }
    }

    /// Adds what to do.
    pub(crate) fn fix(mut self, fix: impl Into<Untrusted>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Adds the line that it is about.
    pub(crate) fn at(mut self, path: &RepoPath, line: usize) -> Self {
        self.place = Some((path.clone(), line));
        self
    }

    /// Adds the number that it rests on.
    pub(crate) fn measured(mut self, measured: Measured) -> Self {
        self.measured = Some(measured);
        self
    }

    /// What to do.
    pub(crate) fn remedy(&self) -> Untrusted {
        let own = self.fix.clone();
        own.unwrap_or_else(|| self.code.fix().into())
    }
}

/// An outcome: a ruling and the gate that made it.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// The gate's id.
    pub(crate) gate: &'static str,
    /// Whether it is a hard gate.
    pub(crate) hard: bool,
    /// What it says.
    pub(crate) ruling: Ruling,
    /// What waived it.
    pub(crate) waiver: Option<Waiver>,
}

impl Outcome {
    /// Whether it stands in the way of the change.
    pub(crate) const fn is_blocking(&self) -> bool {
        self.ruling.blocks && !self.ruling.state.is_green()
    }

    /// The prompt, where it is about one.
    pub(crate) const fn prompt(&self) -> Option<&PromptId> {
        self.ruling.prompt.as_ref()
    }
}

/// The configured gates of a policy, each with its kind.
pub(crate) struct Gates(Vec<(&'static dyn GateKind, Box<dyn Gate>)>);

impl Gates {
    /// Reads the parameters of every gate; a kind that the policy does not name has the
    /// method's defaults.
    pub(crate) fn read(top: &Fields<'_>, errors: &mut Errors<'_>) -> Self {
        let keys = |section: Section| -> Vec<&'static str> {
            KINDS
                .iter()
                .filter(|kind| kind.section() == section)
                .map(|kind| kind.id())
                .collect()
        };
        let hard = top
            .get("hard_gates")
            .map(|node| node.fields(&keys(Section::Hard), errors));
        let eval_keys = keys(Section::Eval);
        let mut entries: Vec<(String, Node<'_>)> = Vec::new();
        for item in top
            .get("gates")
            .map(|node| node.items(errors))
            .unwrap_or_default()
        {
            let fields = item.entries(errors);
            match fields.as_slice() {
                [(key, parameters)] if eval_keys.contains(key) => {
                    entries.push(((*key).to_owned(), parameters.clone()));
                }
                [(_, _)] => {
                    item.fields(&eval_keys, errors);
                }
                _ => item.refuse(errors, "expected one gate: a map with one key"),
            }
        }
        let mut gates = Vec::new();
        for kind in KINDS {
            let named: Vec<&Node<'_>> = match kind.section() {
                Section::Hard => hard
                    .iter()
                    .filter_map(|fields| fields.get(kind.id()))
                    .collect(),
                Section::Eval => entries
                    .iter()
                    .filter(|(key, _)| key == kind.id())
                    .map(|(_, node)| node)
                    .collect(),
                Section::None => Vec::new(),
            };
            if named.is_empty() {
                gates.push((*kind, kind.build(None, errors)));
            }
            if let [_, again, ..] = named.as_slice() {
                again.refuse(
                    errors,
                    format!("the gate `{}` stands here twice", kind.id()),
                );
            }
            for node in named {
                gates.push((*kind, kind.build(Some(node), errors)));
            }
        }
        Self(gates)
    }

    /// Whether a gate only warns where it is red, in one of its forms.
    pub(crate) fn warns(&self, id: &str) -> bool {
        let mut all = self.0.iter();
        all.any(|(kind, gate)| kind.id() == id && gate.warns())
    }

    /// Judges the facts, in the order of the card.
    pub(crate) fn judge(&self, facts: &Facts<'_>) -> Vec<Outcome> {
        self.0
            .iter()
            .flat_map(|(kind, gate)| {
                gate.judge(facts).into_iter().map(|ruling| Outcome {
                    gate: kind.id(),
                    hard: kind.section() == Section::Hard,
                    ruling: expected_evidence::explain(ruling, facts),
                    waiver: None,
                })
            })
            .collect()
    }
}

/// What a failed eval gate does, in its parameters: `on_fail: block | warn`.
pub(crate) const ON_FAIL: &[(&str, bool)] = &[("block", true), ("warn", false)];

/// A ruling for evidence that cannot be read, where there is such evidence for this use.
fn unreadable(
    facts: &Facts<'_>,
    used_as: Use,
    prompt: Option<&PromptId>,
    needed: &str,
) -> Option<Ruling> {
    let (file, problem) = facts.evidence.broken(used_as)?;
    let line = problem
        .line
        .map(|line| format!(":{line}"))
        .unwrap_or_default();
    let found = format!("{}{line}: {}", file.path, problem.found);
    Some(
        Ruling::of(prompt, State::Error, problem.code, found, needed).fix(format!(
            "{}: {} Expected {}.",
            file.path,
            problem.code.fix(),
            problem.expected
        )),
    )
}

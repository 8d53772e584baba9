//! The result of a check as the ledger keeps it: everything but free text, so that what people
//! saw is known after the evidence is gone. Fractions are texts, exact where the result is.

use serde::{Deserialize, Serialize};

use super::entry::Time;
use crate::units::Digest;

/// The result of a check.
#[expect(clippy::struct_field_names, reason = "the key of the schema")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    /// `pass`, `fail` or `error`.
    pub(crate) verdict: String,
    /// `observe`, `advise` or `enforce`.
    pub(crate) mode: String,
    /// The time that was judged at.
    pub(crate) judged: Time,
    /// Whether a prompt got another version, so that there was something to score.
    pub(crate) scored: bool,
    /// The final score in 10^-8 points: 4.25 is `425000000`.
    pub(crate) points: u64,
    /// The band.
    pub(crate) band: String,
    /// A prompt among them is not in production yet, so that the band is at most pilot.
    pub(crate) pre_production: bool,
    /// Every changed prompt.
    pub(crate) changes: Vec<Change>,
    /// Every other governed file that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<File>,
    /// The seven categories, in the order of the card.
    pub(crate) categories: Vec<Category>,
    /// Every gate's outcome, in the order of the card.
    pub(crate) outcomes: Vec<Outcome>,
    /// Baseline against candidate, by prompt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) comparisons: Vec<Comparison>,
    /// What the traces show.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) coverage: Option<Coverage>,
    /// Every evidence file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) evidence: Vec<Evidence>,
    /// Who had to approve what, and which reviews counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) approvals: Vec<Approval>,
    /// The reviews that requested changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) change_requests: Vec<u64>,
}

/// A changed prompt.
#[expect(clippy::struct_field_names, reason = "the key of the schema")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// Its id.
    pub(crate) id: String,
    /// `added`, `modified`, `renamed` or `removed`.
    pub(crate) change: String,
    /// The id it had before a rename.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) renamed_from: Option<String>,
    /// Its file.
    pub(crate) path: String,
    /// Its risk tier.
    pub(crate) risk: String,
    /// The version at the merge base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<Digest>,
    /// The version that was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) to: Option<Digest>,
    /// What of it changed.
    pub(crate) facets: Vec<String>,
    /// Why the full card was needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) triggers: Vec<String>,
    /// The numbers of its evals: baseline and candidate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) evals: Vec<Evals>,
}

/// The cases of one side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Evals {
    /// `baseline` or `candidate`.
    pub(crate) side: String,
    /// Cases.
    pub(crate) cases: u64,
    /// Cases that passed.
    pub(crate) passed: u64,
    /// Cases that failed.
    pub(crate) failed: u64,
    /// Cases that could not be run.
    pub(crate) errored: u64,
}

/// A governed file that is no prompt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct File {
    /// What it is.
    pub(crate) kind: String,
    /// Where it lies.
    pub(crate) path: String,
    /// The id of its Git object at head; absent where it was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) blob: Option<String>,
}

/// A category's score with the points that it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Category {
    /// Its key.
    pub(crate) id: String,
    /// Hundredths of a percent.
    pub(crate) weight: u64,
    /// The score in ten-thousandths: 4.25 is `42500`.
    pub(crate) score: u64,
    /// Whether it passes.
    pub(crate) passes: bool,
    /// Points earned and possible, by check.
    pub(crate) checks: Vec<Earned>,
    /// The most that it could score, in ten-thousandths, where something caps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cap: Option<u64>,
}

/// What one check of a category earned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Earned {
    /// Points.
    pub(crate) points: u64,
    /// Of how many.
    pub(crate) of: u64,
}

/// What a gate said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the key of the schema")]
pub(crate) struct Outcome {
    /// The gate.
    pub(crate) gate: String,
    /// The prompt, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prompt: Option<String>,
    /// How it came out: a state's word.
    pub(crate) outcome: String,
    /// Why: a reason code.
    pub(crate) code: String,
    /// Whether it stood in the way.
    pub(crate) blocks: bool,
    /// What was measured, where the gate measures a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) measured: Option<Measured>,
}

/// A number that a gate measured, and what it needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// What was measured: `share`, `cases`, `p` ...
    pub(crate) metric: String,
    /// The number.
    pub(crate) observed: String,
    /// The threshold.
    pub(crate) threshold: String,
    /// Of how many things it was measured.
    pub(crate) n: u64,
    /// Which metric of the evals it is about; absent for whether the cases pass, and where it is
    /// about none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) of: Option<String>,
}

/// Baseline against candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Comparison {
    /// The prompt.
    pub(crate) prompt: String,
    /// What was compared: `pass`, or a metric's name.
    pub(crate) metric: String,
    /// How: `mcnemar-exact`, or `sign-flip`.
    pub(crate) test: String,
    /// Pairs that passed on both sides; with several trials, in most of them.
    pub(crate) both: u64,
    /// Pairs that passed on no side.
    pub(crate) neither: u64,
    /// Pairs that passed before only.
    pub(crate) lost: u64,
    /// Pairs that pass now only.
    pub(crate) won: u64,
    /// Cases of the baseline without a partner.
    pub(crate) only_baseline: u64,
    /// Cases of the candidate without a partner.
    pub(crate) only_candidate: u64,
    /// Pairs that could not be compared, since their assertions or inputs changed.
    pub(crate) changed_cases: u64,
    /// Candidate less baseline, six decimals.
    pub(crate) difference: String,
    /// Its 95 % interval, six decimals.
    pub(crate) interval: [String; 2],
    /// Two-sided p, six decimals.
    pub(crate) p: String,
    /// How many cases were compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cases: Option<u64>,
    /// Means of baseline and candidate, six decimals, where they are not cases that pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) means: Option<[String; 2]>,
    /// What the random draws of `sign-flip` and its interval started from, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) seed: Option<String>,
    /// The level that p was held to, six decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alpha: Option<String>,
    /// The smallest drop that would have been seen at that level, six decimals; absent where none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) visible: Option<String>,
    /// A drop of so much had to be ruled out, and one of more than the second is, six decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) margin: Option<[String; 2]>,
    /// Less of the metric is better.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) lower: bool,
}

/// What the traces show of the calls that were judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Coverage {
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
    /// Calls that failed.
    pub(crate) failed: u64,
    /// Fields that apply to some call.
    pub(crate) fields: Vec<FieldCount>,
    /// Milliseconds within which half of the calls stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) p50_ms: Option<u64>,
    /// Milliseconds within which 95 % of the calls stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) p95_ms: Option<u64>,
    /// Input tokens.
    pub(crate) input_tokens: u64,
    /// Output tokens.
    pub(crate) output_tokens: u64,
    /// What all calls cost, in billionths of a US dollar.
    pub(crate) cost_nano_usd: u64,
    /// Calls whose cost is estimated.
    pub(crate) estimated: u64,
}

/// How many calls have a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FieldCount {
    /// The field's key.
    pub(crate) field: String,
    /// Calls that have it.
    pub(crate) present: u64,
    /// Calls that could.
    pub(crate) applicable: u64,
}

/// An evidence file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Evidence {
    /// The last part of its name.
    pub(crate) name: String,
    /// Of the file; absent where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sha256: Option<Digest>,
    /// What it was used as.
    pub(crate) used_as: String,
    /// The format's id.
    pub(crate) tool: String,
    /// How it came here.
    pub(crate) provenance: String,
    /// Why it says nothing: a reason code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) problem: Option<String>,
}

/// Whether a group approved a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Approval {
    /// The prompt's id; absent for other governed files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prompt: Option<String>,
    /// The other governed files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<String>,
    /// Its digest; absent where it could not be computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<Digest>,
    /// The group.
    pub(crate) group: String,
    /// The gate that asked, where it is not the usual one: `test_set`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gate: Option<String>,
    /// The reviews that counted.
    pub(crate) counted: Vec<u64>,
}

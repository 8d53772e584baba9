//! Gate: what the policy expects as evidence is there. A change must not pass on half of what
//! its policy asks for because the other half was not made.

use super::{Facts, Gate, GateKind, ON_FAIL, Ruling, Section, State};
use crate::evidence::supply::{Absent, Lack};
use crate::policy::scope::Stage;
use crate::policy::sources::Kind;
use crate::reason::Code;
use crate::yaml::{Errors, Node};

/// The gate's id.
pub(crate) const ID: &str = "expected_evidence";

pub(crate) struct ExpectedEvidence;

impl GateKind for ExpectedEvidence {
    fn id(&self) -> &'static str {
        ID
    }

    fn about(&self) -> &'static str {
        "every source under `evidence` that is not `optional` has given its files"
    }

    fn section(&self) -> Section {
        Section::Eval
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        let mut blocks = true;
        if let Some(node) = node {
            let fields = node.fields(&["on_fail"], errors);
            if let Some(node) = fields.get("on_fail") {
                blocks = node.one_of(ON_FAIL, errors).unwrap_or(true);
            }
        }
        Box::new(Expected { blocks })
    }
}

struct Expected {
    blocks: bool,
}

impl Gate for Expected {
    fn warns(&self) -> bool {
        !self.blocks
    }

    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        const NEEDED: &str = "what the policy's sources expect";
        let sources = &facts.policy.evidence.sources;
        if facts.judged.is_empty() || sources.is_empty() {
            let found = match sources.len() {
                0 => "the policy names no source",
                _ => "no changed prompt needs evidence",
            };
            let (state, code) = (State::NotApplicable, Code::NotApplicable);
            return vec![Ruling::of(None, state, code, found, NEEDED)];
        }
        let live = facts
            .judged
            .iter()
            .any(|judged| judged.change.stage == Stage::Production);
        let owed = |absent: &&Absent| !absent.optional && (live || absent.kind == Kind::Evals);
        let absent: Vec<&Absent> = facts.evidence.absent.iter().filter(owed).collect();
        if absent.is_empty() {
            let found = match facts.evidence.absent.len() {
                0 => format!("{} of {} sources", sources.len(), sources.len()),
                missing => format!(
                    "{} of {} sources; the others are not needed",
                    sources.len() - missing,
                    sources.len()
                ),
            };
            return vec![Ruling::of(None, State::Pass, Code::Met, found, NEEDED)];
        }
        absent
            .into_iter()
            .map(|absent| Ruling {
                blocks: self.blocks,
                ..one(absent)
            })
            .collect()
    }
}

fn one(absent: &Absent) -> Ruling {
    let state = match absent.absence.lack {
        Lack::Missing => State::Missing,
        Lack::Old => State::Stale,
        Lack::Broken => State::Error,
    };
    let needed = format!("{} from {}", absent.kind.words(), absent.producer);
    let found = absent.absence.found.clone();
    Ruling::of(None, state, absent.absence.code, found, needed)
}

/// Says of a gate that lacks evidence where it should have come from.
pub(super) fn explain(ruling: Ruling, facts: &Facts<'_>) -> Ruling {
    let kind = match ruling.code {
        Code::EvidenceMissing | Code::BaselineMissing => Kind::Evals,
        Code::TracesMissing => Kind::Traces,
        _ => return ruling,
    };
    let mut absent = facts.evidence.absent.iter();
    if absent.any(|absent| absent.kind == kind && !absent.optional) {
        return ruling.fix(format!("see {ID}"));
    }
    ruling
}

//! Hard gate: the eval run is of the head version, and some of its cases come from traces.

use std::collections::BTreeSet;

use super::{Facts, Gate, GateKind, Ruling, Section, State, unreadable};
use crate::evidence::binding::{Binding, Freshness, listed};
use crate::evidence::collect::Use;
use crate::evidence::judged::Judged;
use crate::evidence::tools;
use crate::measure::{Measured, Metric};
use crate::policy::scope::Stage;
use crate::prompt::PromptId;
use crate::prompt::version::Facet;
use crate::reason::Code;
use crate::yaml::{Errors, Node};

pub(crate) struct TracesToEvals;

impl GateKind for TracesToEvals {
    fn id(&self) -> &'static str {
        "traces_to_evals"
    }

    fn about(&self) -> &'static str {
        "each changed prompt's eval run is bound to the head version, and at least one of its cases was taken from a trace"
    }

    fn section(&self) -> Section {
        Section::Hard
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        let cases = node.and_then(|node| {
            node.read("a number of cases such as `1 case`", errors, |value| {
                let text = value.as_str().map(|text| {
                    text.trim()
                        .trim_end_matches('s')
                        .trim_end_matches("case")
                        .trim_end()
                });
                match text {
                    Some(text) => text.parse().ok(),
                    None => value.as_u64(),
                }
                .filter(|cases| *cases >= 1)
            })
        });
        Box::new(Connected {
            cases: cases.unwrap_or(1),
        })
    }
}

struct Connected {
    cases: u64,
}

impl Gate for Connected {
    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        facts
            .judged
            .iter()
            .map(|judged| self.one(facts, judged))
            .collect()
    }
}

impl Connected {
    fn one(&self, facts: &Facts<'_>, judged: &Judged<'_>) -> Ruling {
        let prompt = Some(&judged.change.id);
        let plural = if self.cases == 1 { "" } else { "s" };
        let needed = format!(
            "an eval run of the head version with {} case{plural} from a trace",
            self.cases
        );
        if let Some(ruling) = unreadable(facts, Use::Evals, prompt, &needed)
            .or_else(|| unreadable(facts, Use::Traces, prompt, &needed))
            .or_else(|| not_fresh(prompt, &judged.binding, &needed))
        {
            return ruling;
        }
        if let (Some(refused), Stage::Production) = (judged.refused_traces, judged.change.stage) {
            return inadmissible(prompt, refused.words("traces"), &needed);
        }
        let Some(coverage) = &facts.evidence.coverage else {
            if judged.change.stage == Stage::PreProduction {
                let found = "not in production, and no traces";
                return Ruling::of(
                    prompt,
                    State::NotApplicable,
                    Code::PreProduction,
                    found,
                    needed,
                );
            }
            let found = "no traces, so no case can be shown to come from one";
            return Ruling::of(prompt, State::Missing, Code::TracesMissing, found, needed);
        };
        let (named, known) = judged.cases_from_traces(coverage);
        let found = format!("{known} of {named} trace ids are known here");
        let measured = Measured::new(Metric::TracedCases, &known, &self.cases, named);
        if known >= self.cases {
            return Ruling::of(prompt, State::Pass, Code::Met, found, needed).measured(measured);
        }
        Ruling::of(prompt, State::Fail, Code::TraceUnknown, found, needed)
            .fix("put the trace id of a production trace into a case's metadata as `trace_id`")
            .measured(measured)
    }
}

/// A ruling for a prompt whose evidence does not count.
pub(super) fn inadmissible(prompt: Option<&PromptId>, found: String, needed: &str) -> Ruling {
    let code = Code::EvidenceInadmissible;
    Ruling::of(prompt, State::Missing, code, found, needed)
}

/// A ruling for a prompt whose eval runs are not of the head version.
pub(super) fn not_fresh(
    prompt: Option<&PromptId>,
    binding: &Binding,
    needed: &str,
) -> Option<Ruling> {
    if let (Freshness::Missing, Some(refused)) = (&binding.freshness, binding.refused) {
        return Some(inadmissible(prompt, refused.words("eval results"), needed));
    }
    let (state, code, mut found) = match &binding.freshness {
        Freshness::Fresh => return None,
        Freshness::Stale(causes) => (
            State::Stale,
            Code::EvidenceStale,
            format!(
                "the eval results differ from the head in: {}",
                listed(causes)
            ),
        ),
        Freshness::Missing => (
            State::Missing,
            Code::EvidenceMissing,
            String::from("no eval run of this prompt"),
        ),
        Freshness::Unbound(facets) => match binding.weak {
            Some(weak) => (State::Missing, Code::BindingWeak, weak.words()),
            None => (State::Missing, Code::FacetNotShown, hidden(facets)),
        },
    };
    for note in &binding.notes {
        found.push_str(&format!("; {note}"));
    }
    let ruling = Ruling::of(prompt, state, code, found, needed);
    Some(match (&binding.freshness, prompt, &binding.again) {
        (Freshness::Unbound(_), Some(id), _) => {
            let (key, value) = (format!("gatecard:{}", id.as_str()), "sha256:<version>");
            let stamp = tools::stamp(binding.format, &key, value);
            ruling.fix(format!(
                "stamp the run: {stamp}, with the version that `gatecard prompts --lock` writes"
            ))
        }
        (Freshness::Stale(_), _, Some(command)) => ruling.fix(format!(
            "run the evals again on the head commit: `{command}`"
        )),
        (Freshness::Missing, _, Some(command)) => ruling.fix(format!(
            "run the evals on the head commit: `{command}`; name the results in the action's `evidence` input, or with `--evidence`"
        )),
        _ => ruling,
    })
}

fn hidden(facets: &BTreeSet<Facet>) -> String {
    let words: Vec<&str> = facets.iter().map(|facet| facet.id()).collect();
    format!(
        "the eval results do not show what changed: {}",
        words.join(", ")
    )
}

//! Eval gate: cases and safety metrics of which one failure blocks.

use std::collections::BTreeMap;

use super::judge_agreement::distrust;
use super::named::{NamedCases, Prompts, entries, list, no_run};
use super::{Facts, Gate, GateKind, ON_FAIL, Ruling, Section, State};
use crate::evidence::binding::BoundCase;
use crate::evidence::evals::Duty;
use crate::evidence::judged::Judged;
use crate::measure::{Measured, Metric};
use crate::reason::Code;
use crate::yaml::{Errors, Node};

pub(crate) struct MustPass;

impl GateKind for MustPass {
    fn id(&self) -> &'static str {
        "must_pass"
    }

    fn about(&self) -> &'static str {
        "no trial fails of a case that the policy or the eval results say must pass, nor of any case by a metric that the policy names here"
    }

    fn section(&self) -> Section {
        Section::Eval
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        let fields = node.map(|node| node.fields(&["cases", "metrics", "on_fail"], errors));
        let field = |key: &str| fields.as_ref().and_then(|fields| fields.get(key));
        let metrics = entries(field("metrics"), "name", errors, |node, errors| {
            node.text(errors).map(str::to_owned)
        });
        Box::new(Must {
            metrics,
            blocks: field("on_fail")
                .and_then(|node| node.one_of(ON_FAIL, errors))
                .unwrap_or(true),
            cases: NamedCases::read(fields.as_ref(), Duty::MustPass, errors),
        })
    }
}

struct Must {
    cases: NamedCases,
    metrics: Vec<(String, Prompts)>,
    blocks: bool,
}

const CASES: &str = "every trial of the cases that must pass";

impl Gate for Must {
    fn warns(&self) -> bool {
        !self.blocks
    }

    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        let mut rulings = Vec::new();
        for judged in facts.judged {
            rulings.extend(self.cases(facts, judged));
            let named = self.metrics.iter();
            let named = named.filter(|(_, prompts)| prompts.hold(&judged.change.id));
            rulings.extend(named.map(|(name, _)| metric(facts, judged, name)));
        }
        for ruling in &mut rulings {
            ruling.blocks = self.blocks;
        }
        rulings
    }
}

impl Must {
    /// Nothing is said of a prompt without such a case.
    fn cases(&self, facts: &Facts<'_>, judged: &Judged<'_>) -> Option<Ruling> {
        let prompt = Some(&judged.change.id);
        let found = self.cases.find(judged);
        if found.cases.is_empty() && found.missing.is_empty() {
            return None;
        }
        if let Some(ruling) = no_run(facts, judged, CASES) {
            return Some(ruling);
        }
        let all = found.cases.len() as u64 + found.missing.len() as u64;
        let failed: Vec<&str> = found
            .cases
            .iter()
            .filter(|(_, case)| case.trials()[1] > 0)
            .map(|(id, _)| *id)
            .collect();
        let measured = Measured::new(Metric::FailedCases, &failed.len(), &0, all);
        if !failed.is_empty() {
            let words = format!("{} of {all} failed: {}", failed.len(), list(failed));
            let ruling = Ruling::of(prompt, State::Fail, Code::MustPassFailed, words, CASES);
            return Some(ruling.measured(measured));
        }
        let errored = found.cases.iter();
        let errored = errored.filter(|(_, case)| case.trials()[2] > 0);
        let errored: Vec<&str> = errored.map(|(id, _)| *id).collect();
        let unknown = errored.len() + found.missing.len();
        if unknown > 0 {
            let missing = found.missing.iter().map(String::as_str);
            let ids = list(missing.chain(errored));
            let words = format!("{unknown} of {all} were not run or came to no result: {ids}");
            let (state, code) = (State::Inconclusive, Code::CaseMissing);
            return Some(Ruling::of(prompt, state, code, words, CASES));
        }
        let words = format!("{all} of {all} pass");
        let ruling = Ruling::of(prompt, State::Pass, Code::Met, words, CASES);
        Some(ruling.measured(measured))
    }
}

/// What a metric says of the cases of the head version.
#[derive(Default)]
struct Said<'j> {
    /// Cases of which a trial failed.
    failed: Vec<&'j str>,
    /// Cases that it graded at base or head and says nothing of at head.
    unclear: Vec<&'j str>,
    /// All that it graded at base or head.
    all: u64,
}

impl<'j> Said<'j> {
    /// Looks at every case, by all graders of the metric.
    fn of(judged: &'j Judged<'_>, name: &str) -> Self {
        let graded = |bound: &BoundCase| -> Option<[u32; 3]> {
            let metrics = bound.metrics.iter().filter(|metric| metric.name == name);
            let said = metrics.filter_map(|metric| bound.graded(metric));
            said.map(|each| [each.passed, each.failed, each.trials()])
                .reduce(|[a, b, c], [d, e, f]| [a + d, b + e, c + f])
        };
        let mut found = Self::default();
        let head = judged
            .binding
            .candidate
            .iter()
            .flat_map(|bound| &bound.cases);
        let head: BTreeMap<&str, _> = head
            .map(|(id, bound)| (id.as_str(), (graded(bound), bound.case.trials())))
            .collect();
        for (id, (said, [passing, failing, _])) in &head {
            found.all += u64::from(said.is_some());
            let answered = passing.saturating_add(*failing);
            match said {
                Some([_, failed, _]) if *failed > 0 => found.failed.push(id),
                Some([passed, _, trials]) if *passed < answered.max(*trials) => {
                    found.unclear.push(id);
                }
                Some(_) | None => {}
            }
        }
        let base = judged
            .binding
            .baseline
            .iter()
            .flat_map(|bound| &bound.cases);
        let lost = base.filter(|(id, bound)| {
            let said = head.get(id.as_str()).and_then(|(said, _)| *said);
            graded(bound).is_some() && said.is_none()
        });
        for (id, _) in lost {
            found.unclear.push(id);
            found.all += 1;
        }
        found
    }
}

/// Judges a metric of which one failure blocks, over all cases of the head version.
fn metric(facts: &Facts<'_>, judged: &Judged<'_>, name: &str) -> Ruling {
    let prompt = Some(&judged.change.id);
    let needed = format!("every trial by `{name}`");
    if let Some(ruling) = no_run(facts, judged, &needed) {
        return ruling;
    }
    let of = |state, code, found: String| Ruling::of(prompt, state, code, found, &*needed);
    let Said {
        failed,
        unclear,
        all,
    } = Said::of(judged, name);
    let measured = Measured::new(Metric::FailedCases, &failed.len(), &0, all);
    let measured = measured.of_metric(name.to_owned());
    if !failed.is_empty() {
        let words = format!(
            "`{name}`: {} of {all} failed: {}",
            failed.len(),
            list(failed)
        );
        return of(State::Fail, Code::MustPassFailed, words).measured(measured);
    }
    if all == 0 {
        let words = format!("no case of the head version is graded by `{name}`");
        return of(State::Missing, Code::MetricMissing, words);
    }
    if !unclear.is_empty() {
        let words = format!(
            "`{name}`: {} of {all} do not say whether they pass: {}",
            unclear.len(),
            list(unclear)
        );
        return of(State::Inconclusive, Code::CaseMissing, words);
    }
    let metrics = judged
        .binding
        .candidate
        .iter()
        .flat_map(|bound| &bound.metrics);
    let mut graders = metrics.filter(|metric| metric.name == name);
    if let Some(ruling) = graders.find_map(|metric| distrust(facts, judged, metric, &needed)) {
        return ruling;
    }
    let words = format!("`{name}`: {all} of {all} cases pass");
    of(State::Pass, Code::Met, words).measured(measured)
}

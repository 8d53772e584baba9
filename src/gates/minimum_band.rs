//! Gate: a change that triggers the full card must reach the policy's minimum band.

use super::{Facts, Gate, GateKind, Ruling, Section, State};
use crate::measure::{Measured, Metric};
use crate::reason::Code;
use crate::yaml::{Errors, Node};

pub(crate) struct MinimumBand;

impl GateKind for MinimumBand {
    fn id(&self) -> &'static str {
        "minimum_band"
    }

    fn about(&self) -> &'static str {
        "a change that triggers the full card reaches at least the policy's `minimum_band`"
    }

    fn section(&self) -> Section {
        Section::None
    }

    fn build(&self, _: Option<&Node<'_>>, _: &mut Errors<'_>) -> Box<dyn Gate> {
        Box::new(Self)
    }
}

impl Gate for MinimumBand {
    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        let needed = format!("band {} or better", facts.policy.minimum_band.words());
        let triggers: std::collections::BTreeSet<&str> = facts
            .changes
            .changes
            .iter()
            .flat_map(|change| change.triggers.iter().map(|trigger| trigger.id()))
            .collect();
        if triggers.is_empty() {
            let found = "no change of a kind that needs the full card";
            return vec![Ruling::of(
                None,
                State::NotApplicable,
                Code::NotApplicable,
                found,
                needed,
            )];
        }
        let triggers: Vec<&str> = triggers.into_iter().collect();
        let found = format!(
            "score {}, band {}; full card needed: {}",
            facts.card.total,
            facts.card.band.words(),
            triggers.join(", ")
        );
        let (band, least) = (facts.card.band, facts.policy.minimum_band);
        let of = |state, code| {
            let n = facts.card.categories.len() as u64;
            let measured = Measured::new(Metric::Band, &band.id(), &least.id(), n);
            Ruling::of(None, state, code, found, needed).measured(measured)
        };
        if band >= least {
            return vec![of(State::Pass, Code::Met)];
        }
        let fix = facts.card.remedy().unwrap_or_default();
        vec![of(State::Fail, Code::BandTooLow).fix(fix)]
    }
}

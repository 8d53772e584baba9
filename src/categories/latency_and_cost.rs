//! Latency and cost visibility: whether both are known for each request and each step.

use super::{Category, Scored, View};
use crate::evidence::collect::Use;
use crate::evidence::traces::fields::{Field, Mask};
use crate::policy::{CategoryId, Needs};
use crate::units::{Percent, Share};

pub(super) struct LatencyAndCost;

impl Category for LatencyAndCost {
    fn id(&self) -> CategoryId {
        CategoryId::LatencyAndCost
    }

    fn rubric(&self) -> &'static [(&'static str, u64)] {
        &[
            ("calls with latency, tokens and cost", 300),
            ("calls with latency", 100),
            ("calls with input and output tokens", 100),
            ("calls with cost, recorded or estimated", 100),
            (
                "calls that can be broken down by prompt version, model and environment",
                100,
            ),
            ("failed calls that say why", 100),
        ]
    }

    fn score(&self, view: &View<'_>, needs: Needs) -> Scored {
        let mut scored = Scored::default();
        let Some(calls) = view.calls else {
            scored.flag("production calls", view.no_calls, false, 100);
            scored.condition = Some(false);
            scored.remedy = Some(String::from(
                "export production traces as OTLP JSON lines and name them in the action's \
                 `evidence` input, or with `--evidence`",
            ));
            return scored;
        };
        let complete = calls.complete(
            Mask::of(&[Field::Latency, Field::Tokens, Field::Cost]),
            false,
        );
        let broken_down = Mask::of(&[Field::PromptVersion, Field::Model, Field::Environment]);
        let shares: [Share; 6] = [
            complete,
            calls.field(Field::Latency),
            calls.field(Field::Tokens),
            calls.field(Field::Cost),
            calls.complete(broken_down, false),
            calls.field(Field::Errors),
        ];
        for ((about, points), share) in self.rubric().iter().zip(shares) {
            if share.whole > 0 {
                scored.check(about, share.to_string(), (share.part, share.whole), *points);
            }
        }
        let needed = match needs {
            Needs::Complete(share) => Some(share),
            _ => Percent::from_hundredths(9_500),
        };
        scored.condition = needed.map(|needed| complete.reaches(needed));
        scored.evidence = view.files(Use::Traces);
        let estimated: u64 = calls.groups().map(|group| group.estimated).sum();
        if estimated > 0 {
            scored.evidence.push(format!(
                "cost of {estimated} calls estimated from the policy's prices"
            ));
        }
        scored.remedy = (complete.part < complete.whole).then(|| {
            format!("record tokens and cost on all calls ({complete} are complete), or add the model to the policy's `prices`")
        });
        scored
    }
}

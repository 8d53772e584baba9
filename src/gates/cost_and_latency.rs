//! Hard gate: production shows the cost and the latency of a request.

use super::share::{Asked, threshold};
use super::{Gate, GateKind, Section};
use crate::evidence::traces::fields::{Field, Mask};
use crate::yaml::{Errors, Node};

pub(crate) struct CostAndLatency;

impl GateKind for CostAndLatency {
    fn id(&self) -> &'static str {
        "cost_and_latency"
    }

    fn about(&self) -> &'static str {
        "at least 95 % of production LLM calls carry latency, tokens and cost"
    }

    fn section(&self) -> Section {
        Section::Hard
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        Box::new(Asked {
            threshold: threshold(node, 9_500, errors),
            fields: Mask::of(&[Field::Latency, Field::Tokens, Field::Cost]),
            resolved: false,
            what: "carry latency, tokens and cost",
        })
    }
}

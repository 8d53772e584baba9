//! Hard gate: production records the full metadata of a request.

use super::share::{Asked, threshold};
use super::{Gate, GateKind, Section};
use crate::evidence::traces::fields::{Field, Mask};
use crate::yaml::{Errors, Node};

pub(crate) struct RequestMetadata;

impl GateKind for RequestMetadata {
    fn id(&self) -> &'static str {
        "request_metadata"
    }

    fn about(&self) -> &'static str {
        "at least 95 % of production LLM calls carry the full request metadata"
    }

    fn section(&self) -> Section {
        Section::Hard
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        let fields = [
            Field::Environment,
            Field::Input,
            Field::Provider,
            Field::Model,
            Field::Temperature,
            Field::MaxTokens,
            Field::Parameters,
            Field::Output,
            Field::Errors,
            Field::Memory,
            Field::Documents,
            Field::ToolCalls,
            Field::ToolResults,
        ];
        Box::new(Asked {
            threshold: threshold(node, 9_500, errors),
            fields: Mask::of(&fields),
            resolved: false,
            what: "carry the full request metadata",
        })
    }
}

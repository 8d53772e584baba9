//! Hard gate: production can name the prompt version, model, configuration and release of a
//! call, and the version is one that this repository had.

use super::share::{Asked, judge, threshold};
use super::{Facts, Gate, GateKind, Ruling, Section};
use crate::evidence::traces::fields::{Field, Mask};
use crate::yaml::{Errors, Node};

pub(crate) struct PromptVersion;

impl GateKind for PromptVersion {
    fn id(&self) -> &'static str {
        "prompt_version"
    }

    fn about(&self) -> &'static str {
        "at least 99 % of production LLM calls name prompt version, model, configuration and release, and the version exists in this repository"
    }

    fn section(&self) -> Section {
        Section::Hard
    }

    fn build(&self, node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Box<dyn Gate> {
        let fields = [
            Field::PromptVersion,
            Field::Model,
            Field::Temperature,
            Field::MaxTokens,
            Field::Parameters,
            Field::Release,
        ];
        Box::new(Asked {
            threshold: threshold(node, 9_900, errors),
            fields: Mask::of(&fields),
            resolved: true,
            what: "name prompt version, model, configuration and release, with a version known here",
        })
    }
}

impl Gate for Asked {
    fn judge(&self, facts: &Facts<'_>) -> Vec<Ruling> {
        judge(self, facts)
    }
}

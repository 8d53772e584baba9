//! Whether an eval run shows a facet of a prompt, and shows it as one version has it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::evals::Shown;
use crate::change::Change;
use crate::prompt::model::ModelUse;
use crate::prompt::version::{Facet, messages};
use crate::prompt::{Prompt, canonical};

/// Whether a prompt says something of a facet, so that a run with something else is a run of
/// something else.
pub(super) fn declares(prompt: &Prompt, facet: Facet) -> bool {
    let models = &prompt.draft.models;
    match facet {
        Facet::Template => true,
        Facet::Model => models.iter().any(|each| each.model.is_some()),
        Facet::Parameters => models
            .iter()
            .any(|each| !parameters(&each.parameters).is_empty()),
        Facet::Tools => !prompt.draft.tools.is_null(),
        Facet::Schema => !prompt.draft.schema.is_null(),
        Facet::Variables | Facet::Retrieval | Facet::Metadata => false,
    }
}

/// What an eval tool can show of the parameters: how the endpoint is called is not among it.
fn parameters(own: &BTreeMap<String, Json>) -> BTreeMap<&String, String> {
    own.iter()
        .filter(|(key, _)| key.as_str() != "api")
        .map(|(key, value)| (key, canonical::json(value)))
        .collect()
}

/// Whether a run shows a facet as the prompt has it; `None` where it does not show it.
/// `exact` asks for equality; otherwise it is enough that what the prompt declares is there.
pub(super) fn shows(
    shown: &Shown,
    prompt: &Prompt,
    facet: Facet,
    change: &Change,
    exact: bool,
) -> Option<bool> {
    // Where base and head look the same to the tool, equality with one shows nothing.
    let told_apart = change
        .base
        .as_ref()
        .zip(change.head.as_ref())
        .is_none_or(|(base, head)| !exact || visible(base, facet) != visible(head, facet));
    match facet {
        Facet::Template => match template(shown, prompt)? {
            // Partials are not in the raw prompt: an equal text does not show them.
            true if !prompt.partials.is_empty() || !told_apart => None,
            equal => Some(equal),
        },
        Facet::Variables => variables(shown, prompt, change, exact),
        Facet::Retrieval | Facet::Metadata => None,
        _ if !told_apart => None,
        // No eval tool shows what only the prompt's own file knows.
        Facet::Parameters if exact && rest_changed(change) => None,
        Facet::Model => model(shown, prompt),
        Facet::Parameters => settings(shown, prompt, exact),
        Facet::Tools => compare_json(&shown.settings.as_ref()?.tools, &prompt.draft.tools),
        Facet::Schema => compare_json(&shown.settings.as_ref()?.schema, &prompt.draft.schema),
    }
}

fn rest_changed(change: &Change) -> bool {
    let rest = |prompt: &Option<Prompt>| {
        prompt
            .as_ref()
            .map(|each| each.draft.rest.clone())
            .unwrap_or_default()
    };
    rest(&change.base) != rest(&change.head)
}

/// Variables follow from the template, unless what the prompt declares of them changed.
fn variables(shown: &Shown, prompt: &Prompt, change: &Change, exact: bool) -> Option<bool> {
    let declared = |prompt: &Option<Prompt>| Some(prompt.as_ref()?.draft.inputs.clone());
    let follows = match &change.base {
        Some(_) => declared(&change.base) == declared(&change.head),
        None => prompt.draft.inputs.is_null(),
    };
    follows.then(|| shows(shown, prompt, Facet::Template, change, exact))?
}

fn model(shown: &Shown, prompt: &Prompt) -> Option<bool> {
    let model = shown.model.as_ref()?;
    let own = prompt
        .draft
        .models
        .iter()
        .filter_map(|each| each.model.as_ref());
    let mut own = own.peekable();
    own.peek()?;
    Some(own.any(|each| each.same(model)))
}

fn settings(shown: &Shown, prompt: &Prompt, exact: bool) -> Option<bool> {
    let settings = parameters(&shown.settings.as_ref()?.parameters);
    let models = &prompt.draft.models;
    if models.is_empty() {
        return exact.then_some(settings.is_empty());
    }
    let same_model = |each: &&ModelUse| {
        let both = each.model.as_ref().zip(shown.model.as_ref());
        both.is_none_or(|(own, shown)| own.same(shown))
    };
    let fits = |each: &ModelUse| {
        let own = parameters(&each.parameters);
        if exact {
            return own == settings;
        }
        own.iter()
            .all(|(key, value)| settings.get(key) == Some(value))
    };
    // With a model that the prompt does not name, the model is what differs.
    if !models.iter().any(|each| same_model(&each)) {
        return Some(models.iter().any(fits));
    }
    Some(models.iter().filter(same_model).any(fits))
}

/// The part of a facet that an eval tool could show: where it is the same on both sides,
/// equality with it shows nothing.
fn visible(prompt: &Prompt, facet: Facet) -> Json {
    match facet {
        Facet::Template => messages(&prompt.draft.template),
        Facet::Model => {
            let names: Vec<_> = prompt
                .draft
                .models
                .iter()
                .map(|each| each.model.as_ref().map(ToString::to_string))
                .collect();
            json!(names)
        }
        Facet::Parameters => {
            let all: Vec<_> = prompt
                .draft
                .models
                .iter()
                .map(|each| parameters(&each.parameters))
                .collect();
            json!(all)
        }
        Facet::Tools => prompt.draft.tools.clone(),
        Facet::Schema => prompt.draft.schema.clone(),
        Facet::Variables | Facet::Retrieval | Facet::Metadata => Json::Null,
    }
}

/// Tools and schemas are written differently by different tools: only equality shows
/// something, and a difference only where both sides list names that differ.
fn compare_json(shown: &Json, own: &Json) -> Option<bool> {
    if canonical::json(shown) == canonical::json(own) {
        return Some(true);
    }
    let by_reference = shown.as_str().is_some_and(|text| text.starts_with("file:"));
    let names = |value: &Json| -> Option<BTreeSet<String>> {
        value
            .as_array()?
            .iter()
            .map(|tool| {
                let name = tool
                    .as_str()
                    .or_else(|| tool.get("name")?.as_str())
                    .or_else(|| tool.get("function")?.get("name")?.as_str())?;
                Some(name.to_owned())
            })
            .collect()
    };
    match (names(shown), names(own)) {
        _ if by_reference => None,
        (Some(shown), Some(own)) if shown != own => Some(false),
        (None, Some(_)) if shown.is_null() => Some(false),
        _ => None,
    }
}

/// Whether the raw prompt of a run is this prompt's text.
pub(super) fn template(shown: &Shown, prompt: &Prompt) -> Option<bool> {
    Some(shown.raw?.is_one_of(&prompt.forms))
}

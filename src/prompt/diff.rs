//! What changed between two versions of a prompt, in words instead of lines of YAML.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::Hash;

use serde_json::{Value as Json, json};
use similar::{Algorithm, ChangeTag, DiffTag, TextDiff, capture_diff_slices};

use super::model::ModelUse;
use super::{Message, Prompt, canonical};
use crate::limits::{DIFFERENCE, PASSAGE, PASSAGES};
use crate::units::Share;
use crate::untrusted::{Untrusted, shorten};

/// One difference. Text in it comes from the prompt: hostile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Difference {
    /// A value that was set, changed or removed.
    Value {
        /// What: `temperature`, `model`, `variable order`, `tool refund`.
        what: Untrusted,
        /// Before; `None` where it was not there.
        before: Option<Untrusted>,
        /// After; `None` where it is gone.
        after: Option<Untrusted>,
    },
    /// A text that changed.
    Text {
        /// Which: `template`, `system message`, `partial greeting`.
        what: Untrusted,
        /// Lines that came.
        added: usize,
        /// Lines that went.
        removed: usize,
        /// The passages, before and after.
        passages: Vec<(Untrusted, Untrusted)>,
    },
}

/// Lists the differences, in the order of the facets.
pub(crate) fn differences(base: &Prompt, head: &Prompt) -> Vec<Difference> {
    let mut found = Vec::new();
    texts(base, head, &mut found);
    names("variable", &base.variables, &head.variables, &mut found);
    leaves("input ", &base.draft.inputs, &head.draft.inputs, &mut found);
    models(&base.draft.models, &head.draft.models, &mut found);
    tools(&base.draft.tools, &head.draft.tools, &mut found);
    leaves(
        "",
        &json_map(&base.draft.rest),
        &json_map(&head.draft.rest),
        &mut found,
    );
    leaves(
        "schema ",
        &base.draft.schema,
        &head.draft.schema,
        &mut found,
    );
    files(
        "models ",
        &base.other_models,
        &head.other_models,
        &mut found,
    );
    files("retrieval ", &base.retrieval, &head.retrieval, &mut found);
    found
}

fn files(
    prefix: &str,
    before: &BTreeMap<String, Json>,
    after: &BTreeMap<String, Json>,
    found: &mut Vec<Difference>,
) {
    for path in before.keys().chain(after.keys()).collect::<BTreeSet<_>>() {
        let side = |files: &BTreeMap<String, Json>| files.get(path).cloned().unwrap_or_default();
        leaves(prefix, &side(before), &side(after), found);
    }
}

fn json_map(map: &BTreeMap<String, Json>) -> Json {
    map.iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// The share of the template's words that a change touched: words that went or came, over the
/// words of the longer side.
pub(crate) fn changed_words(base: &Prompt, head: &Prompt) -> Share {
    let text = |prompt: &Prompt| {
        let mut text: Vec<&str> = prompt
            .draft
            .template
            .iter()
            .map(|m| m.content.as_str())
            .collect();
        text.extend(prompt.partials.values().map(String::as_str));
        text.join("\n")
    };
    let (base, head) = (text(base), text(head));
    let words =
        |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
    let (base, head) = (words(&base), words(&head));
    let base: Vec<&str> = base.iter().map(String::as_str).collect();
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    let whole = base.len().max(head.len()).max(1) as u64;
    if too_much(base.len(), head.len()) {
        let part = if base == head { 0 } else { whole };
        return Share { part, whole };
    }
    let diff = TextDiff::from_slices(&base, &head);
    let count = |tag| {
        diff.iter_all_changes()
            .filter(|change| change.tag() == tag)
            .count()
    };
    let touched = count(ChangeTag::Delete).max(count(ChangeTag::Insert));
    Share {
        part: touched as u64,
        whole,
    }
}

/// Whether two texts have too many parts for a difference: the time grows with their product.
const fn too_much(before: usize, after: usize) -> bool {
    before.saturating_add(after) > DIFFERENCE
}

fn texts(base: &Prompt, head: &Prompt, found: &mut Vec<Difference>) {
    for (before, after) in paired(&base.draft.template, &head.draft.template) {
        let role = after.or(before).map_or("", |message| message.role.as_str());
        let what = if role.is_empty() {
            String::from("template")
        } else {
            format!("{} message", shorten(role, 40))
        };
        match (before, after) {
            (Some(before), Some(after)) => {
                if before.role != after.role {
                    value("role", Some(&before.role), Some(&after.role), found);
                }
                text(what, &before.content, &after.content, found);
            }
            (None, Some(after)) => text(what, "", &after.content, found),
            (Some(before), None) => text(what, &before.content, "", found),
            (None, None) => {}
        }
    }
    for name in base
        .partials
        .keys()
        .chain(head.partials.keys())
        .collect::<BTreeSet<_>>()
    {
        let side = |prompt: &Prompt| prompt.partials.get(name).cloned().unwrap_or_default();
        let what = format!("partial {}", shorten(name, 80));
        text(what, &side(base), &side(head), found);
    }
}

type Pair<'m> = (Option<&'m Message>, Option<&'m Message>);

/// Pairs the messages that differ: equal ones are found first, so that a message put in
/// before others changes none of them, then those of one role.
fn paired<'m>(old: &'m [Message], new: &'m [Message]) -> Vec<Pair<'m>> {
    let mut pairs = Vec::new();
    for (equal, old, new) in runs(old, new, |message| (&message.role, &message.content)) {
        if equal {
            continue;
        }
        for (_, old, new) in runs(old, new, |message| &message.role) {
            let longer = old.len().max(new.len());
            pairs.extend((0..longer).map(|at| (old.get(at), new.get(at))));
        }
    }
    pairs
}

/// Parts two lists into runs that are equal by `key`, and those between.
fn runs<'m, K: Hash + Ord>(
    old: &'m [Message],
    new: &'m [Message],
    key: impl Fn(&'m Message) -> K,
) -> Vec<(bool, &'m [Message], &'m [Message])> {
    let keys = |list: &'m [Message]| -> Vec<K> { list.iter().map(&key).collect() };
    capture_diff_slices(Algorithm::Myers, &keys(old), &keys(new))
        .iter()
        .filter_map(|op| {
            let equal = op.tag() == DiffTag::Equal;
            Some((equal, old.get(op.old_range())?, new.get(op.new_range())?))
        })
        .collect()
}

fn text(what: String, before: &str, after: &str, found: &mut Vec<Difference>) {
    let (before, after) = (canonical::text(before), canonical::text(after));
    if before == after {
        return;
    }
    let (removed, added) = (before.lines().count(), after.lines().count());
    if too_much(removed, added) {
        found.push(Difference::Text {
            what: what.into(),
            added,
            removed,
            passages: Vec::new(),
        });
        return;
    }
    let diff = TextDiff::from_lines(&before, &after);
    let mut passages = Vec::new();
    let (mut added, mut removed) = (0, 0);
    for op in diff.ops() {
        let (mut went, mut came) = (String::new(), String::new());
        for change in diff.iter_changes(op) {
            match change.tag() {
                ChangeTag::Delete => {
                    removed += 1;
                    went.push_str(change.value());
                }
                ChangeTag::Insert => {
                    added += 1;
                    came.push_str(change.value());
                }
                ChangeTag::Equal => {}
            }
        }
        if (!went.is_empty() || !came.is_empty()) && passages.len() < PASSAGES {
            let told = |text: String| Untrusted::from(shorten(text.trim(), PASSAGE));
            passages.push((told(went), told(came)));
        }
    }
    found.push(Difference::Text {
        what: what.into(),
        added,
        removed,
        passages,
    });
}

fn value(what: &str, before: Option<&str>, after: Option<&str>, found: &mut Vec<Difference>) {
    if before != after {
        found.push(Difference::Value {
            what: shorten(what, 80).into(),
            before: before.map(|text| shorten(text, PASSAGE).into()),
            after: after.map(|text| shorten(text, PASSAGE).into()),
        });
    }
}

fn names(
    kind: &str,
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
    found: &mut Vec<Difference>,
) {
    for name in before.difference(after) {
        value(kind, Some(name), None, found);
    }
    for name in after.difference(before) {
        value(kind, None, Some(name), found);
    }
}

fn models(before: &[ModelUse], after: &[ModelUse], found: &mut Vec<Difference>) {
    let named = |uses: &[ModelUse]| -> BTreeSet<String> {
        uses.iter()
            .filter_map(|each| Some(each.model.as_ref()?.to_string()))
            .collect()
    };
    let (old, new) = (named(before), named(after));
    match (old.len(), new.len()) {
        (1, 1) => value(
            "model",
            old.first().map(String::as_str),
            new.first().map(String::as_str),
            found,
        ),
        _ => names("model", &old, &new, found),
    }
    let parameters = |uses: &[ModelUse]| -> Vec<BTreeMap<String, Json>> {
        uses.iter().map(|each| each.parameters.clone()).collect()
    };
    let (old, new) = (parameters(before), parameters(after));
    let none = BTreeMap::new();
    for at in 0..old.len().max(new.len()) {
        let side = |list: &[BTreeMap<String, Json>]| match list.get(at).unwrap_or(&none) {
            map if map.is_empty() => Json::Null,
            map => json!(map),
        };
        leaves("", &side(&old), &side(&new), found);
    }
}

fn tools(before: &Json, after: &Json, found: &mut Vec<Difference>) {
    let named = |tools: &Json| -> BTreeMap<String, String> {
        let list = match tools {
            Json::Array(list) => list.clone(),
            Json::Null => Vec::new(),
            other => vec![other.clone()],
        };
        list.iter()
            .enumerate()
            .map(|(at, tool)| {
                let name = tool
                    .as_str()
                    .or_else(|| tool.get("name")?.as_str())
                    .or_else(|| tool.get("function")?.get("name")?.as_str())
                    .map_or_else(|| format!("#{}", at + 1), str::to_owned);
                (name, canonical::json(tool))
            })
            .collect()
    };
    let (old, new) = (named(before), named(after));
    let keys = |map: &BTreeMap<String, String>| map.keys().cloned().collect::<BTreeSet<_>>();
    names("tool", &keys(&old), &keys(&new), found);
    for (name, definition) in &new {
        if let Some(before) = old.get(name) {
            value(
                &format!("definition of tool {name}"),
                Some(before),
                Some(definition),
                found,
            );
        }
    }
}

/// Compares two values leaf by leaf.
fn leaves(prefix: &str, before: &Json, after: &Json, found: &mut Vec<Difference>) {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    flatten(String::new(), before, &mut old);
    flatten(String::new(), after, &mut new);
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).cloned().collect();
    for key in keys {
        let side = |map: &BTreeMap<String, String>| map.get(&key).cloned();
        let (before, after) = (side(&old), side(&new));
        value(
            format!("{prefix}{key}").trim_end(),
            before.as_deref(),
            after.as_deref(),
            found,
        );
    }
}

fn flatten(path: String, value: &Json, leaves: &mut BTreeMap<String, String>) {
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match value {
        Json::Null => {}
        Json::Object(map) if !map.is_empty() => {
            for (key, item) in map {
                flatten(below(key), item, leaves);
            }
        }
        Json::Array(items) if items.iter().any(Json::is_object) => {
            for (at, item) in items.iter().enumerate() {
                flatten(below(&at.to_string()), item, leaves);
            }
        }
        Json::String(text) => {
            leaves.insert(path, text.clone());
        }
        other => {
            leaves.insert(path, canonical::json(other));
        }
    }
}

//! Cases and metrics that the policy names for a gate, each for all prompts or for some.

use std::collections::BTreeSet;

use super::{Facts, Ruling, State, unreadable};
use crate::evidence::binding::BoundCase;
use crate::evidence::collect::Use;
use crate::evidence::evals::{Case, Duty};
use crate::evidence::judged::Judged;
use crate::gates::traces_to_evals::not_fresh;
use crate::glob::{self, Pattern};
use crate::prompt::PromptId;
use crate::reason::Code;
use crate::yaml::{Errors, Fields, Node};

/// The prompts that an entry is for: all of them where it names none.
#[derive(Debug, Default)]
pub(super) struct Prompts(Vec<Pattern>);

impl Prompts {
    /// Reads `prompts` of an entry.
    pub(super) fn read(node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Self {
        let items = node.map(|node| node.items(errors)).unwrap_or_default();
        Self(
            items
                .iter()
                .filter_map(|item| pattern(item, errors))
                .collect(),
        )
    }

    /// Whether a prompt is among them.
    pub(super) fn hold(&self, prompt: &PromptId) -> bool {
        self.0.is_empty() || self.0.iter().any(|each| each.is_match(prompt.as_str()))
    }
}

/// Reads a pattern.
pub(super) fn pattern(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<Pattern> {
    match glob::compile(node.text(errors)?) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            node.refuse(errors, format!("no pattern: {error}"));
            None
        }
    }
}

/// Reads a list of entries: a text alone, or a map with the text under `key`, and `prompts`.
pub(super) fn entries<T>(
    node: Option<&Node<'_>>,
    key: &str,
    errors: &mut Errors<'_>,
    read: impl Fn(&Node<'_>, &mut Errors<'_>) -> Option<T>,
) -> Vec<(T, Prompts)> {
    let items = node.map(|node| node.items(errors)).unwrap_or_default();
    let mut found = Vec::new();
    for item in items {
        if item.value().is_string() {
            found.extend(read(&item, errors).map(|read| (read, Prompts::default())));
            continue;
        }
        let fields = item.fields(&[key, "prompts"], errors);
        let prompts = Prompts::read(fields.get("prompts"), errors);
        let value = fields.need(key, errors).and_then(|node| read(node, errors));
        found.extend(value.map(|value| (value, prompts)));
    }
    found
}

/// Cases that a gate is about: those that the policy names, and those of which the results say so.
pub(super) struct NamedCases {
    patterns: Vec<(Pattern, Prompts)>,
    duty: Duty,
}

/// What was found of them in the runs of a prompt.
#[derive(Default)]
pub(super) struct Found<'j> {
    /// The cases of the head version.
    pub(super) cases: Vec<(&'j str, &'j Case)>,
    /// Patterns that fit none, and cases that only the base version ran.
    pub(super) missing: BTreeSet<String>,
}

impl NamedCases {
    /// Reads `cases`.
    pub(super) fn read(fields: Option<&Fields<'_>>, duty: Duty, errors: &mut Errors<'_>) -> Self {
        let node = fields.and_then(|fields| fields.get("cases"));
        Self {
            patterns: entries(node, "case", errors, pattern),
            duty,
        }
    }

    /// Finds them.
    pub(super) fn find<'j>(&self, judged: &'j Judged<'_>) -> Found<'j> {
        let mut found = Found::default();
        let prompt = &judged.change.id;
        let wanted = self
            .patterns
            .iter()
            .filter(|(_, prompts)| prompts.hold(prompt));
        let wanted: Vec<&Pattern> = wanted.map(|(pattern, _)| pattern).collect();
        let binding = &judged.binding;
        let named = |bound: &BoundCase| {
            bound.case.duty == Some(self.duty) || wanted.iter().any(|each| fits(each, &bound.case))
        };
        let head = binding.candidate.as_ref().map(|bound| &bound.cases);
        let base = binding.baseline.as_ref().map(|bound| &bound.cases);
        // What a pull request takes the duty from still has it.
        let before = |id: &String| base.and_then(|cases| cases.get(id)).is_some_and(named);
        // One that was named at base and asks or asserts something else now is not that case.
        let another = |id: &String, case: &Case| {
            let old = base.and_then(|cases| cases.get(id));
            old.is_some_and(|old| named(old) && !old.case.is_alike(case))
        };
        for (id, bound) in head.into_iter().flatten() {
            if !named(bound) && !before(id) {
                continue;
            }
            if another(id, &bound.case) && bound.case.trials()[1] == 0 {
                found.missing.insert(format!("{id} as it was at base"));
            } else {
                found.cases.push((id, &bound.case));
            }
        }
        let ran = |id: &String| head.is_some_and(|cases| cases.contains_key(id));
        let lost = base.into_iter().flatten();
        let lost = lost.filter(|(id, bound)| named(bound) && !ran(id));
        found.missing.extend(lost.map(|(id, _)| id.clone()));
        for pattern in wanted {
            if !found.cases.iter().any(|(_, case)| fits(pattern, case)) {
                found.missing.insert(pattern.as_str().to_owned());
            }
        }
        found
    }
}

/// Whether a pattern fits a case's id, with or without the number that tells it from others of
/// the same id.
fn fits(pattern: &Pattern, case: &Case) -> bool {
    let declared = case.id.rsplit_once('#').filter(|(_, number)| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    });
    pattern.is_match(&case.id) || declared.is_some_and(|(id, _)| pattern.is_match(id))
}

/// A ruling for a prompt that has no run of the head version to look at.
pub(super) fn no_run(facts: &Facts<'_>, judged: &Judged<'_>, needed: &str) -> Option<Ruling> {
    let prompt = Some(&judged.change.id);
    if let Some(ruling) = unreadable(facts, Use::Evals, prompt, needed)
        .or_else(|| not_fresh(prompt, &judged.binding, needed))
    {
        return Some(ruling);
    }
    judged.binding.candidate.is_none().then(|| {
        let (state, code) = (State::Missing, Code::EvidenceMissing);
        Ruling::of(prompt, state, code, "no eval run", needed)
    })
}

/// The first of some ids, and how many more there are.
pub(super) fn list<'i>(ids: impl IntoIterator<Item = &'i str>) -> String {
    const SHOWN: usize = 3;
    let ids: Vec<&str> = ids.into_iter().collect();
    let first: Vec<&str> = ids.iter().take(SHOWN).copied().collect();
    let more = match ids.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", first.join(", "))
}

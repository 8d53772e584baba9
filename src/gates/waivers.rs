//! Waivers: the base policy lets a gate be red for a while, with a reason and a name.
//!
//! One pure step after the gates were judged.

use chrono::NaiveDate;

use super::{KINDS, Outcome, Ruling, Section, State};
use crate::prompt::PromptId;
use crate::reason::Code;
use crate::untrusted::Untrusted;
use crate::yaml::{Errors, Fields, Node, unknown};

/// A reason shorter than this, in characters, tells nobody why.
const LEAST_REASON: usize = 20;
/// Beside the hard gates: what these find, no reason makes right.
const NEVER_WAIVED: [&str; 2] = ["prompt_files", "policy_change"];

/// Lets one gate be red.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Waiver {
    /// The gate's id.
    gate: String,
    /// The prompt, where it is for one only.
    prompt: Option<PromptId>,
    /// Why.
    pub(crate) reason: Untrusted,
    /// Who answers for it.
    pub(crate) by: Untrusted,
    /// The last day on which it holds, in UTC.
    pub(crate) expires: NaiveDate,
}

impl Waiver {
    fn read(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<Self> {
        let fields = node.fields(&["gate", "prompt", "reason", "by", "expires"], errors);
        let gate = fields.need("gate", errors);
        let gate = gate.and_then(|node| gate_id(node, errors));
        let prompt = fields.get("prompt").map(|node| node.text(errors));
        let reason = fields.need("reason", errors).and_then(|node| {
            let expected = format!("why, in at least {LEAST_REASON} characters");
            node.read(&expected, errors, |value| {
                let text = value.as_str()?.trim();
                (text.chars().count() >= LEAST_REASON).then(|| text.to_owned())
            })
        });
        let by = fields.need("by", errors).and_then(|node| node.text(errors));
        let expires = fields.need("expires", errors).and_then(|node| {
            node.read("a date such as `2027-01-31`", errors, |value| {
                value.as_str()?.parse().ok()
            })
        });
        Some(Self {
            gate: gate?,
            prompt: prompt.flatten().map(PromptId::new),
            reason: reason?.into(),
            by: by?.into(),
            expires: expires?,
        })
    }

    /// Any waiver.
    #[cfg(test)]
    pub(super) fn sample() -> Self {
        Self {
            gate: String::from("min_examples"),
            prompt: None,
            reason: "the dataset is being written".into(),
            by: "ann".into(),
            expires: NaiveDate::MAX,
        }
    }

    fn covers(&self, outcome: &Outcome) -> bool {
        let prompt = &outcome.ruling.prompt;
        self.gate == outcome.gate && (self.prompt.is_none() || self.prompt == *prompt)
    }

    fn holds_on(&self, today: NaiveDate) -> bool {
        today <= self.expires
    }

    /// Which waiver this is.
    fn words(&self) -> String {
        let prompt = self.prompt.as_ref();
        let prompt = prompt.map(|prompt| format!(" for `{}`", prompt.as_str()));
        format!(
            "the waiver of `{}`{} by {}",
            self.gate,
            prompt.unwrap_or_default(),
            self.by.for_machines()
        )
    }
}

/// A gate that can be waived; what cannot is an error, at its place.
fn gate_id(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<String> {
    let text = node.text(errors)?;
    let hard = KINDS
        .iter()
        .any(|kind| kind.id() == text && kind.section() == Section::Hard);
    if hard || NEVER_WAIVED.contains(&text) {
        let kind = if hard { "hard gate" } else { "gate" };
        node.refuse(errors, format!("the {kind} `{text}` cannot be waived"));
        return None;
    }
    let known: Vec<&str> = KINDS
        .iter()
        .filter(|kind| kind.section() != Section::Hard && !NEVER_WAIVED.contains(&kind.id()))
        .map(|kind| kind.id())
        .collect();
    if !known.contains(&text) {
        node.refuse(errors, unknown("gate", text, &known));
        return None;
    }
    Some(text.to_owned())
}

/// The waivers of a policy.
#[derive(Debug, Clone, Default)]
pub(crate) struct Waivers(Vec<Waiver>);

impl Waivers {
    /// Reads the policy's list.
    pub(crate) fn read(top: &Fields<'_>, errors: &mut Errors<'_>) -> Self {
        let items = top.get("waivers").map(|node| node.items(errors));
        let waivers = items.unwrap_or_default();
        Self(
            waivers
                .iter()
                .filter_map(|item| Waiver::read(item, errors))
                .collect(),
        )
    }

    /// Whether a gate may be waived on a day, for a prompt that `is_it` knows.
    pub(crate) fn waives(
        &self,
        gate: &str,
        is_it: impl Fn(&PromptId) -> bool,
        today: NaiveDate,
    ) -> bool {
        self.0.iter().any(|waiver| {
            let covers = waiver.prompt.as_ref().is_none_or(&is_it);
            waiver.gate == gate && covers && waiver.holds_on(today)
        })
    }

    /// Turns what a waiver covers into `waived`. Returns what should be known of the waivers
    /// that did nothing: those that ended, and those that were not needed.
    pub(crate) fn apply(&self, outcomes: &mut [Outcome], today: NaiveDate) -> Vec<String> {
        for outcome in outcomes.iter_mut().filter(|outcome| can_be_waived(outcome)) {
            let waiver = self
                .0
                .iter()
                .find(|waiver| waiver.holds_on(today) && waiver.covers(outcome));
            if let Some(waiver) = waiver {
                outcome.ruling.state = State::Waived;
                outcome.waiver = Some(waiver.clone());
            }
        }
        let idle = |waiver: &&Waiver| {
            let used = |outcome: &Outcome| outcome.waiver.as_ref() == Some(*waiver);
            !outcomes.iter().any(used)
        };
        self.0
            .iter()
            .filter(idle)
            .map(|waiver| {
                let (words, end) = (waiver.words(), waiver.expires);
                if waiver.holds_on(today) {
                    format!("{words}, until {end}, is not needed by this change")
                } else {
                    format!("{words} ended on {end}: remove it")
                }
            })
            .collect()
    }
}

/// What cannot be read cannot be waived: nobody knows what it is. Nor can what a reviewer asks
/// for.
fn can_be_waived(outcome: &Outcome) -> bool {
    let Ruling { state, code, .. } = &outcome.ruling;
    let red = matches!(
        state,
        State::Fail | State::Inconclusive | State::Missing | State::Stale
    );
    red && *code != Code::ChangesRequested
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn read(text: &str) -> (Waivers, Vec<String>) {
        let value = yaml::to_json(text).unwrap();
        let mut errors = Errors::new(text);
        let top = Node::root(&value).fields(&["waivers"], &mut errors);
        let waivers = Waivers::read(&top, &mut errors);
        let errors = errors.into_sorted();
        (waivers, errors.iter().map(ToString::to_string).collect())
    }

    fn waiver(fields: &str) -> Waivers {
        let text = format!(
            "waivers:\n  - {{ reason: the vendor repairs it by then, by: octocat, \
             expires: 2026-11-30, {fields} }}\n"
        );
        let (waivers, errors) = read(&text);
        assert_eq!(errors, Vec::<String>::new());
        waivers
    }

    fn outcome(gate: &'static str, prompt: &str, state: State) -> Outcome {
        Outcome {
            gate,
            hard: false,
            ruling: Ruling::of(
                Some(&PromptId::new(prompt)),
                state,
                Code::Regression,
                "found",
                "needed",
            ),
            waiver: None,
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn every_red_outcome_but_an_error_can_be_waived() {
        let waivers = waiver("gate: max_regression");
        for (before, after) in [
            (State::Pass, State::Pass),
            (State::Fail, State::Waived),
            (State::Inconclusive, State::Waived),
            (State::Missing, State::Waived),
            (State::Stale, State::Waived),
            (State::Error, State::Error),
            (State::NotApplicable, State::NotApplicable),
        ] {
            let mut outcomes = [outcome("max_regression", "a", before)];
            let said = waivers.apply(&mut outcomes, day("2026-11-23"));
            assert_eq!(outcomes[0].ruling.state, after, "{before:?}");
            assert_eq!(outcomes[0].waiver.is_some(), after == State::Waived);
            assert_eq!(said.is_empty(), after == State::Waived, "{said:?}");
        }
    }

    #[test]
    fn a_waiver_covers_its_gate_and_its_prompt_only() {
        for (fields, gate, prompt, covered) in [
            ("gate: max_regression", "max_regression", "a", true),
            ("gate: max_regression", "min_examples", "a", false),
            (
                "gate: max_regression, prompt: a",
                "max_regression",
                "a",
                true,
            ),
            (
                "gate: max_regression, prompt: a",
                "max_regression",
                "b",
                false,
            ),
        ] {
            let mut outcomes = [outcome(gate, prompt, State::Fail)];
            waiver(fields).apply(&mut outcomes, day("2026-11-23"));
            let found = outcomes[0].ruling.state == State::Waived;
            assert_eq!(found, covered, "{fields}: {gate} {prompt}");
        }
    }

    #[test]
    fn a_waiver_holds_through_its_last_day() {
        let waivers = waiver("gate: max_regression, prompt: a");
        for (today, state) in [
            ("2026-11-29", State::Waived),
            ("2026-11-30", State::Waived),
            ("2026-12-01", State::Fail),
        ] {
            let mut outcomes = [outcome("max_regression", "a", State::Fail)];
            let said = waivers.apply(&mut outcomes, day(today));
            assert_eq!(outcomes[0].ruling.state, state, "{today}");
            let ended = "the waiver of `max_regression` for `a` by octocat ended on 2026-11-30: \
                         remove it";
            let want: &[&str] = if state == State::Fail { &[ended] } else { &[] };
            assert_eq!(said, want, "{today}");
        }
    }

    #[test]
    fn a_waiver_that_is_not_needed_is_named() {
        let mut outcomes = [outcome("max_regression", "a", State::Pass)];
        let said = waiver("gate: max_regression").apply(&mut outcomes, day("2026-11-23"));
        let want = "the waiver of `max_regression` by octocat, until 2026-11-30, is not needed \
                    by this change";
        assert_eq!(said, [want]);
    }

    #[test]
    fn what_is_wrong_with_a_waiver_is_said_at_its_place() {
        let rest = "reason: the vendor repairs it by then, by: octocat, expires: 2027-01-31";
        for (item, want) in [
            (
                format!("gate: prompt_version, {rest}"),
                "1:19: waivers[0].gate: the hard gate `prompt_version` cannot be waived",
            ),
            (
                format!("gate: prompt_files, {rest}"),
                "1:19: waivers[0].gate: the gate `prompt_files` cannot be waived",
            ),
            (
                format!("gate: policy_change, {rest}"),
                "1:19: waivers[0].gate: the gate `policy_change` cannot be waived",
            ),
            (
                format!("gate: max_regresion, {rest}"),
                "1:19: waivers[0].gate: unknown gate; did you mean `max_regression` instead of \
                 `max_regresion`?",
            ),
            (
                format!("gate: max_regression, promt: a, {rest}"),
                "1:42: waivers[0].promt: unknown key; did you mean `prompt` instead of `promt`?",
            ),
            (
                String::from(
                    "gate: max_regression, by: octocat, expires: 2027-01-31, reason: later",
                ),
                "1:77: waivers[0].reason: found `later`, expected why, in at least 20 characters",
            ),
            (
                format!("gate: max_regression, {rest}").replace("2027-01-31", "31.1.2027"),
                "1:96: waivers[0].expires: found `31.1.2027`, expected a date such as \
                 `2027-01-31`",
            ),
            (
                String::from("gate: max_regression"),
                "1:11: waivers[0]: the key `by` is missing",
            ),
        ] {
            let (_, errors) = read(&format!("waivers: [{{ {item} }}]\n"));
            assert_eq!(errors.first().map(String::as_str), Some(want));
        }
    }
}

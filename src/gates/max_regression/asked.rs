//! What the policy asks of `max_regression`.

use crate::gates::ON_FAIL;
use crate::gates::named::Prompts;
use crate::policy::scope::Risk;
use crate::prompt::PromptId;
use crate::regression::{Mode, PASS};
use crate::yaml::{Errors, Fields, Node};

/// The gate's parameters.
pub(super) struct Asked {
    /// The chance of even one false alarm.
    pub(super) alpha: f64,
    /// What a metric must show that does not say it itself.
    pub(super) mode: Mode,
    /// The metrics that are named.
    metrics: Vec<(MetricAsked, Prompts)>,
    /// What it does when it cannot tell.
    pub(super) inconclusive: Inconclusive,
    /// Whether it blocks at all.
    pub(super) blocks: bool,
}

/// A metric, and what it must show.
pub(super) struct MetricAsked {
    /// Its name; `None` is whether the cases pass.
    pub(super) name: Option<String>,
    /// Whether it passes is asked, not its number.
    pub(super) pass: bool,
    /// Less of it is better.
    pub(super) lower: bool,
    /// What it must show.
    pub(super) mode: Mode,
}

/// Whether a test that cannot tell blocks, by risk.
pub(super) struct Inconclusive {
    low: bool,
    standard: bool,
    high: bool,
}

impl Inconclusive {
    /// Reads a word, or one by risk.
    fn read(node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Self {
        let all = |blocks| Self {
            low: blocks,
            standard: blocks,
            high: blocks,
        };
        let Some(node) = node else {
            return all(true);
        };
        if node.value().is_string() {
            return all(node.one_of(ON_FAIL, errors).unwrap_or(true));
        }
        let fields = node.fields(&["low", "standard", "high"], errors);
        let mut blocks = |key: &str| {
            let word = fields.get(key)?.one_of(ON_FAIL, errors);
            word.filter(|blocks| !blocks)
        };
        Self {
            low: blocks("low").unwrap_or(true),
            standard: blocks("standard").unwrap_or(true),
            high: blocks("high").unwrap_or(true),
        }
    }

    /// Whether it only warns, at some risk.
    pub(super) const fn warns(&self) -> bool {
        !(self.low && self.standard && self.high)
    }

    /// Whether it blocks at this risk.
    pub(super) const fn blocks(&self, risk: Risk) -> bool {
        match risk {
            Risk::Low => self.low,
            Risk::Standard => self.standard,
            Risk::High => self.high,
        }
    }
}

impl Asked {
    /// Reads the gate's parameters.
    pub(super) fn read(node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Self {
        const KEYS: [&str; 6] = [
            "mode",
            "margin",
            "alpha",
            "metrics",
            "inconclusive",
            "on_fail",
        ];
        let fields = node.map(|node| node.fields(&KEYS, errors));
        let field = |key: &str| fields.as_ref().and_then(|fields| fields.get(key));
        let alpha = field("alpha").and_then(|node| {
            node.read("a number above 0 and at most 0.5", errors, |value| {
                value.as_f64().filter(|alpha| *alpha > 0.0 && *alpha <= 0.5)
            })
        });
        let mode = fields.as_ref().and_then(|fields| mode(fields, errors));
        let mode = mode.unwrap_or(Mode::Significant);
        let items = field("metrics").map(|node| node.items(errors));
        let metrics = items.unwrap_or_default();
        let metrics = metrics.iter().filter_map(|item| metric(item, mode, errors));
        Self {
            metrics: metrics.collect(),
            alpha: alpha.unwrap_or(0.05),
            mode,
            inconclusive: Inconclusive::read(field("inconclusive"), errors),
            blocks: field("on_fail")
                .and_then(|node| node.one_of(ON_FAIL, errors))
                .unwrap_or(true),
        }
    }

    /// What is asked of a prompt by name.
    pub(super) fn of<'a>(&'a self, prompt: &'a PromptId) -> impl Iterator<Item = &'a MetricAsked> {
        let metrics = self.metrics.iter();
        let of_prompt = metrics.filter(|(_, prompts)| prompts.hold(prompt));
        of_prompt.map(|(metric, _)| metric)
    }

    /// The names of what a prompt is tested by; `None` is whether the cases pass.
    pub(super) fn names<'a>(&'a self, prompt: &'a PromptId) -> Vec<Option<&'a str>> {
        let names: Vec<_> = self
            .of(prompt)
            .map(|metric| metric.name.as_deref())
            .collect();
        if names.is_empty() { vec![None] } else { names }
    }
}

/// Reads `mode` and `margin`.
fn mode(fields: &Fields<'_>, errors: &mut Errors<'_>) -> Option<Mode> {
    let words = [("significant", false), ("non_inferior", true)];
    let ruled_out = fields
        .get("mode")
        .and_then(|node| node.one_of(&words, errors));
    if ruled_out != Some(true) {
        if let Some(node) = fields.get("margin") {
            node.refuse(errors, "only `mode: non_inferior` has a margin");
        }
        return ruled_out.map(|_| Mode::Significant);
    }
    let margin = fields.need("margin", errors)?;
    let expected = "a drop such as `5pp`, or a number above 0 on the metric's own scale";
    let margin = margin.read(expected, errors, |value| {
        let number = match value.as_str() {
            Some(text) => text.strip_suffix("pp")?.trim_end().parse::<f64>().ok()? / 100.0,
            None => value.as_f64()?,
        };
        (number.is_finite() && number > 0.0).then_some(number)
    });
    margin.map(Mode::NonInferior)
}

/// Reads a metric: its name, or what is asked of it.
fn metric(node: &Node<'_>, outer: Mode, errors: &mut Errors<'_>) -> Option<(MetricAsked, Prompts)> {
    let name = |name: &str| (name != PASS).then(|| name.to_owned());
    if node.value().is_string() {
        let metric = MetricAsked {
            name: name(node.text(errors)?),
            pass: false,
            lower: false,
            mode: outer,
        };
        return Some((metric, Prompts::default()));
    }
    let keys = ["name", "kind", "direction", "mode", "margin", "prompts"];
    let fields = node.fields(&keys, errors);
    let mut word = |key: &str, words: &[(&str, bool)]| {
        let word = fields.get(key)?.one_of(words, errors);
        word.filter(|word| *word)
    };
    let pass = word("kind", &[("pass", true), ("score", false)]).is_some();
    let lower = word("direction", &[("lower", true), ("higher", false)]).is_some();
    let mode = mode(&fields, errors).unwrap_or(outer);
    let prompts = Prompts::read(fields.get("prompts"), errors);
    let named = fields.need("name", errors)?;
    let name = name(named.text(errors)?);
    if name.is_none() && lower {
        named.refuse(errors, format!("`{PASS}` has no direction: more is better"));
    }
    let metric = MetricAsked {
        name,
        pass,
        lower,
        mode,
    };
    Some((metric, prompts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml;

    fn read(text: &str) -> (Asked, Vec<String>) {
        let value = yaml::to_json(text).unwrap();
        let mut errors = Errors::new(text);
        let asked = Asked::read(Some(&Node::root(&value)), &mut errors);
        let errors = errors.into_sorted().into_iter();
        (asked, errors.map(|error| error.message).collect())
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, want) in [
            (
                "{ margin: 5pp }",
                "margin: only `mode: non_inferior` has a margin",
            ),
            ("{ mode: non_inferior }", "the key `margin` is missing"),
            (
                "{ mode: non_inferior, margin: 5% }",
                "margin: found `5%`, expected a drop such as `5pp`, or a number above 0 on the metric's own scale",
            ),
            (
                "{ mode: non_inferior, margin: -1 }",
                "margin: found `-1`, expected a drop such as `5pp`, or a number above 0 on the metric's own scale",
            ),
            (
                "{ alpha: 0 }",
                "alpha: found `0`, expected a number above 0 and at most 0.5",
            ),
            (
                "{ metrics: [7] }",
                "metrics[0]: found `7`, expected a mapping",
            ),
            (
                "{ metrics: [{ kind: pass }] }",
                "metrics[0]: the key `name` is missing",
            ),
            (
                "{ metrics: [{ name: pass, direction: lower }] }",
                "metrics[0].name: `pass` has no direction: more is better",
            ),
            (
                "{ metrics: [{ name: a, kind: graded }] }",
                "metrics[0].kind: found `graded`, expected one of pass, score",
            ),
            (
                "{ metrics: [{ name: a, prompts: [\"[\"] }] }",
                "metrics[0].prompts[0]: no pattern: unclosed character class; missing ']'",
            ),
            (
                "{ inconclusive: { high: block, all: warn } }",
                "inconclusive.all: unknown key `all`; known are low, standard, high",
            ),
        ] {
            let (_, errors) = read(text);
            assert!(
                errors.iter().any(|error| error == want),
                "{text}: {errors:?}"
            );
        }
    }

    #[test]
    fn a_metric_has_what_the_gate_says_unless_it_says_more() {
        let text = "{ mode: non_inferior, margin: 2pp, inconclusive: { low: warn }, metrics: [pass, tone, \
                    { name: toxicity, direction: lower, kind: pass, mode: significant, prompts: [\"a/**\"] }, \
                    { name: length, mode: non_inferior, margin: 30 }] }";
        let (asked, errors) = read(text);
        assert_eq!(errors, [""; 0]);
        let told = |prompt: &str| -> Vec<(Option<String>, bool, bool, Mode)> {
            let prompt = PromptId::new(prompt);
            let metrics = asked.of(&prompt);
            metrics
                .map(|each| (each.name.clone(), each.pass, each.lower, each.mode))
                .collect()
        };
        let named = |name: &str| Some(name.to_owned());
        let want = [
            (None, false, false, Mode::NonInferior(0.02)),
            (named("tone"), false, false, Mode::NonInferior(0.02)),
            (named("toxicity"), true, true, Mode::Significant),
            (named("length"), false, false, Mode::NonInferior(30.0)),
        ];
        assert_eq!(told("a/b"), want);
        assert_eq!(told("b").len(), 3);
        let blocks =
            [Risk::Low, Risk::Standard, Risk::High].map(|risk| asked.inconclusive.blocks(risk));
        assert_eq!(blocks, [false, true, true]);
        let (asked, _) = read("{}");
        assert_eq!(asked.names(&PromptId::new("a")), [None]);
        assert_eq!(
            (asked.mode, asked.alpha, asked.blocks),
            (Mode::Significant, 0.05, true)
        );
    }
}

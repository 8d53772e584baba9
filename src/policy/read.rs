//! From the policy file's values to a [`Policy`]: every default, every check.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::archives;
use super::eval_runs::EvalRuns;
use super::ledger::LedgerRule;
use super::people::People;
use super::provenance::Admissible;
use super::scope::{self, Scope};
use super::sources::Evidence;
use super::strength::Sufficient;
use super::{
    Band, Bands, CHECK_RUN, CategoryId, CategoryRule, CommentMode, Mode, Needs, Policy, Price,
    TemplatePaths,
};
use crate::units::{Digest, Percent, Score, Weight};
use crate::yaml::{Errors, Fields, Node};

/// The keys of the top level.
pub(crate) const TOP_LEVEL: &[&str] = &[
    "version",
    "mode",
    "stage",
    "prompts",
    "models",
    "retrieval",
    "datasets",
    "judges",
    "labels",
    "evidence",
    "provenance",
    "binding",
    "evals",
    "artifact_limits",
    "categories",
    "bands",
    "minimum_band",
    "major_change",
    "hard_gates",
    "min_traces",
    "min_kappa",
    "gates",
    "groups",
    "approvals",
    "policy_owners",
    "prices",
    "waivers",
    "ledger",
    "comment",
    "templates",
    "check_run",
    "status_name",
];

pub(super) fn policy(top: &Fields<'_>, errors: &mut Errors<'_>) -> Policy {
    if let Some(version) = top.need("version", errors) {
        version.read("`1`, the only version of this format", errors, |value| {
            (value.as_u64() == Some(1)).then_some(())
        });
    }
    let globs = |key: &str, errors: &mut Errors<'_>| match top.get(key) {
        Some(node) => {
            let items = node.items(errors);
            items
                .iter()
                .filter_map(|item| scope::pattern(item, errors))
                .collect()
        }
        None => Vec::new(),
    };
    let scope = Scope::read(top, errors);
    let mut evidence = Evidence::read(top.get("evidence"), errors);
    evidence.calls.any_environment = scope.before_production();
    let people = People::read(top, errors);
    Policy {
        mode: word(top, "mode", Mode::WORDS, errors).unwrap_or(Mode::Enforce),
        scope,
        datasets: globs("datasets", errors),
        judges: globs("judges", errors),
        labels: labels(top, errors),
        evidence,
        admissible: Admissible::read(top.get("provenance"), errors),
        sufficient: Sufficient::read(top.get("binding"), errors),
        eval_runs: eval_runs(top, &people, errors),
        archives: archives::limits(top.get("artifact_limits"), errors),
        categories: categories(top.get("categories"), errors),
        bands: bands(top.get("bands"), errors),
        minimum_band: word(top, "minimum_band", Band::WORDS, errors).unwrap_or(Band::Pilot),
        major_change: top
            .get("major_change")
            .and_then(|node| percent(node, errors))
            .or(Percent::from_hundredths(2_000))
            .unwrap_or_else(zero),
        min_traces: top
            .get("min_traces")
            .and_then(|node| whole(node, 1, errors))
            .unwrap_or(100),
        min_kappa: top.get("min_kappa").and_then(|node| {
            node.read("a number above 0 and at most 1", errors, |value| {
                value.as_f64().filter(|floor| *floor > 0.0 && *floor <= 1.0)
            })
        }),
        people,
        prices: prices(top.get("prices"), errors),
        ledger: LedgerRule::read(top.get("ledger"), errors),
        comment: word(top, "comment", CommentMode::WORDS, errors).unwrap_or(CommentMode::Update),
        templates: templates(top.get("templates"), errors),
        check_run: top
            .get("check_run")
            .and_then(|node| node.flag(errors))
            .unwrap_or(false),
        status_name: top
            .get("status_name")
            .and_then(|node| status_name(node, errors)),
    }
}

fn eval_runs(top: &Fields<'_>, people: &People, errors: &mut Errors<'_>) -> EvalRuns {
    let fields = top
        .get("evals")
        .map(|node| node.fields(&EvalRuns::KEYS, errors));
    fields
        .map(|fields| EvalRuns::read(&fields, people, errors))
        .unwrap_or_default()
}

fn templates(node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> TemplatePaths {
    let Some(node) = node else {
        return TemplatePaths::default();
    };
    let fields = node.fields(&["comment", "summary"], errors);
    let mut path = |key: &str| scope::path(fields.get(key)?, errors);
    TemplatePaths {
        comment: path("comment"),
        summary: path("summary"),
    }
}

fn status_name(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<String> {
    let name = node.text(errors)?;
    if name == CHECK_RUN {
        node.refuse(
            errors,
            format!("`{CHECK_RUN}` is the name of the check run"),
        );
    }
    Some(name.to_owned())
}

fn zero() -> Percent {
    Percent::from_hundredths(0).unwrap_or_else(zero)
}

fn word<T: Copy>(
    top: &Fields<'_>,
    key: &str,
    words: &[(&str, T)],
    errors: &mut Errors<'_>,
) -> Option<T> {
    top.get(key)?.one_of(words, errors)
}

/// Reads a whole number of at least `least`.
pub(crate) fn whole(node: &Node<'_>, least: u64, errors: &mut Errors<'_>) -> Option<u64> {
    let expected = format!("a whole number of at least {least}");
    node.read(&expected, errors, |value| {
        value.as_u64().filter(|number| *number >= least)
    })
}

/// Reads `95%`, or 95 for the same.
pub(crate) fn percent(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<Percent> {
    node.read("a percentage such as `95%`", errors, |value| {
        // A bare 0.95 is more likely meant as 95 % than as less than one in a hundred.
        let fraction = value
            .as_f64()
            .is_some_and(|number| number > 0.0 && number < 1.0);
        Percent::from_hundredths(hundredths(value, 100.0)?).filter(|_| !fraction)
    })
}

/// A number or `number%`, in hundredths, at most `most`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked before"
)]
fn hundredths(value: &Json, most: f64) -> Option<u32> {
    let number = match value {
        Json::String(text) => text.trim().trim_end_matches('%').trim_end().parse().ok()?,
        other => other.as_f64()?,
    };
    let scaled: f64 = number * 100.0;
    ((0.0..=most).contains(&number) && (scaled - scaled.round()).abs() < 1e-6)
        .then(|| scaled.round() as u32)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked before"
)]
fn score(node: &Node<'_>, errors: &mut Errors<'_>) -> Option<Score> {
    node.read("a score from 1 to 5", errors, |value| {
        let number = value
            .as_f64()
            .filter(|number| (1.0..=5.0).contains(number))?;
        Score::from_ten_thousandths((number * 10_000.0).round() as u32)
    })
}

fn labels(top: &Fields<'_>, errors: &mut Errors<'_>) -> BTreeMap<String, BTreeMap<String, Digest>> {
    let mut found = BTreeMap::new();
    let Some(node) = top.get("labels") else {
        return found;
    };
    for (prompt, labels) in node.entries(errors) {
        let mut named = BTreeMap::new();
        for (label, digest) in labels.entries(errors) {
            let digest = digest.read("a version: 64 hexadecimal characters", errors, |value| {
                Digest::from_hex(value.as_str()?)
            });
            if let Some(digest) = digest {
                named.insert(label.to_owned(), digest);
            }
        }
        found.insert(prompt.to_owned(), named);
    }
    found
}

fn default_needs(id: CategoryId) -> Needs {
    let four = Score::from_points(3, 4);
    match id {
        CategoryId::TraceCompleteness | CategoryId::Versioning | CategoryId::Evaluation => {
            Needs::Score(four)
        }
        CategoryId::DebuggingSpeed => Needs::MedianMinutes(30),
        CategoryId::LatencyAndCost => {
            Needs::Complete(Percent::from_hundredths(9_500).unwrap_or_else(zero))
        }
        CategoryId::Collaboration => Needs::Groups(3),
        CategoryId::Security => Needs::DataPolicyMet,
    }
}

fn categories(
    node: Option<&Node<'_>>,
    errors: &mut Errors<'_>,
) -> BTreeMap<CategoryId, CategoryRule> {
    let mut rules: BTreeMap<CategoryId, CategoryRule> = CategoryId::DEFAULTS
        .into_iter()
        .filter_map(|(id, _, weight, owner)| {
            let rule = CategoryRule {
                weight: Weight::from_hundredths(weight)?,
                needs: default_needs(id),
                owner: owner.to_owned(),
                note: None,
            };
            Some((id, rule))
        })
        .collect();
    let Some(node) = node else {
        return rules;
    };
    let keys: Vec<&str> = CategoryId::DEFAULTS
        .iter()
        .map(|(_, key, ..)| *key)
        .collect();
    let fields = node.fields(&keys, errors);
    for (id, rule) in &mut rules {
        if let Some(node) = fields.get(id.id()) {
            category(node, *id, rule, errors);
        }
    }
    let sum: u32 = rules.values().map(|rule| rule.weight.hundredths()).sum();
    if sum != Weight::TOTAL {
        let shown = f64::from(sum) / 100.0;
        node.refuse(
            errors,
            format!("the weights add up to {shown}, expected 100"),
        );
    }
    rules
}

fn category(node: &Node<'_>, id: CategoryId, rule: &mut CategoryRule, errors: &mut Errors<'_>) {
    let fields = node.fields(&["weight", "needs", "owner", "note"], errors);
    if let Some(weight) = fields.get("weight").and_then(|node| {
        node.read("a weight from 0 to 100", errors, |value| {
            Weight::from_hundredths(hundredths(value, 100.0)?)
        })
    }) {
        rule.weight = weight;
    }
    if let Some(needs) = fields.get("needs").and_then(|node| needs(node, id, errors)) {
        rule.needs = needs;
    }
    if let Some(owner) = fields.get("owner").and_then(|node| node.text(errors)) {
        owner.clone_into(&mut rule.owner);
    }
    if let Some(note) = fields.get("note").and_then(|node| node.text(errors)) {
        rule.note = Some(note.to_owned());
    }
}

fn needs(node: &Node<'_>, id: CategoryId, errors: &mut Errors<'_>) -> Option<Needs> {
    let key = match id {
        CategoryId::TraceCompleteness | CategoryId::Versioning | CategoryId::Evaluation => {
            return score(node, errors).map(Needs::Score);
        }
        CategoryId::DebuggingSpeed => "median_minutes",
        CategoryId::LatencyAndCost => "complete",
        CategoryId::Collaboration => "groups",
        CategoryId::Security => "data_policy",
    };
    let fields = node.fields(&[key], errors);
    let value = fields.need(key, errors)?;
    match id {
        CategoryId::DebuggingSpeed => whole(value, 1, errors).map(Needs::MedianMinutes),
        CategoryId::LatencyAndCost => percent(value, errors).map(Needs::Complete),
        CategoryId::Collaboration => whole(value, 1, errors).map(Needs::Groups),
        _ => value.one_of(&[("met", Needs::DataPolicyMet)], errors),
    }
}

fn bands(node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> Bands {
    let mut bands = Bands {
        ready: Score::from_points(33, 40),
        limited_rollout: Score::from_points(28, 40),
        pilot: Score::from_points(1, 2),
    };
    let Some(node) = node else {
        return bands;
    };
    let fields = node.fields(&["ready", "limited_rollout", "pilot"], errors);
    for (key, bound) in [
        ("ready", &mut bands.ready),
        ("limited_rollout", &mut bands.limited_rollout),
        ("pilot", &mut bands.pilot),
    ] {
        if let Some(value) = fields.get(key).and_then(|node| score(node, errors)) {
            *bound = value;
        }
    }
    if bands.ready < bands.limited_rollout || bands.limited_rollout < bands.pilot {
        node.refuse(errors, "expected ready >= limited_rollout >= pilot");
    }
    bands
}

fn prices(node: Option<&Node<'_>>, errors: &mut Errors<'_>) -> BTreeMap<String, Price> {
    let mut found = BTreeMap::new();
    let Some(node) = node else {
        return found;
    };
    for (model, node) in node.entries(errors) {
        let fields = node.fields(&["input", "output", "per", "as_of"], errors);
        if let Some(per) = fields.get("per") {
            per.one_of(&[("1M", ())], errors);
        }
        if let Some(date) = fields.need("as_of", errors) {
            date.read("a date such as `2026-11-01`", errors, |value| {
                value.as_str()?.parse::<chrono::NaiveDate>().ok()
            });
        }
        let mut dollars = |key: &str| {
            fields
                .need(key, errors)?
                .read("dollars for a million tokens", errors, |value| {
                    Some(crate::units::Usd::from_dollars(value.as_f64()?)?.nanos())
                })
        };
        let (input, output) = (dollars("input"), dollars("output"));
        match (crate::prompt::model::ModelRef::parse(model), input, output) {
            (Some(model), Some(input), Some(output)) => {
                found.insert(model.to_string(), Price { input, output });
            }
            (None, ..) => node.refuse(errors, "expected `provider/model`"),
            _ => {}
        }
    }
    found
}

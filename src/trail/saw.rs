//! What a verdict showed of a version, for people.

use super::Saw;
use crate::fold::TIE;
use crate::ledger::verdict::{Comparison, Coverage, Evals, Measured, Outcome};
use crate::measure::Metric;
use crate::policy::{Band, CategoryId};
use crate::regression::{PASS, Unit, p_value};
use crate::units::{Percent, Score, Usd};
use crate::untrusted::log_line;

/// What changed, and against what: `template (modified, risk high), before it a1b2c3d4e5f6`
pub(super) fn changed(saw: &Saw) -> String {
    let what = match saw.facets.as_slice() {
        [] => String::from("nothing of its version"),
        facets => log_line(&facets.join(", ")),
    };
    let mut text = format!(
        "{what} ({}, risk {})",
        log_line(&saw.change),
        log_line(&saw.risk)
    );
    if let Some(from) = &saw.from {
        text.push_str(&format!(", before it {}", from.short()));
    }
    if !saw.triggers.is_empty() {
        let triggers = log_line(&saw.triggers.join(", "));
        text.push_str(&format!(", full card for {triggers}"));
    }
    text
}

/// One line a comparison; without any, the cases of each side.
pub(crate) fn compared(saw: &Saw) -> Vec<String> {
    if saw.comparisons.is_empty() {
        return saw.evals.iter().map(side).collect();
    }
    saw.comparisons.iter().map(comparison).collect()
}

/// `54 → 56 of 60 cases pass, +3.3 pp (−4.6 to +12.3), p = 0.6250`; of another metric, or of
/// several trials, the means: `tone: 0.812 → 0.790 on average of 60 cases, ...`
fn comparison(each: &Comparison) -> String {
    let n = each.both + each.neither + each.lost + each.won;
    let n = each.cases.unwrap_or(n);
    let (base, head) = (each.both + each.lost, each.both + each.won);
    let [low, high] = &each.interval;
    let p = number(&each.p, p_value).replace(' ', &TIE.to_string());
    let (unit, said) = match &each.means {
        None => (
            Unit::Share,
            format!(
                "{base}{TIE}→{TIE}{head} of {n} cases {}",
                log_line(&each.metric)
            ),
        ),
        Some([before, now]) => {
            let is_share = each.metric == PASS;
            let unit = if is_share { Unit::Share } else { Unit::Score };
            let value = |text| number(text, |value| unit.value(value));
            let (before, now) = (value(before), value(now));
            let metric = log_line(&each.metric);
            let said = format!("{metric}: {before}{TIE}→{TIE}{now} on average of {n} cases");
            (unit, said)
        }
    };
    let points = match unit {
        Unit::Share => format!("{TIE}pp"),
        Unit::Score => String::new(),
    };
    let signed = |text| number(text, |value| unit.signed(value));
    format!(
        "{said}, {}{points} ({}{TIE}to{TIE}{}), p{TIE}{p}",
        signed(&each.difference),
        signed(low),
        signed(high),
    )
}

fn number(text: &str, shown: impl Fn(f64) -> String) -> String {
    text.parse().map_or_else(|_| log_line(text), shown)
}

fn side(each: &Evals) -> String {
    let (side, errored) = (log_line(&each.side), each.errored);
    let errored = if errored > 0 {
        format!(", {errored} errored")
    } else {
        String::new()
    };
    format!(
        "{side}: {} of {} cases pass{errored}",
        each.passed, each.cases
    )
}

/// How the pairs came out one by one, and by which test.
pub(super) fn pairs(saw: &Saw) -> Vec<String> {
    let of = |each: &Comparison| {
        let mut text = format!(
            "{}{TIE}newly{TIE}fail, {}{TIE}newly{TIE}pass",
            each.lost, each.won
        );
        let unpaired = [
            (each.only_baseline, "cases only before"),
            (each.only_candidate, "cases only after"),
            (each.changed_cases, "cases with other content"),
        ];
        for (count, why) in unpaired {
            if count > 0 {
                text.push_str(&format!(", {count} {why}"));
            }
        }
        text.push_str(&format!(" ({}, 95{TIE}% interval)", log_line(&each.test)));
        text
    };
    saw.comparisons.iter().map(of).collect()
}

/// `161 calls in 160 traces, 2 failed, p50 1029 ms, p95 1258 ms, cost $0.011801`
pub(super) fn traces(coverage: &Coverage) -> String {
    let whose = if coverage.repository_wide {
        " of all prompts"
    } else {
        ""
    };
    let millis = |name: &str, ms: Option<u64>| {
        ms.map(|ms| format!(", {name}{TIE}{ms}{TIE}ms"))
            .unwrap_or_default()
    };
    let estimated = match coverage.estimated {
        0 => String::new(),
        estimated => format!(" ({estimated} estimated)"),
    };
    format!(
        "{} calls{whose} in {} traces, {} failed{}{}, cost{TIE}{}{estimated}",
        coverage.calls,
        coverage.traces,
        coverage.failed,
        millis("p50", coverage.p50_ms),
        millis("p95", coverage.p95_ms),
        Usd::from_nanos(coverage.cost_nano_usd),
    )
}

/// The fields that not every call has, and how many every call has.
pub(super) fn fields(coverage: &Coverage) -> String {
    let fields = coverage.fields.iter();
    let (lacking, whole): (Vec<_>, Vec<_>) =
        fields.partition(|each| each.present < each.applicable);
    let lacking = lacking.iter().map(|each| {
        let (present, of) = (each.present, each.applicable);
        format!("{} {present}{TIE}of{TIE}{of}", log_line(&each.field))
    });
    let mut parts: Vec<String> = lacking.collect();
    parts.push(match parts.len() {
        0 => format!("all {} complete", whole.len()),
        _ => format!("{}{TIE}others complete", whole.len()),
    });
    parts.join(", ")
}

/// `Trace completeness 4.99, Prompt and model versioning 4.99 ...`
pub(super) fn categories(saw: &Saw) -> String {
    let shown = saw.categories.iter().map(|each| {
        let known = CategoryId::DEFAULTS.iter();
        let known = known
            .map(|(id, key, ..)| (id, key))
            .find(|(_, key)| **key == each.id);
        let title = known.map_or_else(|| each.id.clone(), |(id, _)| id.title().to_owned());
        let score = u32::try_from(each.score)
            .ok()
            .and_then(Score::from_ten_thousandths);
        let score = score.map_or_else(|| each.score.to_string(), |score| score.to_string());
        let fails = if each.passes { "" } else { "\u{a0}(fails)" };
        let title = log_line(&title).replace(' ', &TIE.to_string());
        format!("{title}{TIE}{score}{fails}")
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// The gates that were not simply green, each with what it measured.
pub(super) fn gates(saw: &Saw) -> Vec<String> {
    let red = |each: &&Outcome| !matches!(each.outcome.as_str(), "pass" | "not applicable");
    saw.outcomes.iter().filter(red).map(gate).collect()
}

/// `min_examples: fail [too-few-cases], blocks; 49 cases, needs 50`
fn gate(each: &Outcome) -> String {
    let blocks = match (each.outcome.as_str(), each.blocks) {
        ("waived", _) => "",
        (_, true) => ", blocks",
        (_, false) => ", warns only",
    };
    let measured = each
        .measured
        .as_ref()
        .map(|each| format!("; {}", measured(each)));
    format!(
        "{}: {} [{}]{blocks}{}",
        log_line(&each.gate),
        log_line(&each.outcome),
        log_line(&each.code),
        measured.unwrap_or_default()
    )
}

fn measured(each: &Measured) -> String {
    let (observed, threshold, n) = (log_line(&each.observed), log_line(&each.threshold), each.n);
    match Metric::by_id(&each.metric) {
        Some(Metric::Share) => {
            let least = each
                .threshold
                .parse()
                .ok()
                .and_then(Percent::from_hundredths);
            let least = least.map_or(threshold, |least| least.to_string());
            format!("{observed} of {n} calls, needs {least}")
        }
        Some(Metric::Cases) => {
            format!("{observed} of {n} cases came to a result, needs {threshold}")
        }
        Some(Metric::TracedCases) => format!("{observed} of {n} cases traced, needs {threshold}"),
        Some(Metric::PValue | Metric::PAlone) => {
            let p = number(&each.observed, p_value);
            format!("p {p} over {n} pairs, alpha {threshold}")
        }
        Some(Metric::Band) => format!("{}, needs {}", band(&each.observed), band(&each.threshold)),
        Some(Metric::HiddenCharacters) => {
            format!("{observed} hidden characters, at most {threshold}")
        }
        Some(Metric::FailedCases) => format!("{observed} of {n} cases that must pass do not"),
        Some(Metric::PassedCanaries) => format!("{observed} of {n} cases that must fail do not"),
        Some(Metric::CostPerSuccess) => {
            let dollars = |text: &str| {
                let nanos = text.parse().map(Usd::from_nanos);
                nanos.map_or_else(|_| log_line(text), |cost| cost.to_string())
            };
            let (observed, most) = (dollars(&each.observed), dollars(&each.threshold));
            format!("{observed} for each of {n} cases that passes, at most {most}")
        }
        Some(Metric::LatencyP50) => format!("p50 {observed} ms of {n} cases, at most {threshold}"),
        Some(Metric::LatencyP95) => format!("p95 {observed} ms of {n} cases, at most {threshold}"),
        Some(Metric::Kappa) => {
            format!("kappa {observed} over {n} labels, needs {threshold}")
        }
        None => format!(
            "{} {observed} of {n}, threshold {threshold}",
            log_line(&each.metric)
        ),
    }
}

/// A band as people read it.
pub(super) fn band(id: &str) -> String {
    let known = Band::WORDS.iter().find(|(key, _)| *key == id);
    known.map_or_else(|| log_line(id), |(_, band)| band.words().to_owned())
}

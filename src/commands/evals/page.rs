//! The results for people and for programs. All text of a result is somebody else's.

use serde::Serialize;

use super::Compared;
use crate::answers::{Told, between, side_by_side};
use crate::evidence::alone::Alone;
use crate::evidence::binding::BoundCases;
use crate::evidence::collect::EvidenceFile;
use crate::evidence::evals::{CaseResult, EvalRun, Metric};
use crate::fold::fold;
use crate::limits::SHOWN_CASES;
use crate::regression::{CasePair, Comparison, Tested};
use crate::stats::wilson::wilson;
use crate::untrusted::{Untrusted, log_line, markdown_code, markdown_inline};

/// How many characters of a text are shown.
const SHOWN: usize = 600;

/// The widest line where words allow it.
const WIDTH: usize = 80;

/// For people.
pub(super) fn text(alone: &Alone, all: &[Compared]) -> String {
    let mut out = String::new();
    for line in unfolded(alone, all).lines() {
        let inner = line.trim_start();
        let start = line.len() - inner.len();
        // Under the first word of what is said, not under its name.
        let indent = if start == 0 { 2 } else { 12 };
        let margin = line.get(..start).unwrap_or_default();
        for folded in fold(margin, indent, inner, WIDTH) {
            out.push_str(folded.trim_end());
            out.push('\n');
        }
    }
    out
}

fn unfolded(alone: &Alone, all: &[Compared]) -> String {
    let mut out = files(alone).concat();
    for each in all {
        out.push_str(&format!("\n{}\n", title(each)));
        out.push_str(&format!("  now       {}\n", side(&each.candidate)));
        if let Some(baseline) = &each.baseline {
            out.push_str(&format!("  before    {}\n", side(baseline)));
        }
        if let Some(comparison) = &each.comparison {
            compared(comparison, &mut out);
        }
        for (metric, cases) in each.candidate.failing_by() {
            let metric = log_line(&metric.words());
            out.push_str(&format!("  failing   {metric}: {}\n", listed(&cases)));
        }
    }
    out
}

/// A line for each file.
fn files(alone: &Alone) -> Vec<String> {
    let numbered = alone.files.iter().enumerate();
    let of = |(at, each)| {
        let run = alone.runs.iter().find(|run| run.file == at);
        file(each, run.map(|run| &run.run))
    };
    numbered.map(of).collect()
}

fn file(file: &EvidenceFile, run: Option<&EvalRun>) -> String {
    let path = log_line(&file.path);
    if let Some(problem) = &file.problem {
        let line = problem
            .line
            .map(|line| format!(":{line}"))
            .unwrap_or_default();
        let (found, expected) = (log_line(&problem.found), log_line(&problem.expected));
        return format!(
            "{path}{line}: [{}] {found}; expected {expected}\n",
            problem.code.id()
        );
    }
    let mut parts = vec![match &file.tool_version {
        Some(version) => format!("{} {}", file.tool, log_line(version)),
        None => file.tool.to_owned(),
    }];
    parts.extend(
        file.sha256
            .map(|digest| format!("sha256 {}", digest.short())),
    );
    if let Some(run) = run {
        let made = run
            .made_at
            .map(|made| made.format("made %Y-%m-%dT%H:%M:%SZ").to_string());
        parts.push(made.unwrap_or_else(|| String::from("does not say when it was made")));
        parts.extend(run.revision.as_ref().map(|revision| {
            let dirty = match revision.dirty {
                Some(false) => "",
                Some(true) => ", with other changes",
                None => ", which may have had other changes",
            };
            format!("of commit {}{dirty}", log_line(&revision.commit))
        }));
        let stamps = run.arms.iter().flat_map(|arm| &arm.shown.stamps);
        let stamps = stamps.map(|(prompt, version)| {
            format!("stamped {} at {}", log_line(prompt), version.short())
        });
        parts.extend(stamps.collect::<std::collections::BTreeSet<_>>());
        let shown = run
            .arms
            .iter()
            .filter(|arm| arm.shown.raw.is_some())
            .count();
        parts.push(match shown {
            0 => String::from("shows no template"),
            _ => String::from("shows its template"),
        });
    }
    format!("{path}: {}\n", parts.join(", "))
}

fn title(each: &Compared) -> String {
    let made_with = each.candidate.made_with.iter();
    let made_with: Vec<String> = made_with
        .map(|(model, parameters)| log_line(format!("{model} {parameters}").trim()))
        .filter(|text| !text.is_empty())
        .collect();
    let prompt = if each.prompt.is_empty() {
        String::from("(no name)")
    } else {
        log_line(&each.prompt)
    };
    let with = if made_with.is_empty() {
        String::new()
    } else {
        format!(", {}", made_with.join("; "))
    };
    format!("{prompt}{with}")
}

/// `44 of 60 cases pass (73.3 %, 61.0 to 82.9), 14 fail, 2 errored`
fn side(cases: &BoundCases) -> String {
    let count = |result| cases.count(result);
    let (passed, failed) = (count(CaseResult::Passed), count(CaseResult::Failed));
    let errored = count(CaseResult::Errored);
    let n = passed + failed + errored;
    let (low, high) = wilson(passed, n, 0.95);
    let share = |value: f64| format!("{:.1}", value * 100.0);
    #[expect(clippy::cast_precision_loss, reason = "at most 250,000 cases")]
    let rate = if n == 0 {
        0.0
    } else {
        passed as f64 / n as f64
    };
    let mut text = format!(
        "{passed} of {n} cases pass ({} %, {} to {}), {failed} fail, {errored} errored",
        share(rate),
        share(low),
        share(high)
    );
    if cases.without_assertions > 0 {
        text.push_str(&format!(
            ", {} rows assert nothing",
            cases.without_assertions
        ));
    }
    text
}

fn compared(comparison: &Comparison, out: &mut String) {
    for tested in &comparison.tests {
        out.push_str(&format!(
            "  compared  {}; {}\n",
            log_line(&tested.words()),
            tested.seen()
        ));
    }
    for (cases, what) in unpaired(comparison) {
        out.push_str(&format!("  unpaired  {cases} {what}\n"));
    }
    let failing = &comparison.newly_failing;
    for pair in failing.iter().take(SHOWN_CASES) {
        out.push_str(&format!("  newly failing {}\n", pair.id.log()));
        let mut line = |name: &str, text: String| out.push_str(&format!("    {name:<8}{text}\n"));
        if let Some(input) = &pair.input {
            line("input", input.shortened(SHOWN).log());
        }
        if let Some(reason) = &pair.reason {
            line("failed", reason.shortened(SHOWN).log());
        }
        line(
            "answer",
            log_line(&diff(pair, |told, text| match told {
                Told::Same => text.to_owned(),
                Told::Gone => format!("[-{text}-]"),
                Told::New => format!("{{+{text}+}}"),
            })),
        );
    }
    if failing.len() > SHOWN_CASES {
        out.push_str(&format!(
            "  and {} more newly fail\n",
            failing.len() - SHOWN_CASES
        ));
    }
}

fn unpaired(comparison: &Comparison) -> impl Iterator<Item = (u64, &'static str)> {
    let all = [
        (comparison.only_baseline.count, "cases only before"),
        (comparison.only_candidate.count, "cases only now"),
        (
            comparison.changed.count,
            "cases that ask or assert something else",
        ),
        (comparison.flaky.count, "cases whose trials disagree"),
    ];
    all.into_iter().filter(|(count, _)| *count > 0)
}

fn short(text: Option<&Untrusted>) -> String {
    let text = text.map(|text| text.shortened(SHOWN));
    text.map(|text| text.for_machines().to_owned())
        .unwrap_or_default()
}

fn diff(pair: &CasePair, shown: impl Fn(Told, &str) -> String) -> String {
    let parts = between(
        &short(pair.baseline.as_ref()),
        &short(pair.candidate.as_ref()),
    );
    parts
        .into_iter()
        .map(|(told, text)| shown(told, &text))
        .collect()
}

fn listed(cases: &[&str]) -> String {
    let first: Vec<String> = cases
        .iter()
        .take(SHOWN_CASES)
        .map(|id| log_line(id))
        .collect();
    let more = match cases.len().saturating_sub(SHOWN_CASES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let plural = if cases.len() == 1 { "" } else { "s" };
    format!("{} case{plural}: {}{more}", cases.len(), first.join(", "))
}

/// For a comment or a summary.
pub(super) fn markdown(alone: &Alone, all: &[Compared]) -> String {
    let mut out = String::new();
    for file in files(alone) {
        out.push_str(&format!("- {}\n", markdown_inline(file.trim_end())));
    }
    for each in all {
        out.push_str(&format!("\n### {}\n\n", markdown_inline(&title(each))));
        out.push_str(&format!("now: {}\n", side(&each.candidate)));
        if let Some(baseline) = &each.baseline {
            out.push_str(&format!("\nbefore: {}\n", side(baseline)));
        }
        if let Some(comparison) = &each.comparison {
            tables(comparison, &mut out);
        }
        let clusters = each.candidate.failing_by();
        if !clusters.is_empty() {
            out.push_str("\n| failing by | cases |\n|---|---|\n");
        }
        for (metric, cases) in clusters {
            let (metric, cases) = (
                markdown_inline(&metric.words()),
                markdown_inline(&listed(&cases)),
            );
            out.push_str(&format!("| {metric} | {cases} |\n"));
        }
    }
    out
}

fn tables(comparison: &Comparison, out: &mut String) {
    out.push_str("\n| metric | result | could see |\n|---|---|---|\n");
    for tested in &comparison.tests {
        let (label, words) = (
            markdown_inline(&tested.label()),
            markdown_inline(&tested.test.words()),
        );
        out.push_str(&format!("| {label} | {words} | {} |\n", tested.seen()));
    }
    for (count, what) in unpaired(comparison) {
        out.push_str(&format!("\n{count} {what}\n"));
    }
    if comparison.newly_failing.is_empty() {
        return;
    }
    out.push_str("\n| newly failing | input | failed | before | now |\n|---|---|---|---|---|\n");
    for pair in comparison.newly_failing.iter().take(SHOWN_CASES) {
        let cell = |text: &Option<Untrusted>| {
            let text = text.as_ref().map(|text| text.shortened(SHOWN));
            text.map(|text| markdown_inline(&log_line(text.for_machines())))
                .unwrap_or_default()
        };
        let (before, now) = side_by_side(
            &short(pair.baseline.as_ref()),
            &short(pair.candidate.as_ref()),
        );
        let (id, input, failed) = (
            markdown_code(pair.id.for_machines()),
            cell(&pair.input),
            cell(&pair.reason),
        );
        out.push_str(&format!(
            "| {id} | {input} | {failed} | {before} | {now} |\n"
        ));
    }
}

#[derive(Serialize)]
struct Page<'a> {
    schema: &'static str,
    files: Vec<FileOf<'a>>,
    prompts: Vec<PromptOf<'a>>,
}

#[derive(Serialize)]
struct FileOf<'a> {
    path: &'a str,
    tool: &'static str,
    tool_version: Option<&'a str>,
    sha256: Option<String>,
    problem: Option<&'static str>,
}

#[derive(Serialize)]
struct PromptOf<'a> {
    prompt: &'a str,
    candidate: Side,
    baseline: Option<Side>,
    tests: Vec<TestOf>,
    newly_failing: Vec<&'a str>,
    failing_by: Vec<Cluster<'a>>,
}

#[derive(Serialize)]
struct Side {
    passed: u64,
    failed: u64,
    errored: u64,
    without_assertions: u64,
    metrics: Vec<String>,
}

#[derive(Serialize)]
struct TestOf {
    metric: String,
    test: &'static str,
    cases: u64,
    difference: f64,
    interval: (f64, f64),
    p: f64,
    visible_drop: Option<f64>,
}

#[derive(Serialize)]
struct Cluster<'a> {
    metric: String,
    cases: Vec<&'a str>,
}

fn counted(cases: &BoundCases) -> Side {
    Side {
        passed: cases.count(CaseResult::Passed),
        failed: cases.count(CaseResult::Failed),
        errored: cases.count(CaseResult::Errored),
        without_assertions: cases.without_assertions,
        metrics: cases.metrics.iter().map(Metric::words).collect(),
    }
}

fn tested(tested: &Tested) -> TestOf {
    TestOf {
        metric: tested.label(),
        test: tested.test.kind.id(),
        cases: tested.test.cases,
        difference: tested.test.difference(),
        interval: tested.test.interval(),
        p: tested.test.p,
        visible_drop: tested.visible,
    }
}

/// For programs.
pub(super) fn json(alone: &Alone, all: &[Compared]) -> String {
    let files = alone.files.iter().map(|file| FileOf {
        path: &file.path,
        tool: file.tool,
        tool_version: file.tool_version.as_deref(),
        sha256: file.sha256.map(|digest| digest.to_string()),
        problem: file.problem.as_ref().map(|problem| problem.code.id()),
    });
    let prompts = all.iter().map(|each| {
        let comparison = each.comparison.as_ref();
        let failing = comparison.into_iter().flat_map(|each| &each.newly_failing);
        PromptOf {
            prompt: &each.prompt,
            candidate: counted(&each.candidate),
            baseline: each.baseline.as_ref().map(counted),
            tests: comparison
                .into_iter()
                .flat_map(|each| &each.tests)
                .map(tested)
                .collect(),
            newly_failing: failing.map(|pair| pair.id.for_machines()).collect(),
            failing_by: each
                .candidate
                .failing_by()
                .into_iter()
                .map(|(metric, cases)| Cluster {
                    metric: metric.words(),
                    cases,
                })
                .collect(),
        }
    });
    let page = Page {
        schema: "gatecard/evals/v1",
        files: files.collect(),
        prompts: prompts.collect(),
    };
    format!("{:#}\n", serde_json::json!(page))
}

//! Eval results by themselves, asked of the program.

use crate::harness::{Ran, gatecard};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/evals");

fn evals(files: &[&str], more: &[&str]) -> Ran {
    let files: Vec<String> = files
        .iter()
        .map(|file| format!("{FOLDER}/{file}"))
        .collect();
    let mut args = vec!["evals"];
    args.extend(files.iter().map(String::as_str));
    args.extend(more);
    gatecard(&args)
}

fn baseline(file: &str) -> String {
    format!("{FOLDER}/{file}")
}

/// What was printed, wherever the fixtures lie.
fn printed(ran: &Ran) -> String {
    ran.out.replace(FOLDER, "evals")
}

#[test]
fn two_runs_are_compared_case_by_case_and_metric_by_metric() {
    let before = baseline("inspect/v1.eval");
    let ran = evals(
        &["inspect/v2.eval"],
        &["--baseline", &before, "--format", "markdown"],
    )
    .exits(0);
    insta::assert_snapshot!("evals-markdown", printed(&ran));
    let ran = evals(
        &["inspect/v2.eval"],
        &["--baseline", &before, "--format", "json"],
    )
    .exits(0);
    let page = ran.json();
    assert_eq!(page["schema"], "gatecard/evals/v1");
    let prompt = &page["prompts"][0];
    assert_eq!(prompt["candidate"]["passed"], 44);
    assert_eq!(prompt["baseline"]["passed"], 53);
    assert_eq!(prompt["tests"][0]["test"], "mcnemar-exact");
    assert_eq!(prompt["tests"][1]["test"], "sign-flip");
    assert_eq!(prompt["newly_failing"].as_array().unwrap().len(), 13);
}

#[test]
fn text_fits_a_terminal_and_marks_the_words() {
    let before = baseline("promptfoo/baseline.json");
    let ran = evals(&["promptfoo/candidate.json"], &["--baseline", &before]).exits(0);
    assert!(
        ran.out.contains("[-") && ran.out.contains("{+"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("could see"), "{}", ran.out);
    let wide: Vec<&str> = ran
        .out
        .lines()
        .filter(|line| line.contains(' ') && line.chars().count() > 160)
        .collect();
    assert_eq!(wide, [""; 0]);
}

#[test]
fn every_format_is_read_alone() {
    for file in [
        "promptfoo/both.json",
        "promptfoo_jsonl/both.jsonl",
        "inspect/v1.json",
        "deepeval/v1.json",
        "gh_models/results.json",
        "junit/pytest-xunit2.xml",
        "langsmith/rows.jsonl",
        "langsmith/table.csv",
        "langfuse/results.json",
        "braintrust/results.json",
        "braintrust/rows.jsonl",
        "mlflow/table.json",
        "mlflow/eval_results_table.json",
        "openai_evals/match.jsonl",
        "rows/refunds.jsonl",
        "rows_csv/refunds.csv",
    ] {
        let ran = evals(&[file], &["--format", "json"]).exits(0);
        let page = ran.json();
        let tool = page["files"][0]["tool"].as_str().unwrap();
        assert!(file.starts_with(tool), "{file}: {tool}");
        let prompts = page["prompts"].as_array().unwrap();
        let passed: u64 = prompts
            .iter()
            .map(|each| each["candidate"]["passed"].as_u64().unwrap())
            .sum();
        assert!(passed > 0, "{file}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_told_and_the_others_are_shown() {
    let ran = evals(
        &["gh_models/results.json", "nothing.json", "junit/README.md"],
        &[],
    )
    .exits(3);
    assert!(ran.out.contains("[evidence-unreadable]"), "{}", ran.out);
    assert!(ran.out.contains("[evidence-unknown-format]"), "{}", ran.out);
    assert!(ran.out.contains("2 of 3 cases pass"), "{}", ran.out);
}

/// Rows of sixty cases with a score each.
fn graded(folder: &tempfile::TempDir, name: &str, score: impl Fn(usize) -> String) -> String {
    let mut text = String::from("{\"gatecard\":\"evals/1\"}\n");
    for at in 0..60 {
        let score = score(at);
        text.push_str(&format!(
            "{{\"id\":\"c{at}\",\"prompt\":\"p\",\"input\":{at},\"passed\":true,\"scores\":{{\"tone\":{score}}}}}\n"
        ));
    }
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn one_verdict_among_numbers_does_not_hide_them() {
    let folder = tempfile::tempdir().unwrap();
    let before = graded(&folder, "before", |_| String::from("0.9"));
    let now = graded(&folder, "now", |at| match at {
        0 => String::from("{\"passed\":true}"),
        _ => String::from("0.2"),
    });
    let ran = gatecard(&["evals", &now, "--baseline", &before, "--format", "json"]).exits(0);
    let test = &ran.json()["prompts"][0]["tests"][1];
    assert_eq!(test["test"], "sign-flip");
    assert!(test["difference"].as_f64().unwrap() < -0.5, "{test}");
}

#[test]
fn a_score_that_would_swallow_all_others_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let huge = graded(&folder, "huge", |at| {
        if at == 7 { "1e300" } else { "0.5" }.to_owned()
    });
    let ran = gatecard(&["evals", &huge]).exits(3);
    assert!(ran.out.contains("huge:9"), "{}", ran.out);
    assert!(ran.out.contains("beyond 10^12"), "{}", ran.out);
}

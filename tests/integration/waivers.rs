//! Gates that the base policy lets be red for a while.

use crate::github::Job;
use crate::harness::{Evals, HEAD_PROMPT, POLICY, Passing, Ran};

const WAIVER: &str = "waivers:\n  - gate: max_regression\n    prompt: prompts/answer\n    \
                      reason: the new wording is required by law from December\n    \
                      by: octocat\n    expires: 2026-11-23\n";

/// A change whose head version fails 20 of its cases, under a policy of the base.
fn failing(policy: &str) -> Passing {
    let passing = Passing::new();
    let repo = &passing.repo;
    repo.checkout("main");
    repo.write(&[(".github/gatecard.yml", policy)]);
    repo.commit("another policy");
    repo.checkout("head");
    repo.git(&["rebase", "--quiet", "main"]);
    let worse = Evals::passing(HEAD_PROMPT).failing(20);
    repo.evidence("candidate.json", &worse.bytes());
    passing
}

fn check(passing: &Passing, more: &[&str]) -> Ran {
    let [baseline, candidate, traces] = &passing.files;
    let evidence: [&str; 3] = [baseline, candidate, traces];
    passing.repo.check_with(&evidence, more)
}

#[test]
fn a_waived_gate_is_green_and_says_by_whom_why_and_until_when() {
    let passing = failing(&format!("{POLICY}{WAIVER}"));
    let ran = check(&passing, &[]).exits(0);
    assert_eq!(ran.gate("max_regression"), "waived regression");
    let report = ran.json();
    assert_eq!(report["verdict"], "pass");
    let headline = report["headline"].as_str().unwrap();
    assert!(headline.starts_with("passed, 1 waived"), "{headline}");
    let outcomes = report["outcomes"].as_array().unwrap();
    let waived: Vec<_> = outcomes
        .iter()
        .filter(|outcome| outcome.get("waiver").is_some())
        .collect();
    assert_eq!(waived.len(), 1);
    assert_eq!(waived[0]["blocks"], false);
    let waiver = &waived[0]["waiver"];
    assert_eq!(waiver["by"], "octocat");
    assert_eq!(waiver["expires"], "2026-11-23");
    for format in ["text", "markdown"] {
        let out = check(&passing, &["--format", format]).exits(0).out;
        assert!(out.contains("Waived gates"), "{out}");
        for shown in [
            "max",
            "prompts/answer",
            "required by law",
            "octocat",
            "2026-11-23",
        ] {
            assert!(out.contains(shown), "{shown}: {out}");
        }
    }
}

#[test]
fn a_waiver_ends_after_its_last_day() {
    let passing = failing(&format!("{POLICY}{WAIVER}"));
    let today = check(&passing, &["--now", "2026-11-23T23:59:59Z"]);
    today.exits(0);
    let ran = check(&passing, &["--now", "2026-11-24T00:00:00Z"]).exits(1);
    assert_eq!(ran.gate("max_regression"), "fail regression");
    let said = "the waiver of `max_regression` for `prompts/answer` by octocat ended on 2026-11-23";
    let findings = ran.json()["findings"].to_string();
    assert!(findings.contains(said), "{findings}");
}

#[test]
fn a_waiver_of_another_prompt_does_nothing_and_is_named() {
    let other = WAIVER.replace("prompts/answer", "prompts/other");
    let passing = failing(&format!("{POLICY}{other}"));
    let ran = check(&passing, &[]).exits(1);
    let findings = ran.json()["findings"].to_string();
    assert!(
        findings.contains("is not needed by this change"),
        "{findings}"
    );
}

#[test]
fn a_waived_gate_is_counted_beside_those_that_block() {
    let passing = failing(&format!("{POLICY}{WAIVER}"));
    let [baseline, candidate, _] = &passing.files;
    let print = |format: &str| {
        let ran = passing
            .repo
            .check_with(&[baseline, candidate], &["--format", format]);
        ran.exits(1).out
    };
    for format in ["text", "markdown"] {
        let out = print(format);
        assert!(out.contains("blocked by 4 gates, 1 waived"), "{out}");
        assert!(out.contains("8 of 13 gates are green, 1 waived"), "{out}");
    }
}

#[test]
fn what_cannot_be_read_is_not_waived() {
    let passing = failing(&format!("{POLICY}{WAIVER}"));
    passing.repo.evidence("candidate.json", b"{");
    let ran = check(&passing, &[]).exits(3);
    assert!(
        ran.gate("max_regression").starts_with("error"),
        "{}",
        ran.out
    );
}

#[test]
fn a_pull_request_cannot_waive_its_own_gates() {
    let passing = failing(POLICY);
    passing
        .repo
        .write(&[(".github/gatecard.yml", &format!("{POLICY}{WAIVER}"))]);
    passing.repo.commit("waive it");
    let ran = check(&passing, &[]).exits(1);
    assert_eq!(ran.gate("max_regression"), "fail regression");
}

#[test]
fn a_waiver_that_cannot_be_is_an_error_under_its_line() {
    for (from, to, said) in [
        (
            "max_regression",
            "prompt_version",
            "the hard gate `prompt_version` cannot be waived",
        ),
        (
            "max_regression",
            "max_regresion",
            "did you mean `max_regression`",
        ),
        ("by: octocat", "who: octocat", "unknown key `who`"),
        ("2026-11-23", "soon", "expected a date"),
    ] {
        let policy = format!("{POLICY}{}", WAIVER.replace(from, to));
        let ran = check(&failing(&policy), &["--format", "text"]).exits(2);
        assert!(ran.err.contains(said), "{}", ran.err);
        assert!(ran.err.contains("--> .github/gatecard.yml:"), "{}", ran.err);
    }
}

#[test]
fn the_comment_and_the_status_show_a_waiver() {
    let job = Job::new();
    job.policy(&format!("{POLICY}{WAIVER}"));
    job.failing(20);
    job.run(&[]).exits(0);
    job.expect_status("success");
    let comment = &job.fake.comments()[0].body;
    assert!(comment.contains("### Waived gates"), "{comment}");
}

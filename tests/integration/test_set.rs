//! The test set is guarded: what is dropped or softened needs its owner.

use serde_json::{Value, json};

use crate::harness::{BASE_PROMPT, Evals, HEAD_PROMPT, Ran, Repo};

const POLICY: &str = "version: 1\nprompts: [\"prompts/**\"]\ndatasets: [\"evals/*.json\"]\n";
const OWNED: &str = "groups: { quality: [bob] }\nevals: { test_set_owner: quality }\n";

fn repo(policy: &str) -> Repo {
    let repo = Repo::with(&[
        (".github/gatecard.yml", policy),
        ("prompts/answer.md", BASE_PROMPT),
        ("evals/cases.json", "[1, 2]"),
    ]);
    repo.branch("head");
    repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
    repo.commit("change the prompt");
    repo
}

/// Reviews of Ann's pull request; Bob approves the head where `approved`.
fn reviews(repo: &Repo, approved: bool) -> String {
    let head = repo.git(&["rev-parse", "head"]).trim().to_owned();
    let commits = repo.git(&["rev-list", "main..head"]);
    let written: serde_json::Map<String, Value> = commits
        .lines()
        .map(|commit| {
            let ann = json!({"people": [{"id": 1, "login": "ann"}]});
            (commit.to_owned(), ann)
        })
        .collect();
    let review = json!({
        "id": 1, "user": {"id": 2, "login": "bob"}, "state": "APPROVED", "commit": head,
        "submitted_at": "2026-11-21T00:01:00Z", "association": "NONE",
    });
    let reviews = if approved { vec![review] } else { Vec::new() };
    let saved = json!({
        "schema": "gatecard/approvals/v1",
        "repo": "acme/app",
        "pulls": [{
            "number": 7, "base_ref": "main", "head": head, "author": {"id": 1, "login": "ann"},
            "reviews": reviews, "authorship": written,
            "moves": {"timeline": {"force_pushed": null, "retargeted": null}},
        }],
        "teams": {},
        "writers": {},
    });
    repo.evidence("approvals.json", saved.to_string().as_bytes())
}

fn check(repo: &Repo, runs: [Option<&Evals>; 2], approved: bool) -> Ran {
    check_as(repo, runs, (approved, "json"))
}

fn check_as(repo: &Repo, runs: [Option<&Evals>; 2], (approved, format): (bool, &str)) -> Ran {
    let names = ["baseline.json", "candidate.json"].into_iter().zip(runs);
    let files: Vec<String> = names
        .filter_map(|(name, run)| Some(repo.evidence(name, &run?.bytes())))
        .collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let reviews = reviews(repo, approved);
    repo.check_with(&files, &["--approvals", &reviews, "--format", format])
}

fn base() -> Evals {
    Evals::passing(BASE_PROMPT)
}

fn head() -> Evals {
    Evals::passing(HEAD_PROMPT)
}

/// Changes the first assertion of some rows.
fn softened(mut run: Evals, key: &str, value: &Value) -> Evals {
    for row in run.rows().iter_mut().take(2) {
        row["testCase"]["assert"][0][key] = value.clone();
    }
    run
}

/// The outcome of the gate: state, code, whether it blocks.
fn outcome(ran: &Ran) -> String {
    let report = ran.json();
    let outcomes = report["outcomes"].as_array().unwrap().iter();
    let found: Vec<String> = outcomes
        .filter(|each| each["gate"] == "test_set")
        .map(|each| {
            let text = |key: &str| each[key].as_str().unwrap().to_owned();
            let blocks = if each["blocks"] == true {
                " blocks"
            } else {
                ""
            };
            format!("{} {}{blocks}", text("outcome"), text("code"))
        })
        .collect();
    found.join(", ")
}

#[test]
fn each_way_to_ask_for_less_is_listed_and_needs_the_owner() {
    let free = repo(POLICY);
    let owned = repo(&format!("{POLICY}{OWNED}"));
    let lowered = softened(head(), "threshold", &json!(0.1));
    let expected = softened(head(), "value", &json!("anything"));
    for (what, run, told) in [
        ("dropped cases", head().keep(57), "3 cases removed"),
        ("a threshold", lowered, "2 cases with another threshold"),
        ("a value", expected, "2 cases with another expected value"),
    ] {
        let runs = [Some(&base()), Some(&run)];
        let ran = check(&free, runs, false);
        assert_eq!(outcome(&ran), "fail test-set-changed", "{what}");
        let ran = check(&owned, runs, false);
        assert_eq!(outcome(&ran), "missing approval-missing blocks", "{what}");
        let ran = check(&owned, runs, true);
        assert_eq!(outcome(&ran), "pass approved", "{what}");
        let comment = check_as(&owned, runs, (false, "markdown")).out;
        assert!(comment.contains(&format!("test set: {told}")), "{comment}");
    }
}

#[test]
fn a_test_set_that_asks_for_no_less_needs_nobody() {
    let repo = repo(&format!("{POLICY}{OWNED}"));
    let fewer = base().keep(50);
    for (what, baseline) in [("the same cases", base()), ("cases added", fewer)] {
        let ran = check(&repo, [Some(&baseline), Some(&head())], false);
        assert_eq!(outcome(&ran), "pass met", "{what}");
        assert_eq!(ran.json()["approvals"], json!([]), "{what}");
    }
}

#[test]
fn without_two_runs_an_owned_test_set_cannot_pass() {
    let free = repo(POLICY);
    let owned = repo(&format!("{POLICY}{OWNED}"));
    for (what, runs, want) in [
        ("no run", [None, None], "missing evidence-missing blocks"),
        (
            "no baseline",
            [None, Some(&head())],
            "missing baseline-missing blocks",
        ),
        (
            "no candidate",
            [Some(&base()), None],
            "stale evidence-stale blocks",
        ),
    ] {
        assert_eq!(outcome(&check(&owned, runs, true)), want, "{what}");
        let found = outcome(&check(&free, runs, true));
        assert_eq!(found, "not applicable not-applicable", "{what}");
    }
    free.checkout("main");
    free.git(&["checkout", "--quiet", "-B", "head"]);
    free.write(&[("prompts/new.md", "Answer {{message}}.\n")]);
    free.commit("a new prompt");
    let found = outcome(&check(&free, [None, None], false));
    assert_eq!(found, "not applicable first-version");
}

#[test]
fn a_changed_dataset_needs_its_owner_or_else_the_policy_owners() {
    for (policy, approved, test_set, policy_change) in [
        (
            format!("{POLICY}groups: {{ quality: [bob] }}\npolicy_owners: [pat]\n"),
            true,
            "not applicable not-applicable",
            "missing approval-missing",
        ),
        (
            format!("{POLICY}{OWNED}policy_owners: [pat]\n"),
            true,
            "pass approved",
            "not applicable not-applicable",
        ),
        (
            format!("{POLICY}{OWNED}policy_owners: [pat]\n"),
            false,
            "missing approval-missing blocks",
            "not applicable not-applicable",
        ),
    ] {
        let repo = Repo::with(&[
            (".github/gatecard.yml", &policy),
            ("prompts/answer.md", BASE_PROMPT),
            ("evals/cases.json", "[1, 2]"),
        ]);
        repo.branch("head");
        repo.write(&[("evals/cases.json", "[1]")]);
        repo.commit("drop a case");
        let ran = check(&repo, [None, None], approved);
        assert_eq!(outcome(&ran), test_set, "{policy} {approved}");
        assert_eq!(ran.gate("policy_change"), policy_change, "{policy}");
    }
}

#[test]
fn dropped_cases_buy_no_regression_off() {
    let repo = repo(&format!("{POLICY}{OWNED}"));
    // The cases that would fail are not run any more, and the owner approves that.
    let ran = check(&repo, [Some(&base()), Some(&head().keep(40))], true);
    assert_eq!(outcome(&ran), "pass approved");
    assert_eq!(ran.gate("max_regression"), "inconclusive cases-changed");
}

#[test]
fn on_fail_makes_it_a_warning() {
    let gates = "gates: [test_set: { on_fail: warn }]\n";
    let repo = repo(&format!("{POLICY}{OWNED}{gates}"));
    let ran = check(&repo, [Some(&base()), Some(&head().keep(59))], false);
    assert_eq!(outcome(&ran), "missing approval-missing");
}

#[test]
fn a_metric_that_falls_silent_is_a_test_set_that_asks_less() {
    let all = |_| (true, 1.0);
    let graded = |run: Evals| run.graded("safe", None, all);
    let silent = graded(head()).each(|at, row| {
        if at < 3 {
            let said = row["gradingResult"]["componentResults"].as_array_mut();
            said.unwrap().pop();
        }
    });
    for (what, run, want) in [
        ("as before", graded(head()), "pass met"),
        ("of three cases no more", silent, "fail test-set-changed"),
    ] {
        let ran = check(&repo(POLICY), [Some(&graded(base())), Some(&run)], false);
        assert!(
            ran.gate("test_set").starts_with(want),
            "{what}: {}",
            ran.gate("test_set")
        );
    }
}

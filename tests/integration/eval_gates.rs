//! What the gates on eval results make of metrics, trials, budgets, judges, and of cases that must
//! pass or fail.

use serde_json::{Value, json};

use crate::gates::{base, check, found, head, many, under};
use crate::harness::{Evals, POLICY, Ran};

/// A policy with these gates.
fn gates(lines: &str) -> String {
    format!("{POLICY}gates:\n{lines}\n")
}

/// The same at high risk.
fn high(lines: &str) -> String {
    POLICY.replace(
        "[\"prompts/**\"]",
        "[{ files: \"prompts/**\", risk: high }]",
    ) + "provenance: { high: author-supplied }\ngates:\n"
        + lines
        + "\n"
}

fn run(policy: &str, baseline: &Evals, candidate: &Evals) -> Ran {
    check(&under(policy), Some(baseline), Some(candidate))
}

/// Marks the first cases, in the order of their ids.
fn marked(run: Evals, key: &str, count: usize) -> Evals {
    run.each(|at, row| {
        if at < count {
            row["testCase"]["metadata"][key] = json!(true);
        }
    })
}

/// Lets the cases fail that `which` picks, by their order.
fn fail(row: &mut Value) {
    row["success"] = json!(false);
    row["failureReason"] = json!(1);
}

#[test]
fn one_failure_of_a_case_that_must_pass_blocks() {
    let named = gates("  - must_pass: { cases: [\"above-limit-*\"] }");
    let elsewhere = gates("  - must_pass: { cases: [{ case: nowhere, prompts: [\"other/**\"] }] }");
    let nowhere = gates("  - must_pass: { cases: [nowhere] }");
    let warns = gates("  - must_pass: { cases: [\"above-limit-*\"], on_fail: warn }");
    let none = POLICY.to_owned();
    let mut lost = head();
    lost.rows()
        .retain(|row| row["metadata"]["id"] != "above-limit-sofa");
    let errored = head().each(|at, row| {
        if at == 0 {
            row["failureReason"] = json!(2);
            row["success"] = json!(false);
        }
    });
    let flaky = head().again(&head().failing(1));
    for (what, policy, baseline, candidate, want, code) in [
        ("passes", &named, base(), head(), "pass met", 0),
        (
            "fails",
            &named,
            base(),
            head().failing(1),
            "fail must-pass-failed",
            1,
        ),
        (
            "fails in a trial",
            &named,
            base().again(&base()),
            flaky,
            "fail must-pass-failed",
            1,
        ),
        (
            "failed before",
            &named,
            base().failing(1),
            head().failing(1),
            "fail must-pass-failed",
            1,
        ),
        (
            "another fails",
            &named,
            base(),
            head().failing(3).each(|at, row| {
                if at < 2 {
                    row["success"] = json!(true);
                    row["failureReason"] = json!(0);
                }
            }),
            "pass met",
            0,
        ),
        (
            "a warning",
            &warns,
            base(),
            head().failing(1),
            "fail must-pass-failed",
            0,
        ),
        (
            "not run",
            &named,
            base(),
            lost,
            "inconclusive case-missing",
            1,
        ),
        (
            "errored",
            &named,
            base(),
            errored.clone(),
            "inconclusive case-missing",
            1,
        ),
        (
            "a pattern of nothing",
            &nowhere,
            base(),
            head(),
            "inconclusive case-missing",
            1,
        ),
        (
            "asks something else",
            &named,
            base(),
            head().each(|_, row| row["testCase"]["vars"]["message"] = json!("Hi")),
            "inconclusive case-missing",
            1,
        ),
        (
            "asserts something else",
            &named,
            base(),
            head().each(|_, row| row["testCase"]["assert"] = json!([{"type": "is-json"}])),
            "inconclusive case-missing",
            1,
        ),
        (
            "has a trial without result",
            &named,
            base().again(&base()),
            head().again(&errored),
            "inconclusive case-missing",
            1,
        ),
        ("of another prompt", &elsewhere, base(), head(), "", 0),
        ("nobody says so", &none, base(), head().failing(1), "", 0),
        (
            "the results say so",
            &none,
            base(),
            marked(head().failing(1), "must_pass", 1),
            "fail must-pass-failed",
            1,
        ),
        (
            "the results said so",
            &none,
            marked(base(), "must_pass", 1),
            head().failing(1),
            "fail must-pass-failed",
            1,
        ),
    ] {
        let ran = run(policy, &baseline, &candidate);
        assert_eq!(ran.gate("must_pass"), want, "{what}");
        assert_eq!(ran.code, code, "{what}: {}", ran.out);
    }
}

#[test]
fn one_failure_by_a_safety_metric_blocks() {
    let policy = gates("  - must_pass: { metrics: [safety] }");
    let elsewhere =
        gates("  - must_pass: { metrics: [{ name: safety, prompts: [\"other/**\"] }] }");
    let graded = |run: Evals, bad: usize| run.graded("safety", None, |at| (at >= bad, 1.0));
    let half = |run: Evals| {
        let mut run = graded(run, 0);
        let ungraded = run.rows().len() / 2;
        run.each(|at, row| {
            if at < ungraded {
                let results = row["gradingResult"]["componentResults"].as_array_mut();
                results.unwrap().pop();
            }
        })
    };
    for (what, policy, baseline, candidate, want) in [
        (
            "all pass",
            &policy,
            graded(base(), 0),
            graded(head(), 0),
            "pass met",
        ),
        (
            "one fails",
            &policy,
            graded(base(), 0),
            graded(head(), 1),
            "fail must-pass-failed",
        ),
        (
            "it failed before",
            &policy,
            graded(base(), 1),
            graded(head(), 1),
            "fail must-pass-failed",
        ),
        (
            "not graded",
            &policy,
            base(),
            head(),
            "missing metric-missing",
        ),
        (
            "half of it is not graded any more",
            &policy,
            graded(base(), 0),
            half(head()),
            "inconclusive case-missing",
        ),
        ("of another prompt", &elsewhere, base(), head(), ""),
    ] {
        let ran = run(policy, &baseline, &candidate);
        assert_eq!(ran.gate("must_pass"), want, "{what}");
    }
}

#[test]
fn a_canary_that_passes_blocks() {
    let policy = gates("  - canaries: { cases: [above-limit-camera] }");
    let none = POLICY.to_owned();
    let broken = head().each(|at, row| {
        if at == 0 {
            row["failureReason"] = json!(2);
            row["success"] = json!(false);
        }
    });
    for (what, policy, candidate, want, code) in [
        ("it fails", &policy, head().failing(1), "pass met", 0),
        ("it passes", &policy, head(), "fail canary-passed", 1),
        (
            "it passes once",
            &policy,
            head().failing(1).again(&head()),
            "fail canary-passed",
            1,
        ),
        (
            "it errored",
            &policy,
            broken,
            "inconclusive case-missing",
            1,
        ),
        ("no canary", &none, head(), "", 0),
        (
            "the results have one",
            &none,
            marked(head(), "canary", 1),
            "fail canary-passed",
            1,
        ),
    ] {
        let ran = run(policy, &base().failing(1), &candidate);
        assert_eq!(ran.gate("canaries"), want, "{what}");
        assert_eq!(ran.code, code, "{what}: {}", ran.out);
    }
}

#[test]
fn a_judge_that_disagrees_with_people_satisfies_no_gate() {
    let policy =
        format!("{POLICY}min_kappa: 0.6\ngates:\n  - max_regression: {{ metrics: [tone] }}\n");
    let judge = Some("openai:gpt-4o");
    // A judge that fails every tenth, and a person who differs from it in some.
    let run_of = |run: Evals, labels: usize, wrong: usize| {
        let run = run.graded("tone", judge, |at| (at % 10 > 0, 1.0));
        run.each(|at, row| {
            if at < labels {
                let says = (at % 10 > 0) != (at < wrong);
                let label = json!({ "pass": says, "score": 1, "assertion": { "type": "human", "metric": "tone" } });
                let results = row["gradingResult"]["componentResults"].as_array_mut();
                results.unwrap().push(label);
            }
        })
    };
    for (what, labels, wrong, agreement, regression) in [
        ("agrees", 30, 0, "pass met", "pass no-drop-seen"),
        ("agrees mostly", 60, 1, "pass met", "pass no-drop-seen"),
        (
            "disagrees",
            60,
            20,
            "fail judge-disagrees",
            "inconclusive judge-disagrees",
        ),
        (
            "too few labels",
            5,
            0,
            "inconclusive judge-unlabelled",
            "inconclusive judge-unlabelled",
        ),
        (
            "no labels",
            0,
            0,
            "inconclusive judge-unlabelled",
            "inconclusive judge-unlabelled",
        ),
    ] {
        let ran = run(
            &policy,
            &run_of(base(), 0, 0),
            &run_of(head(), labels, wrong),
        );
        assert_eq!(ran.gate("judge_agreement"), agreement, "{what}");
        assert_eq!(ran.gate("max_regression"), regression, "{what}");
        assert_eq!(ran.code, i32::from(agreement != "pass met"), "{what}");
    }
    // Without a floor nothing is asked of judges, and a rule is no judge.
    let ran = run(POLICY, &run_of(base(), 0, 0), &run_of(head(), 0, 0));
    assert_eq!(ran.gate("judge_agreement"), "");
    let rule = |run: Evals| run.graded("tone", None, |_| (true, 1.0));
    let ran = run(&policy, &rule(base()), &rule(head()));
    assert_eq!(ran.gate("judge_agreement"), "");
    assert_eq!(ran.gate("max_regression"), "pass no-drop-seen");
}

#[test]
fn cost_counts_for_each_case_that_passes() {
    let each = |dollars: f64| move |_: usize, row: &mut Value| row["cost"] = json!(dollars);
    let unknown = |_: usize, row: &mut Value| row["cost"] = Value::Null;
    let limit = |limit: &str| gates(&format!("  - cost: {{ per_success: {limit} }}"));
    // With 60 cases at 0.01: 30 that pass cost 0.02 each.
    let half = |mut run: Evals| {
        for row in run.rows().iter_mut().take(30) {
            fail(row);
        }
        run
    };
    for (what, policy, baseline, candidate, want) in [
        ("none", POLICY.to_owned(), base(), head(), ""),
        (
            "at the limit",
            limit("0.01"),
            base(),
            head().each(each(0.01)),
            "pass met",
        ),
        (
            "above it",
            limit("0.0099"),
            base(),
            head().each(each(0.01)),
            "fail over-budget",
        ),
        (
            "failures cost too",
            limit("0.0199"),
            half(base()),
            half(head().each(each(0.01))),
            "fail over-budget",
        ),
        (
            "a quarter more",
            limit("+25%"),
            base().each(each(0.008)),
            head().each(each(0.01)),
            "pass met",
        ),
        (
            "more than that",
            limit("+24.9%"),
            base().each(each(0.008)),
            head().each(each(0.01)),
            "fail over-budget",
        ),
        (
            "unknown",
            limit("0.01"),
            base(),
            head().each(unknown),
            "inconclusive budget-unknown",
        ),
        (
            "unknown before",
            limit("+10%"),
            base().each(unknown),
            head(),
            "inconclusive budget-unknown",
        ),
    ] {
        let ran = run(&policy, &baseline, &candidate);
        assert_eq!(ran.gate("cost"), want, "{what}");
        let blocked = !(want.is_empty() || want.starts_with("pass"));
        assert_eq!(ran.code, i32::from(blocked), "{what}: {}", ran.out);
    }
    let warns = gates("  - cost: { per_success: 0.001, on_fail: warn }");
    let ran = run(&warns, &base(), &head().each(each(0.01))).exits(0);
    assert_eq!(
        found(&ran, "cost"),
        "$0.010000 for each case that passes, of 60 cases"
    );
}

#[test]
fn latency_is_judged_at_percentiles() {
    let limit = |limits: &str| gates(&format!("  - latency: {{ {limits} }}"));
    // 57 of 60 take one second: p95 is the slowest of these.
    let slow = |run: Evals, slow: usize| {
        run.each(|at, row| {
            let millis = if at < slow { 9_000 } else { 1_000 };
            row["latencyMs"] = json!(millis);
        })
    };
    let cached = |run: Evals| run.each(|_, row| row["response"]["cached"] = json!(true));
    for (what, policy, baseline, candidate, want) in [
        ("none", POLICY.to_owned(), base(), head(), ""),
        (
            "3 slow",
            limit("p95: 1s"),
            base(),
            slow(head(), 3),
            "pass met",
        ),
        (
            "4 slow",
            limit("p95: 1s"),
            base(),
            slow(head(), 4),
            "fail over-budget",
        ),
        (
            "4 slow, half",
            limit("p50: 1000ms"),
            base(),
            slow(head(), 4),
            "pass met",
        ),
        (
            "both",
            limit("p50: 1s, p95: 1s"),
            base(),
            slow(head(), 4),
            "pass met, fail over-budget",
        ),
        (
            "no more",
            limit("p95: +0%"),
            slow(base(), 4),
            slow(head(), 4),
            "pass met",
        ),
        (
            "more",
            limit("p95: +700%"),
            slow(base(), 0),
            slow(head(), 4),
            "fail over-budget",
        ),
        (
            "from a cache",
            limit("p95: 1s"),
            base(),
            cached(head()),
            "inconclusive budget-unknown",
        ),
    ] {
        let ran = run(&policy, &baseline, &candidate);
        assert_eq!(ran.gate("latency"), want, "{what}");
    }
    let few = gates("  - latency: { p95: 10s }\n  - min_examples: { standard: 1 }");
    let ran = run(&few, &base().keep(19), &head().keep(19));
    assert_eq!(ran.gate("latency"), "inconclusive budget-unknown");
}

#[test]
fn named_metrics_are_tested_together() {
    let gate = |text: &str| gates(&format!("  - max_regression: {{ {text} }}"));
    let one = gate("metrics: [tone]");
    let two = gate("metrics: [tone, style]");
    let lower = gate("metrics: [{ name: tone, direction: lower }]");
    let passes = gate("metrics: [{ name: tone, kind: pass }]");
    let with_pass = gate("metrics: [pass, tone]");
    let elsewhere = gate("metrics: [{ name: other, prompts: [\"other/**\"] }]");
    // Graded scores: 0.9 throughout, and less for the first.
    let tone = |run: Evals, worse: usize| {
        run.graded("tone", None, |at| {
            (true, if at < worse { 0.5 } else { 0.9 })
        })
    };
    let style = |run: Evals, worse: usize| {
        run.graded("style", None, |at| {
            (at >= worse, f64::from(u8::from(at >= worse)))
        })
    };
    for (what, policy, baseline, candidate, want) in [
        (
            "equal",
            &one,
            tone(base(), 0),
            tone(head(), 0),
            "pass no-drop-seen",
        ),
        (
            "5 drop, p 0.06",
            &one,
            tone(base(), 0),
            tone(head(), 5),
            "pass no-drop-seen",
        ),
        (
            "6 drop, p 0.03",
            &one,
            tone(base(), 0),
            tone(head(), 6),
            "fail regression",
        ),
        (
            "6 rise",
            &one,
            tone(base(), 6),
            tone(head(), 0),
            "pass no-drop-seen",
        ),
        (
            "6 rise, less is better",
            &lower,
            tone(base(), 6),
            tone(head(), 0),
            "fail regression",
        ),
        (
            "6 drop, and all still pass",
            &passes,
            tone(base(), 0),
            tone(head(), 6),
            "pass no-drop-seen",
        ),
        (
            "6 drop, of two metrics",
            &two,
            style(tone(base(), 0), 0),
            style(tone(head(), 6), 0),
            "pass no-drop-seen, pass no-drop-seen",
        ),
        (
            "6 and 7 drop",
            &two,
            style(tone(base(), 0), 0),
            style(tone(head(), 6), 7),
            "fail regression, fail regression",
        ),
        (
            "the cases fail, and only the metric is named",
            &one,
            tone(base(), 0),
            tone(head(), 0).failing(9),
            "pass no-drop-seen, fail metric-dropped",
        ),
        (
            "the cases fail, and are named",
            &with_pass,
            tone(base(), 0),
            tone(head(), 0).failing(9),
            "fail regression, pass no-drop-seen",
        ),
        ("not graded", &one, base(), head(), "missing metric-missing"),
        (
            "not graded at base",
            &one,
            base(),
            tone(head(), 0),
            "missing metric-missing",
        ),
        (
            "no metric of this prompt",
            &elsewhere,
            base(),
            head().failing(9),
            "fail regression",
        ),
        (
            "another judge",
            &one,
            base().graded("tone", Some("openai:gpt-4o"), |_| (true, 1.0)),
            head().graded("tone", Some("openai:gpt-4.1"), |_| (true, 1.0)),
            "inconclusive judge-changed",
        ),
    ] {
        let ran = run(policy, &baseline, &candidate);
        assert_eq!(ran.gate("max_regression"), want, "{what}");
        let red = want.contains("fail reg") || want.contains("missing") || want.contains("incon");
        assert_eq!(ran.code, i32::from(red), "{what}: {}", ran.out);
    }
    let ran = run(&one, &tone(base(), 0), &tone(head(), 6)).exits(1);
    let comparison = &ran.json()["comparisons"][1];
    assert_eq!(comparison["metric"], "tone");
    assert_eq!(comparison["test"], "sign-flip");
    assert_eq!(comparison["p"], 0.03125);
    assert_eq!(comparison["difference"], -0.04);
    assert_eq!(comparison["means"], json!([0.9, 0.86]));
}

#[test]
fn a_metric_that_nobody_names_warns_where_it_drops() {
    let tone = |run: Evals, worse: usize| run.graded("tone", None, move |at| (at >= worse, 1.0));
    let drop = |run: Evals, by: f64| {
        run.graded("tone", None, move |at| {
            (true, if at < 6 { 0.9 - by } else { 0.9 })
        })
    };
    let ran = run(POLICY, &drop(base(), 0.0), &drop(head(), 0.4)).exits(0);
    assert_eq!(
        ran.gate("max_regression"),
        "pass no-drop-seen, fail metric-dropped"
    );
    // What the tool scores the same is the same, whatever it calls it.
    let ran = run(POLICY, &tone(base(), 0), &tone(head(), 6)).exits(0);
    assert_eq!(ran.gate("max_regression"), "pass no-drop-seen");
}

#[test]
fn a_margin_must_be_ruled_out_where_the_policy_asks_for_it() {
    let gate = |text: &str| {
        gates(&format!(
            "  - max_regression: {{ mode: non_inferior, {text} }}"
        ))
    };
    let wide = gate("margin: 10pp");
    let narrow = gate("margin: 2pp");
    let warns = gate("margin: 2pp, inconclusive: warn");
    let by_risk = gate("margin: 2pp, inconclusive: { high: warn }");
    for (what, policy, candidate, want, code) in [
        ("nothing lost", &wide, head(), "pass margin-kept", 0),
        (
            "5 lost",
            &wide,
            head().failing(5),
            "inconclusive margin-not-shown",
            1,
        ),
        ("9 lost", &wide, head().failing(9), "fail regression", 1),
        (
            "too few cases",
            &narrow,
            head(),
            "inconclusive margin-not-shown",
            1,
        ),
        (
            "a warning",
            &warns,
            head(),
            "inconclusive margin-not-shown",
            0,
        ),
        (
            "a drop is no warning",
            &warns,
            head().failing(9),
            "fail regression",
            1,
        ),
        (
            "a warning at high risk only",
            &by_risk,
            head(),
            "inconclusive margin-not-shown",
            1,
        ),
    ] {
        let ran = run(policy, &base(), &candidate);
        assert_eq!(ran.gate("max_regression"), want, "{what}");
        assert_eq!(ran.code, code, "{what}: {}", ran.out);
    }
    let ran = run(&narrow, &base(), &head());
    let next = ran.json()["next"].as_str().unwrap_or_default().to_owned();
    assert!(next.contains("run 1565 cases or more"), "{next}");
}

#[test]
fn trials_of_a_case_are_averaged_and_flaky_cases_are_counted() {
    let three = |one: Evals, two: Evals, three: Evals| one.again(&two).again(&three);
    let steady = three(base(), base(), base());
    // Six cases that fail once in three are no six failures, and no nothing either.
    let flaky = three(head(), head().failing(6), head());
    let ran = run(POLICY, &steady, &flaky).exits(1);
    assert_eq!(ran.gate("max_regression"), "fail regression");
    let comparison = &ran.json()["comparisons"][0];
    assert_eq!(comparison["test"], "sign-flip");
    assert_eq!(comparison["paired"], 60);
    assert_eq!(comparison["flaky"], 6);
    assert_eq!(comparison["lost"], 0);
    assert_eq!(comparison["p"], 0.03125);
    assert_eq!(comparison["difference"], -0.033_333);
    let again = run(POLICY, &steady, &flaky);
    assert_eq!(comparison["seed"], again.json()["comparisons"][0]["seed"]);
    let few = run(POLICY, &steady, &three(head(), head().failing(5), head())).exits(0);
    assert_eq!(few.gate("max_regression"), "pass no-drop-seen");
    // 11 of 180 trials errored: above 5 %, though every case came to a result.
    let broken = three(head(), head().errored(11), head());
    let ran = run(POLICY, &steady, &broken).exits(3);
    assert_eq!(ran.gate("max_regression"), "error too-many-errors");
}

#[test]
fn a_high_risk_prompt_must_be_able_to_see_ten_points() {
    let examples = "  - min_examples: { high: 50 }";
    let warns = format!("{examples}\n  - max_regression: {{ inconclusive: {{ high: warn }} }}");
    let (few, warns) = (high(examples), high(&warns));
    for (what, policy, times, want, code) in [
        ("60 cases", &few, 1, "inconclusive too-weak", 1),
        ("60 cases, a warning", &warns, 1, "inconclusive too-weak", 0),
        ("120 cases", &few, 2, "pass no-drop-seen", 0),
    ] {
        let ran = run(policy, &many(base(), times), &many(head(), times));
        assert_eq!(ran.gate("max_regression"), want, "{what}");
        assert_eq!(ran.code, code, "{what}: {}", ran.out);
    }
    let ran = run(&few, &base(), &head());
    let said = found(&ran, "max_regression");
    assert!(said.ends_with("could see 12.9 points or more"), "{said}");
    let standard = run(POLICY, &base(), &head());
    let said = found(&standard, "max_regression");
    let want = "no drop seen (could see 12.9 points or more): 60 of 60 cases pass";
    assert!(said.starts_with(want), "{said}");
}

#[test]
fn a_high_risk_prompt_needs_cases_from_real_traffic() {
    let gate = |traced: &str| {
        high(&format!(
            "  - min_examples: {{ high: 50, traced: {traced} }}"
        ))
    };
    let without = |run: Evals, kept: usize| {
        let mut left = kept;
        run.each(|_, row| {
            let here = row["testCase"]["metadata"]["trace_id"].is_string();
            if here && left > 0 {
                left -= 1;
            } else if let Some(metadata) = row["testCase"]["metadata"].as_object_mut() {
                metadata.remove("trace_id");
            }
        })
    };
    for (what, policy, candidate, want) in [
        (
            "5 of 60",
            gate("10%"),
            without(head(), 5),
            "fail too-few-traced",
        ),
        ("6 of 60", gate("10%"), without(head(), 6), "pass met"),
        (
            "1 of 60, and fewer are asked for",
            gate("1%"),
            without(head(), 1),
            "pass met",
        ),
        (
            "none is asked for",
            gate("0%"),
            without(head(), 1),
            "pass met",
        ),
    ] {
        let ran = run(&policy, &base(), &candidate);
        assert_eq!(
            ran.gate("min_examples"),
            want,
            "{what}: {}",
            found(&ran, "min_examples")
        );
    }
    let standard = gates("  - min_examples: { traced: 50% }");
    let ran = run(&standard, &base(), &without(head(), 1));
    assert_eq!(ran.gate("min_examples"), "pass met");
}

#[test]
fn an_answer_of_which_less_is_said_has_no_result() {
    let all = |_| (true, 1.0);
    let graded = |run: Evals| run.graded("safe", None, all);
    let silent = |count: usize| {
        graded(head()).each(|at, row| {
            if at < count {
                let said = row["gradingResult"]["componentResults"].as_array_mut();
                said.unwrap().pop();
            }
        })
    };
    for (count, want) in [
        (0, "pass no-drop-seen"),
        (2, "pass no-drop-seen"),
        (20, "inconclusive errors-decide"),
    ] {
        let ran = run(POLICY, &graded(base()), &silent(count));
        let gate = ran.gate("max_regression");
        assert!(gate.starts_with(want), "{count}: {gate}");
    }
}

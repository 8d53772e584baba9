//! Every gate, in the states that it can come out in.

use std::fs;

use serde_json::{Value, json};

use crate::harness::{
    BASE_PROMPT, Evals, HEAD_PROMPT, NOW, POLICY, Passing, Ran, Repo, example_evidence, git_in,
    traces,
};

/// A repository like that of [`Passing`] under a policy with more lines.
pub(crate) fn under(policy: &str) -> Repo {
    let repo = Repo::with(&[
        (".github/gatecard.yml", policy),
        ("prompts/answer.md", BASE_PROMPT),
    ]);
    repo.branch("head");
    repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
    repo.commit("change the prompt");
    repo
}

/// Checks base and head runs with the traces of the base version.
pub(crate) fn check(repo: &Repo, baseline: Option<&Evals>, candidate: Option<&Evals>) -> Ran {
    let version = repo.version("main", "prompts/answer");
    let traces = traces("prompts/answer", &version);
    let mut files = vec![repo.evidence("traces.jsonl", &traces)];
    for (name, run) in [("baseline.json", baseline), ("candidate.json", candidate)] {
        files.extend(run.map(|run| repo.evidence(name, &run.bytes())));
    }
    repo.check(&files.iter().map(String::as_str).collect::<Vec<_>>())
}

pub(crate) fn base() -> Evals {
    Evals::passing(BASE_PROMPT)
}

pub(crate) fn head() -> Evals {
    Evals::passing(HEAD_PROMPT)
}

/// The same cases `times` over, with ids of their own.
pub(crate) fn many(mut run: Evals, times: usize) -> Evals {
    let rows = run.rows().clone();
    for copy in 1..times {
        for mut row in rows.clone() {
            let id = row["testCase"]["metadata"]["id"].as_str().unwrap();
            row["testCase"]["metadata"]["id"] = json!(format!("{id}-{copy}"));
            row["metadata"]["id"] = row["testCase"]["metadata"]["id"].clone();
            row["testCase"]["vars"]["copy"] = json!(copy);
            run.rows().push(row);
        }
    }
    run
}

pub(crate) fn found(ran: &Ran, gate: &str) -> String {
    let report = ran.json();
    let outcomes = report["outcomes"].as_array().unwrap();
    let outcome = outcomes.iter().find(|outcome| outcome["gate"] == gate);
    outcome.unwrap()["found"].as_str().unwrap().to_owned()
}

#[test]
fn min_examples_counts_cases_that_came_to_a_result() {
    let risk = |tier: &str| {
        POLICY.replace(
            "[\"prompts/**\"]",
            &format!("[{{ files: \"prompts/**\", risk: {tier} }}]"),
        ) + "provenance: { high: author-supplied }\n"
    };
    let gate = |text: &str| format!("{POLICY}gates:\n  - min_examples: {{ {text} }}\n");
    let standard = POLICY.to_owned();
    let bare = |mut run: Evals| {
        for row in run.rows() {
            row["gradingResult"]["componentResults"] = json!([]);
        }
        run
    };
    for (what, policy, run, code, want) in [
        ("49", &standard, head().keep(49), 1, "fail too-few-cases"),
        ("50", &standard, head().keep(50), 0, "pass met"),
        (
            "49 at low risk",
            &risk("low"),
            head().keep(49),
            1,
            "fail too-few-cases",
        ),
        (
            "50 at low risk",
            &risk("low"),
            head().keep(50),
            0,
            "pass met",
        ),
        (
            "180 at high risk",
            &risk("high"),
            many(head(), 3),
            1,
            "fail too-few-cases",
        ),
        (
            "200 at high risk",
            &risk("high"),
            many(head(), 4).keep(200),
            0,
            "pass met",
        ),
        ("60, 2 errored", &standard, head().errored(2), 0, "pass met"),
        (
            "51, 2 errored",
            &standard,
            head().keep(51).errored(2),
            1,
            "fail too-few-cases",
        ),
        ("no assertions", &standard, bare(head()), 1, "fail no-cases"),
        (
            "one question under 60 names",
            &standard,
            head().each(|_, row| {
                row["testCase"]["vars"] = json!({"message": "Hi"});
                row["testCase"]["assert"] = json!([{"type": "contains", "value": "x"}]);
            }),
            1,
            "fail too-few-cases",
        ),
        (
            "a warning",
            &gate("standard: 100, on_fail: warn"),
            head(),
            0,
            "fail too-few-cases",
        ),
        (
            "another bound",
            &gate("standard: 40"),
            head().keep(40),
            0,
            "pass met",
        ),
    ] {
        // The base version ran the same cases.
        let mut baseline = run.clone();
        baseline.0["results"]["prompts"][0]["raw"] = json!(BASE_PROMPT);
        let ran = check(&under(policy), Some(&baseline), Some(&run));
        assert_eq!(ran.gate("min_examples"), want, "{what}");
        assert_eq!(ran.code, code, "{what}: {}", ran.out);
    }
}

#[test]
fn max_regression_blocks_a_significant_drop_only() {
    let gate = |text: &str| format!("{POLICY}gates:\n  - max_regression: {{ {text} }}\n");
    let standard = POLICY.to_owned();
    let warns = gate("on_fail: warn");
    let strict = gate("alpha: 0.01");
    let mut renamed = head();
    for row in renamed.rows() {
        let id = row["metadata"]["id"].as_str().unwrap();
        let id = json!(format!("other-{id}"));
        row["metadata"]["id"] = id.clone();
        row["testCase"]["metadata"]["id"] = id;
    }
    for (what, policy, baseline, candidate, code, want) in [
        (
            "no drop",
            &standard,
            Some(base()),
            Some(head()),
            0,
            "pass no-drop-seen",
        ),
        (
            "5 lost, p 0.06",
            &standard,
            Some(base()),
            Some(head().failing(5)),
            0,
            "pass no-drop-seen",
        ),
        (
            "6 lost, p 0.03",
            &standard,
            Some(base()),
            Some(head().failing(6)),
            1,
            "fail regression",
        ),
        (
            "6 lost, alpha 0.01",
            &strict,
            Some(base()),
            Some(head().failing(6)),
            0,
            "pass no-drop-seen",
        ),
        (
            "8 lost, alpha 0.01",
            &strict,
            Some(base()),
            Some(head().failing(8)),
            1,
            "fail regression",
        ),
        (
            "20 won",
            &standard,
            Some(base().failing(20)),
            Some(head()),
            0,
            "pass no-drop-seen",
        ),
        (
            "a warning",
            &warns,
            Some(base()),
            Some(head().failing(20)),
            0,
            "fail regression",
        ),
        (
            "3 failed and 3 errored",
            &standard,
            Some(base()),
            Some(head().failing(3).errored(3)),
            1,
            "inconclusive errors-decide",
        ),
        (
            "3 errored",
            &standard,
            Some(base()),
            Some(head().errored(3)),
            0,
            "pass no-drop-seen",
        ),
        (
            "4 errored",
            &standard,
            Some(base()),
            Some(head().errored(4)),
            3,
            "error too-many-errors",
        ),
        (
            "4 errored at base",
            &standard,
            Some(base().errored(4)),
            Some(head()),
            3,
            "error too-many-errors",
        ),
        (
            "other cases",
            &standard,
            Some(base()),
            Some(renamed),
            1,
            "inconclusive nothing-paired",
        ),
        (
            "no baseline",
            &standard,
            None,
            Some(head()),
            1,
            "missing baseline-missing",
        ),
        (
            "no candidate",
            &standard,
            Some(base()),
            None,
            1,
            "stale evidence-stale",
        ),
        (
            "nothing",
            &standard,
            None,
            None,
            1,
            "missing evidence-missing",
        ),
    ] {
        let ran = check(&under(policy), baseline.as_ref(), candidate.as_ref());
        assert_eq!(ran.gate("max_regression"), want, "{what}");
        assert_eq!(ran.code, code, "{what}: {}", ran.out);
    }
}

#[test]
fn errors_decide_only_where_both_readings_differ() {
    // 6 failed with or without the errored ones: a regression either way.
    let ran = check(
        &under(POLICY),
        Some(&base()),
        Some(&head().failing(6).errored(3)),
    );
    assert_eq!(ran.gate("max_regression"), "fail regression");
}

#[test]
fn a_new_prompt_has_no_version_to_compare_with() {
    let repo = Repo::with(&[
        (".github/gatecard.yml", POLICY),
        ("prompts/other.md", "Other"),
    ]);
    repo.branch("head");
    repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
    repo.commit("add a prompt");
    let version = repo.version("head", "prompts/answer");
    let files = [
        repo.evidence("candidate.json", &head().bytes()),
        repo.evidence("traces.jsonl", &traces("prompts/answer", &version)),
    ];
    let ran = repo.check(&[&files[0], &files[1]]).exits(0);
    assert_eq!(ran.gate("max_regression"), "not applicable first-version");
}

#[test]
fn of_two_changed_prompts_each_must_show_more() {
    let (base_two, head_two) = ("Second: {{message}}\n", "Second, kindly: {{message}}\n");
    let repo = Repo::with(&[
        (".github/gatecard.yml", POLICY),
        ("prompts/answer.md", BASE_PROMPT),
        ("prompts/second.md", base_two),
    ]);
    repo.branch("head");
    repo.write(&[
        ("prompts/answer.md", HEAD_PROMPT),
        ("prompts/second.md", head_two),
    ]);
    repo.commit("change both");
    let second = |raw: &str| {
        let mut run = Evals::passing(raw);
        run.0["results"]["prompts"][0]["label"] = json!("second");
        run.0["config"]["prompts"] = json!(["file:///srv/app/prompts/second.md"]);
        run
    };
    let run = |lost: usize, lost_two: usize| {
        let runs = [
            base(),
            head().failing(lost),
            second(base_two),
            second(head_two).failing(lost_two),
        ];
        let files: Vec<String> = runs
            .iter()
            .enumerate()
            .map(|(at, run)| repo.evidence(&format!("{at}.json"), &run.bytes()))
            .collect();
        repo.check(&files.iter().map(String::as_str).collect::<Vec<_>>())
            .gate("max_regression")
    };
    let (pass, fail) = ("pass no-drop-seen", "fail regression");
    // p = 0.031 for 6 lost cases is enough alone, not beside a prompt that lost none; beside
    // 7 lost (p = 0.016) both hold.
    assert_eq!(run(6, 0), format!("{pass}, {pass}"));
    assert_eq!(run(7, 0), format!("{fail}, {pass}"));
    assert_eq!(run(6, 7), format!("{fail}, {fail}"));
}

/// Takes an attribute away from the first `count` chat spans of traces, or from all.
fn without(bytes: &[u8], keys: &[&str], count: usize) -> Vec<u8> {
    each_chat(bytes, |at, span| {
        let attributes = span["attributes"].as_array_mut().unwrap();
        if at < count {
            attributes.retain(|attribute| !keys.contains(&attribute["key"].as_str().unwrap()));
        }
    })
}

/// Visits every chat span that did not fail, with its number.
fn each_chat(bytes: &[u8], mut visit: impl FnMut(usize, &mut Value)) -> Vec<u8> {
    let mut out = String::new();
    let mut at = 0;
    for line in std::str::from_utf8(bytes).unwrap().lines() {
        let mut request: Value = serde_json::from_str(line).unwrap();
        let resources = request["resourceSpans"].as_array_mut().unwrap().iter_mut();
        let scopes = resources.flat_map(|each| each["scopeSpans"].as_array_mut().unwrap());
        let spans = scopes.flat_map(|each| each["spans"].as_array_mut().unwrap());
        for span in spans.filter(|span| answered(span)) {
            visit(at, span);
            at += 1;
        }
        out.push_str(&request.to_string());
        out.push('\n');
    }
    out.into_bytes()
}

fn answered(span: &Value) -> bool {
    let chat = json!({ "key": "gen_ai.operation.name", "value": { "stringValue": "chat" } });
    span["attributes"].as_array().unwrap().contains(&chat) && span["status"]["code"] != 2
}

/// Checks the passing change with other traces.
fn with_traces(passing: &Passing, bytes: &[u8], more: &[&str]) -> Ran {
    let path = passing.repo.evidence("other.jsonl", bytes);
    let [baseline, candidate, _] = &passing.files;
    passing.repo.check_with(&[baseline, candidate, &path], more)
}

#[test]
fn shares_are_judged_at_their_threshold() {
    let passing = Passing::new();
    let all = fs::read(&passing.files[2]).unwrap();
    // 161 calls, 2 of them failed; the one of a fallback names neither prompt nor version,
    // and its model has no price.
    let cases: [(&str, &str, usize, &str); 10] = [
        ("prompt_version", "gen_ai.prompt.version", 0, "pass met"),
        (
            "prompt_version",
            "gen_ai.prompt.version",
            1,
            "fail trace-share",
        ),
        ("request_metadata", "gen_ai.input.messages", 8, "pass met"),
        (
            "request_metadata",
            "gen_ai.input.messages",
            9,
            "fail trace-share",
        ),
        ("request_metadata", "gen_ai.output.messages", 8, "pass met"),
        (
            "request_metadata",
            "gen_ai.output.messages",
            9,
            "fail trace-share",
        ),
        (
            "cost_and_latency",
            "gen_ai.usage.input_tokens",
            7,
            "pass met",
        ),
        (
            "cost_and_latency",
            "gen_ai.usage.input_tokens",
            8,
            "fail trace-share",
        ),
        (
            "cost_and_latency",
            "gen_ai.usage.output_tokens",
            7,
            "pass met",
        ),
        (
            "cost_and_latency",
            "gen_ai.usage.output_tokens",
            8,
            "fail trace-share",
        ),
    ];
    for (gate, key, count, want) in cases {
        let ran = with_traces(&passing, &without(&all, &[key], count), &[]);
        let found = ran.gate(gate);
        assert_eq!(
            found,
            want,
            "{gate} without {count} {key}: {}",
            self::found(&ran, gate)
        );
    }
}

#[test]
fn older_attribute_names_count_the_same() {
    let passing = Passing::new();
    let text = String::from_utf8(fs::read(&passing.files[2]).unwrap()).unwrap();
    let old = text
        .replace("gen_ai.provider.name", "gen_ai.system")
        .replace("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
        .replace(
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
        )
        .replace("gen_ai.output.messages", "gen_ai.completion.0.content")
        .replace("deployment.environment.name", "deployment.environment");
    assert_ne!(old, text);
    let ran = with_traces(&passing, old.as_bytes(), &[]).exits(0);
    for gate in ["prompt_version", "request_metadata", "cost_and_latency"] {
        assert_eq!(ran.gate(gate), "pass met", "{gate}");
    }
}

#[test]
fn cost_needs_a_price_or_an_attribute() {
    let repo = under("version: 1\nprompts: [\"prompts/**\"]\n");
    let ran = check(&repo, Some(&base()), Some(&head())).exits(1);
    assert_eq!(ran.gate("cost_and_latency"), "fail trace-share");
    assert!(found(&ran, "cost_and_latency").contains("cost 0"));
    let version = repo.version("main", "prompts/answer");
    let priced = each_chat(&traces("prompts/answer", &version), |_, span| {
        let cost = json!({ "key": "gen_ai.usage.cost", "value": { "doubleValue": 0.001 } });
        span["attributes"].as_array_mut().unwrap().push(cost);
    });
    let files = [
        repo.evidence("baseline.json", &base().bytes()),
        repo.evidence("candidate.json", &head().bytes()),
        repo.evidence("traces.jsonl", &priced),
    ];
    let ran = repo.check(&[&files[0], &files[1], &files[2]]).exits(0);
    assert_eq!(ran.gate("cost_and_latency"), "pass met");
    assert_eq!(ran.json()["coverage"]["estimated"], 0);
}

#[test]
fn versions_that_traces_name_are_looked_up() {
    let repo = Repo::with(&[
        (".github/gatecard.yml", POLICY),
        ("prompts/answer.md", "First {{message}}\n"),
    ]);
    let first = repo.version("main", "prompts/answer");
    for text in ["Second {{message}}\n", "Third {{message}}\n", BASE_PROMPT] {
        repo.write(&[("prompts/answer.md", text)]);
        repo.commit("edit");
    }
    repo.branch("head");
    repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
    repo.commit("change the prompt");
    let newest = repo.version("head", "prompts/answer");
    let check = |named: &str| {
        let files = [
            repo.evidence("baseline.json", &base().bytes()),
            repo.evidence("candidate.json", &head().bytes()),
            repo.evidence("traces.jsonl", &traces("prompts/answer", named)),
        ];
        repo.check(&[&files[0], &files[1], &files[2]])
    };
    for (what, named, want) in [
        ("of long ago", first.as_str(), "pass met"),
        ("in short", &first[..12], "pass met"),
        ("too short", &first[..11], "fail trace-share"),
        ("with its kind", &format!("sha256:{first}"), "pass met"),
        ("of head", &newest, "pass met"),
        ("unknown", &"ab".repeat(32), "fail trace-share"),
        ("a label", "v1", "fail trace-share"),
    ] {
        assert_eq!(check(named).gate("prompt_version"), want, "{what}");
    }
}

#[test]
fn a_shallow_clone_says_that_history_is_missing() {
    let repo = Repo::with(&[
        (".github/gatecard.yml", POLICY),
        ("prompts/answer.md", "First {{message}}\n"),
    ]);
    let first = repo.version("main", "prompts/answer");
    repo.write(&[("prompts/answer.md", BASE_PROMPT)]);
    repo.commit("edit");
    repo.branch("head");
    repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
    repo.commit("change the prompt");
    let clone = repo.beside("clone");
    let from = format!("file://{}", repo.path().display());
    let to = clone.to_str().unwrap();
    git_in(
        &repo.path(),
        &[
            "clone", "--quiet", "--depth", "2", "--branch", "head", &from, to,
        ],
    );
    git_in(&clone, &["branch", "--quiet", "main", "HEAD~1"]);
    let files = [
        repo.evidence("baseline.json", &base().bytes()),
        repo.evidence("candidate.json", &head().bytes()),
        repo.evidence("traces.jsonl", &traces("prompts/answer", &first)),
    ];
    let ran = crate::harness::gatecard(&[
        "check",
        "--repo",
        to,
        "--base",
        "main",
        "--head",
        "head",
        "--now",
        NOW,
        "--format",
        "json",
        "--evidence",
        &files[0],
        "--evidence",
        &files[1],
        "--evidence",
        &files[2],
    ])
    .exits(3);
    assert_eq!(ran.gate("prompt_version"), "error history-missing");
    assert!(
        ran.json()["next"]
            .as_str()
            .unwrap()
            .contains("fetch-depth: 0")
    );
}

#[test]
fn labels_resolve_through_the_prompt_or_the_policy() {
    let front = |label: &str, body: &str| format!("---\nversion: {label}\n---\n{body}");
    let labelled = format!(
        "{POLICY}labels:\n  prompts/answer:\n    stable: {}\n",
        "a".repeat(64)
    );
    let repo = Repo::with(&[
        (".github/gatecard.yml", &labelled),
        ("prompts/answer.md", &front("3", BASE_PROMPT)),
    ]);
    repo.branch("head");
    repo.write(&[("prompts/answer.md", &front("4", HEAD_PROMPT))]);
    repo.commit("change the prompt");
    for (label, want) in [
        ("3", "pass met"),
        ("4", "pass met"),
        ("stable", "pass met"),
        ("5", "fail trace-share"),
    ] {
        let files = [
            repo.evidence("baseline.json", &base().bytes()),
            repo.evidence("candidate.json", &head().bytes()),
            repo.evidence("traces.jsonl", &traces("prompts/answer", label)),
        ];
        let ran = repo.check(&[&files[0], &files[1], &files[2]]);
        assert_eq!(ran.gate("prompt_version"), want, "{label}");
    }
}

#[test]
fn too_few_calls_of_a_prompt_are_judged_with_all_calls_or_not_at_all() {
    let passing = Passing::new();
    let version = passing.repo.version("main", "prompts/answer");
    let other = traces("prompts/elsewhere", &version);
    let ran = with_traces(&passing, &other, &[]);
    // Nothing of this prompt, 161 calls of others: judged by those.
    let said = found(&ran, "request_metadata");
    assert!(said.contains("of 161 calls of all prompts"), "{said}");
    let few: Vec<u8> = traces("prompts/answer", &version)
        .split_inclusive(|byte| *byte == b'\n')
        .take(3)
        .flatten()
        .copied()
        .collect();
    let ran = with_traces(&passing, &few, &[]).exits(1);
    for gate in ["prompt_version", "request_metadata", "cost_and_latency"] {
        assert_eq!(ran.gate(gate), "inconclusive too-few-traces", "{gate}");
    }
}

#[test]
fn traces_expire_and_missing_traces_are_missing() {
    let passing = Passing::new();
    let [baseline, candidate, traces] = &passing.files;
    let gates = ["prompt_version", "request_metadata", "cost_and_latency"];
    for (now, want) in [
        ("2026-12-09T12:00:00Z", "pass met"),
        ("2026-12-22T12:00:00Z", "inconclusive too-few-traces"),
        ("2026-12-23T21:00:00Z", "stale evidence-expired"),
    ] {
        let ran = crate::harness::gatecard(&[
            "check",
            "--repo",
            passing.repo.path().to_str().unwrap(),
            "--base",
            "main",
            "--head",
            "head",
            "--now",
            now,
            "--format",
            "json",
            "--evidence",
            baseline,
            "--evidence",
            candidate,
            "--evidence",
            traces,
        ]);
        assert_eq!(gates.map(|gate| ran.gate(gate)), [want; 3], "{now}");
    }
    let ran = passing.repo.check(&[baseline, candidate]).exits(1);
    assert_eq!(
        gates.map(|gate| ran.gate(gate)),
        ["missing traces-missing"; 3]
    );
}

#[test]
fn before_production_trace_gates_do_not_apply() {
    let repo = under(&format!("{POLICY}stage: pre_production\n"));
    let files = [
        repo.evidence("baseline.json", &base().bytes()),
        repo.evidence("candidate.json", &head().bytes()),
    ];
    let ran = repo.check(&[&files[0], &files[1]]).exits(0);
    for gate in [
        "prompt_version",
        "request_metadata",
        "cost_and_latency",
        "traces_to_evals",
    ] {
        assert_eq!(ran.gate(gate), "not applicable pre-production", "{gate}");
    }
    let band = ran.json()["band"].as_str().unwrap().to_owned();
    assert!(["do_not_use", "pilot"].contains(&band.as_str()), "{band}");
}

#[test]
fn a_case_counts_as_taken_from_a_trace_that_is_known() {
    let text = String::from_utf8(example_evidence("traces.otlp.jsonl.gz")).unwrap();
    let (_, rest) = text.split_once("\"traceId\":\"").unwrap();
    let known = rest[..32].to_owned();
    let passing = Passing::new();
    let [baseline, _, traces] = &passing.files;
    for (what, id, want) in [
        ("known", Some(known.clone()), "pass met"),
        ("in capitals", Some(known.to_uppercase()), "pass met"),
        ("unknown", Some("ab".repeat(16)), "fail trace-unknown"),
        ("cut", Some(known[..31].to_owned()), "fail trace-unknown"),
        (
            "signed",
            Some(format!("+{}", &known[1..])),
            "fail trace-unknown",
        ),
        (
            "no id",
            Some(String::from("see the ticket")),
            "fail trace-unknown",
        ),
        ("none", None, "fail trace-unknown"),
    ] {
        let mut run = head();
        for (at, row) in run.rows().iter_mut().enumerate() {
            let meta = row["testCase"]["metadata"].as_object_mut().unwrap();
            meta.remove("trace_id");
            if let (0, Some(id)) = (at, &id) {
                meta.insert(String::from("trace_id"), json!(id));
            }
        }
        let path = passing.repo.evidence("other.json", &run.bytes());
        let ran = passing.repo.check(&[baseline, &path, traces]);
        assert_eq!(ran.gate("traces_to_evals"), want, "{what}");
    }
    let many = format!("{POLICY}hard_gates: {{ traces_to_evals: 16 cases }}\n");
    let ran = check(&under(&many), Some(&base()), Some(&head())).exits(1);
    assert_eq!(ran.gate("traces_to_evals"), "fail trace-unknown");
}

#[test]
fn a_trigger_asks_for_the_minimum_band() {
    let rewritten = "Refunds only. {{message}} {{order}} Nothing else is answered here, ever.\n";
    for (what, policy, text, code, want) in [
        (
            "no trigger",
            POLICY.to_owned(),
            HEAD_PROMPT,
            0,
            "not applicable not-applicable",
        ),
        ("major change", POLICY.to_owned(), rewritten, 0, "pass met"),
        (
            "major change, ready needed",
            format!("{POLICY}minimum_band: ready\n"),
            rewritten,
            1,
            "fail band-too-low",
        ),
        (
            "no trigger, ready needed",
            format!("{POLICY}minimum_band: ready\n"),
            HEAD_PROMPT,
            0,
            "not applicable not-applicable",
        ),
    ] {
        let repo = under(&policy);
        repo.write(&[("prompts/answer.md", text)]);
        repo.commit("another text");
        let ran = check(&repo, Some(&base()), Some(&Evals::passing(text)));
        assert_eq!(ran.gate("minimum_band"), want, "{what}: {}", ran.out);
        assert_eq!(ran.code, code, "{what}");
    }
}

#[test]
fn advise_and_observe_never_block_and_never_lie() {
    let repo = Repo::sample();
    for mode in ["advise", "observe"] {
        let ran = repo.check_with(&[], &["--mode", mode]).exits(0);
        let report = ran.json();
        assert_eq!(
            (&report["verdict"], &report["mode"]),
            (&json!("fail"), &json!(mode))
        );
        let headline = report["headline"].as_str().unwrap();
        assert!(
            headline.starts_with(&format!("{mode}: would block")),
            "{headline}"
        );
        let broken = repo.evidence("x.json", b"{");
        let ran = repo.check_with(&[&broken], &["--mode", mode]).exits(0);
        assert_eq!(ran.json()["verdict"], "error");
    }
    repo.check_with(&[], &["--mode", "enforce"]).exits(1);
    repo.check_with(&[], &["--mode", "off"]).exits(2);
    let repo = under(&format!("{POLICY}mode: advise\n"));
    repo.check(&[]).exits(0);
    repo.check_with(&[], &["--mode", "enforce"]).exits(1);
}

#[test]
fn cases_that_were_dropped_or_changed_prove_nothing() {
    let mut easier = head();
    for row in easier.rows() {
        row["testCase"]["assert"] = json!([{ "type": "contains", "value": "" }]);
    }
    let mut other_input = head();
    for row in other_input.rows() {
        row["testCase"]["vars"] = json!({ "message": "an easy question" });
    }
    for (what, run) in [
        ("dropped", head().keep(53)),
        ("other assertions", easier),
        ("other input", other_input),
    ] {
        let ran = check(&under(POLICY), Some(&base()), Some(&run)).exits(1);
        assert_eq!(
            ran.gate("max_regression"),
            "inconclusive cases-changed",
            "{what}"
        );
    }
    let ran = check(&under(POLICY), Some(&base()), Some(&head().keep(54)));
    assert_eq!(
        ran.gate("max_regression"),
        "pass no-drop-seen",
        "one in ten may go"
    );
}

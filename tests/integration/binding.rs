//! Which eval results count for which version, facet by facet.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::harness::{BASE_PROMPT, Evals, HEAD_PROMPT, POLICY, Ran, Repo, gatecard_with};

/// What the report says of the changed prompt's evidence: freshness, then state and code.
fn judged(ran: &Ran) -> String {
    let report = ran.json();
    let freshness = report["changes"][0]["freshness"].as_str().unwrap_or("none");
    format!("{freshness}: {}", ran.gate("traces_to_evals"))
}

fn check(repo: &Repo, runs: &[Evals]) -> Ran {
    check_as(repo, &runs.iter().map(|run| ("", run)).collect::<Vec<_>>())
}

/// With roles: `candidate=` or `baseline=` before the path.
fn check_as(repo: &Repo, runs: &[(&str, &Evals)]) -> Ran {
    let paths: Vec<String> = runs
        .iter()
        .enumerate()
        .map(|(at, (role, run))| {
            let path = repo.evidence(&format!("run-{at}.json"), &run.bytes());
            format!("{role}{path}")
        })
        .collect();
    repo.check(&paths.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A repository whose prompt and settings differ between `main` and `head`.
fn changed(base: &[(&str, &str)], head: &[(&str, &str)]) -> Repo {
    let repo = Repo::with(base);
    repo.branch("head");
    repo.write(head);
    repo.commit("change");
    repo
}

fn prompt(front: &str, body: &str) -> String {
    format!("---\n{front}\n---\n{body}")
}

const FRESH: &str = "fresh: missing traces-missing";

#[test]
fn the_raw_prompt_decides_which_version_a_run_is_of() {
    let repo = Repo::sample();
    for (what, raw, want) in [
        ("the head version", HEAD_PROMPT, FRESH),
        (
            "the base version",
            BASE_PROMPT,
            "stale(template): stale evidence-stale",
        ),
        (
            "neither",
            "Something else {{message}} {{order}}",
            "stale(template): stale evidence-stale",
        ),
        (
            "one word more",
            &HEAD_PROMPT.replace("Answer", "Please answer"),
            "stale(template): stale evidence-stale",
        ),
        ("other line ends", &HEAD_PROMPT.replace('\n', "\r\n"), FRESH),
    ] {
        let ran = check(&repo, &[Evals::passing(raw)]);
        assert_eq!(judged(&ran), want, "{what}");
    }
}

#[test]
fn a_run_of_another_prompt_does_not_count() {
    let repo = Repo::sample();
    let mut other = Evals::passing("Summarise {{message}}");
    other.0["results"]["prompts"][0]["label"] = json!("summary");
    other.0["config"]["prompts"] = json!(["file:///srv/app/prompts/summary.md"]);
    let ran = check(&repo, &[other]);
    assert_eq!(judged(&ran), "missing: missing evidence-missing");
}

#[test]
fn a_run_with_another_model_or_other_parameters_is_stale() {
    let front = "model: openai/gpt-4o-mini\ntemperature: 0.2\nmax_tokens: 300";
    let repo = changed(
        &[
            (".github/gatecard.yml", POLICY),
            ("prompts/answer.md", &prompt(front, BASE_PROMPT)),
        ],
        &[("prompts/answer.md", &prompt(front, HEAD_PROMPT))],
    );
    let (mini, warm) = (
        "openai:chat:gpt-4o-mini",
        json!({ "temperature": 0.7, "max_tokens": 300 }),
    );
    let same = json!({ "temperature": 0.2, "max_tokens": 300 });
    for (provider, config, want) in [
        (mini, same.clone(), FRESH),
        ("openai:gpt-4o-mini", same.clone(), FRESH),
        ("openai:chat:gpt-4o", same, "stale(model)"),
        (mini, warm.clone(), "stale(parameters)"),
        ("openai:chat:gpt-4o", warm, "stale(model, parameters)"),
    ] {
        let run = Evals::passing(HEAD_PROMPT).provider(provider, &config);
        let found = judged(&check(&repo, &[run]));
        assert!(found.starts_with(want), "{provider}: {found}");
    }
}

#[test]
fn shared_settings_bind_like_the_prompts_own() {
    let policy = format!("{POLICY}models: [config/models.yml]\n");
    let models = |temperature: &str| {
        format!("provider: openai\nmodel: gpt-4o-mini\nparameters:\n  temperature: {temperature}\n")
    };
    let repo = changed(
        &[
            (".github/gatecard.yml", &policy),
            ("config/models.yml", &models("0.2")),
            ("prompts/answer.md", BASE_PROMPT),
        ],
        &[("config/models.yml", &models("0.7"))],
    );
    let run = |temperature: f64| {
        Evals::passing(BASE_PROMPT).provider(
            "openai:chat:gpt-4o-mini",
            &json!({ "temperature": temperature }),
        )
    };
    // Whether a shared file says more than the tool shows cannot be told, so it is stamped.
    let stamped = run(0.7).stamped("prompts/answer", &repo.version("head", "prompts/answer"));
    assert_eq!(judged(&check(&repo, &[stamped])), FRESH);
    assert_eq!(judged(&check(&repo, &[run(0.7)])), FRESH);
    let old = judged(&check(&repo, &[run(0.2)]));
    assert_eq!(old, "stale(parameters): stale evidence-stale");
}

#[test]
fn changed_parameters_that_a_file_does_not_show_need_the_stamp_that_is_named() {
    let front =
        |temperature: &str| format!("model: openai/gpt-4o-mini\ntemperature: {temperature}");
    let repo = changed(
        &[
            (".github/gatecard.yml", POLICY),
            ("prompts/answer.md", &prompt(&front("0.2"), BASE_PROMPT)),
        ],
        &[("prompts/answer.md", &prompt(&front("0.7"), BASE_PROMPT))],
    );
    let mut hidden = Evals::passing(BASE_PROMPT);
    hidden.0["config"]["providers"] = json!("file://providers.js");
    let ran = check(&repo, &[hidden.clone()]);
    assert_eq!(judged(&ran), "unbound: missing facet-not-shown");
    let fix = ran.json()["outcomes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|outcome| outcome["gate"] == "traces_to_evals")
        .map(|outcome| outcome["fix"].as_str().unwrap().to_owned())
        .unwrap();
    assert!(
        fix.contains("tags: {\"gatecard:prompts/answer\": \"sha256:<version>\"}"),
        "{fix}"
    );
    let version = repo.version("head", "prompts/answer");
    for stamp in [version.clone(), format!("sha256:{version}")] {
        let run = hidden.clone().stamped("prompts/answer", &stamp);
        assert_eq!(judged(&check(&repo, &[run])), FRESH, "{stamp}");
    }
}

#[test]
fn a_retrieval_change_is_bound_by_stamp_alone() {
    let policy = format!("{POLICY}retrieval: [config/retrieval.yml]\n");
    let repo = changed(
        &[
            (".github/gatecard.yml", &policy),
            ("config/retrieval.yml", "index: kb\ntop_k: 3\n"),
            ("prompts/answer.md", BASE_PROMPT),
        ],
        &[("config/retrieval.yml", "index: kb\ntop_k: 5\n")],
    );
    let run = || Evals::passing(BASE_PROMPT);
    let stamped =
        |revision: &str| run().stamped("prompts/answer", &repo.version(revision, "prompts/answer"));
    let mut old = run();
    old.0["metadata"]["evaluationCreatedAt"] = json!("2026-11-20T11:59:59Z");
    for (what, run, want) in [
        ("unstamped", run(), "unbound: missing facet-not-shown"),
        ("of head", stamped("head"), FRESH),
        (
            "of base",
            stamped("main"),
            "stale(retrieval): stale evidence-stale",
        ),
        (
            "older than the branch",
            old,
            "stale(retrieval): stale evidence-stale",
        ),
    ] {
        assert_eq!(judged(&check(&repo, &[run])), want, "{what}");
    }
}

#[test]
fn a_raw_prompt_matches_with_or_without_its_front_matter() {
    let front = "name: Answers\nversion: 3";
    let repo = changed(
        &[
            (".github/gatecard.yml", POLICY),
            ("prompts/answer.md", &prompt(front, BASE_PROMPT)),
        ],
        &[("prompts/answer.md", &prompt(front, HEAD_PROMPT))],
    );
    for raw in [HEAD_PROMPT.to_owned(), prompt(front, HEAD_PROMPT)] {
        assert_eq!(
            judged(&check(&repo, &[Evals::passing(&raw)])),
            FRESH,
            "{raw}"
        );
    }
    let ran = check(&repo, &[Evals::passing(&prompt(front, BASE_PROMPT))]);
    assert_eq!(judged(&ran), "stale(template): stale evidence-stale");
}

#[test]
fn a_chat_prompt_is_compared_by_its_messages() {
    let chat = |system: &str| {
        json!([
            { "role": "system", "content": system },
            { "role": "user", "content": "{{message}} {{order}}" },
        ])
    };
    let text = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let (base, head) = (chat("Be short."), chat("Be kind."));
    let repo = changed(
        &[
            (".github/gatecard.yml", POLICY),
            ("prompts/chat.json", &text(&base)),
        ],
        &[("prompts/chat.json", &text(&head))],
    );
    let run = |raw: &Value| {
        let mut run = Evals::passing(&raw.to_string());
        run.0["config"]["prompts"] = json!(["file:///srv/app/prompts/chat.json"]);
        run
    };
    assert_eq!(judged(&check(&repo, &[run(&head)])), FRESH);
    assert_eq!(
        judged(&check(&repo, &[run(&base)])),
        "stale(template): stale evidence-stale"
    );
}

#[test]
fn a_stamp_that_the_raw_prompt_contradicts_is_not_fresh() {
    let repo = Repo::sample();
    let head = repo.version("head", "prompts/answer");
    let run = Evals::passing(BASE_PROMPT).stamped("prompts/answer", &head);
    assert_eq!(
        judged(&check(&repo, &[run])),
        "stale(template): stale evidence-stale"
    );
    let run = Evals::passing(HEAD_PROMPT).stamped("prompts/answer", &"0".repeat(64));
    assert_eq!(
        judged(&check(&repo, &[run])),
        "stale(template): stale evidence-stale"
    );
}

#[test]
fn roles_say_which_side_a_file_is_and_cannot_lie() {
    let repo = Repo::sample();
    let (base, head) = (Evals::passing(BASE_PROMPT), Evals::passing(HEAD_PROMPT));
    for (runs, want) in [
        (
            [("baseline=", &base), ("candidate=", &head)],
            "fresh pass no-drop-seen",
        ),
        ([("", &base), ("", &head)], "fresh pass no-drop-seen"),
        (
            [("candidate=", &base), ("baseline=", &head)],
            "stale(template) stale evidence-stale",
        ),
        (
            [("candidate=", &base), ("candidate=", &head)],
            "fresh missing baseline-missing",
        ),
        (
            [("baseline=", &base), ("baseline=", &head)],
            "missing missing evidence-missing",
        ),
    ] {
        let ran = check_as(&repo, &runs);
        let report = ran.json();
        let freshness = report["changes"][0]["freshness"].as_str().unwrap();
        let found = format!("{freshness} {}", ran.gate("max_regression"));
        assert_eq!(found, want, "{:?}", runs.map(|(role, _)| role));
    }
}

#[test]
fn a_revert_makes_the_older_evidence_valid_again() {
    let repo = Repo::sample();
    repo.checkout("main");
    repo.git(&["merge", "--quiet", "--ff-only", "head"]);
    repo.checkout("head");
    repo.write(&[("prompts/answer.md", BASE_PROMPT)]);
    repo.commit("go back");
    let (old, new) = (Evals::passing(BASE_PROMPT), Evals::passing(HEAD_PROMPT));
    let ran = check(&repo, &[old, new]);
    assert_eq!(judged(&ran), FRESH);
    assert_eq!(ran.gate("max_regression"), "pass no-drop-seen");
}

#[test]
fn a_formatting_edit_keeps_evidence_fresh() {
    let repo = Repo::sample();
    let run = [Evals::passing(HEAD_PROMPT)];
    let before = repo.version("head", "prompts/answer");
    repo.write_bytes(
        "prompts/answer.md",
        format!("{}\n\n", HEAD_PROMPT.replace('\n', "\r\n")).as_bytes(),
    );
    repo.commit("line ends");
    assert_eq!(repo.version("head", "prompts/answer"), before);
    assert_eq!(judged(&check(&repo, &run)), FRESH);
}

#[test]
fn evidence_carries_where_it_came_from() {
    let repo = Repo::sample();
    let bytes = Evals::passing(HEAD_PROMPT).bytes();
    repo.write_bytes("results/candidate.json", &bytes);
    repo.commit("add results");
    let outside = repo.evidence("candidate.json", &bytes);
    let inside = repo.path().join("results/candidate.json");
    let inside = inside.to_str().unwrap();
    let path = repo.path();
    for (actions, file, want) in [
        ("", inside, "author-supplied"),
        ("", outside.as_str(), "author-supplied"),
        ("true", inside, "author-supplied"),
        ("true", outside.as_str(), "ci(pr-workflow)"),
    ] {
        let ran = gatecard_with(
            &[
                "check",
                "--repo",
                path.to_str().unwrap(),
                "--base",
                "main",
                "--head",
                "head",
                "--format",
                "json",
                "--evidence",
                file,
            ],
            &[("GITHUB_ACTIONS", actions)],
        );
        let provenance = &ran.json()["evidence"][0]["provenance"];
        assert_eq!(provenance, want, "{actions} {file}");
    }
}

#[test]
fn a_model_that_was_added_needs_a_run_of_its_own() {
    let config = |providers: &str| {
        format!("prompts: [\"Answer {{{{message}}}}\"]\nproviders: [{providers}]\n")
    };
    let repo = Repo::with(&[
        (
            ".github/gatecard.yml",
            "version: 1\nprompts: [\"evals/*.yaml\"]\n",
        ),
        ("evals/a.yaml", &config("openai:chat:gpt-4o-mini")),
    ]);
    repo.branch("head");
    repo.write(&[(
        "evals/a.yaml",
        &config("openai:chat:gpt-4o-mini, openai:chat:gpt-3.5-turbo"),
    )]);
    repo.commit("add a model");
    let run = repo.evidence("old.json", &Evals::passing("Answer {{message}}").bytes());
    let ran = repo.check(&[&run]).exits(1);
    assert_ne!(ran.json()["changes"][0]["freshness"], "fresh");
    assert!(!ran.gate("min_examples").starts_with("pass"), "{}", ran.out);
}

/// A policy with more lines than the smallest.
fn under(policy: &str) -> Repo {
    let repo = Repo::with(&[
        (".github/gatecard.yml", &format!("{POLICY}{policy}")),
        ("prompts/answer.md", &prompt("version: 1", BASE_PROMPT)),
        ("evals/cases.json", "[1]"),
    ]);
    repo.branch("head");
    repo.write(&[("prompts/answer.md", &prompt("version: 2", HEAD_PROMPT))]);
    repo.commit("change the prompt");
    repo
}

/// A run that shows nothing but its label.
fn labelled(label: &str) -> Evals {
    let mut run = Evals::passing(HEAD_PROMPT);
    let shown = &mut run.0["results"]["prompts"][0];
    shown["label"] = json!(label);
    shown.as_object_mut().unwrap().remove("raw");
    run
}

#[test]
fn a_label_is_enough_where_the_policy_says_so() {
    for (policy, label, want) in [
        ("", "prompts/answer@2", FRESH),
        (
            "",
            "prompts/answer@1",
            "stale(template): stale evidence-stale",
        ),
        ("", "prompts/answer@9", "unbound: missing facet-not-shown"),
        (
            "binding: { standard: commit }\n",
            "prompts/answer@2",
            "unbound: missing binding-weak",
        ),
    ] {
        let repo = under(policy);
        let found = judged(&check(&repo, &[labelled(label)]));
        assert_eq!(found, want, "{policy} {label}");
    }
    let repo = under("");
    let binding = &check(&repo, &[labelled("prompts/answer@2")]).json()["changes"][0]["binding"];
    assert_eq!(binding["strength"], "label");
}

/// A real log of Inspect that says that it ran at a commit, with some more failures.
fn inspect((commit, dirty): (&str, bool), failures: usize) -> Evals {
    let path = "tests/fixtures/evals/inspect/v1.json";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let mut log: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    log["eval"]["created"] = json!("2026-11-22T10:00:00+00:00");
    log["eval"]["revision"] = json!({"type": "git", "commit": commit, "dirty": dirty});
    // The template stands in the task's code, and the task is called like the prompt.
    log["eval"]["task"] = json!("prompts/answer");
    log["plan"]["steps"] = json!([]);
    let samples = log["samples"].as_array_mut().unwrap().iter_mut();
    let passing = samples.filter(|sample| sample["scores"]["includes"]["value"] == "C");
    for sample in passing.take(failures) {
        sample["scores"]["includes"]["value"] = json!("I");
    }
    Evals(log)
}

#[test]
fn a_log_of_inspect_counts_for_the_commit_that_it_ran_at() {
    let policy = format!("{POLICY}binding: {{ standard: commit }}\n");
    let repo = Repo::with(&[
        (".github/gatecard.yml", policy.as_str()),
        ("prompts/answer.md", "You are concise.\n"),
    ]);
    repo.branch("head");
    repo.write(&[("prompts/answer.md", "You are friendly.\n")]);
    repo.commit("be friendly");
    let commit = |revision: &str| repo.git(&["rev-parse", "--short=8", revision]);
    let (base, head) = (commit("main"), commit("head"));
    let (base, head) = (base.trim(), head.trim());
    for (what, commit, dirty, want) in [
        ("of head", head, false, FRESH),
        (
            "of head, with other changes",
            head,
            true,
            "unbound: missing facet-not-shown",
        ),
        (
            "of a commit that nobody has",
            "0123abcd",
            false,
            "unbound: missing facet-not-shown",
        ),
    ] {
        let found = judged(&check(&repo, &[inspect((commit, dirty), 0)]));
        assert_eq!(found, want, "{what}");
    }
    let at_base = inspect((base, false), 0);
    let found = judged(&check(&repo, std::slice::from_ref(&at_base)));
    assert_eq!(found, "stale(template): stale evidence-stale");
    let worse = inspect((head, false), 9);
    let ran = check(&repo, &[at_base, worse]);
    assert_eq!(
        ran.gate("max_regression"),
        "fail regression, fail metric-dropped",
        "{}",
        ran.out
    );
    let page = ran.json();
    let compared = &page["comparisons"][0];
    assert_eq!(
        (&compared["lost"], &compared["won"]),
        (&json!(9), &json!(0))
    );
    assert_eq!(page["changes"][0]["binding"]["strength"], "commit");
}

#[test]
fn a_stamp_ties_the_results_of_every_tool_that_has_room_for_one() {
    let repo = Repo::with(&[
        (".github/gatecard.yml", POLICY),
        ("prompts/refund.md", "Answer {{q}}.\n"),
    ]);
    repo.branch("head");
    repo.write(&[("prompts/refund.md", "Answer {{q}} in full.\n")]);
    repo.commit("change the prompt");
    let version = |revision: &str| repo.version(revision, "prompts/refund");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/evals");
    for file in [
        "langsmith/rows.jsonl",
        "langfuse/results.json",
        "braintrust/results.json",
        "braintrust/rows.jsonl",
        "mlflow/table.json",
        "mlflow/table.jsonl",
        "openai_evals/match.jsonl",
        "openai_evals/fuzzy.jsonl",
    ] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        let run = |version: &str| {
            let stamped = text.replace(&"0".repeat(64), version);
            assert_ne!(stamped, text, "{file}");
            repo.evidence(&file.replace('/', "-"), stamped.as_bytes())
        };
        let ran = repo.check(&[&run(&version("head"))]);
        let change = &ran.json()["changes"][0];
        assert_eq!(change["freshness"], "fresh", "{file}");
        assert_eq!(change["binding"]["strength"], "exact", "{file}");
        let ran = repo.check(&[&run(&version("main"))]);
        let freshness = ran.json()["changes"][0]["freshness"].clone();
        assert!(
            freshness.as_str().unwrap().starts_with("stale"),
            "{file}: {freshness}"
        );
    }
}

#[test]
fn a_run_from_before_the_dataset_changed_is_stale() {
    let repo = under("datasets: [\"evals/*.json\"]\n");
    repo.write(&[("evals/cases.json", "[1, 2]")]);
    repo.commit("add a case");
    let lock = repo.beside("gatecard.lock");
    let path = repo.path();
    let args = ["prompts", "--repo", path.to_str().unwrap(), "--lock"];
    let args = [&args[..], &[lock.to_str().unwrap()]].concat();
    gatecard_with(&args, &[]).exits(0);
    let lock: Value = serde_json::from_slice(&fs::read(lock).unwrap()).unwrap();
    let digest = lock["datasets"]["digest"].as_str().unwrap();
    let run = |made: &str, stamp: Option<&str>| {
        let mut run = Evals::passing(HEAD_PROMPT);
        run.0["metadata"]["evaluationCreatedAt"] = json!(made);
        if let Some(stamp) = stamp {
            run.0["config"]["tags"] = json!({ "gatecard:datasets": format!("sha256:{stamp}") });
        }
        run
    };
    let (old, new) = ("2026-11-19T12:00:00Z", "2026-11-21T12:00:00Z");
    let other = "0".repeat(64);
    for (made, stamp, want) in [
        (new, None, FRESH),
        (old, None, "stale(dataset): stale evidence-stale"),
        (old, Some(digest), FRESH),
        (
            new,
            Some(other.as_str()),
            "stale(dataset): stale evidence-stale",
        ),
    ] {
        let found = judged(&check(&repo, &[run(made, stamp)]));
        assert_eq!(found, want, "{made} {stamp:?}");
    }
}

#[test]
fn a_reverts_evidence_is_shown_as_carried_with_its_age() {
    let repo = Repo::sample();
    repo.checkout("main");
    repo.git(&["merge", "--quiet", "--ff-only", "head"]);
    repo.checkout("head");
    repo.write(&[("prompts/answer.md", BASE_PROMPT)]);
    repo.commit("go back");
    let mut old = Evals::passing(BASE_PROMPT);
    old.0["metadata"]["evaluationCreatedAt"] = json!("2026-11-13T12:00:00Z");
    let file = repo.evidence("old.json", &old.bytes());
    let comment = repo.check_with(&[&file], &["--format", "markdown"]).out;
    let want = "fresh, exact, author-supplied, 10 days old, carried from run of 2026-11-13";
    assert!(comment.contains(want), "{comment}");
    let binding = &repo.check(&[&file]).json()["changes"][0]["binding"];
    assert_eq!(binding["carried"], true);
}

#[test]
fn a_run_from_before_the_branch_has_to_show_more_than_what_changed() {
    let front = "model: openai/gpt-4o-mini\ntemperature: 0.2";
    let repo = changed(
        &[
            (".github/gatecard.yml", POLICY),
            ("prompts/answer.md", &prompt(front, BASE_PROMPT)),
        ],
        &[("prompts/answer.md", &prompt(front, HEAD_PROMPT))],
    );
    let shown = json!({ "temperature": 0.2 });
    let (old, new) = ("2026-11-19T12:00:00Z", "2026-11-21T12:00:00Z");
    for (made, parameters, want) in [
        (new, true, FRESH),
        (new, false, FRESH),
        (old, true, FRESH),
        // The parameters may have been others then, and nothing shows them.
        (old, false, "unbound: missing facet-not-shown"),
    ] {
        let mut run = Evals::passing(HEAD_PROMPT).provider("openai:chat:gpt-4o-mini", &shown);
        if !parameters {
            run.0["config"]["providers"] = json!("file://providers.js");
        }
        run.0["metadata"]["evaluationCreatedAt"] = json!(made);
        let found = judged(&check(&repo, &[run]));
        assert_eq!(found, want, "{made} {parameters}");
    }
}

#[test]
fn stale_evidence_comes_with_the_command_that_makes_it_again() {
    for (policy, want) in [
        ("", "npx promptfoo eval -o results.json"),
        (
            "evals: { command: \"make evals PROMPT={prompt}\" }\n",
            "make evals PROMPT=prompts/answer",
        ),
    ] {
        let repo = under(policy);
        let ran = check(&repo, &[Evals::passing(BASE_PROMPT)]);
        let report = ran.json();
        assert_eq!(report["changes"][0]["binding"]["again"], want);
        let outcomes = report["outcomes"].as_array().unwrap();
        let stale = outcomes
            .iter()
            .find(|each| each["code"] == "evidence-stale");
        let fix = stale.unwrap()["fix"].as_str().unwrap();
        assert!(fix.contains(want), "{fix}");
    }
    let repo = under("evals: { command: make evals }\n");
    let report = repo.check(&[]).json();
    let outcomes = report["outcomes"].as_array().unwrap();
    let missing = outcomes
        .iter()
        .find(|each| each["code"] == "evidence-missing");
    let fix = missing.unwrap()["fix"].as_str().unwrap();
    assert!(fix.contains("`make evals`"), "{fix}");
}

#[test]
fn another_version_of_the_eval_tool_is_shown_and_the_policy_may_refuse_it() {
    let mut newer = Evals::passing(HEAD_PROMPT);
    newer.0["metadata"]["promptfooVersion"] = json!("0.999.0");
    for (policy, want) in [
        ("", FRESH),
        (
            "evals: { harness: same }\n",
            "stale(harness): stale evidence-stale",
        ),
    ] {
        let repo = under(policy);
        let ran = check(&repo, &[Evals::passing(BASE_PROMPT), newer.clone()]);
        assert_eq!(judged(&ran), want, "{policy}");
        let harness = &ran.json()["changes"][0]["binding"]["harness"];
        assert_eq!(harness["candidate"], "promptfoo 0.999.0", "{policy}");
    }
}

#[test]
fn author_supplied_results_are_labelled_and_can_be_refused() {
    for (policy, want) in [
        ("", FRESH),
        (
            "provenance: { standard: ci }\n",
            "missing: missing evidence-inadmissible",
        ),
    ] {
        let repo = under(policy);
        let bytes = Evals::passing(HEAD_PROMPT).bytes();
        repo.write_bytes("results.json", &bytes);
        repo.commit("add results");
        let file = repo.path().join("results.json");
        let ran = repo.check(&[file.to_str().unwrap()]);
        assert_eq!(judged(&ran), want, "{policy}");
        let markdown = ["--format", "markdown"];
        let comment = repo.check_with(&[file.to_str().unwrap()], &markdown).out;
        assert!(comment.contains("author-supplied"), "{comment}");
    }
}

//! What the base branch got, bound to the verdicts and approvals on record: every way to merge.

use serde_json::{Value, json};

use crate::harness::{
    BASE_PROMPT, HEAD_PROMPT, NOW, POLICY, Passing, Ran, Repo, gatecard, gatecard_with,
};

/// A policy whose prompts are before production, and need nothing but an owner of the policy.
const SMALL: &str = "version: 1\nprompts: [\"prompts/**\"]\npolicy_owners: [bob]\n";

/// The ledger's entries in order.
fn entries(repo: &Repo) -> Vec<Value> {
    let branch = "gatecard/ledger";
    let names = repo.git(&["ls-tree", "-r", "--name-only", branch, "entries"]);
    let read = |name: &str| repo.git(&["show", &format!("{branch}:{name}")]);
    let entries = names.lines().map(|name| read(name).parse().unwrap());
    entries.collect()
}

fn kinds(repo: &Repo) -> Vec<String> {
    let entries = entries(repo).into_iter();
    entries
        .map(|entry| entry["kind"].as_str().unwrap().to_owned())
        .collect()
}

/// `gatecard record` on what `main` got since a commit.
fn record(repo: &Repo, from: &str) -> Ran {
    run(repo, &["--from", from, "--to", "main", "--branch", "main"])
}

fn run(repo: &Repo, args: &[&str]) -> Ran {
    let path = repo.path();
    let mut all = vec!["record", "--repo", path.to_str().unwrap()];
    all.extend(args);
    gatecard(&all)
}

/// What the last entry, a merge, says of each prompt and file: `name code`, or `name gated`.
fn merged(repo: &Repo) -> Vec<String> {
    told(entries(repo).last().unwrap())
}

fn told(entry: &Value) -> Vec<String> {
    assert_eq!(entry["kind"], "merge", "{entry:#}");
    let list = |key: &str| entry[key].as_array().cloned().unwrap_or_default();
    let prompts = list("prompts")
        .into_iter()
        .map(|each| (each["id"].clone(), each));
    let files = list("files")
        .into_iter()
        .map(|each| (each["path"].clone(), each));
    prompts
        .chain(files)
        .map(|(name, each)| {
            let code = each["ungated"].as_str().unwrap_or("gated");
            format!("{} {code}", name.as_str().unwrap())
        })
        .collect()
}

/// The pull request's verdict, recorded: a head and a verdict.
fn judged() -> Passing {
    let passing = Passing::new();
    let files: Vec<&str> = passing.files.iter().map(String::as_str).collect();
    passing.repo.check_with(&files, &["--record"]).exits(0);
    assert_eq!(kinds(&passing.repo), ["head-seen", "verdict"]);
    passing
}

/// Forgets the pull request's own commits, as GitHub's clones never had them.
fn forget(repo: &Repo) {
    repo.checkout("main");
    repo.git(&["branch", "--delete", "--force", "head"]);
    repo.git(&["reflog", "expire", "--expire=now", "--all"]);
    repo.git(&["gc", "--quiet", "--prune=now"]);
}

#[test]
fn every_way_to_merge_is_bound_to_the_verdict() {
    type Merge = fn(&Repo);
    let ways: [(&str, Merge); 4] = [
        ("squash", |repo| {
            repo.git(&["merge", "--quiet", "--squash", "head"]);
            repo.commit("squashed (#1)");
        }),
        ("merge commit", |repo| {
            repo.git(&["merge", "--quiet", "--no-ff", "-m", "merged", "head"]);
        }),
        ("rebase", |repo| {
            repo.write(&[("README.md", "meanwhile\n")]);
            repo.commit("meanwhile");
            repo.git(&["cherry-pick", "head"]);
        }),
        ("fast-forward", |repo| {
            repo.git(&["merge", "--quiet", "--ff-only", "head"]);
        }),
    ];
    for (name, merge) in ways {
        let Passing { repo, .. } = judged();
        repo.checkout("main");
        let before = repo.git(&["rev-parse", "main"]).trim().to_owned();
        merge(&repo);
        forget(&repo);
        let ran = record(&repo, &before).exits(0);
        assert!(!ran.err.contains("warning"), "{name}: {}", ran.err);
        assert_eq!(merged(&repo), ["prompts/answer gated"], "{name}");
        let entry = entries(&repo).pop().unwrap();
        assert_eq!(entry["relies_on"], json!([2]), "{name}");
        assert_eq!(entry["base"], json!(before), "{name}");
        let head = repo.git(&["rev-parse", "main"]);
        assert_eq!(entry["head"], json!(head.trim()), "{name}");
        assert_eq!(entry["base_ref"], "main");
        // Again: nothing is added.
        let again = record(&repo, &before).exits(0);
        assert!(again.out.contains("on record already"), "{}", again.out);
        assert_eq!(entries(&repo).len(), 3, "{name}");
    }
}

#[test]
fn a_change_that_no_verdict_let_in_is_on_record_as_such() {
    type Push = fn(&Repo);
    let failed: Push = |repo| {
        repo.check_with(&[], &["--record"]).exits(1);
        repo.checkout("main");
        repo.git(&["merge", "--quiet", "--ff-only", "head"]);
    };
    let direct: Push = |repo| {
        repo.checkout("main");
        repo.write(&[("prompts/answer.md", "Something else.\n")]);
        repo.commit("pushed");
    };
    let amended: Push = |repo| {
        repo.checkout("main");
        repo.git(&["merge", "--quiet", "--ff-only", "head"]);
        let reason = "the evidence was of another run";
        run(repo, &["--amend", "2", "--reason", reason]).exits(0);
    };
    let unreadable: Push = |repo| {
        repo.checkout("main");
        repo.write(&[("prompts/answer.md", "")]);
        repo.commit("emptied");
    };
    let rewritten: Push = |repo| {
        repo.git(&["checkout", "--quiet", "--orphan", "other"]);
        repo.commit("anew");
        repo.git(&["branch", "--force", "main", "other"]);
    };
    for (name, push, want) in [
        ("a direct push", direct, "prompts/answer no-verdict"),
        (
            "a failed verdict",
            failed,
            "prompts/answer verdict-not-passed",
        ),
        (
            "an amended verdict",
            amended,
            "prompts/answer verdict-not-passed",
        ),
        (
            "no prompt any more",
            unreadable,
            "prompts/answer.md prompt-empty",
        ),
        (
            "a force-push",
            rewritten,
            "prompts/answer history-rewritten",
        ),
    ] {
        let Passing { repo, .. } = judged();
        let before = repo.git(&["rev-parse", "main"]).trim().to_owned();
        push(&repo);
        let ran = record(&repo, &before).exits(0);
        assert_eq!(merged(&repo), [want], "{name}");
        assert!(
            ran.err.contains("warning: ungated change"),
            "{name}: {}",
            ran.err
        );
        assert_eq!(
            entries(&repo).pop().unwrap()["relies_on"],
            json!([]),
            "{name}"
        );
    }
}

#[test]
fn one_push_of_several_merges_is_bound_to_each_of_their_verdicts() {
    // Two pull requests on one prompt, one on top of the other, as a merge queue lands them.
    let Passing { repo, .. } = judged();
    repo.checkout("head");
    let first = repo.git(&["rev-parse", "head"]).trim().to_owned();
    repo.git(&["branch", "second"]);
    repo.checkout("second");
    repo.git(&["mv", "prompts/answer.md", "prompts/reply.md"]);
    repo.commit("rename the prompt");
    let path = repo.path();
    let path = path.to_str().unwrap();
    let check = ["check", "--repo", path, "--now", NOW, "--record"];
    let range = ["--base", &first, "--head", "second"];
    gatecard(&[&check[..], &range].concat()).exits(0);
    repo.checkout("main");
    let before = repo.git(&["rev-parse", "main"]).trim().to_owned();
    repo.git(&["merge", "--quiet", "--ff-only", "second"]);
    record(&repo, &before).exits(0);
    assert_eq!(merged(&repo), ["prompts/reply gated"]);
    let entry = entries(&repo).pop().unwrap();
    assert_eq!(entry["relies_on"], json!([2, 4]));
    assert_eq!(entry["prompts"][0]["renamed_from"], "prompts/answer");
}

#[test]
fn a_push_that_is_gated_in_part_is_recorded_commit_by_commit() {
    let Passing { repo, .. } = judged();
    repo.checkout("main");
    let before = repo.git(&["rev-parse", "main"]).trim().to_owned();
    repo.git(&["merge", "--quiet", "--ff-only", "head"]);
    repo.write(&[("prompts/answer.md", "Something else.\n")]);
    repo.commit("pushed on top");
    record(&repo, &before).exits(0);
    let entries = entries(&repo);
    assert_eq!(entries.len(), 4);
    assert_eq!(told(&entries[2]), ["prompts/answer gated"]);
    assert_eq!(told(&entries[3]), ["prompts/answer no-verdict"]);
    let head = repo.git(&["rev-parse", "head"]);
    assert_eq!(entries[2]["head"], json!(head.trim()));
}

#[test]
fn a_removed_prompt_is_bound_like_any_other_change() {
    let repo = Repo::with(&[
        (".github/gatecard.yml", SMALL),
        ("prompts/a.md", BASE_PROMPT),
    ]);
    repo.branch("head");
    repo.git(&["rm", "--quiet", "prompts/a.md"]);
    repo.commit("remove the prompt");
    repo.check_with(&[], &["--record"]).exits(0);
    repo.checkout("main");
    repo.git(&["merge", "--quiet", "--squash", "head"]);
    repo.commit("squashed");
    record(&repo, "main~1").exits(0);
    assert_eq!(merged(&repo), ["prompts/a gated"]);
    let entry = entries(&repo).pop().unwrap();
    assert!(entry["prompts"][0].get("to").is_none(), "{entry:#}");
}

#[test]
fn a_version_that_came_back_needs_a_verdict_of_its_own() {
    let Passing { repo, .. } = judged();
    repo.checkout("main");
    let before = repo.git(&["rev-parse", "main"]).trim().to_owned();
    repo.git(&["merge", "--quiet", "--ff-only", "head"]);
    record(&repo, &before).exits(0);
    repo.write(&[("prompts/answer.md", BASE_PROMPT)]);
    repo.commit("revert");
    record(&repo, "main~1").exits(0);
    assert_eq!(merged(&repo), ["prompts/answer no-verdict"]);
    repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
    repo.commit("and back");
    record(&repo, "main~1").exits(0);
    assert_eq!(
        merged(&repo),
        ["prompts/answer no-verdict"],
        "the first merge used up its verdict"
    );
    let path = repo.path();
    let args = ["log", "prompts/answer", "--format", "json", "--repo"];
    let ran = gatecard(&[&args[..], &[path.to_str().unwrap()]].concat()).exits(0);
    let versions = ran.json()["versions"].clone();
    assert_eq!(versions[0]["ungated"], "no-verdict", "{versions:#}");
    assert!(versions[0].get("verdict").is_none(), "{versions:#}");
    assert_eq!(versions[2]["verdict"]["entry"], 2, "{versions:#}");
}

/// What Bob said of the head of pull request 7, which Ann opened.
fn reviewed(repo: &Repo, state: &str) -> String {
    let head = repo.git(&["rev-parse", "head"]).trim().to_owned();
    let ann = json!({"id": 1, "login": "ann"});
    let saved = json!({
        "schema": "gatecard/approvals/v1",
        "repo": "acme/app",
        "pulls": [{
            "number": 7, "base_ref": "main", "head": head, "author": ann,
            "reviews": [{
                "id": 70, "user": {"id": 2, "login": "bob"}, "state": state, "commit": head,
                "submitted_at": "2026-11-21T10:00:00Z", "association": "NONE",
            }],
            "authorship": {&head: {"people": [ann]}},
            "moves": {"timeline": {"force_pushed": null, "retargeted": null}},
        }],
        "teams": {}, "writers": {},
    });
    repo.evidence("approvals.json", saved.to_string().as_bytes())
}

#[test]
fn a_policy_is_bound_to_the_verdict_and_to_who_approved_it() {
    for (then, want, relies) in [
        ("APPROVED", ".github/gatecard.yml gated", json!([2, 3])),
        (
            "DISMISSED",
            ".github/gatecard.yml verdict-not-passed",
            json!([]),
        ),
    ] {
        let repo = Repo::with(&[(".github/gatecard.yml", SMALL)]);
        repo.branch("head");
        repo.write(&[(".github/gatecard.yml", &format!("{SMALL}min_traces: 50\n"))]);
        repo.commit("loosen the policy");
        let saved = reviewed(&repo, "APPROVED");
        repo.check_with(&[], &["--record", "--approvals", &saved])
            .exits(0);
        assert_eq!(kinds(&repo), ["head-seen", "approve", "verdict"]);
        let saved = reviewed(&repo, then);
        let code = i32::from(then != "APPROVED");
        repo.check_with(&[], &["--record", "--approvals", &saved])
            .exits(code);
        if then == "DISMISSED" {
            assert_eq!(kinds(&repo)[3..], ["dismiss", "verdict"]);
            assert_eq!(entries(&repo)[3]["code"], "approval-dismissed");
        }
        repo.checkout("main");
        repo.git(&["merge", "--quiet", "--squash", "head"]);
        repo.commit("squashed");
        record(&repo, "main~1").exits(0);
        assert_eq!(merged(&repo), [want]);
        assert_eq!(entries(&repo).pop().unwrap()["relies_on"], relies);
    }
}

#[test]
fn what_is_not_governed_is_not_recorded() {
    let Passing { repo, .. } = judged();
    repo.checkout("main");
    repo.write(&[
        ("README.md", "words\n"),
        ("prompts/answer.md", &format!("{BASE_PROMPT}\n\n")),
    ]);
    repo.commit("words");
    let ran = record(&repo, "main~1").exits(0);
    assert!(ran.err.contains("nothing governed changed"), "{}", ran.err);
    let off = format!("{POLICY}ledger: off\n");
    repo.write(&[(".github/gatecard.yml", off.as_str())]);
    repo.commit("no ledger");
    repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
    repo.commit("unseen");
    let ran = record(&repo, "main~1").exits(0);
    assert!(
        ran.err.contains("the policy keeps no ledger"),
        "{}",
        ran.err
    );
    assert_eq!(kinds(&repo), ["head-seen", "verdict"]);
}

/// A push as GitHub tells of it.
fn push(repo: &Repo, branch: &str, before: &str) -> Ran {
    let after = repo.git(&["rev-parse", "main"]);
    let event = json!({
        "ref": format!("refs/heads/{branch}"), "before": before, "after": after.trim(),
        "deleted": false, "repository": {"full_name": "acme/app", "default_branch": "main"},
    });
    let event = repo.evidence("event.json", event.to_string().as_bytes());
    let path = repo.path();
    let args = [
        "record",
        "--repo",
        path.to_str().unwrap(),
        "--event",
        &event,
    ];
    // What the clone lacks is asked for there.
    gatecard_with(&args, &[("GITHUB_SERVER_URL", "http://127.0.0.1:9")])
}

#[test]
fn a_push_is_recorded_where_the_branch_is_a_base() {
    let Passing { repo, .. } = judged();
    repo.checkout("main");
    let before = repo.git(&["rev-parse", "main"]).trim().to_owned();
    repo.git(&["merge", "--quiet", "--ff-only", "head"]);
    let ran = push(&repo, "topic", &before).exits(0);
    assert!(
        ran.err.contains("`topic` is not the default branch"),
        "{}",
        ran.err
    );
    push(&repo, "main", &before).exits(0);
    assert_eq!(merged(&repo), ["prompts/answer gated"]);
    let entry = entries(&repo).pop().unwrap();
    assert_eq!(entry["repository"], "acme/app");
}

#[test]
fn a_branch_that_is_new_shows_nothing_of_how_it_was_made() {
    let Passing { repo, .. } = judged();
    push(&repo, "main", &"0".repeat(40)).exits(0);
    assert_eq!(merged(&repo), ["prompts/answer branch-created"]);
    // What was there before is gone from the clone, after a force-push.
    let Passing { repo, .. } = judged();
    push(&repo, "main", &"a".repeat(40)).exits(0);
    assert_eq!(merged(&repo), ["prompts/answer history-rewritten"]);
}

#[test]
fn a_merged_pull_request_is_recorded_from_the_last_merge_on() {
    let Passing { repo, .. } = judged();
    repo.checkout("main");
    let old = repo.git(&["rev-parse", "main"]).trim().to_owned();
    repo.write(&[("prompts/other.md", "Another one.\n")]);
    repo.commit("pushed");
    record(&repo, &old).exits(0);
    repo.git(&["merge", "--quiet", "--no-ff", "-m", "merged", "head"]);
    let commit = repo.git(&["rev-parse", "main"]).trim().to_owned();
    let event = |merged: bool| {
        let event = json!({
            "action": "closed", "repository": {"full_name": "acme/app"},
            "pull_request": {
                "number": 7, "merged": merged, "merge_commit_sha": commit,
                "base": {"ref": "main", "sha": old},
            },
        });
        repo.evidence("event.json", event.to_string().as_bytes())
    };
    let ran = run(&repo, &["--event", &event(false)]).exits(0);
    assert!(ran.err.contains("closed without a merge"), "{}", ran.err);
    run(&repo, &["--event", &event(true)]).exits(0);
    assert_eq!(merged(&repo), ["prompts/answer gated"]);
    assert_eq!(entries(&repo).pop().unwrap()["pull"], 7);
}

#[test]
fn what_cannot_be_recorded_is_named() {
    let Passing { repo, .. } = judged();
    let long = "r".repeat(501);
    for (args, want) in [
        (
            &["--amend", "9", "--reason", "wrong"][..],
            "9, no such entry",
        ),
        (&["--amend", "2", "--reason", ""], "--reason"),
        (&["--amend", "2", "--reason", "two\nlines"], "--reason"),
        (&["--amend", "2", "--reason", &long], "at most 500 bytes"),
        (&["--amend", "2"], "--reason"),
        (&["--from", "main"], "--to"),
        (&["--from", "nowhere", "--to", "main"], "nowhere"),
        (&[], "nothing says what to record"),
    ] {
        let ran = run(&repo, args).exits(2);
        assert!(ran.err.contains(want), "{args:?}: {}", ran.err);
    }
    run(&repo, &["--amend", "2", "--reason", "wrong run"]).exits(0);
    let ran = run(&repo, &["--amend", "3", "--reason", "wrong too"]).exits(2);
    assert!(ran.err.contains("an amendment"), "{}", ran.err);
}

/// Texts that must not come to the ledger, whatever they are in.
const MARKS: [&str; 7] = [
    "MARKPROMPT",
    "MARKANSWER",
    "MARKREASON",
    "MARKMAIL",
    "MARKLABEL",
    "MARKGRADE",
    "MARKHEADREF",
];

#[test]
fn no_text_of_anybody_comes_into_the_ledger() {
    let policy = format!(
        "{POLICY}waivers:\n  - {{ gate: min_examples, reason: \"MARKREASON of all the reasons\", \
         by: MARKMAIL@example.invalid, expires: 2027-01-31 }}\n"
    );
    let base = format!("---\nversion: 1\n---\n{BASE_PROMPT}");
    let prompt = format!("---\nversion: MARKLABEL is a sentence\n---\n{HEAD_PROMPT}MARKPROMPT\n");
    let repo = Repo::with(&[
        (".github/gatecard.yml", &policy),
        ("prompts/answer.md", &base),
    ]);
    repo.branch("head");
    repo.write(&[("prompts/answer.md", &prompt)]);
    repo.git(&["config", "user.email", "MARKMAIL@example.invalid"]);
    repo.commit("MARKREASON in a message");
    repo.git(&["branch", "MARKHEADREF-\u{202e}"]);
    let version = repo.version("main", "prompts/answer");
    let mut candidate = crate::harness::Evals::passing(&format!("{HEAD_PROMPT}MARKPROMPT\n"))
        .failing(3)
        .keep(20);
    for row in candidate.rows() {
        row["response"] = json!({"output": "MARKANSWER"});
        row["gradingResult"]["reason"] = json!("MARKGRADE");
    }
    let baseline = crate::harness::Evals::passing(BASE_PROMPT).keep(20);
    let files = [
        repo.evidence("baseline.json", &baseline.bytes()),
        repo.evidence("candidate.json", &candidate.bytes()),
        repo.evidence(
            "traces.jsonl",
            &crate::harness::traces("prompts/answer", &version),
        ),
    ];
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let saved = reviewed(&repo, "APPROVED");
    let ran = repo.check_with(&files, &["--record", "--approvals", &saved]);
    assert_eq!(ran.gate("min_examples"), "waived too-few-cases");
    repo.checkout("main");
    repo.git(&["merge", "--quiet", "--ff-only", "head"]);
    record(&repo, "main~1").exits(0);
    assert_eq!(kinds(&repo), ["head-seen", "waiver", "verdict", "merge"]);
    let mut bytes = repo.git(&["log", "--format=raw", "gatecard/ledger"]);
    for entry in entries(&repo) {
        bytes.push_str(&entry.to_string());
    }
    for mark in MARKS {
        assert!(!bytes.contains(mark), "{mark} in {bytes}");
    }
    assert!(!bytes.contains("/tmp"), "a folder of this machine: {bytes}");
    let waiver = &entries(&repo)[1];
    assert!(
        waiver["by"].as_str().unwrap().starts_with("sha256:"),
        "{waiver}"
    );
    let label = &entries(&repo)[3]["prompts"][0]["label"];
    assert!(label.as_str().unwrap().starts_with("sha256:"), "{label}");
}

#[test]
fn what_was_judged_later_is_not_credited_to_what_was_there_before() {
    let Passing { repo, .. } = judged();
    repo.checkout("main");
    repo.git(&["merge", "--quiet", "--ff-only", "head"]);
    record(&repo, "main~1").exits(0);
    // The version that was there before the ledger comes back, and is judged for the first time.
    repo.checkout("head");
    repo.write(&[("prompts/answer.md", BASE_PROMPT)]);
    repo.commit("back");
    repo.check_with(&[], &["--record"]);
    let path = repo.path().display().to_string();
    let args = ["log", "prompts/answer", "--repo", &path, "--branch", "main"];
    let ran = gatecard(&[&args[..], &["--format", "json"]].concat()).exits(0);
    let report = ran.json();
    let versions = report["versions"].as_array().unwrap();
    let first = versions.last().unwrap();
    assert_eq!(first["standing"], "unrecorded", "{}", ran.out);
    assert!(first.get("verdict").is_none_or(Value::is_null), "{first}");
}

#[test]
fn the_push_that_brings_the_first_policy_is_no_fault() {
    let repo = Repo::with(&[("prompts/answer.md", BASE_PROMPT)]);
    repo.checkout("main");
    repo.write(&[
        (".github/gatecard.yml", SMALL),
        ("prompts/answer.md", HEAD_PROMPT),
    ]);
    repo.commit("adopt");
    let ran = record(&repo, "main~1").exits(0);
    assert!(!ran.err.contains("warning"), "{}", ran.err);
    assert_eq!(
        merged(&repo),
        [
            "prompts/answer first-policy",
            ".github/gatecard.yml first-policy"
        ]
    );
    let verified = run_verify(&repo);
    assert_eq!(verified, ["anchor-absent", "adopted", "adopted"]);
    repo.write(&[("prompts/answer.md", BASE_PROMPT)]);
    repo.commit("pushed");
    record(&repo, "main~1").exits(0);
    assert_eq!(merged(&repo), ["prompts/answer no-verdict"]);
    assert!(run_verify(&repo).contains(&String::from("ungated-change")));
}

/// The codes of what `gatecard verify` finds.
fn run_verify(repo: &Repo) -> Vec<String> {
    let path = repo.path();
    let ran = gatecard(&[
        "verify",
        "--format",
        "json",
        "--repo",
        path.to_str().unwrap(),
    ]);
    let findings = ran.json()["findings"].as_array().cloned().unwrap();
    let code = |each: &Value| each["code"].as_str().unwrap().to_owned();
    findings.iter().map(code).collect()
}

#[test]
fn a_step_backwards_is_refused() {
    let Passing { repo, .. } = judged();
    repo.checkout("main");
    repo.git(&["merge", "--quiet", "--ff-only", "head"]);
    let ran = run(&repo, &["--from", "main", "--to", "main~1"]).exits(2);
    assert!(ran.err.contains("comes after main~1"), "{}", ran.err);
    assert_eq!(kinds(&repo), ["head-seen", "verdict"]);
}

#[test]
fn a_signed_ledger_is_not_continued_without_a_key() {
    let key = include_str!("../fixtures/signing/ed25519");
    let repo = Repo::sample();
    repo.checkout("main");
    repo.git(&["merge", "--quiet", "--ff-only", "head"]);
    let path = repo.path().display().to_string();
    let args = |from: &str| {
        let args = [
            "record", "--repo", &path, "--branch", "main", "--to", "main", "--from", from,
        ];
        args.map(str::to_owned).to_vec()
    };
    let with = |from: &str, variables: &[(&str, &str)]| {
        let args = args(from);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        gatecard_with(&args, variables)
    };
    with("main~1", &[("GATECARD_SIGNING_KEY", key)]).exits(0);
    repo.write(&[("prompts/answer.md", BASE_PROMPT)]);
    repo.commit("pushed");
    let ran = with("main~1", &[]).exits(5);
    assert!(ran.err.contains("set GATECARD_SIGNING_KEY"), "{}", ran.err);
    assert_eq!(kinds(&repo), ["merge"]);
    with("main~1", &[("GATECARD_SIGNING_KEY", key)]).exits(0);
    assert_eq!(kinds(&repo), ["merge", "merge"]);
}

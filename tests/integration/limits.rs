//! Input that is made to exhaust the program or to lead it out of the repository: refused with
//! a reason, at once, whichever reader it is for.

use std::fs;
use std::os::unix::fs::symlink;

use crate::harness::{Evals, HEAD_PROMPT, Passing, Ran, Repo};

/// One long text that few bytes name many times: gigabytes once the aliases are followed.
fn wide_bomb() -> String {
    let long = "x".repeat(50_000);
    let aliases = vec!["*a"; 40_000].join(",");
    format!("b: &a {long}\nc: [{aliases}]\n")
}

/// Each level repeats the one below nine times.
fn deep_bomb() -> String {
    let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for level in 1..10 {
        let refs = vec![format!("*a{}", level - 1); 9].join(",");
        text.push_str(&format!("a{level}: &a{level} [{refs}]\n"));
    }
    text
}

/// YAML that no reader may take, and a word of why.
fn yaml() -> Vec<(String, &'static str)> {
    let nested =
        |open: &str, shut: &str| format!("k: {}1{}\n", open.repeat(9_000), shut.repeat(9_000));
    vec![
        (wide_bomb(), "aliases come to more than"),
        (deep_bomb(), "repetition limit"),
        (nested("[", "]"), "recursion limit"),
        (nested("{a: ", "}"), "recursion limit"),
        (String::from("a: 1\na: 2\n"), "duplicate"),
        (String::from("a: {b: {c: 1, c: 2}}\n"), "duplicate"),
        (String::from("a: [{b: 1, b: 2}]\n"), "duplicate"),
        (String::from("a: \"\\ud800\"\n"), ""),
        (String::from("a: !object 1\n"), "the tag !object"),
    ]
}

/// What the outcomes, errors and messages of a check say together.
fn all(ran: &Ran) -> String {
    format!("{}\n{}", ran.out, ran.err)
}

#[test]
fn hostile_yaml_is_refused_by_every_reader_of_yaml() {
    for (text, word) in yaml() {
        let prompts = [
            ("a1.md", format!("---\n{text}---\nHi\n")),
            ("a2.prompt", format!("---\n{text}---\nHi\n")),
            ("a3.prompty", format!("---\n{text}---\nHi\n")),
            (
                "a4.prompt.yml",
                format!("messages: [{{role: user, content: x}}]\n{text}"),
            ),
            (
                "promptfooconfig.yaml",
                format!("prompts: [x]\nproviders: [y]\n{text}"),
            ),
        ];
        let repo = Repo::sample();
        for (name, text) in &prompts {
            repo.write(&[(&format!("prompts/{name}"), text)]);
        }
        repo.commit("hostile");
        let ran = repo.check(&[]).exits(3);
        let report = ran.json();
        let outcomes = report["outcomes"].as_array().unwrap();
        let refused = outcomes.iter().filter(|outcome| {
            outcome["code"] == "prompt-unreadable"
                && outcome["found"].as_str().unwrap().contains(word)
        });
        assert_eq!(refused.count(), prompts.len(), "{word}: {report:#}");
    }
}

#[test]
fn a_hostile_policy_is_refused_with_its_file() {
    for (text, word) in yaml() {
        let repo = Repo::with(&[
            (
                ".github/gatecard.yml",
                &format!("version: 1\nprompts: [\"prompts/**\"]\n{text}"),
            ),
            ("prompts/a.md", "Hi\n"),
        ]);
        repo.branch("head");
        repo.write(&[("prompts/a.md", "Hi there\n")]);
        repo.commit("change");
        let ran = repo.check(&[]).exits(2);
        let said = ran.err.contains(word) && ran.err.contains(".github/gatecard.yml");
        assert!(said, "{word}: {}", ran.err);
    }
}

#[test]
fn a_hostile_kept_file_counts_as_broken() {
    for (text, word) in yaml() {
        let repo = Repo::with(&[
            (
                ".github/gatecard.yml",
                "version: 1\nprompts: [\"prompts/**\"]\nevidence: [{ drills: drills.yml }]\n",
            ),
            ("prompts/a.md", "Hi\n"),
            ("drills.yml", &format!("version: 1\nowner: x\n{text}")),
        ]);
        repo.branch("head");
        repo.write(&[("prompts/a.md", "Hi there\n")]);
        repo.commit("change");
        let ran = repo.check(&[]);
        let text = all(&ran);
        let said = text.contains("drills.yml") && text.contains(word);
        assert!(said && !text.contains("panicked"), "{word}: {text}");
    }
}

#[test]
fn a_pattern_that_cannot_be_matched_is_an_error_of_its_file() {
    let nested = format!("{}{}", "{a,".repeat(3_000), "}".repeat(3_000));
    let policy = format!("version: 1\nprompts: [\"{nested}\"]\n");
    let repo = Repo::with(&[(".github/gatecard.yml", &policy), ("a.md", "Hi\n")]);
    repo.branch("head");
    repo.write(&[("a.md", "Hi there\n")]);
    repo.commit("change");
    let ran = repo.check(&[]).exits(2);
    assert!(ran.err.contains("not a pattern: too large"), "{}", ran.err);
    let repo = Repo::sample();
    let config = format!("prompts: [\"file://{nested}*.txt\"]\nproviders: [x]\n");
    repo.write(&[("prompts/promptfooconfig.yaml", &config)]);
    repo.commit("hostile");
    let ran = repo.check(&[]).exits(3);
    assert!(ran.out.contains("include-missing"), "{}", ran.out);
}

#[test]
fn a_prompt_that_includes_without_end_is_refused() {
    let repo = Repo::sample();
    // Each level includes the next under two names: 2^30 files to read.
    for level in 0..30 {
        let next = level + 1;
        let text = format!("{{% include 'n{next}.md' %}}{{% include './n{next}.md' %}}\n");
        repo.write(&[(&format!("prompts/n{level}.md"), &text)]);
    }
    repo.write(&[("prompts/n30.md", "end\n")]);
    // One file named very often is read once.
    let often = "{{> n30}}".repeat(20_000);
    repo.write(&[("prompts/often.md", &often)]);
    repo.commit("hostile");
    let ran = repo.check(&[]).exits(3);
    let report = ran.json();
    let outcomes = report["outcomes"].as_array().unwrap();
    let said = |word: &str| {
        outcomes.iter().any(|outcome| {
            outcome["code"] == "include-limit" && outcome["found"].as_str().unwrap().contains(word)
        })
    };
    assert!(said("included 1001 times"), "{report:#}");
    assert!(!said("prompts/often.md"), "{report:#}");
}

#[test]
fn texts_that_differ_in_too_many_lines_are_not_compared_line_by_line() {
    let lines = |seed: usize| -> String {
        let lines: Vec<String> = (0..60_000)
            .map(|at| ((at * seed) % 97).to_string())
            .collect();
        lines.join("\n")
    };
    let repo = Repo::sample();
    repo.checkout("main");
    repo.write(&[("prompts/long.md", &lines(31))]);
    repo.commit("long");
    repo.git(&["checkout", "--quiet", "-B", "head"]);
    repo.write(&[("prompts/long.md", &lines(57))]);
    repo.commit("change");
    let report = repo.check(&[]).json();
    let change = &report["changes"].as_array().unwrap()[0];
    let difference = &change["differences"][0];
    assert_eq!(difference["added_lines"], 60_000, "{change:#}");
}

#[test]
fn an_eval_file_of_too_many_parts_is_refused() {
    let passing = Passing::new();
    let text = String::from_utf8(Evals::passing(HEAD_PROMPT).bytes()).unwrap();
    let many = vec!["{}"; 10_001].join(",");
    let file = |results: &str, config: &str| {
        format!(
            "{{\"evalId\":\"x\",\"results\":{{\"version\":3,{results}}},\"config\":{{{config}}}}}"
        )
    };
    let large = format!(
        "\"prompts\":[],\"results\":[{{\"vars\":{{\"a\":\"{}\"}}}}]",
        "x".repeat(65 << 20)
    );
    let surrogate = text.replacen("\"label\":\"answer", "\"label\":\"\\ud800", 1);
    for (name, text, word) in [
        (
            "prompts.json",
            file(&format!("\"prompts\":[{many}],\"results\":[]"), ""),
            "more than 10000 prompts",
        ),
        (
            "providers.json",
            file(
                "\"prompts\":[],\"results\":[]",
                &format!("\"providers\":[{many}]"),
            ),
            "10001 prompts and providers",
        ),
        ("row.json", file(&large, ""), "more than 64 MiB"),
        ("surrogate.json", surrogate, "surrogate"),
    ] {
        let path = passing.repo.evidence(name, text.as_bytes());
        let [baseline, candidate, traces] = &passing.files;
        let ran = passing.repo.check(&[baseline, candidate, traces, &path]);
        assert_eq!(ran.code, 3, "{name}: {}", ran.out);
        assert!(
            ran.out.contains("evidence-unreadable"),
            "{name}: {}",
            ran.out
        );
        assert!(ran.out.contains(word), "{name}: no {word}");
    }
}

#[test]
fn a_trace_record_of_too_many_objects_is_refused_before_it_is_read() {
    let passing = Passing::new();
    let spans = vec!["{}"; 5_000_001].join(",");
    let text = format!("{{\"resourceSpans\":[{{\"scopeSpans\":[{{\"spans\":[{spans}]}}]}}]}}\n");
    let path = passing.repo.evidence("objects.jsonl", text.as_bytes());
    let [baseline, candidate, traces] = &passing.files;
    let ran = passing
        .repo
        .check(&[baseline, candidate, traces, &path])
        .exits(3);
    assert!(
        ran.out.contains("a record of 5000004 objects"),
        "{}",
        ran.out
    );
}

#[test]
fn evidence_of_the_policy_stays_in_the_repository() {
    for pattern in ["../out/*.json", "/etc/*.json", "out/../../x.json"] {
        let policy = format!(
            "version: 1\nprompts: [\"prompts/**\"]\nevidence: [{{ evals: \"{pattern}\" }}]\n"
        );
        let repo = Repo::with(&[(".github/gatecard.yml", &policy), ("prompts/a.md", "Hi\n")]);
        repo.branch("head");
        repo.write(&[("prompts/a.md", "Hi there\n")]);
        repo.commit("change");
        let ran = repo.check(&[]).exits(2);
        assert!(
            ran.err.contains("leaves the repository"),
            "{pattern}: {}",
            ran.err
        );
    }
}

#[test]
fn evidence_that_leads_out_through_a_link_is_refused() {
    let passing = Passing::new();
    let [baseline, candidate, traces] = &passing.files;
    let folder = passing.repo.path();
    fs::create_dir_all(folder.join("out")).unwrap();
    fs::create_dir_all(passing.repo.beside("real")).unwrap();
    fs::copy(candidate, passing.repo.beside("real/a.json")).unwrap();
    fs::copy(candidate, folder.join("out/inside.json")).unwrap();
    symlink(
        passing.repo.beside("real/a.json"),
        folder.join("out/link.json"),
    )
    .unwrap();
    symlink(passing.repo.beside("real"), folder.join("linked")).unwrap();
    symlink("inside.json", folder.join("out/same.json")).unwrap();
    let inside = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    for (path, refused) in [
        (inside("out/link.json"), true),
        (inside("linked"), true),
        (inside("linked/a.json"), true),
        (inside("linked/*.json"), true),
        (inside("out/../linked/a.json"), true),
        // Stays inside, and a path that is typed outside.
        (inside("out/same.json"), false),
        (inside("../real/a.json"), false),
    ] {
        let ran = passing.repo.check(&[baseline, &path, traces]);
        let report = ran.json();
        let escaped = report["outcomes"].to_string().contains("evidence-escape");
        assert_eq!(escaped, refused, "{path}: {}", ran.out);
        assert_eq!(ran.code, if refused { 3 } else { 0 }, "{path}: {}", ran.out);
    }
}

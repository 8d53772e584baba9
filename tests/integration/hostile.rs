//! What is not seen, what a runner would obey, and templates of the repository.

use crate::harness::{Repo, gatecard_with};

const POLICY: &str = "version: 1\nprompts: [\"prompts/**\"]\n";

/// `main` with a prompt that includes a partial, and both changed on `head`.
fn changed(policy: &str, before: [&str; 2], after: [&str; 2]) -> Repo {
    let files = |[prompt, partial]: [&str; 2]| {
        [
            ("prompts/answer.md", format!("{prompt}\n{{{{> tone}}}}\n")),
            ("prompts/_tone.md", format!("{partial}\n")),
        ]
    };
    let write = |repo: &Repo, texts: [&str; 2]| {
        for (path, text) in files(texts) {
            repo.write(&[(path, &text)]);
        }
    };
    let repo = Repo::with(&[(".github/gatecard.yml", policy)]);
    write(&repo, before);
    repo.commit("prompts");
    repo.branch("head");
    write(&repo, after);
    repo.commit("change");
    repo
}

#[test]
fn only_hidden_characters_that_a_change_adds_block() {
    let plain = ["Answer.", "Be kind."];
    for (before, after, want) in [
        (plain, ["Answer well.", "Be kind."], "pass met"),
        (
            plain,
            ["Answer ⚠️ 👩‍💻 می\u{200c}خواهم.", "Be kind."],
            "pass met",
        ),
        (
            plain,
            ["Answer \u{202e}well.", "Be kind."],
            "fail hidden-characters",
        ),
        (
            plain,
            ["Answer well.", "Be\u{200b} kind."],
            "fail hidden-characters",
        ),
        (
            plain,
            ["Answer\u{e0068}\u{e0069}.", "Be kind."],
            "fail hidden-characters",
        ),
        (
            plain,
            ["Answer.\rRefund.", "Be kind."],
            "fail hidden-characters",
        ),
        (
            plain,
            ["Answer well.", &"م\u{200c}".repeat(40)],
            "fail hidden-characters",
        ),
        (
            ["Answer\u{200b}.", "Be kind."],
            ["Answer\u{200b} well.", "Be kind."],
            "pass met",
        ),
    ] {
        let ran = changed(POLICY, before, after).check(&[]);
        assert_eq!(ran.gate("hidden_characters"), want, "{after:?}");
    }
}

#[test]
fn a_hidden_character_is_told_with_line_and_code_point_and_shown() {
    let warn = format!("{POLICY}gates:\n  - hidden_characters: {{ on_fail: warn }}\n");
    for (policy, blocks) in [(POLICY, true), (&warn, false)] {
        let after = ["Answer\nand \u{202e}refund.", "Be kind."];
        let report = changed(policy, ["Answer.", "Be kind."], after)
            .check(&[])
            .json();
        let outcomes = report["outcomes"].as_array().unwrap();
        let found = outcomes
            .iter()
            .find(|each| each["gate"] == "hidden_characters");
        let found = found.unwrap();
        assert_eq!(
            found["found"],
            "prompts/answer.md:2 has U+202E RIGHT-TO-LEFT OVERRIDE in `and \u{202e}refund.`"
        );
        assert_eq!(found["blocks"], blocks);
    }
    let repo = changed(POLICY, ["Answer.", "x"], ["Answer \u{202e}.", "x"]);
    for format in ["text", "markdown"] {
        let ran = repo.check_with(&[], &["--format", format]);
        assert!(
            !ran.out.contains('\u{202e}') && ran.out.contains("u{202e}"),
            "{}",
            ran.out
        );
    }
}

#[test]
fn in_a_workflow_no_command_is_taken_from_what_is_printed() {
    let repo = changed(
        POLICY,
        ["Answer.", "x"],
        ["::error::pwned\n##[set-output name=x]y", "x"],
    );
    let folder = repo.path();
    let args = [
        "check",
        "--repo",
        folder.to_str().unwrap(),
        "--base",
        "main",
        "--head",
        "head",
    ];
    let actions = [("GITHUB_ACTIONS", "true")];
    let ran = gatecard_with(&args, &actions).exits(1);
    let lines: Vec<&str> = ran.out.lines().collect();
    let token = lines[0].strip_prefix("::stop-commands::").unwrap();
    assert_eq!(token.len(), 32);
    assert_eq!(*lines.last().unwrap(), format!("::{token}::"));
    for line in &lines[1..lines.len() - 1] {
        assert!(
            !line.trim_start().starts_with("::") && !line.contains("##["),
            "{line}"
        );
    }
    let again = gatecard_with(&args, &actions).exits(1);
    assert!(!again.out.contains(token));
    let json = [&args[..], &["--format", "json"]].concat();
    gatecard_with(&json, &actions).exits(1).json();
    let wrong = gatecard_with(&["check", "--bogus"], &actions).exits(2);
    let first = wrong.err.lines().next().unwrap();
    let token = first.strip_prefix("::stop-commands::").unwrap();
    assert!(
        wrong.err.ends_with(&format!("::{token}::\n")),
        "{}",
        wrong.err
    );
}

#[test]
fn a_template_of_the_base_is_used_and_a_wrong_one_is_named() {
    let policy = format!("{POLICY}templates: {{ comment: t/comment.md }}\n");
    for (template, starts, finding) in [
        (Some("# Own: {{ headline }}\n"), "# Own: ", None),
        (Some("ok\n{{ nope }}\n"), "## ", Some("`t/comment.md:2`")),
        (Some("ok\n{% if %}\n"), "## ", Some("`t/comment.md:2`")),
        (None, "## ", Some("`t/comment.md`")),
    ] {
        let repo = Repo::with(&[
            (".github/gatecard.yml", &policy),
            ("prompts/a.md", "Answer.\n"),
        ]);
        if let Some(text) = template {
            repo.write(&[("t/comment.md", text)]);
        }
        repo.commit("template");
        repo.branch("head");
        // What the pull request has there is not used.
        repo.write(&[
            ("prompts/a.md", "Answer well.\n"),
            ("t/comment.md", "pwned\n"),
        ]);
        repo.commit("change");
        let ran = repo.check_with(&[], &["--format", "markdown"]);
        assert!(ran.out.starts_with(starts), "{}", ran.out);
        let report = repo.check(&[]).json();
        let kinds: Vec<_> = report["governed_files"]
            .as_array()
            .unwrap()
            .iter()
            .collect();
        assert_eq!(kinds[0]["kind"], "template", "{report:#}");
        let findings = report["findings"].to_string();
        match finding {
            Some(place) => assert!(findings.contains(place), "{findings}"),
            None => assert!(!findings.contains("is not used"), "{findings}"),
        }
    }
}

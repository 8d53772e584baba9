//! What the renderers print: snapshots, plain output, hostile text, size.

use std::fs;

use serde_json::json;

use crate::harness::{
    BASE_PROMPT, Evals, HEAD_PROMPT, NOW, POLICY, Passing, Ran, Repo, gatecard_with,
};

fn rendered(passing: &Passing, format: &str) -> String {
    let [baseline, candidate, traces] = &passing.files;
    passing
        .repo
        .check_with(&[baseline, candidate, traces], &["--format", format])
        .out
}

/// Holds a rendering to its snapshot, whatever folder it was made in.
fn snapshot(passing: &Passing, name: &str) {
    let folder = passing.repo.beside("");
    let folder = folder.to_str().unwrap();
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for format in ["text", "markdown", "json"] {
            let text = rendered(passing, format).replace(folder, "DIR/");
            if format == "markdown" {
                assert_tame_markdown(&text);
            }
            insta::assert_snapshot!(format!("{name}-{format}"), text);
        }
    });
}

#[test]
fn a_passing_check_looks_like_this() {
    snapshot(&Passing::new(), "passing");
}

#[test]
fn a_blocked_check_looks_like_this() {
    let passing = Passing::new();
    let worse = Evals::passing(HEAD_PROMPT).failing(20);
    passing.repo.evidence("candidate.json", &worse.bytes());
    snapshot(&passing, "blocked");
}

#[test]
fn nothing_is_coloured_where_nobody_looks() {
    let passing = Passing::new();
    let path = passing.repo.path();
    let args = [
        "check",
        "--repo",
        path.to_str().unwrap(),
        "--base",
        "main",
        "--head",
        "head",
        "--now",
        NOW,
    ];
    for variables in [
        &[][..],
        &[("NO_COLOR", "1")],
        &[("TERM", "xterm-256color"), ("CLICOLOR_FORCE", "1")],
    ] {
        let ran = gatecard_with(&args, variables).exits(1);
        assert!(
            !ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'),
            "{variables:?}"
        );
        assert!(!ran.out.is_empty());
    }
}

#[test]
fn several_formats_go_to_several_places() {
    let passing = Passing::new();
    let file = |name: &str| passing.repo.beside(name).display().to_string();
    let (json, markdown) = (file("deep/report.json"), file("report.md"));
    let [baseline, candidate, traces] = &passing.files;
    let ran = passing.repo.check_with(
        &[baseline, candidate, traces],
        &[
            "--format",
            "text",
            "--format",
            &format!("json={json}"),
            "--format",
            &format!("markdown={markdown}"),
        ],
    );
    assert_eq!(ran.out, rendered(&passing, "text"));
    assert_eq!(
        fs::read_to_string(&json).unwrap(),
        rendered(&passing, "json")
    );
    assert_eq!(
        fs::read_to_string(&markdown).unwrap(),
        rendered(&passing, "markdown")
    );
    let ran = passing.repo.check_with(&[], &["--format", "html"]).exits(2);
    assert!(
        ran.err.contains("one of text, markdown, json"),
        "{}",
        ran.err
    );
}

/// A change of this many prompts, none of which has evidence.
fn several(prompts: usize) -> Repo {
    let repo = Repo::with(&[(".github/gatecard.yml", POLICY)]);
    let write = |text: &str| {
        for at in 0..prompts {
            repo.write(&[(&format!("prompts/p{at}.md"), text)]);
        }
    };
    write(BASE_PROMPT);
    repo.commit("prompts");
    repo.branch("head");
    write(HEAD_PROMPT);
    repo.commit("change them all");
    repo
}

#[test]
fn a_gate_counts_once_and_what_it_says_of_several_prompts_stands_once() {
    for (prompts, names) in [
        (3, "prompts/p0, prompts/p1, prompts/p2"),
        (
            7,
            "prompts/p0, prompts/p1, prompts/p2, prompts/p3, prompts/p4 and 2 more",
        ),
    ] {
        let repo = several(prompts);
        let print = |format: &str| repo.check_with(&[], &["--format", format]).exits(1).out;
        let (text, markdown) = (print("text"), print("markdown"));
        let json = repo.check(&[]).json();
        assert_eq!(json["headline"], "blocked by 6 gates · score 1.00");
        let rulings = json["outcomes"].as_array().unwrap().iter();
        let min_examples = rulings.filter(|each| each["gate"] == "min_examples");
        assert_eq!(min_examples.count(), prompts);
        let green = format!("7 of 13 gates are green, in {prompts} prompts");
        for out in [&text, &markdown] {
            assert!(out.contains(&green), "{out}");
            assert_eq!(out.matches("evidence-missing").count(), 3, "{out}");
        }
        let row = format!("| `min_examples`<br>missing<br>`evidence-missing` | {names} |");
        assert!(markdown.contains(&row), "{markdown}");
        // The text is folded.
        let unfolded = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = format!("min_examples · {names}: missing [evidence-missing]");
        assert!(unfolded.contains(&line), "{text}");
    }
}

/// Everything that is live somewhere, many times over, so that some of it starts a line
/// wherever lines are folded.
fn hostile() -> String {
    "::set-output name=x::y ##[error]z <script>alert(1)</script> | `a` @acme/owners #12 \
     [t](http://evil.example) ![i](x) **b** \u{1b}[31m \u{202e}rtl \u{200b}\u{9b}31m ::error::x "
        .repeat(12)
}

/// No workflow command, no escape, no hidden character.
fn assert_tame_for_a_terminal(text: &str) {
    for line in text.lines() {
        assert!(!line.trim_start().starts_with("::"), "{line}");
        assert!(!line.contains("##["), "{line}");
    }
    let bad = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert_eq!(text.find(bad), None, "{text}");
}

/// The text of Markdown with its code spans and escapes taken out: what is left is live.
fn live(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        let fence = rest.len() - rest.trim_start_matches('`').len();
        let after = &rest[fence.max(c.len_utf8())..];
        if c == '\\' {
            rest = after
                .get(after.chars().next().map_or(0, char::len_utf8)..)
                .unwrap_or("");
        } else if fence > 0 {
            let close = "`".repeat(fence);
            let end = after.match_indices(&close).find(|(at, _)| {
                !after[..*at].ends_with('`') && !after[at + fence..].starts_with('`')
            });
            let (at, _) = end.unwrap_or_else(|| panic!("an open code span: {line}"));
            rest = &after[at + fence..];
        } else {
            out.push(c);
            rest = after;
        }
    }
    out
}

/// Every table has as many cells in each row as in its head, and nothing in it is live.
fn assert_tame_markdown(text: &str) {
    let mut columns = None;
    let mut before = "";
    for line in text.lines() {
        // A line of text right behind a table would be one more row of it.
        let tables = [before, line].map(|line| line.starts_with('|'));
        assert!(
            tables[0] == tables[1] || before.is_empty() || line.is_empty(),
            "{before}\n{line}"
        );
        assert!(
            !before.starts_with('>') || line.is_empty() || line.starts_with('>'),
            "{line}"
        );
        assert!(
            !line.starts_with('#') || before.is_empty(),
            "{before}\n{line}"
        );
        before = line;
        let live = live(line);
        let pipes = live.matches('|').count();
        if line.starts_with('|') {
            assert_eq!(*columns.get_or_insert(pipes), pipes, "{line}");
        } else {
            columns = None;
            assert_eq!(pipes, 0, "{line}");
        }
        for tag in live.match_indices('<').map(|(at, _)| &live[at..]) {
            let own = [
                "<details>",
                "</details>",
                "<summary>",
                "</summary>",
                "<b>",
                "</b>",
                "<sub>",
                "</sub>",
                "<br>",
            ];
            assert!(own.iter().any(|own| tag.starts_with(own)), "{line}");
        }
        assert_eq!(
            live.trim_start_matches('>').matches('>').count(),
            live.matches('<').count(),
            "{line}"
        );
        for sign in ["@acme", "#12", "](", "http://", "script>"] {
            assert!(!live.contains(sign), "{sign}: {line}");
        }
    }
    let bad = |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
    assert_eq!(text.find(bad), None, "{text}");
}

#[test]
fn hostile_text_is_never_live() {
    let name = "a|b`c`@acme #12 <script> ::error::x ##[x] \u{1b}[31m\u{202e}";
    let path = format!("prompts/{name}.md");
    let base = format!("{BASE_PROMPT}{}\n", hostile().replace('{', ""));
    let head = format!("{base}\n{}\n", hostile());
    let repo = Repo::with(&[
        (".github/gatecard.yml", POLICY),
        (&path, &base),
        ("notes.txt", "x"),
    ]);
    repo.branch("head");
    repo.write(&[(&path, &head)]);
    repo.commit("change the prompt");
    let run = |raw: &str, failing: usize| {
        let mut run = Evals::passing(raw).failing(failing);
        for row in run.rows() {
            let id = row["testCase"]["metadata"]["id"].as_str().unwrap();
            row["testCase"]["metadata"]["id"] = json!(format!("{id} {}", hostile()));
            row["gradingResult"]["reason"] = json!(hostile());
            row["response"]["output"] = json!(hostile());
        }
        run
    };
    let files = [
        repo.evidence(&format!("{name}.json"), &run(&base, 0).bytes()),
        repo.evidence("candidate.json", &run(&head, 20).bytes()),
        repo.evidence(&format!("{name}.txt"), hostile().as_bytes()),
    ];
    for evidence in [&files[..2], &files] {
        let evidence: Vec<&str> = evidence.iter().map(String::as_str).collect();
        let print = |format: &str| -> Ran { repo.check_with(&evidence, &["--format", format]) };
        let text = print("text");
        assert!(text.out.contains("prompts/a|b"), "{}", text.out);
        assert_tame_for_a_terminal(&text.out);
        assert_tame_for_a_terminal(&text.err);
        let markdown = print("markdown").out;
        assert!(markdown.contains("Gates that are not green"), "{markdown}");
        assert_tame_markdown(&markdown);
    }
}

#[test]
fn a_hostile_policy_and_revision_are_tame_in_errors() {
    let repo = Repo::sample();
    for args in [
        ["--format", "text", "--policy", "x\u{1b}[31m\n::error::x"],
        ["--format", "text", "--mode", "a\n::error::x ##[x]\u{202e}"],
        ["--format", "\u{1b}[31m\n::error::x", "--mode", "enforce"],
        ["--format", "text", "--now", "\n::error::x"],
    ] {
        let ran = repo.check_with(&[], &args).exits(2);
        assert_tame_for_a_terminal(&ran.err);
        assert_eq!(ran.out, "");
    }
    let file = repo.evidence(
        "p.yml",
        "version: 1\nprompts: [\"x\"]\n\"::error::\\u001b[31m\": 1\n::error::x\n##[y]: 2\n"
            .as_bytes(),
    );
    let ran = repo.check_with(&[], &["--policy-file", &file]).exits(2);
    assert_tame_for_a_terminal(&ran.err);
}

#[test]
fn a_markdown_file_holds_everything_however_much_changed() {
    let long = "_<@".repeat(60);
    for (what, folder) in [
        ("short", String::from("p")),
        ("long", [long.as_str(); 12].join("/")),
    ] {
        let repo = Repo::with(&[(".github/gatecard.yml", POLICY), ("prompts/x.md", "x")]);
        let name = |at: usize| format!("prompts/{folder}/{at}.md");
        let write = |text: &str| {
            for at in 0..300 {
                repo.write(&[(
                    &name(at),
                    &format!("{text} {at} {{{{message}}}} {}\n", hostile()),
                )]);
            }
        };
        write("Before");
        repo.commit("prompts");
        repo.branch("head");
        write("After");
        repo.commit("change them all");
        let ran = repo.check_with(&[], &["--format", "markdown"]).exits(1);
        assert!(ran.out.contains("### Scorecard"), "{what}");
        assert!(ran.out.matches("| missing ").count() >= 300, "{what}");
        assert!(!ran.out.contains("Left out"), "{what}");
        assert_tame_markdown(&ran.out);
    }
}

#[test]
fn a_reader_that_has_read_enough_changes_no_exit_code() {
    use std::process::{Command, Stdio};
    let repo = Repo::sample();
    for format in ["text", "markdown", "json"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gatecard"))
            .args([
                "check", "--base", "main", "--head", "head", "--format", format,
            ])
            .current_dir(repo.path())
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        assert_eq!(child.wait().unwrap().code(), Some(1), "{format}");
    }
}

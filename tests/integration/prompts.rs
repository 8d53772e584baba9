//! Prompt files of every format: what is read, what makes a version, what a change is called.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{BASE_PROMPT, HEAD_PROMPT, Ran, Repo};

const POLICY: &str = "version: 1\nprompts: [\"prompts/**\"]\n";

/// The text of a fixture.
fn fixture(name: &str) -> String {
    fs::read_to_string(fixtures().join(name)).unwrap()
}

fn fixtures() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/prompts")
}

/// Copies the fixtures, of all formats, into a repository's `prompts/`.
fn copy(from: &Path, to: &str, repo: &Repo) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{to}/{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &name, repo);
        } else {
            repo.write_bytes(&name, &fs::read(entry.path()).unwrap());
        }
    }
}

/// The words of a list in JSON.
fn words(list: &Value) -> Vec<&str> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|word| word.as_str().unwrap())
        .collect()
}

/// Every change of a report: `kind id facets`.
fn changes(ran: &Ran) -> Vec<String> {
    let report = ran.json();
    let changes = report["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|change| {
            let text = |key: &str| change[key].as_str().unwrap().to_owned();
            let facets = words(&change["facets"]).join(" ");
            format!("{} {} {facets}", text("kind"), text("id"))
                .trim_end()
                .to_owned()
        })
        .collect()
}

/// The change of one prompt.
fn change(ran: &Ran, id: &str) -> Value {
    let report = ran.json();
    let changes = report["changes"].as_array().unwrap();
    let found = changes.iter().find(|change| change["id"] == id);
    found
        .unwrap_or_else(|| panic!("no {id} in {changes:#?}"))
        .clone()
}

/// A repository with `base` on main and `head` written over it on the head branch.
fn between(base: &[(&str, &str)], head: &[(&str, &str)]) -> Repo {
    let repo = Repo::with(&[(".github/gatecard.yml", POLICY)]);
    repo.write(base);
    repo.commit("prompts");
    repo.branch("head");
    repo.write(head);
    repo.commit("change");
    repo
}

#[test]
fn the_version_of_every_format_is_frozen() {
    let repo = Repo::with(&[(".github/gatecard.yml", POLICY)]);
    copy(&fixtures(), "prompts", &repo);
    repo.write_bytes("prompts/logo.png", b"\x89PNG\0");
    repo.write(&[
        ("prompts/.notes.md", "A dot file.\n"),
        ("prompts/notes.yaml", "- no prompt\n"),
        ("docs/prompts/stray.md", "Answer {{q}}.\n"),
        ("docs/readme.md", "Not a prompt.\n"),
        ("lib/stray.prompt", "Answer {{q}}.\n"),
    ]);
    repo.commit("every format");
    let mut listing = repo.prompts("main").exits(0).json();
    listing["revision"] = Value::from("the revision");
    insta::assert_snapshot!(format!("{listing:#}"));
}

/// What an edit does to a file's text.
#[derive(Clone, Copy)]
enum Edit {
    /// Another text in place of one.
    To(&'static str, &'static str),
    /// All line ends as CRLF.
    Crlf,
    /// No newline at the end.
    NoFinalNewline,
    /// More newlines at the end.
    MoreFinalNewlines,
    /// A byte order mark.
    Mark,
}
use Edit::{Crlf, Mark, MoreFinalNewlines, NoFinalNewline, To};

impl Edit {
    fn of(self, text: &str) -> String {
        let edited = match self {
            To(before, after) => text.replacen(before, after, 1),
            Crlf => text.replace('\n', "\r\n"),
            NoFinalNewline => text.trim_end().to_owned(),
            MoreFinalNewlines => format!("{text}\n\n"),
            Mark => format!("\u{feff}{text}"),
        };
        assert_ne!(edited, text);
        edited
    }
}

/// Holds each edit of a fixture to the facets that it changes; none is formatting only.
fn hold(name: &str, beside: &[&str], edits: &[(Edit, &str)]) {
    let text = fixture(name);
    let (folder, file) = name.split_once('/').unwrap();
    let (_, suffix) = file.split_once('.').unwrap();
    let id = |number: usize| format!("prompts/e{number:02}");
    let repo = Repo::with(&[(".github/gatecard.yml", POLICY)]);
    let write = |edited: bool| {
        for file in beside {
            let text = fixture(&format!("{folder}/{file}"));
            repo.write(&[(&format!("prompts/{file}"), &text)]);
        }
        for (number, (edit, _)) in edits.iter().enumerate() {
            let text = if edited { edit.of(&text) } else { text.clone() };
            repo.write(&[(&format!("{}.{suffix}", id(number)), &text)]);
        }
    };
    write(false);
    repo.commit("prompts");
    repo.branch("head");
    write(true);
    repo.commit("edits");
    let report = repo.check(&[]).json();
    assert_eq!(report["findings"], serde_json::json!([]));
    for (number, (edit, want)) in edits.iter().enumerate() {
        let id = id(number);
        let of_this = |found: &str| found.split('#').next() == Some(id.as_str());
        let changed = report["changes"].as_array().unwrap();
        let changed: Vec<String> = changed
            .iter()
            .filter(|change| of_this(change["id"].as_str().unwrap()))
            .map(|change| words(&change["facets"]).join(" "))
            .collect();
        let kept = words(&report["formatting_only"]);
        let kept = kept.iter().any(|found| of_this(found));
        let shown = match edit {
            To(before, after) => format!("{before} -> {after}"),
            other => other.of("x\n"),
        };
        if want.is_empty() {
            assert!(kept && changed.is_empty(), "{name}: {shown:?}: {changed:?}");
        } else {
            assert!(!changed.is_empty(), "{name}: {shown:?} changed nothing");
            for facets in changed {
                assert_eq!(facets, *want, "{name}: {shown:?}");
            }
        }
    }
}

#[test]
fn edits_of_a_text_prompt_change_what_they_mean() {
    hold(
        "text/refund.md",
        &[],
        &[
            (Crlf, ""),
            (NoFinalNewline, ""),
            (MoreFinalNewlines, ""),
            (Mark, ""),
            (To("# How refunds are answered.\n", ""), ""),
            (To("name: refund\n", "name: refunds\n"), ""),
            (To("Answers refund questions", "Answers"), ""),
            (To("version: 3", "version: 4"), ""),
            (To("version: 3\n", ""), ""),
            (
                To("model: openai/gpt-4o-mini", "model: 'openai/gpt-4o-mini'"),
                "",
            ),
            (
                To(
                    "model: openai/gpt-4o-mini",
                    "model: openai:chat:gpt-4o-mini",
                ),
                "",
            ),
            (
                To(
                    "model: openai/gpt-4o-mini",
                    "provider: openai\nmodel: gpt-4o-mini",
                ),
                "",
            ),
            (
                To(
                    "temperature: 0.2\nmax_tokens: 300",
                    "max_tokens: 300\ntemperature: 0.2",
                ),
                "",
            ),
            (
                To(
                    "temperature: 0.2\nmax_tokens: 300",
                    "parameters: { max_tokens: 300, temperature: 0.2 }",
                ),
                "",
            ),
            (To("temperature: 0.2", "temperature: 0.20"), ""),
            (To("temperature: 0.2", "temperature: 2e-1"), ""),
            (To("max_tokens: 300", "max_tokens: 300.0"), ""),
            (To("max_tokens: 300", "maxOutputTokens: 300"), ""),
            (
                To(
                    "inputs: [message, order]",
                    "inputs:\n  - message\n  - order",
                ),
                "",
            ),
            (To("{ type: json_object }", "\n  type: \"json_object\""), ""),
            (To("a support", "a friendly support"), "template"),
            (To("assistant.\n", "assistant. \n"), "template"),
            (To("assistant.\n\n", "assistant.\n"), "template"),
            (To("{{order}}", "{{ order }}"), "template"),
            (To("{{message}}", "{{question}}"), "template variables"),
            (
                To("[message, order]", "[message, order, language]"),
                "variables",
            ),
            (To("openai/gpt-4o-mini", "openai/gpt-4o"), "model"),
            (To("openai/gpt-4o-mini", "azure/gpt-4o-mini"), "model"),
            (To("model: openai/gpt-4o-mini\n", ""), "model"),
            (To("temperature: 0.2", "temperature: 0.7"), "parameters"),
            (To("temperature: 0.2\n", ""), "parameters"),
            (To("temperature: 0.2", "temperature: '0.2'"), "parameters"),
            (
                To("max_tokens: 300", "max_tokens: 300\nseed: 7"),
                "parameters",
            ),
            (To("name: lookup_order", "name: find_order"), "tools"),
            (To("Finds an order", "Finds one order"), "tools"),
            (To("json_object", "text"), "schema"),
        ],
    );
}

#[test]
fn edits_of_a_dotprompt_file_change_what_they_mean() {
    hold(
        "dotprompt/triage.prompt",
        &["partials/queues.prompt"],
        &[
            (Crlf, ""),
            (NoFinalNewline, ""),
            (To("---\nmodel", "# licence\n\n---\nmodel"), ""),
            (To("Sorts mail", "Sorts the mail"), ""),
            (To("googleai/", "google/"), ""),
            (To("maxOutputTokens", "max_tokens"), ""),
            (To("topK: 40\n", "topK: 40.0\n"), ""),
            (
                To(
                    "temperature: 0.4\n  maxOutputTokens: 200",
                    "maxOutputTokens: 200\n  temperature: 0.40",
                ),
                "",
            ),
            (To("tools: [find_customer]", "tools:\n- find_customer"), ""),
            (To("into a queue", "into one queue"), "template"),
            (To("{{>queues}}", ""), "template"),
            (To("{{subject}}: ", ""), "template variables"),
            (To("{{body}}", "{{text}}"), "template variables"),
            (To("subject: string", "subject: number"), "variables"),
            (To("body: none", "body: empty"), "variables"),
            (To("2.5-flash", "2.5-pro"), "model"),
            (To("topK: 40", "topK: 20"), "parameters"),
            (To("[find_customer]", "[find_customer, refund]"), "tools"),
            (To("tools: [find_customer]\n", ""), "tools"),
            (To("queue: string", "queue: string, one word"), "schema"),
        ],
    );
}

#[test]
fn edits_of_a_github_models_file_change_what_they_mean() {
    hold(
        "github_models/summary.prompt.yml",
        &[],
        &[
            (Crlf, ""),
            (NoFinalNewline, ""),
            (Mark, ""),
            (To("name: Summary", "name: Summaries # renamed"), ""),
            (To("Sums up a text", "Sums up"), ""),
            (To("A long text", "Another text"), ""),
            (To("contains: text", "contains: word"), ""),
            (
                To(
                    "content: You sum up texts.",
                    "content: \"You sum up texts.\"",
                ),
                "",
            ),
            (
                To(
                    "content: You sum up texts.",
                    "content: >-\n      You sum\n      up texts.",
                ),
                "",
            ),
            (
                To(
                    "role: system\n    content: You sum up texts.",
                    "content: You sum up texts.\n    role: system",
                ),
                "",
            ),
            (To("0.5\n", "0.50\n"), ""),
            (To("maxCompletionTokens", "max_tokens"), ""),
            (
                To("{\"name\": \"summary\", ", "{ \"name\":\"summary\","),
                "",
            ),
            (To("You sum", "You always sum"), "template"),
            (To("role: system", "role: developer"), "template"),
            (
                To(
                    "messages:\n",
                    "messages:\n  - { role: system, content: Be kind. }\n",
                ),
                "template",
            ),
            (To("{{input}}", "{{text}}"), "template variables"),
            (To("openai/gpt-4o", "openai/gpt-4.1"), "model"),
            (To("0.5\n", "0.7\n"), "parameters"),
            (To("\"string\"", "\"number\""), "schema"),
            (
                To(
                    "responseFormat: json_schema\n",
                    "responseFormat: json_schema\ntools: [{ name: refund }]\n",
                ),
                "tools",
            ),
        ],
    );
}

#[test]
fn edits_of_a_prompty_file_change_what_they_mean() {
    hold(
        "prompty/chat.prompty",
        &["tools.json"],
        &[
            (Crlf, ""),
            (NoFinalNewline, ""),
            (To("name: Chat", "name: 'Chat about products'"), ""),
            (To("\"1.2\"", "\"1.3\""), ""),
            (To("What do you sell?", "Hello?"), ""),
            (To("[a writer]", "[another writer]"), ""),
            (To("${env:ENDPOINT}", "${env:OTHER}"), ""),
            (
                To(
                    "max_tokens: 1024\n    temperature: 0.2",
                    "temperature: 0.20\n    max_tokens: 1024",
                ),
                "",
            ),
            (To("from the catalogue", "from the price list"), "template"),
            (To("{{question}}", "{{question}}!"), "template"),
            (To("in history", "in turns"), "template variables"),
            (To("type: string", "type: number"), "variables"),
            (
                To("azure_deployment: gpt-4o", "azure_deployment: gpt-4.1"),
                "model",
            ),
            (To("type: azure_openai", "type: openai"), "model"),
            (To("temperature: 0.2", "temperature: 0.9"), "parameters"),
            (To("api: chat", "api: completion"), "parameters"),
            (To("    tools: ${file:tools.json}\n", ""), "tools"),
        ],
    );
    hold(
        "prompty/agent.prompty",
        &[],
        &[
            (Crlf, ""),
            (To("version: 7", "version: 8"), ""),
            (To("kind: key", "kind: reference"), ""),
            (To("maxOutputTokens", "max_tokens"), ""),
            (To("when they help", "always"), "template"),
            (To("default: Why?", "default: How?"), "variables"),
            (To("sonnet-4-5", "opus-4-1"), "model"),
            (To("provider: anthropic", "provider: bedrock"), "model"),
            (To("256", "512"), "parameters"),
            (To("apiType: chat", "apiType: responses"), "parameters"),
            (To("in a town", "in a city"), "tools"),
            (To("name: reply", "name: answer"), "schema"),
        ],
    );
}

#[test]
fn edits_of_a_promptfoo_config_change_what_they_mean() {
    hold(
        "promptfoo/promptfooconfig.yaml",
        &["ask.txt", "chat.json"],
        &[
            (Crlf, ""),
            (NoFinalNewline, ""),
            (To("Compares two", "Compares several"), ""),
            (To("two and two", "three and three"), ""),
            (To("openai:chat:gpt-4o-mini", "openai:gpt-4o-mini"), ""),
            (To("apiKey: ${KEY}", "apiKey: ${OTHER}"), ""),
            (To("temperature: 0\n", "temperature: 0.0\n"), ""),
            (To("- file://ask.txt", "- 'file://ask.txt'"), ""),
            (To("in one word", "in two words"), "template"),
            (
                To("word: {{question}}", "word: {{sum}}"),
                "template variables",
            ),
            (To("gpt-4o-mini", "gpt-4o"), "model"),
            (To("temperature: 0\n", "temperature: 1\n"), "parameters"),
            (To("calculator", "abacus"), "tools"),
        ],
    );
    hold(
        "promptfoo/chat.json",
        &[],
        &[
            (Crlf, ""),
            (NoFinalNewline, ""),
            (
                To(
                    "{ \"role\": \"user\", \"content\": \"{{question}}\" }",
                    "{\"content\":\"{{question}}\",\"role\":\"user\"}",
                ),
                "",
            ),
            (To("sums", "riddles"), "template"),
            (To("\"system\"", "\"developer\""), "template"),
            (To("{{question}}", "{{q}}"), "template variables"),
        ],
    );
}

#[test]
fn a_changed_include_changes_the_prompt_that_includes_it() {
    let tools = fixture("prompty/tools.json");
    for (prompt, text, include, before, after, facets) in [
        (
            "a.hbs",
            "{{> _voice}} Hi.\n",
            "prompts/_voice.prompt",
            "Kind.\n",
            "Curt.\n",
            "template",
        ),
        (
            "a.hbs",
            "{{#> voice}}{{/voice}} Hi.\n",
            "prompts/_voice.prompt",
            "Kind.\n",
            "Curt.\n",
            "template",
        ),
        (
            "sub/a.prompt",
            "{{>voice}} Hi.\n",
            "prompts/partials/voice.prompt",
            "Kind.\n",
            "{{tone}}.\n",
            "template variables",
        ),
        (
            "a.md",
            "{{~> _voice tone=x}} Hi.\n",
            "prompts/_voice.prompt",
            "Kind.\n",
            "Curt.\n",
            "template",
        ),
        (
            "a.j2",
            "{% include 'parts/voice.txt' %}\n",
            "prompts/parts/voice.txt",
            "Kind.\n",
            "Curt.\n",
            "template",
        ),
        (
            "a.j2",
            "{%- extends \"base.j2\" -%}\n",
            "base.j2",
            "Kind.\n",
            "Curt.\n",
            "template",
        ),
        (
            "a.yaml",
            "prompts: [file://_a.txt]\nproviders: [openai:gpt-4o]\n",
            "prompts/_a.txt",
            "Hi\n",
            "Ho\n",
            "template",
        ),
        (
            "a.yaml",
            "prompts: [Hi]\nproviders: [file://../config/p.yaml]\n",
            "config/p.yaml",
            "id: openai:gpt-4o\n",
            "id: openai:o3\n",
            "model",
        ),
        (
            "a.prompty",
            "---\ntools: ${file:_tools.json}\n---\nHi\n",
            "prompts/_tools.json",
            &tools,
            "[]",
            "tools",
        ),
        (
            "a.prompty",
            "---\nsample: ${file:_sample.json}\n---\nHi\n",
            "prompts/_sample.json",
            "{}",
            "{\"a\": 1}",
            "",
        ),
    ] {
        let path = format!("prompts/{prompt}");
        let repo = between(&[(&path, text), (include, before)], &[(include, after)]);
        let ran = repo.check(&[]);
        let id = path.rsplit_once('.').unwrap().0;
        let found: Vec<String> = changes(&ran)
            .into_iter()
            .filter(|change| change.contains(id))
            .collect();
        if facets.is_empty() {
            assert!(found.is_empty(), "{prompt} {text} {found:?}");
        } else {
            assert_eq!(found.len(), 1, "{prompt} {text}: {} {}", ran.out, ran.err);
            assert!(found[0].starts_with("modified"), "{found:?}");
            assert!(
                found[0].ends_with(&format!(" {facets}")),
                "{text} {found:?}"
            );
        }
        let listing = repo.prompts("head").exits(0).json();
        let prompts = listing["prompts"].as_array().unwrap();
        let prompt = prompts
            .iter()
            .find(|prompt| prompt["path"] == path)
            .unwrap();
        assert_eq!(words(&prompt["includes"]), [include]);
    }
}

#[test]
fn an_include_that_cannot_be_followed_has_its_own_code() {
    for (file, text, beside, code, found) in [
        ("a.hbs", "{{> gone}}\n", "", "include-missing", "`gone`"),
        (
            "a.j2",
            "{% include 'gone.j2' %}\n",
            "",
            "include-missing",
            "`gone.j2`",
        ),
        (
            "a.j2",
            "{% include which %}\n",
            "",
            "include-missing",
            "an expression",
        ),
        (
            "a.hbs",
            "{{> (lookup . 'x')}}\n",
            "",
            "include-missing",
            "an expression",
        ),
        (
            "a.yaml",
            "prompts: [file://gone.txt]\nproviders: [x]\n",
            "",
            "include-missing",
            "gone.txt",
        ),
        (
            "a.prompty",
            "---\ntools: ${file:gone.json}\n---\nHi\n",
            "",
            "include-missing",
            "gone.json",
        ),
        (
            "a.j2",
            "{% include '../../../etc/passwd' %}\n",
            "",
            "include-escape",
            "outside",
        ),
        (
            "a.hbs",
            "{{> ../../../x}}\n",
            "",
            "include-escape",
            "outside",
        ),
        (
            "a.yaml",
            "prompts: [file:///etc/passwd]\nproviders: [x]\n",
            "",
            "include-escape",
            "outside",
        ),
        (
            "a.prompty",
            "---\nsample: ${file:../../x.json}\n---\nHi\n",
            "",
            "include-escape",
            "outside",
        ),
        (
            "a.hbs",
            "{{> _b}}\n",
            "{{> _b}}\n",
            "include-cycle",
            "_b.prompt",
        ),
        (
            "a.j2",
            "{% include '_b.prompt' %}\n",
            "{% include 'a.j2' %}\n",
            "include-cycle",
            "a.j2 → prompts/_b.prompt → prompts/a.j2",
        ),
        (
            "a.j2",
            "{% include 'a.j2' %}\n",
            "",
            "include-cycle",
            "a.j2 → prompts/a.j2",
        ),
        (
            "a.hbs",
            "{{> _link}}\n",
            "",
            "prompt-symlink",
            "_link.prompt",
        ),
        (
            "a.yaml",
            "prompts: [file://_link.prompt]\nproviders: [x]\n",
            "",
            "prompt-symlink",
            "_link.prompt",
        ),
    ] {
        let path = format!("prompts/{file}");
        let repo = Repo::with(&[(".github/gatecard.yml", POLICY)]);
        repo.branch("head");
        repo.write(&[
            (&path, text),
            ("prompts/_b.prompt", &format!("{beside}x\n")),
        ]);
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc/passwd", repo.path().join("prompts/_link.prompt"))
            .unwrap();
        repo.commit("include");
        let ran = repo.check(&[]).exits(3);
        assert_eq!(ran.gate("prompt_files"), format!("error {code}"), "{text}");
        let report = ran.json();
        let outcome = report["outcomes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|outcome| outcome["gate"] == "prompt_files")
            .unwrap();
        let said = outcome["found"].as_str().unwrap();
        assert!(said.starts_with("prompts/"), "{text}: {said}");
        assert!(said.contains(found), "{text}: {said}");
    }
    let optional = "{% include 'gone.j2' ignore missing %}Hi\n";
    let repo = between(&[], &[("prompts/a.j2", optional)]);
    assert_eq!(changes(&repo.check(&[])), ["added prompts/a"]);
}

#[test]
fn an_include_that_goes_missing_breaks_the_prompts_that_use_it() {
    let repo = between(
        &[
            ("prompts/a.hbs", "{{> _b}} Hi.\n"),
            ("prompts/_b.prompt", "Kind.\n"),
        ],
        &[],
    );
    fs::remove_file(repo.path().join("prompts/_b.prompt")).unwrap();
    repo.commit("remove the partial");
    let ran = repo.check(&[]).exits(3);
    assert_eq!(ran.gate("prompt_files"), "error include-missing");
}

#[test]
fn shared_config_is_part_of_every_prompt_that_uses_it() {
    let policy = "version: 1\nmodels: [config/models.yml]\nretrieval: [config/retrieval.yml]\nprompts:\n  - prompts/**\n  - { files: \"own/*.md\", models: [], retrieval: [] }\n";
    let models = "model: openai/gpt-4o\ntemperature: 0.2\n";
    let retrieval = "index: products\nembedding_model: small\ntop_k: 5\n";
    for (file, text, facets, difference, triggers) in [
        (
            "config/retrieval.yml",
            retrieval.replace("top_k: 5", "top_k: 8"),
            "retrieval",
            ("retrieval top_k", "5", "8"),
            &[][..],
        ),
        (
            "config/retrieval.yml",
            retrieval.replace("small", "large"),
            "retrieval",
            ("retrieval embedding_model", "small", "large"),
            &[],
        ),
        (
            "config/models.yml",
            models.replace("0.2", "0.7"),
            "parameters",
            ("temperature", "0.2", "0.7"),
            &[],
        ),
        (
            "config/models.yml",
            models.replace("gpt-4o", "gpt-4.1"),
            "model",
            ("model", "openai/gpt-4o", "openai/gpt-4.1"),
            &["new_model"],
        ),
    ] {
        let repo = Repo::with(&[
            (".github/gatecard.yml", policy),
            ("config/models.yml", models),
            ("config/retrieval.yml", retrieval),
            ("prompts/a.md", "Hi {{q}}.\n"),
            (
                "prompts/b.prompt.yml",
                "messages: [{ role: user, content: Hi }]\n",
            ),
            ("own/c.md", "Hi {{q}}.\n"),
        ]);
        repo.branch("head");
        repo.write(&[(file, &text)]);
        repo.commit("change the config");
        let ran = repo.check(&[]).exits(1);
        let want = ["a", "b"].map(|id| format!("modified prompts/{id} {facets}"));
        assert_eq!(changes(&ran), want, "{file}");
        let change = change(&ran, "prompts/a");
        let (what, before, after) = difference;
        let want = serde_json::json!([{ "what": what, "before": before, "after": after }]);
        assert_eq!(change["differences"], want, "{file}");
        assert_eq!(words(&change["triggers"]), triggers, "{file}");
    }
    // Comments and quotes in shared config are formatting.
    let repo = Repo::with(&[
        (".github/gatecard.yml", policy),
        ("config/models.yml", models),
        ("config/retrieval.yml", retrieval),
        ("prompts/a.md", "Hi {{q}}.\n"),
    ]);
    repo.branch("head");
    repo.write(&[
        (
            "config/models.yml",
            "# shared\ntemperature: 0.20\nmodel: 'openai/gpt-4o'\n",
        ),
        ("config/retrieval.yml", &retrieval.replace('\n', "\r\n")),
    ]);
    repo.commit("format the config");
    let ran = repo.check(&[]).exits(0);
    assert!(changes(&ran).is_empty(), "{}", ran.out);
}

#[test]
fn prompts_are_added_modified_renamed_and_removed() {
    let long = "You are a support assistant.\n\nAnswer {{message}} about {{order}}.\nBe kind.\n";
    let repo = between(
        &[
            ("prompts/same.md", "Nothing changes {{a}}.\n"),
            ("prompts/modified.md", "One {{a}}.\n"),
            ("prompts/moved.md", long),
            (
                "prompts/moved_and_edited.md",
                &format!("{long}Be quick.\nBe brief.\n"),
            ),
            (
                "prompts/removed.md",
                "Gone {{a}} soon, and this text has no twin.\n",
            ),
            ("prompts/format.md", "---\ndescription: x\n---\nHi {{z}}.\n"),
        ],
        &[
            ("prompts/modified.md", "Two {{a}}.\n"),
            ("prompts/added.md", "New {{b}}.\n"),
            ("prompts/format.md", "---\ndescription: y\n---\nHi {{z}}.\n"),
        ],
    );
    repo.git(&["mv", "prompts/moved.md", "prompts/here.md"]);
    repo.git(&["mv", "prompts/moved_and_edited.md", "prompts/there.md"]);
    let edited = format!("{long}Be quick.\nBe very brief.\n");
    repo.write(&[("prompts/there.md", &edited)]);
    repo.git(&["rm", "--quiet", "prompts/removed.md"]);
    repo.commit("everything");
    let ran = repo.check(&[]).exits(1);
    assert_eq!(
        changes(&ran),
        [
            "added prompts/added",
            "renamed prompts/here",
            "modified prompts/modified template",
            "removed prompts/removed",
            "renamed prompts/there template",
        ]
    );
    let report = ran.json();
    assert_eq!(words(&report["formatting_only"]), ["prompts/format"]);
    let here = change(&ran, "prompts/here");
    assert_eq!(here["renamed_from"], "prompts/moved");
    assert_eq!(here["from"], here["to"]);
    assert_eq!(
        change(&ran, "prompts/there")["renamed_from"],
        "prompts/moved_and_edited"
    );
    assert_eq!(change(&ran, "prompts/added")["from"], Value::Null);
    assert_eq!(change(&ran, "prompts/removed")["to"], Value::Null);
}

#[test]
fn a_rename_or_a_removal_alone_needs_no_evidence() {
    let repo = between(
        &[
            ("prompts/a.md", "Hi {{q}}.\n"),
            ("prompts/b.md", "Ho {{q}}.\n"),
        ],
        &[],
    );
    repo.git(&["mv", "prompts/a.md", "prompts/c.md"]);
    repo.git(&["rm", "--quiet", "prompts/b.md"]);
    repo.commit("move");
    let ran = repo.check(&[]).exits(0);
    assert_eq!(changes(&ran), ["removed prompts/b", "renamed prompts/c"]);
    assert_eq!(ran.json()["verdict"], "pass");
}

#[test]
fn a_prompt_moved_out_of_the_policys_sight_is_blocked() {
    let text = "Answer {{message}} about {{order}}, kindly.\n";
    for (target, edited) in [
        ("src/answer.md", text.to_owned()),
        ("src/answer.md", format!("{text}Be brief.\n")),
        ("prompts/_answer.md", text.to_owned()),
        ("prompts/answer.bak", text.to_owned()),
    ] {
        let repo = between(&[("prompts/answer.md", text)], &[]);
        fs::create_dir_all(repo.path().join("src")).unwrap();
        repo.git(&["mv", "prompts/answer.md", target]);
        repo.write(&[(target, &edited)]);
        repo.commit("move it out");
        let ran = repo.check(&[]).exits(1);
        assert_eq!(ran.gate("prompt_files"), "fail ungoverned", "{target}");
        assert_eq!(ran.json()["verdict"], "fail");
        assert!(ran.out.contains(target), "{target}");
    }
}

#[test]
fn files_that_look_like_prompts_are_shown_and_others_are_skipped() {
    let repo = between(
        &[("prompts/a.md", "Hi {{q}}.\n")],
        &[
            ("lib/prompts/stray.md", "Answer {{q}}.\n"),
            ("lib/stray.prompt.yml", "messages: []\n"),
            ("lib/notes.md", "No prompt.\n"),
            ("prompts/README.md", "About.\n"),
            ("prompts/.hidden.md", "Hidden.\n"),
            ("prompts/partials/x.md", "A part.\n"),
            ("prompts/_y.md", "A part.\n"),
            ("prompts/data.csv", "a,b\n"),
        ],
    );
    repo.write_bytes("prompts/logo.png", b"\x89PNG\0\xff");
    repo.commit("an image");
    let ran = repo.check(&[]).exits(0);
    assert!(changes(&ran).is_empty(), "{}", ran.out);
    let report = ran.json();
    let findings = report["findings"].to_string();
    for stray in ["lib/prompts/stray.md", "lib/stray.prompt.yml"] {
        assert!(findings.contains(stray), "{findings}");
    }
    assert!(!findings.contains("notes.md"), "{findings}");
    let listing = repo.prompts("head").exits(0).json();
    assert_eq!(
        words(&listing["ungoverned"]),
        ["lib/prompts/stray.md", "lib/stray.prompt.yml"]
    );
    let skipped = listing["skipped"].as_array().unwrap();
    let mut skipped: Vec<String> = skipped
        .iter()
        .map(|each| {
            format!(
                "{} {}",
                each["path"].as_str().unwrap(),
                each["reason"].as_str().unwrap()
            )
        })
        .collect();
    skipped.sort();
    assert_eq!(
        skipped,
        [
            "prompts/.hidden.md dot file",
            "prompts/README.md documentation",
            "prompts/_y.md partial",
            "prompts/data.csv no prompt format",
            "prompts/logo.png no prompt format",
            "prompts/partials/x.md partial",
        ]
    );
}

#[test]
fn differences_are_told_in_words() {
    let base = "model: openai/gpt-4o\nmodelParameters: { temperature: 0.2 }\nmessages:\n  - { role: system, content: Be kind. }\n  - { role: user, content: 'Answer {{q}}.' }\n";
    let json = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    for (before, after, want) in [
        (
            "0.2",
            "0.7",
            json(r#"[{"what": "temperature", "before": "0.2", "after": "0.7"}]"#),
        ),
        (
            "{ temperature: 0.2 }",
            "{}",
            json(r#"[{"what": "temperature", "before": "0.2"}]"#),
        ),
        (
            "gpt-4o",
            "gpt-4.1",
            json(r#"[{"what": "model", "before": "openai/gpt-4o", "after": "openai/gpt-4.1"}]"#),
        ),
        (
            "messages:",
            "tools: [{ name: refund }]\nmessages:",
            json(r#"[{"what": "tool", "after": "refund"}]"#),
        ),
        (
            "Answer {{q}}.",
            "Answer {{q}} in {{language}}.",
            json(
                r#"[
            {"what": "user message", "added_lines": 1, "removed_lines": 1, "passages": [["Answer {{q}}.", "Answer {{q}} in {{language}}."]]},
            {"what": "variable", "after": "language"}]"#,
            ),
        ),
        (
            "messages:\n",
            "messages:\n  - { role: developer, content: Be brief. }\n",
            json(
                r#"[
            {"what": "developer message", "added_lines": 1, "removed_lines": 0, "passages": [["", "Be brief."]]}]"#,
            ),
        ),
        (
            "role: system",
            "role: developer",
            json(r#"[{"what": "role", "before": "system", "after": "developer"}]"#),
        ),
    ] {
        let head = base.replacen(before, after, 1);
        let repo = between(
            &[("prompts/a.prompt.yml", base)],
            &[("prompts/a.prompt.yml", &head)],
        );
        let found = change(&repo.check(&[]).exits(1), "prompts/a");
        assert_eq!(found["differences"], want, "{before} -> {after}");
    }
}

#[test]
fn triggers_say_why_the_full_card_is_needed() {
    let text = "---\nmodel: openai/gpt-4o\ntemperature: 0\n---\nOne two three four five six seven eight nine ten.\n";
    let tooled = text.replace("temperature: 0", "tools: [{ name: find }]");
    for (base, before, after, want) in [
        (text, "gpt-4o", "gpt-4.1", &["new_model"][..]),
        (text, "model: openai/gpt-4o\n", "", &[]),
        (text, "openai/gpt-4o", "openai:chat:gpt-4o\nversion: 2", &[]),
        (text, "temperature: 0", "temperature: 1", &[]),
        // Two of ten words are 20 %, and not more.
        (text, "One two", "A b", &[]),
        (text, "One two three", "A b c", &["major_prompt_change"]),
        (text, "One two", "A b One c two", &["major_prompt_change"]),
        (
            text,
            "temperature: 0",
            "tools: [{ name: find }]",
            &["tools_introduced"],
        ),
        (
            &tooled,
            "{ name: find }",
            "{ name: find }, { name: refund }",
            &["workflow_expanded"],
        ),
        (&tooled, "{ name: find }", "{ name: refund }", &[]),
        (&tooled, "{ name: find }", "", &[]),
    ] {
        let head = base.replacen(before, after, 1);
        let repo = between(&[("prompts/a.md", base)], &[("prompts/a.md", &head)]);
        let ran = repo.check(&[]);
        let report = ran.json();
        let found = report["changes"].as_array().unwrap();
        let found = found.first().map(|change| words(&change["triggers"]));
        assert_eq!(found.unwrap_or_default(), want, "{before} -> {after}");
    }
    let repo = between(&[], &[("prompts/a.md", text)]);
    let found = change(&repo.check(&[]).exits(1), "prompts/a");
    assert_eq!(words(&found["triggers"]), ["new_prompt"]);
}

#[test]
fn a_file_that_never_was_a_prompt_may_move_anywhere() {
    let repo = Repo::with(&[(".github/gatecard.yml", POLICY), ("prompts/a.md", "Hi.\n")]);
    repo.write_bytes(
        "prompts/logo.png",
        b"\x89PNG\0\xff\0 an image of some bytes",
    );
    repo.write(&[("prompts/data.csv", "a,b,c\n1,2,3\n4,5,6\n")]);
    repo.commit("an image");
    repo.branch("head");
    repo.git(&["mv", "prompts/logo.png", "logo.png"]);
    repo.git(&["mv", "prompts/data.csv", "data.csv"]);
    repo.commit("move it");
    let ran = repo.check(&[]).exits(0);
    assert_eq!(ran.json()["governed"], false);
}

#[test]
fn a_shared_model_file_of_any_shape_is_told_in_words() {
    let policy = "version: 1\nmodels: [models.yml]\nprompts: [\"prompts/**\"]\n";
    for (base, before, after, facets, what) in [
        (
            "model: openai/gpt-4o\nparameters: { temperature: 0 }\n",
            "0",
            "1",
            "parameters",
            "temperature",
        ),
        (
            "models:\n  fast: { id: openai/gpt-4o, temperature: 0 }\n",
            "0",
            "1",
            "parameters",
            "models models.fast.temperature",
        ),
        (
            "fast: { model: openai/gpt-4o }\n",
            "4o",
            "5",
            "model",
            "models fast.model",
        ),
        (
            "- { model: a, top_p: 0 }\n- { model: b, top_p: 0 }\n",
            "b",
            "c",
            "model",
            "models 1.model",
        ),
    ] {
        let repo = Repo::with(&[
            (".github/gatecard.yml", policy),
            ("models.yml", base),
            ("prompts/a.md", "Hi {{q}}.\n"),
        ]);
        repo.branch("head");
        repo.write(&[("models.yml", &base.replacen(before, after, 1))]);
        repo.commit("change the models");
        let ran = repo.check(&[]).exits(1);
        assert_eq!(
            changes(&ran),
            [format!("modified prompts/a {facets}")],
            "{base}"
        );
        let change = change(&ran, "prompts/a");
        assert_eq!(
            change["differences"].as_array().unwrap().len(),
            1,
            "{change}"
        );
        assert_eq!(change["differences"][0]["what"], what, "{base}");
    }
}

/// What the review of the reader asked: nothing that may reach the model is left out.
#[test]
fn every_part_of_a_file_that_may_reach_the_model_is_in_the_version() {
    for (what, path, before, after) in [
        (
            "a heading before a rule",
            "prompts/a.md",
            "# Never refund.\n---\na: 1\n---\nHi\n",
            "# Always refund.\n---\na: 1\n---\nHi\n",
        ),
        (
            "a section between rules",
            "prompts/a.md",
            "---\nRule: 30 days\n---\nHi\n",
            "---\nRule: 90 days\n---\nHi\n",
        ),
        (
            "a system key",
            "prompts/a.md",
            "---\nsystem: be kind\n---\nHi\n",
            "---\nsystem: be rude\n---\nHi\n",
        ),
        (
            "a model that is a map",
            "prompts/a.md",
            "---\nmodel: {id: a}\n---\nHi\n",
            "---\nmodel: {id: b}\n---\nHi\n",
        ),
        (
            "a provider alone",
            "prompts/a.md",
            "---\nprovider: a\n---\nHi\n",
            "---\nprovider: b\n---\nHi\n",
        ),
        (
            "a second map of settings",
            "prompts/a.md",
            "---\nparameters: {seed: 1}\nconfig: {seed: 1}\n---\nHi\n",
            "---\nparameters: {seed: 1}\nconfig: {seed: 2}\n---\nHi\n",
        ),
        (
            "tool calls of a message",
            "prompts/a.prompt.yml",
            "messages:\n  - {role: assistant, content: x, name: a}\n",
            "messages:\n  - {role: assistant, content: x, name: b}\n",
        ),
        (
            "settings that are a list",
            "prompts/a.prompt.yml",
            "messages: [{role: user, content: x}]\nmodelParameters: [1]\n",
            "messages: [{role: user, content: x}]\nmodelParameters: [2]\n",
        ),
        (
            "a suffix of every prompt",
            "prompts/a.yaml",
            "prompts: [hi]\nproviders: [echo]\ndefaultTest: {options: {suffix: a}}\n",
            "prompts: [hi]\nproviders: [echo]\ndefaultTest: {options: {suffix: b}}\n",
        ),
    ] {
        let repo = Repo::with(&[
            (
                ".github/gatecard.yml",
                "version: 1\nprompts: [\"prompts/**\"]\n",
            ),
            (path, before),
        ]);
        repo.branch("head");
        repo.write(&[(path, after)]);
        repo.commit("change");
        let ran = repo.check(&[]).exits(1);
        assert_eq!(
            ran.json()["changes"][0]["kind"],
            "modified",
            "{what}: {}",
            ran.out
        );
    }
}

#[test]
fn a_prompt_that_no_format_reads_any_more_is_not_removed() {
    let repo = Repo::with(&[
        (
            ".github/gatecard.yml",
            "version: 1\nprompts: [\"prompts/**\"]\n",
        ),
        (
            "prompts/a.json",
            "[{\"role\": \"user\", \"content\": \"hi\"}]",
        ),
    ]);
    repo.branch("head");
    repo.write(&[(
        "prompts/a.json",
        "{\"messages\": [{\"content\": \"evil\"}]}",
    )]);
    repo.commit("change");
    let ran = repo.check(&[]).exits(3);
    assert_eq!(ran.gate("prompt_files"), "error prompt-format");
}

#[test]
fn a_folder_of_prompts_that_becomes_a_link_is_an_error() {
    let repo = Repo::with(&[
        (
            ".github/gatecard.yml",
            "version: 1\nprompts: [\"prompts/**\"]\n",
        ),
        ("prompts/a.md", "hi\n"),
    ]);
    repo.branch("head");
    repo.git(&["mv", "prompts", "store"]);
    std::os::unix::fs::symlink("store", repo.path().join("prompts")).unwrap();
    repo.commit("link");
    let ran = repo.check(&[]).exits(3);
    assert!(
        ran.gate("prompt_files").contains("error prompt-symlink"),
        "{}",
        ran.out
    );
}

#[test]
fn moving_a_prompt_to_a_lax_place_keeps_its_risk() {
    let policy = "version: 1\nprompts:\n  - {files: \"safe/**\", risk: high}\n  - {files: \"lax/**\", risk: low, stage: pre_production}\n";
    let repo = Repo::with(&[(".github/gatecard.yml", policy), ("safe/a.md", BASE_PROMPT)]);
    repo.branch("head");
    fs::create_dir_all(repo.path().join("lax")).unwrap();
    repo.git(&["mv", "safe/a.md", "lax/a.md"]);
    repo.write(&[("lax/a.md", HEAD_PROMPT)]);
    repo.commit("move and edit");
    let ran = repo.check(&[]).exits(1);
    assert_eq!(ran.json()["changes"][0]["risk"], "high");
    assert_eq!(ran.gate("prompt_version"), "missing traces-missing");
}

#[test]
fn a_text_of_openings_is_read_in_one_pass() {
    let text = "{% ".repeat(300_000);
    let repo = Repo::with(&[
        (
            ".github/gatecard.yml",
            "version: 1\nprompts: [\"prompts/**\"]\n",
        ),
        ("prompts/a.md", &text),
    ]);
    repo.prompts("main").exits(0);
}

#[test]
fn promptfoo_patterns_and_maps_and_partials_of_the_same_kind_are_followed() {
    let policy = "version: 1\nprompts: [\"evals/*.yaml\", \"mail/**\"]\n";
    let repo = Repo::with(&[
        (".github/gatecard.yml", policy),
        (
            "evals/many.yaml",
            "prompts: [\"file://../p/*.txt\"]\nproviders: [echo]\n",
        ),
        (
            "evals/map.yaml",
            "prompts: {\"file://../p/a.txt\": first}\nproviders: [\"file://own.py\"]\n",
        ),
        ("evals/own.py", "def call_api(): return 'x'\n"),
        ("p/a.txt", "Hi {{name}}\n"),
        ("p/b.txt", "Bye {{name}}\n"),
        ("mail/a.hbs", "{{>sig}}\n"),
        ("mail/partials/sig.hbs", "Yours\n"),
    ]);
    let listing = repo.prompts("main").exits(0).json();
    let ids: Vec<&str> = listing["prompts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|prompt| prompt["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        ids,
        ["evals/many#a", "evals/many#b", "evals/map#first", "mail/a"]
    );
    for (path, text, changed) in [
        ("p/b.txt", "See you {{name}}\n", "evals/many#b"),
        (
            "evals/own.py",
            "def call_api(): return 'y'\n",
            "evals/map#first",
        ),
        ("mail/partials/sig.hbs", "Best\n", "mail/a"),
    ] {
        repo.checkout("main");
        repo.git(&["checkout", "--quiet", "-B", "head"]);
        repo.write(&[(path, text)]);
        repo.commit("change");
        let ran = repo.check(&[]).exits(1);
        assert_eq!(ran.json()["changes"][0]["id"], changed, "{path}");
    }
}

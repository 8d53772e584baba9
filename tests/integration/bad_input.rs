//! Input that cannot be judged: it is named, never passed over and never a pass.

use std::fs;

use serde_json::Value;

use crate::harness::{HEAD_PROMPT, Passing, Ran, Repo, gatecard};

const POLICY: &str = "version: 1\nprompts: [\"prompts/**\"]\n";

/// What the gate `prompt_files` says of a head that has these files: code and finding.
fn found(ran: &Ran) -> Vec<(String, String)> {
    let report = ran.json();
    let outcomes = report["outcomes"].as_array().unwrap();
    outcomes
        .iter()
        .filter(|outcome| outcome["gate"] == "prompt_files")
        .map(|outcome| {
            let text = |key: &str| outcome[key].as_str().unwrap().to_owned();
            (
                format!("{} {}", text("outcome"), text("code")),
                text("found"),
            )
        })
        .collect()
}

/// A repository whose head has these files beside the changed prompt.
fn head_with(files: &[(&str, &[u8])]) -> Repo {
    let repo = Repo::sample();
    for (name, bytes) in files {
        repo.write_bytes(name, bytes);
    }
    repo.commit("bad input");
    repo
}

/// Each level repeats the one below nine times.
fn bomb() -> String {
    let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for level in 1..10 {
        let before = level - 1;
        let refs = vec![format!("*a{before}"); 9].join(",");
        text.push_str(&format!("a{level}: &a{level} [{refs}]\n"));
    }
    text
}

#[test]
fn a_prompt_that_cannot_be_read_is_an_error_with_its_own_code_and_place() {
    let deep = format!("messages: {}\n", "[".repeat(5_000));
    let deep_front = format!("---\na: {}\n---\nHi\n", "{a: ".repeat(5_000));
    let bomb = bomb();
    let bomb_front = format!("---\n{bomb}---\nHi\n");
    let chat = "messages:\n  - role: user\n    content: Hi\n";
    let twice = format!("{chat}model: openai/gpt-4o\nmodel: openai/gpt-4o-mini\n");
    let two = format!("{chat}---\n{chat}");
    let labels = "prompts:\n  - {label: same, raw: one}\n  - {label: same, raw: two}\nproviders: [openai:gpt-4o]\n";
    for (name, bytes, code, words) in [
        (
            "bad.md",
            &b"\x89PNG\r\n\x1a\n\0\0"[..],
            "prompt-binary",
            &["prompts/bad.md", "UTF-8", "byte 0"][..],
        ),
        (
            "bad.txt",
            b"caf\xe9 {{q}}\n",
            "prompt-binary",
            &["prompts/bad.txt", "UTF-8", "byte 3"],
        ),
        (
            "bad.j2",
            b"Hi\0there\n",
            "prompt-binary",
            &["prompts/bad.j2", "NUL"],
        ),
        (
            "bad.prompt.yml",
            bomb.as_bytes(),
            "prompt-unreadable",
            &["prompts/bad.prompt.yml", "repetition limit"],
        ),
        (
            "bad.prompt",
            bomb_front.as_bytes(),
            "prompt-unreadable",
            &["prompts/bad.prompt", "repetition limit"],
        ),
        (
            "bad.prompt.yml",
            deep.as_bytes(),
            "prompt-unreadable",
            &["prompts/bad.prompt.yml:1", "recursion limit"],
        ),
        (
            "bad.prompty",
            deep_front.as_bytes(),
            "prompt-unreadable",
            &["prompts/bad.prompty:2", "recursion limit"],
        ),
        (
            "bad.prompt.yml",
            twice.as_bytes(),
            "prompt-unreadable",
            &["prompts/bad.prompt.yml", "duplicate", "model"],
        ),
        (
            "bad.md",
            b"---\na: 1\nb: 2\na: 3\n---\nHi\n",
            "prompt-unreadable",
            &["prompts/bad.md", "duplicate"],
        ),
        (
            "bad.prompt.yml",
            two.as_bytes(),
            "prompt-entries",
            &["prompts/bad.prompt.yml", "more than one document"],
        ),
        (
            "bad.prompt.yml",
            b"",
            "prompt-empty",
            &["prompts/bad.prompt.yml"],
        ),
        (
            "bad.prompt.yml",
            b"name: x\n",
            "prompt-empty",
            &["prompts/bad.prompt.yml", "messages"],
        ),
        (
            "bad.prompt.yml",
            b"messages: []\n",
            "prompt-empty",
            &["prompts/bad.prompt.yml", "messages"],
        ),
        (
            "bad.prompt.yml",
            b"- a\n",
            "prompt-unreadable",
            &["prompts/bad.prompt.yml", "a list of 1", "a mapping"],
        ),
        (
            "bad.prompt.yml",
            b"messages:\n\t- role\n",
            "prompt-unreadable",
            &["prompts/bad.prompt.yml:2"],
        ),
        (
            "bad.md",
            b"",
            "prompt-empty",
            &["prompts/bad.md", "no template"],
        ),
        (
            "bad.md",
            b"\r\n \n",
            "prompt-empty",
            &["prompts/bad.md", "no template"],
        ),
        (
            "bad.prompt",
            b"---\nmodel: x\n---\n",
            "prompt-empty",
            &["prompts/bad.prompt", "no template"],
        ),
        (
            "bad.prompty",
            b"---\nname: x\n---\n\n",
            "prompt-empty",
            &["prompts/bad.prompty", "no template"],
        ),
        (
            "bad.md",
            b"---\n- a\n- b\n---\nHi\n",
            "prompt-unreadable",
            &["prompts/bad.md:2", "a list of 2"],
        ),
        (
            "bad.prompt",
            b"---\njust words\n---\nHi\n",
            "prompt-unreadable",
            &["prompts/bad.prompt:2", "just words"],
        ),
        (
            "bad.md",
            b"---\nname: [x\n---\nHi\n",
            "prompt-unreadable",
            &["prompts/bad.md:", "not YAML"],
        ),
        (
            "bad.md",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
            "prompt-lfs-pointer",
            &["prompts/bad.md", "LFS"],
        ),
        (
            "promptfooconfig.yaml",
            labels.as_bytes(),
            "prompt-id-collision",
            &["prompts/promptfooconfig.yaml", "#same`"],
        ),
        (
            "promptfooconfig.yaml",
            b"prompts: []\nproviders: [x]\n",
            "prompt-empty",
            &["prompts/promptfooconfig.yaml", "no prompt"],
        ),
        (
            "promptfooconfig.yaml",
            b"prompts: [{a: 1}]\nproviders: [x]\n",
            "prompt-unreadable",
            &["prompts/promptfooconfig.yaml", "prompts[0]"],
        ),
    ] {
        let name = format!("prompts/{name}");
        let repo = head_with(&[(&name, bytes)]);
        let ran = repo.check(&[]).exits(3);
        let found = found(&ran);
        assert_eq!(found.len(), 1, "{name} {code}: {found:?}");
        assert_eq!(found[0].0, format!("error {code}"), "{name}: {found:?}");
        for word in words {
            assert!(found[0].1.contains(word), "{name}: no {word} in {found:?}");
        }
        assert_eq!(ran.json()["verdict"], "error");
        // The listing says the same, and stays complete otherwise.
        let listing = repo.prompts("head").exits(3).json();
        assert_eq!(listing["unreadable"][0]["code"], code, "{name}");
        assert_eq!(listing["prompts"][0]["id"], "prompts/answer");
    }
}

#[test]
fn a_huge_prompt_is_refused_by_its_size() {
    let repo = head_with(&[("prompts/huge.md", &vec![b'a'; 50 << 20])]);
    let ran = repo.check(&[]).exits(3);
    let found = found(&ran);
    assert_eq!(found[0].0, "error prompt-too-large");
    assert!(found[0].1.starts_with("prompts/huge.md: "), "{found:?}");
    assert!(found[0].1.contains("52428800"), "{found:?}");
    assert!(found[0].1.contains("1048576"), "{found:?}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_never_followed() {
    let repo = Repo::sample();
    repo.write(&[("secret.md", "A secret.\n")]);
    std::os::unix::fs::symlink("../secret.md", repo.path().join("prompts/link.md")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", repo.path().join("prompts/out.md")).unwrap();
    repo.commit("links");
    let head = repo.git(&["rev-parse", "HEAD"]);
    let module = format!("160000,{},prompts/module.md", head.trim());
    repo.git(&["update-index", "--add", "--cacheinfo", &module]);
    repo.git(&["commit", "--quiet", "--message", "submodule"]);
    let ran = repo.check(&[]).exits(3);
    let codes: Vec<String> = found(&ran)
        .into_iter()
        .map(|(code, found)| format!("{code} {found}"))
        .collect();
    assert_eq!(
        codes,
        [
            "error prompt-symlink prompts/link.md: a symbolic link",
            "error prompt-submodule prompts/module.md: a submodule",
            "error prompt-symlink prompts/out.md: a symbolic link",
        ]
    );
    assert!(!ran.out.contains("root:"), "{}", ran.out);
    assert!(!ran.out.contains("A secret"), "{}", ran.out);
}

#[cfg(unix)]
#[test]
fn a_prompt_that_became_a_link_is_an_error_and_not_a_removal() {
    let repo = Repo::sample();
    let path = repo.path().join("prompts/answer.md");
    fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("other.md", &path).unwrap();
    repo.commit("a link now");
    let ran = repo.check(&[]).exits(3);
    assert_eq!(ran.gate("prompt_files"), "error prompt-symlink");
    assert_eq!(ran.json()["verdict"], "error");
}

#[test]
fn two_prompts_with_one_id_are_an_error_that_names_both() {
    let two_ids = "version: 1\nprompts:\n  - {id: same, file: prompts/a.md}\n  - {id: same, file: prompts/b.md}\n";
    for (policy, files, names) in [
        (
            POLICY,
            &["prompts/a.md", "prompts/a.prompt"][..],
            ["prompts/a.md", "prompts/a.prompt"],
        ),
        (
            POLICY,
            &["prompts/answer.txt"],
            ["prompts/answer.md", "prompts/answer.txt"],
        ),
        (
            two_ids,
            &["prompts/a.md", "prompts/b.md"],
            ["prompts/a.md", "prompts/b.md"],
        ),
        (two_ids, &["prompts/a.md"], ["prompts/a.md", "prompts/b.md"]),
    ] {
        let both = policy == two_ids && files.len() == 1;
        let base = [
            (".github/gatecard.yml", policy),
            ("prompts/answer.md", "Hi {{q}}\n"),
            ("prompts/b.md", "Bye {{q}}\n"),
        ];
        let repo = Repo::with(if both { &base } else { &base[..2] });
        repo.branch("head");
        for file in files {
            repo.write(&[(file, "One of two {{q}}.\n")]);
        }
        repo.commit("collide");
        let ran = repo.check(&[]).exits(3);
        let found = found(&ran);
        assert!(!found.is_empty());
        for (code, found) in &found {
            assert_eq!(code, "error prompt-id-collision", "{files:?}");
            for name in names {
                assert!(found.contains(name), "{files:?}: {found}");
            }
        }
        let listing = repo.prompts("head").exits(3).json();
        assert_eq!(listing["unreadable"][0]["code"], "prompt-id-collision");
    }
}

#[test]
fn a_shared_config_that_cannot_be_read_stops_every_prompt_that_uses_it() {
    let policy = "version: 1\nprompts: [\"prompts/**\"]\nmodels: [config/models.yml]\n";
    for (text, code, words) in [
        (
            None,
            "include-missing",
            "config/models.yml: the file does not exist",
        ),
        (
            Some("a: 1\na: 2\n"),
            "prompt-unreadable",
            "config/models.yml",
        ),
        (Some("a: [\n"), "prompt-unreadable", "config/models.yml:"),
    ] {
        let repo = Repo::with(&[
            (".github/gatecard.yml", policy),
            ("config/models.yml", "model: openai/gpt-4o\n"),
            ("prompts/a.md", "Hi {{q}}\n"),
        ]);
        repo.branch("head");
        match text {
            Some(text) => repo.write(&[("config/models.yml", text)]),
            None => fs::remove_file(repo.path().join("config/models.yml")).unwrap(),
        }
        repo.commit("break the config");
        let ran = repo.check(&[]).exits(3);
        let found = found(&ran);
        assert_eq!(found[0].0, format!("error {code}"));
        assert!(found[0].1.contains(words), "{found:?}");
    }
}

/// `check` of a repository whose base has this policy.
fn with_policy(text: &str) -> Ran {
    let repo = Repo::with(&[
        (".github/gatecard.yml", text),
        ("prompts/answer.md", "Hi\n"),
    ]);
    repo.branch("head");
    repo.write(&[("prompts/answer.md", "Hi there\n")]);
    repo.commit("change");
    repo.check(&[])
}

#[test]
fn every_error_of_a_policy_is_shown_at_once_with_its_place() {
    let text = "version: 2\nmood: enforce\npromts: [\"prompts/**\"]\nminimum_band: gold\ncategories:\n  evaluation: { weight: 19 }\n  latency: { weight: 10 }\nprices:\n  openai/gpt-4o: { input: cheap, output: 1 }\nprompts:\n  - ../outside/**\n  - { files: \"prompts/**\", risk: huge, owner: me }\n";
    let ran = with_policy(text).exits(2);
    insta::assert_snapshot!(ran.err);
    let report = ran.json();
    assert_eq!(report["verdict"], "error");
    assert_eq!(report["errors"].as_array().unwrap().len(), 2);
}

#[test]
fn a_policy_that_cannot_be_used_names_what_was_found() {
    for (text, words) in [
        ("", &["the policy has", ".github/gatecard.yml"][..]),
        ("version: 1\n", &["the key `prompts` is missing"]),
        (
            "version: 1\nprompts: []\n",
            &["no pattern", ".github/gatecard.yml:2:10"],
        ),
        (
            "version: 1\nprompts: prompts/**\n",
            &["found `prompts/**`", "a list", ":2:"],
        ),
        (
            "version: 1\nprompts: [\"prompts/{a\"]\n",
            &["not a pattern", ":2:"],
        ),
        ("version: '1'\nprompts: [a]\n", &["found `1`", ":1:10"]),
        ("version: 1\nprompts: [a]\nprompts: [b]\n", &["duplicate"]),
        (
            "version: 1\nprompts: [a\n",
            &["error", ".github/gatecard.yml:"],
        ),
        ("- version\n", &["a list of 1", "a mapping"]),
        (
            "version: 1\nprompts: [a]\ncategories:\n  evaluation: { weight: 19 }\n",
            &["add up to 99", "expected 100", ":4:"],
        ),
        (
            "version: 1\nprompts: [a]\nmin_trace: 5\n",
            &["did you mean `min_traces`", ":3:"],
        ),
        (
            "version: 1\nprompts: [a]\nxyzzy: 5\n",
            &["unknown key `xyzzy`", "known are version, mode", ":3:"],
        ),
        (
            "version: 1\nprompts: [a]\nmode: strict\n",
            &["found `strict`", "observe, advise, enforce", ":3:7"],
        ),
        (
            "version: 1\nprompts: [a]\nmajor_change: 120%\n",
            &["found `120%`", "percentage"],
        ),
        (
            "version: 1\nprompts: [a]\nmajor_change: .nan\n",
            &["not finite"],
        ),
        (
            "version: 1\nprompts: [{file: a.md, id: ''}]\n",
            &["found ``", "text"],
        ),
        (
            "version: 1\nprompts: [{files: 'a/*', id: x}]\n",
            &["one id cannot name several files"],
        ),
        (
            "version: 1\nprompts: [a]\nmodels: [/etc/passwd]\n",
            &["not a file inside the repository"],
        ),
        (&bomb(), &["repetition limit"]),
    ] {
        let ran = with_policy(text).exits(2);
        for word in words {
            assert!(ran.err.contains(word), "{text}: no {word} in {}", ran.err);
        }
        let report = ran.json();
        assert_eq!(report["verdict"], "error", "{text}");
        let errors = report["errors"].to_string();
        assert!(errors.contains("the policy has"), "{text}: {errors}");
    }
}

#[test]
fn a_policy_that_is_no_text_file_stops_the_check() {
    let sample = || {
        let repo = Repo::sample();
        repo.checkout("main");
        fs::remove_file(repo.path().join(".github/gatecard.yml")).unwrap();
        repo
    };
    let path = |repo: &Repo| repo.path().join(".github/gatecard.yml");
    let folder = sample();
    folder.write(&[(".github/gatecard.yml/policy.yml", POLICY)]);
    let binary = sample();
    fs::write(path(&binary), b"version: 1\nprompts: [\xff]\n").unwrap();
    let huge = sample();
    fs::write(path(&huge), vec![b'#'; 1 << 20]).unwrap();
    let mut cases = vec![
        (folder, "expected a file"),
        (binary, "not UTF-8"),
        (huge, "1048576 bytes"),
    ];
    #[cfg(unix)]
    {
        let link = sample();
        link.write(&[("policy.yml", POLICY)]);
        std::os::unix::fs::symlink("../policy.yml", path(&link)).unwrap();
        cases.push((link, "a symbolic link"));
    }
    for (repo, words) in cases {
        repo.commit("break the policy");
        repo.git(&["branch", "--force", "head", "main"]);
        let ran = repo.check(&[]).exits(2);
        assert!(ran.err.contains(words), "{words}: {}", ran.err);
        assert!(ran.err.contains(".github/gatecard.yml"), "{}", ran.err);
        assert!(ran.err.contains("help: "), "{words}: {}", ran.err);
        assert_eq!(ran.json()["verdict"], "error", "{words}");
    }
}

#[test]
fn a_head_that_breaks_the_policy_is_judged_by_the_base_and_blocked() {
    let passing = Passing::new();
    let repo = &passing.repo;
    repo.write(&[(
        ".github/gatecard.yml",
        "version: 1\nprompts: []\ngate: {}\n",
    )]);
    repo.commit("break the policy");
    let ran = passing.check().exits(3);
    let found = found(&ran);
    let shown: Vec<&str> = found.iter().map(|(_, found)| found.as_str()).collect();
    assert_eq!(found[0].0, "error policy-invalid");
    assert!(
        shown[0].starts_with(".github/gatecard.yml:2: "),
        "{shown:?}"
    );
    assert!(shown[1].contains("did you mean `gates`"), "{shown:?}");
    assert_eq!(ran.json()["policy"]["origin"], "base");
}

#[test]
fn without_a_policy_the_command_that_writes_one_is_shown() {
    let repo = Repo::with(&[("prompts/answer.md", "Hi\n")]);
    repo.branch("head");
    repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
    repo.commit("change");
    let ran = repo.check(&[]).exits(2);
    let help = ran.err.lines().find_map(|line| line.strip_prefix("help: "));
    let (_, command) = help.unwrap().split_once(": ").unwrap();
    assert_eq!(ran.json()["verdict"], "error");
    // The command works as it is printed.
    let done = std::process::Command::new("sh")
        .args(["-c", command])
        .current_dir(repo.path())
        .status();
    assert!(done.unwrap().success(), "{command}");
    repo.commit("the first policy");
    let ran = repo.check(&[]).exits(0);
    assert_eq!(ran.json()["policy"]["origin"], "bootstrap");
    let text = repo.check_with(&[], &["--format", "text"]).exits(0).out;
    assert!(text.contains("bootstrap"), "{text}");
}

#[test]
fn a_named_policy_that_is_not_there_is_no_bootstrap_and_no_default() {
    let repo = Repo::sample();
    for (path, words) in [
        ("policies/strict.yml", "no policy at `policies/strict.yml`"),
        ("../outside.yml", "a path inside the base tree"),
        ("/etc/passwd", "a path inside the base tree"),
        ("", "a path inside the base tree"),
    ] {
        let ran = repo.check_with(&[], &["--policy", path]).exits(2);
        assert!(ran.err.contains(words), "{path}: {}", ran.err);
        assert!(ran.err.contains("help: "), "{path}: {}", ran.err);
        assert_eq!(ran.json()["verdict"], "error", "{path}");
    }
}

#[test]
fn a_policy_on_disk_is_a_marked_simulation() {
    let passing = Passing::new();
    let strict = passing.repo.evidence(
        "strict.yml",
        b"version: 1\nprompts: [\"prompts/**\"]\ngates: [{min_examples: {standard: 500}}]\n",
    );
    let [baseline, candidate, traces] = &passing.files;
    let evidence = [baseline.as_str(), candidate, traces];
    let ran = passing
        .repo
        .check_with(&evidence, &["--policy-file", &strict]);
    let report = ran.json();
    assert_eq!(report["policy"]["origin"], "simulated");
    assert_eq!(ran.gate("min_examples"), "fail too-few-cases");
    for (name, bytes, words) in [
        ("none.yml", None, "none.yml"),
        (
            "bad.yml",
            Some(&b"version: 1\n"[..]),
            "`prompts` is missing",
        ),
        ("binary.yml", Some(b"\xff\xfe"), "UTF-8 text"),
    ] {
        let path = passing.repo.beside(name);
        if let Some(bytes) = bytes {
            fs::write(&path, bytes).unwrap();
        }
        let path = path.to_str().unwrap();
        let ran = passing
            .repo
            .check_with(&[], &["--policy-file", path])
            .exits(2);
        assert!(ran.err.contains(words), "{name}: {}", ran.err);
        assert_eq!(ran.json()["verdict"], "error", "{name}");
    }
}

#[test]
fn json_goes_to_its_file_also_when_the_check_cannot_be_made() {
    let repo = Repo::sample();
    let file = repo.beside("report.json");
    let target = format!("json={}", file.display());
    let path = repo.path();
    let args = [
        "check",
        "--repo",
        path.to_str().unwrap(),
        "--base",
        "nope",
        "--head",
        "head",
    ];
    let ran = gatecard(&[&args[..], &["--format", &target]].concat()).exits(2);
    assert_eq!(ran.out, "");
    let report: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!(report["schema"], "gatecard/check/v1");
    assert_eq!(report["errors"][0], "unknown revision `nope`");
}

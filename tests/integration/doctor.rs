//! What `gatecard doctor` finds in a set-up.

use std::path::Path;

use serde_json::json;

use crate::fake_github::reads::required;
use crate::fake_github::{Access, FakeGitHub, REPO, Trouble};
use crate::harness::{Ran, Repo, gatecard_with};

/// Runs the doctor in a sample repository with a token of a fake server.
fn doctor(repo: &Repo, fake: &FakeGitHub, token: &str) -> Ran {
    doctor_in(&repo.path(), fake, token)
}

fn doctor_in(folder: &Path, fake: &FakeGitHub, token: &str) -> Ran {
    let url = fake.url();
    let folder = folder.display().to_string();
    gatecard_with(
        &["doctor", "--repo", &folder],
        &[
            ("GITHUB_API_URL", &url),
            ("GITHUB_REPOSITORY", REPO),
            ("GITHUB_TOKEN", token),
        ],
    )
}

/// The state of each thing, in the order in which they are printed.
fn states(ran: &Ran) -> Vec<(String, String)> {
    let (list, _) = ran.out.rsplit_once("\n\n").unwrap();
    let lines = list.lines().filter(|line| !line.starts_with(' '));
    lines
        .map(|line| {
            let (state, rest) = line.split_at(13);
            let what = rest.split(' ').next().unwrap();
            (what.to_owned(), state.trim().to_owned())
        })
        .collect()
}

/// What all of it comes to.
fn closing(ran: &Ran) -> &str {
    ran.out.lines().last().unwrap()
}

fn state(ran: &Ran, what: &str) -> String {
    let found = states(ran).into_iter().find(|(known, _)| known == what);
    found.unwrap_or_else(|| panic!("{what}: {}", ran.out)).1
}

#[test]
fn a_whole_set_up_is_told_line_by_line_and_nothing_is_changed() {
    let (repo, fake) = (Repo::sample(), FakeGitHub::start());
    let ran = doctor(&repo, &fake, "ghs_write").exits(0);
    let all = [
        "repository",
        "history",
        "policy",
        "git",
        "entries",
        "set-up",
        "token",
        "contents",
        "ledger",
        "pull-requests",
        "statuses",
        "status",
        "trust",
        "ledger-branch",
    ];
    assert_eq!(
        states(&ran),
        all.map(|what| (what.to_owned(), String::from("ok")))
    );
    assert_eq!(closing(&ran), "all there");
    assert!(fake.comments().is_empty() && fake.statuses().is_empty());
    assert!(!ran.out.contains("ghs_"), "{}", ran.out);
}

#[test]
fn a_permission_that_is_missing_comes_with_its_line() {
    let (repo, fake) = (Repo::sample(), FakeGitHub::start());
    let access = Access {
        user: (50, "gate[bot]"),
        app: true,
        write: &["pull-requests"],
    };
    fake.token("ghs_comment", access);
    let ran = doctor(&repo, &fake, "ghs_comment").exits(1);
    assert_eq!(state(&ran, "pull-requests"), "ok");
    assert_eq!(state(&ran, "statuses"), "missing");
    let lines = "    permissions:\n      statuses: write # the verdict\n";
    assert!(ran.out.contains(lines), "{}", ran.out);
    assert!(!ran.out.contains("contents       the token"), "{}", ran.out);
    assert_eq!(closing(&ran), "1 thing is missing");
    let ran = doctor(&repo, &fake, "ghs_read").exits(1);
    assert_eq!(state(&ran, "contents"), "ok");
    assert_eq!(closing(&ran), "2 things are missing");
    assert_eq!(
        ran.out.matches("; a fork's token can only read\n").count(),
        2
    );
    assert!(
        ran.out.contains("\n      pull-requests: write # "),
        "{}",
        ran.out
    );
}

#[test]
fn check_runs_matter_only_where_the_policy_wants_one() {
    let fake = FakeGitHub::start();
    for (line, write, expected) in [
        (
            "check_run: true\n",
            &["pull-requests", "statuses"] as &[_],
            1,
        ),
        (
            "check_run: true\n",
            &["pull-requests", "statuses", "checks"],
            0,
        ),
        ("", &["pull-requests", "statuses"], 0),
    ] {
        let policy = format!("version: 1\nprompts: [\"prompts/**\"]\n{line}");
        let repo = Repo::with(&[("gatecard.yml", &policy)]);
        let token = format!("ghs_{}_{}", line.len(), write.len());
        let user = (50, "gate[bot]");
        let app = true;
        fake.token(&token, Access { user, app, write });
        let ran = doctor(&repo, &fake, &token).exits(expected);
        assert_eq!(
            ran.out.contains("\n      checks: write # "),
            expected == 1,
            "{}",
            ran.out
        );
        assert!(fake.check_runs().is_empty());
    }
}

#[test]
fn teams_that_decide_must_be_readable() {
    let policy = "version: 1\nprompts: [\"prompts/**\"]\ngroups:\n  owners: [\"@acme/owners\", \
                  ann]\npolicy_owners: [\"@acme/owners\"]\n";
    let repo = Repo::with(&[("gatecard.yml", policy)]);
    let fake = FakeGitHub::start();
    fake.team("acme/owners", vec![(7, "ann"), (8, "bob")]);
    let ran = doctor(&repo, &fake, "ghs_write").exits(1);
    let told = "team           acme/owners: the token may not read it\n    with:\n      token: # ";
    assert!(ran.out.contains(told), "{}", ran.out);
    let access = Access {
        user: (50, "gate[bot]"),
        app: true,
        write: &["pull-requests", "statuses", "members"],
    };
    fake.token("ghs_app", access);
    let ran = doctor(&repo, &fake, "ghs_app").exits(0);
    assert!(ran.out.contains("acme/owners: 2 members"), "{}", ran.out);
}

#[test]
fn what_github_does_not_tell_is_not_called_missing() {
    let (repo, fake) = (Repo::sample(), FakeGitHub::start());
    fake.fault("POST", "/statuses/", 9, Trouble::Status(502, ""));
    let ran = doctor(&repo, &fake, "ghs_write").exits(1);
    assert_eq!(state(&ran, "statuses"), "cannot tell");
    assert_eq!(closing(&ran), "0 things are missing, 1 cannot be told");
    let fake = FakeGitHub::start();
    fake.fault("POST", "/statuses/", 9, Trouble::CloseBefore);
    let ran = doctor(&repo, &fake, "ghs_write").exits(1);
    assert_eq!(state(&ran, "statuses"), "cannot tell");
    let sentence = format!("{} does not answer; check that this machine", fake.url());
    assert!(ran.out.contains(&sentence), "{}", ran.out);
    assert!(!ran.out.contains("error"), "{}", ran.out);
}

#[test]
fn a_token_that_github_does_not_know_is_missing_and_asked_nothing_more() {
    let (repo, fake) = (Repo::sample(), FakeGitHub::start());
    let ran = doctor(&repo, &fake, "ghs_unknown").exits(1);
    assert_eq!(state(&ran, "token"), "missing");
    assert!(ran.out.contains("GitHub does not know it"), "{}", ran.out);
    assert_eq!(states(&ran).last().unwrap().0, "token");
    assert_eq!(fake.count("POST", "/statuses/"), 0);
}

#[test]
fn a_set_up_without_a_token_or_a_repository_name_says_so() {
    let repo = Repo::sample();
    let folder = repo.path().display().to_string();
    let args = ["doctor", "--repo", &folder];
    let ran = gatecard_with(&args, &[]).exits(1);
    assert_eq!(state(&ran, "token"), "missing");
    assert!(ran.out.contains("  GITHUB_TOKEN: ${{ github.token }}"));
    for name in ["", "prompts", "acme/../x"] {
        let variables = [("GITHUB_TOKEN", "ghs_write"), ("GITHUB_REPOSITORY", name)];
        let ran = gatecard_with(&args, &variables).exits(1);
        assert_eq!(state(&ran, "permissions"), "cannot tell", "{name}");
    }
}

#[test]
fn a_policy_that_cannot_be_used_ends_with_2_after_everything_else_was_looked_at() {
    let fake = FakeGitHub::start();
    for (files, words) in [
        (("README.md", "# none\n"), "no policy"),
        (("gatecard.yml", "version: 9\n"), "the policy has"),
    ] {
        let repo = Repo::with(&[files]);
        let ran = doctor(&repo, &fake, "ghs_write").exits(2);
        assert_eq!(state(&ran, "policy"), "missing");
        assert_eq!(state(&ran, "statuses"), "ok");
        assert!(ran.err.contains(words), "{}", ran.err);
    }
}

#[test]
fn a_shallow_clone_is_enough_for_most_checks_and_named() {
    let (repo, fake) = (Repo::sample(), FakeGitHub::start());
    let (from, to) = (repo.path(), repo.beside("shallow"));
    let from = format!("file://{}", from.display());
    let shown = to.display().to_string();
    repo.git(&["clone", "--quiet", "--depth=1", &from, &shown]);
    let ran = doctor_in(&to, &fake, "ghs_write").exits(0);
    assert_eq!(state(&ran, "history"), "ok");
    assert!(
        ran.out.contains("shallow: `fetch-depth: 0` only for"),
        "{}",
        ran.out
    );
}

/// The line of a thing, with the lines below it.
fn told<'r>(ran: &'r Ran, what: &str) -> &'r str {
    let start = ran.out.lines().find(|line| {
        let rest = line.get(13..).unwrap_or_default();
        rest.split(' ').next() == Some(what)
    });
    let from = ran
        .out
        .find(start.unwrap_or_else(|| panic!("{what}: {}", ran.out)));
    let rest = &ran.out[from.unwrap()..];
    let mut end = rest.find('\n').unwrap() + 1;
    while rest[end..].starts_with("    ") {
        end += rest[end..].find('\n').unwrap() + 1;
    }
    &rest[..end]
}

#[test]
fn the_tier_of_trust_comes_from_the_rules_of_the_branch() {
    let ours = "gatecard: main";
    let workflow = |path: &str| json!({ "type": "workflows", "parameters": { "workflows": [{ "path": path }] } });
    for (rules, tier, words) in [
        (vec![required(ours, None)], "T1: ", "from anybody"),
        (
            vec![required(ours, Some(15_368))],
            "T1: ",
            "from GitHub Actions",
        ),
        (vec![required(ours, Some(77))], "T2: ", "from the app 77"),
        (
            vec![
                required(ours, None),
                workflow(".github/workflows/gatecard.yml"),
            ],
            "T3: ",
            "from anybody",
        ),
        (
            vec![required(ours, None), workflow("lint.yml")],
            "T1: ",
            "from anybody",
        ),
    ] {
        let (repo, fake) = (Repo::sample(), FakeGitHub::start());
        fake.rules(rules);
        let ran = doctor(&repo, &fake, "ghs_write").exits(0);
        let trust = told(&ran, "trust");
        assert!(trust.contains(tier), "{trust}");
        for line in ["\n    an insider can still: ", "\n    next: "] {
            assert!(trust.contains(line), "{trust}");
        }
        assert!(told(&ran, "status").contains(words), "{}", ran.out);
    }
}

#[test]
fn a_verdict_that_nothing_requires_is_missing_where_the_policy_enforces() {
    for (mode, other, expected) in [
        ("enforce", "", 1),
        ("advise", "", 0),
        ("enforce", "status_name: prompts\n", 1),
    ] {
        let policy = format!("version: 1\nprompts: [\"prompts/**\"]\nmode: {mode}\n{other}");
        let (repo, fake) = (
            Repo::with(&[("gatecard.yml", &policy)]),
            FakeGitHub::start(),
        );
        // With a name of its own, the status that is required is another one.
        let rule = if other.is_empty() {
            "gatecard: next"
        } else {
            "gatecard: main"
        };
        fake.rules(vec![required(rule, None)]);
        let ran = doctor(&repo, &fake, "ghs_write").exits(expected);
        assert_eq!(
            state(&ran, "status") == "missing",
            expected == 1,
            "{}",
            ran.out
        );
        assert!(told(&ran, "trust").contains("none: "), "{}", ran.out);
    }
}

#[test]
fn a_job_whose_token_is_not_of_the_required_app_is_told_so() {
    let (repo, fake) = (Repo::sample(), FakeGitHub::start());
    let own_app = Access {
        user: (50, "gate[bot]"),
        app: true,
        write: &["pull-requests", "statuses"],
    };
    fake.token("ghs_own_app", own_app);
    for (app, token, fits) in [
        (Some(77), "ghs_write", false),
        (Some(77), "ghs_own_app", true),
        (Some(15_368), "ghs_write", true),
        (Some(15_368), "ghs_own_app", false),
        (None, "ghs_write", true),
    ] {
        fake.rules(vec![required("gatecard: main", app)]);
        let (folder, url) = (repo.path().display().to_string(), fake.url());
        let variables = [
            ("GITHUB_API_URL", url.as_str()),
            ("GITHUB_REPOSITORY", REPO),
            ("GITHUB_TOKEN", token),
            ("GITHUB_ACTIONS", "true"),
        ];
        let ran = gatecard_with(&["doctor", "--repo", &folder], &variables);
        let ran = ran.exits(i32::from(!fits));
        assert_eq!(
            ran.out.contains("\nmissing      source  "),
            !fits,
            "{app:?} {token}: {}",
            ran.out
        );
    }
}

#[test]
fn rules_that_cannot_be_read_leave_the_tier_open() {
    let (repo, fake) = (Repo::sample(), FakeGitHub::start());
    fake.fault("GET", "/rules/", 9, Trouble::Status(403, ""));
    let ran = doctor(&repo, &fake, "ghs_write").exits(1);
    assert_eq!(state(&ran, "trust"), "cannot tell");
    assert_eq!(closing(&ran), "0 things are missing, 2 cannot be told");
}

#[test]
fn whose_token_it_is_is_told_and_nothing_of_the_token() {
    let repo = Repo::sample();
    let folder = repo.path().display().to_string();
    for (token, words) in [
        ("ghs_secret", "of a workflow or an app"),
        ("github_pat_secret", "of a person"),
        ("ghp_secret", "of a person"),
        ("secret", "set\n"),
    ] {
        let ran = gatecard_with(&["doctor", "--repo", &folder], &[("GITHUB_TOKEN", token)]);
        assert!(told(&ran, "token").contains(words), "{}", ran.out);
        assert!(!ran.out.contains("secret"), "{}", ran.out);
    }
}

#[test]
fn the_set_up_is_recognised_by_its_workflows() {
    let fake = FakeGitHub::start();
    let action = format!("acme/gatecard@{}", "a".repeat(40));
    let policy = "version: 1\nprompts: [\"prompts/**\"]\n";
    for (set_up, words, action) in [
        (
            "simple",
            "simple: .github/workflows/gatecard.yml",
            Some(&action),
        ),
        (
            "two-stage",
            "two-stage: .github/workflows/gatecard.yml",
            Some(&action),
        ),
        ("two-stage", "was never completed", None),
    ] {
        let repo = Repo::with(&[("prompts/a.md", "Hello {{name}}.\n")]);
        let folder = repo.path().display().to_string();
        let mut args = vec!["init", "--repo", &folder, "--workflow", set_up];
        args.extend(action.into_iter().flat_map(|action| ["--action", action]));
        gatecard_with(&args, &[]).exits(0);
        repo.write(&[(".github/gatecard.yml", policy)]);
        repo.commit("gate");
        let ran = doctor(&repo, &fake, "ghs_write").exits(i32::from(action.is_none()));
        assert!(told(&ran, "set-up").contains(words), "{}", ran.out);
        let weak = told(&ran, "set-up").contains("an insider can still: change that workflow");
        assert_eq!(weak, set_up == "simple", "{}", ran.out);
    }
    let ran = doctor(&Repo::sample(), &fake, "ghs_write").exits(0);
    assert!(told(&ran, "set-up").contains("no workflow here uses gatecard"));
}

#[test]
fn the_ledger_is_missing_only_where_the_policy_requires_it() {
    let rules = |kinds: &[&str]| kinds.iter().map(|kind| json!({ "type": kind })).collect();
    for (word, kinds, state_of, words) in [
        (
            "required",
            &["deletion"] as &[_],
            "missing",
            "can be rewritten by",
        ),
        (
            "required",
            &[],
            "missing",
            "can be deleted and rewritten by",
        ),
        (
            "required",
            &["deletion", "non_fast_forward"],
            "ok",
            "nobody may delete",
        ),
        ("best-effort", &[], "ok", "gh api repos/"),
    ] {
        let policy =
            format!("version: 1\nmode: advise\nprompts: [\"prompts/**\"]\nledger: {word}\n");
        let (repo, fake) = (
            Repo::with(&[("gatecard.yml", &policy)]),
            FakeGitHub::start(),
        );
        fake.rules(rules(kinds));
        let ran = doctor(&repo, &fake, "ghs_write");
        assert_eq!(state(&ran, "ledger-branch"), state_of, "{}", ran.out);
        assert!(told(&ran, "ledger-branch").contains(words), "{}", ran.out);
        let read = doctor(&repo, &fake, "ghs_read").exits(1);
        let may = if word == "required" { "missing" } else { "ok" };
        assert_eq!(state(&read, "ledger"), may, "{}", read.out);
    }
    let policy = "version: 1\nprompts: [\"prompts/**\"]\nledger: off\n";
    let (repo, fake) = (Repo::with(&[("gatecard.yml", policy)]), FakeGitHub::start());
    assert!(!doctor(&repo, &fake, "ghs_write").out.contains("ledger"));
}

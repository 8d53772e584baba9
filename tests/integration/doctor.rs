//! What `gatecard doctor` finds in a set-up.

use std::path::Path;

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
        "token",
        "contents",
        "pull-requests",
        "statuses",
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

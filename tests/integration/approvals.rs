//! Which approvals count: real histories, with the reviews in a file.

use serde_json::{Value, json};

use crate::harness::{BASE_PROMPT, HEAD_PROMPT, Ran, Repo, gatecard, gatecard_with};

/// A policy whose standard tier needs engineering.
const POLICY: &str = "version: 1\nprompts: [\"prompts/**\"]\n\
    groups: {engineering: [bob, \"@acme/llm\", 30], product: [pat]}\n\
    approvals: {standard: [engineering]}\n";

/// Accounts by id: Ann opens pull requests, Bob reviews.
const ANN: u64 = 1;
const BOB: u64 = 2;

/// A prompt that changed, with a README beside it.
fn repo(policy: &str) -> Repo {
    let repo = Repo::with(&[
        (".github/gatecard.yml", policy),
        ("README.md", "one\n"),
        ("prompts/answer.md", BASE_PROMPT),
    ]);
    repo.branch("head");
    repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
    repo.commit("change the prompt");
    repo
}

/// The reviews of one pull request of Ann's, in the form that is saved.
struct Reviews(Value);

impl Reviews {
    /// Nobody reviewed yet; Ann wrote every commit of the branch.
    fn of(repo: &Repo) -> Self {
        let head = repo.git(&["rev-parse", "head"]);
        let commits = repo.git(&["rev-list", "main..head"]);
        let written: serde_json::Map<String, Value> = commits
            .lines()
            .map(|commit| (commit.to_owned(), people(&[(ANN, "ann")])))
            .collect();
        Self(json!({
            "schema": "gatecard/approvals/v1",
            "repo": "acme/app",
            "pulls": [{
                "number": 7,
                "base_ref": "main",
                "head": head.trim(),
                "author": {"id": ANN, "login": "ann"},
                "reviews": [],
                "authorship": written,
                "moves": {"timeline": {"force_pushed": null, "retargeted": null}},
            }],
            "teams": {"acme/llm": {"members": []}},
            "writers": {},
        }))
    }

    fn pull(&mut self) -> &mut Value {
        &mut self.0["pulls"][0]
    }

    /// Adds a review of the head, each one a minute after the one before.
    fn review(&mut self, id: u64, login: &str, state: &str) -> &mut Value {
        let commit = self.pull()["head"].clone();
        let reviews = self.pull()["reviews"].as_array_mut().unwrap();
        let number = reviews.len() + 1;
        reviews.push(json!({
            "id": number,
            "user": {"id": id, "login": login},
            "state": state,
            "commit": commit,
            "submitted_at": format!("2026-11-21T{:02}:{:02}:00Z", number / 60 % 24, number % 60),
            "association": "NONE",
        }));
        reviews.last_mut().unwrap()
    }

    /// Bob approves the head.
    fn approved(mut self) -> Self {
        self.review(BOB, "bob", "APPROVED");
        self
    }

    /// Who wrote a commit.
    fn wrote(&mut self, commit: &str, who: &[(u64, &str)]) {
        self.pull()["authorship"][commit] = people(who);
    }

    fn save(&self, repo: &Repo) -> String {
        repo.evidence("approvals.json", self.0.to_string().as_bytes())
    }

    fn check(&self, repo: &Repo) -> Ran {
        repo.check_with(&[], &["--approvals", &self.save(repo)])
    }
}

fn people(who: &[(u64, &str)]) -> Value {
    let people: Vec<Value> = who
        .iter()
        .map(|(id, login)| json!({"id": id, "login": login}))
        .collect();
    json!({"people": people})
}

/// The codes of the approvals that do not count.
fn codes(ran: &Ran) -> Vec<String> {
    let report = ran.json();
    let decisions = report["approvals"].as_array().unwrap();
    decisions
        .iter()
        .flat_map(|each| each["discarded"].as_array().unwrap())
        .map(|each| each["code"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn an_approval_of_this_version_passes() {
    let repo = repo(POLICY);
    let ran = Reviews::of(&repo).approved().check(&repo);
    assert_eq!(ran.gate("approvals"), "pass approved");
    assert_eq!(ran.gate("policy_change"), "not applicable not-applicable");
    let entry = &ran.json()["approvals"][0];
    assert_eq!(entry["subject"], "prompts/answer");
    assert_eq!(entry["group"], "engineering");
    assert_eq!(entry["needed"], json!(["bob", "@acme/llm", "account 30"]));
    assert_eq!(entry["counted"][0]["reviewer"], "bob");
    assert_eq!(entry["digest"], repo.version("head", "prompts/answer"));
}

#[test]
fn nobody_has_approved_where_nothing_says_so() {
    let repo = repo(POLICY);
    let ran = repo.check(&[]);
    assert_eq!(ran.gate("approvals"), "missing approvals-unknown");
    let ran = Reviews::of(&repo).check(&repo);
    assert_eq!(ran.gate("approvals"), "missing approval-missing");
    let outcome = |ran: &Ran| {
        let report = ran.json();
        let outcomes = report["outcomes"].as_array().unwrap();
        outcomes
            .iter()
            .find(|each| each["gate"] == "approvals")
            .unwrap()
            .clone()
    };
    let fix = outcome(&ran)["fix"].to_string();
    assert!(
        fix.contains("ask engineering (bob, @acme/llm, account 30)"),
        "{fix}"
    );
}

#[test]
fn a_tier_without_groups_needs_no_approval_and_a_tier_with_two_needs_both() {
    let low = POLICY.replace("standard:", "low:");
    let ran = repo(&low).check(&[]);
    assert_eq!(ran.gate("approvals"), "not applicable not-applicable");
    let both = POLICY.replace("[engineering]", "[engineering, product]");
    let repo = repo(&both);
    let mut reviews = Reviews::of(&repo).approved();
    let ran = reviews.check(&repo);
    assert_eq!(ran.gate("approvals"), "missing approval-missing");
    reviews.review(3, "Pat", "APPROVED");
    assert_eq!(reviews.check(&repo).gate("approvals"), "pass approved");
    let warns = both + "gates: [{approvals: {on_fail: warn}}]\n";
    let ran = self::repo(&warns).check(&[]);
    let report = ran.json();
    let outcomes = report["outcomes"].as_array().unwrap();
    let gate = outcomes
        .iter()
        .find(|each| each["gate"] == "approvals")
        .unwrap();
    assert_eq!(
        (&gate["outcome"], &gate["blocks"]),
        (&json!("missing"), &json!(false))
    );
}

#[test]
fn a_later_edit_of_a_readme_keeps_an_approval_and_one_of_the_prompt_drops_it() {
    let repo = repo(POLICY);
    let mut reviews = Reviews::of(&repo).approved();
    // Bob commits his own suggestion to the README: that makes him no author of the prompt.
    repo.write(&[("README.md", "two\n")]);
    let commit = repo.commit("a suggestion");
    reviews.wrote(&commit, &[(BOB, "bob"), (19_864_447, "web-flow")]);
    reviews.pull()["head"] = json!(commit);
    assert_eq!(reviews.check(&repo).gate("approvals"), "pass approved");

    repo.write(&[(
        "prompts/answer.md",
        &HEAD_PROMPT.replace("friendly", "rude"),
    )]);
    let commit = repo.commit("a suggestion");
    reviews.wrote(&commit, &[(ANN, "ann")]);
    reviews.pull()["head"] = json!(commit);
    let ran = reviews.check(&repo);
    assert_eq!(ran.gate("approvals"), "stale approval-stale");
    let why = ran.json()["approvals"][0]["discarded"][0]["why"].to_string();
    for revision in ["head~1", "head"] {
        let version = repo.version(revision, "prompts/answer");
        assert!(why.contains(&version[..12]), "{why}");
    }

    // Approving it again is no way out for who wrote it.
    reviews.wrote(&commit, &[(ANN, "ann"), (BOB, "bob")]);
    reviews.review(BOB, "bob", "APPROVED");
    let ran = reviews.check(&repo);
    assert_eq!(ran.gate("approvals"), "missing approval-missing");
    assert_eq!(codes(&ran), ["approval-author"]);
    assert!(ran.out.contains(&commit[..12]), "names the commit");
}

#[test]
fn an_edit_of_an_included_file_drops_an_approval() {
    let text = BASE_PROMPT.to_owned() + "{{> tone}}\n";
    let repo = Repo::with(&[
        (".github/gatecard.yml", POLICY),
        ("prompts/answer.prompt", &text),
        ("prompts/_tone.prompt", "Be calm.\n"),
    ]);
    repo.branch("head");
    repo.write(&[("prompts/answer.prompt", &text.replace("You are", "Be"))]);
    repo.commit("change the prompt");
    let mut reviews = Reviews::of(&repo).approved();
    assert_eq!(reviews.check(&repo).gate("approvals"), "pass approved");
    repo.write(&[("prompts/_tone.prompt", "Be rude.\n")]);
    let commit = repo.commit("change the tone");
    reviews.wrote(&commit, &[(BOB, "bob")]);
    reviews.pull()["head"] = json!(commit);
    let ran = reviews.check(&repo);
    assert_eq!(codes(&ran), ["approval-author"]);
}

#[test]
fn a_rename_keeps_an_approval_and_the_owners_of_the_old_place() {
    let policy = POLICY.replace("[bob, \"@acme/llm\", 30]", "[codeowners]");
    let repo = Repo::with(&[
        (".github/gatecard.yml", &policy),
        ("CODEOWNERS", "/prompts/ @bob\n/prompts/mine/ @ann\n"),
        ("prompts/answer.md", BASE_PROMPT),
    ]);
    repo.branch("head");
    repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
    repo.commit("change the prompt");
    let mut reviews = Reviews::of(&repo).approved();
    std::fs::create_dir_all(repo.path().join("prompts/mine")).unwrap();
    repo.git(&["mv", "prompts/answer.md", "prompts/mine/reply.md"]);
    let commit = repo.commit("move it");
    // Who only moves it does not write it.
    reviews.wrote(&commit, &[(BOB, "bob")]);
    reviews.pull()["head"] = json!(commit);
    let ran = reviews.check(&repo);
    assert_eq!(ran.gate("approvals"), "pass approved");
    assert_eq!(ran.json()["approvals"][0]["subject"], "prompts/mine/reply");
}

#[test]
fn updating_the_branch_drops_no_approval_and_makes_nobody_an_author() {
    let repo = repo(POLICY);
    let mut reviews = Reviews::of(&repo).approved();
    repo.checkout("main");
    repo.write(&[
        ("README.md", "two\n"),
        ("prompts/other.md", "Other {{x}}.\n"),
    ]);
    repo.commit("meanwhile");
    repo.checkout("head");
    repo.git(&["merge", "--quiet", "--no-edit", "main"]);
    let merge = repo.git(&["rev-parse", "head"]).trim().to_owned();
    reviews.wrote(&merge, &[(BOB, "bob")]);
    reviews.pull()["head"] = json!(merge);
    assert_eq!(reviews.check(&repo).gate("approvals"), "pass approved");

    // A merge that makes a prompt which none of its parents had is an edit.
    repo.write(&[("prompts/answer.md", BASE_PROMPT)]);
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--amend", "--no-edit"]);
    repo.write(&[(
        "prompts/answer.md",
        "You rule.\n\nAnswer {{message}} about {{order}}.\n",
    )]);
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--amend", "--no-edit"]);
    let evil = repo.git(&["rev-parse", "head"]).trim().to_owned();
    reviews.wrote(&evil, &[(BOB, "bob")]);
    reviews.pull()["head"] = json!(evil);
    reviews.review(BOB, "bob", "APPROVED");
    assert_eq!(codes(&reviews.check(&repo)), ["approval-author"]);
}

#[test]
fn what_github_says_of_a_review_decides_whether_it_counts() {
    type Change = fn(&mut Reviews);
    let cases: &[(&str, &str, Change)] = &[
        (
            "stale approval-force-pushed",
            "approval-force-pushed",
            |reviews| {
                reviews.pull()["moves"]["timeline"]["force_pushed"] = json!("2026-11-22T00:00:00Z");
            },
        ),
        (
            "stale approval-retargeted",
            "approval-retargeted",
            |reviews| {
                reviews.pull()["moves"]["timeline"]["retargeted"] = json!("2026-11-22T00:00:00Z");
            },
        ),
        ("stale approval-unplaced", "approval-unplaced", |reviews| {
            reviews.pull()["moves"] = json!({"first_seen": {}});
        }),
        ("stale approval-unplaced", "approval-unplaced", |reviews| {
            reviews.pull()["reviews"][0]["commit"] = Value::Null;
        }),
        ("stale approval-unplaced", "approval-unplaced", |reviews| {
            reviews.pull()["reviews"][0]["commit"] = json!("f".repeat(40));
        }),
        (
            "missing approval-missing",
            "approval-dismissed",
            |reviews| {
                reviews.review(BOB, "bob", "DISMISSED");
            },
        ),
        (
            "missing approval-missing",
            "approval-unknown-state",
            |reviews| {
                reviews.review(BOB, "bob", "APPROVED_WITH_NITS");
            },
        ),
        ("missing approval-missing", "approval-self", |reviews| {
            reviews.pull()["author"] = json!({"id": BOB, "login": "bob"});
        }),
        ("missing approval-missing", "approval-bot", |reviews| {
            reviews.pull()["reviews"][0]["user"]["bot"] = json!(true);
        }),
        (
            "missing approval-missing",
            "approval-not-a-member",
            |reviews| {
                reviews.pull()["reviews"][0]["user"] = json!({"id": 9, "login": "eve"});
            },
        ),
        ("inconclusive team-unreadable", "approval-bot", |reviews| {
            reviews.pull()["reviews"][0]["user"]["bot"] = json!(true);
            reviews.0["teams"] = json!({"acme/llm": {"unreadable": "403 Forbidden"}});
        }),
        (
            "inconclusive authors-unknown",
            "authors-unknown",
            |reviews| {
                reviews.pull()["authorship"] = json!({});
            },
        ),
        // Nobody is lost who is named beside a team that cannot be read.
        ("pass approved", "", |reviews| {
            reviews.0["teams"] = json!({"acme/llm": {"unreadable": "403 Forbidden"}});
        }),
        ("pass approved", "", |reviews| {
            reviews.pull()["reviews"][0]["user"] = json!({"id": 40, "login": "tim"});
            reviews.0["teams"] = json!({"Acme/LLM": {"members": [40]}});
        }),
        ("pass approved", "", |reviews| {
            reviews.pull()["reviews"][0]["user"] = json!({"id": 30, "login": "renamed"});
        }),
        ("fail changes-requested", "", |reviews| {
            reviews.review(30, "dan", "CHANGES_REQUESTED");
        }),
        ("fail changes-requested", "", |reviews| {
            reviews.review(9, "eve", "CHANGES_REQUESTED")["association"] = json!("MEMBER");
        }),
        // A passer-by, and a bot, cannot stop a merge.
        ("pass approved", "", |reviews| {
            reviews.review(9, "eve", "CHANGES_REQUESTED");
        }),
        ("pass approved", "", |reviews| {
            let review = reviews.review(9, "a-bot", "CHANGES_REQUESTED");
            review["association"] = json!("MEMBER");
            review["user"]["bot"] = json!(true);
        }),
    ];
    let repo = repo(POLICY);
    for (gate, code, change) in cases {
        let mut reviews = Reviews::of(&repo).approved();
        change(&mut reviews);
        let ran = reviews.check(&repo);
        assert_eq!(ran.gate("approvals"), *gate, "{code}: {}", reviews.0);
        let wanted: Vec<&str> = Some(*code)
            .filter(|code| !code.is_empty())
            .into_iter()
            .collect();
        assert_eq!(codes(&ran), wanted);
    }
}

#[test]
fn a_request_for_changes_is_shown_wherever_approvals_are() {
    let repo = repo(POLICY);
    let mut reviews = Reviews::of(&repo).approved();
    reviews.review(30, "dan", "CHANGES_REQUESTED");
    let ran = reviews.check(&repo);
    let requests = json!([{"reviewer": "dan", "pull": 7, "review": 2}]);
    assert_eq!(ran.json()["change_requests"], requests);
    let file = reviews.save(&repo);
    let print = |format: &str| {
        let more = ["--approvals", file.as_str(), "--format", format];
        repo.check_with(&[], &more).out
    };
    let markdown = print("markdown");
    let title = "<b>Approvals</b> (1 of 1 given, changes requested)";
    assert!(markdown.contains(title), "{markdown}");
    let row = "| dan | requests changes (review 2) |";
    assert!(markdown.contains(row), "{markdown}");
    let line = "✗ dan requests changes (review 2)\n";
    assert!(print("text").contains(line));
    let saved = ["--approvals", file.as_str()];
    assert!(listing(&repo, "text", &saved).out.contains(line));
    let listed = listing(&repo, "json", &saved);
    assert_eq!(listed.json()["change_requests"], requests);
    let again = repo.evidence("again.json", listed.out.as_bytes());
    let ran = repo.check_with(&[], &["--approvals", &again]);
    assert_eq!(ran.json()["change_requests"], requests);
}

#[test]
fn why_an_approval_does_not_count_is_said_in_words() {
    let repo = repo(POLICY);
    // A prompt that is newer than the review.
    repo.write(&[("prompts/new.md", HEAD_PROMPT)]);
    let before = repo.git(&["rev-parse", "head"]).trim().to_owned();
    repo.commit("add a prompt");
    let mut reviews = Reviews::of(&repo).approved();
    reviews.pull()["reviews"][0]["commit"] = json!(before);
    let found = |ran: &Ran| {
        let report = ran.json();
        let outcomes = report["outcomes"].as_array().unwrap();
        let mut found = outcomes.iter().filter(|each| each["gate"] == "approvals");
        found.next_back().unwrap()["found"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let short = &before[..12];
    let words = format!(
        "no approval by engineering (bob, @acme/llm, account 30) counts: bob: at commit {short} \
         this prompt did not exist yet, or could not be read"
    );
    assert_eq!(found(&reviews.check(&repo)), words);

    // A timeline that could not be read.
    let mut reviews = Reviews::of(&repo).approved();
    reviews.pull()["moves"] = json!({"first_seen": {}});
    let ran = reviews.check(&repo);
    let words = "after a force-push, and gatecard had not seen that commit then: ask for a new \
                 review";
    assert!(found(&ran).ends_with(words), "{}", found(&ran));
    let note = "the timeline of pull request 7 could not be read";
    assert!(ran.json()["findings"].to_string().contains(note));
}

#[test]
fn an_address_without_an_account_keeps_nobody_out_and_is_told() {
    let repo = repo(POLICY);
    let mut reviews = Reviews::of(&repo).approved();
    let head = reviews.pull()["head"].as_str().unwrap().to_owned();
    reviews.pull()["authorship"][&head]["unknown"] = json!(1);
    let ran = reviews.check(&repo);
    assert_eq!(ran.gate("approvals"), "pass approved");
    let findings = ran.json()["findings"].to_string();
    assert!(findings.contains("no account is known for"), "{findings}");
}

#[test]
fn five_thousand_reviews_are_read_and_the_comment_stays_short() {
    let repo = repo(POLICY);
    let mut reviews = Reviews::of(&repo);
    for id in 0..5_000 {
        reviews.review(1_000 + id, &format!("passer-by-{id}"), "APPROVED");
    }
    let reviews = reviews.approved();
    let ran = reviews.check(&repo);
    assert_eq!(ran.gate("approvals"), "pass approved");
    assert_eq!(codes(&ran).len(), 5_000);
    let file = reviews.save(&repo);
    let comment = repo
        .check_with(&[], &["--approvals", &file, "--format", "markdown"])
        .out;
    assert!(comment.contains("and 4990 more"), "{comment}");
    assert!(comment.len() < 10_000, "{}", comment.len());
}

#[test]
fn the_code_owners_of_the_base_decide() {
    let policy = POLICY.replace("[bob, \"@acme/llm\", 30]", "[codeowners]");
    let repo = Repo::with(&[
        (".github/gatecard.yml", &policy),
        (
            ".github/CODEOWNERS",
            "* @ann\n/prompts/ @Bob mail@example.invalid\n",
        ),
        // GitHub reads the first place only.
        ("CODEOWNERS", "* @eve\n"),
        ("prompts/answer.md", BASE_PROMPT),
    ]);
    repo.branch("head");
    repo.write(&[("prompts/answer.md", HEAD_PROMPT)]);
    repo.commit("change the prompt");
    let mut reviews = Reviews::of(&repo).approved();
    let ran = reviews.check(&repo);
    assert_eq!(ran.gate("approvals"), "pass approved");
    let needed = ran.json()["approvals"][0]["needed"].to_string();
    assert!(
        needed.contains("mail@example.invalid, an address"),
        "{needed}"
    );

    // A pull request that names another owner is judged by the owners before it.
    repo.write(&[(".github/CODEOWNERS", "* @eve\n")]);
    let commit = repo.commit("own everything");
    reviews.wrote(&commit, &[(ANN, "ann")]);
    reviews.pull()["head"] = json!(commit);
    reviews.pull()["reviews"] = json!([]);
    reviews.review(9, "eve", "APPROVED");
    let ran = reviews.check(&repo);
    assert_eq!(ran.gate("approvals"), "missing approval-missing");
    assert_eq!(ran.gate("policy_change"), "missing approval-missing");
}

/// A change of the policy alone.
fn edited(policy: &str, more: &[(&str, &str)]) -> Repo {
    let repo = Repo::with(&[
        (".github/gatecard.yml", policy),
        ("prompts/answer.md", BASE_PROMPT),
    ]);
    repo.write(more);
    repo.commit("more");
    repo.branch("head");
    repo.write(&[(".github/gatecard.yml", &format!("{policy}mode: advise\n"))]);
    repo.commit("loosen");
    repo
}

#[test]
fn a_change_of_the_policy_needs_its_owners() {
    let named = format!("{POLICY}policy_owners: [bob]\n");
    let owned: &[(&str, &str)] = &[("docs/CODEOWNERS", "* @bob\n")];
    for (policy, more, without) in [
        (named.as_str(), &[][..], "missing approval-missing"),
        (POLICY, owned, "missing approval-missing"),
        // Else anyone who may write.
        (POLICY, &[], "missing approval-missing"),
    ] {
        let repo = edited(policy, more);
        let ran = repo.check(&[]).exits(1);
        assert_eq!(ran.gate("policy_change"), "missing approvals-unknown");
        let mut reviews = Reviews::of(&repo);
        reviews.0["writers"] = json!({"2": true, "9": false});
        reviews.review(9, "eve", "APPROVED");
        assert_eq!(reviews.check(&repo).exits(1).gate("policy_change"), without);
        let reviews = reviews.approved();
        assert_eq!(
            reviews.check(&repo).exits(0).gate("policy_change"),
            "pass approved"
        );
    }
    // Whether a reviewer may write was not asked: nobody counts.
    let repo = edited(POLICY, &[]);
    let ran = Reviews::of(&repo).approved().check(&repo);
    assert_eq!(ran.gate("policy_change"), "inconclusive writers-unknown");
}

#[test]
fn a_change_of_governed_files_alone_is_listed_and_its_need_can_be_found() {
    let repo = edited(&format!("{POLICY}policy_owners: [bob]\n"), &[]);
    let head = repo.git(&["rev-parse", "--short=12", "head"]);
    let needed = format!("as of commit {} by policy owners", head.trim());
    let print = |format: &str| repo.check_with(&[], &["--format", format]).exits(1).out;
    let (text, markdown) = (print("text"), print("markdown"));
    assert!(
        text.contains("What changed\n  .github/gatecard.yml  policy\n"),
        "{text}"
    );
    let row = "### What changed\n\n| governed file | kind |\n|---|---|\n| `.github/gatecard.yml` | policy |";
    assert!(markdown.contains(row), "{markdown}");
    for out in [&text, &markdown] {
        // In Markdown a commit is parted by what nobody sees, so that it is no link.
        let out = out.replace('\u{200b}', "");
        assert!(out.contains(&needed), "{needed}: {out}");
    }
    let row = "| .github/gatecard.yml | policy owners (bob) |  |  |";
    assert!(markdown.contains(row), "{markdown}");
    // What repeats it: no evidence was used, and approvals are needed.
    let base = repo.git(&["rev-parse", "--short=12", "main"]);
    let command = format!(
        " · locally: `gatecard check --base {} --head {} --approvals approvals.json`</sub>",
        base.trim(),
        head.trim()
    );
    assert!(markdown.trim_end().ends_with(&command), "{markdown}");
    assert!(!markdown.contains("not seen"), "{markdown}");
}

#[test]
fn an_approval_of_the_policy_ends_with_its_next_edit() {
    let repo = edited(&format!("{POLICY}policy_owners: [bob]\n"), &[]);
    let mut reviews = Reviews::of(&repo).approved();
    repo.write(&[("README.md", "text\n")]);
    let commit = repo.commit("text");
    reviews.wrote(&commit, &[(BOB, "bob")]);
    reviews.pull()["head"] = json!(commit);
    assert_eq!(reviews.check(&repo).gate("policy_change"), "pass approved");
    repo.write(&[(".github/gatecard.yml", POLICY)]);
    let commit = repo.commit("another policy");
    reviews.wrote(&commit, &[(ANN, "ann")]);
    reviews.pull()["head"] = json!(commit);
    assert_eq!(
        reviews.check(&repo).gate("policy_change"),
        "stale approval-stale"
    );
}

#[test]
fn kept_evidence_belongs_to_the_owner_of_its_category() {
    let policy = POLICY.replace("product: [pat]", "product: [pat], sre: [sam]")
        + "policy_owners: [bob]\ncategories: {debugging_speed: {owner: sre}}\n";
    let repo = Repo::with(&[
        (".github/gatecard.yml", &policy),
        ("prompts/answer.md", BASE_PROMPT),
    ]);
    repo.branch("head");
    repo.write(&[
        (".gatecard/drills.yml", "version: 1\ndrills: []\n"),
        (".gatecard/data-policy.yml", "version: 1\ncontrols: []\n"),
    ]);
    repo.commit("evidence");
    let mut reviews = Reviews::of(&repo).approved();
    let ran = reviews.check(&repo);
    assert_eq!(
        ran.gate("policy_change"),
        "pass approved, missing approval-missing"
    );
    reviews.review(50, "sam", "APPROVED");
    let ran = reviews.check(&repo);
    assert_eq!(ran.gate("policy_change"), "pass approved, pass approved");
    let report = ran.json();
    let groups: Vec<_> = report["approvals"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| {
            (
                each["group"].as_str().unwrap(),
                each["files"][0].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        groups,
        [
            ("policy owners", ".gatecard/data-policy.yml"),
            ("sre", ".gatecard/drills.yml")
        ]
    );
}

#[test]
fn the_first_policy_needs_nobody() {
    let repo = Repo::with(&[("prompts/answer.md", BASE_PROMPT)]);
    repo.branch("head");
    repo.write(&[
        (".github/gatecard.yml", POLICY),
        ("prompts/answer.md", HEAD_PROMPT),
    ]);
    repo.commit("first policy");
    let ran = repo.check(&[]).exits(0);
    assert_eq!(ran.gate("policy_change"), "not applicable not-applicable");
}

#[test]
fn a_queue_counts_the_approvals_of_each_pull_request_and_excludes_every_author() {
    let both = POLICY.replace("[engineering]", "[engineering, product]");
    let repo = repo(&both);
    let mut reviews = Reviews::of(&repo).approved();
    let mut other = reviews.pull().clone();
    other["number"] = json!(8);
    other["author"] = json!({"id": 60, "login": "zoe"});
    other["reviews"][0]["user"] = json!({"id": 3, "login": "pat"});
    reviews.0["pulls"].as_array_mut().unwrap().push(other);
    assert_eq!(reviews.check(&repo).gate("approvals"), "pass approved");
    reviews.0["pulls"][1]["author"] = json!({"id": BOB, "login": "bob"});
    let ran = reviews.check(&repo);
    assert_eq!(ran.gate("approvals"), "missing approval-missing");
    assert!(codes(&ran).contains(&String::from("approval-self")));
}

#[test]
fn a_pull_request_whose_history_is_not_here_leaves_it_unknown_who_wrote_it() {
    let repo = repo(POLICY);
    let mut reviews = Reviews::of(&repo).approved();
    reviews.pull()["head"] = json!("f".repeat(40));
    let ran = reviews.check(&repo);
    assert_eq!(ran.gate("approvals"), "missing approvals-unknown");
    assert!(ran.out.contains("fetch-depth: 0"), "{}", ran.out);
}

fn listing(repo: &Repo, format: &str, more: &[&str]) -> Ran {
    let path = repo.path();
    let mut args = vec!["approvals", "--repo", path.to_str().unwrap()];
    args.extend(["--base", "main", "--head", "head", "--format", format]);
    args.extend(more);
    gatecard(&args)
}

#[test]
fn the_command_lists_what_counts_and_saves_what_it_saw() {
    let repo = repo(POLICY);
    let mut reviews = Reviews::of(&repo).approved();
    reviews.review(9, "eve", "APPROVED");
    let file = reviews.save(&repo);
    let text = listing(&repo, "text", &["--approvals", &file]).exits(0).out;
    let version = &repo.version("head", "prompts/answer")[..12];
    for line in [
        format!("✓ prompts/answer {version} · engineering (bob, @acme/llm, account 30)"),
        format!(
            "    ✓ bob approved commit {} (review 1)",
            &reviews.0["pulls"][0]["head"].as_str().unwrap()[..12]
        ),
        String::from("    ✗ eve [approval-not-a-member] is not in engineering"),
    ] {
        assert!(text.contains(&line), "{line}\n{text}");
    }
    let saved = listing(&repo, "json", &["--approvals", &file]).exits(0);
    let report = repo.check_with(&[], &["--approvals", &file]).json();
    assert_eq!(saved.json()["judged"], report["approvals"]);
    // What was saved gives the same bytes again.
    let again = repo.evidence("again.json", saved.out.as_bytes());
    assert_eq!(
        listing(&repo, "json", &["--approvals", &again]).out,
        saved.out
    );

    let ran = listing(&repo, "text", &[]).exits(0);
    assert!(ran.out.contains("approvals are not known"), "{}", ran.out);
    let ran = listing(&repo, "json", &[]).exits(2);
    assert!(ran.err.contains("--approvals FILE"), "{}", ran.err);
}

#[test]
fn a_pull_request_that_cannot_be_read_says_what_to_set() {
    let repo = repo(POLICY);
    let path = repo.path();
    let args = ["approvals", "--repo", path.to_str().unwrap(), "--pull", "3"];
    let repository = ("GITHUB_REPOSITORY", "acme/app");
    for (variables, error, help) in [
        (
            &[repository][..],
            "no token to read pull request 3 with",
            "set GITHUB_TOKEN",
        ),
        (
            &[("GITHUB_TOKEN", "ghs_x")],
            "no repository to read pull request 3 of",
            "set GITHUB_REPOSITORY to owner/name",
        ),
    ] {
        let ran = gatecard_with(&args, variables).exits(2);
        assert_eq!(ran.err, format!("error: {error}\nhelp: {help}\n"));
    }
}

#[test]
fn a_file_that_is_something_else_is_named() {
    let repo = repo(POLICY);
    for (content, want) in [
        ("", "EOF"),
        ("[]", "expected"),
        (
            "{\"schema\": \"gatecard/check/v1\"}",
            "the schema `gatecard/check/v1`",
        ),
        (
            "{\"schema\": \"gatecard/approvals/v1\"}",
            "missing field `repo`",
        ),
    ] {
        let file = repo.evidence("approvals.json", content.as_bytes());
        let ran = repo.check_with(&[], &["--approvals", &file]).exits(2);
        assert!(ran.err.contains(want), "{want}: {}", ran.err);
        assert!(
            ran.err.contains("gatecard approvals --format json"),
            "{}",
            ran.err
        );
    }
    repo.check_with(&[], &["--approvals", "/nowhere/approvals.json"])
        .exits(2);
}

#[test]
fn hostile_names_stay_text() {
    let repo = repo(POLICY);
    let mut reviews = Reviews::of(&repo);
    let name = "::error::x ##[error]y <img src=x> | @acme/owners \u{202e}z";
    reviews.review(9, name, "APPROVED");
    reviews.review(10, name, "CHANGES_REQUESTED")["association"] = json!("MEMBER");
    let file = reviews.save(&repo);
    for format in ["text", "markdown", "json"] {
        let ran = repo.check_with(&[], &["--approvals", &file, "--format", format]);
        assert!(!ran.out.contains("##["), "{format}: {}", ran.out);
        if format == "markdown" {
            assert!(
                !ran.out.contains("<img") && !ran.out.contains("@acme/owners"),
                "{}",
                ran.out
            );
            assert!(ran.out.contains("approval-not-a-member"), "{}", ran.out);
        }
    }
    let ran = listing(&repo, "text", &["--approvals", &file]);
    assert!(
        !ran.out.contains("##[") && !ran.out.contains('\u{202e}'),
        "{}",
        ran.out
    );
}

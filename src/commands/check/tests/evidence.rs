//! Evidence of other workflows: waited for, fetched, refused, and named when it is not there.

use super::*;
use crate::github::fake_github::files as fake_files;

pub(super) const SOURCE: &str = "evidence:\n  - evals: { artifact: evals, workflow: evals.yml }\n";

/// The pull request whose prompt changed, under a policy with this source.
fn waiting_for(source: &str) -> Story {
    let mut story = Story::under(source);
    story.fake.workflow("evals.yml");
    story.open(&story.blocked.clone());
    story
}

/// The run of the producer for a head, as a pull request starts it.
pub(super) fn run(head: &str) -> Value {
    let mut run = fake_files::run(7, "evals.yml", ("topic", head));
    run["event"] = json!("pull_request");
    run["run_started_at"] = json!("2026-11-23T11:50:00Z");
    run
}

/// An archive with one file, as an upload makes it.
pub(super) fn archive(name: &str, content: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    let size = u32::try_from(content.len()).unwrap().to_le_bytes();
    let length = u16::try_from(name.len()).unwrap().to_le_bytes();
    // Version 2.0, no flags, stored, the first day there is.
    let mut shared = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
    shared.extend(crc.sum().to_le_bytes());
    shared.extend(size.iter().chain(&size).chain(&length).chain(&[0, 0]));
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend(shared.iter().chain(name.as_bytes()).chain(content));
    let start = u32::try_from(bytes.len()).unwrap();
    bytes.extend(b"PK\x01\x02\x14\x00".iter().chain(&shared));
    bytes.extend([0; 14].iter().chain(name.as_bytes()));
    let directory = u32::try_from(bytes.len()).unwrap() - start;
    bytes.extend(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    bytes.extend(directory.to_le_bytes().iter().chain(&start.to_le_bytes()));
    bytes.extend([0, 0]);
    bytes
}

/// A run of promptfoo that passed 60 cases of the changed prompt.
pub(super) fn results() -> Vec<u8> {
    let rows: Vec<Value> = (0..60)
        .map(|number| {
            json!({
                "promptIdx": 0, "testIdx": number, "success": true, "failureReason": 0,
                "provider": { "id": "openai:chat:gpt-4o-mini" },
                "vars": { "message": number.to_string() },
                "testCase": { "vars": { "message": number.to_string() },
                    "assert": [{ "type": "contains", "value": "x" }] },
                "gradingResult": { "pass": true, "componentResults": [
                    { "pass": true, "assertion": { "type": "contains", "value": "x" } }] },
                "response": { "output": "x" },
            })
        })
        .collect();
    let prompt = json!({ "raw": "Answer {{message}} at once.\n", "label": "answer",
        "provider": "openai:chat:gpt-4o-mini" });
    let results = json!({
        "version": 3, "timestamp": "2026-11-23T11:00:00Z", "prompts": [prompt],
        "results": rows, "stats": {},
    });
    json!({ "evalId": "e", "results": results, "config": {}, "metadata": {} })
        .to_string()
        .into_bytes()
}

/// The outcome of a gate in the report that the last run wrote: `state code`.
pub(super) fn gate(story: &Story, gate: &str) -> String {
    let report: Value = serde_json::from_str(&story.file("report.json")).unwrap();
    let outcomes = report["outcomes"].as_array().unwrap();
    let of = outcomes.iter().find(|outcome| outcome["gate"] == gate);
    let text = |key: &str| of.unwrap()[key].as_str().unwrap().to_owned();
    format!("{} {}", text("outcome"), text("code"))
}

fn last_description(story: &Story) -> String {
    let statuses = story.fake.statuses();
    let (_, last) = statuses.last().unwrap();
    last["description"].as_str().unwrap().to_owned()
}

#[test]
fn while_the_producer_runs_the_status_is_pending_and_nothing_is_said() {
    let mut story = waiting_for(SOURCE);
    let head = story.blocked.clone();
    let mut event = story.event(&head);
    event["pull_request"]["updated_at"] = json!("2026-11-23T11:59:00Z");
    let pending = |story: &Story, event: &Value, words: &str| {
        let ran = story.run_event(event);
        assert_eq!(ran.code, 0, "{}", ran.log);
        assert_eq!(story.status(&head).as_deref(), Some("pending"));
        assert_eq!(last_description(story), words);
        assert_eq!(story.own_comments(), 0);
    };
    let path = "`.github/workflows/evals.yml`";
    pending(&story, &event, &format!("waiting for {path} to start"));
    let mut running = run(&head);
    running["status"] = json!("in_progress");
    running["conclusion"] = Value::Null;
    story.fake.run(running);
    pending(&story, &event, &format!("waiting for {path}"));

    story.fake.run(run(&head));
    let id = story
        .fake
        .artifact(7, "evals", &archive("out/results.json", &results()));
    story
        .fake
        .tell(id, "created_at", &json!("2026-11-23T11:55:00Z"));
    let done = story.produced("completed", &head);
    let ran = story.run_event(&done);
    assert_eq!(ran.code, 0, "{}", ran.log);
    assert_eq!(story.status(&head).as_deref(), Some("failure"));
    assert_eq!(story.own_comments(), 1);
    assert_eq!(gate(&story, "expected_evidence"), "pass met");
    assert_eq!(gate(&story, "min_examples"), "pass met");
    let report: Value = serde_json::from_str(&story.file("report.json")).unwrap();
    let file = &report["evidence"][0];
    assert_eq!(file["path"], "evals of run 7!out/results.json");
    assert_eq!(file["provenance"], "ci(pr-workflow)");
    let storage = story.fake.asked_of_storage();
    assert!(!storage.is_empty());
}

#[test]
fn a_producer_that_never_starts_or_ends_is_missing_by_its_name() {
    for (started, want) in [
        (None, "missing producer-missing"),
        (Some("2026-11-23T10:00:00Z"), "missing producer-running"),
    ] {
        let story = waiting_for(SOURCE);
        if let Some(started) = started {
            let mut running = run(&story.blocked);
            running["status"] = json!("in_progress");
            running["conclusion"] = Value::Null;
            running["run_started_at"] = json!(started);
            story.fake.run(running);
        }
        let mut event = story.event(&story.blocked);
        event["pull_request"]["updated_at"] = json!("2026-11-23T10:00:00Z");
        let ran = story.run_event(&event);
        assert_eq!(ran.code, 0, "{}", ran.log);
        assert_eq!(story.status(&story.blocked).as_deref(), Some("failure"));
        assert_eq!(gate(&story, "expected_evidence"), want);
        let comments = story.fake.comments();
        let own = comments.iter().find(|comment| comment.user == ACTIONS_ID);
        assert!(own.unwrap().body.contains("evals.yml"));
    }
}

/// What is wrong with a run or its artifact.
type Wrong = fn(&Story, &mut Value) -> Option<Vec<u8>>;

#[test]
#[expect(clippy::too_many_lines, reason = "a table is as long as its cases")]
fn evidence_that_may_be_of_something_else_is_refused() {
    let table: [(&str, Wrong, &str, &str); 9] = [
        ("as it should be", |_, _| None, "pass met", "failure"),
        (
            "a run of another workflow that has the name",
            |_, run| {
                run["path"] = json!(".github/workflows/other.yml");
                None
            },
            "missing producer-missing",
            "failure",
        ),
        (
            "a run for another head",
            |story, run| {
                run["head_sha"] = json!(story.main);
                None
            },
            "missing producer-missing",
            "failure",
        ),
        (
            "a run of another fork with the same commit",
            |_, run| {
                run["head_repository"]["id"] = json!(66);
                None
            },
            "missing evidence-foreign",
            "failure",
        ),
        (
            "an artifact of an attempt before",
            |_, run| {
                run["run_attempt"] = json!(2);
                run["run_started_at"] = json!("2026-11-23T11:58:00Z");
                None
            },
            "missing artifact-missing",
            "failure",
        ),
        (
            "a run that was stopped",
            |_, run| {
                run["conclusion"] = json!("cancelled");
                None
            },
            "missing producer-failed",
            "failure",
        ),
        (
            "an archive that leaves its folder",
            |_, _| Some(archive("../../results.json", &results())),
            "pass met",
            "error",
        ),
        (
            "no archive at all",
            |_, _| Some(b"not a zip".to_vec()),
            "pass met",
            "error",
        ),
        (
            "an archive that is cut",
            |_, _| {
                let whole = archive("results.json", &results());
                Some(whole[..whole.len() / 2].to_vec())
            },
            "pass met",
            "error",
        ),
    ];
    for (name, wrong, want, status) in table {
        let story = waiting_for(SOURCE);
        let head = story.blocked.clone();
        let mut run = run(&head);
        let content = wrong(&story, &mut run);
        let content = content.unwrap_or_else(|| archive("results.json", &results()));
        story.fake.run(run);
        let id = story.fake.artifact(7, "evals", &content);
        story
            .fake
            .tell(id, "created_at", &json!("2026-11-23T11:55:00Z"));
        let ran = story.run(&head);
        assert_eq!(
            gate(&story, "expected_evidence"),
            want,
            "{name}: {}",
            ran.log
        );
        assert_eq!(story.status(&head).as_deref(), Some(status), "{name}");
        let counted = gate(&story, "min_examples") == "pass met";
        assert_eq!(counted, name == "as it should be", "{name}");
    }
}

#[test]
fn an_artifact_that_is_too_large_names_the_key_that_allows_it() {
    let more = format!("{SOURCE}artifact_limits: {{ packed: 1MiB }}\n");
    let story = waiting_for(&more);
    let head = story.blocked.clone();
    story.fake.run(run(&head));
    let id = story.fake.artifact(7, "evals", &vec![0; 2 << 20]);
    story
        .fake
        .tell(id, "created_at", &json!("2026-11-23T11:55:00Z"));
    let ran = story.run(&head);
    assert_eq!(ran.code, 0, "{}", ran.log);
    assert_eq!(
        gate(&story, "expected_evidence"),
        "error evidence-unreadable"
    );
    assert!(story.file("report.json").contains("artifact_limits.packed"));
}

#[test]
fn where_github_cannot_be_asked_the_evidence_is_an_error_and_no_pass() {
    let story = waiting_for(SOURCE);
    let head = story.blocked.clone();
    let trouble = Trouble::Status(502, "");
    story.fake.fault("GET", "/actions/workflows/", 99, trouble);
    let ran = story.run(&head);
    assert_eq!(ran.code, 0, "{}", ran.log);
    assert_eq!(
        gate(&story, "expected_evidence"),
        "error evidence-unreachable"
    );
    assert_eq!(story.status(&head).as_deref(), Some("error"));
}

#[test]
fn nightly_evidence_comes_from_the_base_branch_and_never_from_a_fork_of_its_name() {
    let source = "evidence:\n  - evals: { artifact: evals, workflow: nightly.yml, branch: base }\n    max_age: 2d\n";
    let nightly = |story: &Story, id: u64| {
        let mut run = fake_files::run(id, "nightly.yml", ("main", &story.main));
        run["event"] = json!("schedule");
        run["created_at"] = json!("2026-11-23T02:00:00Z");
        run["run_started_at"] = run["created_at"].clone();
        run
    };
    let store = |story: &Story, run: u64, at: &str| {
        let id = story
            .fake
            .artifact(run, "evals", &archive("results.json", &results()));
        story.fake.tell(id, "created_at", &json!(at));
    };
    let recent = "2026-11-23T02:30:00Z";

    let story = waiting_for(source);
    story.fake.run(nightly(&story, 7));
    store(&story, 7, recent);
    story.run(&story.blocked);
    assert_eq!(gate(&story, "expected_evidence"), "pass met");
    let report: Value = serde_json::from_str(&story.file("report.json")).unwrap();
    assert_eq!(report["evidence"][0]["provenance"], "ci");

    let story = waiting_for(source);
    let mut fork = nightly(&story, 8);
    fork["head_repository"]["id"] = json!(66);
    story.fake.run(fork);
    store(&story, 8, recent);
    story.run(&story.blocked);
    assert_eq!(
        gate(&story, "expected_evidence"),
        "missing producer-missing"
    );

    let story = waiting_for(source);
    let mut old = nightly(&story, 7);
    old["created_at"] = json!("2026-11-20T02:00:00Z");
    old["run_started_at"] = old["created_at"].clone();
    story.fake.run(old);
    store(&story, 7, "2026-11-20T02:30:00Z");
    story.run(&story.blocked);
    assert_eq!(gate(&story, "expected_evidence"), "stale evidence-expired");
}

#[test]
fn a_tag_that_is_named_as_the_base_branch_makes_nothing_for_it() {
    let source = "evidence:\n  - evals: { artifact: evals, workflow: nightly.yml, branch: base }\n";
    let story = waiting_for(source);
    // GitHub tells the tag's name as that of a branch; nobody has the commit but its author.
    let elsewhere = "e".repeat(40);
    let mut run = fake_files::run(7, "nightly.yml", ("main", &elsewhere));
    run["event"] = json!("push");
    story.fake.run(run);
    story
        .fake
        .artifact(7, "evals", &archive("results.json", &results()));
    story.run(&story.blocked);
    assert_eq!(
        gate(&story, "expected_evidence"),
        "missing producer-missing"
    );
    assert_eq!(story.fake.count("GET", "/compare/"), 1);
}

#[test]
fn an_optional_producer_is_waited_for_once_it_has_begun() {
    let story = waiting_for(&format!("{SOURCE}    optional: true\n"));
    let head = story.blocked.clone();
    story.run(&head);
    assert_eq!(story.status(&head).as_deref(), Some("failure"));
    let mut running = run(&head);
    running["status"] = json!("in_progress");
    running["conclusion"] = Value::Null;
    story.fake.run(running);
    let story = story.in_run(101);
    story.run(&head);
    assert_eq!(story.status(&head).as_deref(), Some("pending"));
    assert!(story.file("output").contains("pending"));
}

#[test]
fn a_workflow_that_the_base_does_not_have_is_not_waited_for() {
    let source = "evidence:\n  - evals: { artifact: evals, workflow: evls.yml }\n";
    let story = waiting_for(source);
    story.fake.workflow("evls.yml");
    let mut event = story.event(&story.blocked);
    event["pull_request"]["updated_at"] = json!("2026-11-23T11:59:00Z");
    story.run_event(&event);
    assert_eq!(
        story.status(&story.blocked).as_deref(),
        Some("failure"),
        "nobody will ever start it"
    );
    let report = story.file("report.json");
    assert!(report.contains("there is no `.github/workflows/evls.yml` on `main`"));
}

#[test]
fn a_file_of_a_release_is_the_word_of_who_uploaded_it() {
    let source = "evidence:\n  - evals: { release: latest, asset: results.json }\n";
    let story = waiting_for(source);
    story.run(&story.blocked);
    assert_eq!(
        gate(&story, "expected_evidence"),
        "missing artifact-missing"
    );
    story.fake.release("v1", &[("results.json", &results())]);
    let mut story = story;
    story.run_id(101);
    story.run(&story.blocked.clone());
    assert_eq!(gate(&story, "expected_evidence"), "pass met");
    let report: Value = serde_json::from_str(&story.file("report.json")).unwrap();
    assert_eq!(report["evidence"][0]["path"], "results.json of release v1");
    assert_eq!(report["evidence"][0]["provenance"], "author-supplied");
}

#[test]
fn what_is_saved_judges_the_same_without_network() {
    let story = waiting_for(SOURCE);
    let head = story.blocked.clone();
    story.fake.run(run(&head));
    let id = story
        .fake
        .artifact(7, "evals", &archive("results.json", &results()));
    story
        .fake
        .tell(id, "created_at", &json!("2026-11-23T11:55:00Z"));
    story.run(&head);
    let published: Value = serde_json::from_str(&story.file("report.json")).unwrap();

    let path = |name: &str| story.folder.path().join(name).display().to_string();
    let (repo, out) = (path("repo.git"), path("saved"));
    let ask = |arguments: &[&str], variables: &BTreeMap<&'static str, String>| {
        let environment = Environment::read(&|name| variables.get(name).cloned()).unwrap();
        let (mut console, [printed, err]) = Console::captured(None);
        let mut context = Context {
            environment: &environment,
            now: chrono::DateTime::UNIX_EPOCH,
            patience: story.patience.clone(),
            clock: || chrono::DateTime::UNIX_EPOCH,
            pause: |_| {},
            fetching: None,
            console: &mut console,
        };
        let code = crate::commands::run(&Cli::parse_from(arguments).command, &mut context);
        assert!(code.is_ok(), "{code:?} {}", err.text());
        printed.text()
    };
    let save = [
        "gatecard", "evidence", "--repo", &repo, "--pull", "4", "--out", &out,
    ];
    let printed = ask(&save, &story.variables);
    assert_eq!(
        printed,
        "artifact `evals` of `evals.yml` for the head commit: saved, ci(pr-workflow)\n"
    );
    let check = [
        "gatecard",
        "check",
        "--repo",
        &repo,
        "--base",
        &story.main,
        "--head",
        &head,
        "--now",
        "2026-11-23T12:00:00Z",
        "--format",
        "json",
        "--fetched",
        &out,
    ];
    let offline: Value = serde_json::from_str(&ask(&check, &BTreeMap::new())).unwrap();
    for key in ["evidence", "changes", "categories", "score"] {
        assert_eq!(offline[key], published[key], "{key}");
    }
}

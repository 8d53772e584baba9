//! Workflow runs: which made an artifact, for which commit, and whether they are over.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::RepoName;
use super::client::{Client, Method};
use super::error::{Call, GithubError};
use super::route::{encode, time};
use crate::git::CommitSha;

const LIST: Call = Call {
    name: "list the workflow runs",
    permission: "actions: read",
};
const READ: Call = Call {
    name: "read the workflow run",
    permission: "actions: read",
};

/// Which runs of a workflow are asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RunsOf<'a> {
    /// All of a commit, whatever came of them.
    Head(&'a CommitSha),
    /// Successful ones of a branch.
    Branch(&'a str),
}

/// A run of a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// Its id, the same for each attempt.
    pub(crate) id: u64,
    /// How often it was started.
    pub(crate) attempt: u64,
    /// What started it: `pull_request`, `push`, `schedule`, ...
    pub(crate) event: String,
    /// How far it is.
    pub(crate) state: RunState,
    /// The commit that it is about.
    pub(crate) head: CommitSha,
    /// The branch of that commit; none for a tag or where it was deleted.
    pub(crate) head_branch: Option<String>,
    /// The id of the repository that the commit comes from; none where it was deleted.
    pub(crate) head_repository: Option<u64>,
    /// The id of the repository that the workflow belongs to.
    pub(crate) repository: Option<u64>,
    /// The workflow's file, without the reference that GitHub may add.
    pub(crate) path: String,
    /// When it was started first.
    pub(crate) created: DateTime<Utc>,
    /// When its newest attempt was started.
    pub(crate) started: DateTime<Utc>,
}

impl Run {
    /// Whether its commit is in the repository itself, and not in a fork.
    pub(crate) fn is_own(&self) -> bool {
        self.repository.is_some() && self.head_repository == self.repository
    }
}

/// How far a run is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunState {
    /// It is queued or runs.
    Running,
    /// It does not go on before somebody approves it.
    Waiting,
    /// It is over.
    Done(Conclusion),
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Conclusion {
    /// Every job succeeded.
    Success,
    /// Anything else, in GitHub's word: `failure`, `cancelled`, `timed_out`, ...
    Other(String),
}

impl RunState {
    /// A state that GitHub adds one day counts as running: nothing is taken for an end that may
    /// not be one.
    fn read(status: Option<&str>, conclusion: Option<&str>) -> Self {
        match (status, conclusion) {
            // A run from a fork that waits for its approval counts as completed.
            (Some("waiting" | "action_required"), _) | (_, Some("action_required")) => {
                Self::Waiting
            }
            (Some("completed"), Some("success")) => Self::Done(Conclusion::Success),
            (Some("completed"), other) => {
                Self::Done(Conclusion::Other(other.unwrap_or("unknown").to_owned()))
            }
            _ => Self::Running,
        }
    }
}

#[derive(Deserialize)]
struct Page {
    workflow_runs: Vec<RawRun>,
}

#[derive(Deserialize)]
struct RawRun {
    id: u64,
    #[serde(default)]
    run_attempt: Option<u64>,
    #[serde(default)]
    event: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    conclusion: Option<String>,
    head_sha: CommitSha,
    #[serde(default)]
    head_branch: Option<String>,
    #[serde(default)]
    head_repository: Option<RawRepository>,
    #[serde(default)]
    repository: Option<RawRepository>,
    #[serde(default)]
    path: Option<String>,
    created_at: String,
    #[serde(default)]
    run_started_at: Option<String>,
}

#[derive(Deserialize)]
struct RawRepository {
    #[serde(default)]
    id: Option<u64>,
}

impl RawRun {
    /// The run; none where its time cannot be read.
    fn run(self) -> Option<Run> {
        let created = time(&self.created_at)?;
        let path = self.path.unwrap_or_default();
        let path = path.split_once('@').map_or(path.as_str(), |(path, _)| path);
        Some(Run {
            id: self.id,
            attempt: self.run_attempt.unwrap_or(1),
            event: self.event.unwrap_or_default(),
            state: RunState::read(self.status.as_deref(), self.conclusion.as_deref()),
            head: self.head_sha,
            head_branch: self.head_branch,
            head_repository: self.head_repository.and_then(|found| found.id),
            repository: self.repository.and_then(|found| found.id),
            path: path.to_owned(),
            created,
            started: self
                .run_started_at
                .as_deref()
                .and_then(time)
                .unwrap_or(created),
        })
    }
}

impl Client {
    /// Lists the newest runs of a workflow, at most 100, newest first; none at all where the
    /// repository has no such workflow. `workflow` is the name of its file, or its id.
    pub(crate) async fn runs(
        &self,
        repo: &RepoName,
        workflow: &str,
        of: RunsOf<'_>,
    ) -> Result<Option<Vec<Run>>, GithubError> {
        // No file has such a name, and in an address it would lead elsewhere.
        if matches!(workflow, "" | "." | "..") || workflow.contains('/') {
            return Ok(None);
        }
        let which = match of {
            RunsOf::Head(sha) => format!("head_sha={sha}"),
            RunsOf::Branch(branch) => format!("branch={}&status=success", encode(branch)),
        };
        let workflow = encode(workflow);
        let route = format!("/repos/{repo}/actions/workflows/{workflow}/runs?{which}&per_page=100");
        let page = match self.read::<Page>(LIST, Method::Get, &route, None).await {
            Ok((page, _)) => page,
            Err(GithubError::Refused { status: 404, .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let runs = page.workflow_runs.into_iter().filter_map(RawRun::run);
        // What the filter says is not left to the server alone.
        let mut runs: Vec<Run> = runs
            .filter(|run| match of {
                RunsOf::Head(sha) => run.head == *sha,
                RunsOf::Branch(branch) => {
                    run.head_branch.as_deref() == Some(branch)
                        && run.state == RunState::Done(Conclusion::Success)
                }
            })
            .collect();
        runs.sort_by_key(|run| std::cmp::Reverse((run.created, run.id)));
        Ok(Some(runs))
    }

    /// Reads a run.
    pub(crate) async fn run(&self, repo: &RepoName, id: u64) -> Result<Run, GithubError> {
        let route = format!("/repos/{repo}/actions/runs/{id}");
        let (raw, _) = self.read::<RawRun>(READ, Method::Get, &route, None).await?;
        raw.run().ok_or_else(|| GithubError::Answer {
            call: READ,
            message: String::from("a run without the time of its start"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::github::fake_github::Trouble;
    use crate::github::fake_github::files::run;
    use crate::github::harness::{Harness, sha};

    fn ids(runs: Option<Vec<Run>>) -> Option<Vec<u64>> {
        runs.map(|runs| runs.iter().map(|run| run.id).collect())
    }

    #[test]
    fn a_run_is_read_with_what_github_leaves_out() {
        let harness = Harness::new();
        let head = sha('a').to_string();
        let mut told = run(7, "evals.yml", ("tune", &head));
        told["run_attempt"] = json!(2);
        told["event"] = json!("pull_request");
        told["run_started_at"] = json!("2026-01-05T11:00:00Z");
        told["path"] = json!(".github/workflows/evals.yml@refs/heads/tune");
        harness.fake.run(told);
        let found = harness.wait(harness.client.run(&harness.repo, 7)).unwrap();
        let expected = Run {
            id: 7,
            attempt: 2,
            event: String::from("pull_request"),
            state: RunState::Done(Conclusion::Success),
            head: sha('a'),
            head_branch: Some(String::from("tune")),
            head_repository: Some(1),
            repository: Some(1),
            path: String::from(".github/workflows/evals.yml"),
            created: time("2026-01-05T10:00:00Z").unwrap(),
            started: time("2026-01-05T11:00:00Z").unwrap(),
        };
        assert_eq!(found, expected);

        let created = "2026-01-05T10:00:00Z";
        let bare = json!({ "id": 8, "head_sha": head, "created_at": created,
                           "head_branch": null, "head_repository": null });
        harness.fake.run(bare);
        let found = harness.wait(harness.client.run(&harness.repo, 8)).unwrap();
        assert_eq!(
            (found.attempt, found.head_branch, found.head_repository),
            (1, None, None)
        );
        assert_eq!(
            (found.state, found.started),
            (RunState::Running, found.created)
        );

        let timeless = json!({ "id": 9, "head_sha": head, "created_at": "yesterday" });
        harness.fake.run(timeless);
        let error = harness
            .wait(harness.client.run(&harness.repo, 9))
            .unwrap_err();
        assert!(matches!(error, GithubError::Answer { .. }), "{error}");
    }

    #[test]
    fn states_are_running_waiting_or_over_and_never_an_error() {
        let done = |word: &str| RunState::Done(Conclusion::Other(word.to_owned()));
        for (status, conclusion, expected) in [
            (Some("queued"), None, RunState::Running),
            (Some("in_progress"), None, RunState::Running),
            (Some("requested"), None, RunState::Running),
            (Some("pending"), None, RunState::Running),
            (Some("something new"), None, RunState::Running),
            (None, None, RunState::Running),
            (Some("waiting"), None, RunState::Waiting),
            (Some("action_required"), None, RunState::Waiting),
            (
                Some("completed"),
                Some("action_required"),
                RunState::Waiting,
            ),
            (
                Some("completed"),
                Some("success"),
                RunState::Done(Conclusion::Success),
            ),
            (Some("completed"), Some("failure"), done("failure")),
            (
                Some("completed"),
                Some("something new"),
                done("something new"),
            ),
            (Some("completed"), None, done("unknown")),
        ] {
            assert_eq!(
                RunState::read(status, conclusion),
                expected,
                "{status:?} {conclusion:?}"
            );
        }
    }

    #[test]
    fn runs_are_those_of_the_workflow_and_the_commit_newest_first() {
        let harness = Harness::new();
        let (a, b) = (sha('a').to_string(), sha('b').to_string());
        let later = |mut run: Value| {
            run["created_at"] = json!("2026-01-05T12:00:00Z");
            run
        };
        harness.fake.run(run(1, "evals.yml", ("tune", &a)));
        harness.fake.run(later(run(2, "evals.yml", ("tune", &a))));
        harness.fake.run(run(3, "evals.yml", ("tune", &b)));
        harness.fake.run(run(4, "other.yml", ("tune", &a)));
        harness.fake.workflow("new.yml");
        let head = sha('a');
        let runs = |workflow| {
            harness.wait(
                harness
                    .client
                    .runs(&harness.repo, workflow, RunsOf::Head(&head)),
            )
        };
        assert_eq!(ids(runs("evals.yml").unwrap()), Some(vec![2, 1]));
        // No run yet is something else than no such workflow.
        assert_eq!(ids(runs("new.yml").unwrap()), Some(Vec::new()));
        for none in ["absent.yml", "", ".", "..", "../../secrets", "a/b.yml"] {
            assert_eq!(runs(none).unwrap(), None, "{none}");
        }
        assert_eq!(harness.fake.count("GET", "secrets"), 0);
    }

    #[test]
    fn runs_of_a_branch_are_the_successful_ones() {
        let harness = Harness::new();
        let a = sha('a').to_string();
        let mut failed = run(1, "nightly.yml", ("release/1.x", &a));
        failed["conclusion"] = json!("failure");
        harness.fake.run(failed);
        harness.fake.run(run(2, "nightly.yml", ("release/1.x", &a)));
        harness.fake.run(run(3, "nightly.yml", ("main", &a)));
        let of = RunsOf::Branch("release/1.x");
        let asked = harness.client.runs(&harness.repo, "nightly.yml", of);
        assert_eq!(ids(harness.wait(asked).unwrap()), Some(vec![2]));
    }

    #[test]
    fn a_server_that_ignores_the_filter_is_not_believed() {
        let harness = Harness::new();
        let b = sha('b').to_string();
        let told = json!({ "workflow_runs": [run(1, "evals.yml", ("tune", &b))] });
        let told: &'static str = told.to_string().leak();
        harness
            .fake
            .fault("GET", "/runs", usize::MAX, Trouble::Says(200, told));
        let head = sha('a');
        for of in [RunsOf::Head(&head), RunsOf::Branch("main")] {
            let asked = harness.client.runs(&harness.repo, "evals.yml", of);
            assert_eq!(
                ids(harness.wait(asked).unwrap()),
                Some(Vec::new()),
                "{of:?}"
            );
        }
    }

    #[test]
    fn a_refusal_is_told_apart_from_no_workflow() {
        let harness = Harness::new();
        harness
            .fake
            .fault("GET", "/runs", 1, Trouble::Status(403, ""));
        let asked = harness
            .client
            .runs(&harness.repo, "evals.yml", RunsOf::Branch("main"));
        let error = harness.wait(asked).unwrap_err();
        assert!(error.hint().contains("`actions: read`"), "{}", error.hint());
    }
}

//! Check runs: a report on a commit with annotations in its files.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::RepoName;
use super::client::{Client, Method};
use super::error::{Call, GithubError};
use crate::git::CommitSha;

const LIST: Call = Call {
    name: "list the check runs",
    permission: "checks: write",
};
const WRITE: Call = Call {
    name: "write the check run",
    permission: "checks: write",
};

/// How many annotations GitHub takes in one request.
pub(crate) const ANNOTATIONS_A_REQUEST: usize = 50;

/// A check run as GitHub keeps it, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct CheckRun {
    /// Its id.
    pub(crate) id: u64,
    /// What its maker calls it.
    #[serde(default)]
    pub(crate) external_id: Option<String>,
    /// What it shows.
    pub(crate) output: Shown,
}

/// What a check run shows, counted.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Shown {
    /// Annotations that it has.
    pub(crate) annotations_count: usize,
}

/// A check run to be made: completed from the start, so that nothing can leave it in progress.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct NewCheckRun<'a> {
    /// Its name.
    pub(crate) name: &'static str,
    /// The commit.
    pub(crate) head_sha: &'a str,
    /// What finds it again.
    pub(crate) external_id: &'a str,
    /// What it says.
    pub(crate) conclusion: Conclusion,
    /// Where it links to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) details_url: Option<&'a str>,
    /// What it shows.
    pub(crate) output: Output<'a>,
}

/// What a completed check run says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Conclusion {
    /// Nothing blocks.
    Success,
    /// Something blocks.
    Failure,
    /// Something would block, if anything did.
    Neutral,
}

/// Title, Markdown and some of the annotations.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Output<'a> {
    /// The title.
    pub(crate) title: &'a str,
    /// The Markdown, at most 65,535 bytes.
    pub(crate) summary: &'a str,
    /// Annotations, which are added to those that it has.
    pub(crate) annotations: &'a [Annotation],
}

/// A remark on a line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Annotation {
    /// The file.
    pub(crate) path: String,
    /// The first line.
    pub(crate) start_line: usize,
    /// The last line.
    pub(crate) end_line: usize,
    /// How much it matters.
    #[serde(rename = "annotation_level")]
    pub(crate) level: Level,
    /// At most 255 characters.
    pub(crate) title: String,
    /// At most 64 KB.
    pub(crate) message: String,
}

/// How much an annotation matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// It blocks.
    Failure,
    /// It would block, or warns.
    Warning,
    /// It is good to know.
    Notice,
}

#[derive(Deserialize)]
struct Page {
    check_runs: Vec<CheckRun>,
}

impl Client {
    /// Lists the check runs of a name on a commit.
    pub(crate) async fn check_runs(
        &self,
        repo: &RepoName,
        sha: &CommitSha,
        name: &str,
    ) -> Result<Vec<CheckRun>, GithubError> {
        let name = name.replace(' ', "%20");
        let route = format!(
            "/repos/{repo}/commits/{sha}/check-runs?check_name={name}&filter=all&per_page=100"
        );
        self.pages(LIST, &route, |page: Page| page.check_runs).await
    }

    /// Makes a completed check run.
    pub(crate) async fn create_check_run(
        &self,
        repo: &RepoName,
        wanted: &NewCheckRun<'_>,
    ) -> Result<CheckRun, GithubError> {
        let route = format!("/repos/{repo}/check-runs");
        let mut body = json!(wanted);
        if let Some(body) = body.as_object_mut() {
            body.insert(String::from("status"), json!("completed"));
        }
        self.write(WRITE, Method::Post, &route, Some(&body)).await
    }

    /// Adds annotations to a check run.
    pub(crate) async fn annotate_check_run(
        &self,
        repo: &RepoName,
        id: u64,
        output: Output<'_>,
    ) -> Result<CheckRun, GithubError> {
        let route = format!("/repos/{repo}/check-runs/{id}");
        let body = json!({ "output": output });
        self.write(WRITE, Method::Patch, &route, Some(&body)).await
    }
}

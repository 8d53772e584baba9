//! Artifacts of workflow runs: which a run has stored, and their archives.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::RepoName;
use super::client::Client;
use super::download::{Asks, Source};
use super::error::{Call, GithubError, Gone};
use super::route::{encode, time};
use crate::git::CommitSha;
use crate::units::Digest;

const LIST: Call = Call {
    name: "list the artifacts",
    permission: "actions: read",
};
pub(super) const DOWNLOAD: Call = Call {
    name: "download the artifact",
    permission: "actions: read",
};

/// An artifact that a run has stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    /// Its id.
    pub(crate) id: u64,
    /// Its name.
    pub(crate) name: String,
    /// The size of its archive.
    pub(crate) bytes: u64,
    /// Whether GitHub has deleted it after its time.
    pub(crate) expired: bool,
    /// When it was stored.
    pub(crate) created: Option<DateTime<Utc>>,
    /// Of its archive, as GitHub states it; older servers do not.
    pub(crate) digest: Option<Digest>,
    /// The commit that its run is about.
    pub(crate) head: Option<CommitSha>,
}

#[derive(Deserialize)]
struct Page {
    artifacts: Vec<RawArtifact>,
}

#[derive(Deserialize)]
struct RawArtifact {
    id: u64,
    name: String,
    #[serde(default)]
    size_in_bytes: u64,
    #[serde(default)]
    expired: bool,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    digest: Option<String>,
    #[serde(default)]
    workflow_run: Option<RawRun>,
}

#[derive(Deserialize)]
struct RawRun {
    #[serde(default)]
    head_sha: Option<CommitSha>,
}

impl RawArtifact {
    fn stored(self) -> Stored {
        Stored {
            id: self.id,
            name: self.name,
            bytes: self.size_in_bytes,
            expired: self.expired,
            created: self.created_at.as_deref().and_then(time),
            digest: self.digest.as_deref().and_then(Digest::from_hex),
            head: self.workflow_run.and_then(|run| run.head_sha),
        }
    }
}

impl Client {
    /// Lists the artifacts of a run that have a name, newest first: each attempt of the run may
    /// have stored one.
    pub(crate) async fn stored(
        &self,
        repo: &RepoName,
        run: u64,
        name: &str,
    ) -> Result<Vec<Stored>, GithubError> {
        let wanted = encode(name);
        let route =
            format!("/repos/{repo}/actions/runs/{run}/artifacts?name={wanted}&per_page=100");
        let found = self
            .pages(LIST, &route, |page: Page| page.artifacts)
            .await?;
        let found = found.into_iter().map(RawArtifact::stored);
        let mut found: Vec<Stored> = found.filter(|stored| stored.name == name).collect();
        found.sort_by_key(|stored| std::cmp::Reverse((stored.created, stored.id)));
        Ok(found)
    }

    /// Downloads the archive of an artifact into a file, which is overwritten, and returns its
    /// digest. `limit` is the most bytes that it may have.
    pub(crate) async fn download(
        &self,
        repo: &RepoName,
        artifact: &Stored,
        to: &Path,
        limit: u64,
    ) -> Result<Digest, GithubError> {
        if artifact.expired {
            return Err(GithubError::Gone {
                call: DOWNLOAD,
                why: Gone::Expired,
            });
        }
        let id = artifact.id;
        let source = Source {
            call: DOWNLOAD,
            route: format!("/repos/{repo}/actions/artifacts/{id}/zip"),
            asks: Asks::Description,
            bytes: artifact.bytes,
            digest: artifact.digest,
        };
        self.fetch(&source, to, limit).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::github::fake_github::files::run;
    use crate::github::harness::{Harness, sha};

    #[test]
    fn the_artifacts_of_a_name_are_listed_newest_first() {
        let harness = Harness::new();
        let head = sha('a').to_string();
        harness.fake.run(run(7, "evals.yml", ("tune", &head)));
        let first = harness.fake.artifact(7, "evals #1", b"first");
        let second = harness.fake.artifact(7, "evals #1", b"second");
        harness.fake.artifact(7, "evals", b"other");
        harness.fake.artifact(8, "evals #1", b"of another run");
        harness.fake.tell(first, "digest", &json!(null));
        harness.fake.tell(first, "expired", &json!(true));
        let asked = harness.client.stored(&harness.repo, 7, "evals #1");
        let found = harness.wait(asked).unwrap();
        let created = time("2026-01-05T10:05:00Z");
        let stored = |id, bytes, expired, digest| Stored {
            id,
            name: String::from("evals #1"),
            bytes,
            expired,
            created,
            digest,
            head: Some(sha('a')),
        };
        let digest = Some(Digest::of(b"second"));
        assert_eq!(
            found,
            [
                stored(second, 6, false, digest),
                stored(first, 5, true, None)
            ]
        );
    }

    #[test]
    fn what_github_leaves_out_is_unknown() {
        let raw: RawArtifact = serde_json::from_value(json!({ "id": 1, "name": "evals" })).unwrap();
        let stored = raw.stored();
        assert_eq!(
            (stored.created, stored.digest, stored.head),
            (None, None, None)
        );
        assert!(!stored.expired);
    }
}

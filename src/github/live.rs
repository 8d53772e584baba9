//! Pull requests and branches as they are now: an event, and its re-run above all, tells what
//! was.

use serde::Deserialize;

use super::account::RawAccount;
use super::client::{Client, Method};
use super::error::{Call, GithubError};
use super::route::encode;
use super::{PullRequest, RepoName};
use crate::approval::observed::Account;
use crate::git::CommitSha;

const PULL: Call = Call {
    name: "read the pull request",
    permission: "pull-requests: write",
};
const PULLS: Call = Call {
    name: "list the pull requests",
    permission: "pull-requests: read",
};
const TIP: Call = Call {
    name: "read the tip of the branch",
    permission: "contents: read",
};
const COMPARE: Call = Call {
    name: "compare two commits",
    permission: "contents: read",
};
const MAY_WRITE: Call = Call {
    name: "read what a person may do",
    permission: "contents: read",
};

/// A pull request as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Live {
    /// What it would change. Its base is the commit that GitHub names, which may be older than
    /// the branch's tip.
    pub(crate) pull: PullRequest,
    /// Whether it can still be merged.
    pub(crate) open: bool,
    /// Whether it was merged.
    pub(crate) merged: bool,
    /// Who opened it; nobody where the account was removed.
    pub(crate) author: Option<Account>,
}

#[derive(Deserialize)]
struct RawPull {
    number: u64,
    state: String,
    /// Only where a single pull request is asked for.
    #[serde(default)]
    merged: bool,
    /// Everywhere.
    #[serde(default)]
    merged_at: Option<String>,
    #[serde(default)]
    user: Option<RawAccount>,
    base: RawSide,
    head: RawSide,
}

#[derive(Deserialize)]
struct RawSide {
    #[serde(rename = "ref")]
    branch: String,
    sha: CommitSha,
    #[serde(default)]
    repo: Option<RawRepo>,
}

#[derive(Deserialize)]
struct RawRepo {
    #[serde(default)]
    id: Option<u64>,
    #[serde(default)]
    full_name: String,
}

impl RawPull {
    fn live(self, repo: &RepoName) -> Live {
        Live {
            pull: PullRequest {
                repo: repo.clone(),
                number: self.number,
                base_ref: self.base.branch,
                base: self.base.sha,
                head: self.head.sha,
                head_repository: self.head.repo.and_then(|repo| repo.id),
            },
            open: self.state == "open",
            merged: self.merged || self.merged_at.is_some(),
            author: self.user.and_then(RawAccount::account),
        }
    }

    /// Whether it wants to change this repository: a commit that a fork shares with its parent
    /// may belong to pull requests of both.
    fn is_of(&self, repo: &RepoName) -> bool {
        let base = self.base.repo.as_ref();
        base.is_none_or(|base| base.full_name.eq_ignore_ascii_case(&repo.to_string()))
    }
}

#[derive(Deserialize)]
struct RawRef {
    object: RawObject,
}

#[derive(Deserialize)]
struct RawObject {
    sha: CommitSha,
}

#[derive(Deserialize)]
struct RawComparison {
    status: String,
}

#[derive(Deserialize)]
struct RawPermission {
    permission: String,
}

/// What fuzzers call: lists and single pull requests of any shape.
#[cfg(any(test, fuzzing))]
pub(super) fn fuzzing(body: &str) {
    let Some(repo) = RepoName::parse("acme/app") else {
        return;
    };
    let one = serde_json::from_str::<RawPull>(body).map(|raw| vec![raw]);
    let pulls = one.or_else(|_| serde_json::from_str::<Vec<RawPull>>(body));
    for raw in pulls.unwrap_or_default() {
        let of_repo = raw.is_of(&repo);
        let live = raw.live(&repo);
        assert!(
            !of_repo || live.pull.repo == repo,
            "a pull request of elsewhere"
        );
    }
    drop(serde_json::from_str::<RawRef>(body));
    drop(serde_json::from_str::<RawPermission>(body));
}

impl Client {
    /// Reads a pull request.
    pub(crate) async fn pull(&self, repo: &RepoName, number: u64) -> Result<Live, GithubError> {
        let route = format!("/repos/{repo}/pulls/{number}");
        let (raw, _) = self
            .read::<RawPull>(PULL, Method::Get, &route, None)
            .await?;
        Ok(raw.live(repo))
    }

    /// Reads the last commit of a branch; none where there is no such branch.
    pub(crate) async fn tip(
        &self,
        repo: &RepoName,
        branch: &str,
    ) -> Result<Option<CommitSha>, GithubError> {
        // Git allows no such name, and in an address it would lead elsewhere.
        if branch
            .split('/')
            .any(|part| part.is_empty() || part.starts_with('.'))
        {
            return Ok(None);
        }
        let route = format!("/repos/{repo}/git/ref/heads/{}", encode(branch));
        match self.read::<RawRef>(TIP, Method::Get, &route, None).await {
            Ok((raw, _)) => Ok(Some(raw.object.sha)),
            Err(GithubError::Refused { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a commit is part of the history of another; not, where one of them is not there.
    pub(crate) async fn has_landed(
        &self,
        repo: &RepoName,
        commit: &CommitSha,
        tip: &CommitSha,
    ) -> Result<bool, GithubError> {
        let route = format!("/repos/{repo}/compare/{tip}...{commit}?per_page=1");
        let read = self.read::<RawComparison>(COMPARE, Method::Get, &route, None);
        match read.await {
            Ok((raw, _)) => Ok(matches!(raw.status.as_str(), "behind" | "identical")),
            Err(GithubError::Refused { status: 404, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lists the pull requests, open or not, that a commit belongs to.
    pub(crate) async fn pulls_with(
        &self,
        repo: &RepoName,
        commit: &CommitSha,
    ) -> Result<Vec<Live>, GithubError> {
        let route = format!("/repos/{repo}/commits/{commit}/pulls?per_page=100");
        self.pulls(repo, &route).await
    }

    /// Lists the open pull requests that come from a branch of this repository.
    pub(crate) async fn pulls_from(
        &self,
        repo: &RepoName,
        branch: &str,
    ) -> Result<Vec<Live>, GithubError> {
        let head = encode(&format!("{}:{branch}", repo.owner()));
        let route = format!("/repos/{repo}/pulls?state=open&head={head}&per_page=100");
        self.pulls(repo, &route).await
    }

    /// Lists all open pull requests.
    pub(crate) async fn open_pulls(&self, repo: &RepoName) -> Result<Vec<Live>, GithubError> {
        let route = format!("/repos/{repo}/pulls?state=open&per_page=100");
        self.pulls(repo, &route).await
    }

    async fn pulls(&self, repo: &RepoName, route: &str) -> Result<Vec<Live>, GithubError> {
        let mut raw: Vec<RawPull> = self.list(PULLS, route).await?;
        raw.retain(|pull| pull.is_of(repo));
        // One that moves to another page while they are read comes twice.
        raw.sort_by_key(|pull| pull.number);
        raw.dedup_by_key(|pull| pull.number);
        Ok(raw.into_iter().map(|pull| pull.live(repo)).collect())
    }

    /// Whether a person may write to the repository.
    pub(crate) async fn may_write(
        &self,
        repo: &RepoName,
        login: &str,
    ) -> Result<bool, GithubError> {
        let login = encode(login).replace('/', "%2F");
        let route = format!("/repos/{repo}/collaborators/{login}/permission");
        let answer = self
            .read::<RawPermission>(MAY_WRITE, Method::Get, &route, None)
            .await;
        match answer {
            // GitHub shows the role `maintain` as `write`, and `triage` as `read`.
            Ok((raw, _)) => Ok(matches!(raw.permission.as_str(), "admin" | "write")),
            Err(GithubError::Refused { status: 404, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::github::fake_github::{REPO, Trouble, reads};
    use crate::github::harness::{Harness, sha};

    /// Pull request 4 from the branch `tune` into `release/1.x`.
    fn four() -> Value {
        let (base, head) = (sha('b').to_string(), sha('a').to_string());
        reads::pull(4, ("release/1.x", &base), ("tune", &head))
    }

    fn numbers(pulls: &[Live]) -> Vec<u64> {
        pulls.iter().map(|live| live.pull.number).collect()
    }

    #[test]
    fn a_pull_request_is_read_as_it_is_now() {
        let harness = Harness::new();
        harness.fake.pull(four());
        let live = harness.wait(harness.client.pull(&harness.repo, 4)).unwrap();
        let expected = Live {
            pull: PullRequest {
                repo: RepoName::parse(REPO).unwrap(),
                number: 4,
                base_ref: String::from("release/1.x"),
                base: sha('b'),
                head: sha('a'),
                head_repository: Some(1),
            },
            open: true,
            merged: false,
            author: Some(Account {
                id: 7,
                login: String::from("ann"),
                bot: false,
            }),
        };
        assert_eq!(live, expected);
    }

    #[test]
    fn what_changed_and_what_was_removed_shows() {
        let harness = Harness::new();
        let mut pull = four();
        for (pointer, value) in [
            ("/state", json!("closed")),
            ("/merged", json!(true)),
            ("/user", Value::Null),
            ("/head/repo", Value::Null),
        ] {
            *pull.pointer_mut(pointer).unwrap() = value;
        }
        harness.fake.pull(pull);
        let live = harness.wait(harness.client.pull(&harness.repo, 4)).unwrap();
        assert!(!live.open && live.merged);
        assert_eq!(live.author, None);
        let gone = harness.wait(harness.client.pull(&harness.repo, 9));
        assert!(gone.unwrap_err().is_forbidden());
    }

    #[test]
    fn an_answer_of_another_shape_is_an_error() {
        for (pointer, value) in [
            ("/head/sha", json!("HEAD")),
            ("/base/sha", Value::Null),
            ("/number", json!("4")),
        ] {
            let harness = Harness::new();
            let mut pull = four();
            *pull.pointer_mut(pointer).unwrap() = value;
            let said: &'static str = Box::leak(pull.to_string().into_boxed_str());
            harness
                .fake
                .fault("GET", "/pulls/4", 9, Trouble::Says(200, said));
            let error = harness.wait(harness.client.pull(&harness.repo, 4));
            assert!(
                matches!(error, Err(GithubError::Answer { .. })),
                "{pointer}: {error:?}"
            );
        }
    }

    #[test]
    fn the_tip_of_a_branch_is_found_whatever_its_name() {
        let harness = Harness::new();
        for branch in ["main", "release/1.x", "a#b", "50%", "a?b", "grün", "%2e"] {
            harness.fake.branch(branch, sha('c').as_str());
            let tip = harness.wait(harness.client.tip(&harness.repo, branch));
            assert_eq!(tip.unwrap(), Some(sha('c')), "{branch}");
        }
    }

    #[test]
    fn a_branch_that_is_not_there_has_no_tip_and_no_name_leads_elsewhere() {
        let harness = Harness::new();
        let tip = |branch| harness.wait(harness.client.tip(&harness.repo, branch));
        assert_eq!(tip("gone").unwrap(), None);
        let asked = harness.fake.requests().len();
        for branch in ["", "..", "../../../user", "a//b", "a/./b", "/a", "a/"] {
            assert_eq!(tip(branch).unwrap(), None, "{branch}");
        }
        assert_eq!(harness.fake.requests().len(), asked);
        harness
            .fake
            .fault("GET", "/git/ref", 9, Trouble::Status(409, ""));
        assert!(tip("main").unwrap_err().to_string().contains("409"));
    }

    #[test]
    fn the_pull_requests_of_a_commit_are_those_of_this_repository_on_all_pages() {
        let harness = Harness::new();
        for number in 1..=150 {
            let mut pull = four();
            pull["number"] = json!(number);
            if number == 2 {
                pull["base"]["repo"]["full_name"] = json!("upstream/prompts");
            }
            if number == 3 {
                pull["state"] = json!("closed");
                pull["merged_at"] = json!("2026-01-05T12:00:00Z");
            }
            harness.fake.pull(pull);
        }
        let client = &harness.client;
        let found = harness.wait(client.pulls_with(&harness.repo, &sha('a')));
        let found = found.unwrap();
        assert_eq!(found.len(), 149);
        assert_eq!(numbers(&found[..3]), [1, 3, 4]);
        assert!(found[1].merged && !found[1].open, "lists tell it otherwise");
        let none = harness.wait(client.pulls_with(&harness.repo, &sha('d')));
        assert_eq!(none.unwrap(), []);
    }

    #[test]
    fn open_pull_requests_are_found_whatever_the_name_of_their_branch() {
        let harness = Harness::new();
        for (number, branch, state) in [
            (1, "feature/a&b#c", "open"),
            (2, "feature/a", "open"),
            (3, "feature/a&b#c", "closed"),
        ] {
            let mut pull = four();
            pull["number"] = json!(number);
            pull["head"]["ref"] = json!(branch);
            pull["state"] = json!(state);
            harness.fake.pull(pull);
        }
        for (branch, expected) in [
            ("feature/a&b#c", vec![1]),
            ("feature/a", vec![2]),
            ("gone", vec![]),
        ] {
            let found = harness.wait(harness.client.pulls_from(&harness.repo, branch));
            assert_eq!(numbers(&found.unwrap()), expected, "{branch}");
        }
        let open = harness.wait(harness.client.open_pulls(&harness.repo));
        assert_eq!(numbers(&open.unwrap()), [1, 2]);
    }

    #[test]
    fn whoever_has_write_or_more_may_write() {
        let harness = Harness::new();
        let may = |login| harness.wait(harness.client.may_write(&harness.repo, login));
        for (login, permission, expected) in [
            ("ann", "admin", true),
            ("bob", "write", true),
            ("cat", "read", false),
            ("dan", "none", false),
            ("eve", "everything", false),
            ("renovate[bot]", "write", true),
        ] {
            harness.fake.role(login, permission);
            assert_eq!(may(login).unwrap(), expected, "{login}");
        }
        assert!(!may("gone").unwrap());
        assert!(!may("x/../ann").unwrap());
        let refused = Trouble::Says(403, "{\"message\": \"Must have push access\"}");
        harness.fake.fault("GET", "/collaborators/", 9, refused);
        assert!(may("ann").unwrap_err().to_string().contains("push access"));
    }
}

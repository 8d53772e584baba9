//! What may have moved reviews to other commits: the timeline, and where it cannot be read,
//! when gatecard first saw the commits.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;

use super::at_most;
use crate::approval::observed::{Moves, Review};
use crate::git::CommitSha;
use crate::github::comments::Author;
use crate::github::error::{Call, GithubError};
use crate::github::{Client, RepoName};

const TIMELINE: Call = Call {
    name: "read the timeline",
    permission: "pull-requests: read",
};
const STATUSES: Call = Call {
    name: "list the statuses",
    permission: "statuses: write",
};

/// GitHub retargets by itself when the base branch is deleted. Each kind is asked for by
/// itself, so that many of one do not hide the other.
const QUERY: &str = "query($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    pullRequest(number: $number) {
      pushed: timelineItems(last: 1, itemTypes: [HEAD_REF_FORCE_PUSHED_EVENT]) {
        nodes { ... on HeadRefForcePushedEvent { createdAt } }
      }
      retargeted: timelineItems(last: 1, itemTypes: [BASE_REF_CHANGED_EVENT]) {
        nodes { ... on BaseRefChangedEvent { createdAt } }
      }
      followed: timelineItems(last: 1, itemTypes: [AUTOMATIC_BASE_CHANGE_SUCCEEDED_EVENT]) {
        nodes { ... on AutomaticBaseChangeSucceededEvent { createdAt } }
      }
    }
  }
}";

#[derive(Deserialize)]
struct Data {
    repository: Option<Repository>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    pull_request: Option<Timeline>,
}

#[derive(Deserialize)]
struct Timeline {
    pushed: Items,
    retargeted: Items,
    followed: Items,
}

#[derive(Deserialize)]
struct Items {
    nodes: Vec<Item>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    created_at: DateTime<Utc>,
}

impl Items {
    fn last(&self) -> Option<DateTime<Utc>> {
        self.nodes.iter().map(|item| item.created_at).max()
    }
}

#[derive(Deserialize)]
struct RawStatus {
    context: String,
    created_at: DateTime<Utc>,
    #[serde(default)]
    creator: Option<Author>,
}

/// Reads what may have moved these reviews. Only an approval is worth a question.
pub(super) async fn read(
    client: &Client,
    repo: &RepoName,
    number: u64,
    reviews: &[Review],
    status_name: &str,
) -> Result<Moves, GithubError> {
    let approvals = reviews.iter().filter(|review| review.state == "APPROVED");
    let commits: Vec<Option<&CommitSha>> = approvals.map(|review| review.commit.as_ref()).collect();
    if commits.is_empty() {
        return Ok(Moves::Timeline {
            force_pushed: None,
            retargeted: None,
        });
    }
    let variables = json!({ "owner": repo.owner(), "name": repo.name(), "number": number });
    let data: Option<Data> = match client.query(TIMELINE, QUERY, variables).await {
        Ok(data) => data,
        // The server does not tell; the fallback is the stricter rule.
        Err(GithubError::Answer { .. }) => None,
        Err(error) => return Err(error),
    };
    let timeline = data
        .and_then(|data| data.repository)
        .and_then(|repository| repository.pull_request);
    if let Some(timeline) = timeline {
        return Ok(Moves::Timeline {
            force_pushed: timeline.pushed.last(),
            retargeted: timeline.retargeted.last().max(timeline.followed.last()),
        });
    }
    let commits = commits.into_iter().flatten().collect();
    first_seen(client, repo, &commits, status_name)
        .await
        .map(Moves::FirstSeen)
}

/// When gatecard set its first status on each of the commits. Whoever may write to the
/// repository can set one of that name, too, so that only its own count.
async fn first_seen(
    client: &Client,
    repo: &RepoName,
    commits: &BTreeSet<&CommitSha>,
    status_name: &str,
) -> Result<BTreeMap<CommitSha, DateTime<Utc>>, GithubError> {
    at_most(STATUSES, "approved commits", commits.len())?;
    let viewer = client.viewer().await?;
    let mut seen = BTreeMap::new();
    for commit in commits {
        let route = format!("/repos/{repo}/commits/{commit}/statuses?per_page=100");
        let statuses: Vec<RawStatus> = client.list(STATUSES, &route).await?;
        let own = statuses.iter().filter(|status| {
            let creator = status.creator.as_ref();
            status.context == status_name && creator.is_some_and(|one| viewer.is(one))
        });
        if let Some(first) = own.map(|status| status.created_at).min() {
            seen.insert((*commit).clone(), first);
        }
    }
    Ok(seen)
}

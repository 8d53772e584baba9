//! The reviews of a pull request, as GitHub tells them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::approval::observed::Review;
use crate::git::CommitSha;
use crate::github::account::RawAccount;
use crate::github::error::{Call, GithubError};
use crate::github::{Client, RepoName};

const CALL: Call = Call {
    name: "list the reviews",
    permission: "pull-requests: read",
};

#[derive(Deserialize)]
struct RawReview {
    id: u64,
    #[serde(default)]
    user: Option<RawAccount>,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    commit_id: Option<String>,
    /// A review that is still being written has none.
    #[serde(default)]
    submitted_at: Option<DateTime<Utc>>,
    #[serde(default)]
    author_association: Option<String>,
}

impl RawReview {
    fn review(self) -> Review {
        Review {
            id: self.id,
            user: self.user.and_then(RawAccount::account),
            state: self.state.unwrap_or_default(),
            commit: self.commit_id.as_deref().and_then(CommitSha::parse),
            submitted_at: self.submitted_at,
            association: self.author_association.unwrap_or_default(),
        }
    }
}

/// Lists all reviews in the order of their submission.
pub(super) async fn read(
    client: &Client,
    repo: &RepoName,
    number: u64,
) -> Result<Vec<Review>, GithubError> {
    let route = format!("/repos/{repo}/pulls/{number}/reviews?per_page=100");
    let raw: Vec<RawReview> = client.list(CALL, &route).await?;
    let mut known = BTreeSet::new();
    // One that moves to another page while they are read comes twice.
    let mut reviews: Vec<Review> = raw
        .into_iter()
        .filter(|review| known.insert(review.id))
        .map(RawReview::review)
        .collect();
    reviews.sort_by_key(|review| (review.submitted_at.is_none(), review.submitted_at));
    Ok(reviews)
}

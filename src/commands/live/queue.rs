//! A merge queue's group: which pull requests it is made of.
//!
//! The event names none of them but the last. They are found through the commits of the group;
//! what a commit's text says is a hint only, and counts where the live pull request is open and
//! wants to change the same branch.

use std::collections::BTreeMap;

use crate::change::ChangeSet;
use crate::commands::check::Prepared;
use crate::error::Error;
use crate::git::{GitError, Landed, Repo};
use crate::github::live::Live;
use crate::github::session::{Phase, Session};
use crate::github::{Client, GithubError, Group, PullRequest};
use crate::limits::QUEUE_COMMITS;
use crate::prompt::{Prompt, PromptId};

/// Finds the members of a group, in the order in which they would land.
pub(in crate::commands) fn members(
    session: &Session,
    repo: &Repo,
    group: &Group,
) -> Result<Vec<PullRequest>, Error> {
    let landed = repo.landed(&group.base, &group.head, QUEUE_COMMITS)?;
    let find = async {
        let mut found = Found::default();
        for commit in landed.iter().rev() {
            found.add(session.client(), group, commit).await?;
        }
        // Rebased commits name nothing; the branch of the group names its last member.
        if let Some(last) = group.last {
            found.hint(session.client(), group, last).await?;
        }
        Ok(found.order)
    };
    Ok(session.run(Phase::Reading, "find the pull requests of the group", find)?)
}

/// Prompts whose version in the group no member has by itself, each with words on who made it.
/// What was evaluated and approved on the pull requests is then not what would be merged.
pub(in crate::commands) fn made_together(
    prepared: &Prepared,
    members: &[PullRequest],
) -> Result<BTreeMap<PromptId, String>, GitError> {
    let Prepared {
        repo,
        rules,
        changes,
        ..
    } = prepared;
    let mut made = BTreeMap::new();
    for change in changes
        .changes
        .iter()
        .filter(|change| change.needs_evidence())
    {
        let version = |prompt: &Option<Prompt>| Some(prompt.as_ref()?.version.digest());
        let (before, after) = (version(&change.base), version(&change.head));
        let mut together = Vec::new();
        let mut alone = false;
        for member in members {
            let own = ChangeSet::version_at(repo, &rules.policy, change, &member.head)?;
            alone |= own == after;
            if own != before {
                together.push(member.number);
            }
        }
        if !alone {
            made.insert(change.id.clone(), words(&together));
        }
    }
    Ok(made)
}

fn words(members: &[u64]) -> String {
    let names: Vec<String> = members.iter().map(|number| format!("#{number}")).collect();
    match names.as_slice() {
        [] => String::from("no pull request of the group has this version by itself"),
        [one] => format!("{one} and the commits before it make this version together"),
        many => format!("{} make this version together", many.join(" and ")),
    }
}

#[derive(Default)]
struct Found {
    /// What is known of a number: the pull request, where it is one of the group.
    known: BTreeMap<u64, Option<PullRequest>>,
    order: Vec<PullRequest>,
}

impl Found {
    async fn add(
        &mut self,
        client: &Client,
        group: &Group,
        commit: &Landed,
    ) -> Result<(), GithubError> {
        if let Some(number) = number(&commit.subject) {
            self.hint(client, group, number).await?;
            if self.known.get(&number).is_some_and(Option::is_some) {
                return Ok(());
            }
        }
        // A merge's second parent is a pull request's own last commit.
        for sha in commit.parents.iter().skip(1).chain([&commit.sha]) {
            for live in client.pulls_with(&group.repo, sha).await? {
                self.keep(group, live.pull.number, Some(live));
            }
        }
        Ok(())
    }

    /// Looks a number up that a text names.
    async fn hint(
        &mut self,
        client: &Client,
        group: &Group,
        number: u64,
    ) -> Result<(), GithubError> {
        if self.known.contains_key(&number) {
            return Ok(());
        }
        let live = match client.pull(&group.repo, number).await {
            Ok(live) => Some(live),
            Err(GithubError::Refused { status: 404, .. }) => None,
            Err(error) => return Err(error),
        };
        self.keep(group, number, live);
        Ok(())
    }

    fn keep(&mut self, group: &Group, number: u64, live: Option<Live>) {
        if self.known.get(&number).is_some_and(Option::is_some) {
            return;
        }
        let pull = live
            .filter(|live| live.open && live.pull.base_ref == group.base_ref)
            .map(|live| live.pull);
        self.order.extend(pull.clone());
        self.known.insert(number, pull);
    }
}

/// The number that a landing commit's first line names: `Title (#12)` or
/// `Merge pull request #12 from ...`.
fn number(subject: &str) -> Option<u64> {
    let subject = subject.trim_end();
    let merged = subject
        .strip_prefix("Merge pull request #")
        .and_then(|rest| rest.split(' ').next());
    let squashed = || {
        let (_, rest) = subject.strip_suffix(')')?.rsplit_once("(#")?;
        Some(rest)
    };
    let digits = merged.or_else(squashed)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_read_where_github_writes_it() {
        for (subject, expected) in [
            ("Soften the refund prompt (#12)", Some(12)),
            ("Merge pull request #7 from acme/branch", Some(7)),
            ("Fix #12 for good", None),
            ("Soften (#12) the prompt", None),
            ("Title (#+12)", None),
            ("Title (#99999999999999999999)", None),
            ("", None),
        ] {
            assert_eq!(number(subject), expected, "{subject}");
        }
    }
}

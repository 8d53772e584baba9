//! Observes who wrote and who reviewed a change: fills [`Observed`] from GitHub, asking no
//! more than the rules need. Judges nothing.

mod authorship;
mod moves;
mod reviews;
mod teams;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use teams::read as team;

use super::error::{Call, GithubError};
use super::{Client, PullRequest, RepoName};
use crate::approval::observed::{Account, Observed, Pull, Questions, Review};
use crate::limits::ASKED_ONE_BY_ONE;

/// Associations of people who have no part in the repository.
const STRANGERS: [&str; 5] = [
    "CONTRIBUTOR",
    "FIRST_TIMER",
    "FIRST_TIME_CONTRIBUTOR",
    "MANNEQUIN",
    "NONE",
];

const WRITERS: Call = Call {
    name: "read which reviewers may write",
    permission: "contents: read",
};

/// Reads the reviews of these pull requests, and what may have moved them to other commits.
/// `status_name` is the name of gatecard's own status on them.
pub(crate) async fn observe(
    client: &Client,
    pulls: &[PullRequest],
    status_name: &str,
) -> Result<Observed, GithubError> {
    let mut observed = Observed::default();
    for PullRequest { repo, number, .. } in pulls {
        let live = client.pull(repo, *number).await?;
        let reviews = reviews::read(client, repo, *number).await?;
        let moves = moves::read(client, repo, *number, &reviews, status_name).await?;
        observed.pulls.push(Pull {
            number: *number,
            base_ref: live.pull.base_ref,
            head: live.pull.head,
            author: live.author,
            reviews,
            authorship: BTreeMap::new(),
            moves,
        });
    }
    Ok(observed)
}

/// Reads what the rules must still know once they have seen the reviews.
pub(crate) async fn answer(
    client: &Client,
    repo: &RepoName,
    observed: &mut Observed,
    questions: &Questions,
) -> Result<(), GithubError> {
    let numbers: Vec<u64> = observed.pulls.iter().map(|pull| pull.number).collect();
    let authorship = authorship::read(client, repo, &numbers, &questions.commits).await?;
    for (pull, authorship) in observed.pulls.iter_mut().zip(authorship) {
        pull.authorship = authorship;
    }
    for team in &questions.teams {
        let members = teams::read(client, team).await;
        observed.teams.insert(team.clone(), members);
    }
    if questions.writers {
        observed.writers = writers(client, repo, &observed.pulls).await?;
    }
    Ok(())
}

/// Asks for each person whose opinion stands whether they may write: as many as a run may ask
/// for. Anybody can approve anything, so who has no part in the repository comes last.
async fn writers(
    client: &Client,
    repo: &RepoName,
    pulls: &[Pull],
) -> Result<BTreeMap<u64, bool>, GithubError> {
    let people: BTreeSet<&Account> = pulls
        .iter()
        .flat_map(|pull| standing(&pull.reviews))
        .collect();
    let reviews = || pulls.iter().flat_map(|pull| &pull.reviews);
    let strangers: BTreeSet<u64> = reviews()
        .filter(|review| STRANGERS.contains(&review.association.as_str()))
        .filter_map(|review| Some(review.user.as_ref()?.id))
        .collect();
    // An association may be hidden from the token, so strangers are asked about as well, last.
    let (unlikely, mut people): (Vec<_>, Vec<_>) = people
        .into_iter()
        .partition(|person| strangers.contains(&person.id));
    at_most(WRITERS, "reviewers", people.len())?;
    let mut writers: BTreeMap<u64, bool> =
        unlikely.iter().map(|person| (person.id, false)).collect();
    people.extend(unlikely);
    people.truncate(ASKED_ONE_BY_ONE);
    for person in people {
        let writes = client.may_write(repo, &person.login).await?;
        writers.insert(person.id, writes);
    }
    Ok(writers)
}

/// The people whose last opinion approves or asks for changes.
fn standing(reviews: &[Review]) -> impl Iterator<Item = &Account> {
    let mut last: BTreeMap<u64, (&Account, &str)> = BTreeMap::new();
    for review in reviews {
        let state = review.state.as_str();
        let user = review.user.as_ref().filter(|user| !user.bot);
        if let (Some(user), "APPROVED" | "CHANGES_REQUESTED" | "DISMISSED") = (user, state) {
            last.insert(user.id, (user, state));
        }
    }
    last.into_values()
        .filter(|(_, state)| *state != "DISMISSED")
        .map(|(user, _)| user)
}

/// Refuses to ask for more than [`ASKED_ONE_BY_ONE`] things one by one.
const fn at_most(call: Call, what: &'static str, found: usize) -> Result<(), GithubError> {
    if found <= ASKED_ONE_BY_ONE {
        return Ok(());
    }
    Err(GithubError::TooMany {
        call,
        what,
        found,
        most: ASKED_ONE_BY_ONE,
    })
}

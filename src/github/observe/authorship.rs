//! Who wrote the commits that are asked about. An e-mail address never leaves this module.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::json;

use super::at_most;
use crate::approval::observed::{Account, Authorship};
use crate::git::CommitSha;
use crate::github::account::{RawAccount, is_bot};
use crate::github::client::Method;
use crate::github::error::{Call, GithubError};
use crate::github::{Client, RepoName};

const COMMITS: Call = Call {
    name: "list the commits",
    permission: "pull-requests: read",
};
const COMMIT: Call = Call {
    name: "read a commit",
    permission: "contents: read",
};
const AUTHORS: Call = Call {
    name: "read the authors of the commits",
    permission: "contents: read",
};

/// The committer of what is written on GitHub's own pages: nobody.
const WEB_FLOW: (u64, &str) = (19_864_447, "noreply@github.com");
/// Addresses that GitHub gives to those who hide theirs: `7+login` or, in older ones, `login`.
const HIDDEN: &str = "@users.noreply.github.com";
/// What begins the line of a co-author.
const CO_AUTHOR: &str = "co-authored-by:";
/// How many commits one query asks for.
const CHUNK: usize = 100;

#[derive(Deserialize)]
struct RawCommit {
    sha: CommitSha,
    commit: RawContent,
    #[serde(default)]
    author: Option<RawAccount>,
    #[serde(default)]
    committer: Option<RawAccount>,
}

#[derive(Deserialize)]
struct RawContent {
    #[serde(default)]
    author: Option<RawPerson>,
    #[serde(default)]
    committer: Option<RawPerson>,
    #[serde(default)]
    message: Option<String>,
}

#[derive(Deserialize)]
struct RawPerson {
    #[serde(default)]
    email: Option<String>,
    /// Only in GraphQL.
    #[serde(default)]
    user: Option<RawAccount>,
}

#[derive(Deserialize)]
struct Data {
    repository: Option<BTreeMap<String, Option<RawObject>>>,
}

#[derive(Deserialize)]
struct RawObject {
    authors: Option<RawAuthors>,
}

#[derive(Deserialize)]
struct RawAuthors {
    nodes: Option<Vec<Option<RawPerson>>>,
}

/// Reads who wrote the asked commits, for each of the pull requests. A commit that none of
/// their lists shows, since GitHub cuts them at 250, counts for all of them.
pub(super) async fn read(
    client: &Client,
    repo: &RepoName,
    pulls: &[u64],
    asked: &BTreeSet<CommitSha>,
) -> Result<Vec<BTreeMap<CommitSha, Authorship>>, GithubError> {
    if asked.is_empty() {
        return Ok(vec![BTreeMap::new(); pulls.len()]);
    }
    let mut lists = Vec::new();
    for number in pulls {
        let route = format!("/repos/{repo}/pulls/{number}/commits?per_page=100");
        lists.push(client.list::<RawCommit>(COMMITS, &route).await?);
    }
    let listed: BTreeSet<&CommitSha> = lists.iter().flatten().map(|commit| &commit.sha).collect();
    let unlisted: Vec<&CommitSha> = asked.iter().filter(|sha| !listed.contains(sha)).collect();
    let unlisted = read_each(client, repo, &unlisted).await?;

    let mut directory = Directory::default();
    for commit in lists.iter().flatten().chain(&unlisted) {
        directory.learn_from(commit);
    }
    let mut open: BTreeSet<&CommitSha> = BTreeSet::new();
    for commit in lists.iter().flatten().chain(&unlisted) {
        if asked.contains(&commit.sha) && directory.authorship(commit).unknown > 0 {
            open.insert(&commit.sha);
        }
    }
    directory.ask(client, repo, &open).await?;
    let of_list = |list: &Vec<RawCommit>| {
        list.iter()
            .filter(|commit| asked.contains(&commit.sha))
            .chain(&unlisted)
            .map(|commit| (commit.sha.clone(), directory.authorship(commit)))
            .collect()
    };
    Ok(lists.iter().map(of_list).collect())
}

async fn read_each(
    client: &Client,
    repo: &RepoName,
    commits: &[&CommitSha],
) -> Result<Vec<RawCommit>, GithubError> {
    at_most(
        COMMIT,
        "commits that the pull request does not list",
        commits.len(),
    )?;
    let mut read = Vec::new();
    for commit in commits {
        let route = format!("/repos/{repo}/commits/{commit}");
        let (commit, _) = client
            .read::<RawCommit>(COMMIT, Method::Get, &route, None)
            .await?;
        read.push(commit);
    }
    Ok(read)
}

/// Whose address is whose, as far as GitHub told.
#[derive(Default)]
struct Directory {
    addresses: BTreeMap<String, Account>,
    logins: BTreeMap<String, Account>,
    ids: BTreeMap<u64, Account>,
}

impl Directory {
    fn learn_from(&mut self, commit: &RawCommit) {
        let content = &commit.commit;
        self.learn(commit.author.clone(), content.author.as_ref());
        self.learn(commit.committer.clone(), content.committer.as_ref());
    }

    fn learn(&mut self, account: Option<RawAccount>, person: Option<&RawPerson>) {
        let Some(account) = account.and_then(RawAccount::account) else {
            return;
        };
        if let Some(address) = person.and_then(|person| person.email.as_deref()) {
            let address = address.to_lowercase();
            self.addresses
                .entry(address)
                .or_insert_with(|| account.clone());
        }
        self.logins
            .entry(account.login.to_lowercase())
            .or_insert_with(|| account.clone());
        self.ids.entry(account.id).or_insert(account);
    }

    /// Asks GitHub for the addresses of commits that are not all known yet.
    async fn ask(
        &mut self,
        client: &Client,
        repo: &RepoName,
        commits: &BTreeSet<&CommitSha>,
    ) -> Result<(), GithubError> {
        let commits: Vec<_> = commits.iter().collect();
        for chunk in commits.chunks(CHUNK) {
            let objects = chunk.iter().enumerate().map(|(at, commit)| {
                format!(
                    "c{at}: object(oid: \"{commit}\") {{ ... on Commit {{ authors(first: 20) {{ \
                     nodes {{ email user {{ databaseId login }} }} }} }} }}\n"
                )
            });
            let query = format!(
                "query($owner: String!, $name: String!) {{\nrepository(owner: $owner, name: \
                 $name) {{\n{}}}\n}}",
                objects.collect::<String>()
            );
            let variables = json!({ "owner": repo.owner(), "name": repo.name() });
            let data: Option<Data> = client.query(AUTHORS, &query, variables).await?;
            let objects = data.and_then(|data| data.repository).unwrap_or_default();
            let people = objects
                .into_values()
                .filter_map(|object| object?.authors?.nodes)
                .flatten()
                .flatten();
            for person in people {
                self.learn(person.user.clone(), Some(&person));
            }
        }
        Ok(())
    }

    /// Everyone who had a part in a commit.
    fn authorship(&self, commit: &RawCommit) -> Authorship {
        let content = &commit.commit;
        let mut people = BTreeMap::new();
        let mut unknown = BTreeSet::new();
        let mut add = |account: Option<&RawAccount>, address: &str| {
            let told = account.cloned().and_then(RawAccount::account);
            match told.or_else(|| self.account(address)) {
                Some(account) => {
                    people.entry(account.id).or_insert(account);
                }
                None => {
                    unknown.insert(address.to_lowercase());
                }
            }
        };
        add(commit.author.as_ref(), address_of(content.author.as_ref()));
        if !is_web_flow(commit) {
            let address = address_of(content.committer.as_ref());
            add(commit.committer.as_ref(), address);
        }
        for address in co_authors(content.message.as_deref().unwrap_or_default()) {
            add(None, address);
        }
        Authorship {
            people: people.into_values().collect(),
            unknown: u64::try_from(unknown.len()).unwrap_or(u64::MAX),
        }
    }

    /// The account that an address belongs to.
    fn account(&self, address: &str) -> Option<Account> {
        let address = address.to_lowercase();
        let known = || self.addresses.get(&address).cloned();
        let Some(hidden) = address.strip_suffix(HIDDEN) else {
            return known();
        };
        let Some((id, login)) = hidden.split_once('+') else {
            return self.logins.get(hidden).cloned().or_else(known);
        };
        let id = id.parse().ok()?;
        // The name in the address is the one from when it was made.
        Some(self.ids.get(&id).cloned().unwrap_or_else(|| Account {
            id,
            login: login.to_owned(),
            bot: is_bot(login),
        }))
    }
}

fn address_of(person: Option<&RawPerson>) -> &str {
    person
        .and_then(|person| person.email.as_deref())
        .unwrap_or_default()
}

/// Whether GitHub itself committed, for whoever is the author.
fn is_web_flow(commit: &RawCommit) -> bool {
    let account = commit.committer.clone().and_then(RawAccount::account);
    let (id, address) = WEB_FLOW;
    account.map_or_else(
        || address_of(commit.commit.committer.as_ref()) == address,
        |account| account.id == id,
    )
}

/// The addresses of the co-authors that a message names. A line that names none stands for
/// somebody nobody knows.
fn co_authors(message: &str) -> impl Iterator<Item = &str> {
    message.lines().filter_map(|line| {
        let (key, value) = line.trim().split_at_checked(CO_AUTHOR.len())?;
        let value = key.eq_ignore_ascii_case(CO_AUTHOR).then_some(value)?.trim();
        let inner = value
            .rsplit_once('<')
            .and_then(|(_, rest)| Some(rest.split_once('>')?.0));
        Some(inner.unwrap_or(value).trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn co_authors_are_found_however_they_are_written() {
        let message = "Fix the refund prompt\r\n\r\nCo-authored-by: Ann <ann@example.com>\r\n\
                       co-Authored-By:bob@example.com\n  CO-AUTHORED-BY: <c@example.com> \n\
                       Co-authored-by: Nobody\nNot-co-authored-by: Eve <eve@example.com>\n\
                       Reviewed-by: Dan <dan@example.com>\nä";
        assert_eq!(
            co_authors(message).collect::<Vec<_>>(),
            [
                "ann@example.com",
                "bob@example.com",
                "c@example.com",
                "Nobody"
            ]
        );
    }
}

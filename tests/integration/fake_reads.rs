//! What the fake server knows to read: pull requests, branches, reviews, commits, people.
//! Tests put it there; the shapes are those of GitHub's published description.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::http::{Answer, Request, error, not_accessible, ok, page};
use super::{Access, FakeGitHub, REPO, user};

/// What was put there.
#[derive(Default)]
pub(super) struct Reads {
    pulls: Vec<Value>,
    branches: BTreeMap<String, String>,
    reviews: BTreeMap<u64, Vec<Value>>,
    commits: BTreeMap<String, Value>,
    commits_of: BTreeMap<u64, Vec<String>>,
    teams: BTreeMap<String, Vec<(u64, &'static str)>>,
    roles: BTreeMap<String, &'static str>,
    timeline: Value,
    authors: BTreeMap<String, Value>,
    rules: Option<Vec<Value>>,
}

/// An open pull request from a branch of the same repository, opened by user 7, `ann`. Tests
/// change what they need otherwise.
pub(crate) fn pull(number: u64, base: (&str, &str), head: (&str, &str)) -> Value {
    let side = |(branch, sha): (&str, &str)| {
        let repo = json!({ "id": 1, "full_name": REPO });
        json!({ "ref": branch, "sha": sha, "repo": repo })
    };
    json!({
        "number": number, "state": "open", "merged": false, "merged_at": null, "draft": false,
        "user": { "id": 7, "login": "ann", "type": "User" },
        "base": side(base), "head": side(head),
    })
}

/// A rule that requires a status, from one app where it is named.
pub(crate) fn required(context: &str, app: Option<u64>) -> Value {
    let check = json!({ "context": context, "integration_id": app });
    let parameters = json!({ "required_status_checks": [check] });
    json!({ "type": "required_status_checks", "parameters": parameters })
}

impl FakeGitHub {
    /// Puts a pull request there, in place of the one of the same number.
    pub(crate) fn pull(&self, pull: Value) {
        let mut state = self.state();
        let other = |known: &Value| known["number"] != pull["number"];
        state.reads.pulls.retain(other);
        state.reads.pulls.push(pull);
    }

    /// Moves a branch.
    pub(crate) fn branch(&self, name: &str, sha: &str) {
        let sha = sha.to_owned();
        self.state().reads.branches.insert(name.to_owned(), sha);
    }

    /// Adds a review of a pull request.
    pub(crate) fn review(&self, number: u64, review: Value) {
        let mut state = self.state();
        state.reads.reviews.entry(number).or_default().push(review);
    }

    /// Removes all reviews of a pull request.
    pub(crate) fn clear_reviews(&self, number: u64) {
        self.state().reads.reviews.remove(&number);
    }

    /// Removes all commits of a pull request.
    pub(crate) fn clear_commits(&self, number: u64) {
        self.state().reads.commits_of.remove(&number);
    }

    /// Puts a commit there, and into a pull request where one is named.
    pub(crate) fn commit(&self, number: Option<u64>, commit: Value) {
        let mut state = self.state();
        let sha = text(&commit, "sha");
        if let Some(number) = number {
            let commits = state.reads.commits_of.entry(number).or_default();
            commits.push(sha.clone());
        }
        state.reads.commits.insert(sha, commit);
    }

    /// Puts a team there: `org/slug` and its members.
    pub(crate) fn team(&self, name: &str, members: Vec<(u64, &'static str)>) {
        self.state().reads.teams.insert(name.to_owned(), members);
    }

    /// Gives a person a permission: `admin`, `write`, `read` or `none`.
    pub(crate) fn role(&self, login: &str, permission: &'static str) {
        self.state()
            .reads
            .roles
            .insert(login.to_owned(), permission);
    }

    /// Sets the answer about the timeline of every pull request: `pushed`, `retargeted` and
    /// `followed`, each with `nodes`.
    pub(crate) fn timeline(&self, timeline: Value) {
        self.state().reads.timeline = timeline;
    }

    /// Sets the nodes that GraphQL gives as the authors of a commit.
    pub(crate) fn authors(&self, sha: &str, nodes: Value) {
        self.state().reads.authors.insert(sha.to_owned(), nodes);
    }

    /// Sets the rules of every branch. Without this the status of `main` is required.
    pub(crate) fn rules(&self, rules: Vec<Value>) {
        self.state().reads.rules = Some(rules);
    }

    /// Puts a status there, set by an account.
    pub(crate) fn status(&self, creator: u64, sha: &str, context: &str, created_at: &str) {
        let creator = user((creator, "somebody"));
        let status = json!({
            "state": "pending", "context": context, "created_at": created_at,
            "creator": creator,
        });
        self.state().statuses.push((sha.to_owned(), status));
    }
}

impl Reads {
    /// Whether a branch was put there.
    pub(super) fn knows(&self, branch: &str) -> bool {
        self.branches.contains_key(branch)
    }

    /// Changes the head of a pull request.
    pub(super) fn push(&mut self, number: u64, sha: &str) {
        for pull in &mut self.pulls {
            if pull["number"] == number {
                pull["head"]["sha"] = json!(sha);
            }
        }
    }

    pub(super) fn get(
        &self,
        request: &Request,
        parts: &[&str],
        access: &Access,
        root: &str,
    ) -> Answer {
        let list = |listed: &[Value]| page(root, request, listed);
        match parts {
            ["repos", _, _] => ok(200, &json!({ "full_name": REPO, "default_branch": "main" })),
            ["repos", _, _, "rules", "branches", _] => match &self.rules {
                Some(rules) => list(rules),
                None => list(&[required("gatecard: main", None)]),
            },
            ["repos", _, _, "branches", name] => {
                ok(200, &json!({ "name": name, "protected": false }))
            }
            ["repos", _, _, "commits"] => list(&[]),
            ["repos", _, _, "pulls"] => list(&self.open_pulls(&request.path)),
            ["repos", _, _, "pulls", number] => self
                .pulls
                .iter()
                .find(|pull| pull["number"].as_u64() == number.parse().ok())
                .map_or_else(not_found, |pull| ok(200, pull)),
            ["repos", _, _, "pulls", number, "reviews"] => {
                let number = number.parse().unwrap_or_default();
                list(self.reviews.get(&number).map_or(&[], Vec::as_slice))
            }
            ["repos", _, _, "pulls", number, "commits"] => list(&self.commits_of(number)),
            ["repos", _, _, "git", "ref", "heads", branch @ ..] => {
                let branch = decode(&branch.join("/"));
                let found = self.branches.get(&branch);
                found.map_or_else(not_found, |sha| {
                    let object = json!({ "type": "commit", "sha": sha });
                    ok(200, &json!({ "ref": branch, "object": object }))
                })
            }
            ["repos", _, _, "commits", sha, "pulls"] => list(&self.pulls_with(sha)),
            ["repos", _, _, "commits", sha] => match self.commits.get(*sha) {
                Some(commit) => ok(200, commit),
                None => error(422, &format!("No commit found for SHA: {sha}")),
            },
            ["repos", _, _, "collaborators", login, "permission"] => {
                let permission = self.roles.get(&decode(login));
                permission.map_or_else(not_found, |permission| {
                    ok(200, &json!({ "permission": permission }))
                })
            }
            ["orgs", org, "teams", slug, "members"] => {
                // A workflow's token has no such permission at all; for an app it is `members`.
                if access.app && !access.write.contains(&"members") {
                    return not_accessible();
                }
                let members = self.teams.get(&format!("{org}/{slug}"));
                members.map_or_else(not_found, |members| {
                    list(&members.iter().copied().map(user).collect::<Vec<_>>())
                })
            }
            _ => not_found(),
        }
    }

    /// Answers the questions that gatecard has for GraphQL beside who it is.
    pub(super) fn query(&self, body: &Value) -> Option<Answer> {
        let query = text(body, "query");
        let repository = if query.contains("timelineItems") {
            json!({ "pullRequest": self.timeline })
        } else if query.contains("authors(first: 20)") {
            let objects = query.lines().filter_map(|line| {
                let (alias, rest) = line.split_once(": object(oid: \"")?;
                let nodes = self.authors.get(rest.split('"').next()?);
                let commit = nodes.map(|nodes| json!({ "authors": { "nodes": nodes } }));
                Some((alias.to_owned(), commit.unwrap_or_default()))
            });
            Value::Object(objects.collect())
        } else {
            return None;
        };
        let named = format!("{}/{}", text(body, "/owner"), text(body, "/name"));
        if named != REPO {
            let errors = json!([{ "type": "NOT_FOUND", "message": "Could not resolve" }]);
            let data = json!({ "repository": null });
            return Some(ok(200, &json!({ "data": data, "errors": errors })));
        }
        Some(ok(200, &json!({ "data": { "repository": repository } })))
    }

    /// The open ones, of one branch where the query names it.
    fn open_pulls(&self, path: &str) -> Vec<Value> {
        let head = path
            .split(['?', '&'])
            .find_map(|pair| pair.strip_prefix("head="));
        let owner = REPO.split('/').next().unwrap_or_default();
        let fits = |pull: &&Value| {
            let label = format!("{owner}:{}", text(&pull["head"], "ref"));
            pull["state"] == "open" && head.is_none_or(|head| decode(head) == label)
        };
        self.pulls.iter().filter(fits).map(brief).collect()
    }

    fn pulls_with(&self, sha: &str) -> Vec<Value> {
        let of_commit = self.pulls.iter().filter(|pull| pull["head"]["sha"] == sha);
        of_commit.map(brief).collect()
    }

    fn commits_of(&self, number: &str) -> Vec<Value> {
        let number = number.parse().unwrap_or_default();
        let commits = self.commits_of.get(&number).into_iter().flatten();
        let commits = commits.filter_map(|sha| self.commits.get(sha));
        // GitHub shows no more of one pull request.
        commits.take(250).cloned().collect()
    }
}

/// A pull request as lists show it.
fn brief(pull: &Value) -> Value {
    let mut pull = pull.clone();
    if let Some(fields) = pull.as_object_mut() {
        fields.remove("merged");
    }
    pull
}

fn not_found() -> Answer {
    error(404, "Not Found")
}

/// A text of an object, or of the variables of a query where the name begins with `/`.
fn text(value: &Value, name: &str) -> String {
    let found = match name.strip_prefix('/') {
        Some(name) => &value["variables"][name],
        None => &value[name],
    };
    found.as_str().unwrap_or_default().to_owned()
}

pub(super) fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let hex = |byte: Option<u8>| char::from(byte.unwrap_or_default()).to_digit(16);
        if byte != b'%' {
            bytes.push(byte);
        } else if let (Some(high), Some(low)) = (hex(rest.next()), hex(rest.next())) {
            bytes.extend(u8::try_from(high * 16 + low));
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

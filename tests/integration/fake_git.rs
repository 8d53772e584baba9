//! The Git side of the fake server: commits through GraphQL and the Git data API, made in a
//! repository on disk, so that a clone can fetch them.
//!
//! A commit on a branch that is somewhere else is refused with status 200 and `STALE_DATA`, as
//! people report of GitHub.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git2::build::TreeUpdateBuilder;
use git2::{FileMode, Oid, Repository, Signature, Time};
use serde_json::{Value, json};

use super::http::{Answer, Request, error, not_accessible, ok};
use super::{Access, FakeGitHub, REPO, State};

impl FakeGitHub {
    /// Lets commits be made in this repository.
    pub(crate) fn git(&self, folder: &Path) {
        self.state().git = Some(folder.to_owned());
    }
}

impl State {
    /// Answers what is about commits and branches that are on disk.
    pub(super) fn git(&self, request: &Request, parts: &[&str], access: &Access) -> Option<Answer> {
        let body = &request.body;
        let mutation = |text: &str| text.contains("createCommitOnBranch");
        let method = request.method.as_str();
        match (method, parts) {
            ("POST", ["graphql"]) if body["query"].as_str().is_some_and(mutation) => {
                let made = if may_write(access) {
                    self.commit_on_branch(&body["variables"]["input"])
                } else {
                    Err(("FORBIDDEN", "Resource not accessible by integration".into()))
                };
                Some(answer(made))
            }
            ("POST", ["repos", _, _, "git", ..]) if !may_write(access) => Some(not_accessible()),
            ("POST", ["repos", _, _, "git", what]) => Some(self.make(what, body)),
            ("GET", ["repos", _, _, "git", "ref", "heads", branch @ ..]) => {
                let branch = branch.join("/");
                let tip = tip(&self.repository()?, &branch)?;
                // What a test has said of a branch goes before what is on disk.
                (!self.reads.knows(&branch)).then(|| ok(200, &shown(&branch, tip)))
            }
            _ => None,
        }
    }

    fn repository(&self) -> Option<Repository> {
        Repository::open(self.git.as_ref()?).ok()
    }

    fn commit_on_branch(&self, input: &Value) -> Result<Oid, (&'static str, String)> {
        let broken = |what: &str| ("UNPROCESSABLE", what.to_owned());
        let text = |path: &str| input.pointer(path).and_then(Value::as_str);
        let branch = text("/branch/branchName").ok_or_else(|| broken("no branch"))?;
        if text("/branch/repositoryNameWithOwner") != Some(REPO) {
            return Err((
                "NOT_FOUND",
                String::from("Could not resolve to a Repository"),
            ));
        }
        let expected = text("/expectedHeadOid").ok_or_else(|| broken("no expectedHeadOid"))?;
        let headline = text("/message/headline").ok_or_else(|| broken("no headline"))?;
        let repository = self.repository().ok_or_else(|| broken("no repository"))?;
        let Some(tip) = tip(&repository, branch) else {
            return Err(("NOT_FOUND", format!("No branch {branch}")));
        };
        if tip.to_string() != expected {
            let told = format!(
                "Expected branch to point to \"{expected}\" but it did not.  Pull and try again."
            );
            return Err(("STALE_DATA", told));
        }
        let additions = input.pointer("/fileChanges/additions");
        let files = additions.and_then(Value::as_array);
        let files = files.ok_or_else(|| broken("no additions"))?.iter();
        let files: Option<Vec<(String, Vec<u8>)>> = files
            .map(|file| {
                let bytes = STANDARD.decode(file["contents"].as_str()?).ok()?;
                Some((file["path"].as_str()?.to_owned(), bytes))
            })
            .collect();
        let files = files.ok_or_else(|| broken("contents are not base64"))?;
        let made = with_files(&repository, tip, &files)
            .and_then(|tree| commit(&repository, Some(tip), tree, headline))
            .and_then(|commit| point(&repository, branch, commit));
        made.map_err(|error| broken(error.message()))
    }

    /// The Git data API: a tree, a commit, a branch.
    fn make(&self, what: &str, body: &Value) -> Answer {
        let Some(repository) = self.repository() else {
            return error(409, "Git Repository is empty.");
        };
        let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
        let made = match what {
            "trees" => tree(&repository, &body["tree"]),
            "commits" if body["parents"] == json!([]) => Oid::from_str(&text("tree"))
                .and_then(|tree| commit(&repository, None, tree, &text("message"))),
            "refs" => {
                let reference = text("ref");
                let branch = reference.trim_start_matches("refs/heads/");
                if tip(&repository, branch).is_some() {
                    return error(422, "Reference already exists");
                }
                Oid::from_str(&text("sha")).and_then(|oid| point(&repository, branch, oid))
            }
            _ => return error(404, "Not Found"),
        };
        match made {
            Ok(oid) if what == "refs" => ok(201, &shown(&text("ref"), oid)),
            Ok(oid) => ok(201, &json!({ "sha": oid.to_string() })),
            Err(refused) => error(422, refused.message()),
        }
    }
}

fn may_write(access: &Access) -> bool {
    access.write.contains(&"contents")
}

/// GraphQL says everything with status 200.
fn answer(made: Result<Oid, (&'static str, String)>) -> Answer {
    ok(
        200,
        &match made {
            Ok(oid) => {
                let commit = json!({ "commit": { "oid": oid.to_string() } });
                json!({ "data": { "createCommitOnBranch": commit } })
            }
            Err((kind, message)) => json!({
                "data": { "createCommitOnBranch": null },
                "errors": [{
                    "type": kind, "path": ["createCommitOnBranch"], "message": message,
                }],
            }),
        },
    )
}

/// A branch as GitHub shows it.
fn shown(name: &str, tip: Oid) -> Value {
    json!({ "ref": name, "object": { "type": "commit", "sha": tip.to_string() } })
}

fn tip(repository: &Repository, branch: &str) -> Option<Oid> {
    let name = format!("refs/heads/{branch}");
    repository.refname_to_id(&name).ok()
}

fn point(repository: &Repository, branch: &str, commit: Oid) -> Result<Oid, git2::Error> {
    let name = format!("refs/heads/{branch}");
    repository.reference(&name, commit, true, "fake")?;
    Ok(commit)
}

fn tree(repository: &Repository, entries: &Value) -> Result<Oid, git2::Error> {
    let mut update = TreeUpdateBuilder::new();
    for entry in entries.as_array().into_iter().flatten() {
        let blob = repository.blob(entry["content"].as_str().unwrap_or_default().as_bytes())?;
        update.upsert(
            entry["path"].as_str().unwrap_or_default(),
            blob,
            FileMode::Blob,
        );
    }
    update.create_updated(repository, &empty(repository)?)
}

fn empty(repository: &Repository) -> Result<git2::Tree<'_>, git2::Error> {
    repository.find_tree(repository.treebuilder(None)?.write()?)
}

fn with_files(
    repository: &Repository,
    parent: Oid,
    files: &[(String, Vec<u8>)],
) -> Result<Oid, git2::Error> {
    let mut update = TreeUpdateBuilder::new();
    for (path, bytes) in files {
        update.upsert(path, repository.blob(bytes)?, FileMode::Blob);
    }
    update.create_updated(repository, &repository.find_commit(parent)?.tree()?)
}

fn commit(
    repository: &Repository,
    parent: Option<Oid>,
    tree: Oid,
    message: &str,
) -> Result<Oid, git2::Error> {
    let parent = parent.map(|oid| repository.find_commit(oid)).transpose()?;
    let parents: Vec<_> = parent.iter().collect();
    let tree = repository.find_tree(tree)?;
    let time = Time::new(1_790_000_000, 0);
    let by = Signature::new("GitHub", "noreply@github.invalid", &time)?;
    repository.commit(None, &by, &by, message, &tree, &parents)
}

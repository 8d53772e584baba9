//! What the fake server knows of workflow runs, artifacts and releases, and the second server to
//! which it leads for their content: as at GitHub, another origin, which must not see the token.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::http::{self, Answer, Request, error, ok};
use super::{FakeGitHub, State, Trouble, lock};

/// What was put there.
pub(super) struct Files {
    storage: SocketAddr,
    workflows: Vec<String>,
    runs: Vec<Value>,
    artifacts: Vec<Value>,
    releases: Vec<Value>,
    content: BTreeMap<String, Vec<u8>>,
    asked: Vec<Request>,
}

impl Default for Files {
    fn default() -> Self {
        Self::at(SocketAddr::from(([127, 0, 0, 1], 0)))
    }
}

/// A successful run of a workflow on a commit of a branch of the same repository. Tests change
/// what they need otherwise.
pub(crate) fn run(id: u64, workflow: &str, (branch, sha): (&str, &str)) -> Value {
    json!({
        "id": id, "run_attempt": 1, "event": "push", "status": "completed",
        "conclusion": "success", "head_sha": sha, "head_branch": branch,
        "head_repository": { "id": 1, "full_name": super::REPO },
        "repository": { "id": 1, "full_name": super::REPO },
        "path": format!(".github/workflows/{workflow}"),
        "created_at": "2026-01-05T10:00:00Z", "run_started_at": "2026-01-05T10:00:00Z",
        "html_url": format!("https://github.com/acme/prompts/actions/runs/{id}"),
    })
}

impl FakeGitHub {
    /// Puts a workflow there that has not run yet.
    pub(crate) fn workflow(&self, file: &str) {
        self.state().files.workflows.push(file.to_owned());
    }

    /// Puts a run there, in place of the one of the same id.
    pub(crate) fn run(&self, run: Value) {
        let mut state = self.state();
        state.files.runs.retain(|known| known["id"] != run["id"]);
        state.files.runs.push(run);
    }

    /// Stores an artifact of a run, and returns its id.
    pub(crate) fn artifact(&self, run: u64, name: &str, archive: &[u8]) -> u64 {
        let mut state = self.state();
        state.next_id += 1;
        let id = state.next_id;
        let files = &mut state.files;
        let of = files.runs.iter().find(|known| known["id"] == run);
        let head = of.map_or(Value::Null, |run| run["head_sha"].clone());
        files.artifacts.push(json!({
            "id": id, "name": name, "size_in_bytes": archive.len(), "expired": false,
            "created_at": "2026-01-05T10:05:00Z", "digest": digest(archive),
            "workflow_run": { "id": run, "head_sha": head },
        }));
        files
            .content
            .insert(format!("/files/{id}"), archive.to_vec());
        id
    }

    /// Changes what is told of an artifact or an asset: `expired`, `digest`, ...
    pub(crate) fn tell(&self, id: u64, key: &str, value: &Value) {
        let mut state = self.state();
        let files = &mut state.files;
        let assets = files
            .releases
            .iter_mut()
            .filter_map(|release| release["assets"].as_array_mut());
        for known in files.artifacts.iter_mut().chain(assets.flatten()) {
            if known["id"] == id {
                known[key] = value.clone();
            }
        }
    }

    /// Makes the newest release, with assets, whose ids it returns.
    pub(crate) fn release(&self, tag: &str, assets: &[(&str, &[u8])]) -> Vec<u64> {
        let mut state = self.state();
        let mut listed = Vec::new();
        let mut ids = Vec::new();
        for (name, content) in assets {
            state.next_id += 1;
            let id = state.next_id;
            ids.push(id);
            listed.push(json!({
                "id": id, "name": name, "size": content.len(), "state": "uploaded",
                "digest": digest(content), "created_at": "2026-01-05T09:00:00Z",
                "updated_at": "2026-01-05T09:00:00Z",
                "uploader": { "id": 7, "login": "ann", "type": "User" },
            }));
            let files = &mut state.files;
            files
                .content
                .insert(format!("/files/{id}"), content.to_vec());
        }
        state.next_id += 1;
        let id = state.next_id;
        let release = json!({ "id": id, "tag_name": tag, "assets": listed });
        state.files.releases.push(release);
        ids
    }

    /// All requests that came to where the content is.
    pub(crate) fn asked_of_storage(&self) -> Vec<Request> {
        self.state().files.asked.clone()
    }

    /// Where the content is.
    pub(crate) fn storage_url(&self) -> String {
        format!("http://{}", self.state().files.storage)
    }
}

/// Serves content, to whoever knows its address. Trouble of the path `/files/` happens here.
pub(super) fn start(listener: TcpListener, state: Arc<Mutex<State>>) {
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let state = Arc::clone(&state);
            thread::spawn(move || serve(stream, &state));
        }
    });
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let Some(request) = http::read(&stream) else {
        return;
    };
    let (trouble, answer) = {
        let mut state = lock(state);
        state.files.asked.push(request.clone());
        let trouble = state.fault(&request);
        (trouble, state.files.content(&request))
    };
    match trouble {
        Some(Trouble::CloseBefore) => {}
        Some(Trouble::Reset) => http::write_half(stream, &answer),
        Some(Trouble::Slow(time)) => {
            thread::sleep(time);
            http::write(stream, &answer);
        }
        Some(Trouble::Redirect(address)) => http::write(stream, &redirect(&address)),
        Some(Trouble::Says(status, text)) => {
            let body = text.as_bytes().to_vec();
            let headers = String::new();
            http::write(
                stream,
                &Answer {
                    status,
                    headers,
                    body,
                },
            );
        }
        Some(_) => unreachable!("not a trouble of the storage"),
        None => http::write(stream, &answer),
    }
}

/// An answer that leads elsewhere.
pub(super) fn redirect(address: &str) -> Answer {
    Answer {
        headers: format!("location: {address}\r\n"),
        ..ok(302, &Value::Null)
    }
}

/// Whether an address is one of a run, an artifact or a release.
pub(super) fn knows(parts: &[&str]) -> bool {
    matches!(parts, ["repos", _, _, "actions" | "releases", ..])
}

impl Files {
    pub(super) fn at(storage: SocketAddr) -> Self {
        Self {
            storage,
            workflows: Vec::new(),
            runs: Vec::new(),
            artifacts: Vec::new(),
            releases: Vec::new(),
            content: BTreeMap::new(),
            asked: Vec::new(),
        }
    }

    pub(super) fn get(&self, request: &Request, parts: &[&str]) -> Answer {
        let query = |name: &str| {
            let (_, query) = request.path.split_once('?')?;
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let mut found = pairs.filter(|(known, _)| *known == name);
            found.next().map(|(_, value)| super::reads::decode(value))
        };
        let one = |found: Option<&Value>| found.map_or_else(not_found, |value| ok(200, value));
        let binary = request.accept == "application/octet-stream";
        match parts.get(3..).unwrap_or_default() {
            ["actions", "workflows", workflow, "runs"] => self.runs(workflow, &query),
            ["actions", "runs", id] => one(by_id(&self.runs, id)),
            ["actions", "runs", id, "artifacts"] => {
                let (id, name) = (id.parse::<u64>().unwrap_or_default(), query("name"));
                let all = self
                    .artifacts
                    .iter()
                    .filter(|one| one["workflow_run"]["id"] == id);
                let named = |one: &&Value| name.as_ref().is_none_or(|name| one["name"] == **name);
                let found: Vec<&Value> = all.filter(named).collect();
                ok(
                    200,
                    &json!({ "total_count": found.len(), "artifacts": found }),
                )
            }
            ["actions", "artifacts", _, "zip"] if binary => error(
                415,
                "Unsupported 'Accept' header. Must accept 'application/json'",
            ),
            ["actions", "artifacts", id, "zip"] => match by_id(&self.artifacts, id) {
                Some(found) if found["expired"] == true => error(410, "Artifact has expired"),
                Some(_) => self.lead(id),
                None => not_found(),
            },
            ["releases", "latest"] => one(self.releases.last()),
            ["releases", "tags", tag @ ..] => {
                let tag = super::reads::decode(&tag.join("/"));
                one(self.releases.iter().find(|known| known["tag_name"] == *tag))
            }
            ["releases", "assets", id] if binary => self.lead(id),
            ["releases", id, "assets"] => by_id(&self.releases, id)
                .map_or_else(not_found, |release| ok(200, &release["assets"])),
            _ => not_found(),
        }
    }

    /// The runs of a workflow, in no good order.
    fn runs(&self, workflow: &str, query: &dyn Fn(&str) -> Option<String>) -> Answer {
        let path = format!(".github/workflows/{workflow}");
        let of = |run: &&Value| {
            let named = run["path"].as_str().unwrap_or_default();
            named.split('@').next() == Some(path.as_str())
        };
        if !self.workflows.iter().any(|known| known == workflow)
            && !self.runs.iter().any(|run| of(&run))
        {
            return not_found();
        }
        let fits = |run: &&Value| {
            let same = |name: &str, key: &str| query(name).is_none_or(|wanted| run[key] == *wanted);
            same("head_sha", "head_sha")
                && same("branch", "head_branch")
                && same("status", "conclusion")
        };
        let found: Vec<&Value> = self.runs.iter().filter(of).filter(fits).collect();
        ok(
            200,
            &json!({ "total_count": found.len(), "workflow_runs": found }),
        )
    }

    fn lead(&self, id: &str) -> Answer {
        redirect(&format!("http://{}/files/{id}?sig=s1gn4ture", self.storage))
    }

    fn content(&self, request: &Request) -> Answer {
        let (path, signed) = request.path.split_once('?').unwrap_or((&request.path, ""));
        match self.content.get(path) {
            Some(content) if signed == "sig=s1gn4ture" => Answer {
                body: content.clone(),
                ..ok(200, &Value::Null)
            },
            Some(_) => error(403, "Signature not valid"),
            None => not_found(),
        }
    }
}

fn by_id<'a>(known: &'a [Value], id: &str) -> Option<&'a Value> {
    let id = id.parse::<u64>().ok()?;
    known.iter().find(|known| known["id"] == id)
}

fn digest(content: &[u8]) -> String {
    let hex: Vec<String> = Sha256::digest(content)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{}", hex.concat())
}

fn not_found() -> Answer {
    error(404, "Not Found")
}

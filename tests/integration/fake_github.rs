//! A stateful stand-in for GitHub's REST API: a real HTTP server on loopback, in threads of
//! its own. It knows comments, statuses and the current user, checks tokens, permissions and
//! limits as GitHub does, records every request, and fails on demand.
//!
//! The error texts and limits are GitHub's as documented or reported; nothing here was
//! compared with the live service.

#![allow(
    dead_code,
    reason = "two test binaries share this file and use different parts of it"
)]

use std::fmt;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

#[path = "fake_files.rs"]
pub(crate) mod files;
#[path = "fake_git.rs"]
mod git;
#[path = "fake_http.rs"]
mod http;
#[path = "fake_reads.rs"]
pub(crate) mod reads;

pub(crate) use http::Request;
use http::{Answer, error, invalid, not_accessible, ok, page};
pub(crate) use reads::pull;

/// The repository that exists here.
pub(crate) const REPO: &str = "acme/prompts";
/// The id of the user that a workflow's token acts as.
pub(crate) const ACTIONS_ID: u64 = 41_898_282;

/// A comment as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) user: u64,
    pub(crate) body: String,
}

/// What a token may do.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// The user it acts as, and that user's name.
    pub(crate) user: (u64, &'static str),
    /// Whether it belongs to a workflow or an app: these may not ask for `/user`.
    pub(crate) app: bool,
    /// `pull-requests`, `statuses`, `checks`, `contents`: what it may write.
    pub(crate) write: &'static [&'static str],
}

/// How a request goes wrong.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// It does not: something else may go wrong later.
    None,
    /// Somebody sets this status on the same commit, and then the answer is a 502.
    StatusMeanwhile(Value),
    /// A push changes the head of pull request 4 to this commit before the answer.
    Push(&'static str),
    /// An error status with further headers.
    Status(u16, &'static str),
    /// The connection closes before anything happens.
    CloseBefore,
    /// The write happens, then the connection closes.
    CloseAfter,
    /// The write happens, then the answer is a 502.
    BadGatewayAfter,
    /// The answer takes this long.
    Slow(Duration),
    /// The answer is this status and text.
    Says(u16, &'static str),
    /// The answer stops in the middle.
    Truncated,
    /// The connection is reset in the middle of the answer.
    Reset,
    /// The answer is a redirect to this address.
    Redirect(String),
    /// The list names its next page on another server.
    LeadsElsewhere,
    /// Something else happens before the answer.
    Meanwhile(Meanwhile),
}

/// What happens before an answer.
#[derive(Clone)]
pub(crate) struct Meanwhile(pub(crate) Arc<dyn Fn() + Send + Sync>);

impl fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meanwhile")
    }
}

struct Fault {
    method: &'static str,
    path: &'static str,
    times: usize,
    trouble: Trouble,
}

#[derive(Default)]
struct State {
    tokens: Vec<(String, Access)>,
    comments: Vec<Comment>,
    statuses: Vec<(String, Value)>,
    check_runs: Vec<Value>,
    requests: Vec<Request>,
    faults: Vec<Fault>,
    next_id: u64,
    graphql: bool,
    reads: reads::Reads,
    files: files::Files,
    /// The repository on disk that commits are made in.
    git: Option<PathBuf>,
}

/// The running server; it ends with the test's process.
pub(crate) struct FakeGitHub {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl FakeGitHub {
    /// Starts a server with tokens of workflows: `ghs_write` and `ghs_read`, and `ghs_checks`,
    /// which may write check runs as well.
    pub(crate) fn start() -> Self {
        let (listener, address) = listen();
        let (storage, storage_address) = listen();
        let state = Arc::new(Mutex::new(State {
            next_id: 5_000_000_000,
            graphql: true,
            files: files::Files::at(storage_address),
            ..State::default()
        }));
        files::start(storage, Arc::clone(&state));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &state, address));
            }
        });
        let fake = Self { address, state };
        let actions = |write| Access {
            user: (ACTIONS_ID, "github-actions[bot]"),
            app: true,
            write,
        };
        fake.token("ghs_write", actions(&["pull-requests", "statuses"]));
        fake.token(
            "ghs_checks",
            actions(&["pull-requests", "statuses", "checks"]),
        );
        fake.token("ghs_read", actions(&[]));
        fake
    }

    /// The API's address as on github.com.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The API's address as on an Enterprise server.
    pub(crate) fn enterprise_url(&self) -> String {
        format!("http://{}/api/v3", self.address)
    }

    /// Adds a token.
    pub(crate) fn token(&self, token: &str, access: Access) {
        self.state().tokens.push((token.to_owned(), access));
    }

    /// Lets GraphQL refuse everything, so that only `/user` tells who asks.
    pub(crate) fn without_graphql(&self) {
        self.state().graphql = false;
    }

    /// Puts a comment there, as if its author had written it.
    pub(crate) fn comment(&self, user: u64, body: &str) -> u64 {
        self.state().add_comment(user, body).id
    }

    /// Lets the next `times` requests of this kind go wrong.
    pub(crate) fn fault(
        &self,
        method: &'static str,
        path: &'static str,
        times: usize,
        trouble: Trouble,
    ) {
        self.state().faults.push(Fault {
            method,
            path,
            times,
            trouble,
        });
    }

    /// Lets requests of this kind go wrong after the first `skip` of them.
    pub(crate) fn fault_after(
        &self,
        skip: usize,
        kind: (&'static str, &'static str),
        trouble: Trouble,
    ) {
        let (method, path) = kind;
        self.fault(method, path, skip, Trouble::None);
        self.fault(method, path, usize::MAX, trouble);
    }

    /// Ends all trouble.
    pub(crate) fn mend(&self) {
        self.state().faults.clear();
    }

    /// Puts a status there, as if somebody had set it.
    pub(crate) fn put_status(&self, sha: &str, status: Value) {
        self.state().statuses.push((sha.to_owned(), status));
    }

    /// All comments, oldest first.
    pub(crate) fn comments(&self) -> Vec<Comment> {
        self.state().comments.clone()
    }

    /// All statuses with the commit that they are on, oldest first.
    pub(crate) fn statuses(&self) -> Vec<(String, Value)> {
        self.state().statuses.clone()
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Counts the requests of a kind so far.
    pub(crate) fn count(&self, method: &str, path: &str) -> usize {
        let requests = self.requests();
        let of_kind = |request: &&Request| request.method == method && request.path.contains(path);
        requests.iter().filter(of_kind).count()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

fn listen() -> (TcpListener, SocketAddr) {
    let bound = TcpListener::bind("127.0.0.1:0");
    let listening = bound.and_then(|listener| {
        let address = listener.local_addr()?;
        Ok((listener, address))
    });
    let Ok(listening) = listening else {
        unreachable!("loopback has a free port");
    };
    listening
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What others do before a request is answered.
fn meanwhile(trouble: Option<&Trouble>, request: &Request, state: &Mutex<State>) {
    match trouble {
        Some(Trouble::StatusMeanwhile(status)) => {
            let sha = request.path.rsplit('/').next().unwrap_or_default();
            let set = (sha.to_owned(), status.clone());
            lock(state).statuses.push(set);
        }
        Some(Trouble::Push(sha)) => lock(state).reads.push(4, sha),
        Some(Trouble::Meanwhile(Meanwhile(happens))) => happens(),
        _ => {}
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>, address: SocketAddr) {
    let Some(request) = http::read(&stream) else {
        return;
    };
    let trouble = lock(state).trouble(&request);
    let root = format!(
        "http://{address}{}",
        if request.enterprise { "/api/v3" } else { "" }
    );
    meanwhile(trouble.as_ref(), &request, state);
    let answer = match trouble {
        Some(Trouble::CloseBefore) => return,
        Some(Trouble::Status(status, headers)) => {
            let mut answer = error(status, "Something went wrong");
            headers.clone_into(&mut answer.headers);
            answer
        }
        Some(Trouble::CloseAfter) => {
            lock(state).answer(&request, &root);
            return;
        }
        Some(Trouble::BadGatewayAfter) => {
            lock(state).answer(&request, &root);
            error(502, "Server Error")
        }
        Some(Trouble::Slow(time)) => {
            let answer = lock(state).answer(&request, &root);
            thread::sleep(time);
            answer
        }
        Some(Trouble::Says(status, text)) => Answer {
            body: text.as_bytes().to_vec(),
            ..ok(status, &Value::Null)
        },
        Some(Trouble::Truncated) => {
            let mut answer = lock(state).answer(&request, &root);
            answer.body.truncate(answer.body.len() / 2);
            answer
        }
        Some(Trouble::Reset) => {
            let answer = lock(state).answer(&request, &root);
            http::write_half(stream, &answer);
            return;
        }
        Some(Trouble::Redirect(address)) => files::redirect(&address),
        Some(Trouble::LeadsElsewhere) => Answer {
            headers: String::from("link: <http://evil.example/x?page=2>; rel=\"next\"\r\n"),
            ..ok(200, &json!([]))
        },
        Some(Trouble::StatusMeanwhile(_)) => error(502, "Server Error"),
        Some(Trouble::None | Trouble::Push(_) | Trouble::Meanwhile(_)) | None => {
            lock(state).answer(&request, &root)
        }
    };
    http::write(stream, &answer);
}

impl State {
    fn trouble(&mut self, request: &Request) -> Option<Trouble> {
        self.requests.push(request.clone());
        self.fault(request)
    }

    fn fault(&mut self, request: &Request) -> Option<Trouble> {
        let fault = self.faults.iter_mut().find(|fault| {
            let query = request.body["query"].as_str().unwrap_or_default();
            let of = request.path.contains(fault.path) || query.contains(fault.path);
            let same = fault.method == request.method && of;
            same && fault.times > 0
        })?;
        fault.times -= 1;
        Some(fault.trouble.clone())
    }

    fn answer(&mut self, request: &Request, root: &str) -> Answer {
        let known = self.tokens.iter().find(|(token, _)| {
            let given = request.token.as_deref();
            given == Some(token.as_str())
        });
        let Some((_, access)) = known.cloned() else {
            return error(401, "Bad credentials");
        };
        let path = request.path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        if let ["repos", owner, name, ..] = parts.as_slice()
            && format!("{owner}/{name}") != REPO
        {
            return error(404, "Not Found");
        }
        let forbidden = |permission| !access.write.contains(&permission);
        if let Some(answer) = self.check_run(request, &access) {
            return answer;
        }
        if self.graphql
            && let Some(answer) = self.git(request, &parts, &access)
        {
            return answer;
        }
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["graphql"]) if !self.graphql => not_accessible(),
            ("POST", ["graphql"]) => self
                .reads
                .query(&request.body)
                .unwrap_or_else(|| viewer(&access)),
            ("GET", ["user"]) if access.app => not_accessible(),
            ("GET", ["user"]) => ok(200, &user(access.user)),
            ("GET", ["repos", _, _, "issues", _, "comments"]) => {
                let listed: Vec<Value> = self.comments.iter().map(shown).collect();
                page(root, request, &listed)
            }
            ("GET", ["repos", _, _, "commits", sha, "statuses"]) => {
                page(root, request, &self.listed_statuses(sha))
            }
            ("POST" | "PATCH" | "DELETE", ["repos", _, _, "issues", ..])
                if forbidden("pull-requests") =>
            {
                not_accessible()
            }
            ("POST", ["repos", _, _, "statuses", _]) if forbidden("statuses") => not_accessible(),
            ("POST", ["repos", _, _, "issues", _, "comments"]) => {
                self.create_comment(&access, &request.body)
            }
            (method, ["repos", _, _, "issues", "comments", id]) => {
                self.change_comment(method, id, &request.body)
            }
            ("POST", ["repos", _, _, "statuses", sha]) => {
                self.create_status(sha, &access, &request.body)
            }
            ("GET", parts) if files::knows(parts) => self.files.get(request, parts),
            ("GET", parts) => self.reads.get(request, parts, &access, root),
            _ => error(404, "Not Found"),
        }
    }

    fn create_comment(&mut self, access: &Access, body: &Value) -> Answer {
        match comment_text(body) {
            Ok(text) => ok(201, &shown(&self.add_comment(access.user.0, text))),
            Err(refused) => refused,
        }
    }

    fn change_comment(&mut self, method: &str, id: &str, body: &Value) -> Answer {
        let known = |comment: &&mut Comment| comment.id.to_string() == id;
        let Some(comment) = self.comments.iter_mut().find(known) else {
            return error(404, "Not Found");
        };
        if method == "DELETE" {
            self.comments.retain(|comment| comment.id.to_string() != id);
            return Answer {
                body: Vec::new(),
                ..ok(204, &Value::Null)
            };
        }
        match (method, comment_text(body)) {
            ("PATCH", Ok(text)) => {
                text.clone_into(&mut comment.body);
                ok(200, &shown(comment))
            }
            ("PATCH", Err(refused)) => refused,
            _ => error(404, "Not Found"),
        }
    }

    fn add_comment(&mut self, user: u64, body: &str) -> Comment {
        self.next_id += 1;
        let comment = Comment {
            id: self.next_id,
            user,
            body: body.to_owned(),
        };
        self.comments.push(comment.clone());
        comment
    }

    fn create_status(&mut self, sha: &str, access: &Access, body: &Value) -> Answer {
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        let states = ["error", "failure", "pending", "success"];
        if !states.contains(&text("state")) {
            return invalid("State is not included in the list");
        }
        if no_commit(sha) {
            return error(422, &format!("No commit found for SHA: {sha}"));
        }
        if text("description").chars().count() > 140 {
            return invalid("Description is too long (maximum is 140 characters)");
        }
        let created_at = format!("2026-01-05T12:{:02}:00Z", self.statuses.len());
        let mut status = body.clone();
        status["created_at"] = json!(created_at);
        status["creator"] = user(access.user);
        self.statuses.push((sha.to_owned(), status.clone()));
        ok(201, &status)
    }

    fn listed_statuses(&self, sha: &str) -> Vec<Value> {
        let of_commit = self.statuses.iter().rev().filter(|(known, _)| known == sha);
        of_commit.map(|(_, status)| status.clone()).collect()
    }
}

fn viewer(access: &Access) -> Answer {
    let (id, login) = access.user;
    let viewer = json!({ "login": login, "databaseId": id });
    ok(200, &json!({ "data": { "viewer": viewer } }))
}

fn no_commit(sha: &str) -> bool {
    sha.bytes().all(|byte| byte == b'0')
}

fn comment_text(body: &Value) -> Result<&str, Answer> {
    let text = body.get("body").and_then(Value::as_str).unwrap_or_default();
    match text.chars().count() {
        0 => Err(invalid("Body can't be blank")),
        1..=65_536 => Ok(text),
        _ => Err(invalid("Body is too long (maximum is 65536 characters)")),
    }
}

fn user((id, login): (u64, &str)) -> Value {
    json!({ "id": id, "login": login })
}

fn shown(comment: &Comment) -> Value {
    let login = match comment.user {
        ACTIONS_ID => String::from("github-actions[bot]"),
        id => format!("user-{id}"),
    };
    let user = user((comment.user, &login));
    json!({ "id": comment.id, "body": comment.body, "user": user })
}

// Check runs.

impl FakeGitHub {
    /// All check runs, oldest first; `annotations` holds what was sent for each.
    pub(crate) fn check_runs(&self) -> Vec<Value> {
        self.state().check_runs.clone()
    }
}

impl State {
    fn check_run(&mut self, request: &Request, access: &Access) -> Option<Answer> {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let writes = request.method != "GET";
        let ["repos", _, _, rest @ ..] = parts.as_slice() else {
            return None;
        };
        Some(match (request.method.as_str(), rest) {
            ("GET", ["commits", sha, "check-runs"]) => self.list_check_runs(sha, query),
            (_, ["check-runs", ..]) if writes && !access.write.contains(&"checks") => {
                not_accessible()
            }
            ("POST", ["check-runs"]) => self.create_check_run(&request.body),
            ("PATCH", ["check-runs", id]) => self.update_check_run(id, &request.body),
            _ => return None,
        })
    }

    fn list_check_runs(&self, sha: &str, query: &str) -> Answer {
        let name = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("check_name="))
            .map(|name| name.replace("%20", " "));
        let listed: Vec<&Value> = self
            .check_runs
            .iter()
            .rev()
            .filter(|run| run.get("head_sha") == Some(&json!(sha)))
            .filter(|run| {
                name.is_none() || run.get("name").and_then(Value::as_str) == name.as_deref()
            })
            .collect();
        ok(
            200,
            &json!({ "total_count": listed.len(), "check_runs": listed }),
        )
    }

    fn create_check_run(&mut self, body: &Value) -> Answer {
        for key in ["name", "head_sha"] {
            if body.get(key).and_then(Value::as_str).is_none() {
                return invalid(&format!("{key} is missing"));
            }
        }
        if body["head_sha"].as_str().is_some_and(no_commit) {
            return error(422, "No commit found for SHA");
        }
        let completed = body.get("status") == Some(&json!("completed"));
        if completed && body.get("conclusion").is_none() {
            return invalid("conclusion is missing");
        }
        self.next_id += 1;
        let mut run = body.clone();
        run["id"] = json!(self.next_id);
        run["annotations"] = json!([]);
        run["output"]["annotations_count"] = json!(0);
        if let Err(refused) = annotate(&mut run, body) {
            return refused;
        }
        self.check_runs.push(run.clone());
        ok(201, &run)
    }

    fn update_check_run(&mut self, id: &str, body: &Value) -> Answer {
        let known = |run: &&mut Value| run["id"].as_u64() == id.parse().ok();
        let Some(run) = self.check_runs.iter_mut().find(known) else {
            return error(404, "Not Found");
        };
        match annotate(run, body) {
            Ok(()) => ok(200, run),
            Err(refused) => refused,
        }
    }
}

/// Takes over an output and adds its annotations to those that are there.
fn annotate(run: &mut Value, body: &Value) -> Result<(), Answer> {
    let output = body.get("output").cloned().unwrap_or_default();
    let text = |key: &str| output.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("title").is_empty() || text("summary").is_empty() {
        return Err(invalid("title and summary are needed"));
    }
    if text("summary").len() > 65_535 {
        return Err(invalid("summary exceeds a maximum bytesize of 65535"));
    }
    let new = output.get("annotations").and_then(Value::as_array);
    let new = new.cloned().unwrap_or_default();
    if new.len() > 50 {
        return Err(invalid("No more than 50 annotations are allowed"));
    }
    for one in &new {
        let long = one["title"]
            .as_str()
            .map_or(0, |title| title.chars().count())
            > 255
            || one["message"].as_str().map_or(0, str::len) > 65_536;
        let line = |key: &str| one[key].as_u64().unwrap_or_default();
        if long || line("start_line") == 0 || line("end_line") < line("start_line") {
            return Err(invalid("an annotation is not valid"));
        }
    }
    for key in ["title", "summary"] {
        run["output"][key] = output[key].clone();
    }
    let Some(all) = run["annotations"].as_array_mut() else {
        return Err(invalid("no annotations"));
    };
    all.extend(new);
    run["output"]["annotations_count"] = json!(run["annotations"].as_array().map_or(0, Vec::len));
    Ok(())
}

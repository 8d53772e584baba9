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

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

#[path = "fake_http.rs"]
mod http;

pub(crate) use http::Request;
use http::{Answer, error, invalid, not_accessible, ok};

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
    /// `pull-requests`, `statuses`: what it may write.
    pub(crate) write: &'static [&'static str],
}

/// How a request goes wrong.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
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
    /// The list names its next page on another server.
    LeadsElsewhere,
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
    requests: Vec<Request>,
    faults: Vec<Fault>,
    next_id: u64,
    graphql: bool,
}

/// The running server; it ends with the test's process.
pub(crate) struct FakeGitHub {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl FakeGitHub {
    /// Starts a server with two tokens of workflows: `ghs_write` and `ghs_read`.
    pub(crate) fn start() -> Self {
        let bound = TcpListener::bind("127.0.0.1:0");
        let Some((listener, address)) = bound.ok().and_then(|listener| {
            listener
                .local_addr()
                .ok()
                .map(|address| (listener, address))
        }) else {
            unreachable!("loopback has a free port");
        };
        let state = Arc::new(Mutex::new(State {
            next_id: 5_000_000_000,
            graphql: true,
            ..State::default()
        }));
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

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
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
            thread::sleep(time);
            lock(state).answer(&request, &root)
        }
        Some(Trouble::Says(status, text)) => Answer {
            body: text.to_owned(),
            ..ok(status, &Value::Null)
        },
        Some(Trouble::LeadsElsewhere) => Answer {
            headers: String::from("link: <http://evil.example/x?page=2>; rel=\"next\"\r\n"),
            ..ok(200, &json!([]))
        },
        None => lock(state).answer(&request, &root),
    };
    http::write(stream, &answer);
}

impl State {
    fn trouble(&mut self, request: &Request) -> Option<Trouble> {
        self.requests.push(request.clone());
        let fault = self.faults.iter_mut().find(|fault| {
            let same = fault.method == request.method && request.path.contains(fault.path);
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
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        if let ["repos", owner, name, ..] = parts.as_slice()
            && format!("{owner}/{name}") != REPO
        {
            return error(404, "Not Found");
        }
        let forbidden = |permission| !access.write.contains(&permission);
        match (request.method.as_str(), parts.as_slice()) {
            ("POST", ["graphql"]) => self.viewer(&access),
            ("GET", ["user"]) if access.app => not_accessible(),
            ("GET", ["user"]) => ok(200, &user(access.user)),
            ("GET", ["repos", _, _, "issues", _, "comments"]) => {
                self.list_comments(path, query, root)
            }
            ("GET", ["repos", _, _, "commits", sha, "statuses"]) => self.list_statuses(sha),
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
            ("POST", ["repos", _, _, "statuses", sha]) => self.create_status(sha, &request.body),
            _ => error(404, "Not Found"),
        }
    }

    fn viewer(&self, access: &Access) -> Answer {
        if !self.graphql {
            return not_accessible();
        }
        let (id, login) = access.user;
        let viewer = json!({ "login": login, "databaseId": id });
        ok(200, &json!({ "data": { "viewer": viewer } }))
    }

    fn list_comments(&self, path: &str, query: &str, root: &str) -> Answer {
        let number = |name: &str, or: usize| {
            let parameter = query.split('&').find_map(|pair| pair.strip_prefix(name));
            parameter.and_then(|value| value.parse().ok()).unwrap_or(or)
        };
        let size = number("per_page=", 30).min(100);
        let page = number("page=", 1);
        let listed: Vec<Value> = self.comments.iter().map(shown).collect();
        let items: Vec<_> = listed.iter().skip((page - 1) * size).take(size).collect();
        let mut answer = ok(200, &json!(items));
        if page * size < listed.len() {
            let next = page + 1;
            answer.headers = format!(
                "link: <{root}{path}?per_page={size}&page={next}>; rel=\"next\", \
                 <{root}{path}?per_page={size}&page=99>; rel=\"last\"\r\n"
            );
        }
        answer
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
                body: String::new(),
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

    fn create_status(&mut self, sha: &str, body: &Value) -> Answer {
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        let states = ["error", "failure", "pending", "success"];
        if !states.contains(&text("state")) {
            return invalid("State is not included in the list");
        }
        if text("description").chars().count() > 140 {
            return invalid("Description is too long (maximum is 140 characters)");
        }
        self.statuses.push((sha.to_owned(), body.clone()));
        ok(201, body)
    }

    fn list_statuses(&self, sha: &str) -> Answer {
        let of_commit = self.statuses.iter().rev().filter(|(known, _)| known == sha);
        let listed: Vec<_> = of_commit.map(|(_, status)| status).collect();
        ok(200, &json!(listed))
    }
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

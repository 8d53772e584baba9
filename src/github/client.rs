//! One connection to the API: sends a request, waits where GitHub asks for it, and repeats
//! reads while the server has trouble.

use std::cell::{Cell, OnceCell};
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use octocrab::Octocrab;
use octocrab::service::middleware::retry::RetryConfig;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{Call, GithubError, clean};
use super::limits::{self, Limits};
use super::page;
use super::viewer::Viewer;
use crate::environment::{Environment, Token};
use crate::limits::{
    ANSWER, COMMENTING, DOWNLOADING, PAGES, RATE_LIMIT, READING, RECORDING, REDIRECTS, TALKING,
};
use crate::untrusted::log_line;

/// How long to wait, for how much.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    /// The pauses between the attempts of one call.
    pub(crate) pauses: Vec<Duration>,
    /// The longest wait that GitHub may ask for in one call.
    pub(crate) longest: Duration,
    /// How long one answer may take.
    pub(crate) answer: Duration,
    /// How long everything that is read before the verdict may take.
    pub(crate) reading: Duration,
    /// How long all downloads of evidence together may take.
    pub(crate) downloads: Duration,
    /// How long everything about the comment may take, and seeing before whether it may be
    /// written, so that its trouble leaves time for the status.
    pub(crate) comment: Duration,
    /// How long everything about the ledger may take once there is a verdict.
    pub(crate) recording: Duration,
    /// How long everything may take.
    pub(crate) total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            pauses: [500, 1_000, 2_000].map(Duration::from_millis).to_vec(),
            longest: RATE_LIMIT,
            answer: ANSWER,
            reading: READING,
            downloads: DOWNLOADING,
            comment: COMMENTING,
            recording: RECORDING,
            total: TALKING,
        }
    }
}

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Patch,
    Delete,
    /// A GraphQL query, which is a read whatever the wire says.
    Query,
}

/// The two APIs of one server, with one token.
pub(crate) struct Client {
    pub(super) rest: Octocrab,
    graphql: Octocrab,
    api_url: String,
    token: Token,
    patience: Patience,
    certificates: Vec<String>,
    viewer: OnceCell<Viewer>,
    /// Until when GitHub has said that it answers nothing.
    limited: Cell<Option<Instant>>,
}

/// A request before it is sent.
pub(super) struct Asked<'a> {
    /// What it does, in words.
    pub(super) call: Call,
    /// What is done.
    pub(super) method: Method,
    /// To what: a path of the API, or a whole address.
    pub(super) route: &'a str,
    /// With what.
    pub(super) body: Option<&'a Value>,
}

/// The body of an answer, as it comes in.
pub(super) trait Body: BodyExt<Data: AsRef<[u8]>, Error = octocrab::Error> + Unpin {}

impl<B: BodyExt<Data: AsRef<[u8]>, Error = octocrab::Error> + Unpin> Body for B {}

/// The start of an answer: its body has not come yet.
pub(super) struct Reply<B> {
    /// The HTTP status.
    pub(super) status: u16,
    link: Option<String>,
    location: Option<String>,
    told: Limits,
    /// The server that it comes from.
    pub(super) host: String,
    /// The rest.
    pub(super) body: B,
}

impl<B> Reply<B> {
    /// Whether it is what was asked for.
    pub(super) const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// Where it says that the answer is, in place of one.
    pub(super) fn leads_to(&self) -> Option<&str> {
        let leads = matches!(self.status, 301 | 302 | 303 | 307 | 308);
        self.location.as_deref().filter(|_| leads)
    }
}

/// A successful answer.
struct Answer {
    body: String,
    link: Option<String>,
}

impl Client {
    /// Makes a client. Must be called inside a runtime: the connections need one.
    pub(crate) fn connect(
        environment: &Environment,
        token: &Token,
        patience: &Patience,
    ) -> Result<Self, GithubError> {
        let graphql = &environment.graphql_url;
        let graphql = graphql.strip_suffix("/graphql").unwrap_or(graphql);
        let certificates = &environment.certificates;
        let connect = |api, accept| connection(api, accept, patience, certificates);
        Ok(Self {
            rest: connect(Some((&environment.api_url, token)), JSON)?,
            graphql: connect(Some((graphql, token)), JSON)?,
            api_url: environment.api_url.clone(),
            token: token.clone(),
            patience: patience.clone(),
            certificates: certificates.clone(),
            viewer: OnceCell::new(),
            limited: Cell::new(None),
        })
    }

    /// Who the token belongs to; asked once.
    pub(crate) async fn viewer(&self) -> Result<&Viewer, GithubError> {
        if let Some(viewer) = self.viewer.get() {
            return Ok(viewer);
        }
        let viewer = Viewer::ask(self).await?;
        Ok(self.viewer.get_or_init(|| viewer))
    }

    /// The API's address.
    pub(super) const fn api_url(&self) -> &str {
        self.api_url.as_str()
    }

    /// A connection to the API that asks for content in place of a description of it.
    pub(super) fn content(&self) -> Result<Octocrab, GithubError> {
        connection(
            Some((&self.api_url, &self.token)),
            BYTES,
            &self.patience,
            &self.certificates,
        )
    }

    /// A connection to wherever files lie: it does not know the token.
    pub(super) fn storage(&self) -> Result<Octocrab, GithubError> {
        connection(None, BYTES, &self.patience, &self.certificates)
    }

    /// How long to wait, for how much.
    pub(crate) const fn patience(&self) -> &Patience {
        &self.patience
    }

    /// Reads all pages of a list.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        call: Call,
        route: &str,
    ) -> Result<Vec<T>, GithubError> {
        self.pages(call, route, |page: Vec<T>| page).await
    }

    /// Reads all pages of a list that each page holds under a key.
    pub(super) async fn pages<P: DeserializeOwned, T>(
        &self,
        call: Call,
        route: &str,
        of: fn(P) -> Vec<T>,
    ) -> Result<Vec<T>, GithubError> {
        let mut items = Vec::new();
        let mut route = route.to_owned();
        for _ in 0..PAGES {
            let (part, link) = self.read::<P>(call, Method::Get, &route, None).await?;
            items.extend(of(part));
            let Some(next) = link.as_deref().and_then(page::next) else {
                return Ok(items);
            };
            let wrong = || GithubError::Pages {
                call,
                found: clean(next, &self.token),
                expected: format!("an address on {}", self.api_url),
            };
            next.clone_into(&mut route);
            route = page::local(&route, &self.api_url)
                .ok_or_else(wrong)?
                .to_owned();
        }
        Err(GithubError::Pages {
            call,
            found: format!("page {}", PAGES + 1),
            expected: format!("at most {PAGES}"),
        })
    }

    /// Sends a request that changes nothing, again and again while the server has trouble.
    /// Returns the answer and its `Link` header.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        call: Call,
        method: Method,
        route: &str,
        body: Option<&Value>,
    ) -> Result<(T, Option<String>), GithubError> {
        let asked = Asked {
            call,
            method,
            route,
            body,
        };
        let mut pauses = self.patience.pauses.iter();
        loop {
            let answer = self.once(&asked).await;
            let error = match answer.and_then(|answer| self.parse(call, answer)) {
                Ok(result) => return Ok(result),
                Err(error) => error,
            };
            let wait = pauses
                .next()
                .and_then(|pause| self.wait_before_reading_again(&error, *pause));
            let Some(wait) = wait else { return Err(error) };
            tokio::time::sleep(wait).await;
        }
    }

    /// Sends a request that changes something. It is repeated only where GitHub refused it
    /// for its rate limit, and so has done nothing.
    pub(super) async fn write<T: DeserializeOwned>(
        &self,
        call: Call,
        method: Method,
        route: &str,
        body: Option<&Value>,
    ) -> Result<T, GithubError> {
        let asked = Asked {
            call,
            method,
            route,
            body,
        };
        let mut pauses = self.patience.pauses.iter();
        loop {
            let answer = self.once(&asked).await;
            match answer.and_then(|answer| self.parse(call, answer)) {
                Ok((result, _)) => return Ok(result),
                Err(GithubError::RateLimited { seconds, .. })
                    if self.may_wait(seconds) && pauses.next().is_some() =>
                {
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Asks nothing before the time that GitHub has named, whatever the call is.
    pub(super) fn not_limited(&self, call: Call) -> Result<(), GithubError> {
        let left = self.limited.get().map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(Instant::now())
        });
        if left.is_zero() {
            return Ok(());
        }
        Err(GithubError::RateLimited {
            call,
            seconds: left.as_secs() + 1,
            message: String::from("not asked, since an earlier call met the limit"),
        })
    }

    fn may_wait(&self, seconds: u64) -> bool {
        Duration::from_secs(seconds) <= self.patience.longest
    }

    /// How long to wait before a read is repeated; none where that would not help.
    pub(super) fn wait_before_reading_again(
        &self,
        error: &GithubError,
        pause: Duration,
    ) -> Option<Duration> {
        let asked = match error {
            GithubError::RateLimited { seconds, .. } => *seconds,
            GithubError::Refused {
                status: 500 | 502 | 503 | 504,
                retry_after,
                ..
            } => retry_after.unwrap_or_default(),
            GithubError::Network { .. }
            | GithubError::Answer { .. }
            | GithubError::Altered { .. } => 0,
            GithubError::Client { .. }
            | GithubError::Certificates { .. }
            | GithubError::Refused { .. }
            | GithubError::Pages { .. }
            | GithubError::TooMany { .. }
            | GithubError::Gone { .. }
            | GithubError::TooLarge { .. }
            | GithubError::Redirect { .. }
            | GithubError::Disk { .. }
            | GithubError::Timeout { .. }
            | GithubError::NoTime { .. } => return None,
        };
        self.may_wait(asked)
            .then(|| pause.max(Duration::from_secs(asked)))
    }

    async fn once(&self, asked: &Asked<'_>) -> Result<Answer, GithubError> {
        self.not_limited(asked.call)?;
        let mut reply = self.send(&self.rest, asked).await?;
        let mut hops = 0;
        // A repository that was renamed: the API leads to it by its id.
        while let Some(found) = reply.leads_to() {
            let path = page::local(found, &self.api_url).filter(|_| asked.method == Method::Get);
            hops += 1;
            let Some(path) = path.filter(|_| hops <= REDIRECTS) else {
                return Err(self.led_astray(asked.call, found));
            };
            let path = path.to_owned();
            let next = Asked {
                route: &path,
                ..*asked
            };
            reply = self.send(&self.rest, &next).await?;
        }
        if !reply.is_success() {
            return Err(self.refusal(asked.call, reply).await);
        }
        let link = reply.link.take();
        let body = self.text(asked.call, reply).await?;
        Ok(Answer { body, link })
    }

    /// Sends one request and waits for the start of its answer.
    pub(super) async fn send(
        &self,
        connection: &Octocrab,
        asked: &Asked<'_>,
    ) -> Result<Reply<impl Body + use<>>, GithubError> {
        let (route, body) = (asked.route, asked.body);
        let response = match asked.method {
            Method::Get => connection._get(route).await,
            Method::Post => connection._post(route, body).await,
            Method::Patch => connection._patch(route, body).await,
            Method::Delete => connection._delete(route, body).await,
            Method::Query => self.graphql._post(route, body).await,
        };
        let host = page::origin(route).unwrap_or(&self.api_url).to_owned();
        let response = response.map_err(|error| self.broken(asked.call, &host, &error))?;
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        Ok(Reply {
            status: response.status().as_u16(),
            link: header("link"),
            location: header("location"),
            told: Limits::read(&header),
            host,
            body: response.into_body(),
        })
    }

    /// A connection that broke, or was never there.
    pub(super) fn broken(&self, call: Call, host: &str, error: &octocrab::Error) -> GithubError {
        GithubError::Network {
            call,
            host: host.to_owned(),
            message: clean(&causes(error), &self.token),
        }
    }

    /// A redirect that is not followed. Of the address only the server is told: the rest may
    /// hold a signature.
    pub(super) fn led_astray(&self, call: Call, found: &str) -> GithubError {
        let found = page::origin(found).unwrap_or("an address without a server");
        GithubError::Redirect {
            call,
            found: clean(found, &self.token),
            expected: "an https address, after a few redirects at most",
        }
    }

    /// What an answer that is no success means.
    pub(super) async fn refusal(&self, call: Call, reply: Reply<impl Body>) -> GithubError {
        let (status, told) = (reply.status, reply.told);
        let is_api = reply.host == self.api_url;
        // The status says enough where the explanation got lost.
        let body = self.text(call, reply).await.unwrap_or_default();
        let message = clean(&explanation(&body), &self.token);
        match told.wait(status, &message) {
            Some(seconds) => {
                if is_api {
                    self.limited.set(limits::end(Instant::now(), seconds));
                }
                GithubError::RateLimited {
                    call,
                    seconds,
                    message,
                }
            }
            None => GithubError::Refused {
                call,
                status,
                message,
                retry_after: told.retry_after,
            },
        }
    }

    /// Waits for the whole body.
    async fn text(&self, call: Call, reply: Reply<impl Body>) -> Result<String, GithubError> {
        let collected = reply.body.collect().await;
        let bytes = collected.map_err(|error| self.broken(call, &reply.host, &error))?;
        Ok(String::from_utf8_lossy(&bytes.to_bytes()).into_owned())
    }

    /// An answer that says only that something went wrong.
    pub(super) fn unanswered(&self, call: Call, errors: &[Value]) -> GithubError {
        let first = errors
            .first()
            .and_then(|error| error.get("message")?.as_str());
        GithubError::Answer {
            call,
            message: clean(first.unwrap_or("errors without a message"), &self.token),
        }
    }

    fn parse<T: DeserializeOwned>(
        &self,
        call: Call,
        answer: Answer,
    ) -> Result<(T, Option<String>), GithubError> {
        let text = match answer.body.trim() {
            // 204: there is nothing to say.
            "" => "null",
            text => text,
        };
        let value = serde_json::from_str(text).map_err(|error| GithubError::Answer {
            call,
            message: clean(&error.to_string(), &self.token),
        })?;
        Ok((value, answer.link))
    }
}

/// The answer that is asked for: a description.
const JSON: &str = "application/vnd.github+json";
/// The answer that is asked for: the content itself.
const BYTES: &str = "application/octet-stream";

/// Connections to one API at its address, or to anywhere, and then without a token.
fn connection(
    api: Option<(&str, &Token)>,
    accept: &str,
    patience: &Patience,
    certificates: &[String],
) -> Result<Octocrab, GithubError> {
    let url = api.map_or("the storage", |(url, _)| url);
    let failed = |error: octocrab::Error| {
        let message = causes(&error);
        GithubError::Client {
            url: url.to_owned(),
            message: api.map_or(message.clone(), |(_, token)| clean(&message, token)),
        }
    };
    let mut builder = Octocrab::builder();
    for (name, value) in [
        (
            "user-agent",
            concat!("gatecard/", env!("CARGO_PKG_VERSION")),
        ),
        ("accept", accept),
    ] {
        // Names that are written here always parse.
        if let Ok(name) = name.parse() {
            builder = builder.add_header(name, value.to_owned());
        }
    }
    if let Some((url, token)) = api {
        builder = builder.base_uri(url).map_err(failed)?;
        builder = builder.personal_token(token.expose());
    }
    builder
        // Its own retries would repeat a write at once, and make a second comment.
        .add_retry_config(RetryConfig::None)
        .set_connect_timeout(Some(patience.answer))
        .set_read_timeout(Some(patience.answer))
        .set_write_timeout(Some(patience.answer))
        .build()
        // The address is parsed by then: all that is left to fail is reading the certificates.
        .map_err(|_| GithubError::Certificates {
            url: url.to_owned(),
            places: places(certificates),
        })
}

/// Where the certificates were looked for.
fn places(named: &[String]) -> String {
    if !named.is_empty() {
        return log_line(&named.join(" and "));
    }
    let store = if cfg!(target_os = "linux") {
        "/etc/ssl, /etc/pki and the other places of Linux distributions"
    } else {
        "the system's store"
    };
    format!("{store} (neither SSL_CERT_FILE nor SSL_CERT_DIR is set)")
}

/// What GitHub says in the body of an error.
pub(super) fn explanation(body: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(body) else {
        return String::from("no explanation");
    };
    let text = |value: &Value| Some(value.get("message")?.as_str()?.to_owned());
    let errors = value.get("errors").and_then(Value::as_array);
    let details = errors.into_iter().flatten().filter_map(|error| {
        let plain = error.as_str().map(str::to_owned);
        text(error).or(plain)
    });
    text(&value)
        .into_iter()
        .chain(details)
        .collect::<Vec<_>>()
        .join(": ")
}

/// An error and its causes in one line; the library's own text would hold a backtrace.
fn causes(error: &dyn std::error::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let text = text.lines().next().unwrap_or_default();
        // Each level repeats the one below it.
        if !text.is_empty() && !parts.iter().any(|part| part.contains(text)) {
            parts.push(text.to_owned());
        }
        next = error.source();
    }
    parts.join(": ")
}

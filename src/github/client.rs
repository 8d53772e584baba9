//! One connection to the API: sends a request, waits where GitHub asks for it, and repeats
//! reads while the server has trouble.

use std::cell::{Cell, OnceCell};
use std::time::{Duration, Instant};

use octocrab::Octocrab;
use octocrab::service::middleware::retry::RetryConfig;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::{Call, GithubError, clean};
use super::limits::{self, Limits};
use super::page;
use super::viewer::Viewer;
use crate::environment::{Environment, Token};

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
    /// How long everything about the comment may take, and seeing before whether it may be
    /// written, so that its trouble leaves time for the status.
    pub(crate) comment: Duration,
    /// How long everything may take.
    pub(crate) total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            pauses: [500, 1_000, 2_000].map(Duration::from_millis).to_vec(),
            longest: Duration::from_mins(1),
            answer: Duration::from_secs(20),
            reading: Duration::from_secs(55),
            comment: Duration::from_secs(35),
            total: Duration::from_mins(2),
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
    rest: Octocrab,
    graphql: Octocrab,
    api_url: String,
    token: Token,
    patience: Patience,
    viewer: OnceCell<Viewer>,
    /// Until when GitHub has said that it answers nothing.
    limited: Cell<Option<Instant>>,
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
        Ok(Self {
            rest: connection(&environment.api_url, token, patience)?,
            graphql: connection(graphql, token, patience)?,
            api_url: environment.api_url.clone(),
            token: token.clone(),
            patience: patience.clone(),
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
        for _ in 0..page::MAX_PAGES {
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
            found: format!("page {}", page::MAX_PAGES + 1),
            expected: format!("at most {}", page::MAX_PAGES),
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
        let mut pauses = self.patience.pauses.iter();
        loop {
            let answer = self.once(call, method, route, body).await;
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
        let mut pauses = self.patience.pauses.iter();
        loop {
            let answer = self.once(call, method, route, body).await;
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
    fn not_limited(&self, call: Call) -> Result<(), GithubError> {
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

    fn wait_before_reading_again(&self, error: &GithubError, pause: Duration) -> Option<Duration> {
        let asked = match error {
            GithubError::RateLimited { seconds, .. } => *seconds,
            GithubError::Refused {
                status: 500 | 502 | 503 | 504,
                retry_after,
                ..
            } => retry_after.unwrap_or_default(),
            GithubError::Network { .. } | GithubError::Answer { .. } => 0,
            GithubError::Client { .. }
            | GithubError::Refused { .. }
            | GithubError::Pages { .. }
            | GithubError::TooMany { .. }
            | GithubError::Timeout { .. }
            | GithubError::NoTime { .. } => return None,
        };
        self.may_wait(asked)
            .then(|| pause.max(Duration::from_secs(asked)))
    }

    async fn once(
        &self,
        call: Call,
        method: Method,
        route: &str,
        body: Option<&Value>,
    ) -> Result<Answer, GithubError> {
        self.not_limited(call)?;
        let failed = |error: octocrab::Error| GithubError::Network {
            call,
            host: self.api_url.clone(),
            message: clean(&causes(&error), &self.token),
        };
        let response = match method {
            Method::Get => self.rest._get(route).await,
            Method::Post => self.rest._post(route, body).await,
            Method::Patch => self.rest._patch(route, body).await,
            Method::Delete => self.rest._delete(route, body).await,
            Method::Query => self.graphql._post(route, body).await,
        }
        .map_err(failed)?;
        let status = response.status().as_u16();
        let header = |name: &str| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let link = header("link");
        let told = Limits::read(&header);
        let body = self.rest.body_to_string(response).await.map_err(failed);
        if (200..300).contains(&status) {
            return Ok(Answer { body: body?, link });
        }
        // The status says enough where the explanation got lost.
        let message = clean(&explanation(&body.unwrap_or_default()), &self.token);
        Err(match told.wait(status, &message) {
            Some(seconds) => {
                self.limited.set(limits::end(Instant::now(), seconds));
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
        })
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

/// One API at one address.
fn connection(url: &str, token: &Token, patience: &Patience) -> Result<Octocrab, GithubError> {
    let failed = |error: octocrab::Error| GithubError::Client {
        url: url.to_owned(),
        message: clean(&causes(&error), token),
    };
    let mut builder = Octocrab::builder();
    for (name, value) in [
        (
            "user-agent",
            concat!("gatecard/", env!("CARGO_PKG_VERSION")),
        ),
        ("accept", "application/vnd.github+json"),
    ] {
        // Names that are written here always parse.
        if let Ok(name) = name.parse() {
            builder = builder.add_header(name, value.to_owned());
        }
    }
    builder
        .base_uri(url)
        .map_err(failed)?
        // Its own retries would repeat a write at once, and make a second comment.
        .add_retry_config(RetryConfig::None)
        .set_connect_timeout(Some(patience.answer))
        .set_read_timeout(Some(patience.answer))
        .set_write_timeout(Some(patience.answer))
        .personal_token(token.expose())
        .build()
        .map_err(failed)
}

/// What GitHub says in the body of an error.
fn explanation(body: &str) -> String {
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

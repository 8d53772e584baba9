//! A connection for the time of one check: calls one after the other, within the time that is
//! given to reading and to everything.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};

use super::client::{Client, Patience};
use super::error::GithubError;
use crate::environment::{Environment, Token};

/// What a call is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// To reach the verdict: what it takes leaves time to publish an error.
    Reading,
    /// To publish the comment.
    Comment,
    /// To publish the rest.
    Rest,
}

/// A connection with its budget of time.
pub(crate) struct Session {
    runtime: Runtime,
    client: Client,
    read: Cell<Duration>,
    spent: Cell<Duration>,
}

impl Session {
    /// Makes the connection; sends nothing yet.
    pub(crate) fn open(
        environment: &Environment,
        token: &Token,
        patience: &Patience,
    ) -> Result<Self, GithubError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| GithubError::Client {
                url: environment.api_url.clone(),
                message: error.to_string(),
            })?;
        let client = {
            let _inside = runtime.enter();
            Client::connect(environment, token, patience)?
        };
        Ok(Self {
            runtime,
            client,
            read: Cell::default(),
            spent: Cell::default(),
        })
    }

    /// The client, for the calls that `run` waits for.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Waits for calls, no longer than their phase and the whole may still take.
    pub(crate) fn run<T>(
        &self,
        phase: Phase,
        what: &'static str,
        calls: impl Future<Output = Result<T, GithubError>>,
    ) -> Result<T, GithubError> {
        let patience = self.client.patience();
        let left = patience.total.saturating_sub(self.spent.get());
        let limit = match phase {
            Phase::Reading => patience.reading.saturating_sub(self.read.get()),
            Phase::Comment => patience.comment,
            Phase::Rest => left,
        }
        .min(left);
        if limit.is_zero() {
            return Err(GithubError::NoTime { what });
        }
        let start = Instant::now();
        let result = self
            .runtime
            .block_on(async { tokio::time::timeout(limit, calls).await });
        let took = start.elapsed();
        self.spent.set(self.spent.get() + took);
        if phase == Phase::Reading {
            self.read.set(self.read.get() + took);
        }
        result.unwrap_or_else(|_| Err(GithubError::timeout(what, "", limit)))
    }
}

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
    /// To download evidence: large files take longer than all that is read.
    Downloads,
    /// To put the verdict on record: what that takes leaves time to say so.
    Recording,
    /// To publish the comment, and to see before whether it may be: what that takes leaves time
    /// for the status.
    Comment,
    /// To publish the rest, with all the time that is left.
    Rest,
}

/// A connection with its budget of time.
pub(crate) struct Session {
    runtime: Runtime,
    client: Client,
    read: Cell<Duration>,
    downloaded: Cell<Duration>,
    recorded: Cell<Duration>,
    commented: Cell<Duration>,
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
            downloaded: Cell::default(),
            recorded: Cell::default(),
            commented: Cell::default(),
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
        let (used, most) = match phase {
            Phase::Reading => (Some(&self.read), patience.reading),
            Phase::Downloads => (Some(&self.downloaded), patience.downloads),
            Phase::Recording => (Some(&self.recorded), patience.recording),
            Phase::Comment => (Some(&self.commented), patience.comment),
            Phase::Rest => (None, left),
        };
        let used_up = used.map_or(Duration::ZERO, Cell::get);
        let limit = most.saturating_sub(used_up).min(left);
        if limit.is_zero() {
            return Err(GithubError::NoTime { what });
        }
        let start = Instant::now();
        let result = self
            .runtime
            .block_on(async { tokio::time::timeout(limit, calls).await });
        let took = start.elapsed();
        self.spent.set(self.spent.get() + took);
        if let Some(used) = used {
            used.set(used_up + took);
        }
        result.unwrap_or_else(|_| Err(GithubError::timeout(what, "", limit)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_phase_takes_the_time_of_the_last_one() {
        let milliseconds = Duration::from_millis;
        let patience = Patience {
            reading: milliseconds(40),
            downloads: milliseconds(40),
            recording: milliseconds(40),
            comment: milliseconds(40),
            total: milliseconds(60_000),
            ..Patience::default()
        };
        let token = Token::parse("ghs_x").unwrap();
        let environment = Environment::read(&|_| None).unwrap();
        let session = Session::open(&environment, &token, &patience).unwrap();
        let slow = || async {
            tokio::time::sleep(milliseconds(60)).await;
            Ok(())
        };
        for phase in [
            Phase::Reading,
            Phase::Downloads,
            Phase::Recording,
            Phase::Comment,
        ] {
            let late = session.run(phase, "wait", slow()).unwrap_err();
            assert!(matches!(late, GithubError::Timeout { .. }), "{late}");
            // However many calls a phase has, together they have its time.
            let again = session.run(phase, "wait", slow()).unwrap_err();
            assert!(matches!(again, GithubError::NoTime { .. }), "{again}");
        }
        assert!(session.run(Phase::Rest, "wait", slow()).is_ok());
    }
}

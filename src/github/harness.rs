//! A client of the fake server, for the tests of what is read from GitHub.

use std::time::Duration;

use super::fake_github::{FakeGitHub, REPO};
use super::{Client, Patience, RepoName};
use crate::environment::{Environment, Token};
use crate::git::CommitSha;

/// A fake server and a client with little patience.
pub(super) struct Harness {
    pub(super) fake: FakeGitHub,
    pub(super) client: Client,
    pub(super) repo: RepoName,
    runtime: tokio::runtime::Runtime,
}

impl Harness {
    /// With the token of a workflow that may write.
    pub(super) fn new() -> Self {
        Self::with_token("ghs_write")
    }

    pub(super) fn with_token(token: &str) -> Self {
        let fake = FakeGitHub::start();
        let url = fake.url();
        let environment = Environment::read(&|name| match name {
            "GITHUB_API_URL" => Some(url.clone()),
            _ => None,
        });
        let patience = Patience {
            pauses: vec![Duration::from_millis(1); 3],
            longest: Duration::from_secs(2),
            ..Patience::default()
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let token = Token::parse(token).unwrap();
        let connected = async { Client::connect(&environment.unwrap(), &token, &patience) };
        let client = runtime.block_on(connected).unwrap();
        Self {
            fake,
            client,
            repo: RepoName::parse(REPO).unwrap(),
            runtime,
        }
    }

    /// Waits for an answer.
    pub(super) fn wait<F: Future>(&self, asked: F) -> F::Output {
        self.runtime.block_on(asked)
    }
}

/// A commit id made of one digit.
pub(super) fn sha(digit: char) -> CommitSha {
    numbered(&digit.to_string())
}

/// A commit id that begins with a digit for what it is, and ends with a number.
pub(super) fn numbered(text: &str) -> CommitSha {
    let filler = text.chars().next().unwrap_or('0').to_string();
    let padded = format!("{}{text}", filler.repeat(40 - text.len()));
    CommitSha::parse(&padded).unwrap()
}

//! Gets the commits that a clone lacks, with the `git` program.
//!
//! A workflow's checkout has one commit by default, that of a test merge. What is missing is
//! fetched from where the clone came from, deeper and deeper until the merge base is there.

use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{CommitSha, Repo};
use crate::environment::Token;
use crate::process::{self, Failure};
use crate::untrusted::{log_line, shorten};

/// By how much a shallow clone is deepened, step by step; after the last one it gets everything.
/// Deepening, unlike a depth, never takes away what another step of the job fetched.
const DEPTHS: [u32; 2] = [100, 2_000];

/// Where commits come from.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    /// The repository's address, for a clone without an `origin`.
    pub(crate) url: String,
    /// The server that the token is for: nothing else gets it.
    pub(crate) server_url: String,
    /// The token.
    pub(crate) token: Option<Token>,
    /// Until when all calls of `git` together must have ended.
    pub(crate) end: Instant,
}

/// Why nothing could be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("git fetch: {message}")]
pub(crate) struct FetchError {
    /// What `git` said.
    message: String,
}

impl Remote {
    /// Makes sure that the clone has these two commits and their merge base. Does nothing, and
    /// starts no program, where it has.
    pub(crate) fn complete(
        &self,
        repo: &Repo,
        base: &CommitSha,
        head: &CommitSha,
    ) -> Result<(), FetchError> {
        let whole = || {
            let reopened = Repo::open(&repo.folder());
            reopened.is_ok_and(|repo| {
                repo.has(base) && repo.has(head) && repo.merge_bases(base, head).is_ok()
            })
        };
        if whole() {
            return Ok(());
        }
        if !repo.is_shallow() {
            return self.fetch(repo, None, &[base, head]);
        }
        for depth in DEPTHS {
            self.fetch(repo, Some(&format!("--deepen={depth}")), &[base, head])?;
            if whole() {
                return Ok(());
            }
        }
        self.fetch(repo, Some("--unshallow"), &[base, head])
    }

    /// Gets these commits where the clone lacks them. In a shallow clone they come without
    /// their history.
    pub(crate) fn commits<'c>(
        &self,
        repo: &Repo,
        commits: impl IntoIterator<Item = &'c CommitSha>,
    ) -> Result<(), FetchError> {
        let missing: Vec<&CommitSha> = commits
            .into_iter()
            .filter(|commit| !repo.has(commit))
            .collect();
        let depth = repo.is_shallow().then_some("--depth=1");
        // One that the server has no more must not keep the others away.
        let mut lost = Ok(());
        if !missing.is_empty() && self.fetch(repo, depth, &missing).is_err() {
            for commit in missing {
                let fetched = self.fetch(repo, depth, &[commit]);
                lost = lost.and(fetched);
            }
        }
        lost
    }

    /// Asks where the clone came from, and then the repository's own address.
    fn fetch(
        &self,
        repo: &Repo,
        how: Option<&str>,
        commits: &[&CommitSha],
    ) -> Result<(), FetchError> {
        if repo.has_remote("origin") {
            let fetched = self.fetch_from("origin", repo, how, commits);
            if fetched.is_ok() || Instant::now() >= self.end {
                return fetched;
            }
        }
        self.fetch_from(&self.url, repo, how, commits)
    }

    fn fetch_from(
        &self,
        source: &str,
        repo: &Repo,
        how: Option<&str>,
        commits: &[&CommitSha],
    ) -> Result<(), FetchError> {
        let mut command = self.command(repo.folder());
        command.args(how).arg("--").arg(source);
        command.args(commits.iter().map(|commit| commit.as_str()));
        let failed = |message: String| FetchError { message };
        if Instant::now() >= self.end {
            return Err(failed(String::from("no time is left for it")));
        }
        process::run(command, self.end).map_err(|failure| match failure {
            Failure::NotStarted(why) => failed(format!("cannot start `git`: {why}")),
            Failure::Refused(said) => failed(self.clean(said)),
            Failure::Late => failed(format!("{source} did not answer in time")),
        })
    }

    /// `git fetch` that asks nobody anything, follows no submodule, and makes no ref.
    fn command(&self, folder: PathBuf) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(folder)
            .args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"])
            .args(["--no-recurse-submodules", "--no-auto-maintenance"])
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C");
        if let Some(token) = &self.token {
            let key = format!("http.{}/.extraheader", self.server_url);
            let basic = basic(token);
            // The empty value takes back what the checkout step may have left: two such
            // headers are refused. The environment, unlike arguments, is not in process lists.
            let header = format!("AUTHORIZATION: basic {basic}");
            command.env("GIT_CONFIG_COUNT", "2");
            for (at, value) in ["", &header].into_iter().enumerate() {
                command.env(format!("GIT_CONFIG_KEY_{at}"), &key);
                command.env(format!("GIT_CONFIG_VALUE_{at}"), value);
            }
        }
        command
    }

    /// What a failed call said, without the token.
    fn clean(&self, mut text: String) -> String {
        if let Some(token) = &self.token {
            text = text
                .replace(token.expose(), "***")
                .replace(&basic(token), "***");
        }
        shorten(&log_line(&text), 400)
    }
}

/// The token as the header has it.
fn basic(token: &Token) -> String {
    STANDARD.encode(format!("x-access-token:{}", token.expose()))
}

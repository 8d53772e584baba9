//! The only user of `octocrab`: what an event says, and a few calls with their manners.
//!
//! Reads are repeated when GitHub has trouble; a write is never repeated blindly. Called by
//! `publish`, which decides what to write.

mod account;
pub(crate) mod artifacts;
pub(crate) mod attestation;
pub(crate) mod checks;
pub(crate) mod client;
pub(crate) mod comments;
pub(crate) mod commits;
pub(crate) mod demands;
mod download;
pub(crate) mod error;
pub(crate) mod event;
#[cfg(test)]
#[path = "../../tests/integration/fake_github.rs"]
pub(crate) mod fake_github;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod graphql;
#[cfg(test)]
mod harness;
mod limits;
pub(crate) mod live;
pub(crate) mod observe;
pub(crate) mod page;
pub(crate) mod probe;
pub(crate) mod releases;
pub(crate) mod repo_name;
mod route;
pub(crate) mod runs;
pub(crate) mod session;
pub(crate) mod statuses;
pub(crate) mod subject;
pub(crate) mod viewer;

pub(crate) use client::{Client, Patience};
pub(crate) use error::GithubError;
pub(crate) use event::{Event, Group, PullRequest};
pub(crate) use repo_name::RepoName;
pub(crate) use subject::Subject;

//! The only user of `octocrab`: what an event says, and a few calls with their manners.
//!
//! Reads are repeated when GitHub has trouble; a write is never repeated blindly. Called by
//! `publish`, which decides what to write.

pub(crate) mod client;
pub(crate) mod comments;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod page;
pub(crate) mod repo_name;
pub(crate) mod statuses;
pub(crate) mod viewer;

pub(crate) use client::{Client, Patience};
pub(crate) use error::GithubError;
pub(crate) use event::{Event, PullRequest};
pub(crate) use repo_name::RepoName;

//! What is on GitHub: what a command is about, the commits it needs, and who reviewed them.
//! Shared by every command that an event can start.

pub(super) mod evidence;
pub(super) mod ledger;
pub(super) mod one;
mod producers;
pub(super) mod queue;
pub(super) mod reviews;
pub(super) mod subject;
pub(super) mod supply;

use std::path::Path;

use chrono::{DateTime, Utc};

use super::Context;
use crate::environment::Environment;
use crate::error::Error;
use crate::git::CommitSha;
use crate::github::Event;
use crate::github::session::Session;

/// Reads the event, where there is one.
pub(super) fn event(
    named: Option<&Path>,
    environment: &Environment,
) -> Result<Option<Event>, Error> {
    let Some(path) = named.or(environment.event_path.as_deref()) else {
        return Ok(None);
    };
    Ok(Some(Event::read(path, environment.event_name.as_deref())?))
}

/// Connects to GitHub, where there is a token to do it with.
pub(super) fn session(context: &Context<'_>) -> Result<Option<Session>, Error> {
    let Some(token) = &context.environment.token else {
        return Ok(None);
    };
    let session = Session::open(context.environment, token, &context.patience)?;
    Ok(Some(session))
}

/// When the event shows its head to be the head of its pull request.
pub(super) fn seen(event: Option<&Event>) -> Option<(CommitSha, DateTime<Utc>)> {
    match event {
        Some(Event::Pull { pull, at: Some(at) }) => Some((pull.head.clone(), *at)),
        _ => None,
    }
}

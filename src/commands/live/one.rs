//! The one pull request or group that a command was asked about, by its number or by an event.

use chrono::{DateTime, Utc};

use super::subject::{self, Found};
use crate::cli::ChangeArgs;
use crate::commands::Context;
use crate::error::Error;
use crate::git::CommitSha;
use crate::github::session::Session;
use crate::github::{Event, RepoName, Subject};

/// What a command is about, where it is read from GitHub.
pub(in crate::commands) struct Live {
    /// The connection.
    pub(in crate::commands) session: Session,
    /// What is asked about.
    pub(in crate::commands) subject: Subject,
    /// When the event shows its head to be the head of its pull request.
    pub(in crate::commands) seen: Option<(CommitSha, DateTime<Utc>)>,
}

impl Live {
    /// Finds it; none where there is neither number nor event, or no token.
    pub(in crate::commands) fn find(
        number: Option<u64>,
        change: &ChangeArgs,
        context: &Context<'_>,
    ) -> Result<Option<Self>, Error> {
        let event = match number {
            Some(number) => Some(Event::Dispatch {
                repo: repository(number, context)?,
                number: Some(number),
                branch: None,
            }),
            None => super::event(change.event.as_deref(), context.environment)?,
        };
        let session = super::session(context)?;
        if let (Some(number), None) = (number, &session) {
            return Err(Error::Unset {
                lacking: format!("no token to read pull request {number} with"),
                set: "GITHUB_TOKEN",
            });
        }
        let Some((event, session)) = event.zip(session) else {
            return Ok(None);
        };
        let seen = super::seen(Some(&event));
        let found = subject::find(Some(event), change.base.is_some(), Some(&session))?;
        let Found::Judge(subjects) = found else {
            return Ok(None);
        };
        let Some(subject) = subjects.first() else {
            return Ok(None);
        };
        let subject = subject::with_tip(subject, &session)?;
        Ok(Some(Self {
            session,
            subject,
            seen,
        }))
    }
}

/// The repository that a number is of.
fn repository(number: u64, context: &Context<'_>) -> Result<RepoName, Error> {
    let named = context.environment.repository.as_deref();
    named.and_then(RepoName::parse).ok_or_else(|| Error::Unset {
        lacking: format!("no repository to read pull request {number} of"),
        set: "GITHUB_REPOSITORY to owner/name",
    })
}

//! Who reviewed what would be merged: observed on GitHub, as far as the rules need it.

use chrono::{DateTime, Utc};

use super::{queue, supply};
use crate::approval::observed::{Moves, Observed};
use crate::approval::{self, Known, Plan};
use crate::commands::Context;
use crate::commands::check::Prepared;
use crate::error::Error;
use crate::git::{CommitSha, GitError, Repo};
use crate::github::observe;
use crate::github::session::{Phase, Session};
use crate::github::{PullRequest, Subject};

/// Observes the reviews of a subject. Where something cannot be read, nobody is known to have
/// approved, and the card says why.
pub(in crate::commands) fn known(
    asked: &Asked<'_>,
    prepared: &Prepared,
    context: &mut Context<'_>,
) -> Result<Known, Error> {
    let Prepared {
        repo,
        range,
        rules,
        changes,
    } = prepared;
    let plan = Plan::of(repo, range, rules, changes)?;
    if plan.is_empty() {
        // Nothing was asked, and nothing will be.
        return Ok(Known::Observed(Observed::default()));
    }
    if asked.pulls.is_empty() {
        let why = "the pull requests of this group could not be found through its commits";
        return Ok(Known::Unknown(why.to_owned()));
    }
    match asked.observe(plan, prepared, context) {
        Ok(observed) => Ok(Known::Observed(observed)),
        Err(Error::Github(error)) => Ok(Known::Unknown(format!("{error}; {}", error.hint()))),
        Err(error) => Err(error),
    }
}

/// Whose reviews are asked for.
pub(in crate::commands) struct Asked<'a> {
    /// The connection.
    pub(in crate::commands) session: &'a Session,
    /// What is judged.
    pub(in crate::commands) subject: &'a Subject,
    /// The pull requests that it is made of.
    pub(in crate::commands) pulls: &'a [PullRequest],
    /// When the event shows a commit to be the head of its pull request.
    pub(in crate::commands) seen: Option<&'a (CommitSha, DateTime<Utc>)>,
}

impl Asked<'_> {
    fn observe(
        &self,
        mut plan: Plan<'_>,
        prepared: &Prepared,
        context: &mut Context<'_>,
    ) -> Result<Observed, Error> {
        let Prepared { repo, rules, .. } = prepared;
        let client = self.session.client();
        let name = self.subject.status_name(rules.status_name());
        let observe = observe::observe(client, self.pulls, &name);
        let mut observed = self
            .session
            .run(Phase::Reading, "read the reviews", observe)?;
        self.add_event(&mut observed);
        supply::commits(repo, &approval::commits(&observed), self.subject, context);
        let questions = match plan.questions(&observed) {
            Ok(questions) => questions,
            // The judgement says what is missing, and what to do.
            Err(GitError::Missing { .. }) => return Ok(observed),
            Err(error) => return Err(error.into()),
        };
        let answer = observe::answer(client, self.subject.repo(), &mut observed, &questions);
        self.session
            .run(Phase::Reading, "read who may approve", answer)?;
        Ok(observed)
    }

    /// The event may know of a commit earlier than our first status on it.
    fn add_event(&self, observed: &mut Observed) {
        let Some((head, at)) = self.seen else { return };
        for pull in observed.pulls.iter_mut().filter(|pull| pull.head == *head) {
            if let Moves::FirstSeen(times) = &mut pull.moves {
                let first = times.get(head).map_or(*at, |known| *at.min(known));
                times.insert(head.clone(), first);
            }
        }
    }
}

/// The pull requests that a subject is made of, with their commits in the clone.
pub(in crate::commands) fn pulls(
    session: &Session,
    subject: &Subject,
    prepared: &mut Prepared,
    context: &mut Context<'_>,
) -> Result<Vec<PullRequest>, Error> {
    let group = match subject {
        Subject::Pull(pull) => return Ok(vec![pull.clone()]),
        Subject::Group(group) => group,
    };
    let members = queue::members(session, &prepared.repo, group)?;
    for member in &members {
        let commits = (&group.base, &member.head);
        supply::complete(&prepared.repo.folder(), commits, subject, context);
    }
    // An open repository keeps the edge of its history as it was.
    prepared.repo = Repo::open(&prepared.repo.folder())?;
    Ok(members)
}

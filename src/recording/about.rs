//! What an entry is about: commits, policy, who and what ran.

use super::Finished;
use crate::environment::Environment;
use crate::git::CommitSha;
use crate::github::Subject;
use crate::ledger::About;
use crate::ledger::entry::{Account, PolicyAt, Workflow};
use crate::ledger::name::bounded;
use crate::rules::Origin;
use crate::units::Digest;

/// The part of it that only the environment knows.
pub(crate) fn about(environment: &Environment, base: CommitSha, head: CommitSha) -> About {
    let actor = environment.actor.as_ref().map(|login| Account {
        login: login.clone(),
        id: environment.actor_id,
    });
    let workflow = (environment.run.id > 0).then(|| Workflow {
        reference: environment.workflow_ref.as_deref().map(bounded),
        commit: environment
            .workflow_sha
            .as_deref()
            .and_then(CommitSha::parse),
        run: environment.run.id,
        attempt: environment.run.attempt,
    });
    About {
        repository: None,
        pull: None,
        base_ref: None,
        base,
        head,
        policy: None,
        actor,
        workflow,
        tool: String::from(env!("CARGO_PKG_VERSION")),
    }
}

/// A policy as entries name it.
pub(crate) fn policy_at(path: &str, sha256: Digest, origin: Origin) -> PolicyAt {
    PolicyAt {
        path: bounded(path),
        sha256,
        origin: origin.id().to_owned(),
    }
}

/// That of a finished check.
pub(super) fn of_check(finished: &Finished<'_>) -> About {
    let report = finished.report;
    let (base, head) = (report.range.base.clone(), report.range.head.clone());
    let policy = &report.policy;
    About {
        repository: finished.subject.map(|subject| subject.repo().to_string()),
        pull: match finished.subject {
            Some(Subject::Pull(pull)) => Some(pull.number),
            Some(Subject::Group(_)) | None => None,
        },
        base_ref: finished.subject.map(|subject| bounded(subject.base_ref())),
        policy: Some(policy_at(
            policy.path.for_machines(),
            policy.sha256,
            policy.origin,
        )),
        ..about(finished.environment, base, head)
    }
}

//! Which run of a workflow may have made evidence, and how far what it stored can be trusted.
//!
//! Everything that a run says of itself beyond ids, commits and times can be chosen by whoever
//! opened the pull request; its path, event, head and repository are GitHub's own.

use chrono::{DateTime, TimeDelta, Utc};

use crate::evidence::supply::Absence;
use crate::git::CommitSha;
use crate::github::artifacts::Stored;
use crate::github::releases::Asset;
use crate::github::runs::{Conclusion, Run, RunState};
use crate::policy::provenance::Provenance;
use crate::policy::sources::Workflow;
use crate::reason::Code;

/// Events of which a run is about the commit that it was started for.
const FOR_HEAD: &[&str] = &[
    "pull_request",
    "pull_request_target",
    "push",
    "merge_group",
    "workflow_dispatch",
];
/// Events that run the base repository's own workflows whatever the pull request says.
const FROM_BASE: &[&str] = &[
    "pull_request_target",
    "workflow_run",
    "issue_comment",
    "schedule",
];

/// What comes of looking for a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Choice<'r> {
    /// This one.
    Run(&'r Run),
    /// It is not over yet: what is waited for, and whether it has begun.
    Wait {
        /// What.
        what: String,
        /// Whether it has begun.
        begun: bool,
    },
    /// There is none.
    Absent(Absence),
}

/// The commit that evidence must be about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The commit.
    pub(super) head: &'a CommitSha,
    /// The repository that it comes from, where that still is there.
    pub(super) repository: Option<u64>,
    /// When it is known to have been there.
    pub(super) seen: Option<DateTime<Utc>>,
}

/// How long a run may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// The time of the check.
    pub(super) now: DateTime<Utc>,
    /// From the start of the run, or from when the commit was there.
    pub(super) wait: TimeDelta,
}

impl Patience {
    fn has_time(self, since: DateTime<Utc>) -> bool {
        self.now - since < self.wait
    }
}

/// Chooses the newest run of a workflow for a commit; `runs` are newest first. An older run is
/// no stand-in for one that is not over or was stopped.
pub(super) fn for_head<'r>(
    runs: &'r [Run],
    workflow: &Workflow,
    subject: &Subject<'_>,
    patience: Patience,
) -> Choice<'r> {
    let path = workflow.path();
    let about = |run: &&Run| {
        run.path == path && run.head == *subject.head && FOR_HEAD.contains(&run.event.as_str())
    };
    let Some(run) = runs
        .iter()
        .filter(about)
        .find(|run| run.head_repository == subject.repository)
    else {
        let head = subject.head.short();
        if runs.iter().any(|run| about(&run)) {
            let found = format!("its runs for {head} belong to another repository");
            return Choice::Absent(Absence::missing(Code::EvidenceForeign, found));
        }
        if subject.seen.is_some_and(|seen| patience.has_time(seen)) {
            let what = format!("waiting for `{path}` to start");
            return Choice::Wait { what, begun: false };
        }
        let found = format!("no run of it for {head}");
        return Choice::Absent(Absence::missing(Code::ProducerMissing, found));
    };
    let time = patience.has_time(run.started);
    let wait = |what: String| Choice::Wait { what, begun: true };
    let late = |words: &str| {
        let found = format!("its run {} {words}", run.id);
        Choice::Absent(Absence::missing(Code::ProducerRunning, found))
    };
    match &run.state {
        RunState::Running if time => wait(format!("waiting for `{path}`")),
        RunState::Running => late("has not ended"),
        RunState::Waiting if time => wait(format!(
            "waiting for somebody to approve the run of `{path}`"
        )),
        RunState::Waiting => late("waits for somebody to approve it"),
        RunState::Done(Conclusion::Success) => Choice::Run(run),
        // Evals that fail are for the gate to judge: they may end a job in red.
        RunState::Done(Conclusion::Other(word)) if word == "failure" => Choice::Run(run),
        RunState::Done(Conclusion::Other(word)) => {
            let found = format!("its run {} ended as `{word}`", run.id);
            Choice::Absent(Absence::missing(Code::ProducerFailed, found))
        }
    }
}

/// The runs of a workflow on the base branch, newest first: of this repository, and of a
/// workflow that no pull request could edit. A fork's branch may have the same name.
pub(super) fn on_base<'r>(runs: &'r [Run], workflow: &Workflow) -> impl Iterator<Item = &'r Run> {
    let path = workflow.path().to_owned();
    runs.iter().filter(move |run| {
        run.path == path
            && run.is_own()
            && !run.event.starts_with("pull_request")
            && run.event != "merge_group"
            && run.state == RunState::Done(Conclusion::Success)
    })
}

/// Chooses among the artifacts of a run, newest first. One that an earlier attempt stored says
/// nothing of the newest.
pub(super) fn artifact<'s>(stored: &'s [Stored], run: &Run) -> Result<&'s Stored, Absence> {
    let absent = |code, found: String| Err(Absence::missing(code, found));
    let Some(newest) = stored.first() else {
        let found = format!("its run {} stored none", run.id);
        return absent(Code::ArtifactMissing, found);
    };
    if newest.created.is_none_or(|created| created < run.started) {
        let found = format!(
            "its run {} stored none since attempt {} of it began",
            run.id, run.attempt
        );
        return absent(Code::ArtifactMissing, found);
    }
    if newest.head.as_ref().is_some_and(|head| *head != run.head) {
        let found = format!("it was made for another commit than {}", run.head.short());
        return absent(Code::EvidenceForeign, found);
    }
    if newest.expired {
        let found = format!("GitHub keeps that of run {} no longer", run.id);
        return absent(Code::ArtifactExpired, found);
    }
    Ok(newest)
}

/// Who could have written what a run for a head commit stored. On servers other than GitHub's own
/// such a run may be of the base branch of another pull request with the same head.
pub(super) fn provenance(run: &Run, server_url: &str) -> Provenance {
    let host = server_url.split_once("://").map_or("", |(_, host)| host);
    let own = host == "github.com" || host.ends_with(".ghe.com");
    if own && FROM_BASE.contains(&run.event.as_str()) {
        Provenance::Ci
    } else {
        Provenance::PrWorkflow
    }
}

/// Who could have written a file of a release: whoever may write, or any workflow that may.
pub(super) fn of_asset(asset: &Asset) -> Provenance {
    match &asset.uploader {
        // No person can have this name.
        Some(account) if account.login == "github-actions[bot]" => Provenance::PrWorkflow,
        _ => Provenance::AuthorSupplied,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Change = fn(&mut Run);
    type Retold = fn(&mut Stored);

    const OWN: u64 = 1;
    const FORK: u64 = 2;

    fn sha(c: char) -> CommitSha {
        CommitSha::parse(&c.to_string().repeat(40)).unwrap()
    }

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minute)
    }

    fn evals() -> Workflow {
        Workflow::named("evals.yml").unwrap()
    }

    /// The run of a fork's pull request.
    fn run() -> Run {
        Run {
            id: 7,
            attempt: 1,
            event: String::from("pull_request"),
            state: RunState::Done(Conclusion::Success),
            head: sha('a'),
            head_branch: Some(String::from("main")),
            head_repository: Some(FORK),
            repository: Some(OWN),
            path: String::from(".github/workflows/evals.yml"),
            created: at(0),
            started: at(0),
        }
    }

    fn done(word: &str) -> RunState {
        RunState::Done(Conclusion::Other(word.to_owned()))
    }

    fn choose(runs: &[Run], minute: i64) -> String {
        let head = sha('a');
        let subject = Subject {
            head: &head,
            repository: Some(FORK),
            seen: Some(at(0)),
        };
        let patience = Patience {
            now: at(minute),
            wait: TimeDelta::minutes(30),
        };
        match for_head(runs, &evals(), &subject, patience) {
            Choice::Run(run) => format!("run {}", run.id),
            Choice::Wait { what, .. } => what,
            Choice::Absent(absence) => absence.code.id().to_owned(),
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table is as long as its cases")]
    fn only_the_newest_run_of_the_named_workflow_for_this_head_counts() {
        let waits = "waiting for `.github/workflows/evals.yml`";
        let table: [(&str, Change, i64, &str); 14] = [
            ("as it should be", |_| {}, 5, "run 7"),
            (
                "evals that fail",
                |run| run.state = done("failure"),
                5,
                "run 7",
            ),
            (
                "another workflow",
                |run| run.path = String::from(".github/workflows/x.yml"),
                60,
                "producer-missing",
            ),
            (
                "a file of that name elsewhere",
                |run| run.path = String::from("evals.yml"),
                60,
                "producer-missing",
            ),
            (
                "another head",
                |run| run.head = sha('b'),
                60,
                "producer-missing",
            ),
            (
                "a ping",
                |run| run.event = String::from("pull_request_review"),
                60,
                "producer-missing",
            ),
            (
                "another repository",
                |run| run.head_repository = Some(3),
                5,
                "evidence-foreign",
            ),
            (
                "a deleted repository",
                |run| run.head_repository = None,
                5,
                "evidence-foreign",
            ),
            ("it runs", |run| run.state = RunState::Running, 29, waits),
            (
                "it runs too long",
                |run| run.state = RunState::Running,
                30,
                "producer-running",
            ),
            (
                "it is not approved",
                |run| run.state = RunState::Waiting,
                5,
                "waiting for somebody to approve the run of `.github/workflows/evals.yml`",
            ),
            (
                "it is never approved",
                |run| run.state = RunState::Waiting,
                60,
                "producer-running",
            ),
            (
                "it was stopped",
                |run| run.state = done("cancelled"),
                5,
                "producer-failed",
            ),
            (
                "it took too long",
                |run| run.state = done("timed_out"),
                5,
                "producer-failed",
            ),
        ];
        for (name, change, minute, want) in table {
            let mut run = run();
            change(&mut run);
            assert_eq!(choose(&[run], minute), want, "{name}");
        }
        assert_eq!(choose(&[], 5), format!("{waits} to start"));
        assert_eq!(choose(&[], 60), "producer-missing");
    }

    #[test]
    fn an_older_run_is_no_stand_in() {
        let newer = Run {
            id: 8,
            state: done("cancelled"),
            ..run()
        };
        assert_eq!(choose(&[newer, run()], 5), "producer-failed");
    }

    #[test]
    fn a_forks_branch_named_as_the_base_makes_nothing_for_it() {
        let own = Run {
            head_repository: Some(OWN),
            event: String::from("schedule"),
            ..run()
        };
        let counts = |run: Run| on_base(&[run], &evals()).count();
        assert_eq!(counts(own.clone()), 1);
        let table: [(&str, Change); 6] = [
            ("a fork", |run| run.head_repository = Some(FORK)),
            ("an unknown repository", |run| {
                run.head_repository = None;
                run.repository = None;
            }),
            ("a pull request", |run| {
                run.event = String::from("pull_request");
            }),
            ("a trusted event of one", |run| {
                run.event = String::from("pull_request_target");
            }),
            ("a merge queue", |run| {
                run.event = String::from("merge_group");
            }),
            ("a failed one", |run| run.state = done("failure")),
        ];
        for (name, change) in table {
            let mut run = own.clone();
            change(&mut run);
            assert_eq!(counts(run), 0, "{name}");
        }
    }

    fn stored() -> Stored {
        Stored {
            id: 9,
            name: String::from("evals"),
            bytes: 1,
            expired: false,
            created: Some(at(3)),
            digest: None,
            head: Some(sha('a')),
        }
    }

    #[test]
    fn an_artifact_is_of_the_newest_attempt_and_of_this_commit() {
        let run = Run {
            started: at(2),
            attempt: 2,
            ..run()
        };
        let choose = |stored: &[Stored]| match artifact(stored, &run) {
            Ok(stored) => format!("artifact {}", stored.id),
            Err(absence) => absence.code.id().to_owned(),
        };
        assert_eq!(choose(&[stored()]), "artifact 9");
        assert_eq!(choose(&[]), "artifact-missing");
        let table: [(&str, Retold, &str); 5] = [
            (
                "an earlier attempt",
                |each| each.created = Some(at(1)),
                "artifact-missing",
            ),
            ("no time", |each| each.created = None, "artifact-missing"),
            (
                "another commit",
                |each| each.head = Some(sha('b')),
                "evidence-foreign",
            ),
            ("no commit", |each| each.head = None, "artifact 9"),
            ("expired", |each| each.expired = true, "artifact-expired"),
        ];
        for (name, change, want) in table {
            let mut each = stored();
            change(&mut each);
            assert_eq!(choose(&[each]), want, "{name}");
        }
    }

    #[test]
    fn who_could_have_written_it_follows_from_the_event() {
        for (event, want) in [
            ("pull_request", Provenance::PrWorkflow),
            ("push", Provenance::PrWorkflow),
            ("workflow_dispatch", Provenance::PrWorkflow),
            ("merge_group", Provenance::PrWorkflow),
            ("pull_request_target", Provenance::Ci),
            ("an event of tomorrow", Provenance::PrWorkflow),
        ] {
            let run = Run {
                event: event.to_owned(),
                ..run()
            };
            let ours = provenance(&run, "https://github.com");
            assert_eq!(ours, want, "{event}");
            let elsewhere = provenance(&run, "https://git.example.com");
            assert_eq!(elsewhere, Provenance::PrWorkflow, "{event}");
        }
    }
}

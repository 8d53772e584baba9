//! Gets the evidence that the policy's sources name on GitHub, each file with who could have
//! written it. What cannot be had is said of its source; nothing here ends a check.

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::producers::{self, Choice, Patience};
use crate::commands::check::Prepared;
use crate::evidence::supply::{Absence, Fetched, Supplies, Supply};
use crate::git::{CommitSha, Repo};
use crate::github::artifacts::Stored;
use crate::github::attestation::Verifier;
use crate::github::runs::{Run, RunsOf};
use crate::github::session::{Phase, Session};
use crate::github::{Client, GithubError, PullRequest, RepoName, Subject};
use crate::limits::BASE_RUNS;
use crate::policy::provenance::Provenance;
use crate::policy::sources::{MadeBy, Origin, Source, Workflow};
use crate::reason::Code;

/// What came of all sources.
pub(in crate::commands) enum Gathered {
    /// Everything is there that will be.
    All(Supplies),
    /// Something is still being made: what is waited for.
    Wait(String),
}

/// What is asked for.
pub(in crate::commands) struct Asked<'a> {
    /// The connection.
    pub(in crate::commands) session: &'a Session,
    /// What is judged.
    pub(in crate::commands) subject: &'a Subject,
    /// The pull requests that it is made of.
    pub(in crate::commands) pulls: &'a [PullRequest],
    /// When the event shows a commit to be the head of its pull request.
    pub(in crate::commands) seen: Option<&'a (CommitSha, DateTime<Utc>)>,
    /// The server's pages.
    pub(in crate::commands) server_url: &'a str,
    /// Who checks attestations.
    pub(in crate::commands) verifier: &'a Verifier,
    /// The run that the gate is part of; 0 outside GitHub Actions.
    pub(in crate::commands) run: u64,
    /// The time of the check.
    pub(in crate::commands) now: DateTime<Utc>,
}

/// One source on its way.
enum Step {
    Supply(Supply),
    /// What is waited for, and whether it has begun.
    Wait(String, bool),
}

impl From<Absence> for Step {
    fn from(absence: Absence) -> Self {
        Self::Supply(Supply::Absent(absence))
    }
}

/// Gets every source of the policy that is on GitHub into a folder.
pub(in crate::commands) fn gather(
    asked: &Asked<'_>,
    prepared: &Prepared,
    folder: &Path,
) -> Gathered {
    let policy = &prepared.rules.policy;
    let mut supplies = Supplies::default();
    let mut waiting = None;
    let sources = policy.evidence.sources.iter().enumerate();
    for (at, source) in sources.filter(|(_, source)| source.origin.is_remote()) {
        let getting = Getting {
            asked,
            repo: &prepared.repo,
            source,
            to: folder.join(format!("{at}")),
            limit: policy.archives.packed,
        };
        match getting.get() {
            Ok(Step::Supply(supply)) => supplies.insert(at, supply),
            // What has begun may still show something bad.
            Ok(Step::Wait(what, false)) if source.optional => {
                let absence = Absence::missing(Code::ProducerRunning, what);
                supplies.insert(at, Supply::Absent(absence));
            }
            Ok(Step::Wait(what, _)) => waiting = waiting.or(Some(what)),
            Err(error) => supplies.insert(at, Supply::Absent(refused(&error))),
        }
    }
    waiting.map_or(Gathered::All(supplies), Gathered::Wait)
}

fn refused(error: &GithubError) -> Absence {
    let found = format!("{error}; {}", error.hint());
    match error {
        GithubError::Gone { .. } => Absence::missing(Code::ArtifactExpired, found),
        GithubError::TooLarge { .. } | GithubError::Altered { .. } => {
            Absence::broken(Code::EvidenceUnreadable, found)
        }
        _ => Absence::broken(Code::EvidenceUnreachable, found),
    }
}

struct Getting<'a> {
    asked: &'a Asked<'a>,
    repo: &'a Repo,
    source: &'a Source,
    to: PathBuf,
    limit: u64,
}

impl Getting<'_> {
    fn name(&self) -> &RepoName {
        self.asked.subject.repo()
    }

    fn client(&self) -> &Client {
        self.asked.session.client()
    }

    fn ask<T>(
        &self,
        what: &'static str,
        calls: impl Future<Output = Result<T, GithubError>>,
    ) -> Result<T, GithubError> {
        self.asked.session.run(Phase::Reading, what, calls)
    }

    fn get(&self) -> Result<Step, GithubError> {
        match &self.source.origin {
            Origin::Artifact { name, of } => match of {
                MadeBy::ThisRun => self.of_this_run(name),
                MadeBy::Head(workflow) => self.of_head(name, workflow),
                MadeBy::Base(workflow) => self.of_base(name, workflow),
            },
            Origin::Release { tag, asset } => self.of_release(tag.as_deref(), asset),
            Origin::Tree(_) | Origin::Job(_) | Origin::Repository(_) => {
                let absence = Absence::missing(Code::EvidenceNotFetched, "it is not on GitHub");
                Ok(absence.into())
            }
        }
    }

    fn of_this_run(&self, name: &str) -> Result<Step, GithubError> {
        let id = self.asked.run;
        if id == 0 {
            let found = "there is no run: this is no workflow";
            return Ok(Absence::missing(Code::EvidenceNotFetched, found).into());
        }
        let ask = self.client().run(self.name(), id);
        let run = self.ask("read this workflow run", ask)?;
        Ok(match self.stored(&run, name)? {
            Ok(stored) => self.download(&stored, &run, self.provenance(&run))?,
            Err(absence) => absence.into(),
        })
    }

    /// Of a merge queue's group the group's own commit comes first; what its members were
    /// evaluated with counts as well, since versions are compared by content.
    fn of_head(&self, name: &str, workflow: &Workflow) -> Result<Step, GithubError> {
        let Asked { subject, pulls, .. } = self.asked;
        match subject {
            Subject::Pull(pull) => self.of_commit(name, workflow, &self.about(pull)),
            Subject::Group(group) => {
                let ask =
                    self.client()
                        .runs(self.name(), workflow.name(), RunsOf::Head(&group.head));
                let runs = self.ask("list the runs of the workflow", ask)?;
                let run = runs.iter().flatten().next();
                if let Some(repository) = run.and_then(|run| run.repository) {
                    let about = producers::Subject {
                        head: &group.head,
                        repository: Some(repository),
                        seen: None,
                    };
                    return self.of_commit(name, workflow, &about);
                }
                self.of_members(name, workflow, pulls)
            }
        }
    }

    /// What the members of a group were evaluated with. A member that changed no prompt has
    /// nothing to show; a prompt whose evidence is not among the others' is missed by its gates.
    fn of_members(
        &self,
        name: &str,
        workflow: &Workflow,
        pulls: &[PullRequest],
    ) -> Result<Step, GithubError> {
        let mut files = Vec::new();
        let mut absent = None;
        for pull in pulls {
            let about = producers::Subject {
                seen: None,
                ..self.about(pull)
            };
            match self.of_commit(name, workflow, &about)? {
                Step::Supply(Supply::Files(found)) => files.extend(found),
                Step::Supply(Supply::Absent(absence)) => absent = absent.or(Some(absence)),
                wait @ Step::Wait(..) => return Ok(wait),
            }
        }
        let none = || {
            let found = "no run of it for the group, and no pull request of it is known";
            Absence::missing(Code::ProducerMissing, found)
        };
        if files.is_empty() {
            return Ok(absent.unwrap_or_else(none).into());
        }
        Ok(Step::Supply(Supply::Files(files)))
    }

    fn about<'p>(&self, pull: &'p PullRequest) -> producers::Subject<'p> {
        let seen = self.asked.seen.filter(|(head, _)| *head == pull.head);
        producers::Subject {
            head: &pull.head,
            repository: pull.head_repository,
            // Without an event that shows it, the commit's own time must do: it decides only
            // how long nothing is said.
            seen: seen
                .map(|(_, at)| *at)
                .or_else(|| self.repo.time(&pull.head)),
        }
    }

    fn of_commit(
        &self,
        name: &str,
        workflow: &Workflow,
        about: &producers::Subject<'_>,
    ) -> Result<Step, GithubError> {
        let of = RunsOf::Head(about.head);
        let ask = self.client().runs(self.name(), workflow.name(), of);
        let Some(runs) = self.ask("list the runs of the workflow", ask)? else {
            return Ok(self.no_workflow(workflow).into());
        };
        if runs.is_empty() && self.is_unknown(workflow) {
            return Ok(self.no_workflow(workflow).into());
        }
        let patience = Patience {
            now: self.asked.now,
            wait: self.source.wait,
        };
        let run = match producers::for_head(&runs, workflow, about, patience) {
            Choice::Run(run) => run,
            Choice::Wait { what, begun } => return Ok(Step::Wait(what, begun)),
            Choice::Absent(absence) => return Ok(absence.into()),
        };
        Ok(match self.stored(run, name)? {
            Ok(stored) => self.download(&stored, run, self.provenance(run))?,
            Err(absence) => absence.into(),
        })
    }

    fn of_base(&self, name: &str, workflow: &Workflow) -> Result<Step, GithubError> {
        let branch = self.asked.subject.base_ref();
        let ask = self
            .client()
            .runs(self.name(), workflow.name(), RunsOf::Branch(branch));
        let Some(runs) = self.ask("list the runs of the workflow", ask)? else {
            return Ok(self.no_workflow(workflow).into());
        };
        let mut last = None;
        for run in producers::on_base(&runs, workflow).take(BASE_RUNS) {
            if !self.is_on_base(&run.head)? {
                continue;
            }
            match self.stored(run, name)? {
                Ok(stored) => return self.download(&stored, run, Provenance::Ci),
                Err(absence) => last = last.or(Some(absence)),
            }
        }
        let none = || {
            let found = format!("no successful run of it on `{branch}`");
            Absence::missing(Code::ProducerMissing, found)
        };
        Ok(last.unwrap_or_else(none).into())
    }

    /// Whether a commit is part of the base branch. The name of a run's branch does not say so: a
    /// tag may have the same, and a branch may have been moved. Where the clone cannot tell,
    /// GitHub is asked; without an answer it is not.
    fn is_on_base(&self, commit: &CommitSha) -> Result<bool, GithubError> {
        let base = self.asked.subject.base();
        if commit == base {
            return Ok(true);
        }
        if self.repo.has(commit) && !self.repo.is_shallow() {
            let found = self.repo.merge_bases(base, commit);
            return Ok(found.is_ok_and(|(base, _)| base == *commit));
        }
        let ask = self.client().has_landed(self.name(), commit, base);
        self.ask("compare the run's commit with the base branch", ask)
    }

    fn provenance(&self, run: &Run) -> Provenance {
        producers::provenance(run, self.asked.server_url)
    }

    fn of_release(&self, tag: Option<&str>, name: &str) -> Result<Step, GithubError> {
        let ask = self.client().release(self.name(), tag, name);
        let Some(asset) = self.ask("find the release", ask)? else {
            let found = "no such release, or no such file in it";
            return Ok(Absence::missing(Code::ArtifactMissing, found).into());
        };
        let made_at = asset.updated.or(asset.created);
        let Some(made_at) = made_at else {
            let found = "GitHub does not say when it was uploaded";
            return Ok(Absence::broken(Code::EvidenceUnreadable, found).into());
        };
        let get = self
            .client()
            .download_asset(self.name(), &asset, &self.to, self.limit);
        self.asked
            .session
            .run(Phase::Downloads, "download the release's file", get)?;
        Ok(self.attested(Fetched {
            path: self.to.clone(),
            name: format!("{name} of release {}", asset.tag),
            provenance: producers::of_asset(&asset),
            made_at,
        }))
    }

    /// A fetched file, signed for where the policy asks for it.
    fn attested(&self, mut file: Fetched) -> Step {
        if let Some(workflow) = &self.source.attested_by {
            let branch = self.asked.subject.base_ref();
            let verifier = self.asked.verifier;
            if let Err(why) = verifier.verify(&file.path, self.name(), workflow, branch) {
                return Absence::missing(Code::AttestationMissing, why).into();
            }
            file.provenance = Provenance::Attested;
        }
        Step::Supply(Supply::Files(vec![file]))
    }

    fn stored(&self, run: &Run, name: &str) -> Result<Result<Stored, Absence>, GithubError> {
        let ask = self.client().stored(self.name(), run.id, name);
        let stored = self.ask("list the artifacts of the run", ask)?;
        Ok(producers::artifact(&stored, run).cloned())
    }

    fn download(
        &self,
        stored: &Stored,
        run: &Run,
        provenance: Provenance,
    ) -> Result<Step, GithubError> {
        let to = self.to.with_extension(format!("{}.zip", stored.id));
        let get = self.client().download(self.name(), stored, &to, self.limit);
        self.asked
            .session
            .run(Phase::Downloads, "download the artifact", get)?;
        Ok(self.attested(Fetched {
            path: to,
            name: format!("{} of run {}", stored.name, run.id),
            provenance,
            made_at: stored.created.unwrap_or(run.started),
        }))
    }

    /// Whether the base branch has no such workflow, so that nothing will ever run it.
    fn is_unknown(&self, workflow: &Workflow) -> bool {
        let base = self.asked.subject.base();
        matches!(self.repo.entry(base, workflow.file()), Ok(None))
    }

    fn no_workflow(&self, workflow: &Workflow) -> Absence {
        let (path, branch) = (workflow.path(), self.asked.subject.base_ref());
        let found = format!("there is no `{path}` on `{branch}`");
        Absence::missing(Code::ProducerMissing, found)
    }
}

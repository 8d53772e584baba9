//! A push as one step, or commit by commit where that tells more.

use super::asked::{Asked, By};
use crate::environment::Environment;
use crate::error::Error;
use crate::git::{CommitSha, Repo, RepoPath};
use crate::ledger::name::bounded;
use crate::ledger::{About, Body, Draft, Key, Ledger, LedgerError};
use crate::limits::QUEUE_COMMITS;
use crate::reason::Code;
use crate::recording::{self, Got, Resolved};
use crate::rules::Rules;

/// What the steps of a push are found by.
pub(super) struct Steps<'a> {
    /// The push.
    pub(super) asked: &'a Asked,
    /// The repository.
    pub(super) repo: &'a Repo,
    /// What is on record.
    pub(super) ledger: Option<&'a Ledger<'a>>,
    /// The policy's path, where it was named.
    pub(super) named: Option<&'a RepoPath>,
    /// Who and what runs.
    pub(super) environment: &'a Environment,
}

impl Steps<'_> {
    /// One entry for the push. Where that leaves something ungated that a single commit of it
    /// shows to be gated, one for each commit.
    pub(super) fn drafts(&self, rules: &Rules) -> Result<Vec<Draft>, Error> {
        let after = &self.asked.after;
        let branch = bounded(&self.asked.branch);
        let here = self.asked.before.as_ref();
        let Some(before) = here.filter(|before| self.repo.has(before)) else {
            let code = match here {
                Some(_) => Code::HistoryRewritten,
                None => Code::BranchCreated,
            };
            let resolved = recording::everything(self.repo, rules, after, code)?;
            let base = here.unwrap_or(after);
            return Ok(self.drafted(resolved, rules, (base, after)));
        };
        let before = &self.start(before, &branch)?;
        let grew = self.repo.contains(after, before)?;
        let whole = (!grew).then_some(Code::HistoryRewritten);
        let Some(one) = self.got(rules, &branch, (before, after)).resolve(whole)? else {
            return Ok(Vec::new());
        };
        let done = one.ungated().next().is_none() || !grew;
        let mut landed = self.repo.landed(before, after, QUEUE_COMMITS)?;
        landed.reverse();
        // The way back may lead past what was there before, or be too long to be followed.
        let first = landed.first().and_then(|commit| commit.parents.first());
        if done || landed.len() < 2 || first != Some(before) {
            return Ok(self.drafted(Some(one), rules, (before, after)));
        }
        let (mut drafts, mut more) = (Vec::new(), false);
        for commit in &landed {
            let Some(parent) = commit.parents.first() else {
                continue;
            };
            // A commit that left no policy that could be read cannot be judged by itself.
            let Ok(rules) = Rules::find(self.repo, parent, &commit.sha, self.named) else {
                return Ok(self.drafted(Some(one), rules, (before, after)));
            };
            let step = self.got(&rules, &branch, (parent, &commit.sha));
            let Some(step) = step.resolve(None)? else {
                continue;
            };
            more |= one
                .ungated()
                .any(|(name, _)| step.gated().any(|gated| gated == name));
            drafts.extend(self.drafted(Some(step), &rules, (parent, &commit.sha)));
        }
        Ok(if more {
            drafts
        } else {
            self.drafted(Some(one), rules, (before, after))
        })
    }

    fn got<'g>(
        &'g self,
        rules: &'g Rules,
        branch: &'g str,
        (before, after): (&'g CommitSha, &'g CommitSha),
    ) -> Got<'g> {
        Got {
            repo: self.repo,
            ledger: self.ledger,
            rules,
            branch,
            before,
            after,
        }
    }

    /// Where the step of a merged pull request begins: its event names a tip that the branch had
    /// at some time before, and others may have been merged since.
    fn start(&self, before: &CommitSha, branch: &str) -> Result<CommitSha, LedgerError> {
        let By::Merge(_) = self.asked.by else {
            return Ok(before.clone());
        };
        let after = &self.asked.after;
        if !self.repo.contains(after, before)? {
            return Ok(before.clone());
        }
        for commit in self.repo.landed(before, after, QUEUE_COMMITS)? {
            let Some(parent) = commit.parents.first() else {
                break;
            };
            let here = |key| {
                let found = self.ledger.map(|ledger| ledger.about(&key)).transpose()?;
                let mut found = found.into_iter().flatten();
                Ok::<_, LedgerError>(
                    found.any(|stored| stored.entry.about.base_ref.as_deref() == Some(branch)),
                )
            };
            if here(Key::Merge(parent.clone()))? {
                return Ok(parent.clone());
            }
        }
        Ok(before.clone())
    }

    fn drafted(
        &self,
        resolved: Option<Resolved>,
        rules: &Rules,
        (before, after): (&CommitSha, &CommitSha),
    ) -> Vec<Draft> {
        let policy = recording::policy_at(rules.path.as_str(), rules.sha256, rules.origin);
        let about = recording::about(self.environment, before.clone(), after.clone());
        let drafts = resolved.into_iter().map(|resolved| Draft {
            about: About {
                repository: self.asked.of.as_ref().map(ToString::to_string),
                pull: match self.asked.by {
                    By::Merge(number) => Some(number),
                    By::Hand | By::Push(_) => resolved.pull,
                },
                base_ref: Some(bounded(&self.asked.branch)),
                policy: Some(policy.clone()),
                ..about.clone()
            },
            body: Body::Merge(resolved.merge),
        });
        drafts.collect()
    }
}

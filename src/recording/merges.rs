//! What a branch got, bound to the verdicts and approvals on record that let it.

use std::collections::BTreeSet;

use super::chain::{Step, chain};
use crate::change::{Change, ChangeSet, GovernedFile, Kind, Range, includers};
use crate::git::{CommitSha, GitError, Kind as FileKind, Repo, RepoPath};
use crate::ledger::entry::{Approved, Merge, Merged, MergedFile};
use crate::ledger::name::{bounded, word};
use crate::ledger::verdict::Verdict;
use crate::ledger::{Body, Key, Ledger, LedgerError, Stored};
use crate::policy::scope::Governance;
use crate::prompt::PromptId;
use crate::prompt::closure::Revision;
use crate::reason::Code;
use crate::rules::{Origin, Rules};
use crate::units::Digest;

/// One step of a branch: a push, or a commit of it.
pub(crate) struct Got<'a> {
    /// The repository.
    pub(crate) repo: &'a Repo,
    /// What is on record.
    pub(crate) ledger: Option<&'a Ledger<'a>>,
    /// The rules as they were before.
    pub(crate) rules: &'a Rules,
    /// The branch as entries name it.
    pub(crate) branch: &'a str,
    /// Its tip before.
    pub(crate) before: &'a CommitSha,
    /// Its tip now.
    pub(crate) after: &'a CommitSha,
}

/// What came of a step.
#[derive(Debug)]
pub(crate) struct Resolved {
    /// What is recorded.
    pub(crate) merge: Merge,
    /// The pull request that all verdicts relied on are of, where it is one.
    pub(crate) pull: Option<u64>,
}

impl Resolved {
    /// What no verdict let in: each by its name with the reason.
    pub(crate) fn ungated(&self) -> impl Iterator<Item = (&str, &str)> {
        let prompts = self.merge.prompts.iter();
        let prompts = prompts.filter_map(|each| Some((each.id.as_str(), each.ungated.as_deref()?)));
        let files = self.merge.files.iter();
        prompts.chain(files.filter_map(|each| Some((each.path.as_str(), each.ungated.as_deref()?))))
    }

    /// What a verdict let in.
    pub(crate) fn gated(&self) -> impl Iterator<Item = &str> {
        let prompts = self.merge.prompts.iter();
        let prompts = prompts.filter(|each| each.ungated.is_none());
        let files = self.merge.files.iter();
        let files = files.filter(|each| each.ungated.is_none());
        prompts
            .map(|each| each.id.as_str())
            .chain(files.map(|each| each.path.as_str()))
    }
}

/// A prompt with a version; without one it is not there.
type At = (String, Option<Digest>);

impl Got<'_> {
    /// Binds everything governed that changed; `None` where nothing did. `whole` is why nothing
    /// can be gated at all, where that is so.
    pub(crate) fn resolve(&self, whole: Option<Code>) -> Result<Option<Resolved>, LedgerError> {
        let range = Range {
            base: self.before.clone(),
            merge_base: self.before.clone(),
            others: Vec::new(),
            head: self.after.clone(),
        };
        let Rules { policy, path, .. } = self.rules;
        let changes = ChangeSet::between(self.repo, &range, policy, path)?;
        if changes.is_empty() && !self.is_undone()? {
            return Ok(None);
        }
        let mut relied = Relied::default();
        let mut prompts = Vec::new();
        for change in &changes.changes {
            let ungated = match whole {
                Some(code) => Some(code),
                None => self.prompt(change, &mut relied)?,
            };
            prompts.push(merged(change, ungated));
        }
        let mut files = Vec::new();
        // Nothing but the path finds the verdicts on a file.
        let all = self.ledger.filter(|_| !changes.governed.is_empty());
        let entries = all.map_or_else(|| Ok(Vec::new()), Ledger::entries)?;
        for file in &changes.governed {
            let ungated = match whole {
                Some(code) => Some(code),
                None => self.file(file, &entries, &mut relied)?,
            };
            files.push(MergedFile {
                kind: file.kind.id().to_owned(),
                path: bounded(file.path.as_str()),
                blob: file.blob.map(|blob| blob.to_string()),
                ungated: ungated.map(|code| code.id().to_owned()),
            });
        }
        for problem in &changes.broken {
            let blob = self.blob(self.after, &problem.path)?;
            files.push(unreadable(
                &problem.path,
                blob,
                whole.unwrap_or(problem.code),
            ));
        }
        Ok(Some(Resolved {
            pull: relied.pull(),
            merge: Merge {
                prompts,
                files,
                relies_on: relied.entries.into_iter().collect(),
            },
        }))
    }

    /// Whether commits of the step change something governed that others of it change back: the
    /// entry then says that nobody ever had it.
    fn is_undone(&self) -> Result<bool, LedgerError> {
        let line = self
            .repo
            .line(self.after, |commit| commit.sha == *self.before)?;
        let Some((last, commits)) = line.commits.split_last() else {
            return Ok(false);
        };
        // One commit undoes nothing, and a push that does not go on from `before` is no line.
        if last.sha != *self.before || commits.len() < 2 {
            return Ok(false);
        }
        let Rules { policy, path, .. } = self.rules;
        for commit in commits {
            let Some(parent) = commit.parents.first() else {
                continue;
            };
            let range = Range {
                base: parent.clone(),
                merge_base: parent.clone(),
                others: Vec::new(),
                head: commit.sha.clone(),
            };
            if !ChangeSet::between(self.repo, &range, policy, path)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Why a prompt's change is not gated, where it is not.
    fn prompt(&self, change: &Change, relied: &mut Relied) -> Result<Option<Code>, LedgerError> {
        let (from, to) = ends(change);
        let ids = BTreeSet::from([&from.0, &to.0]);
        let keys = ids.iter().map(|id| Key::Prompt((*id).clone()));
        let entries = self.found(keys)?;
        let verdicts = self.verdicts(&entries, |merge| {
            let prompts = merge.prompts.iter().filter(|each| each.ungated.is_none());
            let names = |each: &Merged| {
                let old = each.renamed_from.as_ref();
                ids.contains(&each.id) || old.is_some_and(|old| ids.contains(old))
            };
            prompts.into_iter().any(names)
        })?;
        let steps = steps(&verdicts, |_, verdict| {
            let changes = verdict.changes.iter().map(|each| {
                let old = each.renamed_from.as_ref().unwrap_or(&each.id);
                ((old.clone(), each.from), (each.id.clone(), each.to))
            });
            changes.collect()
        });
        let way = match way(&steps, &from, &to) {
            Ok(way) => way,
            Err(code) => return Ok(Some(self.excused(code))),
        };
        if !self.asks_every_group(change, &way, &verdicts) {
            return Ok(Some(Code::GroupNotAsked));
        }
        self.rely(&way, &verdicts, relied, |step| Subject {
            prompt: Some(step.to.0.clone()),
            file: None,
            version: step.to.1,
        })
    }

    /// Before the first policy there was no gate that could have made a verdict.
    fn excused(&self, code: Code) -> Code {
        match (code, self.rules.origin) {
            (Code::NoVerdict, Origin::Bootstrap) => Code::FirstPolicy,
            (code, _) => code,
        }
    }

    /// Whether the verdicts of a chain ask every group whose approval the policy in force needs:
    /// they may have been made under an older one.
    fn asks_every_group(
        &self,
        change: &Change,
        way: &[Step<At>],
        verdicts: &[(Stored, Verdict)],
    ) -> bool {
        let (from, to) = ends(change);
        if self.rules.origin != Origin::Base || from.1 == to.1 || to.1.is_none() {
            return true;
        }
        let mut needed = self.rules.policy.people.needed(change.risk).iter();
        needed.all(|group| {
            let name = bounded(group);
            let asks = |(stored, verdict): &(Stored, Verdict)| {
                way.iter().any(|step| step.entry == stored.entry.seq)
                    && verdict
                        .approvals
                        .iter()
                        .any(|each| each.prompt.as_ref() == Some(&to.0) && each.group == name)
            };
            verdicts.iter().any(asks)
        })
    }

    /// The same of another file: what it held before a verdict is in the commit that was judged
    /// against.
    fn file(
        &self,
        file: &GovernedFile,
        entries: &[Stored],
        relied: &mut Relied,
    ) -> Result<Option<Code>, LedgerError> {
        let path = bounded(file.path.as_str());
        let verdicts = self.verdicts(entries, |merge| {
            let mut files = merge.files.iter();
            files.any(|each| each.ungated.is_none() && each.path == path)
        })?;
        let steps = steps(&verdicts, |stored, verdict| {
            // A commit that the clone lacks shows nothing.
            let Ok(from) = self.blob(&stored.entry.about.base, &file.path) else {
                return Vec::new();
            };
            let files = verdict.files.iter().filter(|each| each.path == path);
            files
                .map(|each| (from.clone(), each.blob.clone()))
                .collect()
        });
        let from = self.blob(self.before, &file.path)?;
        let to = file.blob.map(|blob| blob.to_string());
        let way = match way(&steps, &from, &to) {
            Ok(way) => way,
            Err(code) => return Ok(Some(self.excused(code))),
        };
        self.rely(&way, &verdicts, relied, |_| Subject {
            prompt: None,
            file: Some(path.clone()),
            version: None,
        })
    }

    fn blob(&self, commit: &CommitSha, path: &RepoPath) -> Result<Option<String>, GitError> {
        let entry = self.repo.entry(commit, path)?;
        let file = entry.filter(|entry| entry.kind != FileKind::Folder);
        Ok(file.map(|entry| entry.id.to_string()))
    }

    /// The entries that some keys find, each once, in order.
    fn found(&self, keys: impl Iterator<Item = Key>) -> Result<Vec<Stored>, LedgerError> {
        let mut found = Vec::new();
        for key in keys {
            if let Some(ledger) = self.ledger {
                found.extend(ledger.about(&key)?);
            }
        }
        found.sort_by_key(|stored| stored.entry.seq);
        found.dedup_by_key(|stored| stored.entry.seq);
        Ok(found)
    }

    /// The verdicts about this branch, newest first. One that was amended lets nothing pass, and
    /// stands before those that it replaced: to take back a red one does not bring back a green
    /// one. A verdict against a commit that the branch never had is about something else: its
    /// policy could be anything. One that an earlier merge `of` the same thing relied on is used
    /// up: what was taken back since does not come back with it.
    fn verdicts(
        &self,
        entries: &[Stored],
        of: impl Fn(&Merge) -> bool,
    ) -> Result<Vec<(Stored, Verdict)>, LedgerError> {
        let used = self.used(entries, of)?;
        let mut found = Vec::new();
        for stored in entries.iter().rev() {
            let about = &stored.entry.about;
            let branch = about.base_ref.as_deref();
            if let Body::Verdict(verdict) = &stored.entry.body
                && branch.is_none_or(|branch| branch == self.branch)
                && !used.contains(&stored.entry.seq)
                && self.repo.has(&about.base)
                && self.repo.contains(self.after, &about.base)?
            {
                let mut verdict = (**verdict).clone();
                if self.is_amended(stored.entry.seq)? {
                    verdict.verdict.clear();
                }
                found.push((stored.clone(), verdict));
            }
        }
        Ok(found)
    }

    /// The entries that merges relied on which the branch had before this step.
    fn used(
        &self,
        entries: &[Stored],
        of: impl Fn(&Merge) -> bool,
    ) -> Result<BTreeSet<u64>, LedgerError> {
        let mut used = BTreeSet::new();
        for stored in entries {
            let head = &stored.entry.about.head;
            if let Body::Merge(merge) = &stored.entry.body
                && of(merge)
                && self.repo.has(head)
                && self.repo.contains(self.before, head)?
                && !self.is_amended(stored.entry.seq)?
            {
                used.extend(&merge.relies_on);
            }
        }
        Ok(used)
    }

    fn is_amended(&self, seq: u64) -> Result<bool, LedgerError> {
        Ok(!self.found([Key::Amends(seq)].into_iter())?.is_empty())
    }

    /// Adds what the verdicts of a chain rest on, unless an approval that one counted is not on
    /// record.
    fn rely<N>(
        &self,
        way: &[Step<N>],
        verdicts: &[(Stored, Verdict)],
        relied: &mut Relied,
        subject: impl Fn(&Step<N>) -> Subject,
    ) -> Result<Option<Code>, LedgerError> {
        let mut own = Relied::default();
        for step in way {
            let of = |(stored, _): &&(Stored, Verdict)| stored.entry.seq == step.entry;
            let Some((stored, verdict)) = verdicts.iter().find(of) else {
                continue;
            };
            own.entries.insert(step.entry);
            own.pulls.insert(stored.entry.about.pull);
            let subject = subject(step);
            if !self.approvals(verdict, &subject, &mut own)? {
                return Ok(Some(Code::ApprovalsNotRecorded));
            }
            self.waivers(verdict, &subject, &mut own)?;
        }
        relied.entries.extend(own.entries);
        relied.pulls.extend(own.pulls);
        Ok(None)
    }

    /// Whether every group that approved has a review on record that says so.
    fn approvals(
        &self,
        verdict: &Verdict,
        subject: &Subject,
        own: &mut Relied,
    ) -> Result<bool, LedgerError> {
        let of = |each: &&crate::ledger::verdict::Approval| match &subject.file {
            Some(path) => each.files.contains(path),
            None => each.prompt == subject.prompt,
        };
        for approval in verdict.approvals.iter().filter(of) {
            let Some(digest) = approval.digest.filter(|_| !approval.counted.is_empty()) else {
                continue;
            };
            let wanted = Approved {
                prompt: approval.prompt.clone(),
                files: approval.files.clone(),
                digest,
                group: approval.group.clone(),
            };
            let mut stands = false;
            for review in &approval.counted {
                let said = self.found([Key::Review(*review)].into_iter())?;
                if let Some(last) = said.last()
                    && let Body::Approve(review) = &last.entry.body
                    && review.subjects.contains(&wanted)
                    && !self.is_amended(last.entry.seq)?
                {
                    own.entries.insert(last.entry.seq);
                    stands = true;
                }
            }
            if !stands {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn waivers(
        &self,
        verdict: &Verdict,
        subject: &Subject,
        own: &mut Relied,
    ) -> Result<(), LedgerError> {
        let waived = verdict.outcomes.iter().filter(|outcome| {
            let about = outcome.prompt.is_none() || outcome.prompt == subject.prompt;
            outcome.outcome == "waived" && about
        });
        for outcome in waived {
            let key = Key::Waiver {
                gate: outcome.gate.clone(),
                prompt: outcome.prompt.clone(),
                version: outcome.prompt.as_ref().and(subject.version),
            };
            let found = self.found([key].into_iter())?;
            own.entries.extend(found.last().map(|last| last.entry.seq));
        }
        Ok(())
    }
}

/// What of a verdict is looked at.
struct Subject {
    prompt: Option<String>,
    file: Option<String>,
    version: Option<Digest>,
}

/// The entries that something rests on.
#[derive(Default)]
struct Relied {
    entries: BTreeSet<u64>,
    pulls: BTreeSet<Option<u64>>,
}

impl Relied {
    fn pull(&self) -> Option<u64> {
        let mut pulls = self.pulls.iter();
        let first = *pulls.next()?;
        first.filter(|_| pulls.next().is_none())
    }
}

/// What the verdicts, newest first, say of one thing: from where to where. What the same pull
/// request was told before about the same step does not count any more.
fn steps<N: Ord + Clone>(
    verdicts: &[(Stored, Verdict)],
    of: impl Fn(&Stored, &Verdict) -> Vec<(N, N)>,
) -> Vec<Step<N>> {
    let mut seen = BTreeSet::new();
    let mut steps = Vec::new();
    for (stored, verdict) in verdicts {
        let about = &stored.entry.about;
        let head = about.pull.is_none().then_some(&about.head);
        for (from, to) in of(stored, verdict) {
            if seen.insert((about.pull, head, from.clone(), to.clone())) {
                steps.push(Step {
                    from,
                    to,
                    passed: verdict.verdict == "pass",
                    entry: stored.entry.seq,
                });
            }
        }
    }
    steps
}

/// The steps of a passing chain, or why there is none.
fn way<N: Ord + Clone>(steps: &[Step<N>], from: &N, to: &N) -> Result<Vec<Step<N>>, Code> {
    let ends = (from, to);
    if let Some(way) = chain(steps, ends, |step| step.passed) {
        let way = way
            .into_iter()
            .filter_map(|index| steps.get(index).cloned());
        return Ok(way.collect());
    }
    Err(match chain(steps, ends, |_| true) {
        Some(_) => Code::VerdictNotPassed,
        None => Code::NoVerdict,
    })
}

fn ends(change: &Change) -> (At, At) {
    let version = |prompt: &Option<crate::prompt::Prompt>| {
        prompt.as_ref().map(|prompt| prompt.version.digest())
    };
    let id = |id: &PromptId| bounded(id.as_str());
    let old = match &change.kind {
        Kind::Renamed { from } => id(from),
        _ => id(&change.id),
    };
    (
        (old, version(&change.base)),
        (id(&change.id), version(&change.head)),
    )
}

fn merged(change: &Change, ungated: Option<Code>) -> Merged {
    let ((old, from), (id, to)) = ends(change);
    let shown = change.head.as_ref().or(change.base.as_ref());
    let label = change.head.as_ref().and_then(|head| head.draft.label());
    Merged {
        renamed_from: (old != id).then_some(old),
        id,
        path: shown.map_or_else(String::new, |prompt| bounded(prompt.path.as_str())),
        from,
        to,
        label: label.map(|label| word(&label)),
        ungated: ungated.map(|code| code.id().to_owned()),
    }
}

/// A governed prompt that cannot be read has no version: its file stands for it.
fn unreadable(path: &RepoPath, blob: Option<String>, code: Code) -> MergedFile {
    MergedFile {
        kind: String::from("prompt"),
        path: bounded(path.as_str()),
        blob,
        ungated: Some(code.id().to_owned()),
    }
}

/// Everything governed that a commit has, where nothing shows what was before.
pub(crate) fn everything(
    repo: &Repo,
    rules: &Rules,
    commit: &CommitSha,
    code: Code,
) -> Result<Option<Resolved>, LedgerError> {
    let scope = &rules.policy.scope;
    let revision = Revision { repo, commit };
    let mut merge = Merge {
        prompts: Vec::new(),
        files: Vec::new(),
        relies_on: Vec::new(),
    };
    for (path, entry) in includers::governed(repo, commit, scope)? {
        let Governance::Governed(rule) = scope.of(&path) else {
            continue;
        };
        match revision.prompts(&path, entry, rule) {
            Ok(found) => merge.prompts.extend(found.iter().map(|prompt| Merged {
                id: bounded(prompt.id.as_str()),
                path: bounded(prompt.path.as_str()),
                renamed_from: None,
                from: None,
                to: Some(prompt.version.digest()),
                label: prompt.draft.label().map(|label| word(&label)),
                ungated: Some(code.id().to_owned()),
            })),
            Err(problem) if problem.code == Code::PromptFormat && !rule.exact => {}
            Err(problem) => {
                let blob = Some(entry.id.to_string());
                merge.files.push(unreadable(&problem.path, blob, code));
            }
        }
    }
    merge.prompts.sort_by(|a, b| a.id.cmp(&b.id));
    let empty = merge.prompts.is_empty() && merge.files.is_empty();
    Ok((!empty).then_some(Resolved { merge, pull: None }))
}

//! What a pull request changes: prompts paired between merge base and head, and the other
//! governed files. Only the difference of the two commits is walked.

mod detect;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
pub(crate) mod hidden;
pub(crate) mod includers;
mod reader;
mod workflow;

pub(crate) use detect::looks_like_prompt;

use std::collections::BTreeSet;

use crate::git::{BlobId, CommitSha, GitError, Repo, RepoPath};
use crate::policy::Policy;
use crate::policy::scope::{Governance, Risk, Rule, Stage};
use crate::prompt::diff::Difference;
use crate::prompt::version::Facet;
use crate::prompt::{Problem, Prompt, PromptId};
use crate::units::Digest;
use hidden::Hidden;

/// The commits of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    /// The base branch as it is now: policy and slow evidence come from here.
    pub(crate) base: CommitSha,
    /// Where the branch left the base branch: the change is counted from here.
    pub(crate) merge_base: CommitSha,
    /// Other commits where it left it, after criss-cross merges. A file can be unchanged since
    /// one of them and changed since another.
    pub(crate) others: Vec<CommitSha>,
    /// The commit that is judged.
    pub(crate) head: CommitSha,
}

impl Range {
    /// Resolves two revisions and their merge base.
    pub(crate) fn resolve(repo: &Repo, base: &str, head: &str) -> Result<Self, GitError> {
        let base = repo.resolve(base)?;
        let head = repo.resolve(head)?;
        let (merge_base, others) = repo.merge_bases(&base, &head)?;
        Ok(Self {
            base,
            merge_base,
            others,
            head,
        })
    }
}

/// Everything governed that a pull request changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct ChangeSet {
    /// Prompts whose version, place or existence changed.
    pub(crate) changes: Vec<Change>,
    /// Governed prompts that cannot be judged, and why.
    pub(crate) broken: Vec<Problem>,
    /// Governed prompts that this change does not touch and that could not be read before it
    /// either.
    pub(crate) broken_before: Vec<Problem>,
    /// Prompts whose files changed while their version did not.
    pub(crate) formatting: Vec<PromptId>,
    /// Other governed files: policy, owners, datasets, judges, evidence, workflow.
    pub(crate) governed: Vec<GovernedFile>,
    /// Changed files inside the policy's patterns that no prompt format reads.
    pub(crate) unread: Vec<RepoPath>,
    /// Changed files that look like prompts and are governed by nothing.
    pub(crate) lookalikes: Vec<RepoPath>,
}

impl ChangeSet {
    /// Compares merge base and head under the policy of the base tip.
    pub(crate) fn between(
        repo: &Repo,
        range: &Range,
        policy: &Policy,
        policy_path: &RepoPath,
    ) -> Result<Self, GitError> {
        detect::change_set(repo, range, policy, policy_path)
    }

    /// The version of a changed prompt at any commit, under its new or its old id and path;
    /// `None` where it is not there or cannot be read.
    pub(crate) fn version_at(
        repo: &Repo,
        policy: &Policy,
        change: &Change,
        commit: &CommitSha,
    ) -> Result<Option<Digest>, GitError> {
        let sides = [&change.head, &change.base].into_iter().flatten();
        let paths: BTreeSet<RepoPath> = sides.clone().map(|prompt| prompt.path.clone()).collect();
        let found = reader::Reader { repo, policy }
            .side(commit, &paths)?
            .prompts;
        let named = |id: &PromptId| found.iter().find(|prompt| prompt.id == *id);
        let prompt = sides.map(|prompt| &prompt.id).find_map(named);
        Ok(prompt.map(|prompt| prompt.version.digest()))
    }

    /// Whether some change must be shown by evals and traces.
    pub(crate) fn need_evidence(&self) -> bool {
        self.changes.iter().any(Change::needs_evidence)
    }

    /// Whether the pull request touches nothing that the policy governs.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.broken.is_empty() && self.governed.is_empty()
    }
}

/// How a prompt changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is new.
    Added,
    /// It has another version.
    Modified,
    /// It has another id, and perhaps another version.
    Renamed {
        /// The id it had.
        from: PromptId,
    },
    /// It is gone.
    Removed,
}

impl Kind {
    /// The kind's word.
    pub(crate) const fn id(&self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Renamed { .. } => "renamed",
            Self::Removed => "removed",
        }
    }
}

/// Why a change needs the full scorecard again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trigger {
    /// The prompt is new.
    NewPrompt,
    /// A model that the prompt did not use before.
    NewModel,
    /// More of the template's words changed than the policy's `major_change`.
    MajorPromptChange,
    /// The first tool.
    ToolsIntroduced,
    /// More tools than before.
    WorkflowExpanded,
}

impl Trigger {
    /// The trigger's word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::NewPrompt => "new_prompt",
            Self::NewModel => "new_model",
            Self::MajorPromptChange => "major_prompt_change",
            Self::ToolsIntroduced => "tools_introduced",
            Self::WorkflowExpanded => "workflow_expanded",
        }
    }
}

/// One changed prompt.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// Its id at head; at base, where it was removed.
    pub(crate) id: PromptId,
    /// How it changed.
    pub(crate) kind: Kind,
    /// The prompt at the merge base, where it was there and readable.
    pub(crate) base: Option<Prompt>,
    /// The prompt at head, where it is there.
    pub(crate) head: Option<Prompt>,
    /// What of it changed.
    pub(crate) facets: BTreeSet<Facet>,
    /// Why the full card is needed, if it is.
    pub(crate) triggers: BTreeSet<Trigger>,
    /// The differences in words.
    pub(crate) differences: Vec<Difference>,
    /// Its risk tier.
    pub(crate) risk: Risk,
    /// Whether it is in production.
    pub(crate) stage: Stage,
    /// The base branch changed the same prompt since the merge base.
    pub(crate) base_moved: bool,
    /// The first line of its file that differs, counted from 1.
    pub(crate) line: usize,
    /// Characters that nobody sees and that it adds.
    pub(crate) hidden: Hidden,
}

impl Change {
    /// Whether the version that would be merged is another one, so that it needs evidence.
    pub(crate) fn needs_evidence(&self) -> bool {
        match (&self.base, &self.head) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(base), Some(head)) => base.version.digest() != head.version.digest(),
        }
    }

    /// Whether the prompt is moved to where the policy asks for less: what is edited there next
    /// is then less looked at.
    pub(crate) fn eases(&self, policy: &Policy) -> bool {
        let Some(head) = &self.head else { return false };
        match policy.scope.of(&head.path) {
            Governance::Governed(rule) => rule.risk < self.risk,
            Governance::Skipped(_) | Governance::Outside => false,
        }
    }

    /// Applies the rules of both places: moving a prompt does not make it less risky.
    fn under(mut self, rules: &[&Rule]) -> Self {
        if let Some(risk) = rules.iter().map(|rule| rule.risk).max() {
            self.risk = risk;
        }
        if !rules.is_empty() && rules.iter().all(|rule| rule.stage == Stage::PreProduction) {
            self.stage = Stage::PreProduction;
        }
        self
    }
}

/// What a governed file is, beside prompts and their closure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum GovernedKind {
    /// The policy itself.
    Policy,
    /// CODEOWNERS.
    Owners,
    /// An eval dataset.
    Dataset,
    /// A judge prompt.
    Judge,
    /// Drills, reviews, data policy statement.
    Evidence,
    /// A template of the comment or the summary.
    Template,
    /// A workflow that runs the gate.
    Workflow,
}

impl GovernedKind {
    /// The kind's word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Owners => "owners",
            Self::Dataset => "dataset",
            Self::Judge => "judge",
            Self::Evidence => "evidence",
            Self::Template => "template",
            Self::Workflow => "workflow",
        }
    }
}

/// A changed governed file that is no prompt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GovernedFile {
    /// What it is.
    pub(crate) kind: GovernedKind,
    /// Where it lies at head, or lay at the merge base.
    pub(crate) path: RepoPath,
    /// Its content at head; `None` where it is not there.
    pub(crate) blob: Option<BlobId>,
    /// The base branch changed it as well since the merge base, and the head has not that.
    pub(crate) base_moved: bool,
}

//! Reason codes: why a gate, a prompt or an evidence file came out as it did.
//!
//! The one list from which the docs table and `gatecard explain` are written.

use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($name:ident $id:literal $about:literal $fix:literal)*) => {
        /// A stable reason code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Code {
            $(#[doc = $about] $name,)*
        }

        impl Code {
            /// Every code, in the order of the docs.
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as it is printed: kebab-case.
            pub(crate) const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// What it means.
            pub(crate) const fn about(self) -> &'static str {
                match self { $(Self::$name => $about,)* }
            }

            /// What to do.
            pub(crate) const fn fix(self) -> &'static str {
                match self { $(Self::$name => $fix,)* }
            }
        }
    };
}

codes! {
    Met "met"
        "The measured value reaches what the policy needs."
        "Nothing to do."
    NotApplicable "not-applicable"
        "The gate has nothing to judge in this change."
        "Nothing to do."
    FirstVersion "first-version"
        "The prompt is new, so there is no baseline to compare with."
        "Nothing to do; the next change is compared with this version."
    PreProduction "pre-production"
        "The policy says that the prompt is not in production yet, and there are no traces."
        "Remove `stage: pre_production` from the policy when it goes live."
    PromptUnreadable "prompt-unreadable"
        "A governed prompt file cannot be read in its format."
        "Correct the file at the named line."
    PromptFormat "prompt-format"
        "No prompt format reads a file that the policy names."
        "Give the file a suffix of a documented format, or take it out of the policy."
    PromptTooLarge "prompt-too-large"
        "A governed prompt file is larger than 1 MiB."
        "Move data out of the prompt, or take the file out of the policy's `prompts`."
    PromptBinary "prompt-binary"
        "A governed prompt file is not text in UTF-8."
        "Save the file as UTF-8 text."
    PromptEmpty "prompt-empty"
        "A governed prompt file has no template."
        "Write the prompt, or remove the file."
    PromptSymlink "prompt-symlink"
        "A governed path is a symbolic link, which is never followed."
        "Commit the file itself."
    PromptSubmodule "prompt-submodule"
        "A governed path is a submodule, whose content is not in this repository."
        "Commit the prompt to this repository."
    PromptLfsPointer "prompt-lfs-pointer"
        "A governed file is a Git LFS pointer, so its content is not in Git."
        "Take the file out of Git LFS."
    PromptIdCollision "prompt-id-collision"
        "Two prompts have the same id."
        "Rename one file, or give it an `id:` in the policy."
    PromptEntries "prompt-entries"
        "A file of a format for one prompt holds several."
        "Give each prompt a file of its own."
    IncludeMissing "include-missing"
        "A prompt includes a file that does not exist at this revision."
        "Add the file, or remove the include."
    IncludeEscape "include-escape"
        "A prompt includes a file outside the repository."
        "Move the file into the repository."
    IncludeCycle "include-cycle"
        "A prompt's includes lead back to themselves."
        "Break the cycle."
    IncludeLimit "include-limit"
        "A prompt includes too much: more than 200 files, 32 levels or 4 MiB."
        "Include less."
    Ungoverned "ungoverned"
        "A governed prompt was moved to where no pattern of the policy finds it."
        "Move it back, or add its new place to the policy's `prompts` first."
    PolicyInvalid "policy-invalid"
        "The pull request leaves the policy in a state that cannot be read."
        "Correct the policy at the named line."
    BaseMoved "base-moved"
        "The base branch changed the same prompt or governed file since this branch left it."
        "Update the branch, then make the evidence again."
    EvidenceMissing "evidence-missing"
        "No eval run was given for the head version of a changed prompt."
        "Run the evals on the head commit and name the results in the action's `evidence` input, or with `--evidence`."
    BaselineMissing "baseline-missing"
        "No eval run was given for the base version, so nothing shows a regression."
        "Run the evals on the base commit too and name both results in the action's `evidence` input, or with `--evidence`."
    EvidenceStale "evidence-stale"
        "The eval results were made with other content than the head version has."
        "Run the evals again on the head commit."
    FacetNotShown "facet-not-shown"
        "The pull request changed something that the eval results do not show."
        "Stamp the version into the run: see the docs on binding."
    EvidenceUnreadable "evidence-unreadable"
        "An evidence file cannot be read."
        "Make the file again, or take it out of the evidence."
    EvidenceUnknown "evidence-unknown-format"
        "No reader recognises an evidence file, or two do."
        "Pass results or traces in a documented format."
    EvidenceExpired "evidence-expired"
        "The newest call of the traces is more than 30 days old."
        "Export a recent period."
    NoCases "no-cases"
        "The eval results hold no case with an assertion."
        "Give the cases assertions; one without proves nothing."
    TooFewCases "too-few-cases"
        "The eval run has fewer cases than the policy needs."
        "Add cases."
    TooManyErrors "too-many-errors"
        "More than 5 % of the cases ended in an error instead of a result."
        "Repair the run, then repeat it."
    Regression "regression"
        "The head version passes significantly fewer cases than the base version."
        "Fix the cases that newly fail, or revert the change."
    NoDropSeen "no-drop-seen"
        "No significant drop between base and head version."
        "Nothing to do."
    ErrorsDecide "errors-decide"
        "Whether there is a regression depends on cases that ended in an error."
        "Repair the run, then repeat it."
    SettingsDiffer "settings-differ"
        "The runs of base and head version were made with other models or parameters, which the change does not touch."
        "Run both versions with the same models and parameters."
    CasesChanged "cases-changed"
        "Fewer than 90 % of the base version's cases were run unchanged on the head version."
        "Run both versions on the same cases; change the dataset in a pull request of its own."
    BaseUnreadable "base-unreadable"
        "The prompt could not be read at the base, so this change repairs it."
        "Nothing to do; the next change is compared with this version."
    NothingPaired "nothing-paired"
        "Baseline and candidate have no case in common."
        "Run both versions on the same cases; give them ids."
    TracesMissing "traces-missing"
        "No traces were given, so nothing shows what production records."
        "Export traces as OTLP JSON lines and name them in the action's `evidence` input, or with `--evidence`."
    TooFewTraces "too-few-traces"
        "There are too few LLM calls to judge."
        "Export a longer period, or lower `min_traces`."
    TraceShare "trace-share"
        "Too few LLM calls carry what the gate needs."
        "Record the named fields in the application's instrumentation."
    TracesUnreadable "traces-unreadable"
        "More than 1 % of the trace records cannot be read."
        "Make the export again."
    TraceUnknown "trace-unknown"
        "No case of the eval run was taken from a trace that is known here."
        "Take cases from production traces and keep the trace id in their metadata."
    HistoryMissing "history-missing"
        "Traces name a prompt version that this shallow clone cannot look up."
        "Let the checkout step fetch the whole history: `fetch-depth: 0`."
    BandTooLow "band-too-low"
        "A change that needs the full scorecard reached a band below the minimum."
        "Raise the categories below their threshold; each says how."
    Approved "approved"
        "Every group that the policy names approved what would be merged."
        "Nothing to do."
    ApprovalMissing "approval-missing"
        "A group that must approve has not."
        "Ask somebody of the group to review this version."
    ApprovalsUnknown "approvals-unknown"
        "An approval is needed, and nothing says who approved."
        "Let the check read the reviews: it needs a pull request event and a token that may. On a laptop, pass --approvals FILE, saved by `gatecard approvals --format json`."
    ChangesRequested "changes-requested"
        "A reviewer requests changes."
        "Make the changes and ask the reviewer again, or have the review dismissed."
    TeamUnreadable "team-unreadable"
        "The members of a team that may approve could not be read."
        "Give the token `members: read` of the organisation, or list people in the policy's `groups`."
    WritersUnknown "writers-unknown"
        "Whether a reviewer may write to the repository is not known."
        "Name people or teams as the policy's `policy_owners`."
    AuthorsUnknown "authors-unknown"
        "Who wrote a commit that changed what is approved is not known."
        "Save the approvals again for these commits with `gatecard approvals --format json`."
    ApprovalStale "approval-stale"
        "What was approved changed after the approval."
        "Ask the reviewer to review this version."
    ApprovalForcePushed "approval-force-pushed"
        "The branch was force-pushed after the approval, and GitHub moves approvals along."
        "Ask the reviewer to review this version."
    ApprovalRetargeted "approval-retargeted"
        "The pull request got another base branch after the approval."
        "Ask the reviewer to review this version."
    ApprovalUnplaced "approval-unplaced"
        "Nothing shows which version an approval was given to."
        "Ask the reviewer to review this version; fetch the whole history if the commit is missing."
    ApprovalDismissed "approval-dismissed"
        "The reviewer's last review was dismissed."
        "Ask the reviewer to review this version."
    ApprovalUnknownState "approval-unknown-state"
        "The reviewer's last review has a state that gatecard does not know."
        "Update gatecard, or ask the reviewer to review again."
    ApprovalSelf "approval-self"
        "Who opened the pull request cannot approve it."
        "Ask somebody else of the group."
    ApprovalBot "approval-bot"
        "A bot approves for nobody."
        "Ask somebody of the group."
    ApprovalAuthor "approval-author"
        "Who wrote a commit that changed what is approved cannot approve it."
        "Ask somebody else of the group."
    ApprovalNotAMember "approval-not-a-member"
        "The reviewer is not in the group."
        "Ask somebody of the group."
}

impl Code {
    /// Finds a code by its id.
    pub(crate) fn by_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.id() == id)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

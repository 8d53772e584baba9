//! The command line: names, help and nothing that acts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A Git-native pre-merge gate for prompt and model changes.
#[derive(Debug, Parser)]
#[command(name = "gatecard", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 pass, 1 a gate failed, 2 usage or policy error, \
    3 evidence or prompt unreadable, 4 GitHub or network, 5 the ledger."
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The gate: compare two commits, weigh the evidence, give a verdict.
    Check(CheckArgs),
    /// Which approvals count for what would be merged, and why the others do not.
    Approvals(ApprovalsArgs),
    /// Put on record what a branch got, with the verdicts and approvals that let it.
    Record(RecordArgs),
    /// Save what the policy's sources name on GitHub, to check without network.
    Evidence(EvidenceArgs),
    /// What eval results say, and how two of them compare: no repository is needed.
    Evals(EvalsArgs),
    /// Every prompt with its version at a revision.
    Prompts(PromptsArgs),
    /// Whether the ledger holds: offline, everything that this clone can tell.
    Verify(VerifyArgs),
    /// Every version of a prompt that the base branch got: who approved it, on what evidence.
    Log(LogArgs),
    /// Which version the base branch had at a time, and who approved it.
    Blame(BlameArgs),
    /// One entry of the ledger, as it stands there.
    Show(ShowArgs),
    /// The audit trail as in-toto statements, or as a table.
    Export(ExportArgs),
    /// Write a policy and workflows for this repository.
    Init(InitArgs),
    /// What a reason code, a gate or a category means.
    Explain(ExplainArgs),
    /// What is missing in this set-up: repository, policy, token, permissions.
    Doctor(DoctorArgs),
    /// The main job on a shipped example: a change that is blocked, and the one that passes.
    Demo(DemoArgs),
}

/// The change that a command is about.
#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    /// The repository: a clone, a bare one, or a linked worktree.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
    /// The base branch as it is now; without it, from the event.
    #[arg(long, value_name = "REV", requires = "head")]
    pub(crate) base: Option<String>,
    /// The commit to judge; without it, from the event.
    #[arg(long, value_name = "REV", requires = "base")]
    pub(crate) head: Option<String>,
    /// The policy's path inside the base tree [default: .github/gatecard.yml or gatecard.yml].
    #[arg(long, value_name = "PATH")]
    pub(crate) policy: Option<String>,
    /// The event's payload [default: `GITHUB_EVENT_PATH`].
    #[arg(long, value_name = "FILE")]
    pub(crate) event: Option<PathBuf>,
}

/// `gatecard check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// What is judged.
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
    /// A policy on disk, to see what it would say; the result is never published.
    #[arg(long, value_name = "FILE", conflicts_with = "policy")]
    pub(crate) policy_file: Option<PathBuf>,
    /// Eval results or traces: a file, a folder or a pattern; `candidate=PATH` and
    /// `baseline=PATH` say which side it is. Adds to the policy's sources.
    #[arg(long, value_name = "[SIDE=]PATH")]
    pub(crate) evidence: Vec<String>,
    /// Reviews saved by `gatecard approvals --format json`. Ignored where a result is published:
    /// the reviews are then read from GitHub.
    #[arg(long, value_name = "FILE")]
    pub(crate) approvals: Option<PathBuf>,
    /// What `gatecard evidence --out DIR` saved of the policy's sources. Ignored where a result is
    /// published: they are then fetched from GitHub.
    #[arg(long, value_name = "DIR")]
    pub(crate) fetched: Option<PathBuf>,
    /// Record the result in the ledger's branch of this repository, without network. Where it is
    /// published it is recorded without this.
    #[arg(long, conflicts_with = "policy_file")]
    pub(crate) record: bool,
    /// text, markdown or json, to standard output or to a file. May be given several times.
    #[arg(long, value_name = "NAME[=FILE]", default_value = "text")]
    pub(crate) format: Vec<String>,
    /// observe, advise or enforce. When something is published it can only tighten the policy.
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<String>,
    /// The time of the check, RFC 3339 [default: now].
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<String>,
    /// What the job's own result says: `status` (the default) whether the commit status could be
    /// written, which then blocks; `verdict` the verdict.
    #[arg(long, value_name = "WHAT")]
    pub(crate) job_result: Option<String>,
}

/// `gatecard approvals`.
#[derive(Debug, Args)]
pub(crate) struct ApprovalsArgs {
    /// What is judged.
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
    /// The pull request of `GITHUB_REPOSITORY`, instead of an event.
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["event", "approvals"])]
    pub(crate) pull: Option<u64>,
    /// Reviews that this command saved before as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) approvals: Option<PathBuf>,
    /// text, or json: what `--approvals` reads, with the judgement beside it.
    #[arg(long, value_name = "NAME", default_value = "text", value_parser = ["text", "json"])]
    pub(crate) format: String,
}

/// `gatecard record`.
#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// The repository: a clone, a bare one, or a linked worktree.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
    /// The policy's path [default: .github/gatecard.yml or gatecard.yml].
    #[arg(long, value_name = "PATH")]
    pub(crate) policy: Option<String>,
    /// The payload of a push or of a closed pull request [default: `GITHUB_EVENT_PATH`].
    #[arg(long, value_name = "FILE")]
    pub(crate) event: Option<PathBuf>,
    /// What the branch had, instead of an event.
    #[arg(long, value_name = "REV", requires = "to", conflicts_with = "event")]
    pub(crate) from: Option<String>,
    /// What the branch has now.
    #[arg(long, value_name = "REV", requires = "from")]
    pub(crate) to: Option<String>,
    /// The branch [default: the repository's default branch].
    #[arg(long, value_name = "NAME", requires = "from")]
    pub(crate) branch: Option<String>,
    /// The number of an entry that is wrong: it supports nothing any more.
    #[arg(long, value_name = "SEQ", requires = "reason", conflicts_with_all = ["from", "event"])]
    pub(crate) amend: Option<u64>,
    /// Why the entry is wrong, for whoever reads the ledger: no secrets, no addresses.
    #[arg(long, value_name = "TEXT", requires = "amend")]
    pub(crate) reason: Option<String>,
}

/// `gatecard evidence`.
#[derive(Debug, Args)]
pub(crate) struct EvidenceArgs {
    /// What is judged.
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
    /// The pull request of `GITHUB_REPOSITORY`, instead of an event.
    #[arg(long, value_name = "NUMBER", conflicts_with = "event")]
    pub(crate) pull: Option<u64>,
    /// Where the files go, with a list of what each of them is.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
}

/// `gatecard prompts`.
#[derive(Debug, Args)]
pub(crate) struct PromptsArgs {
    /// The repository.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
    /// The revision, whose own policy says what is a prompt.
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub(crate) revision: String,
    /// The policy's path [default: .github/gatecard.yml or gatecard.yml].
    #[arg(long, value_name = "PATH")]
    pub(crate) policy: Option<String>,
    /// text or json.
    #[arg(long, value_name = "NAME", default_value = "text", value_parser = ["text", "json"])]
    pub(crate) format: String,
    /// Write the versions, and the digests of datasets and judges, into a lock file [without
    /// FILE: gatecard.lock of the worktree].
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "asked for, and with a name")]
    pub(crate) lock: Option<Option<PathBuf>>,
    /// Write nothing: exit code 1 where the lock file is out of date.
    #[arg(long, requires = "lock")]
    pub(crate) check: bool,
}

/// `gatecard verify`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 the ledger holds, 1 it does not, 2 nobody can tell from here."
)]
pub(crate) struct VerifyArgs {
    /// The repository: a clone, a bare one, or a linked worktree.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
    /// The ledger's branch or commit [default: the policy's branch, here or fetched].
    #[arg(long, value_name = "REF")]
    pub(crate) ledger: Option<String>,
    /// The base branch whose changes must be on record [default: the repository's].
    #[arg(long, value_name = "BASE")]
    pub(crate) branch: Option<String>,
    /// The policy's path [default: .github/gatecard.yml or gatecard.yml].
    #[arg(long, value_name = "PATH")]
    pub(crate) policy: Option<String>,
    /// From when on changes must be on record: after a commit, or from a day or time (RFC 3339)
    /// on [default: after the base of the first entry].
    #[arg(long, value_name = "REV|DATE")]
    pub(crate) since: Option<String>,
    /// An entry's number and at least 12 characters of its digest, from a commit status or a step
    /// output. May be given several times.
    #[arg(long, value_name = "SEQ:DIGEST")]
    pub(crate) anchor: Vec<String>,
    /// Whose keys may sign entries, as ssh-keygen reads it; times are in UTC.
    #[arg(long, value_name = "FILE")]
    pub(crate) allowed_signers: Option<PathBuf>,
    /// GitHub's keys, <https://github.com/web-flow.gpg>, to check the commits' signatures with gpgv.
    #[arg(long, value_name = "FILE")]
    pub(crate) github_keys: Option<PathBuf>,
    /// text or json.
    #[arg(long, value_name = "NAME", default_value = "text", value_parser = ["text", "json"])]
    pub(crate) format: String,
}

/// The base branch and the ledger that a command reads.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The repository: a clone, a bare one, or a linked worktree.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
    /// The base branch [default: the remote's default branch, else the one that is checked out].
    #[arg(long, value_name = "BASE")]
    pub(crate) branch: Option<String>,
    /// The ledger's branch, or a commit of it [default: what the base branch's policy says].
    #[arg(long, value_name = "REF")]
    pub(crate) ledger: Option<String>,
    /// The policy's path [default: .github/gatecard.yml or gatecard.yml].
    #[arg(long, value_name = "PATH")]
    pub(crate) policy: Option<String>,
}

/// `gatecard log`.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// The prompt's id. Without it, each prompt as it is now.
    pub(crate) prompt: Option<String>,
    /// What is read.
    #[command(flatten)]
    pub(crate) history: HistoryArgs,
    /// Only what came later: than a time (RFC 3339), from the start of a day (UTC), or after a
    /// revision.
    #[arg(long, value_name = "DATE|REV")]
    pub(crate) since: Option<String>,
    /// text, json or csv.
    #[arg(long, value_name = "NAME", default_value = "text", value_parser = ["text", "json", "csv"])]
    pub(crate) format: String,
}

/// `gatecard blame`.
#[derive(Debug, Args)]
pub(crate) struct BlameArgs {
    /// The prompt's id, with `--at`.
    #[arg(requires = "at", required_unless_present = "version")]
    pub(crate) prompt: Option<String>,
    /// A time (RFC 3339), a day (its end, UTC), or a revision such as a release's tag.
    #[arg(long, value_name = "TIME|REV|RELEASE", requires = "prompt")]
    pub(crate) at: Option<String>,
    /// A version, as traces name it: at least its first 12 characters.
    #[arg(long, value_name = "DIGEST", conflicts_with_all = ["prompt", "at"])]
    pub(crate) version: Option<String>,
    /// What is read.
    #[command(flatten)]
    pub(crate) history: HistoryArgs,
    /// text, json or csv.
    #[arg(long, value_name = "NAME", default_value = "text", value_parser = ["text", "json", "csv"])]
    pub(crate) format: String,
}

/// `gatecard show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Its number, at least 12 characters of its digest, or both, such as 2:0123456789ab.
    #[arg(value_name = "ENTRY")]
    pub(crate) entry: String,
    /// What is read.
    #[command(flatten)]
    pub(crate) history: HistoryArgs,
}

/// `gatecard export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// What is read.
    #[command(flatten)]
    pub(crate) history: HistoryArgs,
    /// vsa: SLSA verification summaries; svr: in-toto simple verification results; test-result:
    /// in-toto test results of every verdict; csv: one line a version.
    #[arg(long, value_name = "NAME", value_parser = ["vsa", "svr", "test-result", "csv"])]
    pub(crate) format: String,
    /// Only what came later: than a time (RFC 3339), from the start of a day (UTC), or after a
    /// revision.
    #[arg(long, value_name = "DATE|REV")]
    pub(crate) since: Option<String>,
    /// Only this prompt.
    #[arg(long, value_name = "ID")]
    pub(crate) prompt: Option<String>,
    /// Where to write it [default: standard output].
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// `gatecard init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The repository, with a worktree.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
    /// `simple`: one workflow, for branches of the same repository. `two-stage`: evals and gate
    /// apart, for forks too. Without it, a terminal is asked; else `simple`.
    #[arg(long, value_name = "NAME", value_parser = ["simple", "two-stage"])]
    pub(crate) workflow: Option<String>,
    /// Which files are prompts; may be given several times [default: what the repository shows].
    #[arg(long, value_name = "GLOB")]
    pub(crate) prompts: Vec<String>,
    /// The command that runs the evals and writes the results to "${OUT}" [default: promptfoo].
    #[arg(long, value_name = "COMMAND")]
    pub(crate) evals: Option<String>,
    /// gatecard's action at a release's commit. Without it, its line is left to complete.
    #[arg(long, value_name = "OWNER/gatecard@SHA")]
    pub(crate) action: Option<String>,
    /// Overwrite files that are there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the files instead of writing them.
    #[arg(long, conflicts_with = "force")]
    pub(crate) print: bool,
}

/// Arguments of `gatecard evals`.
#[derive(Debug, Args)]
pub(crate) struct EvalsArgs {
    /// Eval results, of any format that `gatecard explain` lists.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Results of the version before, to compare with.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) baseline: Vec<PathBuf>,
    /// How to print it.
    #[arg(long, value_name = "NAME", default_value = "text", value_parser = ["text", "markdown", "json"])]
    pub(crate) format: String,
}

/// `gatecard explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A reason code, a gate or a category; without it, all of them are listed.
    pub(crate) what: Option<String>,
}

/// `gatecard doctor`.
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The repository: a clone, a bare one, or a linked worktree.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) repo: PathBuf,
    /// The revision whose policy is read.
    #[arg(long, value_name = "REV", default_value = "HEAD")]
    pub(crate) revision: String,
    /// The policy's path [default: .github/gatecard.yml or gatecard.yml].
    #[arg(long, value_name = "PATH")]
    pub(crate) policy: Option<String>,
}

/// `gatecard demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// An example folder instead of the one that is built in.
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,
    /// Where to build the repository, which then stays [default: a temporary folder].
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

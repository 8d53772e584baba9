//! The command line: names, help and nothing that acts.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A Git-native pre-merge gate for prompt and model changes.
#[derive(Debug, Parser)]
#[command(name = "gatecard", version, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 pass, 1 a gate failed, 2 usage or policy error, \
    3 evidence or prompt unreadable, 4 GitHub or network."
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
    /// Save what the policy's sources name on GitHub, to check without network.
    Evidence(EvidenceArgs),
    /// Every prompt with its version at a revision.
    Prompts(PromptsArgs),
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

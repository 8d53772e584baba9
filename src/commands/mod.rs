//! One file for each subcommand.

mod approvals;
mod check;
pub(crate) mod demo;
pub(crate) mod doctor;
mod evals;
mod evidence;
mod explain;
mod history;
mod init;
mod live;
mod moment;
mod prompts;
mod record;
mod verify;

use std::time::Instant;

use chrono::{DateTime, Utc};

use crate::cli::Command;
use crate::console::Console;
use crate::environment::Environment;
use crate::error::Error;
use crate::git::RepoPath;
use crate::github::Patience;

/// What a command gets from outside.
pub(crate) struct Context<'a> {
    /// The environment, read once.
    pub(crate) environment: &'a Environment,
    /// The clock, read once.
    pub(crate) now: DateTime<Utc>,
    /// The clock, for what happens long after the start.
    pub(crate) clock: fn() -> DateTime<Utc>,
    /// Waits after so many lost races for the ledger.
    pub(crate) pause: fn(usize),
    /// How long to wait for GitHub.
    pub(crate) patience: Patience,
    /// Until when commits may be fetched, once the first one was.
    pub(crate) fetching: Option<Instant>,
    /// Standard output and standard error.
    pub(crate) console: &'a mut Console,
}

impl Context<'_> {
    /// Prints what people read.
    fn print(&mut self, text: &str) -> Result<(), Error> {
        self.console.page(text).map_err(Error::Stdout)
    }

    /// Prints what programs read.
    fn print_data(&mut self, text: &str) -> Result<(), Error> {
        self.console.data(text).map_err(Error::Stdout)
    }

    /// Says something beside the result. Where nobody listens, nothing is lost.
    fn note(&mut self, text: &str) {
        self.console.note(text);
    }
}

/// Runs a command and returns its exit code.
pub(crate) fn run(command: &Command, context: &mut Context<'_>) -> Result<u8, Error> {
    match command {
        Command::Check(args) => check::run(args, context),
        Command::Approvals(args) => approvals::run(args, context),
        Command::Record(args) => record::run(args, context),
        Command::Evidence(args) => evidence::run(args, context),
        Command::Evals(args) => evals::run(args, context),
        Command::Prompts(args) => prompts::run(args, context),
        Command::Verify(args) => verify::run(args, context),
        Command::Log(args) => history::log::run(args, context),
        Command::Blame(args) => history::blame::run(args, context),
        Command::Show(args) => history::show::run(args, context),
        Command::Export(args) => history::export::run(args, context),
        Command::Init(args) => init::run(args, context),
        Command::Explain(args) => explain::run(args, context),
        Command::Doctor(args) => doctor::run(args, context),
        Command::Demo(args) => demo::run(args, context),
    }
}

/// Reads `--policy`: a file inside the tree, which is never the tree itself.
fn policy_path(text: &str) -> Result<RepoPath, Error> {
    RepoPath::parse(text)
        .filter(|path| *path != RepoPath::root())
        .ok_or_else(|| Error::Usage {
            what: "--policy",
            found: text.to_owned(),
            expected: String::from("a path inside the base tree"),
        })
}

//! gatecard: a Git-native pre-merge gate for prompt and model changes.
//!
//! The modules, each depending only on those below it:
//!
//! - `cli`, `commands`: the command line; `commands/check/evaluate.rs` is the flow, one call a step
//! - `recording`: what a check or a merge tells the ledger
//! - `console`: the one way to standard output and standard error
//! - `publish`, `github`: deliver a report; the only user of octocrab
//! - `output`, `report`, `remark`, `anchor`: a report, its renderers (a family), what it says of
//!   lines and of its place in the ledger
//! - `gates`: facts to outcomes (a family)
//! - `scorecard`, `categories`: the seven scores (a family)
//! - `trail`, `statement`: what the ledger tells of each version, for people and as in-toto
//! - `ledger`: the audit trail in Git: entries, chain, store
//! - `verdict`, `measure`: how gates come out, what they measure, what it comes to
//! - `lineage`, `timeline`: the versions and commits that a branch had, and when
//! - `approval`: who approved which closure
//! - `evidence`: eval results and traces (two families), bound to versions
//! - `regression`, `stats`: baseline against candidate
//! - `change`: what a pull request changes
//! - `prompt`: prompt files (a family), closure, version
//! - `rules`, `policy`, `templates`: what the base branch asks for
//! - `untrusted`, `git`, `yaml`, `glob`, `files`, `fold`, `environment`, `units`, `random`, `reason`,
//!   `limits`, `process`: the edges
//!
//! Nothing but [`run`] is public: the interface is the command line. A benchmark drives
//! `simulation`.

mod anchor;
mod answers;
mod approval;
mod categories;
mod change;
mod cli;
mod commands;
mod console;
#[cfg(test)]
mod docs;
mod environment;
mod error;
mod evidence;
mod files;
mod fold;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod gates;
mod git;
mod github;
mod glob;
mod ledger;
mod limits;
mod lineage;
mod lock;
mod measure;
mod output;
mod policy;
mod process;
mod prompt;
mod publish;
mod random;
mod reason;
mod recording;
mod regression;
mod remark;
mod report;
mod rules;
mod scorecard;
mod statement;
mod stats;
mod templates;
mod timeline;
mod trail;
mod units;
mod untrusted;
mod verdict;
mod yaml;

#[doc(hidden)]
pub use regression::simulation;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;

use cli::Cli;
use commands::Context;
use console::Console;
use environment::Environment;
use error::Error;
use github::Patience;

/// Runs the program with this process's arguments, environment and clock.
pub fn run() -> ExitCode {
    let (out, err) = (std::io::stdout(), std::io::stderr());
    let is_terminal = out.is_terminal();
    let token = environment::in_workflow().then(random::token).transpose();
    let fence = token.as_ref().ok().cloned().flatten();
    let mut console = Console::new(Box::new(out), Box::new(err), fence);
    let result = token
        .map_err(Error::from)
        .and_then(|_| start(&mut console, is_terminal));
    let code = match result {
        Ok(code) => code,
        Err(error) => {
            console.explain(&error);
            error.exit_code()
        }
    };
    console.end();
    ExitCode::from(code)
}

fn start(console: &mut Console, is_terminal: bool) -> Result<u8, Error> {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return Ok(console.usage(&error)),
    };
    let environment = Environment::of_process()?;
    console.colour = is_terminal && !environment.no_color;
    let mut context = Context {
        environment: &environment,
        now: chrono::Utc::now(),
        clock: chrono::Utc::now,
        pause: ledger::append::pause,
        patience: Patience::default(),
        fetching: None,
        console,
    };
    commands::run(&cli.command, &mut context)
}

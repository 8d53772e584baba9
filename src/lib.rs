//! gatecard: a Git-native pre-merge gate for prompt and model changes.
//!
//! The modules, each depending only on those below it:
//!
//! - `cli`, `commands`: the command line; `commands/check/evaluate.rs` is the flow, one call a step
//! - `console`: the one way to standard output and standard error
//! - `publish`, `github`: deliver a report; the only user of octocrab
//! - `output`, `report`, `remark`: a report, its renderers (a family), what it says of lines
//! - `verdict`, `gates`: outcomes and what they come to (a family)
//! - `scorecard`, `categories`: the seven scores (a family)
//! - `approval`: who approved which closure
//! - `evidence`: eval results and traces (two families), bound to versions
//! - `regression`, `stats`: baseline against candidate
//! - `change`: what a pull request changes
//! - `prompt`: prompt files (a family), closure, version
//! - `rules`, `policy`, `templates`: what the base branch asks for
//! - `untrusted`, `git`, `yaml`, `glob`, `files`, `environment`, `units`, `random`, `reason`,
//!   `limits`, `process`: the edges
//!
//! Nothing but [`run`] is public: the interface is the command line.

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
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod gates;
mod git;
mod github;
mod glob;
mod limits;
mod output;
mod policy;
mod process;
mod prompt;
mod publish;
mod random;
mod reason;
mod regression;
mod remark;
mod report;
mod rules;
mod scorecard;
mod stats;
mod templates;
mod units;
mod untrusted;
mod verdict;
mod yaml;

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
        patience: Patience::default(),
        fetching: None,
        console,
    };
    commands::run(&cli.command, &mut context)
}

//! gatecard: a Git-native pre-merge gate for prompt and model changes.
//!
//! The modules, each depending only on those below it:
//!
//! - `cli`, `commands`: the command line; `commands/check/evaluate.rs` is the flow, one call a step
//! - `publish`, `github`: deliver a report; the only user of octocrab
//! - `output`, `report`, `remark`: a report, its renderers (a family), what it says of lines
//! - `verdict`, `gates`: outcomes and what they come to (a family)
//! - `scorecard`, `categories`: the seven scores (a family)
//! - `approval`: who approved which closure
//! - `evidence`: eval results and traces (two families), bound to versions
//! - `regression`, `stats`: baseline against candidate
//! - `change`: what a pull request changes
//! - `prompt`: prompt files (a family), closure, version
//! - `rules`, `policy`: what the base branch asks for
//! - `untrusted`, `git`, `yaml`, `files`, `environment`, `units`, `reason`: the edges
//!
//! Nothing but [`run`] is public: the interface is the command line.

mod approval;
mod categories;
mod change;
mod cli;
mod commands;
#[cfg(test)]
mod docs;
mod environment;
mod error;
mod evidence;
mod files;
mod gates;
mod git;
mod github;
mod output;
mod policy;
mod prompt;
mod publish;
mod reason;
mod regression;
mod remark;
mod report;
mod rules;
mod scorecard;
mod stats;
mod units;
mod untrusted;
mod verdict;
mod yaml;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;

use commands::Context;
use environment::Environment;
use error::Error;
use github::Patience;

/// Runs the program with this process's arguments, environment and clock.
pub fn run() -> ExitCode {
    let cli = cli::Cli::parse();
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let colour_possible = out.is_terminal();
    let result = Environment::of_process()
        .map_err(Error::from)
        .and_then(|environment| {
            let mut context = Context {
                environment: &environment,
                now: chrono::Utc::now(),
                patience: Patience::default(),
                fetching: None,
                colour: colour_possible && !environment.no_color,
                out: &mut out,
                err: &mut err,
            };
            commands::run(&cli.command, &mut context)
        });
    match result {
        Ok(code) => ExitCode::from(code),
        // Whoever reads the output has seen enough.
        Err(Error::Stdout(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => {
            error.explain(&mut err);
            ExitCode::from(error.exit_code())
        }
    }
}

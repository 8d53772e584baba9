//! Runs another program that asks nobody anything, no longer than it may take.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::limits::PROGRAM_MESSAGE;

/// Why a program did not do what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// It could not be started.
    NotStarted(String),
    /// It ended with this on standard error.
    Refused(String),
    /// It did not end in time.
    Late,
}

/// Runs a program until it ends, or until `end`.
pub(crate) fn run(mut command: Command, end: Instant) -> Result<(), Failure> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| Failure::NotStarted(error.to_string()))?;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(_)) => return Err(Failure::Refused(said(&mut child))),
            Ok(None) if Instant::now() < end => std::thread::sleep(Duration::from_millis(20)),
            Ok(None) | Err(_) => {
                drop(child.kill());
                drop(child.wait());
                return Err(Failure::Late);
            }
        }
    }
}

/// What a program said, in one line.
fn said(child: &mut Child) -> String {
    let mut bytes = Vec::new();
    if let Some(pipe) = child.stderr.take() {
        drop(pipe.take(PROGRAM_MESSAGE).read_to_end(&mut bytes));
    }
    let said = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = said.lines().map(str::trim).collect();
    lines.join("; ")
}

//! The report to standard output and files, in the formats that were asked for.

use std::path::{Path, PathBuf};

use crate::commands::Context;
use crate::error::Error;
use crate::files;
use crate::output::{self, Look, Output};
use crate::report::Report;
use crate::verdict::Verdict;

/// Where a rendered report goes.
pub(super) type Target = (&'static dyn Output, Option<PathBuf>);

/// Reads `NAME[=FILE]`.
pub(super) fn targets(named: &[String]) -> Result<Vec<Target>, Error> {
    named
        .iter()
        .map(|text| {
            let (name, file) = match text.split_once('=') {
                Some((name, file)) => (name, Some(PathBuf::from(file))),
                None => (text.as_str(), None),
            };
            let known: Vec<&str> = output::OUTPUTS.iter().map(|output| output.id()).collect();
            let output = output::by_id(name).ok_or_else(|| Error::Usage {
                what: "--format",
                found: name.to_owned(),
                expected: format!("one of {}", known.join(", ")),
            })?;
            Ok((output, file))
        })
        .collect()
}

/// Renders the report to every target.
pub(super) fn report(
    targets: &[Target],
    report: &Report,
    context: &mut Context<'_>,
) -> Result<(), Error> {
    for (output, file) in targets {
        let look = Look {
            colour: context.console.colour && file.is_none(),
        };
        let text = output.render(report, look)?;
        match file {
            None if output.is_page() => context.print(&text)?,
            _ => deliver(&text, file.as_deref(), context)?,
        }
    }
    Ok(())
}

fn deliver(text: &str, file: Option<&Path>, context: &mut Context<'_>) -> Result<(), Error> {
    match file {
        Some(file) => Ok(files::write_atomic(file, text.as_bytes())?),
        None => context.print_data(text),
    }
}

/// Programs that asked for JSON get JSON, whatever happened.
pub(super) fn unfinished(
    targets: &[Target],
    error: &Error,
    context: &mut Context<'_>,
) -> Result<(), Error> {
    for (_, file) in targets.iter().filter(|(output, _)| output.id() == "json") {
        let mut errors = vec![error.to_string()];
        errors.extend(error.details().map(str::to_owned));
        let text = serde_json::json!({
            "schema": "gatecard/check/v1",
            "verdict": Verdict::Error.id(),
            "errors": errors,
            "next": error.hint(),
        });
        deliver(&format!("{text:#}\n"), file.as_deref(), context)?;
    }
    Ok(())
}

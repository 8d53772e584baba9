//! The files that the workflow runner reads after the step: outputs and summary.

use std::path::Path;

use super::Part;
use super::error::PublishError;
use crate::limits::SUMMARY;
use crate::untrusted::step_output;
use crate::{files, random};

/// Writes the step's outputs, all or none of them.
pub(super) fn write_outputs(outputs: &[(&'static str, String)], file: Option<&Path>) -> Part {
    let Some(file) = file else {
        return Part::skipped("no GITHUB_OUTPUT");
    };
    let text = random::token()
        .map_err(PublishError::from)
        .and_then(|delimiter| blocks(outputs, &delimiter));
    let written = text.and_then(|text| Ok(files::append(file, text.as_bytes())?));
    written.map_or_else(Part::Failed, |()| Part::Done("written"))
}

/// Appends to the step's summary.
pub(super) fn append_summary(summary: &str, file: Option<&Path>) -> Part {
    let Some(file) = file else {
        return Part::skipped("no GITHUB_STEP_SUMMARY");
    };
    if summary.is_empty() {
        return Part::skipped("no summary");
    }
    let text = format!("{}\n", summary.trim_end_matches('\n'));
    if text.len() > SUMMARY {
        return Part::Failed(PublishError::TooLarge {
            what: "summary",
            size: text.len(),
            limit: SUMMARY,
        });
    }
    files::append(file, text.as_bytes()).map_or_else(
        |error| Part::Failed(error.into()),
        |()| Part::Done("written"),
    )
}

/// All outputs as the runner reads them.
fn blocks(outputs: &[(&'static str, String)], delimiter: &str) -> Result<String, PublishError> {
    let blocks = outputs.iter().map(|(name, value)| {
        step_output(name, value, delimiter).map_err(|found| PublishError::Output { name, found })
    });
    blocks.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_outputs_are_written_or_none() {
        let output = |name, value: &str| (name, value.to_owned());
        let text = blocks(&[output("verdict", "fail"), output("gates", "a\nb")], "d1").unwrap();
        assert_eq!(text, "verdict<<d1\nfail\nd1\ngates<<d1\na\nb\nd1\n");
        let error = blocks(&[output("verdict", "fail"), output("score", "d1")], "d1").unwrap_err();
        assert!(error.to_string().contains("`score`"), "{error}");
    }

    #[test]
    fn files_are_appended_to_and_never_beyond_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("summary.md");
        for _ in 0..2 {
            assert!(matches!(
                append_summary("# One", Some(&file)),
                Part::Done(_)
            ));
        }
        assert_eq!(files::read_bounded(&file, 100).unwrap(), b"# One\n# One\n");
        let large = "x".repeat(SUMMARY);
        assert!(matches!(
            append_summary(&large, Some(&file)),
            Part::Failed(_)
        ));
        assert!(matches!(append_summary("x", None), Part::Skipped(_)));
        let nowhere = folder.path().join("absent/out");
        assert!(matches!(
            write_outputs(&[], Some(&nowhere)),
            Part::Failed(_)
        ));
    }
}

//! The files that the workflow runner reads after the step: outputs and summary.

use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;

use super::Part;
use super::error::PublishError;
use crate::files;

/// What one step may add to the summary; the runner drops the whole file above 1 MiB.
const MAX_SUMMARY: usize = 1_000_000;

/// Writes the step's outputs, all or none of them.
pub(super) fn write_outputs(outputs: &[(&'static str, String)], file: Option<&Path>) -> Part {
    let Some(file) = file else {
        return Part::skipped("no GITHUB_OUTPUT");
    };
    let written =
        heredocs(outputs, &delimiter()).and_then(|text| Ok(files::append(file, text.as_bytes())?));
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
    if text.len() > MAX_SUMMARY {
        return Part::Failed(PublishError::TooLarge {
            what: "summary",
            size: text.len(),
            limit: MAX_SUMMARY,
        });
    }
    files::append(file, text.as_bytes()).map_or_else(
        |error| Part::Failed(error.into()),
        |()| Part::Done("written"),
    )
}

/// Writes every output in the runner's form for values of several lines.
///
/// The delimiter cannot be guessed, so that no value can close its own block and set another
/// output; one that holds it all the same is refused.
fn heredocs(outputs: &[(&'static str, String)], delimiter: &str) -> Result<String, PublishError> {
    let mut text = String::new();
    for (name, value) in outputs {
        for (bad, found) in [("\0", "a NUL"), (delimiter, "the delimiter of the block")] {
            if value.contains(bad) {
                return Err(PublishError::Output { name, found });
            }
        }
        for part in [name, "<<", delimiter, "\n", value, "\n", delimiter, "\n"] {
            text.push_str(part);
        }
    }
    Ok(text)
}

/// 32 hexadecimal characters that nobody can guess.
///
/// The standard library keys its hashers with 128 bits from the operating system; hashing
/// with two of them gives 128 bits without a further dependency.
fn delimiter() -> String {
    let half = |salt: u8| RandomState::new().hash_one(salt);
    format!("{:016x}{:016x}", half(0), half(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_of_several_lines_are_written_as_blocks() {
        let outputs = [
            ("verdict", String::from("fail")),
            ("failed-gates", String::from("a\nb")),
        ];
        let text = heredocs(&outputs, "d1").unwrap();
        assert_eq!(text, "verdict<<d1\nfail\nd1\nfailed-gates<<d1\na\nb\nd1\n");
    }

    #[test]
    fn a_value_cannot_leave_its_block() {
        for value in ["x\nd1\nverdict<<d1\npass", "a\0b"] {
            let error = heredocs(&[("score", value.to_owned())], "d1").unwrap_err();
            assert!(error.to_string().contains("`score`"), "{error}");
        }
    }

    #[test]
    fn delimiters_differ_every_time() {
        let (one, two) = (delimiter(), delimiter());
        assert_ne!(one, two);
        for delimiter in [one, two] {
            assert_eq!(delimiter.len(), 32);
            assert!(delimiter.bytes().all(|byte| byte.is_ascii_hexdigit()));
        }
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
        let large = "x".repeat(MAX_SUMMARY);
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

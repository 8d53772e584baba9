//! The runner's file of step outputs.

/// Writes one output in the runner's form for values of several lines.
///
/// Nobody can guess the delimiter, so that no value can close its own block and set another
/// output; one that holds it all the same is refused, as are a NUL, which ends a text early, and
/// a carriage return, which ends a line.
pub(crate) fn step_output(
    name: &'static str,
    value: &str,
    delimiter: &str,
) -> Result<String, &'static str> {
    for (bad, found) in [
        ("\0", "a NUL"),
        ("\r", "a carriage return"),
        (delimiter, "the delimiter of the block"),
    ] {
        if value.contains(bad) {
            return Err(found);
        }
    }
    Ok(format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_of_several_lines_are_written_as_blocks() {
        assert_eq!(
            step_output("failed-gates", "a\nb", "d1").unwrap(),
            "failed-gates<<d1\na\nb\nd1\n"
        );
    }

    #[test]
    fn a_value_cannot_leave_its_block() {
        for value in ["x\nd1\nverdict<<d1\npass", "a\0b", "d1\rx"] {
            assert!(step_output("score", value, "d1").is_err(), "{value:?}");
        }
    }
}

//! How deep a document nests, found out before it is read: the reader's time grows with the
//! product of its depth and its length.

use saphyr_parser::{Event, Parser};

use super::{Place, YamlError};
use crate::limits::{YAML_DEPTH, YAML_OPENERS};

/// Refuses a document that nests too deeply. One with few brackets cannot.
pub(super) fn bounded(text: &str) -> Result<(), YamlError> {
    let openers = text.bytes().filter(|byte| matches!(byte, b'[' | b'{'));
    if openers.count() <= YAML_OPENERS {
        return Ok(());
    }
    let mut depth = 0_usize;
    for event in Parser::new_from_str(text) {
        // What this reader cannot read, the other one must not spend its time on.
        let (event, span) = event.map_err(|error| YamlError {
            place: Some(place(error.marker())),
            message: error.info().to_owned(),
        })?;
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > YAML_DEPTH {
            return Err(YamlError {
                place: Some(place(&span.start)),
                message: format!("recursion limit exceeded: more than {YAML_DEPTH} levels"),
            });
        }
    }
    Ok(())
}

fn place(marker: &saphyr_parser::Marker) -> Place {
    Place {
        line: marker.line().max(1),
        column: marker.col() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_that_never_close_are_refused_at_their_place() {
        for text in [
            format!("a: {}", "[".repeat(100_000)),
            format!("a: {}", "{a: ".repeat(100_000)),
            // Closing brackets in quotes close nothing.
            format!("a: {}", "[\"]\", ".repeat(100_000)),
            format!("a: {}", "[']', ".repeat(100_000)),
        ] {
            let error = bounded(&text).unwrap_err();
            assert!(error.message.contains("recursion limit"), "{error}");
            assert_eq!(error.place.unwrap().line, 1);
        }
    }

    #[test]
    fn brackets_in_a_text_nest_nothing() {
        let lines = "  Say {{name}} and [this, {that\n".repeat(5_000);
        assert_eq!(bounded(&format!("template: |\n{lines}")), Ok(()));
        let list = "- {a: [1, 2]}\n".repeat(5_000);
        assert_eq!(bounded(&list), Ok(()));
    }
}

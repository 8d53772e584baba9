//! The one way to write an entry, so that its digest is that of what it says.
//!
//! JSON as RFC 8785 has it: no space, keys sorted, the shortest escapes. Entries hold no
//! fractions (they are texts), so how numbers are written is never a question.

use serde::Serialize;
use serde_json::{Map, Value};

/// Writes a value in its canonical form, without a newline at the end.
pub(crate) fn bytes(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&sorted(serde_json::to_value(value)?))
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            // RFC 8785 orders keys by their UTF-16 units.
            fields.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            let fields = fields.into_iter().map(|(key, value)| (key, sorted(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_at_every_level_and_nothing_is_spaced() {
        let value = json!({ "b": [{ "z": 1, "a": "é\n\u{1}" }], "a": null });
        assert_eq!(
            String::from_utf8(bytes(&value).unwrap()).unwrap(),
            "{\"a\":null,\"b\":[{\"a\":\"é\\n\\u0001\",\"z\":1}]}"
        );
    }

    #[test]
    fn keys_are_ordered_by_utf_16_units() {
        // U+FB33 sorts after the surrogates of U+1F600, though its scalar value is smaller.
        let value = json!({ "\u{fb33}": 1, "\u{1f600}": 2, "\u{20ac}": 3 });
        assert_eq!(
            String::from_utf8(bytes(&value).unwrap()).unwrap(),
            "{\"\u{20ac}\":3,\"\u{1f600}\":2,\"\u{fb33}\":1}"
        );
    }
}

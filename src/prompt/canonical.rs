//! One spelling for each meaning: line ends, final newlines, key order, numbers.

use serde_json::Value as Json;

/// Returns text with LF line ends and without final newlines; nothing else is touched.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match line.strip_suffix('\n') {
            Some(line) => {
                out.push_str(line.trim_end_matches('\r'));
                out.push('\n');
            }
            None => out.push_str(line),
        }
    }
    out.truncate(out.trim_end_matches('\n').len());
    out
}

/// Writes JSON with sorted keys, no white space, and numbers by value: `1.0` is `1`.
pub(crate) fn json(value: &Json) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Json, out: &mut String) {
    match value {
        Json::Number(number) => out.push_str(&number_by_value(number)),
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Json::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(a, _)| *a);
            out.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&Json::from(key.as_str()).to_string());
                out.push(':');
                write(item, out);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "only whole numbers below 2^53 are cast"
)]
fn number_by_value(number: &serde_json::Number) -> String {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT => {
            (float as i64).to_string()
        }
        _ => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_count() {
        let a: Json = serde_json::from_str(r#"{"b": 1.0, "a": [1, 0.20]}"#).unwrap();
        let b: Json = serde_json::from_str(r#"{"a":[1.0,0.2],"b":1}"#).unwrap();
        assert_eq!(json(&a), json(&b));
        assert_eq!(json(&a), r#"{"a":[1,0.2],"b":1}"#);
    }

    #[test]
    fn only_line_ends_and_final_newlines_of_text_are_folded() {
        assert_eq!(text("\u{feff}a \r\n\r\n b\n\n"), "\u{feff}a \n\n b");
    }
}

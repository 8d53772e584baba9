//! The only user of `serde_yaml`: text to values, and values to places.

mod nesting;
mod node;
mod size;

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value as Json};
use serde_yaml::Value;

pub(crate) use node::{Errors, Fields, Node, describe, unknown};

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Line.
    pub(crate) line: usize,
    /// Column.
    pub(crate) column: usize,
}

/// One thing that is wrong with a YAML file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct YamlError {
    /// Where, if the parser could tell.
    pub(crate) place: Option<Place>,
    /// What was found and what was expected: a fragment without period.
    pub(crate) message: String,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some(Place { line, column }) => write!(f, "{line}:{column}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl From<serde_yaml::Error> for YamlError {
    fn from(error: serde_yaml::Error) -> Self {
        let place = error.location().map(|location| Place {
            line: location.line(),
            column: location.column(),
        });
        let mut message = error.to_string();
        // The parser's text ends in the place, or goes on with where the broken value began.
        if let Some(Place { line, column }) = place {
            message = message.replacen(&format!(" at line {line} column {column}"), "", 1);
        }
        Self { place, message }
    }
}

/// A step on the way to a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A key of a mapping.
    Key(String),
    /// An index of a sequence.
    Index(usize),
}

/// Parses one document into JSON, refusing duplicate keys, tags, bombs, non-text keys and
/// numbers that JSON does not have.
pub(crate) fn to_json(text: &str) -> Result<Json, YamlError> {
    json(parse(text)?, &mut Vec::new(), text)
}

fn parse(text: &str) -> Result<Value, YamlError> {
    nesting::bounded(text)?;
    size::bounded(text)?;
    Ok(serde_yaml::from_str(text)?)
}

fn json(value: Value, path: &mut Vec<Step>, text: &str) -> Result<Json, YamlError> {
    let refuse = |path: &[Step], message: &str| YamlError {
        place: locate(text, path),
        message: message.to_owned(),
    };
    Ok(match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(value),
        Value::String(value) => Json::String(value),
        Value::Number(number) => match number
            .as_i64()
            .map(Number::from)
            .or_else(|| number.as_u64().map(Number::from))
            .or_else(|| number.as_f64().and_then(Number::from_f64))
        {
            Some(number) => Json::Number(number),
            None => return Err(refuse(path, "a number that is not finite")),
        },
        Value::Sequence(items) => {
            let mut list = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                path.push(Step::Index(index));
                list.push(json(item, path, text)?);
                path.pop();
            }
            Json::Array(list)
        }
        Value::Mapping(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let key = match key {
                    Value::String(key) => key,
                    Value::Number(number) => number.to_string(),
                    Value::Bool(value) => value.to_string(),
                    _ => return Err(refuse(path, "a key that is not text")),
                };
                path.push(Step::Key(key.clone()));
                let value = json(value, path, text)?;
                path.pop();
                map.insert(key, value);
            }
            Json::Object(map)
        }
        Value::Tagged(tagged) => {
            let message = format!("the tag {} is not read here", tagged.tag);
            return Err(refuse(path, &message));
        }
    })
}

/// Finds where the value at `path` starts, by walking there and failing on purpose: the
/// parser then reports its own position.
pub(crate) fn locate(text: &str, path: &[Step]) -> Option<Place> {
    let error = Walk { path }
        .deserialize(serde_yaml::Deserializer::from_str(text))
        .err()?;
    let location = error.location()?;
    Some(Place {
        line: location.line(),
        column: location.column(),
    })
}

struct Walk<'a> {
    path: &'a [Step],
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! stop_here {
    ($($visit:ident: $kind:ty),*) => {
        $(fn $visit<E: serde::de::Error>(self, _: $kind) -> Result<(), E> {
            Err(E::custom("here"))
        })*
    };
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    stop_here!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Err(E::custom("here"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Some((Step::Index(wanted), rest)) = self.path.split_first() else {
            return Err(A::Error::custom("here"));
        };
        for _ in 0..*wanted {
            items.next_element::<IgnoredAny>()?;
        }
        items.next_element_seed(Walk { path: rest })?;
        Err(A::Error::custom("here"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let Some((Step::Key(wanted), rest)) = self.path.split_first() else {
            return Err(A::Error::custom("here"));
        };
        while let Some(key) = entries.next_key::<Value>()? {
            if key.as_str() == Some(wanted) {
                entries.next_value_seed(Walk { path: rest })?;
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Err(A::Error::custom("here"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "version: 1\ngates:\n  - min: 3\n  - max:\n      by: 1.7\n";

    #[test]
    fn a_path_is_found_where_its_value_starts() {
        let path = |steps: &[&str]| -> Vec<Step> {
            steps
                .iter()
                .map(|step| match step.parse() {
                    Ok(index) => Step::Index(index),
                    Err(_) => Step::Key((*step).to_owned()),
                })
                .collect()
        };
        for (steps, line, column) in [
            (&["version"][..], 1, 10),
            (&["gates", "0", "min"], 3, 10),
            (&["gates", "1", "max", "by"], 5, 11),
            (&["gates", "1"], 4, 5),
        ] {
            assert_eq!(
                locate(TEXT, &path(steps)),
                Some(Place { line, column }),
                "{steps:?}"
            );
        }
    }

    #[test]
    fn every_error_is_reported_with_its_place_and_nearest_key() {
        let value = to_json(TEXT).unwrap();
        let mut errors = Errors::new(TEXT);
        let fields = Node::root(&value).fields(&["version", "gate"], &mut errors);
        fields.get("version").unwrap().text(&mut errors);
        fields.need("prompts", &mut errors);
        let messages: Vec<String> = errors
            .into_sorted()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            messages,
            [
                "1:1: the key `prompts` is missing",
                "1:10: version: found `1`, expected text",
                "3:3: gates: unknown key; did you mean `gate` instead of `gates`?",
            ]
        );
    }

    #[test]
    fn hostile_yaml_is_refused() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
        for level in 1..10 {
            let before = level - 1;
            let refs = vec![format!("*a{before}"); 9].join(",");
            bomb.push_str(&format!("a{level}: &a{level} [{refs}]\n"));
        }
        let deep = "[".repeat(5_000);
        // Few aliases of one long text: what repeats is not the number of values.
        let long = "x".repeat(10_000);
        let aliases = vec!["*a"; 500].join(",");
        let wide = format!("a: &a {long}\nb: [{aliases}]\n");
        let tagged = format!("t: !t &a {long}\nb: !t [{aliases}]\n");
        for (text, want) in [
            (bomb.as_str(), "repetition limit"),
            (wide.as_str(), "aliases come to more than"),
            (tagged.as_str(), "aliases come to more than"),
            (deep.as_str(), "recursion limit"),
            ("a: 1\na: 2\n", "duplicate"),
            ("a: {b: 1, b: 2}\n", "duplicate"),
            ("a: 1\n---\nb: 2\n", "more than one document"),
            ("a: .nan\n", "not finite"),
            ("a: !x 1\n", "tag"),
            ("? [a]\n: 1\n", "key that is not text"),
        ] {
            let error = to_json(text).unwrap_err();
            assert!(error.message.contains(want), "{want}: {error}");
        }
    }

    #[test]
    fn a_broken_value_is_told_with_its_end_and_its_beginning() {
        let error = to_json("a: 1\nb: [1\nc: 2\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "3:2: did not find expected ',' or ']', while parsing a flow sequence at line 2 column 4"
        );
        let error = to_json("a: 1\n\" at line 3 column 1\": 1\nb: *x\n").unwrap_err();
        assert_eq!(error.to_string(), "3:4: unknown anchor");
    }

    #[test]
    fn words_stay_words() {
        let value = to_json("country: no\nswitch: on\nn: 1_000\n").unwrap();
        assert_eq!(value["country"], "no");
        assert_eq!(value["switch"], "on");
    }
}

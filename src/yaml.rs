//! The only user of `serde_yaml`: text to values, values to places, and a reader that
//! collects every error instead of the first.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Number, Value as Json};
use serde_yaml::Value;

/// How many errors of one file are told.
const MAX_ERRORS: usize = 50;

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
        let text = error.to_string();
        let message = match text.rfind(" at line ") {
            Some(at) if place.is_some() => text.get(..at).unwrap_or(&text).to_owned(),
            _ => text,
        };
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

/// The errors of one file, gathered while it is read.
#[derive(Debug)]
pub(crate) struct Errors<'t> {
    text: &'t str,
    found: Vec<YamlError>,
}

impl<'t> Errors<'t> {
    /// Starts with none.
    pub(crate) fn new(text: &'t str) -> Self {
        Self {
            text,
            found: Vec::new(),
        }
    }

    /// Returns what was found, in the order of the file.
    pub(crate) fn into_sorted(mut self) -> Vec<YamlError> {
        self.found.sort();
        self.found.dedup();
        self.found
    }

    fn push(&mut self, path: &[Step], message: String) {
        // Finding a place takes a pass over the text: a hostile file gets no more than these.
        if self.found.len() >= MAX_ERRORS {
            return;
        }
        self.found.push(YamlError {
            place: locate(self.text, path),
            message,
        });
    }
}

/// A value of a parsed file that knows its path. Reading it never fails: what does not fit is
/// added to [`Errors`], and the caller goes on with what it has.
#[derive(Debug, Clone)]
pub(crate) struct Node<'v> {
    value: &'v Json,
    path: Vec<Step>,
}

impl<'v> Node<'v> {
    /// The whole document.
    pub(crate) fn root(value: &'v Json) -> Self {
        Self {
            value,
            path: Vec::new(),
        }
    }

    /// The value itself.
    pub(crate) fn value(&self) -> &'v Json {
        self.value
    }

    /// Reports that this value is not what it should be.
    pub(crate) fn refuse(&self, errors: &mut Errors<'_>, message: impl Into<String>) {
        errors.push(&self.path, self.named(message.into()));
    }

    fn named(&self, message: String) -> String {
        let mut name = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) if name.is_empty() => name.push_str(key),
                Step::Key(key) => {
                    name.push('.');
                    name.push_str(key);
                }
                Step::Index(index) => {
                    name.push('[');
                    name.push_str(&index.to_string());
                    name.push(']');
                }
            }
        }
        if name.is_empty() {
            message
        } else {
            format!("{name}: {message}")
        }
    }

    fn child(&self, step: Step, value: &'v Json) -> Self {
        let mut path = self.path.clone();
        path.push(step);
        Self { value, path }
    }

    /// The entries of a mapping, whatever their keys.
    pub(crate) fn entries(&self, errors: &mut Errors<'_>) -> Vec<(&'v str, Self)> {
        if let Json::Object(map) = self.value {
            map.iter()
                .map(|(key, value)| {
                    let child = self.child(Step::Key(key.clone()), value);
                    (key.as_str(), child)
                })
                .collect()
        } else {
            self.expected(errors, "a mapping");
            Vec::new()
        }
    }

    /// The entries of a mapping that may have only the keys in `known`. An unknown key is an
    /// error that names the nearest known one.
    pub(crate) fn fields(&self, known: &[&str], errors: &mut Errors<'_>) -> Fields<'v> {
        let mut entries = self.entries(errors);
        entries.retain(|(key, node)| {
            let fits = known.contains(key);
            if !fits {
                node.refuse(errors, unknown_key(key, known));
            }
            fits
        });
        Fields {
            parent: self.clone(),
            entries,
        }
    }

    /// The items of a list.
    pub(crate) fn items(&self, errors: &mut Errors<'_>) -> Vec<Self> {
        if let Json::Array(items) = self.value {
            items
                .iter()
                .enumerate()
                .map(|(index, value)| self.child(Step::Index(index), value))
                .collect()
        } else {
            self.expected(errors, "a list");
            Vec::new()
        }
    }

    /// Non-empty text.
    pub(crate) fn text(&self, errors: &mut Errors<'_>) -> Option<&'v str> {
        match self.value {
            Json::String(text) if !text.trim().is_empty() => Some(text),
            _ => {
                self.expected(errors, "text");
                None
            }
        }
    }

    /// A value that `read` understands; `expected` says what that is.
    pub(crate) fn read<T>(
        &self,
        expected: &str,
        errors: &mut Errors<'_>,
        read: impl FnOnce(&'v Json) -> Option<T>,
    ) -> Option<T> {
        let value = read(self.value);
        if value.is_none() {
            self.expected(errors, expected);
        }
        value
    }

    /// True or false.
    pub(crate) fn flag(&self, errors: &mut Errors<'_>) -> Option<bool> {
        self.read("true or false", errors, Json::as_bool)
    }

    /// One of several words.
    pub(crate) fn one_of<T: Copy>(
        &self,
        choices: &[(&str, T)],
        errors: &mut Errors<'_>,
    ) -> Option<T> {
        let found = self.value.as_str();
        if let Some((_, choice)) = choices.iter().find(|(word, _)| Some(*word) == found) {
            return Some(*choice);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.expected(errors, &format!("one of {}", words.join(", ")));
        None
    }

    fn expected(&self, errors: &mut Errors<'_>, expected: &str) {
        let message = format!("found {}, expected {expected}", describe(self.value));
        self.refuse(errors, message);
    }
}

/// The known entries of a mapping.
#[derive(Debug)]
pub(crate) struct Fields<'v> {
    parent: Node<'v>,
    entries: Vec<(&'v str, Node<'v>)>,
}

impl<'v> Fields<'v> {
    /// The value of `key`, if it is there.
    pub(crate) fn get(&self, key: &str) -> Option<&Node<'v>> {
        self.entries
            .iter()
            .find(|(name, _)| *name == key)
            .map(|(_, node)| node)
    }

    /// The value of `key`; its absence is an error.
    pub(crate) fn need(&self, key: &str, errors: &mut Errors<'_>) -> Option<&Node<'v>> {
        let found = self.get(key);
        if found.is_none() {
            self.parent
                .refuse(errors, format!("the key `{key}` is missing"));
        }
        found
    }
}

fn unknown_key(key: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(key, name), *name))
        .min()
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3));
    let shown = crate::untrusted::shorten(key, 60);
    match near {
        Some((_, name)) => format!("unknown key; did you mean `{name}` instead of `{shown}`?"),
        None => format!("unknown key `{shown}`; known are {}", known.join(", ")),
    }
}

/// Names a value for an error message, shortened.
pub(crate) fn describe(value: &Json) -> String {
    match value {
        Json::Null => String::from("nothing"),
        Json::Array(items) => format!("a list of {}", items.len()),
        Json::Object(_) => String::from("a mapping"),
        Json::String(text) => format!("`{}`", crate::untrusted::shorten(text, 60)),
        other => format!("`{other}`"),
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
        for (text, want) in [
            (bomb.as_str(), "repetition limit"),
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
    fn words_stay_words() {
        let value = to_json("country: no\nswitch: on\nn: 1_000\n").unwrap();
        assert_eq!(value["country"], "no");
        assert_eq!(value["switch"], "on");
    }
}

//! A reader of parsed files that collects every error, with its place, instead of the first.

use crate::limits::YAML_ERRORS;
use serde_json::Value as Json;

use super::{Step, YamlError, locate};

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

    /// Whether no more of them are told.
    fn is_full(&self) -> bool {
        self.found.len() >= YAML_ERRORS
    }

    fn push(&mut self, path: &[Step], message: String) {
        // Finding a place takes a pass over the text: a hostile file gets no more than these.
        if self.is_full() {
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
                node.unknown(errors, "key", key, known);
            }
            fits
        });
        Fields {
            parent: self.clone(),
            entries,
        }
    }

    /// Reports a word that is none of the known ones, and names the nearest.
    pub(crate) fn unknown(&self, errors: &mut Errors<'_>, noun: &str, word: &str, known: &[&str]) {
        if !errors.is_full() {
            self.refuse(errors, unknown(noun, word, known));
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

/// Says that a name is not among those that are known, and which one is near.
pub(crate) fn unknown(noun: &str, word: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(word, name), *name))
        .min()
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 3));
    let shown = crate::untrusted::shorten(word, 60);
    match near {
        Some((_, name)) => format!("unknown {noun}; did you mean `{name}` instead of `{shown}`?"),
        None if known.is_empty() => format!("unknown {noun} `{shown}`; none is known"),
        None => format!("unknown {noun} `{shown}`; known are {}", known.join(", ")),
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

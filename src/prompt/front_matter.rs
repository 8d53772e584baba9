//! `---` YAML front matter, as Dotprompt, Prompty and Markdown files have it.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::{File, Problem};
use crate::reason::Code;
use crate::yaml;

/// A file parted into its front matter and its body.
#[derive(Debug)]
pub(crate) struct Parted<'t> {
    /// The front matter as a map; empty where there is none.
    pub(crate) meta: Map<String, Json>,
    /// Whether there was any.
    pub(crate) present: bool,
    /// Everything after it.
    pub(crate) body: &'t str,
}

/// Parts a file whose front matter, if it has any, starts on the first line: in prose, a rule
/// under a heading is none.
pub(crate) fn part_at_start<'t>(file: &File<'t>) -> Result<Parted<'t>, Problem> {
    if file.text.starts_with("---") {
        return part(file);
    }
    Ok(Parted {
        meta: Map::new(),
        present: false,
        body: file.text,
    })
}

/// Parts a file. Front matter starts on the first line, or behind leading `#` comment lines
/// and blank lines such as a licence header. A first `---` without a second is body.
pub(crate) fn part<'t>(file: &File<'t>) -> Result<Parted<'t>, Problem> {
    let none = Parted {
        meta: Map::new(),
        present: false,
        body: file.text,
    };
    let Some((yaml, body, first_line)) = split(file.text) else {
        return Ok(none);
    };
    let problem = |line: Option<usize>, found: String| {
        Problem::new(Code::PromptUnreadable, file.path, found).at(line)
    };
    let value = yaml::to_json(yaml).map_err(|error| {
        let line = error.place.map(|place| place.line + first_line);
        problem(
            line,
            format!("the front matter is not YAML: {}", error.message),
        )
    })?;
    match value {
        Json::Object(meta) => Ok(Parted {
            meta,
            present: true,
            body,
        }),
        Json::Null => Ok(Parted {
            present: true,
            body,
            ..none
        }),
        other => {
            let found = format!(
                "the front matter is {}, not a mapping",
                yaml::describe(&other)
            );
            Err(problem(Some(first_line + 1), found))
        }
    }
}

fn split(text: &str) -> Option<(&str, &str, usize)> {
    let mut at = 0;
    let mut lines = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end();
        at += line.len();
        lines += 1;
        if bare == "---" {
            break;
        }
        if !bare.is_empty() && !bare.starts_with('#') {
            return None;
        }
    }
    let rest = text.get(at..)?;
    let mut end = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            let body = rest.get(end + line.len()..)?;
            return Some((rest.get(..end)?, body, lines));
        }
        end += line.len();
    }
    None
}

/// Keys that describe a prompt and do not reach the model: all others are part of the version,
/// known to a format or not.
const METADATA: &[&str] = &[
    "$schema",
    "author",
    "authors",
    "category",
    "changelog",
    "comment",
    "copyright",
    "created",
    "date",
    "description",
    "evaluators",
    "id",
    "labels",
    "licence",
    "license",
    "links",
    "maintainer",
    "maintainers",
    "metadata",
    "name",
    "notes",
    "owner",
    "owners",
    "references",
    "sample",
    "status",
    "summary",
    "tags",
    "testData",
    "title",
    "updated",
    "variant",
    "version",
];

/// Parts what is left of a map into metadata and everything else.
pub(crate) fn part_rest(
    meta: Map<String, Json>,
) -> (BTreeMap<String, Json>, BTreeMap<String, Json>) {
    meta.into_iter()
        .partition(|(key, _)| METADATA.contains(&key.as_str()))
}

/// Takes a key out of a map where its value is text; another value stays.
pub(crate) fn take_text(meta: &mut Map<String, Json>, name: &str) -> Option<String> {
    meta.get(name)?.as_str()?;
    match meta.shift_remove(name) {
        Some(Json::String(text)) => Some(text),
        _ => None,
    }
}

/// Takes the first of some keys out of a map whose value is a map; other values stay.
pub(crate) fn take_map(meta: &mut Map<String, Json>, names: &[&str]) -> Map<String, Json> {
    let is_map = |name: &&&str| meta.get(**name).is_some_and(Json::is_object);
    let Some(name) = names.iter().find(is_map) else {
        return Map::new();
    };
    match meta.shift_remove(*name) {
        Some(Json::Object(map)) => map,
        _ => Map::new(),
    }
}

/// Takes keys out of a map, under any of their spellings.
pub(crate) fn take(meta: &mut Map<String, Json>, names: &[&str]) -> Json {
    names
        .iter()
        .find_map(|name| meta.shift_remove(*name))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::RepoPath;

    fn parted(text: &str) -> Result<(Json, String), String> {
        let path = RepoPath::parse("a.md").unwrap();
        let file = File { path: &path, text };
        match part(&file) {
            Ok(parted) => Ok((Json::Object(parted.meta), parted.body.to_owned())),
            Err(problem) => Err(format!("{} {}", problem.place(), problem.found)),
        }
    }

    #[test]
    fn front_matter_is_parted_from_the_body() {
        let (meta, body) = parted("---\nname: x\n---\nHello\n---\nmore").unwrap();
        assert_eq!(meta["name"], "x");
        assert_eq!(body, "Hello\n---\nmore");
        let (meta, body) = parted("# licence\n\n---\na: 1\n---\nb").unwrap();
        assert_eq!((meta["a"].as_i64(), body.as_str()), (Some(1), "b"));
    }

    #[test]
    fn a_rule_is_not_front_matter() {
        for text in [
            "Hello\n---\nname: x\n---\n",
            "---\nnever closed",
            "# Title\ntext",
        ] {
            let (meta, body) = parted(text).unwrap();
            assert_eq!(meta, serde_json::json!({}));
            assert_eq!(body, text);
        }
    }

    #[test]
    fn broken_front_matter_names_its_line() {
        let error = parted("---\nname: x\nname: y\n---\n").unwrap_err();
        assert!(error.starts_with("a.md"), "{error}");
        assert!(error.contains("duplicate"), "{error}");
        let error = parted("---\n- a\n---\n").unwrap_err();
        assert!(error.contains("a list of 1"), "{error}");
    }
}

//! What a prompt includes: found, bounded, remembered.

use std::collections::{BTreeMap, BTreeSet};

use super::closure::Revision;
use super::variables::{self, Reference};
use super::{Problem, canonical};
use crate::git::{Kind, RepoPath};
use crate::glob;
use crate::limits::{INCLUDE_BYTES, INCLUDE_DEPTH, INCLUDE_READS, INCLUDES};
use crate::reason::Code;

/// Tells whether a file may include others, from its bytes alone: what lets most prompts be
/// passed over when a file changed that some prompt might include.
pub(crate) fn may_include(bytes: &[u8]) -> bool {
    let starts =
        |at: usize, marker: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(marker));
    // Whether there was nothing since `{{` but what may stand before the `>` of a partial.
    let mut opened = false;
    bytes.iter().enumerate().any(|(at, byte)| {
        let partial = opened && *byte == b'>';
        opened = starts(at, b"{{") || (opened && b"{~-+# \t\n\r".contains(byte));
        partial
            || match byte {
                b'{' => starts(at, b"{%"),
                b'f' => starts(at, b"file:"),
                // A promptfoo config may name files without `file://`.
                b'p' => starts(at, b"prompts") || starts(at, b"providers"),
                _ => false,
            }
    })
}

/// Reads what a prompt includes, within bounds, and remembers it.
pub(crate) struct Includes<'r> {
    revision: Revision<'r>,
    /// The file that includes.
    pub(super) root: RepoPath,
    stack: Vec<RepoPath>,
    /// Every file that was read.
    pub(super) found: BTreeSet<RepoPath>,
    /// Partials by the name they are included under.
    pub(super) partials: BTreeMap<String, String>,
    reads: usize,
    bytes: u64,
}

impl<'r> Includes<'r> {
    pub(super) fn new(revision: Revision<'r>, root: &RepoPath) -> Self {
        Self {
            revision,
            root: root.clone(),
            stack: vec![root.clone()],
            found: BTreeSet::new(),
            partials: BTreeMap::new(),
            reads: 0,
            bytes: 0,
        }
    }

    /// Reads a file that `from` names relative to its own folder.
    pub(crate) fn file(
        &mut self,
        from: &RepoPath,
        reference: &str,
    ) -> Result<(RepoPath, String), Problem> {
        let path = from.folder().join(reference).ok_or_else(|| {
            let found = format!("`{reference}` lies outside the repository");
            Problem::new(Code::IncludeEscape, from, found)
        })?;
        if let Some(text) = self.read(from, &path)? {
            Ok((path, text))
        } else {
            let found = format!("includes `{path}`, which does not exist");
            Err(Problem::new(Code::IncludeMissing, from, found))
        }
    }

    /// The references that a reference stands for: itself, or, where its last part is a
    /// pattern, the files of that folder that fit, in order.
    pub(crate) fn matching(
        &self,
        from: &RepoPath,
        reference: &str,
    ) -> Result<Vec<String>, Problem> {
        let (folder, name) = reference.rsplit_once('/').unwrap_or(("", reference));
        if !name.contains(['*', '?']) {
            return Ok(vec![reference.to_owned()]);
        }
        let Ok(pattern) = glob::compile(name) else {
            return Ok(vec![reference.to_owned()]);
        };
        let problem = |code, found: String| Problem::new(code, from, found);
        let place = from.folder().join(folder).ok_or_else(|| {
            problem(
                Code::IncludeEscape,
                format!("`{reference}` lies outside the repository"),
            )
        })?;
        let Revision { repo, commit } = self.revision;
        let mut names = repo
            .names(commit, &place)
            .map_err(|error| problem(Code::PromptUnreadable, error.to_string()))?;
        names.retain(|name| pattern.is_match(name));
        names.sort();
        if names.is_empty() {
            return Err(problem(
                Code::IncludeMissing,
                format!("`{reference}` fits no file"),
            ));
        }
        Ok(names
            .iter()
            .map(|name| {
                if folder.is_empty() {
                    name.clone()
                } else {
                    format!("{folder}/{name}")
                }
            })
            .collect())
    }

    /// Adds the partials and templates that a text includes, and theirs.
    pub(crate) fn partials(&mut self, from: &RepoPath, text: &str) -> Result<(), Problem> {
        let mut known = BTreeSet::new();
        for reference in variables::references(text) {
            let (name, optional) = match reference {
                Reference::Partial(name) => (name, false),
                Reference::Template { path, optional } => (path, optional),
                Reference::Dynamic(inner) => {
                    let found = format!("`{inner}` includes a file whose name is an expression");
                    return Err(Problem::new(Code::IncludeMissing, from, found));
                }
            };
            if known.insert(name) {
                self.partial(from, name, optional)?;
            }
        }
        Ok(())
    }

    fn partial(&mut self, from: &RepoPath, name: &str, optional: bool) -> Result<(), Problem> {
        let mut escaped = true;
        for candidate in candidates(from, name) {
            let Some(path) = candidate else { continue };
            escaped = false;
            let Some(text) = self.read(from, &path)? else {
                continue;
            };
            self.stack.push(path.clone());
            self.partials(&path, &text)?;
            self.stack.pop();
            self.partials
                .insert(name.to_owned(), canonical::text(&text));
            return Ok(());
        }
        if optional {
            return Ok(());
        }
        let (code, found) = if escaped {
            (
                Code::IncludeEscape,
                format!("`{name}` lies outside the repository"),
            )
        } else {
            (
                Code::IncludeMissing,
                format!("includes `{name}`, which does not exist"),
            )
        };
        Err(Problem::new(code, from, found))
    }

    fn read(&mut self, from: &RepoPath, path: &RepoPath) -> Result<Option<String>, Problem> {
        let problem = |code, found: String| Problem::new(code, from, found);
        let Revision { repo, commit } = self.revision;
        let entry = repo
            .entry(commit, path)
            .map_err(|error| problem(Code::PromptUnreadable, error.to_string()))?;
        let Some(entry) = entry.filter(|entry| entry.kind != Kind::Folder) else {
            return Ok(None);
        };
        if self.stack.contains(path) {
            let chain: Vec<_> = self.stack.iter().map(RepoPath::as_str).collect();
            let found = format!("includes lead back: {} → {path}", chain.join(" → "));
            return Err(problem(Code::IncludeCycle, found));
        }
        let text = self.revision.text(path, entry)?;
        self.bytes += text.len() as u64;
        self.reads += 1;
        self.found.insert(path.clone());
        let beyond = self.found.len() > INCLUDES
            || self.stack.len() > INCLUDE_DEPTH
            || self.reads > INCLUDE_READS
            || self.bytes > INCLUDE_BYTES;
        if beyond {
            let found = format!(
                "{} files, included {} times, {} levels, {} bytes",
                self.found.len(),
                self.reads,
                self.stack.len(),
                self.bytes
            );
            return Err(problem(Code::IncludeLimit, found));
        }
        Ok(Some(text))
    }
}

/// Where a partial may lie: beside the file that includes it or in a folder above, under the
/// names that Dotprompt and Jinja loaders look for. `None` is a path outside the repository.
fn candidates(from: &RepoPath, name: &str) -> Vec<Option<RepoPath>> {
    let mut found = Vec::new();
    let mut folder = from.folder();
    let (stem_folder, stem) = name.rsplit_once('/').unwrap_or(("", name));
    let own = from
        .name()
        .rsplit_once('.')
        .map_or("prompt", |(_, ending)| ending);
    let mut endings = vec!["prompt", own];
    endings.dedup();
    loop {
        found.push(folder.join(name));
        for (ending, place) in endings.iter().flat_map(|ending| {
            ["_{}", "partials/_{}", "partials/{}", "{}"].map(|place| (*ending, place))
        }) {
            let file = format!("{}.{ending}", place.replace("{}", stem));
            let below = folder.join(stem_folder);
            found.push(below.and_then(|below| below.join(&file)));
        }
        if folder.as_str().is_empty() {
            return found;
        }
        folder = folder.folder();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_include_is_looked_into() {
        for (text, expected) in [
            ("{{> a}}", true),
            ("{{#> a}}", true),
            ("{{~#\t>a}}", true),
            ("{{{> a}}}", true),
            ("{{{{\n>", true),
            ("{{a > b}}", false),
            ("{ {> a}}", false),
            ("{>", false),
            ("a > b {{c}}", false),
            ("{% include 'a' %}", true),
            ("file:a", true),
            ("prompts: []", true),
            ("Answer {{q}}", false),
        ] {
            assert_eq!(may_include(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn openings_without_an_end_are_read_once() {
        assert!(!may_include(&b"{{".repeat(1 << 20)));
        assert!(!may_include(&b"{{\n ".repeat(1 << 19)));
    }
}

//! Characters that nobody sees and that a change adds to a prompt, or to what it includes.

use std::collections::{BTreeMap, BTreeSet};

use super::{Change, Range};
use crate::git::{CommitSha, GitError, Kind, Repo, RepoPath};
use crate::limits::{HIDDEN, PROMPT};
use crate::untrusted::{self, Untrusted};

/// How many of a file's hidden characters are told, each with its line.
const MAX_PLACES: usize = 20;
/// How many characters are shown on either side of one.
const AROUND: usize = 40;

/// The hidden characters that a change adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hidden {
    /// The first of each file.
    pub(crate) places: Vec<Place>,
    /// How many there are in all.
    pub(crate) count: usize,
    /// The first file that was not searched, being too large or one too many.
    pub(crate) unsearched: Option<RepoPath>,
}

/// Where a hidden character stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file.
    pub(crate) path: RepoPath,
    /// The line, counted from 1.
    pub(crate) line: usize,
    /// The character, or of which there are too many.
    pub(crate) what: String,
    /// The line around it.
    pub(crate) text: Untrusted,
}

/// Finds what each change adds to its prompt and to every file of its closure. A file that was
/// renamed is compared with what it was.
pub(super) fn find(
    repo: &Repo,
    range: &Range,
    renames: &BTreeMap<RepoPath, RepoPath>,
    changes: &mut [Change],
) -> Result<(), GitError> {
    let mut known: BTreeMap<(RepoPath, RepoPath), Hidden> = BTreeMap::new();
    let mut left = HIDDEN;
    for change in changes {
        let Some(head) = &change.head else { continue };
        let before = change.base.as_ref().map_or(&head.path, |base| &base.path);
        let mut files = BTreeSet::from([(head.path.clone(), before.clone())]);
        for include in &head.includes {
            let path = &include.path;
            let before = renames.get(path).unwrap_or(path);
            files.insert((path.clone(), before.clone()));
        }
        for key in files {
            if !known.contains_key(&key) {
                let (path, before) = &key;
                let before = text(repo, &range.merge_base, before)?;
                let after = text(repo, &range.head, path)?;
                let found = searched(path, [before, after], &mut left);
                known.insert(key.clone(), found);
            }
            if let Some(found) = known.get(&key) {
                change.hidden.add(found);
            }
        }
    }
    Ok(())
}

impl Hidden {
    fn add(&mut self, found: &Self) {
        self.places.extend(found.places.iter().cloned());
        self.count += found.count;
        if self.unsearched.is_none() {
            self.unsearched.clone_from(&found.unsearched);
        }
    }
}

/// What a file adds to what it was, as long as there are bytes left to search.
fn searched(path: &RepoPath, [before, after]: [Option<String>; 2], left: &mut u64) -> Hidden {
    // What it was counts as empty where it is too large: then all of it is new.
    let before = before.unwrap_or_default();
    let fits = after.and_then(|after| {
        let rest = left.checked_sub((before.len() + after.len()) as u64);
        *left = rest.unwrap_or(0);
        rest.map(|_| added(path, &before, &after))
    });
    fits.unwrap_or_else(|| Hidden {
        unsearched: Some(path.clone()),
        ..Hidden::default()
    })
}

/// The text of a file: empty where it is not there, none where it is too large. A mark at its
/// start says how it is encoded.
fn text(repo: &Repo, commit: &CommitSha, path: &RepoPath) -> Result<Option<String>, GitError> {
    let entry = repo.entry(commit, path)?;
    let Some(entry) = entry.filter(|entry| entry.kind == Kind::File) else {
        return Ok(Some(String::new()));
    };
    let bytes = match repo.blob(entry.id, PROMPT) {
        Err(GitError::TooLarge { .. }) => return Ok(None),
        read => read?,
    };
    let text = String::from_utf8_lossy(&bytes);
    Ok(Some(
        text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned(),
    ))
}

/// The hidden characters that `after` has more of than `before`, each code point counted by
/// itself, and kinds that it has too many of. Those on lines that are new are told first.
fn added(path: &RepoPath, before: &str, after: &str) -> Hidden {
    let mut spare: BTreeMap<char, usize> = BTreeMap::new();
    for (_, character) in lines(before).flat_map(untrusted::hidden) {
        *spare.entry(character).or_default() += 1;
    }
    let old: BTreeSet<&str> = lines(before).collect();
    let (mut kept, mut new) = (Vec::new(), Vec::new());
    for (number, line) in lines(after).enumerate() {
        let mut hidden = untrusted::hidden(line).peekable();
        if hidden.peek().is_none() {
            continue;
        }
        let side = if old.contains(line) {
            &mut kept
        } else {
            &mut new
        };
        side.extend(hidden.map(|(at, character)| (number, at, character, line)));
    }
    // Lines that were there before use up what was there before.
    let mut places: Vec<_> = kept.into_iter().chain(new).collect();
    places.retain(|(_, _, character, _)| match spare.get_mut(character) {
        Some(left @ 1..) => {
            *left -= 1;
            false
        }
        _ => true,
    });
    places.sort_by_key(|(number, at, ..)| (*number, *at));
    let crowds = crowds(path, before, after);
    Hidden {
        count: places.len() + crowds.len(),
        places: crowds
            .into_iter()
            .chain(places.into_iter().map(|(number, at, character, line)| {
                place(path, number, line, at, untrusted::hidden_name(character))
            }))
            .take(MAX_PLACES)
            .collect(),
        unsearched: None,
    }
}

/// Lines end as Git's do: a carriage return by itself ends none.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
        .map(|line| line.strip_suffix('\r').unwrap_or(line))
}

/// The kinds that `after` has too many of, and more than `before` had.
fn crowds(path: &RepoPath, before: &str, after: &str) -> Vec<Place> {
    let found = untrusted::crowds(after);
    let old = if found.is_empty() {
        Vec::new()
    } else {
        untrusted::crowds(before)
    };
    let grown = found.iter().filter(|crowd| crowd.grew(&old));
    grown
        .map(|crowd| {
            let head = after.get(..crowd.at).unwrap_or_default();
            let start = head.rfind('\n').map_or(0, |end| end + 1);
            let line = after.get(start..).unwrap_or_default();
            let line = line.split('\n').next().unwrap_or_default();
            let number = head.matches('\n').count();
            place(path, number, line, crowd.at - start, crowd.name())
        })
        .collect()
}

fn place(path: &RepoPath, number: usize, line: &str, at: usize, what: String) -> Place {
    Place {
        path: path.clone(),
        line: number + 1,
        what,
        text: around(line, at),
    }
}

/// The part of a line that a character stands in.
fn around(line: &str, at: usize) -> Untrusted {
    let (before, after) = line.split_at_checked(at).unwrap_or((line, ""));
    let left = before.chars().count().saturating_sub(AROUND);
    let start: String = before.chars().skip(left).collect();
    let end: String = after.chars().take(AROUND + 1).collect();
    let more = if end.len() < after.len() { "…" } else { "" };
    let less = if left > 0 { "…" } else { "" };
    Untrusted::from(format!("{less}{start}{end}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_change_adds_is_found() {
        let path = RepoPath::parse("a.md").unwrap();
        for (before, after, want) in [
            ("a\u{200b}b\n", "a\u{200b}b\nc\n", vec![]),
            ("a\u{200b}b\n", "c\na\u{200b}b\n", vec![]),
            (
                "",
                "a\nb\u{202e}c\n",
                vec![(2, "U+202E RIGHT-TO-LEFT OVERRIDE")],
            ),
            (
                "a\u{200b}b\n",
                "x\u{200b}\na\u{200b}b\n",
                vec![(1, "U+200B ZERO WIDTH SPACE")],
            ),
            (
                "a\u{200b}b\n",
                "a\u{202e}b\n",
                vec![(1, "U+202E RIGHT-TO-LEFT OVERRIDE")],
            ),
            ("a\u{200b}b\n", "ab\n", vec![]),
            ("a\r\n", "a\r\nb\r\n", vec![]),
            ("a\n", "a\rb\n", vec![(1, "U+000D CARRIAGE RETURN")]),
            ("a\n", "⚠️ 👩‍💻 می\u{200c}خواهم\n", vec![]),
        ] {
            let found = added(&path, before, after);
            let places: Vec<_> = found
                .places
                .iter()
                .map(|p| (p.line, p.what.as_str()))
                .collect();
            assert_eq!(places, want, "{before:?} {after:?}");
            assert_eq!(found.count, want.len());
        }
    }

    #[test]
    fn a_crowd_is_told_where_it_begins_unless_it_was_there() {
        let path = RepoPath::parse("a.md").unwrap();
        let crowd = |count: usize| format!("Persian\n{}\n", "م\u{200c}".repeat(count));
        for (before, after, want) in [
            (0, 12, None),
            (
                0,
                13,
                Some("13 zero-width joiners in 13 letters that take them"),
            ),
            (13, 13, None),
            (
                13,
                14,
                Some("14 zero-width joiners in 14 letters that take them"),
            ),
            (14, 13, None),
        ] {
            let found = added(&path, &crowd(before), &crowd(after));
            let places: Vec<_> = found
                .places
                .iter()
                .map(|p| (p.line, p.what.as_str()))
                .collect();
            let want: Vec<_> = want.map(|what| (2, what)).into_iter().collect();
            assert_eq!(places, want, "{before} {after}");
        }
    }

    #[test]
    fn what_is_beyond_the_limit_is_told_and_not_passed() {
        let path = RepoPath::parse("a.md").unwrap();
        let hides = || Some(String::from("a\u{200b}b"));
        let mut left = 12;
        let first = searched(&path, [Some(String::new()), hides()], &mut left);
        assert_eq!((first.count, first.unsearched, left), (1, None, 7));
        for texts in [
            [hides(), hides()],
            [None, Some(String::from("a"))],
            [None, None],
        ] {
            let found = searched(&path, texts, &mut left);
            assert_eq!(
                (found.count, found.unsearched, left),
                (0, Some(path.clone()), 0)
            );
        }
    }

    #[test]
    fn a_long_line_full_of_hidden_characters_is_looked_up_once() {
        let path = RepoPath::parse("a.md").unwrap();
        let line = "\u{200b}".repeat(300_000);
        let found = added(
            &path,
            &format!("Old\n{line}x\n"),
            &format!("New\n{line}y\n"),
        );
        assert_eq!(found.count, 0);
    }

    #[test]
    fn a_flood_is_counted_and_cut() {
        let path = RepoPath::parse("a.md").unwrap();
        let found = added(&path, "", &"\u{200b}".repeat(1_000));
        assert_eq!((found.places.len(), found.count), (MAX_PLACES, 1_000));
    }

    #[test]
    fn a_long_line_is_shown_where_the_character_is() {
        let line = format!("{}\u{202e}{}", "a".repeat(100), "b".repeat(100));
        let shown = around(&line, 100).log();
        assert!(
            shown.contains("aa\\u{202e}bb") && shown.starts_with('…'),
            "{shown}"
        );
        assert!(shown.chars().count() < 100, "{shown}");
    }
}

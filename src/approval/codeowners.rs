//! CODEOWNERS, as GitHub documents it: patterns and owners, the last rule that fits decides.

use crate::git::RepoPath;
use crate::policy::people::Member;

/// Where GitHub looks for it, in this order.
pub(crate) const PATHS: [&str; 3] = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"];

/// Who owns a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Owners {
    /// Accounts and teams.
    pub(crate) members: Vec<Member>,
    /// Addresses: they cannot be matched to an account.
    pub(crate) emails: Vec<String>,
}

/// A whole file: the rules in its order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Codeowners(Vec<(Pattern, Owners)>);

impl Codeowners {
    /// Reads a file. A line that GitHub would pass over is passed over: a negation, a range of
    /// characters, an owner that is none.
    pub(crate) fn parse(text: &str) -> Self {
        // Some editors write a mark before the first line.
        Self(
            text.trim_start_matches('\u{FEFF}')
                .lines()
                .filter_map(rule)
                .collect(),
        )
    }

    /// The owners of a file; a rule without owners takes them away.
    pub(crate) fn of(&self, path: &RepoPath) -> Owners {
        let parts: Vec<&str> = path.as_str().split('/').collect();
        let found = self
            .0
            .iter()
            .rev()
            .find(|(pattern, _)| pattern.fits(&parts));
        found.map(|(_, owners)| owners.clone()).unwrap_or_default()
    }
}

fn rule(line: &str) -> Option<(Pattern, Owners)> {
    let mut words = words(line).into_iter();
    let pattern = Pattern::parse(&words.next()?)?;
    let mut owners = Owners::default();
    for word in words {
        if word.starts_with('@') {
            owners.members.push(Member::parse(&word)?);
        } else if word.contains('@') {
            owners.emails.push(word);
        } else {
            return None;
        }
    }
    Some((pattern, owners))
}

/// The words of a line up to a comment; a backslash keeps a space inside a word.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                word.push(c);
                word.extend(chars.next());
            }
            '#' if word.is_empty() => break,
            c if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// One folder or file, with `*` and `?`.
    One(String),
    /// Any number of folders and files, none included.
    Any,
}

#[derive(Debug, Clone)]
struct Pattern(Vec<Part>);

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        if text == "/" || text.starts_with(['!', '\\']) || text.contains(['[', ']']) {
            return None;
        }
        // A pattern with a slash that is not its last character starts at the root.
        let anchored = text.trim_end_matches('/').contains('/');
        let text = text.strip_prefix('/').unwrap_or(text);
        let mut parts = Vec::new();
        if !anchored {
            parts.push(Part::Any);
        }
        let segments: Vec<&str> = text.split('/').collect();
        for (at, segment) in segments.iter().enumerate() {
            let last = at + 1 == segments.len();
            match (*segment, last) {
                // A folder: everything below it, and not a file of that name.
                ("" | "**", true) => parts.extend([Part::One(String::from("*")), Part::Any]),
                ("**", false) => parts.push(Part::Any),
                ("*", true) => parts.push(Part::One(String::from("*"))),
                (segment, true) => parts.extend([Part::One(segment.to_owned()), Part::Any]),
                (segment, false) => parts.push(Part::One(segment.to_owned())),
            }
        }
        Some(Self(parts))
    }

    fn fits(&self, path: &[&str]) -> bool {
        wildcard(
            &self.0,
            path,
            |part| *part == Part::Any,
            |part, name| {
                let Part::One(pattern) = part else {
                    return false;
                };
                let (pattern, name) = (glob(pattern), name.chars().collect::<Vec<char>>());
                wildcard(
                    &pattern,
                    &name,
                    |each| *each == Glob::Any,
                    |each, c| *each == Glob::One || *each == Glob::Char(*c),
                )
            },
        )
    }
}

/// A character of a pattern's part.
#[derive(Debug, PartialEq, Eq)]
enum Glob {
    Char(char),
    One,
    Any,
}

fn glob(pattern: &str) -> Vec<Glob> {
    let mut found = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        found.push(match c {
            '*' => Glob::Any,
            '?' => Glob::One,
            '\\' => Glob::Char(chars.next().unwrap_or('\\')),
            c => Glob::Char(c),
        });
    }
    found
}

/// Matches a pattern whose `any` parts stand for any number of items. Going back to the last
/// such part is enough, so this takes at most pattern times items steps.
fn wildcard<P, T>(
    pattern: &[P],
    items: &[T],
    any: impl Fn(&P) -> bool,
    one: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut item) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(at), items.get(item)) {
            (Some(part), _) if any(part) => {
                back = Some((at, item));
                at += 1;
            }
            (Some(part), Some(found)) if one(part, found) => {
                at += 1;
                item += 1;
            }
            (None, None) => return true,
            // Let the last `any` part take one item more.
            _ => match back {
                Some((star, taken)) if taken < items.len() => {
                    back = Some((star, taken + 1));
                    at = star + 1;
                    item = taken + 1;
                }
                _ => return false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owners(text: &str, path: &str) -> String {
        let owners = Codeowners::parse(text).of(&RepoPath::parse(path).unwrap());
        let members = owners.members.iter().map(ToString::to_string);
        members.chain(owners.emails).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn patterns_mean_what_github_documents() {
        for (pattern, fits, fits_not) in [
            ("*", &["a", "a/b/c"][..], &[][..]),
            ("*.js", &["a.js", "x/b.js", "x.js/y"], &["a.jsx", "js"]),
            (
                "/build/logs/",
                &["build/logs/a", "build/logs/x/y"],
                &["build/logs", "x/build/logs/a"],
            ),
            (
                "docs/*",
                &["docs/a.md"],
                &["docs/build/a.md", "x/docs/a.md", "docs"],
            ),
            ("apps/", &["apps/a", "x/apps/y/z"], &["apps", "apps.md"]),
            ("/docs/", &["docs/a", "docs/x/a"], &["x/docs/a"]),
            (
                "**/logs",
                &["logs", "build/logs", "deep/ly/logs/a"],
                &["logs.txt"],
            ),
            (
                "/apps/github",
                &["apps/github", "apps/github/a"],
                &["apps/githubs"],
            ),
            (
                "/apps/git*",
                &["apps/github", "apps/github/a"],
                &["apps/x/git"],
            ),
            ("a/**/z", &["a/z", "a/b/z", "a/b/c/z/y"], &["z", "b/a/z"]),
            ("a/**", &["a/b", "a/b/c"], &["a", "b/a/c"]),
            ("**", &["a", "a/b"], &[]),
            (
                "prompt?.md",
                &["prompt1.md", "x/prompt2.md"],
                &["prompt.md", "prompt12.md"],
            ),
            ("my\\ file", &["my file"], &["my", "file"]),
            ("README", &["README", "x/README", "README/a"], &["readme"]),
        ] {
            let text = format!("{pattern} @a\n");
            for path in fits {
                assert_eq!(owners(&text, path), "a", "{pattern} {path}");
            }
            for path in fits_not {
                assert_eq!(owners(&text, path), "", "{pattern} {path}");
            }
        }
    }

    #[test]
    fn the_last_rule_that_fits_decides() {
        let text = "# all\n*  @all\n/prompts/ @Acme/LLM-eng @octocat mail@example.invalid # why\n\
                    /prompts/labs/\n!x @a\n[ab] @a\n/prompts/y.md someone\n\\#z @a\n";
        for (path, want) in [
            ("a", "all"),
            ("prompts/a.md", "@acme/llm-eng octocat mail@example.invalid"),
            ("prompts/labs/a.md", ""),
            // Lines that GitHub passes over leave the rule before them in force.
            ("prompts/y.md", "@acme/llm-eng octocat mail@example.invalid"),
            ("x", "all"),
            ("b", "all"),
            ("#z", "all"),
        ] {
            assert_eq!(owners(text, path), want, "{path}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_time() {
        let pattern = format!("{}b", "a*".repeat(500));
        let many = format!("/{}z", "**/a/".repeat(500));
        let name = "a".repeat(2_000);
        let deep = "a/".repeat(2_000);
        assert_eq!(owners(&format!("{pattern} @a"), &name), "");
        assert_eq!(owners(&format!("{many} @a"), &deep), "");
    }
}

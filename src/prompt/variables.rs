//! The variables that a template uses, read from Handlebars, Mustache and Jinja placeholders.

use std::collections::BTreeSet;

/// Words of the template languages that are no variables.
const WORDS: &[&str] = &[
    "and",
    "or",
    "not",
    "in",
    "is",
    "if",
    "else",
    "elif",
    "true",
    "false",
    "none",
    "True",
    "False",
    "None",
    "null",
    "this",
    "loop",
    "as",
    "with",
    "context",
    "without",
    "recursive",
    "defined",
];

/// Returns the names that `text` takes from outside. Names bound by a loop or a `set` inside
/// the template do not count.
pub(crate) fn used(text: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    let mut bound = BTreeSet::new();
    for tag in tags(text) {
        match tag {
            Tag::Value(inner) => value(inner, &mut used),
            Tag::Statement(inner) => statement(inner, &mut used, &mut bound),
        }
    }
    used.retain(|name| !bound.contains(name));
    used
}

/// Names that templates include: Handlebars partials and Jinja's include, import, extends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reference<'t> {
    /// `{{> name}}`.
    Partial(&'t str),
    /// `{% include "path" %}` and its kin.
    Template {
        /// The path as it is written.
        path: &'t str,
        /// Marked `ignore missing`.
        optional: bool,
    },
    /// An include whose name is an expression.
    Dynamic(&'t str),
}

/// Returns what a template includes, in order.
pub(crate) fn references(text: &str) -> Vec<Reference<'_>> {
    tags(text)
        .filter_map(|tag| match tag {
            Tag::Value(inner) => {
                // `{{#> name}}...{{/name}}` falls back to what stands inside.
                let block = inner.strip_prefix('#').map(str::trim_start);
                let name = block.unwrap_or(inner).strip_prefix('>')?.trim_start();
                let name = name.split([' ', '\t', '\n']).next()?;
                let path = name.trim_matches(['"', '\'']);
                Some(match block {
                    _ if name.starts_with('(') => Reference::Dynamic(inner),
                    None => Reference::Partial(path),
                    Some(_) => Reference::Template {
                        path,
                        optional: true,
                    },
                })
            }
            Tag::Statement(inner) => {
                let end = inner.find(|c: char| !c.is_ascii_alphabetic())?;
                let (word, rest) = inner.split_at_checked(end)?;
                if !matches!(word, "include" | "import" | "from" | "extends") {
                    return None;
                }
                let rest = rest.trim_start();
                Some(match quoted(rest) {
                    Some(path) => Reference::Template {
                        path,
                        optional: rest.contains("ignore missing"),
                    },
                    None => Reference::Dynamic(inner),
                })
            }
        })
        .collect()
}

fn quoted(text: &str) -> Option<&str> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text.get(1..)?.split_once(quote).map(|(path, _)| path)
}

enum Tag<'t> {
    /// Inside `{{ }}` or `{{{ }}}`.
    Value(&'t str),
    /// Inside `{% %}`.
    Statement(&'t str),
}

fn tags(text: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut rest = text;
    // Endings that do not come again: each is searched for once, so that a text of openings
    // alone takes one pass.
    let mut gone: Vec<&str> = Vec::new();
    std::iter::from_fn(move || {
        loop {
            let at = rest.find(['{'])?;
            let tail = rest.get(at..)?;
            let (open, close) = if tail.starts_with("{{{") {
                (3, "}}}")
            } else if tail.starts_with("{{!--") {
                (5, "--}}")
            } else if tail.starts_with("{{") {
                (2, "}}")
            } else if tail.starts_with("{%") {
                (2, "%}")
            } else if tail.starts_with("{#") {
                (2, "#}")
            } else {
                rest = tail.get(1..)?;
                continue;
            };
            let body = tail.get(open..)?;
            let ended = if gone.contains(&close) {
                None
            } else {
                body.split_once(close)
            };
            let Some((inner, after)) = ended else {
                // An opening without its end is text; what follows may still hold a tag.
                if !gone.contains(&close) {
                    gone.push(close);
                }
                rest = body;
                continue;
            };
            rest = after;
            if open == 5 || close == "#}" {
                continue;
            }
            let inner = inner.trim_matches(['-', '~', '+']).trim();
            return Some(if close == "%}" {
                Tag::Statement(inner)
            } else {
                Tag::Value(inner)
            });
        }
    })
}

fn value(inner: &str, used: &mut BTreeSet<String>) {
    let Some(first) = inner.chars().next() else {
        return;
    };
    match first {
        '!' | '/' | '>' | '@' => {}
        '#' | '^' => {
            // A block: `#each items as |item|`, or Mustache's `#items`.
            let body = inner.get(1..).unwrap_or_default();
            if body.trim_start().starts_with('>') {
                return;
            }
            let body = body.split(" as ").next().unwrap_or(body);
            match body.trim().split_once(char::is_whitespace) {
                Some((_, arguments)) => names(arguments, used),
                None => names(body, used),
            }
        }
        _ if inner == "else" => {}
        _ if inner.starts_with("else if ") => {
            names(inner.get(8..).unwrap_or_default(), used);
        }
        _ => {
            let expression = inner.split('|').next().unwrap_or(inner).trim();
            match expression.split_once(char::is_whitespace) {
                // A helper with arguments: the helper's own name is no variable.
                Some((helper, arguments))
                    if is_name(helper) && !starts_with_operator(arguments) =>
                {
                    names(arguments, used);
                }
                _ => names(expression, used),
            }
        }
    }
}

fn statement(inner: &str, used: &mut BTreeSet<String>, bound: &mut BTreeSet<String>) {
    let Some((word, rest)) = inner.split_once(char::is_whitespace) else {
        return;
    };
    match word {
        "for" => {
            if let Some((items, source)) = rest.split_once(" in ") {
                bound.extend(items.split(',').map(|item| item.trim().to_owned()));
                names(source.split('|').next().unwrap_or(source), used);
            }
        }
        "set" => {
            if let Some((name, source)) = rest.split_once('=') {
                bound.insert(name.trim().to_owned());
                names(source, used);
            }
        }
        "if" | "elif" => names(rest, used),
        _ => {}
    }
}

fn starts_with_operator(text: &str) -> bool {
    let word = text.split_whitespace().next().unwrap_or_default();
    matches!(word, "if" | "or" | "and" | "in" | "is" | "not" | "else")
        || !word.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '"' | '\'' | '@'))
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

/// Adds the root names of an expression: `user` of `user.name[0]`. Quoted text, numbers,
/// named arguments' names and the words of the language are passed over.
fn names(expression: &str, used: &mut BTreeSet<String>) {
    let mut rest = expression;
    while let Some(c) = rest.chars().next() {
        let width = match c {
            '"' | '\'' => {
                let body = rest.get(1..).unwrap_or_default();
                body.find(c).map_or(rest.len(), |end| end + 2)
            }
            c if c.is_alphabetic() || c == '_' => {
                let path =
                    |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']' | '/');
                let end = rest.find(|c| !path(c)).unwrap_or(rest.len());
                let name = rest.get(..end).unwrap_or(rest);
                let root = name.split(['.', '[', '/']).next().unwrap_or(name);
                let after = rest.get(end..).unwrap_or_default().trim_start();
                let named = after.starts_with('=') && !after.starts_with("==");
                let called = after.starts_with('(');
                if !named && !called && !WORDS.contains(&root) {
                    used.insert(root.to_owned());
                }
                end
            }
            '@' => {
                let body = rest.get(1..).unwrap_or_default();
                let end = body.find(|c: char| !c.is_alphanumeric());
                1 + end.unwrap_or(body.len())
            }
            c if c.is_numeric() => rest
                .find(|c: char| !(c.is_alphanumeric() || c == '.'))
                .unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        rest = rest.get(width..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_every_template_language() {
        for (text, want) in [
            ("Hi {{name}} and {{{raw}}}", &["name", "raw"][..]),
            ("{{ user.name | upper }}", &["user"]),
            (
                "{{#each items as |item|}}{{/each}}{{#if vip}}x{{else}}y{{/if}}",
                &["items", "vip"],
            ),
            (
                "{{role \"system\"}}{{media url=photo}}{{json data indent=2}}",
                &["data", "photo"],
            ),
            (
                "{% for doc in docs %}{{ doc.text }}{% endfor %}{% if a and not b %}{% endif %}",
                &["a", "b", "docs"],
            ),
            ("{% set x = y %}{{ x }}", &["y"]),
            (
                "{{! comment }}{{!-- {{no}} --}}{# {{none}} #}{{>partial}}{{#> block}}{{/block}}",
                &[],
            ),
            ("JSON: {\"a\": {b}} and {single}", &[]),
            ("{{ a if b else c }}", &["a", "b", "c"]),
            ("{{ unclosed and {{closed}}", &["closed", "unclosed"]),
            ("{{#items}}{{/items}}", &["items"]),
        ] {
            let found: Vec<String> = used(text).into_iter().collect();
            assert_eq!(found, want, "{text}");
        }
    }

    #[test]
    fn references_are_found() {
        let text = "{{> greeting name=x}} {{#> layout}}{{/layout}} {% include 'a/b.j2' ignore missing %} {% extends \"base.j2\" %} {% include which %}";
        assert_eq!(
            references(text),
            [
                Reference::Partial("greeting"),
                Reference::Template {
                    path: "layout",
                    optional: true
                },
                Reference::Template {
                    path: "a/b.j2",
                    optional: true
                },
                Reference::Template {
                    path: "base.j2",
                    optional: false
                },
                Reference::Dynamic("include which"),
            ]
        );
    }
}

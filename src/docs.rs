//! Holds the tables of the docs to the code: each stands between two comment lines in a file
//! of `docs/`, and is written from the lists that the program itself uses.
//!
//! `UPDATE_DOCS=1 cargo test docs` writes them anew.

use std::path::Path;

use clap::CommandFactory as _;

use crate::categories::CATEGORIES;
use crate::commands::doctor::tier::Tier;
use crate::evidence::traces::fields::FIELDS;
use crate::evidence::{evals, traces};
use crate::gates::{KINDS, Section, State};
use crate::ledger::verify::finding::Code as Finding;
use crate::output::{OUTPUTS, VALUES};
use crate::policy::{CategoryId, CommentMode, TOP_LEVEL};
use crate::prompt::FORMATS;
use crate::reason::Code;
use crate::stats::published;

fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
    let mut text = line(&head);
    text.push_str(&line(&vec![String::from("---"); head.len()]));
    for row in rows {
        text.push_str(&line(&row));
    }
    text
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

#[expect(clippy::too_many_lines, reason = "one entry a table")]
fn tables() -> Vec<(&'static str, &'static str, String)> {
    let codes = Code::ALL
        .iter()
        .map(|each| {
            vec![
                code(each.id()),
                each.about().to_owned(),
                each.fix().to_owned(),
            ]
        })
        .collect();
    let gates = KINDS
        .iter()
        .map(|each| {
            let section = match each.section() {
                Section::Hard => "`hard_gates`",
                Section::Eval => "`gates`",
                Section::None => "always on",
            };
            vec![code(each.id()), section.to_owned(), each.about().to_owned()]
        })
        .collect();
    let states = State::ALL
        .iter()
        .map(|each| {
            let green = if each.is_green() { "yes" } else { "no" };
            vec![
                each.id().to_owned(),
                each.about().to_owned(),
                green.to_owned(),
            ]
        })
        .collect();
    let categories = CategoryId::DEFAULTS
        .iter()
        .map(|(id, key, weight, owner)| {
            let weight = format!("{} %", weight / 100);
            vec![
                id.title().to_owned(),
                code(key),
                weight,
                (*owner).to_owned(),
            ]
        })
        .collect();
    let rubrics = CATEGORIES
        .iter()
        .flat_map(|each| {
            each.rubric().iter().map(|(check, points)| {
                let points = if *points == 0 {
                    String::from("cap")
                } else {
                    points.to_string()
                };
                vec![code(each.id().id()), (*check).to_owned(), points]
            })
        })
        .collect();
    let fields = FIELDS
        .iter()
        .map(|each| {
            vec![
                code(each.id),
                each.group.to_owned(),
                each.applies.to_owned(),
                each.read_from.to_owned(),
            ]
        })
        .collect();
    let prompts = FORMATS
        .iter()
        .map(|each| vec![code(each.id()), each.about().to_owned()])
        .collect();
    let evidence = evals::FORMATS
        .iter()
        .map(|each| {
            vec![
                code(each.id()),
                String::from("evals"),
                each.about().to_owned(),
            ]
        })
        .chain(traces::FORMATS.iter().map(|each| {
            vec![
                code(each.id()),
                String::from("traces"),
                each.about().to_owned(),
            ]
        }))
        .collect();
    let outputs = OUTPUTS
        .iter()
        .map(|each| vec![code(each.id()), each.about().to_owned()])
        .collect();
    let values = VALUES
        .iter()
        .flat_map(|(place, values)| {
            values.iter().map(move |(name, about)| {
                vec![code(&format!("{place}{name}")), about.trim().to_owned()]
            })
        })
        .collect();
    vec![
        (
            "docs/gates.md",
            "codes",
            table(&["code", "meaning", "what to do"], codes),
        ),
        (
            "docs/gates.md",
            "gates",
            table(&["gate", "policy section", "passes when"], gates),
        ),
        (
            "docs/gates.md",
            "outcomes",
            table(&["outcome", "meaning", "green"], states),
        ),
        (
            "docs/categories.md",
            "categories",
            table(&["category", "key", "weight", "default owner"], categories),
        ),
        (
            "docs/categories.md",
            "rubrics",
            table(&["category", "check", "points"], rubrics),
        ),
        (
            "docs/evidence.md",
            "fields",
            table(&["field", "group", "applies", "read from"], fields),
        ),
        (
            "docs/evidence.md",
            "formats",
            table(&["format", "evidence", "what"], evidence),
        ),
        (
            "docs/prompts.md",
            "prompts",
            table(&["format", "what"], prompts),
        ),
        (
            "docs/cli.md",
            "outputs",
            table(&["format", "what"], outputs),
        ),
        (
            "docs/threat-model.md",
            "tiers",
            table(
                &["tier", "reached when", "an insider can still", "next"],
                tiers(),
            ),
        ),
        (
            "docs/templates.md",
            "values",
            table(&["value", "what"], values),
        ),
        (
            "docs/ledger.md",
            "findings",
            table(&["code", "weight", "meaning", "what to do"], findings()),
        ),
        ("docs/cli.md", "help", help()),
        (
            "docs/statistics.md",
            "visible",
            table(&["cases", "10 %", "20 %", "40 %"], published::visible()),
        ),
        (
            "docs/statistics.md",
            "needed",
            table(
                &["drop, points", "10 %", "20 %", "40 %"],
                published::needed(),
            ),
        ),
        (
            "docs/statistics.md",
            "margins",
            table(
                &["margin, points", "10 %", "20 %", "40 %"],
                published::margins(),
            ),
        ),
        (
            "docs/ledger.md",
            "entries",
            table(
                &["where", "field", "meaning"],
                crate::ledger::schema::rows(),
            ),
        ),
        (
            "docs/limits.md",
            "limits",
            table(
                &["what is bounded", "limit", "beyond it"],
                crate::limits::table().into_iter().map(Vec::from).collect(),
            ),
        ),
    ]
}

fn tiers() -> Vec<Vec<String>> {
    let row = |tier: &Tier| [tier.id(), tier.about(), tier.insider(), tier.next()];
    let rows = Tier::ALL.iter().map(row);
    rows.map(|row| row.map(str::to_owned).to_vec()).collect()
}

fn findings() -> Vec<Vec<String>> {
    let row = |code: &Finding| {
        vec![
            format!("`{}`", code.id()),
            code.weight().id().to_owned(),
            code.about().to_owned(),
            code.fix().to_owned(),
        ]
    };
    Finding::ALL.iter().map(row).collect()
}

fn help() -> String {
    let mut text = String::new();
    let mut root = crate::cli::Cli::command().term_width(100);
    root.build();
    for command in root.get_subcommands_mut() {
        let name = command.get_name().to_owned();
        if name != "help" {
            let help = command.render_long_help();
            text.push_str(&format!(
                "### `gatecard {name}`\n\n```text\n{}\n```\n\n",
                help.to_string().trim_end()
            ));
        }
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn read(path: &Path) -> String {
    let bytes = crate::files::read_bounded(path, 1 << 20).unwrap_or_else(|error| panic!("{error}"));
    String::from_utf8(bytes).unwrap()
}

#[test]
fn tables_of_the_docs_are_those_of_the_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let update = option_env!("UPDATE_DOCS").is_some();
    for (file, name, want) in tables() {
        let path = root.join(file);
        let text = read(&path);
        let (open, close) = (
            format!("<!-- table:{name} -->\n"),
            format!("<!-- end:{name} -->"),
        );
        let (before, rest) = text
            .split_once(&open)
            .unwrap_or_else(|| panic!("{file} lacks the line {open}"));
        let (found, after) = rest
            .split_once(&close)
            .unwrap_or_else(|| panic!("{file} lacks the line {close}"));
        let want = format!("\n{want}\n");
        if update {
            let text = format!("{before}{open}{want}{close}{after}");
            crate::files::write_atomic(&path, text.as_bytes()).unwrap();
        } else {
            assert_eq!(
                found, want,
                "{file}, table {name}: run UPDATE_DOCS=1 cargo test docs"
            );
        }
    }
}

#[test]
fn every_policy_key_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = read(&root.join("docs/policy.md"));
    for key in TOP_LEVEL {
        assert!(
            text.contains(&format!("`{key}`")),
            "docs/policy.md does not explain `{key}`"
        );
    }
}

#[test]
fn the_full_policy_of_the_docs_can_be_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = read(&root.join("docs/policy.md"));
    let (_, section) = text.split_once("\n## A full policy\n").unwrap();
    let (_, rest) = section.split_once("```yaml\n").unwrap();
    let (policy, _) = rest.split_once("\n```").unwrap();
    assert_eq!(crate::rules::parse(policy).err(), None);
}

#[test]
fn every_way_of_keeping_the_comment_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = read(&root.join("docs/policy.md"));
    for (word, _) in CommentMode::WORDS {
        assert!(
            text.contains(&format!("\n| `{word}` | ")),
            "docs/policy.md does not explain `comment: {word}`"
        );
    }
}

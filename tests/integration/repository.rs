//! The repository itself: what prose promises about files is true.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below a folder with an ending, build output left out.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "target" || name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if name.ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_source_file_says_what_it_is_for() {
    for path in files(&root().join("src"), ".rs") {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("//! "),
            "{} opens without `//!`",
            path.display()
        );
    }
}

#[test]
fn every_path_that_the_docs_name_exists() {
    let mut missing = Vec::new();
    let pages = files(&root().join("docs"), ".md").into_iter().chain(
        fs::read_dir(root())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "md")),
    );
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let here = page.parent().unwrap();
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let file = target.split('#').next().unwrap();
            if !file.is_empty() && !file.contains("://") && !here.join(file).exists() {
                missing.push(format!("{}: {target}", page.display()));
            }
        }
        for name in text.split('`').skip(1).step_by(2) {
            let named = [
                "src/",
                "tests/",
                "templates/",
                "docs/",
                "benches/",
                "examples/",
            ];
            let plain = !name.contains(['*', '<', '{', ' ', '\n', ':']) && !name.contains("NAME");
            if plain
                && named.iter().any(|start| name.starts_with(start))
                && !root().join(name).exists()
            {
                missing.push(format!("{}: {name}", page.display()));
            }
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_input_and_output_of_the_action_is_documented() {
    let action = fs::read_to_string(root().join("action.yml")).unwrap();
    let docs = fs::read_to_string(root().join("docs/cli.md")).unwrap();
    let sections = action.split("\nruns:").next().unwrap();
    let mut count = 0;
    for line in sections.lines() {
        let Some(key) = line
            .strip_prefix("  ")
            .and_then(|line| line.strip_suffix(':'))
        else {
            continue;
        };
        if !key.starts_with(' ') {
            count += 1;
            assert!(
                docs.contains(&format!("`{key}`")),
                "docs/cli.md does not explain `{key}`"
            );
        }
    }
    assert_eq!(count, 15, "nine inputs and six outputs");
}

/// Every workflow and action here, shipped ones included.
fn automation() -> Vec<(PathBuf, String)> {
    let folders = [".github", "examples/workflows", "templates"];
    let found = folders.map(|folder| files(&root().join(folder), ".yml"));
    let paths = found
        .into_iter()
        .flatten()
        .chain([root().join("action.yml")]);
    paths
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

#[test]
fn no_script_of_a_workflow_is_put_together_from_expressions() {
    let mut scripts = 0;
    for (path, text) in automation() {
        // The indentation of the `run:` whose script a line belongs to.
        let mut run = None;
        for line in text.lines() {
            let indented = line.len() - line.trim_start().len();
            let opens = line
                .trim_start()
                .trim_start_matches("- ")
                .starts_with("run:");
            if opens {
                scripts += 1;
                run = Some(indented);
            } else if run.is_some_and(|depth| indented <= depth && !line.trim().is_empty()) {
                run = None;
            }
            assert!(
                run.is_none() || !line.contains("${{"),
                "{}: {line}: pass it through `env:`",
                path.display()
            );
        }
    }
    assert!(scripts > 10, "{scripts} scripts were seen");
}

#[test]
fn linters_are_told_to_ignore_one_thing_at_one_place_with_a_reason() {
    let config = [
        "zizmor.yml",
        "zizmor.yaml",
        "actionlint.yml",
        "actionlint.yaml",
    ];
    for name in config {
        for folder in ["", ".github"] {
            assert!(!root().join(folder).join(name).exists(), "{folder}/{name}");
        }
    }
    let mut ignored = Vec::new();
    for (path, text) in automation() {
        for line in text.lines().filter(|line| line.contains("zizmor:")) {
            let (_, comment) = line
                .split_once("# zizmor: ignore[dangerous-triggers]")
                .unwrap();
            assert!(comment.trim().len() > 20, "no reason: {line}");
            ignored.push(format!("{}: {line}", path.display()));
        }
        assert!(!text.contains("shellcheck disable"), "{}", path.display());
    }
    assert!(ignored.len() <= 1, "{ignored:#?}");
}

#[test]
fn every_action_of_a_workflow_is_pinned_to_a_commit() {
    for (path, text) in automation() {
        for line in text.lines().filter(|line| {
            line.trim_start()
                .trim_start_matches("- ")
                .starts_with("uses:")
        }) {
            let pin = line.split_once('@').unwrap().1.split(' ').next().unwrap();
            let full = pin.len() == 40 && pin.bytes().all(|byte| byte.is_ascii_hexdigit());
            assert!(full && line.contains(" # v"), "{}: {line}", path.display());
        }
    }
}

#[test]
fn the_readme_names_its_two_commands_on_the_first_screen() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let first: Vec<&str> = readme.lines().take(60).collect();
    for command in ["cargo run -- demo", "cargo test"] {
        assert!(first.iter().any(|line| line.contains(command)), "{command}");
    }
}

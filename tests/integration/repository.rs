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
    assert_eq!(count, 11, "six inputs and five outputs");
}

#[test]
fn the_readme_names_its_two_commands_on_the_first_screen() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let first: Vec<&str> = readme.lines().take(60).collect();
    for command in ["cargo run -- demo", "cargo test"] {
        assert!(first.iter().any(|line| line.contains(command)), "{command}");
    }
}

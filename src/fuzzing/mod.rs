//! What fuzzers call: one function for each reader of text from outside and each sink.
//!
//! Beyond "no input makes it panic" a function states what must hold of every input, with
//! `assert!`. Compiled for fuzzers and for tests only; the tests run every function over its
//! seeds in `fuzz/corpus/NAME`. `fuzz/README.md` says how to add one.

mod evidence;
mod outputs;
mod prompts;
mod rules;

use crate::yaml::YamlError;

macro_rules! targets {
    ($($name:ident: $function:path, $about:literal;)*) => {
        $(
            #[doc = $about]
            pub fn $name(data: &[u8]) {
                $function(data);
            }
        )*

        /// Every target by its name.
        #[cfg(test)]
        const TARGETS: &[(&str, fn(&[u8]))] = &[$((stringify!($name), $name)),*];
    };
}

targets! {
    annotation: outputs::annotation, "The sink of a check run's annotations.";
    approvals_file: rules::approvals_file, "Approvals that were saved and are read again.";
    archive: evidence::archive, "A zip archive of evidence.";
    closure: prompts::closure, "A tree of files: a prompt and what it includes.";
    codeowners: rules::codeowners, "CODEOWNERS.";
    commit_message: outputs::commit_message, "The sink of commit messages.";
    difference: prompts::difference, "Two versions of a prompt and what differs, in words.";
    dotprompt: prompts::dotprompt, "A Dotprompt file.";
    event: rules::event, "The payload of an event.";
    fetched: evidence::fetched, "The list of evidence that was fetched and is read again.";
    github: rules::github, "Answers of GitHub: pages, limits, explanations, lists.";
    github_models: prompts::github_models, "A GitHub Models prompt file.";
    html: outputs::html, "The sink of HTML.";
    kept: rules::kept, "The drills, reviews and data policy that a repository keeps.";
    ledger_entry: rules::ledger_entry, "A file on the ledger's branch.";
    log_line: outputs::log_line, "The sink of terminals and logs.";
    markdown_block: outputs::markdown_block, "The sink of Markdown's blocks.";
    markdown_code: outputs::markdown_code, "The sink of Markdown's code spans.";
    markdown_inline: outputs::markdown_inline, "The sink of Markdown's lines.";
    marker: rules::marker, "The first line of our comment.";
    names: evidence::names, "Versions, models and digests as others write them.";
    otlp: evidence::otlp, "OTLP traces.";
    policy: rules::policy, "The policy with its gates, waivers and groups.";
    evals: evidence::evals, "Eval results, of every format.";
    promptfoo_config: prompts::promptfoo_config, "A promptfoo config.";
    prompty: prompts::prompty, "A Prompty file.";
    report: outputs::report, "A report of hostile strings in every output.";
    statistics: evidence::statistics, "Pairs of results.";
    step_output: outputs::step_output, "The sink of step outputs.";
    template: outputs::template, "A template of the repository.";
    text_prompt: prompts::text, "A text prompt with its front matter.";
    workflow: rules::workflow, "Lines of a workflow.";
    yaml: rules::yaml, "YAML.";
}

/// The data as text; most readers see bytes only through the same door.
fn text(data: &[u8]) -> Option<&str> {
    str::from_utf8(data).ok()
}

/// A line `=== NAME` begins a file of an input that has several.
fn files(text: &str) -> Vec<(&str, &str)> {
    let mut files = Vec::new();
    for part in text.split("=== ").skip(1) {
        files.push(part.split_once('\n').unwrap_or((part, "")));
    }
    files
}

/// How many lines a text has for YAML, which breaks them at more than line feeds.
fn lines(text: &str) -> usize {
    let breaks = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
    text.replace("\r\n", "\n").split(breaks).count()
}

/// Errors stand in the text that they are about, and there are never too many.
fn within(text: &str, errors: &[YamlError]) {
    assert!(!errors.is_empty(), "refused without an error");
    assert!(errors.len() <= 60, "{} errors", errors.len());
    let lines = lines(text);
    for error in errors {
        assert!(!error.message.is_empty(), "an error without words");
        if let Some(place) = error.place {
            let inside = place.line >= 1 && place.line <= lines + 1 && place.column >= 1;
            assert!(inside, "{error} is outside of {lines} lines");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::files::{expand, read_bounded};

    fn folder(name: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz")
            .join(name)
    }

    #[test]
    fn every_target_has_seeds_and_holds_for_them() {
        for (name, run) in TARGETS {
            let seeds = expand(&folder("corpus").join(name)).unwrap();
            assert!(seeds.len() >= 2, "fuzz/corpus/{name} lacks seeds");
            for seed in seeds {
                run(&read_bounded(&seed, 1 << 20).unwrap());
            }
        }
    }

    #[test]
    fn every_target_can_be_built() {
        let names: BTreeSet<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        let manifest = read_bounded(&folder("Cargo.toml"), 1 << 20).unwrap();
        let manifest = String::from_utf8(manifest).unwrap();
        let built: BTreeSet<&str> = manifest
            .lines()
            .filter_map(|line| {
                line.strip_prefix("path = \"targets/")?
                    .strip_suffix(".rs\"")
            })
            .collect();
        assert_eq!(built, names);
        for name in names {
            let file = folder("targets").join(format!("{name}.rs"));
            let text = String::from_utf8(read_bounded(&file, 1 << 20).unwrap()).unwrap();
            let call = format!("gatecard::fuzzing::{name}(data)");
            assert!(text.contains(&call), "{}: no {call}", file.display());
        }
    }
}

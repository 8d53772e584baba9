//! The shipped example, as `gatecard demo` shows it.

use std::fs;
use std::path::Path;

use crate::harness::{example, gatecard};

#[test]
fn the_demo_blocks_the_worse_prompt_and_passes_the_fixed_one() {
    let ran = gatecard(&["demo"]).exits(0);
    let (first, second) = ran.out.split_once("Pull request 2").unwrap();
    assert!(first.contains("blocked by 1 gate"), "{first}");
    assert!(
        first.contains("max_regression · support/refund: fail [regression]"),
        "{first}"
    );
    assert!(second.contains("✓ gatecard: passed"), "{second}");
}

#[test]
fn one_changed_byte_makes_the_example_evidence_stale() {
    let folder = tempfile::tempdir().unwrap();
    copy(&example(), folder.path());
    let prompt = folder.path().join("fixed/prompts/support/refund.md");
    let text = fs::read_to_string(&prompt).unwrap();
    fs::write(&prompt, text.replacen("refund", "refunD", 1)).unwrap();
    let ran = gatecard(&["demo", "--from", folder.path().to_str().unwrap()]).exits(1);
    let (_, second) = ran.out.split_once("Pull request 2").unwrap();
    assert!(second.contains("evidence stale(template)"), "{second}");
    assert!(second.contains("[evidence-stale]"), "{second}");
}

#[test]
fn the_demo_prints_the_same_bytes_twice() {
    let folder = tempfile::tempdir().unwrap();
    let runs: Vec<String> = ["a", "b"]
        .iter()
        .map(|name| {
            let dir = folder.path().join(name);
            let dir = dir.to_str().unwrap();
            gatecard(&["demo", "--dir", dir])
                .exits(0)
                .out
                .replace(dir, "DIR")
        })
        .collect();
    assert_eq!(runs[0], runs[1]);
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

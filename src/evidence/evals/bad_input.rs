//! What every format makes of files that are cut off, empty, hostile or not what they seem.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::evidence::traces;
use crate::files::{self, ArchiveLimits};

/// Every file that a tool made, with the format that its folder names.
fn fixtures() -> Vec<(&'static dyn Format, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/evals");
    let mut found = Vec::new();
    for format in FORMATS {
        let Ok(folder) = fs::read_dir(root.join(format.id())) else {
            continue;
        };
        for entry in folder {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name != "README.md") {
                found.push((*format, path));
            }
        }
    }
    found.sort_by(|(_, one), (_, other)| one.cmp(other));
    found
}

/// The unpacked text of a fixture.
fn text(path: &Path) -> Vec<u8> {
    let mut artifacts = files::open(path, &ArchiveLimits::default()).unwrap();
    let read = artifacts.remove(0).read(|reader| {
        let mut text = Vec::new();
        reader.read_to_end(&mut text).map(|_| text)
    });
    read.unwrap().0.unwrap()
}

/// Cases that pass, of every arm.
fn passed(run: &EvalRun) -> usize {
    let cases = run.arms.iter().flat_map(|arm| &arm.cases);
    cases
        .filter(|case| case.result() == CaseResult::Passed)
        .count()
}

fn start(text: &[u8]) -> &[u8] {
    text.get(..64 << 10).unwrap_or(text)
}

#[test]
fn every_format_has_a_fixture_that_it_alone_claims() {
    for format in FORMATS {
        let mut of = fixtures().into_iter();
        assert!(
            of.any(|(each, _)| each.id() == format.id()),
            "{}",
            format.id()
        );
    }
    for (format, path) in fixtures() {
        let text = text(&path);
        let mut claimed: Vec<&str> = Vec::new();
        claimed.extend(
            FORMATS
                .iter()
                .filter(|each| each.recognises(start(&text)))
                .map(|each| each.id()),
        );
        claimed.extend(
            traces::FORMATS
                .iter()
                .filter(|each| each.recognises(start(&text)))
                .map(|each| each.id()),
        );
        assert_eq!(claimed, [format.id()], "{}", path.display());
    }
}

/// Reads what became of a fixture; `None` where it is not claimed or refused.
fn read_as(format: &dyn Format, text: &[u8]) -> Option<EvalRun> {
    if !format.recognises(start(text)) {
        return None;
    }
    match read(format, &mut &*text) {
        Ok(run) => Some(run),
        Err(error) => {
            assert!(!error.found.is_empty() && !error.expected.is_empty());
            None
        }
    }
}

#[test]
fn nothing_that_is_cut_off_passes_more_than_it_holds() {
    for (format, path) in fixtures() {
        let whole = text(&path);
        let all = passed(&read(format, &mut whole.as_slice()).unwrap());
        assert!(all > 0, "{}", path.display());
        for nothing in [&b""[..], b" \n"] {
            assert!(read_as(format, nothing).is_none(), "{}", format.id());
        }
        // Lines end where a file may end as well; every other cut is seen.
        for part in 1..40 {
            let cut = &whole[..whole.len() * part / 40];
            let by_line = ["jsonl", "csv"]
                .iter()
                .any(|kind| path.extension().is_some_and(|extension| extension == *kind));
            match read_as(format, cut) {
                Some(run) if by_line => assert!(passed(&run) <= all),
                Some(_) => panic!("{}: {part}/40 of it is read", path.display()),
                None => {}
            }
        }
    }
}

#[test]
fn what_is_no_number_and_no_text_is_refused() {
    for (format, path) in fixtures() {
        let whole = text(&path);
        let all = passed(&read(format, &mut whole.as_slice()).unwrap());
        let text = String::from_utf8(whole.clone()).unwrap();
        // Every score becomes what is no number.
        for word in ["NaN", "Infinity", "1e999", "\"NaN\"", "null", "{}", "[1]"] {
            for number in [": 1.0", ": true", ":true", ":1", ": 1", ",1.0,", "True"] {
                let word_of = number.trim_start_matches([':', ' ', ',']);
                let lead = number.strip_suffix(word_of).unwrap();
                let tail = if number.ends_with(',') { "," } else { "" };
                let bad = text.replace(number, &format!("{lead}{word}{tail}"));
                if let Some(run) = read_as(format, bad.as_bytes()) {
                    assert!(
                        passed(&run) <= all,
                        "{}: {word} for {number}",
                        path.display()
                    );
                }
            }
        }
        let latin: Vec<u8> = whole
            .iter()
            .map(|byte| if *byte == b'o' { 0xf6 } else { *byte })
            .collect();
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for other in [latin, utf16] {
            let run = read(format, &mut other.as_slice());
            assert!(run.is_err(), "{}: another encoding", path.display());
        }
    }
}

#[test]
fn rows_that_stand_there_twice_are_trials_and_no_further_cases() {
    for (format, path) in fixtures() {
        let whole = text(&path);
        let by_line = path
            .extension()
            .is_some_and(|extension| extension == "jsonl");
        if !by_line || format.id() == "openai_evals" {
            continue;
        }
        let once = read(format, &mut whole.as_slice()).unwrap();
        let twice = [whole.clone(), whole].concat();
        // Spans have ids: two of one are refused.
        let Ok(twice) = read(format, &mut twice.as_slice()) else {
            continue;
        };
        let cases = |run: &EvalRun| {
            run.arms
                .iter()
                .map(|arm| arm.cases.len())
                .collect::<Vec<_>>()
        };
        assert_eq!(cases(&once), cases(&twice), "{}", path.display());
    }
}

#[test]
fn depth_and_length_are_bounded_and_harmless() {
    for (format, path) in fixtures() {
        let whole = text(&path);
        let text = String::from_utf8(whole).unwrap();
        let all = read(format, &mut text.as_bytes()).unwrap();
        // The first text that the tool was given or gave.
        let Some(at) = text.find("refund").or_else(|| text.find("return")) else {
            continue;
        };
        let (before, after) = text.split_at(at);
        let huge = format!("{before}{}{after}", "x".repeat(1 << 20));
        if let Ok(run) = read(format, &mut huge.as_bytes()) {
            assert!(passed(&run) <= passed(&all) + 1, "{}", path.display());
        }
        for deep in [10, 1_000, 100_000] {
            let nested = format!("{}1{}", "[".repeat(deep), "]".repeat(deep));
            for key in [": 1.0", ": true", ":true", ":1.0", ":1,"] {
                let tail = if key.ends_with(',') { "," } else { "" };
                let bad = text.replacen(key, &format!(":{nested}{tail}"), 1);
                if bad == text {
                    continue;
                }
                let read = read(format, &mut bad.as_bytes());
                if let Ok(run) = read {
                    assert!(passed(&run) <= passed(&all), "{}: {deep}", path.display());
                }
            }
        }
    }
}

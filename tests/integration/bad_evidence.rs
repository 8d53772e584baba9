//! Evidence that cannot be read: named with its file, never a pass, never a panic.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::harness::{Evals, HEAD_PROMPT, Passing, Ran, traces};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A zip archive of stored files.
fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    let number = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
    for (name, content) in entries {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut header = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        header.extend(crc.sum().to_le_bytes());
        header.extend(number(content.len()));
        header.extend(number(content.len()));
        header.extend(number(name.len()));
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&header);
        directory.extend([0; 10]);
        directory.extend(number(bytes.len()));
        directory.extend(name.as_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(header);
        bytes.extend(name.as_bytes());
        bytes.extend(*content);
    }
    let count = u8::try_from(entries.len()).unwrap();
    let start = bytes.len();
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, 0, count, 0]);
    bytes.extend(number(directory.len()));
    bytes.extend(number(start));
    bytes.extend([0, 0]);
    bytes
}

#[test]
fn evidence_in_an_archive_counts_like_files_and_a_wrong_entry_refuses_it_whole() {
    let passing = Passing::new();
    let [baseline, candidate, traces] = &passing.files;
    let [evals, calls] = [candidate, traces].map(|path| std::fs::read(path).unwrap());
    let packed = gzip(&calls);
    let sound: &[(&str, &[u8])] = &[("evals.json", &evals), ("calls/traces.gz", &packed)];
    let path = passing.repo.evidence("results.zip", &zip(sound));
    let report = passing.repo.check(&[baseline, &path]).exits(0).json();
    let read: Vec<&str> = report["evidence"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    for member in ["results.zip!evals.json", "results.zip!calls/traces.gz"] {
        assert!(read.iter().any(|path| path.ends_with(member)), "{read:?}");
    }

    let climbing = [sound, &[("../evals.json", &b"{}"[..])]].concat();
    let cut = zip(sound);
    let mut flipped = zip(sound);
    flipped[60] ^= 1;
    for (name, bytes, code, found) in [
        (
            "climbing.zip",
            zip(&climbing),
            "archive-refused",
            "`../evals.json`",
        ),
        (
            "cut.zip",
            cut[..cut.len() - 9].to_vec(),
            "archive-refused",
            "no end",
        ),
        ("empty.zip", zip(&[]), "archive-refused", "no file"),
        (
            "flipped.zip",
            flipped,
            "evidence-unreadable",
            "flipped.zip!evals.json",
        ),
    ] {
        let path = passing.repo.evidence(name, &bytes);
        let said = said(&with(&passing, &path).exits(3), "min_examples");
        assert!(
            said.contains(code) && said.contains(found),
            "{name}: {said}"
        );
    }
}

/// Checks a change that passes but for one more evidence file.
fn with(passing: &Passing, path: &str) -> Ran {
    let [baseline, candidate, traces] = &passing.files;
    passing.repo.check(&[baseline, candidate, traces, path])
}

/// What an eval gate and a trace gate found, as `state code: found`.
fn said(ran: &Ran, gate: &str) -> String {
    let report = ran.json();
    let outcomes = report["outcomes"].as_array().unwrap();
    let outcome = outcomes.iter().find(|outcome| outcome["gate"] == gate);
    format!(
        "{}: {}",
        ran.gate(gate),
        outcome.unwrap()["found"].as_str().unwrap()
    )
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_that_names_it() {
    let evals = Evals::passing(HEAD_PROMPT);
    let text = String::from_utf8(evals.bytes()).unwrap();
    let pretty = serde_json::to_string_pretty(&evals.0).unwrap();
    let replaced = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1).into_bytes()
    };
    let unknown = "evidence-unknown-format";
    let unreadable = "evidence-unreadable";
    let rows = [1, 2].map(|_| r#""results":{"version":3,"results":[]}"#);
    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        ("empty.json", vec![], unknown, "an empty file"),
        ("blank.json", b" \n\n".to_vec(), unknown, "an empty file"),
        ("braces.json", b"{}".to_vec(), unknown, "starting `{}`"),
        (
            "csv.csv",
            b"id,pass\n1,true\n".to_vec(),
            unknown,
            "starting `id,pass",
        ),
        (
            "cut.json",
            pretty.as_bytes()[..pretty.len() / 2].to_vec(),
            unreadable,
            "cut.json:",
        ),
        (
            "cut.json.gz",
            gzip(text.as_bytes())[..2_000].to_vec(),
            unreadable,
            "cut.json.gz: ",
        ),
        (
            "version-2.json",
            replaced("\"version\":3", "\"version\":2"),
            unreadable,
            "results of version 2",
        ),
        (
            "nan.json",
            replaced("\"score\":1", "\"score\":NaN"),
            unreadable,
            "nan.json:1: ",
        ),
        (
            "duplicate.json",
            format!("{{\"evalId\":\"x\",{}}}", rows.join(",")).into_bytes(),
            unreadable,
            "duplicate key `results`",
        ),
        (
            "no-utf8.json",
            replaced("\"output\":\"", "\"output\":\"\u{1}")
                .into_iter()
                .map(|byte| if byte == 1 { 0xff } else { byte })
                .collect(),
            unreadable,
            "no-utf8.json:1",
        ),
        (
            "rows.json",
            br#"{"evalId":"x","results":{"version":3,"results":{}}}"#.to_vec(),
            unreadable,
            "a list of results",
        ),
        (
            "two.json",
            [text.as_bytes(), text.as_bytes()].concat(),
            unreadable,
            "trailing characters",
        ),
        (
            "claimed.json",
            br#"["evalId results"]"#.to_vec(),
            unknown,
            "no reader knows",
        ),
    ];
    let passing = Passing::new();
    for (name, bytes, code, found) in cases {
        let path = passing.repo.evidence(name, &bytes);
        let ran = with(&passing, &path).exits(3);
        assert_eq!(ran.json()["verdict"], "error", "{name}");
        for gate in ["traces_to_evals", "min_examples", "max_regression"] {
            let said = said(&ran, gate);
            assert!(
                said.starts_with(&format!("error {code}: ")),
                "{name}: {said}"
            );
            assert!(
                said.contains(name) && said.contains(found),
                "{name}: {said}"
            );
        }
    }
}

#[test]
fn a_path_that_finds_nothing_is_an_error() {
    let passing = Passing::new();
    let folder = passing.repo.beside("empty");
    std::fs::create_dir(&folder).unwrap();
    let absent = passing.repo.beside("absent.json");
    let glob = passing.repo.beside("absent-*.json");
    for path in [folder, absent, glob] {
        let path = path.to_str().unwrap();
        let ran = with(&passing, path).exits(3);
        let said = said(&ran, "min_examples");
        assert_eq!(
            said,
            format!("error evidence-unreadable: {path}: no such file")
        );
        assert_eq!(ran.gate("prompt_version"), "error evidence-unreadable");
    }
}

#[test]
fn results_without_rows_are_a_run_without_cases() {
    let passing = Passing::new();
    let empty = Evals::passing(HEAD_PROMPT).keep(0);
    let path = passing.repo.evidence("none.json", &empty.bytes());
    let [baseline, _, traces] = &passing.files;
    let ran = passing.repo.check(&[baseline, &path, traces]).exits(1);
    assert_eq!(ran.gate("min_examples"), "fail no-cases");
    assert_eq!(ran.gate("max_regression"), "inconclusive nothing-paired");
}

#[test]
fn a_folder_is_read_file_by_file() {
    let passing = Passing::new();
    let folder = passing.repo.beside("all");
    std::fs::create_dir_all(folder.join("deep")).unwrap();
    for (from, to) in passing
        .files
        .iter()
        .zip(["a.json", "deep/b.json", "deep/c.jsonl"])
    {
        std::fs::copy(from, folder.join(to)).unwrap();
    }
    let folder = folder.to_str().unwrap();
    let ran = passing.repo.check(&[folder]).exits(0);
    assert_eq!(ran.json()["evidence"].as_array().unwrap().len(), 3);
    std::fs::write(format!("{folder}/notes.md"), "# Notes").unwrap();
    let ran = passing.repo.check(&[folder]).exits(3);
    let said = said(&ran, "min_examples");
    assert!(
        said.contains("notes.md: content that no reader knows"),
        "{said}"
    );
}

#[test]
fn nesting_of_any_depth_overflows_nothing() {
    let passing = Passing::new();
    let deep = "[".repeat(2_000_000);
    let shut = "]".repeat(2_000_000);
    let evals = String::from_utf8(Evals::passing(HEAD_PROMPT).bytes()).unwrap();
    let trace = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0","attributes":[{"key":"gen_ai.x","value":{"arrayValue":"#;
    for (name, text, code) in [
        (
            "skipped.json",
            format!("{{\"x\":{deep}{shut},{}", &evals[1..]),
            "evidence-unknown-format",
        ),
        (
            "vars.json",
            format!(
                "{{\"evalId\":\"x\",\"results\":{{\"version\":3,\"results\":[{{\"vars\":{{\"a\":{deep}"
            ),
            "evidence-unreadable",
        ),
        (
            "trace.jsonl",
            format!("{trace}{deep}{shut}}}}}]}}]}}]}}]}}"),
            "traces-unreadable",
        ),
    ] {
        let path = passing.repo.evidence(name, text.as_bytes());
        let ran = with(&passing, &path).exits(3);
        let outcomes = ran.json()["outcomes"].to_string();
        assert!(outcomes.contains(code), "{name}: {outcomes}");
    }
}

#[test]
fn one_huge_line_is_read_or_refused_with_its_size() {
    let passing = Passing::new();
    let mut evals = Evals::passing(HEAD_PROMPT);
    evals.rows()[0]["response"]["output"] = "x".repeat(20 << 20).into();
    let path = passing.repo.evidence("wide.json", &evals.bytes());
    let [baseline, _, traces] = &passing.files;
    passing.repo.check(&[baseline, &path, traces]).exits(0);
    // 300 MiB on one line, packed small.
    let mut line = b"{\"resourceSpans\":[".to_vec();
    line.resize(300 << 20, b' ');
    let path = passing.repo.evidence("line.jsonl.gz", &gzip(&line));
    let ran = with(&passing, &path).exits(3);
    let said = said(&ran, "prompt_version");
    assert!(
        said.starts_with("error evidence-unreadable")
            && said.contains("a record of more than 256 MiB"),
        "{said}"
    );
}

/// The example's traces over and over, `broken` of `all` lines cut short.
fn lines(version: &str, broken: usize, all: usize) -> Vec<u8> {
    let text = String::from_utf8(traces("prompts/answer", version)).unwrap();
    let sample: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    for at in 0..all {
        let line = sample[at % sample.len()];
        let cut = at >= all - broken;
        writeln!(out, "{}", if cut { &line[..line.len() / 2] } else { line }).unwrap();
    }
    out.into_bytes()
}

#[test]
fn one_broken_trace_record_in_a_hundred_is_counted_and_two_are_an_error() {
    let passing = Passing::new();
    let version = passing.repo.version("main", "prompts/answer");
    let [baseline, candidate, _] = &passing.files;
    for (broken, code, state) in [
        (0, 0, "pass met"),
        (1, 0, "pass met"),
        (2, 3, "error traces-unreadable"),
    ] {
        let path = passing
            .repo
            .evidence("t.jsonl", &lines(&version, broken, 100));
        let ran = passing
            .repo
            .check(&[baseline, candidate, &path])
            .exits(code);
        assert_eq!(ran.gate("request_metadata"), state, "{broken}");
        assert_eq!(ran.json()["coverage"]["unreadable"], broken, "{broken}");
    }
}

#[test]
fn one_document_over_several_lines_is_read() {
    let passing = Passing::new();
    let text = std::fs::read_to_string(&passing.files[2]).unwrap();
    let mut all = serde_json::json!({ "resourceSpans": [] });
    for line in text.lines() {
        let mut request: serde_json::Value = serde_json::from_str(line).unwrap();
        let spans = request["resourceSpans"].take();
        all["resourceSpans"]
            .as_array_mut()
            .unwrap()
            .extend(spans.as_array().unwrap().clone());
    }
    let path = passing
        .repo
        .evidence("one.json", &serde_json::to_vec_pretty(&all).unwrap());
    let [baseline, candidate, _] = &passing.files;
    let ran = passing.repo.check(&[baseline, candidate, &path]).exits(0);
    assert_eq!(ran.json()["coverage"]["calls"], 161);
}

#[test]
fn spans_of_no_trace_and_calls_that_end_before_they_start_lower_the_shares() {
    let passing = Passing::new();
    let text = std::fs::read_to_string(&passing.files[2]).unwrap();
    let [baseline, candidate, _] = &passing.files;
    let short = text.replacen("\"traceId\":\"", "\"traceId\":\"ab", 40);
    let path = passing.repo.evidence("ids.jsonl", short.as_bytes());
    let ran = passing.repo.check(&[baseline, candidate, &path]).exits(3);
    assert_eq!(ran.gate("cost_and_latency"), "error traces-unreadable");
    // Every end becomes 1 ns after 1970.
    let backwards: String = text
        .split_inclusive("\"endTimeUnixNano\":\"")
        .enumerate()
        .map(|(at, part)| match part.split_once('"') {
            Some((_, rest)) if at > 0 => format!("1\"{rest}"),
            _ => part.to_owned(),
        })
        .collect();
    let path = passing.repo.evidence("ends.jsonl", backwards.as_bytes());
    let ran = passing.repo.check(&[baseline, candidate, &path]).exits(1);
    assert_eq!(ran.gate("cost_and_latency"), "fail trace-share");
    assert!(
        said(&ran, "cost_and_latency").contains("latency 0"),
        "{}",
        ran.out
    );
}

#[test]
fn a_packed_file_reads_like_a_plain_one() {
    let passing = Passing::new();
    let [baseline, candidate, _] = &passing.files;
    let plain = std::fs::read(&passing.files[2]).unwrap();
    for (name, bytes) in [
        ("t.gz", gzip(&plain)),
        ("t.zst", zstd::encode_all(&plain[..], 1).unwrap()),
    ] {
        let path = passing.repo.evidence(name, &bytes);
        passing.repo.check(&[baseline, candidate, &path]).exits(0);
        let cut = passing.repo.evidence(name, &bytes[..bytes.len() / 2]);
        let ran = passing.repo.check(&[baseline, candidate, &cut]).exits(3);
        assert_eq!(
            ran.gate("prompt_version"),
            "error evidence-unreadable",
            "{name}"
        );
    }
}

//! promptfoo's JSONL output (`promptfoo eval -o results.jsonl`): one bare result a line.
//!
//! Nothing stands beside the results: no configuration, no raw prompt, no time. A line's
//! `prompt.raw` is the rendered prompt. So only a stamp in the metadata of the tests binds such
//! a run.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::promptfoo_row::{Arms, RawRow};
use super::row::Rows;
use super::stream::{Lines, at_most, wrong_line};
use super::{Format, Run, Shown};
use crate::evidence::ReadError;
use crate::limits::EVAL_ARMS;

pub(crate) struct PromptfooJsonl;

impl Format for PromptfooJsonl {
    fn id(&self) -> &'static str {
        "promptfoo_jsonl"
    }

    fn about(&self) -> &'static str {
        "promptfoo JSONL output, one result a line"
    }

    fn recognises(&self, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        let has = |key: &str| start.contains(key);
        start.trim_start().starts_with('{')
            && has("\"promptIdx\"")
            && has("\"gradingResult\"")
            && !has("\"evalId\"")
            && !has("\"resourceSpans\"")
    }

    fn read(&self, reader: &mut dyn BufRead, rows: &mut dyn Rows) -> Result<Run, ReadError> {
        let mut arms = Arms::new();
        let mut found: BTreeMap<usize, Shown> = BTreeMap::new();
        let mut lines = Lines::of(reader);
        while let Some((number, line)) = lines.next()? {
            let row: RawRow =
                serde_json::from_slice(line).map_err(|error| wrong_line(number, &error))?;
            let shown = row.shown();
            let row = row.reduce(&mut arms);
            at_most(arms.len(), EVAL_ARMS, "prompts and providers").map_err(too_many)?;
            let kept = found.entry(row.arm).or_insert_with(|| shown.clone());
            // A stamp says something of an arm only if all its rows agree.
            kept.stamps
                .retain(|prompt, version| shown.stamps.get(prompt) == Some(version));
            rows.row(row).map_err(|error| too_many(error.to_string()))?;
        }
        if found.is_empty() {
            return Err(ReadError::shape("no line", "one result a line"));
        }
        Ok(Run {
            arms: found.into_iter().collect(),
            ..Run::default()
        })
    }
}

fn too_many(found: String) -> ReadError {
    ReadError::shape(found, "a file that is split into smaller ones")
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::BufReader;
    use std::path::Path;

    use super::*;
    use crate::evidence::evals::tests::counts;
    use crate::evidence::evals::{self, EvalRun, FORMATS};

    fn fixture(folder: &str, name: &str) -> BufReader<File> {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/evals");
        BufReader::new(File::open(fixtures.join(folder).join(name)).unwrap())
    }

    fn read(text: &str) -> Result<EvalRun, ReadError> {
        evals::read(&PromptfooJsonl, &mut text.as_bytes())
    }

    #[test]
    fn both_outputs_of_one_run_come_to_the_same_cases() {
        let lines = evals::read(
            &PromptfooJsonl,
            &mut fixture("promptfoo_jsonl", "both.jsonl"),
        )
        .unwrap();
        let document = evals::read(FORMATS[0], &mut fixture("promptfoo", "both.json")).unwrap();
        let told = |run: &EvalRun| -> Vec<_> { run.arms.iter().map(counts).collect() };
        assert_eq!(told(&lines), told(&document));
        for (line, document) in lines.arms.iter().zip(&document.arms) {
            assert_eq!(line.shown.label, document.shown.label);
            assert_eq!(line.shown.model, document.shown.model);
            assert_eq!(line.shown.raw, None);
            let ids = |arm: &evals::Arm| -> Vec<_> {
                let cases = arm.cases.iter();
                cases.map(|case| (case.id.clone(), case.input)).collect()
            };
            assert_eq!(ids(line), ids(document));
        }
    }

    #[test]
    fn a_stamp_counts_where_every_row_of_an_arm_has_it() {
        let version = "a".repeat(64);
        let row = |stamp: &str| {
            format!(
                r#"{{"promptIdx":0,"success":true,"testCase":{{"vars":{{}},"metadata":{{"gatecard:a":"{stamp}"}}}},"gradingResult":{{}}}}"#
            )
        };
        let stamped = read(&format!("{0}\n{0}\n", row(&version))).unwrap();
        assert_eq!(stamped.arms[0].shown.stamps.len(), 1);
        let other = row(&"b".repeat(64));
        let mixed = read(&format!("{}\n{other}\n", row(&version))).unwrap();
        assert_eq!(mixed.arms[0].shown.stamps.len(), 0);
    }

    #[test]
    fn what_is_no_result_names_its_line() {
        let good = r#"{"promptIdx":0,"success":true,"gradingResult":{"componentResults":[{}]}}"#;
        for (text, line, found) in [
            (String::new(), None, "no line"),
            (String::from("\n \n"), None, "no line"),
            (format!("{good}\n{{\"promptIdx\":"), Some(2), "EOF"),
            (format!("{good}\nNaN\n"), Some(2), "column"),
            (format!("{good}\n[1]\n"), Some(2), "expected struct"),
            (
                format!("{good}\n\n{{\"success\":1}}\n"),
                Some(3),
                "invalid type",
            ),
        ] {
            let error = read(&text).unwrap_err();
            assert_eq!(error.line, line, "{text}");
            assert!(error.found.contains(found), "{text}: {}", error.found);
        }
    }
}

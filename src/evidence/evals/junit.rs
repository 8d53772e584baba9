//! `JUnit` XML, as pytest and many other test runners write it.
//!
//! Shape: `testsuites > testsuite[timestamp] > testcase[classname, name] > failure | error |
//! skipped | properties > property[name, value]`. The format has no answers, no prompts and no
//! versions: what properties name is all that is known. A runner that repeats a failed test
//! writes every attempt as a test case, and those before the last without their failure, so
//! the last one of a name decides.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

use chrono::{DateTime, Utc};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::row::{Asserted, Assertions, CaseResult, Row, Rows, Text};
use super::stream::{Parts, at_most};
use super::{Format, Run, Shown};
use crate::evidence::ReadError;
use crate::limits::{EVAL_ARMS, EVAL_PART, EVAL_ROWS, EXCERPT};
use crate::prompt::model::ModelRef;
use crate::units::{Digest, Usd};
use crate::untrusted::shorten;

pub(crate) struct Junit;

impl Format for Junit {
    fn id(&self) -> &'static str {
        "junit"
    }

    fn about(&self) -> &'static str {
        "JUnit XML (pytest and others), with properties"
    }

    fn recognises(&self, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        start
            .trim_start_matches('\u{feff}')
            .trim_start()
            .starts_with('<')
            && start.contains("<testsuite")
    }

    fn read(&self, reader: &mut dyn BufRead, rows: &mut dyn Rows) -> Result<Run, ReadError> {
        let part = Cell::new(EVAL_PART);
        let mut parts = Parts::of(reader, &part);
        let mut reading = Reading::default();
        let mut xml = Reader::from_reader(BufReader::new(&mut parts));
        let mut buffer = Vec::new();
        loop {
            buffer.clear();
            let event = xml.read_event_into(&mut buffer);
            let event = event.map_err(|error| broken(&error, "well-formed XML"))?;
            match event {
                Event::Eof => break,
                Event::Start(tag) => reading.opens(&tag, false)?,
                Event::Empty(tag) => reading.opens(&tag, true)?,
                Event::End(_) => reading.closes(),
                // Entities of its own can make a small file a large one.
                Event::DocType(_) => {
                    let expected = "JUnit XML without one";
                    return Err(ReadError::shape("a document type", expected));
                }
                Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::GeneralRef(_) => {}
            }
            if matches!(reading.path.as_slice(), [.., At::Suite | At::Root]) {
                part.set(EVAL_PART);
            }
            at_most(reading.cases.len(), EVAL_ROWS, "test cases")
                .map_err(|found| ReadError::shape(found, "a file that is split"))?;
        }
        if !reading.path.is_empty() {
            let expected = "a whole file: this one ends early";
            return Err(ReadError::shape("elements that are not closed", expected));
        }
        reading.finish(rows)
    }
}

fn broken(error: &dyn std::fmt::Display, expected: &str) -> ReadError {
    ReadError::shape(error.to_string(), expected)
}

/// Where in the file the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Root,
    Suite,
    Case,
    Other,
}

/// One test case while it is read, and once it was.
#[derive(Debug, Clone, Default)]
struct Found {
    result: Outcome,
    reason: Option<String>,
    properties: BTreeMap<String, String>,
}

/// What a test case says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Outcome {
    #[default]
    Passed,
    Failed,
    Errored,
    Skipped,
}

#[derive(Default)]
struct Reading {
    path: Vec<At>,
    /// Of the newest suite.
    made_at: Option<DateTime<Utc>>,
    /// Properties of the suites that are open.
    suites: Vec<BTreeMap<String, String>>,
    now: Option<(String, Found)>,
    /// By name, in the order of the names: the last of each counts.
    cases: BTreeMap<String, Found>,
}

impl Reading {
    fn opens(&mut self, tag: &BytesStart<'_>, closes: bool) -> Result<(), ReadError> {
        let name = tag.name();
        let name: &str = name.as_ref();
        let at = match (self.path.last(), name) {
            (None, "testsuites") => At::Root,
            (None | Some(At::Root | At::Suite), "testsuite") => {
                self.suite(tag)?;
                At::Suite
            }
            (None, other) => {
                let found = format!("the element `{}`", shorten(other, 40));
                return Err(ReadError::shape(found, "`testsuites` or `testsuite`"));
            }
            (Some(At::Suite), "testcase") => {
                self.case(tag)?;
                At::Case
            }
            _ => {
                self.inside(name, tag)?;
                At::Other
            }
        };
        self.path.push(at);
        if closes {
            self.closes();
        }
        Ok(())
    }

    fn closes(&mut self) {
        match self.path.pop() {
            Some(At::Suite) => drop(self.suites.pop()),
            Some(At::Case) => {
                if let Some((name, mut found)) = self.now.take() {
                    let suites = self.suites.iter().rev().flatten();
                    for (key, value) in suites {
                        let own = found.properties.entry(key.clone());
                        own.or_insert_with(|| value.clone());
                    }
                    self.cases.insert(name, found);
                }
            }
            Some(At::Root | At::Other) | None => {}
        }
    }

    fn suite(&mut self, tag: &BytesStart<'_>) -> Result<(), ReadError> {
        self.suites.push(BTreeMap::new());
        // A time without a zone could be any: it is none.
        let made = attribute(tag, "timestamp")?
            .and_then(|text| DateTime::parse_from_rfc3339(&text).ok())
            .map(|time| time.to_utc());
        self.made_at = self.made_at.max(made);
        Ok(())
    }

    fn case(&mut self, tag: &BytesStart<'_>) -> Result<(), ReadError> {
        let name = attribute(tag, "name")?.ok_or_else(|| {
            ReadError::shape("a test case without a name", "`name` at every `testcase`")
        })?;
        let name = match attribute(tag, "classname")? {
            Some(class) if !class.is_empty() => format!("{class}::{name}"),
            _ => name,
        };
        self.now = Some((name, Found::default()));
        Ok(())
    }

    /// An element in a suite or a test case.
    fn inside(&mut self, name: &str, tag: &BytesStart<'_>) -> Result<(), ReadError> {
        if name == "property" {
            let pair = attribute(tag, "name")?.zip(attribute(tag, "value")?);
            let open = match &mut self.now {
                Some((_, found)) => Some(&mut found.properties),
                None => self.suites.last_mut(),
            };
            if let (Some((key, value)), Some(open)) = (pair, open) {
                open.insert(key, value);
            }
            return Ok(());
        }
        let result = match name {
            "failure" => Outcome::Failed,
            "error" => Outcome::Errored,
            "skipped" => Outcome::Skipped,
            _ => return Ok(()),
        };
        let message = attribute(tag, "message")?;
        if let (Some((_, found)), Some(At::Case)) = (&mut self.now, self.path.last()) {
            // A test can fail and its teardown break: that it failed is what counts.
            if found.result != Outcome::Failed {
                found.result = result;
                found.reason = message.map(|message| shorten(&message, EXCERPT));
            }
        }
        Ok(())
    }

    fn finish(self, rows: &mut dyn Rows) -> Result<Run, ReadError> {
        let mut arms: Vec<Shown> = Vec::new();
        for (name, found) in self.cases {
            let shown = shown(&found.properties);
            let arm = arms.iter().position(|arm| *arm == shown);
            let arm = arm.unwrap_or_else(|| {
                arms.push(shown);
                arms.len() - 1
            });
            at_most(arms.len(), EVAL_ARMS, "prompts and models")
                .map_err(|found| ReadError::shape(found, "a file that is split"))?;
            rows.row(row(arm, name, found))
                .map_err(|error| ReadError::shape(error.to_string(), "a file that is split"))?;
        }
        Ok(Run {
            made_at: self.made_at,
            arms: arms.into_iter().enumerate().collect(),
            ..Run::default()
        })
    }
}

/// What the properties of a test case say of the prompt that it ran: `prompt`, `model` and
/// `gatecard:<prompt id>`, the stamp.
fn shown(properties: &BTreeMap<String, String>) -> Shown {
    let stamps = properties.iter().filter_map(|(key, value)| {
        let prompt = key.strip_prefix("gatecard:")?;
        Some((prompt.to_owned(), Digest::from_hex(value)?))
    });
    Shown {
        label: properties.get("prompt").cloned(),
        model: properties
            .get("model")
            .and_then(|name| ModelRef::parse(name)),
        stamps: stamps.collect(),
        ..Shown::default()
    }
}

/// The format shows neither input nor assertions: the name stands for both.
fn row(arm: usize, name: String, found: Found) -> Row {
    let property = |key: &str| found.properties.get(key);
    let cost = property("cost").and_then(|text| text.parse().ok());
    let result = match found.result {
        Outcome::Passed => CaseResult::Passed,
        Outcome::Failed => CaseResult::Failed,
        Outcome::Errored | Outcome::Skipped => CaseResult::Errored,
    };
    let input = Digest::of(name.as_bytes());
    let ran = found.result != Outcome::Skipped;
    Row {
        arm,
        case: Some(name),
        asserted: ran.then(|| Asserted::of(&Assertions::default())),
        cost: cost.and_then(Usd::from_dollars),
        trace_id: property("trace_id").cloned(),
        text: Text {
            reason: found.reason,
            ..Text::default()
        },
        ..Row::of(input, result)
    }
}

fn attribute(tag: &BytesStart<'_>, name: &str) -> Result<Option<String>, ReadError> {
    let expected = "attributes of well-formed XML";
    for found in tag.attributes() {
        let found = found.map_err(|error| broken(&error, expected))?;
        let key: &str = found.key.as_ref();
        if key == name {
            let value = found.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|error| broken(&error, expected))?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;

    use super::*;
    use crate::evidence::evals::tests::counts;
    use crate::evidence::evals::{self, EvalRun};

    fn fixture(name: &str) -> EvalRun {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/evals/junit");
        let file = File::open(folder.join(name)).unwrap();
        evals::read(&Junit, &mut BufReader::new(file)).unwrap()
    }

    fn read(text: &str) -> Result<EvalRun, ReadError> {
        evals::read(&Junit, &mut text.as_bytes())
    }

    #[test]
    fn real_results_come_to_their_counts() {
        // 101 tests: 85 pass, 13 fail, 1 breaks, 2 are skipped. The second file has 129 elements
        // for as many tests, since some were repeated.
        for name in ["pytest-xunit2.xml", "pytest-reruns-xdist.xml"] {
            let run = fixture(name);
            let mut sum = [0; 5];
            for arm in &run.arms {
                for (sum, count) in sum.iter_mut().zip(counts(arm)) {
                    *sum += count;
                }
            }
            assert_eq!(sum, [85, 13, 1, 99, 2], "{name}");
            assert!(run.made_at.is_some(), "{name}");
        }
    }

    #[test]
    fn properties_say_what_ran() {
        let version = "a".repeat(64);
        let run = read(&format!(
            r#"<?xml version="1.0"?><testsuite name="s" timestamp="2026-11-23T10:00:00"><properties><property name="gatecard:a" value="{version}"/></properties><testcase classname="c" name="n &amp; m"><properties><property name="model" value="openai/gpt-4o"/></properties></testcase></testsuite>"#
        ))
        .unwrap();
        assert_eq!(run.made_at, None, "a time without a zone");
        let [arm] = run.arms.as_slice() else {
            panic!("one arm");
        };
        assert_eq!(arm.cases[0].id, "c::n & m");
        assert_eq!(arm.shown.stamps.len(), 1);
        assert_eq!(
            arm.shown.model.as_ref().map(ToString::to_string).as_deref(),
            Some("openai/gpt-4o")
        );
    }

    #[test]
    fn what_is_no_test_report_is_refused_by_what_was_found() {
        for (text, found) in [
            ("<promptfoo><testsuite/></promptfoo>", "`promptfoo`"),
            ("<testsuites><testsuite>", "not closed"),
            ("<testsuites></testsuite>", "expected"),
            (
                "<!DOCTYPE t [<!ENTITY a \"b\">]><testsuites/>",
                "a document type",
            ),
            ("<testsuite><testcase/></testsuite>", "without a name"),
            ("<testsuite><testcase name=\"&x;\"/></testsuite>", "entity"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.found.contains(found), "{text}: {}", error.found);
        }
    }
}

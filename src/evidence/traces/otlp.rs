//! OTLP JSON traces: one `ExportTraceServiceRequest` a line, as the OpenTelemetry Collector's
//! file exporter writes them, or one document.
//!
//! Shape: `resourceSpans[].{resource.attributes[], scopeSpans[].spans[]}`. Ids are hexadecimal
//! text, 64-bit integers are text; `parentSpanId` is absent or empty at a root. Text is
//! borrowed from the line, and what coverage does not read is skipped without recursion.

use std::borrow::Cow;
use std::io::{BufRead, Read as _};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Format;
use super::calls::Collector;
use super::span::{Resource, Span, Value, trace_id};
use crate::evidence::ReadError;
use crate::limits::{SPANS, TRACE_OBJECTS, TRACE_RECORD};

pub(crate) struct Otlp;

impl Format for Otlp {
    fn id(&self) -> &'static str {
        "otlp"
    }

    fn about(&self) -> &'static str {
        "OTLP JSON lines (OpenTelemetry Collector's file exporter), GenAI attributes"
    }

    fn recognises(&self, start: &[u8]) -> bool {
        let start = String::from_utf8_lossy(start);
        start.trim_start().starts_with('{')
            && [
                "\"resourceSpans\"",
                "\"resourceLogs\"",
                "\"resourceMetrics\"",
            ]
            .iter()
            .any(|key| start.contains(key))
    }

    fn read(&self, reader: &mut dyn BufRead, calls: &mut Collector) -> Result<(), ReadError> {
        let mut line = Vec::new();
        let mut first = true;
        while next_line(reader, &mut line)? {
            if line.trim_ascii().is_empty() {
                continue;
            }
            calls.records += 1;
            small_enough(&line)?;
            match request(&line, calls) {
                Ok(()) => {}
                // A document over several lines: its first line alone is incomplete.
                Err(error) if first && error.is_eof() => {
                    let room = TRACE_RECORD.saturating_sub(line.len() as u64);
                    let rest = reader
                        .take(room)
                        .read_to_end(&mut line)
                        .map_err(ReadError::io)?;
                    if rest as u64 == room {
                        return Err(too_long());
                    }
                    small_enough(&line)?;
                    request(&line, calls).map_err(ReadError::json)?;
                }
                Err(_) => calls.unreadable += 1,
            }
            first = false;
            if calls.spans() > SPANS {
                let found = format!("more than {SPANS} spans in all trace files");
                return Err(ReadError::shape(found, "fewer, such as a sample of them"));
            }
        }
        Ok(())
    }
}

/// An object takes many times the room of its text: a record of many empty ones is refused
/// before it is read.
fn small_enough(record: &[u8]) -> Result<(), ReadError> {
    let objects = record.split(|byte| *byte == b'{').count() - 1;
    if objects <= TRACE_OBJECTS {
        return Ok(());
    }
    let found = format!("a record of {objects} objects");
    Err(ReadError::shape(found, format!("at most {TRACE_OBJECTS}")))
}

fn too_long() -> ReadError {
    let found = format!("a record of more than {} MiB", TRACE_RECORD >> 20);
    ReadError::shape(found, "one export request a line")
}

fn next_line(reader: &mut dyn BufRead, line: &mut Vec<u8>) -> Result<bool, ReadError> {
    line.clear();
    let count = reader
        .take(TRACE_RECORD)
        .read_until(b'\n', line)
        .map_err(ReadError::io)?;
    if count as u64 == TRACE_RECORD {
        return Err(too_long());
    }
    Ok(count > 0)
}

/// Reads one request. It counts whole or not at all, so that a broken line adds nothing.
fn request(line: &[u8], calls: &mut Collector) -> Result<(), serde_json::Error> {
    let request: Request<'_> = serde_json::from_slice(line)?;
    for of_resource in request.resource_spans {
        let mut resource = Resource::default();
        for Attribute { key, value } in &of_resource.resource.attributes {
            resource.take(key, &value.read());
        }
        for of_scope in of_resource.scope_spans {
            for raw in of_scope.spans {
                if let Some(span) = raw.read() {
                    calls.add(span, &resource);
                } else {
                    calls.unreadable += 1;
                    calls.records += 1;
                }
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    #[serde(borrow, default)]
    resource_spans: Vec<ResourceSpans<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans<'a> {
    #[serde(borrow, default)]
    resource: RawResource<'a>,
    #[serde(borrow, default)]
    scope_spans: Vec<ScopeSpans<'a>>,
}

#[derive(Deserialize, Default)]
struct RawResource<'a> {
    #[serde(borrow, default)]
    attributes: Vec<Attribute<'a>>,
}

#[derive(Deserialize)]
struct ScopeSpans<'a> {
    #[serde(borrow, default)]
    spans: Vec<RawSpan<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawSpan<'a> {
    #[serde(borrow, default)]
    trace_id: Cow<'a, str>,
    #[serde(borrow, default)]
    span_id: Cow<'a, str>,
    #[serde(borrow, default)]
    parent_span_id: Cow<'a, str>,
    #[serde(borrow, default)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    start_time_unix_nano: Option<&'a RawValue>,
    #[serde(borrow)]
    end_time_unix_nano: Option<&'a RawValue>,
    #[serde(borrow, default)]
    attributes: Vec<Attribute<'a>>,
    #[serde(borrow, default)]
    events: Vec<Event<'a>>,
    #[serde(borrow, default)]
    status: Status<'a>,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, default)]
    name: Cow<'a, str>,
}

#[derive(Deserialize, Default)]
struct Status<'a> {
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Attribute<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default)]
    value: AnyValue<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names of the protocol")]
struct AnyValue<'a> {
    #[serde(borrow)]
    string_value: Option<Cow<'a, str>>,
    #[serde(borrow)]
    int_value: Option<&'a RawValue>,
    double_value: Option<f64>,
    bool_value: Option<bool>,
    #[serde(borrow)]
    array_value: Option<&'a RawValue>,
    #[serde(borrow)]
    kvlist_value: Option<&'a RawValue>,
}

impl AnyValue<'_> {
    fn read(&self) -> Value<'_> {
        if let Some(text) = &self.string_value {
            return Value::Text(Cow::Borrowed(text));
        }
        if let Some(raw) = self.int_value {
            return number(raw).map_or(Value::Empty, Value::Int);
        }
        if let Some(number) = self.double_value {
            return Value::Double(number);
        }
        if self.bool_value.is_some() {
            return Value::Some;
        }
        match self.array_value.or(self.kvlist_value).map(RawValue::get) {
            // `{}` and `{"values":[]}` hold nothing.
            Some(raw) if raw.contains("Value") => Value::Text(Cow::Borrowed(raw)),
            _ => Value::Empty,
        }
    }
}

/// A number that may be written as text.
fn number<T: std::str::FromStr>(raw: &RawValue) -> Option<T> {
    raw.get().trim_matches('"').parse().ok()
}

impl RawSpan<'_> {
    /// Reads a span; one without a usable trace id is none.
    fn read(&self) -> Option<Span> {
        let trace = trace_id(&self.trace_id)?;
        let time = |raw: Option<&RawValue>| raw.and_then(number).unwrap_or_default();
        let mut span = Span {
            trace,
            id: u64::from_str_radix(&self.span_id, 16).unwrap_or_default(),
            root: self.parent_span_id.is_empty(),
            start: time(self.start_time_unix_nano),
            end: time(self.end_time_unix_nano),
            ..Span::default()
        };
        span.name(&self.name);
        for Attribute { key, value } in &self.attributes {
            if Span::wants(key) {
                span.take(key, &value.read());
            }
        }
        for event in &self.events {
            span.event(&event.name);
        }
        let failed = matches!(
            self.status.code.map(RawValue::get),
            Some("2" | "\"STATUS_CODE_ERROR\"")
        );
        span.status(failed, &self.status.message);
        span.finish();
        Some(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day after the samples were made.
    fn now() -> chrono::DateTime<chrono::Utc> {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    use crate::evidence::traces::calls::Coverage;
    use crate::evidence::traces::fields::FIELDS;
    use crate::policy::Where;

    const CURRENT: &[u8] =
        include_bytes!("../../../tests/fixtures/traces/otlp/otel-genai-v1.jsonl");
    const OLDER: &[u8] =
        include_bytes!("../../../tests/fixtures/traces/otlp/otel-openai-v2-legacy.jsonl");

    fn coverage(bytes: &[u8]) -> Coverage {
        let mut calls = Collector::default();
        Otlp.read(&mut &*bytes, &mut calls).unwrap();
        calls.finish(&Where::default(), now())
    }

    fn calls(coverage: &Coverage) -> u64 {
        coverage
            .groups
            .values()
            .map(super::super::calls::Group::calls)
            .sum()
    }

    /// How many calls show a field, and to how many it applies.
    fn field(coverage: &Coverage, id: &str) -> (u64, u64) {
        let about = FIELDS.iter().find(|about| about.id == id).unwrap();
        let masks = coverage.groups.values().flat_map(|group| &group.masks);
        masks
            .filter(|((_, applicable), _)| applicable.has(about.field))
            .fold((0, 0), |(shown, owed), ((present, _), count)| {
                let shows = u64::from(present.has(about.field)) * count;
                (shown + shows, owed + count)
            })
    }

    #[test]
    fn current_names_come_to_their_counts() {
        let found = coverage(CURRENT);
        assert_eq!(
            (found.spans, found.traces.len(), calls(&found)),
            (61, 20, 21)
        );
        assert_eq!((found.unreadable, found.records, found.excluded), (0, 4, 0));
        for (id, want) in [
            ("prompt_version", (19, 21)),
            ("template", (19, 21)),
            ("provider", (21, 21)),
            ("model", (21, 21)),
            ("environment", (21, 21)),
            ("release", (21, 21)),
            ("input", (14, 21)),
            ("output", (14, 20)),
            ("temperature", (18, 18)),
            ("max_tokens", (15, 15)),
            ("tokens", (19, 20)),
            ("latency", (21, 21)),
            ("cost", (0, 20)),
            ("errors", (1, 1)),
            ("memory", (2, 3)),
        ] {
            assert_eq!(field(&found, id), want, "{id}");
        }
    }

    #[test]
    fn older_names_come_to_their_counts() {
        let found = coverage(OLDER);
        assert_eq!(
            (found.spans, found.traces.len(), calls(&found)),
            (80, 29, 34)
        );
        for (id, want) in [
            ("prompt_version", (30, 34)),
            ("provider", (34, 34)),
            ("model", (34, 34)),
            ("input", (0, 34)),
            ("output", (0, 31)),
            ("temperature", (26, 26)),
            ("max_tokens", (17, 17)),
            ("tokens", (29, 31)),
            ("errors", (3, 3)),
        ] {
            assert_eq!(field(&found, id), want, "{id}");
        }
    }

    #[test]
    fn a_document_over_several_lines_reads_like_one_line() {
        let line = CURRENT.split(|byte| *byte == b'\n').nth(1).unwrap();
        let value: serde_json::Value = serde_json::from_slice(line).unwrap();
        let pretty = serde_json::to_vec_pretty(&value).unwrap();
        let want = coverage(line);
        assert_eq!(coverage(&pretty), want);
        // Also where it is not the first file.
        let mut both = Collector::default();
        Otlp.read(&mut &*line, &mut both).unwrap();
        Otlp.read(&mut &*pretty, &mut both).unwrap();
        let both = both.finish(&Where::default(), now());
        assert_eq!((both.spans, both.unreadable), (want.spans, 0));
        assert_eq!(both.repeated, want.spans, "the same spans count once");
    }

    #[test]
    fn spans_that_cannot_be_are_counted_as_unreadable_or_untimed() {
        let span = |id: &str, start: &str, end: &str| {
            format!(
                r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{id}","startTimeUnixNano":"{start}","endTimeUnixNano":"{end}","attributes":[{{"key":"gen_ai.operation.name","value":{{"stringValue":"chat"}}}}]}}]}}]}}]}}"#
            )
        };
        let good = "0af7651916cd43dd8448eb211c80319c";
        for (id, start, end, want) in [
            (
                good,
                "1795427723000000001",
                "1795427723000000002",
                (1, 0, 1),
            ),
            (
                good,
                "1795427723000000002",
                "1795427723000000001",
                (1, 0, 0),
            ),
            (good, "0", "1", (1, 0, 0)),
            (good, "-1", "99999999999999999999999", (1, 0, 0)),
            // Of another age: known, and not counted.
            (good, "1", "2", (0, 0, 0)),
            ("", "1795427723000000001", "1795427723000000002", (0, 1, 0)),
            (
                "0af7",
                "1795427723000000001",
                "1795427723000000002",
                (0, 1, 0),
            ),
            (
                "+af7651916cd43dd8448eb211c80319c",
                "1795427723000000001",
                "1795427723000000002",
                (0, 1, 0),
            ),
            (
                "00000000000000000000000000000000",
                "1795427723000000001",
                "1795427723000000002",
                (0, 1, 0),
            ),
            (
                "0af7651916cd43dd8448eb211c80319c0af7651916cd43dd8448eb211c80319c",
                "1795427723000000001",
                "1795427723000000002",
                (0, 1, 0),
            ),
        ] {
            let found = coverage(span(id, start, end).as_bytes());
            let timed = field(&found, "latency").0;
            assert_eq!(
                (calls(&found), found.unreadable, timed),
                want,
                "{id} {start} {end}"
            );
        }
    }
}

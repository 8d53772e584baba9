//! From spans to coverage: each LLM call joined with its trace, then counted by group.
//!
//! A group counts its calls by which fields apply and which are present, so that every share
//! and every "complete for this gate" is exact and memory does not grow with the text.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use chrono::{DateTime, TimeDelta, Utc};

use super::fields::{Field, Mask};
use super::span::{Resource, Span, Step};
use crate::policy::Where;
use crate::units::Usd;

/// Calls of longer ago say nothing of today.
const MAX_AGE_DAYS: i64 = 30;

/// What calls are grouped by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct GroupKey {
    /// The prompt that the calls name.
    pub(crate) prompt: Option<String>,
    /// The version that the calls name.
    pub(crate) version: Option<String>,
    /// The provider.
    pub(crate) provider: Option<String>,
    /// The model.
    pub(crate) model: Option<String>,
    /// The environment.
    pub(crate) environment: Option<String>,
}

/// The calls of one group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Group {
    /// Calls by the fields they show and the fields that apply to them.
    pub(crate) masks: BTreeMap<(Mask, Mask), u64>,
    /// Calls by latency in milliseconds.
    pub(crate) latency: BTreeMap<u64, u64>,
    /// Calls that failed.
    pub(crate) failed: u64,
    /// Tokens of all requests.
    pub(crate) input_tokens: u64,
    /// Tokens of all answers.
    pub(crate) output_tokens: u64,
    /// Recorded and estimated cost.
    pub(crate) cost: Usd,
    /// Calls whose cost was estimated from the policy's prices.
    pub(crate) estimated: u64,
    /// Tokens of calls without a recorded cost: (input, output, calls).
    pub(crate) unpriced: (u64, u64, u64),
}

impl Group {
    /// How many calls.
    pub(crate) fn calls(&self) -> u64 {
        self.masks.values().sum()
    }
}

/// What the traces of all files show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Coverage {
    /// Spans of any kind.
    pub(crate) spans: u64,
    /// Every trace.
    pub(crate) traces: BTreeSet<u128>,
    /// LLM calls outside the policy's `where`.
    pub(crate) excluded: u64,
    /// LLM calls of more than 30 days ago, or of the future.
    pub(crate) outdated: u64,
    /// Spans that were given more than once, and count once.
    pub(crate) repeated: u64,
    /// Records that could not be read.
    pub(crate) unreadable: u64,
    /// Records in all.
    pub(crate) records: u64,
    /// Start of the first and the last call, in nanoseconds since 1970.
    pub(crate) window: Option<(u64, u64)>,
    /// The trace files, by number, whose newest call is older than their source may be.
    pub(crate) old_files: BTreeSet<u32>,
    /// The calls.
    pub(crate) groups: BTreeMap<GroupKey, Group>,
}

/// One LLM call, waiting for its trace to be known.
struct Call {
    trace: u128,
    start: u64,
    end: u64,
    group: u32,
    file: u32,
    present: Mask,
    failed: bool,
    conversation: bool,
    asks_tool: bool,
    tokens: Option<(u64, u64)>,
    cost: Option<Usd>,
    service: Option<String>,
}

#[derive(Default)]
struct Trace {
    route: Option<String>,
    retrievals: u32,
    undocumented: u32,
    unscored: u32,
    tools: u32,
    without_arguments: u32,
    without_result: u32,
    post_processing: u32,
    calls: u32,
    last_start: u64,
}

/// Takes spans in any order and joins them when all are there.
#[derive(Default)]
pub(crate) struct Collector {
    keys: BTreeMap<GroupKey, u32>,
    calls: Vec<Call>,
    traces: BTreeMap<u128, Trace>,
    seen: BTreeSet<(u128, u64)>,
    repeated: u64,
    spans: u64,
    /// By file: before when its newest call must not be.
    files: Vec<Option<u64>>,
    /// Records that could not be read.
    pub(crate) unreadable: u64,
    /// Records in all.
    pub(crate) records: u64,
}

impl Collector {
    /// Starts with another file. A file whose newest call is before `oldest` counts for nothing.
    pub(crate) fn begin(&mut self, oldest: Option<DateTime<Utc>>) {
        self.files.push(oldest.map(nanos));
    }

    /// How many files there were: the number that the next one gets.
    pub(crate) fn begun(&self) -> u32 {
        u32::try_from(self.files.len()).unwrap_or(u32::MAX)
    }

    /// Takes one finished span.
    pub(crate) fn add(&mut self, mut span: Span, resource: &Resource) {
        // The same file given twice, or beside its packed copy, is one set of spans.
        if span.id != 0 && !self.seen.insert((span.trace, span.id)) {
            self.repeated += 1;
            return;
        }
        self.spans += 1;
        let trace = self.traces.entry(span.trace).or_default();
        if trace.route.is_none() || span.root {
            trace.route = span.route.take().or(trace.route.take());
        }
        let lacks = |field| u32::from(!span.present.has(field));
        match span.step {
            Step::Retrieval => {
                trace.retrievals += 1;
                trace.undocumented += lacks(Field::Documents);
                trace.unscored += lacks(Field::DocumentScores);
            }
            Step::Tool => {
                trace.tools += 1;
                trace.without_arguments += lacks(Field::ToolCalls);
                trace.without_result += lacks(Field::ToolResults);
            }
            Step::PostProcessing => trace.post_processing += 1,
            Step::LlmCall => {
                trace.calls += 1;
                trace.last_start = trace.last_start.max(span.start);
                self.call(span, resource);
            }
            Step::Other => {}
        }
    }

    fn call(&mut self, mut span: Span, resource: &Resource) {
        let key = GroupKey {
            prompt: span.prompt,
            version: span.version,
            provider: span.provider,
            model: span.model,
            environment: resource.environment.clone(),
        };
        span.present
            .set(Field::Environment, resource.environment.is_some());
        span.present.set(Field::Release, resource.release.is_some());
        for field in [Field::Input, Field::Output] {
            if span.redacted.has(field) {
                span.present.set(field, true);
            }
        }
        let next = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        let group = *self.keys.entry(key).or_insert(next);
        self.calls.push(Call {
            file: self.begun().saturating_sub(1),
            trace: span.trace,
            start: span.start,
            end: span.end,
            group,
            present: span.present,
            failed: span.failed,
            conversation: span.conversation,
            asks_tool: span.asks_tool,
            tokens: span.input_tokens.zip(span.output_tokens),
            cost: span.cost,
            service: resource.service.clone(),
        });
    }

    /// How many spans were added.
    pub(crate) const fn spans(&self) -> u64 {
        self.spans
    }

    /// Joins the calls with their traces and counts them.
    pub(crate) fn finish(self, filter: &Where, now: DateTime<Utc>) -> Coverage {
        let recent = recent(now);
        let old_files = self.old_files(*recent.end());
        let mut groups: Vec<Group> = vec![Group::default(); self.keys.len()];
        let keys: BTreeMap<u32, &GroupKey> = self.keys.iter().map(|(key, at)| (*at, key)).collect();
        let none = Trace::default();
        let (mut excluded, mut outdated) = (0, 0);
        let mut window: Option<(u64, u64)> = None;
        for call in &self.calls {
            let trace = self.traces.get(&call.trace).unwrap_or(&none);
            let environment = keys
                .get(&call.group)
                .and_then(|key| key.environment.as_deref());
            if !counts(filter, environment, call, trace) {
                excluded += 1;
                continue;
            }
            // A call without a time counts: what it lacks is its latency.
            let is_old = call.start > 0 && !recent.contains(&call.start);
            if is_old || old_files.contains(&call.file) {
                outdated += 1;
                continue;
            }
            let (first, last) = window.unwrap_or((call.start, call.start));
            window = Some((first.min(call.start), last.max(call.start)));
            if let Some(group) = groups.get_mut(call.group as usize) {
                count(group, call, trace);
            }
        }
        let groups = self
            .keys
            .into_iter()
            .filter_map(|(key, at)| {
                let group = std::mem::take(groups.get_mut(at as usize)?);
                (group.calls() > 0).then_some((key, group))
            })
            .collect();
        Coverage {
            spans: self.spans,
            traces: self.traces.into_keys().collect(),
            excluded,
            outdated,
            repeated: self.repeated,
            unreadable: self.unreadable,
            records: self.records,
            window,
            old_files,
            groups,
        }
    }

    /// The files whose newest call is older than it may be. One of the future is none.
    fn old_files(&self, latest: u64) -> BTreeSet<u32> {
        let mut newest = vec![0; self.files.len()];
        for call in self.calls.iter().filter(|call| call.start <= latest) {
            if let Some(newest) = newest.get_mut(call.file as usize) {
                *newest = call.start.max(*newest);
            }
        }
        (0..)
            .zip(self.files.iter().zip(newest))
            .filter(|(_, (oldest, newest))| oldest.is_some_and(|oldest| *newest < oldest))
            .map(|(number, _)| number)
            .collect()
    }
}

/// The times of calls that say something of today, in nanoseconds since 1970: the last 30
/// days, and a day ahead for clocks that differ.
fn recent(now: DateTime<Utc>) -> RangeInclusive<u64> {
    nanos(now - TimeDelta::days(MAX_AGE_DAYS))..=nanos(now + TimeDelta::days(1))
}

fn nanos(time: DateTime<Utc>) -> u64 {
    let nanos = time.timestamp_nanos_opt().unwrap_or_default();
    u64::try_from(nanos).unwrap_or_default()
}

/// Calls without environment count as production.
fn counts(filter: &Where, environment: Option<&str>, call: &Call, trace: &Trace) -> bool {
    let environment = environment.unwrap_or("production");
    let fits = |wanted: Option<&str>, found: Option<&str>| wanted.is_none() || wanted == found;
    let here = match filter.environment.as_deref() {
        Some(wanted) => environment == wanted,
        None => filter.any_environment || matches!(environment, "production" | "prod"),
    };
    here && fits(filter.service.as_deref(), call.service.as_deref())
        && fits(filter.route.as_deref(), trace.route.as_deref())
}

fn count(group: &mut Group, call: &Call, trace: &Trace) {
    let (present, applicable) = joined(call, trace);
    *group.masks.entry((present, applicable)).or_default() += 1;
    group.failed += u64::from(call.failed);
    if present.has(Field::Latency) {
        *group
            .latency
            .entry((call.end - call.start) / 1_000_000)
            .or_default() += 1;
    }
    if let Some((input, output)) = call.tokens {
        group.input_tokens = group.input_tokens.saturating_add(input);
        group.output_tokens = group.output_tokens.saturating_add(output);
        if call.cost.is_none() && !call.failed {
            group.unpriced.0 = group.unpriced.0.saturating_add(input);
            group.unpriced.1 = group.unpriced.1.saturating_add(output);
            group.unpriced.2 += 1;
        }
    }
    if let Some(cost) = call.cost {
        group.cost = group.cost.plus(cost);
    }
}

/// The fields that a call shows and those that apply to it, its trace considered. Fields that
/// depend on the prompt version (variables, parameters) apply here only where they are
/// present; [`super::expect`] adds the rest once the version is known.
fn joined(call: &Call, trace: &Trace) -> (Mask, Mask) {
    let mut present = call.present;
    let mut applicable = Mask::of(&[
        Field::Environment,
        Field::Input,
        Field::Payload,
        Field::Template,
        Field::PromptVersion,
        Field::Provider,
        Field::Model,
        Field::Latency,
        Field::Release,
    ]);
    for field in [
        Field::Variables,
        Field::Temperature,
        Field::MaxTokens,
        Field::Parameters,
    ] {
        applicable.set(field, present.has(field));
    }
    applicable.set(Field::Memory, call.conversation);
    present.set(
        Field::Memory,
        call.conversation && present.has(Field::Payload),
    );
    let retrieved = trace.retrievals > 0;
    applicable.set(Field::Documents, retrieved);
    applicable.set(Field::DocumentScores, retrieved);
    present.set(Field::Documents, retrieved && trace.undocumented == 0);
    present.set(Field::DocumentScores, retrieved && trace.unscored == 0);
    let tools = call.asks_tool || trace.tools > 0;
    applicable.set(Field::ToolCalls, tools);
    applicable.set(Field::ToolResults, tools);
    let told = call.asks_tool && present.has(Field::Output);
    present.set(
        Field::ToolCalls,
        (trace.tools > 0 || told) && trace.without_arguments == 0,
    );
    present.set(
        Field::ToolResults,
        trace.tools > 0 && trace.without_result == 0,
    );
    let stepped = trace.post_processing > 0;
    applicable.set(Field::PostProcessing, stepped);
    present.set(Field::PostProcessing, stepped);
    for field in [Field::Output, Field::Tokens, Field::Cost] {
        applicable.set(field, !call.failed);
    }
    applicable.set(Field::Errors, call.failed);
    let followed = call.failed && trace.calls > 1 && trace.last_start > call.start;
    applicable.set(Field::Fallbacks, followed);
    present.set(Field::Fallbacks, followed);
    (present, applicable)
}

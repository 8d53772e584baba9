//! Which eval results were made with which version of a changed prompt, facet by facet.
//!
//! A run is bound to a version if it is stamped with our digest, or if it shows every facet
//! that the pull request changed, and shows each as that version has it. Nothing that a tool
//! calls an id is trusted: raw prompts are compared as text.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};

use super::collect::LoadedRun;
use super::evals::{Arm, Case, CaseResult, Shown};
use crate::change::Change;
use crate::policy::Role;
use crate::prompt::version::{Facet, messages};
use crate::prompt::{Prompt, canonical};
use crate::reason::Code;

/// How recent the evidence of a prompt is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// A run of the head version.
    Fresh,
    /// Runs of something else, and in which facets they differ.
    Stale(BTreeSet<Facet>),
    /// No run of this prompt.
    Missing,
    /// Runs that cannot be tied to the head version, and the facets that they do not show.
    Unbound(BTreeSet<Facet>),
}

impl Freshness {
    /// The word, with the facets in brackets.
    pub(crate) fn words(&self) -> String {
        let named = |word: &str, facets: &BTreeSet<Facet>| {
            if facets.is_empty() {
                return word.to_owned();
            }
            let list: Vec<&str> = facets.iter().map(|facet| facet.id()).collect();
            format!("{word}({})", list.join(", "))
        };
        match self {
            Self::Fresh => String::from("fresh"),
            Self::Stale(facets) => named("stale", facets),
            Self::Missing => String::from("missing"),
            Self::Unbound(_) => String::from("unbound"),
        }
    }
}

/// The eval runs of one changed prompt.
#[derive(Debug, Clone)]
pub(crate) struct Binding {
    /// Of the head version's evidence.
    pub(crate) freshness: Freshness,
    /// Why it is not fresh.
    pub(crate) code: Option<Code>,
    /// Cases of the head version.
    pub(crate) candidate: Option<BoundCases>,
    /// Cases of the base version.
    pub(crate) baseline: Option<BoundCases>,
}

/// The cases of one version, of every model that it names.
#[derive(Debug, Clone, Default)]
pub(crate) struct BoundCases {
    /// Cases by id; with several models, `id @ model`.
    pub(crate) cases: BTreeMap<String, Case>,
    /// Rows that asserted nothing.
    pub(crate) without_assertions: u64,
    /// The files they come from, as indices into the evidence.
    pub(crate) files: BTreeSet<usize>,
}

impl BoundCases {
    /// How many cases came to a result.
    pub(crate) fn count(&self, result: CaseResult) -> u64 {
        self.cases
            .values()
            .filter(|case| case.result == result)
            .count() as u64
    }
}

/// What a run says about one version.
struct Compared {
    stamped: bool,
    different: BTreeSet<Facet>,
    hidden: BTreeSet<Facet>,
}

impl Compared {
    fn fits(&self) -> bool {
        self.different.is_empty() && (self.stamped || self.hidden.is_empty())
    }
}

/// Ties runs to the versions of a changed prompt. `branched_at` is the time of the merge
/// base: a run from before it cannot have seen the change.
pub(crate) fn bind(
    change: &Change,
    runs: &[LoadedRun],
    branched_at: Option<DateTime<Utc>>,
) -> Binding {
    let changed = changed_facets(change);
    let (mut candidates, mut baselines) = (Vec::new(), Vec::new());
    let mut stale: Option<BTreeSet<Facet>> = None;
    let mut unbound: Option<BTreeSet<Facet>> = None;
    for (run, arm) in runs
        .iter()
        .flat_map(|run| run.run.arms.iter().map(move |arm| (run, arm)))
    {
        let Some(head) = &change.head else { break };
        let to_head = compare(arm, head, change, &changed);
        if run.role != Some(Role::Baseline) && to_head.fits() && about(arm, change) {
            candidates.push((run, arm));
            continue;
        }
        let to_base = change
            .base
            .as_ref()
            .map(|base| compare(arm, base, change, &changed));
        if !about(arm, change) {
            continue;
        }
        if run.role != Some(Role::Candidate) && to_base.as_ref().is_some_and(Compared::fits) {
            baselines.push((run, arm));
        }
        if run.role == Some(Role::Baseline) {
            continue;
        }
        let old = run
            .run
            .made_at
            .zip(branched_at)
            .is_some_and(|(made, branched)| made < branched);
        let mut differs = to_head.different;
        if to_base.is_some_and(|to_base| to_base.stamped) || (differs.is_empty() && old) {
            differs.extend(&changed);
        }
        if differs.is_empty() {
            unbound.get_or_insert_default().extend(to_head.hidden);
        } else {
            stale.get_or_insert_default().extend(differs);
        }
    }
    let (freshness, code) = match (candidates.is_empty(), unbound, stale) {
        (false, ..) => (Freshness::Fresh, None),
        (_, Some(hidden), _) => {
            let code = if hidden.is_empty() {
                Code::EvidenceUnbound
            } else {
                Code::FacetNotShown
            };
            (Freshness::Unbound(hidden), Some(code))
        }
        (_, None, Some(facets)) => (Freshness::Stale(facets), Some(Code::EvidenceStale)),
        (_, None, None) => (Freshness::Missing, Some(Code::EvidenceMissing)),
    };
    Binding {
        freshness,
        code,
        candidate: merge(candidates),
        baseline: merge(baselines),
    }
}

/// The facets that a run has to show: those that changed, or all that a new prompt has.
fn changed_facets(change: &Change) -> BTreeSet<Facet> {
    match (&change.base, &change.head) {
        (Some(_), Some(_)) => {
            let mut facets = change.facets.clone();
            facets.remove(&Facet::Metadata);
            facets
        }
        (None, Some(head)) => {
            let mut facets = BTreeSet::from([Facet::Template]);
            for facet in [Facet::Model, Facet::Parameters, Facet::Tools, Facet::Schema] {
                if declares(head, facet) {
                    facets.insert(facet);
                }
            }
            if !head.draft.inputs.is_null() {
                facets.insert(Facet::Variables);
            }
            if !head.retrieval.is_empty() {
                facets.insert(Facet::Retrieval);
            }
            facets
        }
        _ => BTreeSet::new(),
    }
}

fn declares(prompt: &Prompt, facet: Facet) -> bool {
    let models = &prompt.draft.models;
    match facet {
        Facet::Template => true,
        Facet::Model => models.iter().any(|each| each.model.is_some()),
        Facet::Parameters => models
            .iter()
            .any(|each| !parameters(&each.parameters).is_empty()),
        Facet::Tools => !prompt.draft.tools.is_null(),
        Facet::Schema => !prompt.draft.schema.is_null(),
        Facet::Variables | Facet::Retrieval | Facet::Metadata => false,
    }
}

/// What an eval tool can show of the parameters: how the endpoint is called is not among it.
fn parameters(own: &BTreeMap<String, Json>) -> BTreeMap<&String, String> {
    own.iter()
        .filter(|(key, _)| key.as_str() != "api")
        .map(|(key, value)| (key, canonical::json(value)))
        .collect()
}

/// Whether a run is one of this prompt at all, of whatever version.
fn about(arm: &Arm, change: &Change) -> bool {
    let shown = &arm.shown;
    [&change.base, &change.head]
        .into_iter()
        .flatten()
        .any(|prompt| {
            let id = prompt.id.as_str();
            let path = prompt.path.as_str();
            let named = |text: &Option<String>| {
                text.as_deref()
                    .is_some_and(|text| text == id || Some(text) == prompt.draft.name())
            };
            let file = shown.file.as_deref().is_some_and(|file| {
                let file = file.replace('\\', "/");
                let file = file.split('#').next().unwrap_or(&file);
                file == path
                    || file.ends_with(&format!("/{path}"))
                    || (file.contains('/')
                        && path.ends_with(file.trim_start_matches("../").trim_start_matches("./")))
            });
            shown.stamps.contains_key(id)
                || named(&shown.label)
                || file
                || template(shown, prompt) == Some(true)
        })
}

fn compare(arm: &Arm, prompt: &Prompt, change: &Change, changed: &BTreeSet<Facet>) -> Compared {
    let shown = &arm.shown;
    let stamp = shown.stamps.get(prompt.id.as_str());
    let mut compared = Compared {
        stamped: stamp == Some(&prompt.version.digest()),
        different: BTreeSet::new(),
        hidden: BTreeSet::new(),
    };
    for facet in Facet::ALL {
        let owed = changed.contains(&facet);
        if !owed && !declares(prompt, facet) {
            continue;
        }
        match shows(shown, prompt, facet, change, owed) {
            Some(true) => {}
            Some(false) => {
                compared.different.insert(facet);
            }
            None if owed => {
                compared.hidden.insert(facet);
            }
            None => {}
        }
    }
    // A stamp of another version: what differs is what tells the two versions apart.
    if stamp.is_some() && !compared.stamped && compared.different.is_empty() {
        compared.different.extend(changed);
    }
    compared
}

/// Whether a run shows a facet as the prompt has it; `None` where it does not show it.
/// `exact` asks for equality; otherwise it is enough that what the prompt declares is there.
fn shows(
    shown: &Shown,
    prompt: &Prompt,
    facet: Facet,
    change: &Change,
    exact: bool,
) -> Option<bool> {
    let told_apart = change
        .base
        .as_ref()
        .zip(change.head.as_ref())
        .is_none_or(|(base, head)| !exact || shown_of(base, facet) != shown_of(head, facet));
    match facet {
        Facet::Template => match template(shown, prompt)? {
            // Partials are not in the raw prompt: an equal text does not show them.
            true if !prompt.partials.is_empty() || !told_apart => None,
            equal => Some(equal),
        },
        Facet::Variables => {
            let declared =
                |prompt: &Option<Prompt>| prompt.as_ref().map(|each| each.draft.inputs.clone());
            let same = change.base.is_none() && prompt.draft.inputs.is_null()
                || declared(&change.base) == declared(&change.head);
            if same {
                shows(shown, prompt, Facet::Template, change, exact)
            } else {
                None
            }
        }
        _ if !told_apart => None,
        Facet::Model => {
            let model = shown.model.as_ref()?;
            let mut own = prompt
                .draft
                .models
                .iter()
                .filter_map(|each| each.model.as_ref())
                .peekable();
            own.peek()?;
            Some(own.any(|each| each.same(model)))
        }
        Facet::Parameters => {
            let settings = parameters(&shown.settings.as_ref()?.parameters);
            let fits = |own: BTreeMap<&String, String>| {
                if exact {
                    own == settings
                } else {
                    own.iter()
                        .all(|(key, value)| settings.get(key) == Some(value))
                }
            };
            if prompt.draft.models.is_empty() {
                return exact.then_some(settings.is_empty());
            }
            let of_model = |each: &&crate::prompt::model::ModelUse| {
                each.model
                    .as_ref()
                    .zip(shown.model.as_ref())
                    .is_none_or(|(a, b)| a.same(b))
            };
            Some(
                prompt
                    .draft
                    .models
                    .iter()
                    .filter(of_model)
                    .any(|each| fits(parameters(&each.parameters))),
            )
        }
        Facet::Tools => compare_json(&shown.settings.as_ref()?.tools, &prompt.draft.tools),
        Facet::Schema => compare_json(&shown.settings.as_ref()?.schema, &prompt.draft.schema),
        Facet::Retrieval | Facet::Metadata => None,
    }
}

/// The part of a facet that an eval tool could show: where it is the same on both sides,
/// equality with it shows nothing.
fn shown_of(prompt: &Prompt, facet: Facet) -> Json {
    match facet {
        Facet::Template => messages(&prompt.draft.template),
        Facet::Model => {
            let names: Vec<_> = prompt
                .draft
                .models
                .iter()
                .map(|each| each.model.as_ref().map(ToString::to_string))
                .collect();
            json!(names)
        }
        Facet::Parameters => {
            let all: Vec<_> = prompt
                .draft
                .models
                .iter()
                .map(|each| parameters(&each.parameters))
                .collect();
            json!(all)
        }
        Facet::Tools => prompt.draft.tools.clone(),
        Facet::Schema => prompt.draft.schema.clone(),
        Facet::Variables | Facet::Retrieval | Facet::Metadata => Json::Null,
    }
}

/// Tools and schemas are written differently by different tools: only equality shows
/// something, and a difference only where both sides list names that differ.
fn compare_json(shown: &Json, own: &Json) -> Option<bool> {
    if canonical::json(shown) == canonical::json(own) {
        return Some(true);
    }
    let by_reference = shown.as_str().is_some_and(|text| text.starts_with("file:"));
    let names = |value: &Json| -> Option<BTreeSet<String>> {
        value
            .as_array()?
            .iter()
            .map(|tool| {
                let name = tool
                    .as_str()
                    .or_else(|| tool.get("name")?.as_str())
                    .or_else(|| tool.get("function")?.get("name")?.as_str())?;
                Some(name.to_owned())
            })
            .collect()
    };
    match (names(shown), names(own)) {
        _ if by_reference => None,
        (Some(shown), Some(own)) if shown != own => Some(false),
        (None, Some(_)) if shown.is_null() => Some(false),
        _ => None,
    }
}

/// Whether the raw prompt of a run is this prompt's text, in any of the forms in which tools
/// keep it: the template, the whole file, a chat array.
fn template(shown: &Shown, prompt: &Prompt) -> Option<bool> {
    let raw = canonical::text(shown.raw.as_deref()?);
    let draft = &prompt.draft;
    let texts = draft.aliases.iter().map(|alias| canonical::text(alias));
    if let [only] = draft.template.as_slice()
        && canonical::text(&only.content) == raw.trim_start_matches('\n')
    {
        return Some(true);
    }
    if texts.into_iter().any(|text| text == raw) {
        return Some(true);
    }
    let chat = serde_json::from_str::<Json>(&raw).ok();
    let chat = chat.as_ref().and_then(Json::as_array).map(|list| {
        let all: Vec<Json> = list
            .iter()
            .map(|message| {
                let text = match message.get("content") {
                    Some(Json::String(text)) => canonical::text(text),
                    Some(other) => canonical::json(other),
                    None => String::new(),
                };
                json!({ "role": message.get("role"), "content": text })
            })
            .collect();
        Json::Array(all)
    });
    Some(
        chat.is_some_and(|chat| {
            canonical::json(&chat) == canonical::json(&messages(&draft.template))
        }),
    )
}

/// Puts the arms of one version together: the newest run of each model counts.
fn merge(mut arms: Vec<(&LoadedRun, &Arm)>) -> Option<BoundCases> {
    if arms.is_empty() {
        return None;
    }
    arms.sort_by_key(|(run, _)| (run.run.made_at, run.file));
    let mut newest: BTreeMap<Option<String>, (&LoadedRun, &Arm)> = BTreeMap::new();
    for (run, arm) in arms {
        newest.insert(
            arm.shown.model.as_ref().map(ToString::to_string),
            (run, arm),
        );
    }
    let several = newest.len() > 1;
    let mut bound = BoundCases::default();
    for (model, (run, arm)) in newest {
        bound.files.insert(run.file);
        bound.without_assertions += arm.without_assertions;
        for case in &arm.cases {
            let id = match &model {
                Some(model) if several => format!("{} @ {model}", case.id),
                _ => case.id.clone(),
            };
            bound.cases.insert(id, case.clone());
        }
    }
    Some(bound)
}

//! The identity of a prompt: one digest a facet, and one over them all.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Value as Json, json};

use super::{Draft, Message, canonical};
use crate::units::Digest;

/// What of a prompt can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Facet {
    /// The text with its partials.
    Template,
    /// The variables that it declares and uses.
    Variables,
    /// The models.
    Model,
    /// The models' parameters.
    Parameters,
    /// The tools.
    Tools,
    /// The output schema.
    Schema,
    /// The retrieval config.
    Retrieval,
    /// Name, description, label: not part of the version.
    Metadata,
}

impl Facet {
    /// All facets, in the order of reports.
    pub(crate) const ALL: [Self; 8] = [
        Self::Template,
        Self::Variables,
        Self::Model,
        Self::Parameters,
        Self::Tools,
        Self::Schema,
        Self::Retrieval,
        Self::Metadata,
    ];

    /// The facet's word.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Variables => "variables",
            Self::Model => "model",
            Self::Parameters => "parameters",
            Self::Tools => "tools",
            Self::Schema => "schema",
            Self::Retrieval => "retrieval",
            Self::Metadata => "metadata",
        }
    }
}

impl fmt::Display for Facet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl Serialize for Facet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.id())
    }
}

/// The version of a prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    digest: Digest,
    /// The digest as people and traces write it.
    hex: String,
    facets: BTreeMap<Facet, Digest>,
}

impl Version {
    /// Computes the version: SHA-256 over the facets' digests in canonical JSON, each being
    /// SHA-256 over the canonical JSON of that facet. Metadata has a digest but no part in
    /// the version.
    pub(crate) fn of(content: &Content<'_>) -> Self {
        let facets: BTreeMap<Facet, Digest> = Facet::ALL
            .into_iter()
            .map(|facet| {
                let text = canonical::json(&content.facet(facet));
                (facet, Digest::of(text.as_bytes()))
            })
            .collect();
        let named: serde_json::Map<String, Json> = facets
            .iter()
            .filter(|(facet, _)| **facet != Facet::Metadata)
            .map(|(facet, digest)| (facet.id().to_owned(), Json::from(digest.to_string())))
            .collect();
        let text = format!(
            "gatecard/prompt/v1\n{}",
            canonical::json(&Json::Object(named))
        );
        let digest = Digest::of(text.as_bytes());
        Self {
            digest,
            hex: digest.to_string(),
            facets,
        }
    }

    /// The digest of the whole.
    pub(crate) const fn digest(&self) -> Digest {
        self.digest
    }

    /// The digest of one facet.
    pub(crate) fn facet(&self, facet: Facet) -> Option<Digest> {
        self.facets.get(&facet).copied()
    }

    /// Tells whether `name` is this digest or at least its first 12 characters.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        let name = name.strip_prefix("sha256:").unwrap_or(name);
        let start = self.hex.as_bytes().get(..name.len());
        name.len() >= 12 && start.is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// Everything that a version is computed from.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    /// The draft with shared model settings laid under it.
    pub(crate) draft: &'a Draft,
    /// Partials by the name they are included under.
    pub(crate) partials: &'a BTreeMap<String, String>,
    /// Variables that the text uses.
    pub(crate) variables: &'a std::collections::BTreeSet<String>,
    /// Shared model files, whole.
    pub(crate) shared_models: &'a BTreeMap<String, SharedModels>,
    /// Shared retrieval files, whole.
    pub(crate) retrieval: &'a BTreeMap<String, Json>,
}

/// A shared model file, parted into the two facets that it can change.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SharedModels {
    /// What names providers and models.
    pub(crate) models: Json,
    /// Everything else.
    pub(crate) parameters: Json,
}

impl Content<'_> {
    fn facet(&self, facet: Facet) -> Json {
        match facet {
            Facet::Template => {
                json!({ "messages": messages(&self.draft.template), "partials": self.partials })
            }
            Facet::Variables => {
                json!({ "declared": self.draft.inputs, "used": self.variables })
            }
            Facet::Model => {
                let own: Vec<Json> = self
                    .draft
                    .models
                    .iter()
                    .filter_map(|each| Some(Json::from(each.model.as_ref()?.to_string())))
                    .collect();
                let shared: BTreeMap<_, _> = self
                    .shared_models
                    .iter()
                    .map(|(path, shared)| (path, &shared.models))
                    .collect();
                json!({ "models": own, "shared": shared })
            }
            Facet::Parameters => {
                let own: Vec<Json> = self
                    .draft
                    .models
                    .iter()
                    .map(|each| json!(each.parameters))
                    .filter(|parameters| parameters.as_object().is_some_and(|map| !map.is_empty()))
                    .collect();
                let shared: BTreeMap<_, _> = self
                    .shared_models
                    .iter()
                    .map(|(path, shared)| (path, &shared.parameters))
                    .collect();
                if self.draft.rest.is_empty() {
                    json!({ "parameters": own, "shared": shared })
                } else {
                    json!({ "parameters": own, "shared": shared, "rest": self.draft.rest })
                }
            }
            Facet::Tools => self.draft.tools.clone(),
            Facet::Schema => self.draft.schema.clone(),
            Facet::Retrieval => json!(self.retrieval),
            Facet::Metadata => json!(self.draft.metadata),
        }
    }
}

/// Messages as JSON: what a chat array in a result file is compared with.
pub(crate) fn messages(template: &[Message]) -> Json {
    template
        .iter()
        .map(|message| {
            let content = canonical::text(&message.content);
            json!({ "role": message.role, "content": content })
        })
        .collect()
}

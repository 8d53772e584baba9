//! What people tell of a case or a run under keys of their own, where a tool lets them.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::row::Duty;
use crate::prompt::model::ModelRef;
use crate::units::Digest;

/// Such keys.
#[derive(Clone, Copy)]
pub(super) struct Meta<'a>(Option<&'a Map<String, Json>>);

impl<'a> Meta<'a> {
    /// Those of an object; anything else has none.
    pub(super) fn of(value: &'a Json) -> Self {
        Self(value.as_object())
    }

    /// Those among other keys.
    pub(super) const fn among(keys: &'a Map<String, Json>) -> Self {
        Self(Some(keys))
    }

    fn get(self, key: &str) -> Option<&'a Json> {
        self.0?.get(key)
    }

    fn text(self, key: &str) -> Option<&'a str> {
        self.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// The case's declared id: `id`.
    pub(super) fn id(self) -> Option<String> {
        match self.get("id")? {
            Json::Number(number) => Some(number.to_string()),
            _ => self.text("id").map(str::to_owned),
        }
    }

    /// The production trace that the case was taken from: `trace_id` or `traceId`.
    pub(super) fn trace_id(self) -> Option<String> {
        let id = self.text("trace_id").or_else(|| self.text("traceId"));
        id.map(str::to_owned)
    }

    /// `canary: true`, else `must_pass: true`.
    pub(super) fn duty(self) -> Option<Duty> {
        let says = |key: &str| self.get(key) == Some(&Json::Bool(true));
        let canary = says("canary").then_some(Duty::Canary);
        canary.or_else(|| says("must_pass").then_some(Duty::MustPass))
    }

    /// The model: `model`.
    pub(super) fn model(self) -> Option<ModelRef> {
        self.text("model").and_then(ModelRef::parse)
    }

    /// Stamps: `gatecard:<prompt id>` with a version.
    pub(super) fn stamps(self) -> BTreeMap<String, Digest> {
        let keys = self.0.into_iter().flatten();
        keys.filter_map(|(key, value)| {
            let prompt = key.strip_prefix("gatecard:")?;
            Some((prompt.to_owned(), Digest::from_hex(value.as_str()?)?))
        })
        .collect()
    }
}

//! What is on record of a version as in-toto statements, so that other tools can act on it. Pure.
//!
//! - Statement v1: <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>
//! - SLSA verification summary: <https://slsa.dev/spec/v1.2/verification_summary>
//! - Simple verification result and test result:
//!   <https://github.com/in-toto/attestation/tree/main/spec/predicates>
//!
//! They are not signed: whoever exports them signs them.

use serde_json::{Value, json};

use crate::ledger::entry::PolicyAt;
use crate::ledger::verdict::Verdict;
use crate::ledger::{Stored, place};
use crate::trail::{Kept, Record};

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const VSA: &str = "https://slsa.dev/verification_summary/v1";
const SVR: &str = "https://in-toto.io/attestation/svr/v0.1";
const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";
/// The SLSA specification whose verification summary this is.
const SLSA: &str = "1.2";
/// Properties of a revision that are none of SLSA's own.
const PREFIX: &str = "ORG_SOURCE_PROMPT";
/// Where an entry does not say of which repository it is.
const LOCAL: &str = "urn:gatecard:local-repository";

/// Where things can be fetched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    /// GitHub's address.
    pub(crate) server: &'a str,
    /// The ledger's tip.
    pub(crate) ledger: Option<&'a str>,
}

/// What a statement is about.
#[derive(Debug)]
pub(crate) struct Of<'a> {
    /// The version.
    pub(crate) record: &'a Record,
    /// The entry that says so: the merge, or the verdict.
    pub(crate) stored: &'a Stored,
    /// The verdict, where there is one.
    pub(crate) verdict: Option<&'a Stored>,
    /// The entries that it rests on.
    pub(crate) relied: Vec<&'a Stored>,
    /// The id of the prompt's file as a Git object.
    pub(crate) blob: Option<String>,
    /// Where things can be fetched.
    pub(crate) place: Place<'a>,
}

/// A SLSA verification summary.
pub(crate) fn vsa(of: &Of<'_>) -> Value {
    let passed = of.passed();
    let levels = if passed {
        of.properties()
    } else {
        vec![String::from("FAILED")]
    };
    let mut predicate = json!({
        "verifier": { "id": of.verifier(), "version": { "gatecard": of.stored.entry.about.tool } },
        "timeVerified": of.time(),
        "resourceUri": of.repository(),
        "policy": of.policy(),
        "inputAttestations": of.inputs(),
        "verificationResult": if passed { "PASSED" } else { "FAILED" },
        "verifiedLevels": levels,
        "slsaVersion": SLSA,
    });
    if predicate.get("inputAttestations") == Some(&json!([]))
        && let Some(fields) = predicate.as_object_mut()
    {
        fields.remove("inputAttestations");
    }
    of.statement(VSA, &predicate)
}

/// A simple verification result: the properties that hold.
pub(crate) fn svr(of: &Of<'_>) -> Value {
    let properties = if of.passed() {
        of.properties()
    } else {
        Vec::new()
    };
    let predicate = json!({
        "verifier": { "id": of.verifier(), "policy": of.policy() },
        "timeCreated": of.time(),
        "properties": properties,
    });
    of.statement(SVR, &predicate)
}

/// A test result: each gate is a test.
pub(crate) fn test_result(of: &Of<'_>, verdict: &Verdict) -> Value {
    let gates = of
        .record
        .verdict
        .as_ref()
        .map(|judged| judged.gates.clone());
    let gates = gates.unwrap_or_default();
    let result = match verdict.verdict.as_str() {
        "pass" if gates.warning.is_empty() => "PASSED",
        "pass" => "WARNED",
        _ => "FAILED",
    };
    let mut configuration = vec![of.policy()];
    configuration.extend(of.record.evidence.iter().filter_map(evidence));
    let mut predicate = json!({
        "result": result,
        "configuration": configuration,
        "passedTests": gates.green,
        "warnedTests": gates.warning,
        "failedTests": gates.blocking,
    });
    if let (Some(url), Some(fields)) = (of.run(), predicate.as_object_mut()) {
        fields.insert(String::from("url"), Value::from(url));
    }
    of.statement(TEST_RESULT, &predicate)
}

impl Of<'_> {
    fn statement(&self, kind: &str, predicate: &Value) -> Value {
        json!({
            "_type": STATEMENT,
            "subject": self.subjects(),
            "predicateType": kind,
            "predicate": predicate,
        })
    }

    /// The commit, the prompt's file, and its version: a digest of more than the file, so it
    /// has a name of its own.
    fn subjects(&self) -> Vec<Value> {
        let head = &self.stored.entry.about.head;
        let mut subjects = vec![json!({
            "uri": format!("{}@{head}", self.repository()),
            "digest": { "gitCommit": head.as_str() },
        })];
        if let Some(blob) = &self.blob {
            subjects.push(json!({ "name": self.record.path, "digest": { "gitBlob": blob } }));
        }
        if let Some(version) = &self.record.version {
            let name = format!("gatecard/prompt/v1:{}", self.record.prompt);
            subjects.push(json!({ "name": name, "digest": { "sha256": version } }));
        }
        subjects
    }

    /// Whether a verdict on record let it pass, and nothing about the merge was ungated.
    fn passed(&self) -> bool {
        let verdict = self.record.verdict.as_ref();
        let passed = verdict.is_some_and(|judged| judged.verdict == "pass");
        passed && self.record.ungated.is_none()
    }

    /// What holds: that the gate passed, the band, and whose approval there is.
    fn properties(&self) -> Vec<String> {
        let mut found = vec![format!("{PREFIX}_GATE_PASSED")];
        let judged = self.record.verdict.as_ref();
        let band = judged.and_then(|judged| judged.band.as_deref());
        found.extend(band.map(|band| format!("{PREFIX}_GATE_BAND_{}", word(band))));
        for each in &self.record.approvals {
            found.push(format!("{PREFIX}_APPROVED_{}", word(&each.group)));
        }
        found.dedup();
        found
    }

    /// The workflow that judged, where one did.
    fn verifier(&self) -> String {
        let stored = self.verdict.unwrap_or(self.stored);
        let workflow = stored.entry.about.workflow.as_ref();
        match workflow.and_then(|workflow| workflow.reference.as_deref()) {
            Some(reference) => format!("{}/{}", self.place.server, escaped(reference)),
            None => String::from("pkg:cargo/gatecard"),
        }
    }

    fn time(&self) -> String {
        match &self.record.verdict {
            Some(judged) => judged.judged.clone(),
            None => self.stored.entry.at.to_string(),
        }
    }

    fn repository(&self) -> String {
        match &self.stored.entry.about.repository {
            Some(name) => format!("git+{}/{}", self.place.server, escaped(name)),
            None => String::from(LOCAL),
        }
    }

    /// A file of the repository at a commit.
    fn file(&self, commit: &str, path: &str) -> String {
        let repository = self.repository();
        format!("{repository}@{commit}#{}", escaped(path))
    }

    fn policy(&self) -> Value {
        let stored = self.verdict.unwrap_or(self.stored);
        let about = &stored.entry.about;
        match &about.policy {
            Some(PolicyAt { path, sha256, .. }) => json!({
                "name": path,
                "uri": self.file(about.base.as_str(), path),
                "digest": { "sha256": sha256 },
            }),
            None => json!({ "uri": self.file(about.base.as_str(), "") }),
        }
    }

    /// The entries that it rests on, and the evidence that was judged.
    fn inputs(&self) -> Vec<Value> {
        let tip = self.place.ledger.unwrap_or_default();
        let entries = self.relied.iter().map(|stored| {
            let path = place::path(stored.entry.seq, stored.entry.body.kind());
            json!({ "uri": self.file(tip, &path), "digest": { "sha256": stored.digest } })
        });
        entries
            .chain(self.record.evidence.iter().filter_map(evidence))
            .collect()
    }

    fn run(&self) -> Option<String> {
        let about = &self.stored.entry.about;
        let (name, run) = (about.repository.as_ref()?, about.workflow.as_ref()?.run);
        let server = self.place.server;
        Some(format!("{server}/{}/actions/runs/{run}", escaped(name)))
    }
}

fn evidence(kept: &Kept) -> Option<Value> {
    let sha256 = kept.sha256?;
    Some(json!({ "name": kept.name, "digest": { "sha256": sha256 } }))
}

/// A word of a property: capital letters, digits and underscores.
fn word(text: &str) -> String {
    let letters = text.chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_uppercase(),
        _ => '_',
    });
    letters.collect()
}

/// A text as a part of a URI: everything but what needs no escape in a path.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/@".contains(&byte);
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

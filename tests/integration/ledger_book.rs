//! A ledger that is written entry by entry, in the form of its documentation and not with the
//! program's own code.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// Entries that go onto a branch.
#[derive(Default)]
pub(crate) struct Book {
    entries: Vec<(String, String)>,
}

impl Book {
    /// Adds an entry of a kind, appended at a time, and returns its number.
    pub(crate) fn add(&mut self, kind: &str, at: &str, about: &Value, body: &Value) -> u64 {
        let seq = self.entries.len() as u64 + 1;
        let mut entry = Map::new();
        for part in [about, body] {
            entry.extend(part.as_object().unwrap().clone());
        }
        entry.insert("v".into(), json!(1));
        entry.insert("seq".into(), json!(seq));
        entry.insert("kind".into(), json!(kind));
        entry.insert("at".into(), json!(at));
        if let Some((_, before)) = self.entries.last() {
            entry.insert("prev".into(), json!(sha256(before.as_bytes())));
        }
        let text = sorted(Value::Object(entry)).to_string();
        let (upper, lower) = (seq / 10_000, seq / 100 % 100);
        let path = format!("entries/{upper:04}/{lower:02}/{seq:010}-{kind}.json");
        self.entries.push((path, text));
        seq
    }

    /// Commits all of them to `gatecard/ledger`.
    pub(crate) fn commit(&self, repo: &Path) {
        let mut stream = String::from(
            "commit refs/heads/gatecard/ledger\ncommitter a ledger <ledger@example.invalid> 1795000000 +0000\ndata 6\nledger\n",
        );
        for (path, text) in &self.entries {
            let bytes = text.len();
            stream.push_str(&format!("M 100644 inline {path}\ndata {bytes}\n{text}\n"));
        }
        let mut child = Command::new("git")
            .args(["fast-import", "--quiet", "--force"])
            .current_dir(repo)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(stream.as_bytes()).unwrap();
        drop(stdin);
        assert!(child.wait().unwrap().success());
    }
}

/// A digest in hexadecimal characters.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(bytes) {
        hex.push_str(&format!("{byte:02x}"));
    }
    hex
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            let fields = fields.into_iter().map(|(key, value)| (key, sorted(value)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

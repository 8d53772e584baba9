//! Names of entries: none that could mean something else to another program, and none twice.

use std::collections::BTreeSet;

use super::Refusal;
use super::records::Entry;
use crate::limits::ARTIFACT_NAME;

const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const KIND: u32 = 0o170_000;

/// The names that were seen so far.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Checks the name and the kind of one more entry.
    pub(super) fn add(&mut self, entry: &Entry) -> Result<(), Refusal> {
        let name = entry.name.as_str();
        safe(name)?;
        match (entry.mode & KIND, entry.is_folder()) {
            (0, _) | (REGULAR, false) | (FOLDER, true) => {}
            (kind, _) => {
                return Err(Refusal::new(
                    format!("an entry of the kind {kind:o}"),
                    "files and folders only: no links, no devices",
                ));
            }
        }
        if entry.is_folder() && entry.unpacked > 0 {
            return Err(Refusal::new(
                "a folder with content",
                "a file or an empty folder",
            ));
        }
        let parts = name.split('/').filter(|part| !matches!(*part, "" | "."));
        let plain = parts.collect::<Vec<_>>().join("/").to_lowercase();
        if plain.is_empty() && !entry.is_folder() {
            return Err(Refusal::new("no name", "a name"));
        }
        if !self.0.insert(plain) {
            return Err(Refusal::new(
                "a second entry of this name",
                "each name once, also where letters differ only in case",
            ));
        }
        Ok(())
    }
}

fn safe(name: &str) -> Result<(), Refusal> {
    let drive = matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    let found = if name.is_empty() {
        "no name"
    } else if name.len() > ARTIFACT_NAME {
        "a name of more than 1,024 bytes"
    } else if name.starts_with('/') {
        "an absolute name"
    } else if drive {
        "the name of a drive"
    } else if name.contains('\\') {
        "a backslash in the name"
    } else if name.contains('\0') {
        "a NUL in the name"
    } else if name.split('/').any(|part| part == "..") {
        "a name that leads out of the archive"
    } else {
        return Ok(());
    };
    Err(Refusal::new(
        found,
        "a relative name with `/` between its parts",
    ))
}

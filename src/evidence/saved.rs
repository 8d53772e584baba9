//! The file form of what was fetched: what `gatecard evidence --out DIR` saves beside the files,
//! and `check --fetched DIR` reads again, so that a laptop without network comes to the same
//! verdict.

use std::path::{Component, Path};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::supply::{Absence, Fetched, Lack, Supplies, Supply};
use crate::files::{self, FileError};
use crate::git::CommitSha;
use crate::limits::FETCHED_LIST;
use crate::policy::provenance::Provenance;
use crate::policy::sources::Source;
use crate::reason::Code;
use crate::units::Digest;
use crate::untrusted::shorten;

/// The schema of the list.
pub(crate) const SCHEMA: &str = "gatecard/evidence/v1";
/// The list, beside the files that it names.
const LIST: &str = "evidence.json";

/// Why saved evidence cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SavedError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The list says something else.
    #[error("{path}: {found}, expected {expected}")]
    Shape {
        /// Which file.
        path: String,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
    },
}

/// What was saved.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    schema: String,
    repo: String,
    head: CommitSha,
    sources: Vec<FormSource>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormSource {
    /// Its place in the policy, counted from 0.
    at: usize,
    /// Who makes it, in words.
    source: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    files: Vec<FormFile>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    absent: Option<FormAbsence>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormFile {
    file: String,
    sha256: Digest,
    name: String,
    provenance: String,
    made_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormAbsence {
    lack: String,
    code: String,
    found: String,
}

/// What evidence was saved for.
pub(crate) struct About<'a> {
    /// `owner/name` of the repository.
    pub(crate) repo: &'a str,
    /// The head.
    pub(crate) head: &'a CommitSha,
    /// The policy's sources.
    pub(crate) sources: &'a [Source],
}

/// Writes the list of what was fetched into the folder where the files are. Returns it as text.
pub(crate) fn write(
    folder: &Path,
    about: &About<'_>,
    supplies: &Supplies,
) -> Result<String, SavedError> {
    let mut sources = Vec::new();
    for (at, supply) in supplies.iter() {
        let Some(source) = about.sources.get(at) else {
            continue;
        };
        let mut entry = FormSource {
            at,
            source: source.words(),
            files: Vec::new(),
            absent: None,
        };
        match supply {
            Supply::Files(files) => {
                for file in files {
                    entry.files.push(form(file)?);
                }
            }
            Supply::Absent(absence) => {
                entry.absent = Some(FormAbsence {
                    lack: absence.lack.id().to_owned(),
                    code: absence.code.id().to_owned(),
                    found: absence.found.clone(),
                });
            }
        }
        sources.push(entry);
    }
    let form = Form {
        schema: SCHEMA.to_owned(),
        repo: about.repo.to_owned(),
        head: about.head.clone(),
        sources,
    };
    let text = format!("{:#}\n", serde_json::json!(form));
    files::write_atomic(&folder.join(LIST), text.as_bytes())?;
    Ok(text)
}

fn form(file: &Fetched) -> Result<FormFile, SavedError> {
    let name = file.path.file_name().unwrap_or_default();
    Ok(FormFile {
        file: name.to_string_lossy().into_owned(),
        sha256: files::digest(&file.path)?,
        name: file.name.clone(),
        provenance: file.provenance.id().to_owned(),
        made_at: file.made_at,
    })
}

/// Reads what was saved. It must be of this head and of these sources, and no file may have
/// changed since.
pub(crate) fn read(
    folder: &Path,
    head: &CommitSha,
    sources: &[Source],
) -> Result<Supplies, SavedError> {
    let list = folder.join(LIST);
    let bytes = files::read_bounded(&list, FETCHED_LIST)?;
    parse(&bytes, (folder, &list), head, sources)
}

/// The same, of a list that was read.
pub(crate) fn parse(
    bytes: &[u8],
    (folder, list): (&Path, &Path),
    head: &CommitSha,
    sources: &[Source],
) -> Result<Supplies, SavedError> {
    let path = list.display().to_string();
    let wrong = |found: String, expected: &str| SavedError::Shape {
        path: path.clone(),
        found,
        expected: expected.to_owned(),
    };
    let form: Form = serde_json::from_slice(bytes)
        .map_err(|error| wrong(shorten(&error.to_string(), 200), SCHEMA))?;
    if form.schema != SCHEMA {
        let found = format!("the schema `{}`", shorten(&form.schema, 60));
        return Err(wrong(found, SCHEMA));
    }
    if form.head != *head {
        let found = format!("evidence for {}", form.head.short());
        return Err(wrong(found, &format!("evidence for {}", head.short())));
    }
    let mut supplies = Supplies::default();
    for entry in form.sources {
        let source = sources.get(entry.at).map(Source::words);
        if source.as_ref() != Some(&entry.source) {
            let found = format!("the source {}", shorten(&entry.source, 100));
            return Err(wrong(found, "the sources of the policy at the base"));
        }
        let supply = if let Some(absent) = entry.absent {
            let unknown = || wrong(String::from("an unknown reason"), SCHEMA);
            Supply::Absent(absent.absence().ok_or_else(unknown)?)
        } else {
            let files = entry.files.into_iter();
            let files: Result<_, _> = files.map(|file| file.check(folder)).collect();
            Supply::Files(files?)
        };
        supplies.insert(entry.at, supply);
    }
    Ok(supplies)
}

impl FormAbsence {
    fn absence(self) -> Option<Absence> {
        Some(Absence {
            lack: Lack::by_id(&self.lack)?,
            code: Code::by_id(&self.code)?,
            found: self.found,
        })
    }
}

impl FormFile {
    /// The file, as long as it lies there unchanged.
    fn check(self, folder: &Path) -> Result<Fetched, SavedError> {
        let path = folder.join(&self.file);
        let wrong = |found: String, expected: String| SavedError::Shape {
            path: path.display().to_string(),
            found,
            expected,
        };
        let mut parts = Path::new(&self.file).components();
        if !matches!(
            (parts.next(), parts.next()),
            (Some(Component::Normal(_)), None)
        ) {
            let found = format!("`{}`", shorten(&self.file, 100));
            return Err(wrong(
                found,
                String::from("the name of a file beside the list"),
            ));
        }
        let words = Provenance::WORDS.iter();
        let Some((_, provenance)) = words.clone().find(|(word, _)| *word == self.provenance) else {
            let found = format!("the provenance `{}`", shorten(&self.provenance, 60));
            let known: Vec<&str> = words.map(|(word, _)| *word).collect();
            return Err(wrong(found, known.join(", ")));
        };
        let digest = files::digest(&path)?;
        if digest != self.sha256 {
            let expected = format!("the digest {}", self.sha256);
            return Err(wrong(format!("the digest {digest}"), expected));
        }
        Ok(Fetched {
            path,
            name: self.name,
            provenance: *provenance,
            made_at: self.made_at,
        })
    }
}

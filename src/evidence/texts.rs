//! The words of the cases that people are shown, read in a second pass.
//!
//! A first pass keeps no text, so that a file of any size fits. What is shown of a few cases is
//! read again from the same files, and only if they are still the same.

use std::collections::{BTreeMap, BTreeSet};

use super::binding::BoundCase;
use super::collect::{Evidence, EvidenceFile, Originals};
use super::evals::{self, Text};
use super::judged::Judged;
use crate::answers::asked;
use crate::limits::{EXCERPT, SHOWN_CASES};
use crate::regression::CasePair;
use crate::untrusted::shorten;

/// A row of an evidence file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Index into the evidence files.
    file: usize,
    row: u32,
}

impl Place {
    /// The row that shows what a case came to.
    pub(crate) fn of(bound: &BoundCase) -> Self {
        Self {
            file: bound.file,
            row: bound.case.row(),
        }
    }
}

/// The words of some rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts(BTreeMap<Place, Text>);

impl Texts {
    /// The words of a row, where they were read.
    pub(crate) fn at(&self, place: Place) -> Option<&Text> {
        self.0.get(&place)
    }
}

/// Reads the words of the first newly failing cases of each changed prompt. A file that changed
/// since the first pass gives none: they would be of something else.
pub(crate) fn read(evidence: &Evidence, judged: &[Judged<'_>]) -> Texts {
    let comparisons = judged
        .iter()
        .filter_map(|judged| judged.comparison.as_ref());
    let pairs = comparisons.flat_map(|each| each.newly_failing.iter().take(SHOWN_CASES));
    of(&evidence.files, &evidence.originals, pairs)
}

/// Reads the words of some cases.
pub(crate) fn of<'p>(
    files: &[EvidenceFile],
    originals: &Originals,
    pairs: impl Iterator<Item = &'p CasePair>,
) -> Texts {
    let mut wanted: BTreeMap<usize, BTreeSet<u32>> = BTreeMap::new();
    for place in pairs.flat_map(|pair| [pair.places.0, pair.places.1]) {
        wanted.entry(place.file).or_default().insert(place.row);
    }
    let mut texts = Texts::default();
    for (file, rows) in wanted {
        let known = files.get(file).and_then(|file| file.sha256);
        let Some((artifact, format)) = originals.get(file) else {
            continue;
        };
        let Ok((Ok(found), stamp)) = artifact.read(|reader| evals::texts(*format, reader, &rows))
        else {
            continue;
        };
        if Some(stamp.sha256) != known {
            continue;
        }
        let found = found.into_iter();
        texts.0.extend(found.map(|(row, text)| {
            let short = |text: Option<String>| text.map(|text| shorten(&text, EXCERPT));
            let text = Text {
                input: short(text.input.map(|input| asked(&input))),
                output: short(text.output),
                reason: short(text.reason),
            };
            (Place { file, row }, text)
        }));
    }
    texts
}

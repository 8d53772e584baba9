//! An Inspect log (`.eval`) as one JSON text: `header.json` with the samples put into it.
//!
//! The archive has an entry for each sample and none that holds them all. `header.json` is
//! written when a run ends; a log without one is of a run that did not.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use super::FileError;
use super::archive::{Content, Entry};
use crate::limits::EVAL_PART;

/// The entries of a log, the samples by their names.
pub(super) struct Log {
    header: Entry,
    samples: Vec<Entry>,
}

impl Log {
    /// Picks the entries that are read.
    pub(super) fn of(entries: Vec<Entry>, path: &Path) -> Result<Self, FileError> {
        let mut header = None;
        let mut samples = Vec::new();
        for entry in entries {
            if entry.name == "header.json" {
                header = Some(entry);
            } else if entry.name.starts_with("samples/") {
                samples.push(entry);
            }
        }
        samples.sort_by(|a, b| a.name.cmp(&b.name));
        let header = header.ok_or_else(|| FileError::Archive {
            path: path.display().to_string(),
            entry: None,
            found: String::from("an Inspect log without `header.json`"),
            expected: String::from("the log of a run that ended"),
        })?;
        Ok(Self { header, samples })
    }

    /// All of it as one text.
    pub(super) fn stream(&self, path: &Path) -> Stream<'_> {
        Stream {
            path: path.to_owned(),
            log: self,
            next: 0,
            now: Box::new(io::empty()),
            ended: false,
        }
    }
}

/// The text of a log while it is read: one entry after the other.
pub(super) struct Stream<'l> {
    path: PathBuf,
    log: &'l Log,
    /// The sample that comes next, after the header.
    next: usize,
    now: Box<dyn Read + 'l>,
    ended: bool,
}

impl Stream<'_> {
    /// What comes after the part that has ended.
    fn follow(&mut self) -> io::Result<()> {
        let at = self.next;
        self.next += 1;
        let open = |entry: &Entry| Content::open(File::open(&self.path)?, entry);
        self.now = match at.checked_sub(1).map(|at| self.log.samples.get(at)) {
            None => {
                let mut text = Vec::new();
                let header = open(&self.log.header)?;
                header.take(EVAL_PART).read_to_end(&mut text)?;
                // The samples become its last key.
                let object = text.trim_ascii_end().strip_suffix(b"}");
                let wrong = || io::Error::other("`header.json` is no JSON object, or too large");
                let mut text = object.ok_or_else(wrong)?.to_vec();
                text.extend_from_slice(b",\"samples\":[");
                Box::new(Cursor::new(text))
            }
            Some(Some(sample)) => {
                let comma: &[u8] = if at > 1 { b"," } else { b"" };
                Box::new(comma.chain(open(sample)?))
            }
            Some(None) => {
                self.ended = true;
                Box::new(Cursor::new(b"]}"))
            }
        };
        Ok(())
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.now.read(buffer)?;
            if count > 0 || self.ended || buffer.is_empty() {
                return Ok(count);
            }
            self.follow()?;
        }
    }
}

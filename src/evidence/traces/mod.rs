//! Traces: the family of exporters, the fields that a request owes, and coverage.

pub(crate) mod calls;
pub(crate) mod expect;
pub(crate) mod fields;
mod otlp;
pub(crate) mod span;

use std::io::BufRead;

use super::ReadError;
use calls::Collector;

/// The formats; exactly one may recognise a file.
pub(crate) const FORMATS: &[&dyn Format] = &[&otlp::Otlp];

/// One trace export format.
pub(crate) trait Format: Sync {
    /// The format's name: its file, its fixtures' folder, its word in the output.
    fn id(&self) -> &'static str;

    /// One line for the docs.
    fn about(&self) -> &'static str;

    /// Tells from the first 64 KiB of the unpacked content whether this is such a file.
    fn recognises(&self, start: &[u8]) -> bool;

    /// Reads a file as a stream.
    fn read(&self, reader: &mut dyn BufRead, calls: &mut Collector) -> Result<(), ReadError>;
}

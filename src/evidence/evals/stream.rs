//! What readers of large JSON files share: bounded parts, lists read item by item, keys once.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::evidence::ReadError;
use crate::limits::EVAL_PART;

/// How much is read at once, in bytes.
const BUFFER: usize = 64 << 10;

/// Stops a part of the file that is larger than any real one: a value takes many times the
/// room of its text.
pub(super) struct Parts<'a> {
    inner: &'a mut dyn BufRead,
    /// What the part that is being read may still have.
    left: &'a Cell<u64>,
}

impl<'a> Parts<'a> {
    /// A reader whose current part may have about as many bytes as `left` says: it is counted a
    /// buffer at a time, since a parser that asks for one byte after the other is slow.
    pub(super) fn of(inner: &'a mut dyn BufRead, left: &'a Cell<u64>) -> BufReader<Self> {
        BufReader::with_capacity(BUFFER, Self { inner, left })
    }
}

impl Read for Parts<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let Some(left) = self.left.get().checked_sub(count as u64) else {
            return Err(io::Error::other(format!(
                "a result row, or the rest beside the rows, of more than {} MiB",
                EVAL_PART >> 20
            )));
        };
        self.left.set(left);
        Ok(count)
    }
}

/// A list that is read item by item, each a part of its own.
pub(super) struct Each<'a, T, F> {
    what: &'static str,
    part: &'a Cell<u64>,
    take: F,
    item: PhantomData<T>,
}

impl<'a, T, F: FnMut(T) -> Result<(), String>> Each<'a, T, F> {
    /// Hands every item of a list to `take`, which may refuse it.
    pub(super) const fn of(what: &'static str, part: &'a Cell<u64>, take: F) -> Self {
        Self {
            what,
            part,
            take,
            item: PhantomData,
        }
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), String>> DeserializeSeed<'de>
    for Each<'_, T, F>
{
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, F: FnMut(T) -> Result<(), String>> Visitor<'de> for Each<'_, T, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {}", self.what)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        // Each item is a part of its own; what stands beside them is one together.
        let beside = self.part.replace(EVAL_PART);
        while let Some(item) = list.next_element()? {
            self.part.set(EVAL_PART);
            (self.take)(item).map_err(A::Error::custom)?;
        }
        self.part.set(beside);
        Ok(())
    }
}

/// Refuses more of something than there may be.
pub(super) fn at_most(count: usize, most: usize, what: &str) -> Result<(), String> {
    if count > most {
        return Err(format!("more than {most} {what}"));
    }
    Ok(())
}

/// The keys of an object that are read. One that stands there twice could say two things, of
/// which another reader may show the other.
pub(super) struct Keys {
    read: &'static [&'static str],
    seen: Vec<&'static str>,
}

impl Keys {
    /// Looks out for these.
    pub(super) const fn of(read: &'static [&'static str]) -> Self {
        let seen = Vec::new();
        Self { read, seen }
    }

    /// The next key.
    pub(super) fn next<'de, A: MapAccess<'de>>(
        &mut self,
        map: &mut A,
    ) -> Result<Option<String>, A::Error> {
        let Some(key) = map.next_key::<String>()? else {
            return Ok(None);
        };
        if let Some(known) = self.read.iter().find(|known| **known == key) {
            if self.seen.contains(known) {
                return Err(A::Error::custom(format!("duplicate key `{known}`")));
            }
            self.seen.push(known);
        }
        Ok(Some(key))
    }
}

/// The lines of a file that hold something, each with its number from 1, at most a part long.
pub(super) struct Lines<'a> {
    reader: &'a mut dyn BufRead,
    line: Vec<u8>,
    number: usize,
}

impl<'a> Lines<'a> {
    /// The lines of what a reader gives.
    pub(super) const fn of(reader: &'a mut dyn BufRead) -> Self {
        let line = Vec::new();
        Self {
            reader,
            line,
            number: 0,
        }
    }

    /// The next line.
    pub(super) fn next(&mut self) -> Result<Option<(usize, &[u8])>, ReadError> {
        loop {
            self.line.clear();
            let mut reader = (&mut *self.reader).take(EVAL_PART);
            let count = reader
                .read_until(b'\n', &mut self.line)
                .map_err(ReadError::io)?;
            if count as u64 == EVAL_PART {
                let found = format!("a line of more than {} MiB", EVAL_PART >> 20);
                return Err(ReadError::shape(found, "one result a line"));
            }
            if count == 0 {
                return Ok(None);
            }
            self.number += 1;
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        Ok(Some((self.number, self.line.trim_ascii())))
    }
}

/// A line that is not what it should be.
pub(super) fn wrong_line(number: usize, error: &serde_json::Error) -> ReadError {
    // It counts the lines of the one that it was given.
    let found = error
        .to_string()
        .replace(" at line 1 column ", " at column ");
    ReadError {
        line: Some(number),
        found,
        expected: String::from(if error.is_eof() {
            "a whole result: this line ends early"
        } else {
            "one result of this format a line"
        }),
    }
}

//! Files of records: JSON Lines, one list, or objects that hold a list beside other keys.

use std::cell::Cell;
use std::fmt;
use std::io::BufRead;
use std::mem;

use serde::Deserialize as _;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::stream::{Each, Parts};
use crate::evidence::ReadError;
use crate::limits::EVAL_PART;

/// What is found in such a file.
pub(super) enum Found<'a> {
    /// An item of a list, with what stands before the list in its object.
    Item(&'a Map<String, Json>, Json),
    /// The end of an object that holds a list, with all else that stands in it.
    Listed(Map<String, Json>),
    /// An object without such a list: one of the lines.
    Line(Map<String, Json>),
}

/// Hands on what is found, in its order. `lists` are the keys whose lists are read item by item.
pub(super) fn read(
    reader: &mut dyn BufRead,
    lists: &'static [&'static str],
    take: &mut dyn FnMut(Found<'_>) -> Result<(), String>,
) -> Result<(), ReadError> {
    let part = Cell::new(EVAL_PART);
    let mut input = serde_json::Deserializer::from_reader(Parts::of(reader, &part));
    let mut any = false;
    loop {
        match input.end() {
            Ok(()) => break,
            // Another value begins.
            Err(error) if error.is_syntax() => {}
            Err(error) => return Err(ReadError::json(error)),
        }
        any = true;
        part.set(EVAL_PART);
        let seed = Top {
            lists,
            part: &part,
            take,
        };
        seed.deserialize(&mut input).map_err(ReadError::json)?;
    }
    if any {
        Ok(())
    } else {
        Err(ReadError::shape("an empty file", "results, one a line"))
    }
}

/// A list that is read item by item, or the object that stands in its place.
struct ListOr<T>(T);

impl<'de, T: Visitor<'de, Value = ()>> DeserializeSeed<'de> for ListOr<T> {
    type Value = Option<Json>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de, T: Visitor<'de, Value = ()>> Visitor<'de> for ListOr<T> {
    type Value = Option<Json>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        self.0.visit_seq(list).map(|()| None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Json::deserialize(MapAccessDeserializer::new(map)).map(Some)
    }
}

/// One value of the file.
struct Top<'a, 't> {
    lists: &'static [&'static str],
    part: &'a Cell<u64>,
    take: &'a mut (dyn FnMut(Found<'_>) -> Result<(), String> + 't),
}

impl<'de> DeserializeSeed<'de> for Top<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Top<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a result, or a list of results")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        let before = Map::new();
        let take = self.take;
        Each::of("results", self.part, |item: Json| {
            take(Found::Item(&before, item))
        })
        .visit_seq(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { lists, part, take } = self;
        let mut rest = Map::new();
        let mut listed = false;
        while let Some(key) = map.next_key::<String>()? {
            // One that stands there twice could say two things: it is refused.
            let value = if lists.contains(&key.as_str()) {
                let each = Each::of("results", part, |item: Json| take(Found::Item(&rest, item)));
                map.next_value_seed(ListOr(each))?
            } else {
                Some(map.next_value()?)
            };
            let before = match value {
                Some(value) => rest.insert(key.clone(), value).is_some(),
                None => mem::replace(&mut listed, true),
            };
            if before {
                return Err(A::Error::custom(format!("duplicate key `{key}`")));
            }
        }
        let found = if listed {
            Found::Listed(rest)
        } else {
            Found::Line(rest)
        };
        take(found).map_err(A::Error::custom)
    }
}

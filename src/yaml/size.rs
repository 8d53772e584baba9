//! How large a document becomes once its aliases are followed, found out before it does.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IgnoredAny, MapAccess, SeqAccess,
    VariantAccess as _, Visitor,
};

use super::YamlError;
use crate::limits::YAML_SIZE;

/// Refuses a document whose aliases stand for too much. One without aliases is as large as its
/// text, which has a limit of its own.
pub(super) fn bounded(text: &str) -> Result<(), YamlError> {
    if !text.contains('*') {
        return Ok(());
    }
    let mut left = YAML_SIZE;
    let walked = Count(&mut left).deserialize(serde_yaml::Deserializer::from_str(text));
    match walked {
        Err(error) if left == 0 => Err(YamlError {
            message: format!("the aliases come to more than {YAML_SIZE} values and bytes of text"),
            ..YamlError::from(error)
        }),
        // Whatever else is wrong with it, the reader says better.
        _ => Ok(()),
    }
}

/// Takes what a value holds from what is left.
struct Count<'l>(&'l mut usize);

impl Count<'_> {
    fn take<E: serde::de::Error>(&mut self, size: usize) -> Result<(), E> {
        *self.0 = self.0.saturating_sub(size);
        if *self.0 == 0 {
            return Err(E::custom("too large"));
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Count<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

macro_rules! one {
    ($($visit:ident: $kind:ty),*) => {
        $(fn $visit<E: serde::de::Error>(mut self, _: $kind) -> Result<(), E> {
            self.take(1)
        })*
    };
}

impl<'de> Visitor<'de> for Count<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    one!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_i128: i128, visit_u128: u128,
        visit_f64: f64);

    fn visit_str<E: serde::de::Error>(mut self, text: &str) -> Result<(), E> {
        self.take(text.len() + 1)
    }

    fn visit_unit<E: serde::de::Error>(mut self) -> Result<(), E> {
        self.take(1)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.take(1)?;
        while items.next_element_seed(Count(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        self.take(1)?;
        while entries.next_key_seed(Count(self.0))?.is_some() {
            entries.next_value_seed(Count(self.0))?;
        }
        Ok(())
    }

    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<(), A::Error> {
        let (_, value) = tagged.variant::<IgnoredAny>()?;
        value.newtype_variant_seed(self)
    }
}

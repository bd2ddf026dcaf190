//! What a fragment computes, as bytes: equal for two fragments that do the same under other column identities, at other
//! places of the text, under other display names.
//!
//! Columns are numbered in the order in which they are met. Everything else is what the plan's own serialisation says, so a
//! new operator or a new field counts without a line here.

use crate::functions;
use serde::ser::{self, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The bytes of `value`, with `stages[i]` standing for stage `i + 1`; None where it calls a function that gives something else
/// each time, as `random()` does.
pub fn fingerprint(value: &impl Serialize, stages: &[u32]) -> Option<Vec<u8>> {
    let mut writer = Writer { bytes: Vec::new(), columns: BTreeMap::new(), stages, meaning: Meaning::Plain };
    value.serialize(&mut writer).ok()?;
    Some(writer.bytes)
}

/// Fields that say where something stood or what it is called, not what it computes.
const SILENT: &[(&str, &str)] =
    &[("Expr", "span"), ("Aggregate", "span"), ("WindowCall", "span"), ("ColumnDef", "name")];
/// What tells tables of one query apart; the rest follows from it.
const OF_TABLE: &[&str] = &["schema", "name", "rows", "files"];

/// What the next number is.
#[derive(Clone, Copy, PartialEq)]
enum Meaning {
    Plain,
    Column,
    Stage,
    Function,
}

struct Writer<'a> {
    bytes: Vec<u8>,
    columns: BTreeMap<u64, u64>,
    stages: &'a [u32],
    meaning: Meaning,
}

impl Writer<'_> {
    fn tag(&mut self, tag: u8) {
        self.bytes.push(tag);
    }

    fn number(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &[u8]) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text);
    }
}

/// Two calls of such a function are not the same work.
#[derive(Debug)]
struct Volatile(String);

impl fmt::Display for Volatile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Volatile {}

impl ser::Error for Volatile {
    fn custom<T: fmt::Display>(message: T) -> Volatile {
        Volatile(message.to_string())
    }
}

/// A struct or a sequence that is being written.
struct Fields<'w, 'a> {
    writer: &'w mut Writer<'a>,
    name: &'static str,
}

macro_rules! numbers {
    ($($method:ident: $type:ty),*) => {
        $(fn $method(self, value: $type) -> Result<(), Volatile> {
            self.bytes.extend_from_slice(&value.to_le_bytes());
            Ok(())
        })*
    };
}

impl<'w, 'a> ser::Serializer for &'w mut Writer<'a> {
    type Ok = ();
    type Error = Volatile;
    type SerializeSeq = Fields<'w, 'a>;
    type SerializeTuple = Fields<'w, 'a>;
    type SerializeTupleStruct = Fields<'w, 'a>;
    type SerializeTupleVariant = Fields<'w, 'a>;
    type SerializeMap = Fields<'w, 'a>;
    type SerializeStruct = Fields<'w, 'a>;
    type SerializeStructVariant = Fields<'w, 'a>;

    numbers!(serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u64: u64, serialize_u128: u128);

    fn serialize_u32(self, value: u32) -> Result<(), Volatile> {
        let number = match std::mem::replace(&mut self.meaning, Meaning::Plain) {
            Meaning::Plain | Meaning::Function => u64::from(value),
            Meaning::Column => {
                let next = self.columns.len() as u64;
                *self.columns.entry(u64::from(value)).or_insert(next)
            }
            Meaning::Stage => u64::from(self.stages.get(value as usize - 1).copied().unwrap_or(value)),
        };
        self.number(number);
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Result<(), Volatile> {
        self.tag(u8::from(value));
        Ok(())
    }

    // By bits: 0.0 and -0.0 compare equal and are not the same.
    fn serialize_f32(self, value: f32) -> Result<(), Volatile> {
        self.serialize_u64(u64::from(value.to_bits()))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Volatile> {
        self.serialize_u64(value.to_bits())
    }

    fn serialize_char(self, value: char) -> Result<(), Volatile> {
        self.serialize_u64(u64::from(u32::from(value)))
    }

    fn serialize_str(self, value: &str) -> Result<(), Volatile> {
        let is_function = std::mem::replace(&mut self.meaning, Meaning::Plain) == Meaning::Function;
        if is_function && functions::find(value).is_some_and(|function| function.is_volatile()) {
            return Err(Volatile(format!("{value}() gives another value each time")));
        }
        self.text(value.as_bytes());
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Volatile> {
        self.text(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Volatile> {
        self.serialize_bool(false)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Volatile> {
        self.tag(1);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Volatile> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Volatile> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Volatile> {
        self.number(u64::from(index));
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), Volatile> {
        self.meaning = match name {
            "ColumnId" => Meaning::Column,
            "StageId" => Meaning::Stage,
            _ => Meaning::Plain,
        };
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Volatile> {
        self.number(u64::from(index));
        value.serialize(self)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Fields<'w, 'a>, Volatile> {
        self.number(length.unwrap_or(usize::MAX) as u64);
        Ok(Fields { writer: self, name: "" })
    }

    fn serialize_tuple(self, length: usize) -> Result<Fields<'w, 'a>, Volatile> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Fields<'w, 'a>, Volatile> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        length: usize,
    ) -> Result<Fields<'w, 'a>, Volatile> {
        self.number(u64::from(index));
        self.serialize_seq(Some(length))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Fields<'w, 'a>, Volatile> {
        self.serialize_seq(length)
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields<'w, 'a>, Volatile> {
        Ok(Fields { writer: self, name })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Fields<'w, 'a>, Volatile> {
        self.number(u64::from(index));
        Ok(Fields { writer: self, name: "" })
    }
}

macro_rules! items {
    ($($trait:ident::$method:ident),*) => {
        $(impl ser::$trait for Fields<'_, '_> {
            type Ok = ();
            type Error = Volatile;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Volatile> {
                value.serialize(&mut *self.writer)
            }

            fn end(self) -> Result<(), Volatile> {
                Ok(())
            }
        })*
    };
}

items!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

impl ser::SerializeMap for Fields<'_, '_> {
    type Ok = ();
    type Error = Volatile;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Volatile> {
        key.serialize(&mut *self.writer)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Volatile> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Volatile> {
        Ok(())
    }
}

macro_rules! fields {
    ($($trait:ident),*) => {
        $(impl ser::$trait for Fields<'_, '_> {
            type Ok = ();
            type Error = Volatile;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, field: &'static str, value: &T) -> Result<(), Volatile> {
                if SILENT.contains(&(self.name, field)) || self.name == "Table" && !OF_TABLE.contains(&field) {
                    return Ok(());
                }
                if field == "function" {
                    self.writer.meaning = Meaning::Function;
                }
                value.serialize(&mut *self.writer)
            }

            fn end(self) -> Result<(), Volatile> {
                Ok(())
            }
        })*
    };
}

fields!(SerializeStruct, SerializeStructVariant);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::expr::{ColumnId, Expr};
    use crate::sql::{DataType, Span, Value};

    fn sum(a: u32, b: u32, at: u32) -> Expr {
        let args = [a, b].map(|id| Expr::column(ColumnId(id), DataType::BigInt)).to_vec();
        Expr::call("+", args, DataType::BigInt).at(Span { start: at, end: at + 1 })
    }

    #[test]
    fn names_and_places_do_not_count_and_identities_do() {
        let of = |expr: &Expr| fingerprint(expr, &[]).unwrap();
        assert_eq!(of(&sum(3, 9, 0)), of(&sum(7, 5, 40)));
        assert_ne!(of(&sum(3, 3, 0)), of(&sum(7, 5, 0)));
        let constant = |value: f64| Expr::literal(Value::Float(value), DataType::Double);
        assert_ne!(of(&constant(0.0)), of(&constant(-0.0)));
    }
}

//! What functions of lists, structs and maps take and give. A bare NULL stands for a list of anything.

use crate::functions::{Signature, can_cast, common_type};
use crate::sql::DataType;

fn signature(args: Vec<DataType>, result: DataType) -> Option<Signature> {
    Some(Signature { args, result })
}

/// The element type of a list argument; a bare NULL is a list of bare NULLs.
fn item(t: &DataType) -> Option<DataType> {
    match t {
        DataType::List(item) => Some((**item).clone()),
        DataType::Null => Some(DataType::Null),
        _ => None,
    }
}

/// What is read as a place or a size in a list, whatever it is written as.
fn is_place(t: &DataType) -> bool {
    t.is_numeric() || matches!(t, DataType::Boolean | DataType::Varchar | DataType::Json | DataType::Null)
}

/// `[a, b, ...]`.
pub fn list_value(args: &[DataType]) -> Option<Signature> {
    let mut t = DataType::Null;
    for arg in args {
        t = common_type(&t, arg)?;
    }
    signature(vec![t.clone(); args.len()], t.list_of())
}

/// `x[1]` of lists and texts.
pub fn extract(args: &[DataType]) -> Option<Signature> {
    let [of, place] = args else { return None };
    if !place.is_integer() && *place != DataType::Null {
        return None;
    }
    match of {
        DataType::Varchar => signature(vec![DataType::Varchar, DataType::BigInt], DataType::Varchar),
        of => {
            let item = item(of)?;
            signature(vec![item.clone().list_of(), DataType::BigInt], item)
        }
    }
}

/// `x[2:3]` of lists and texts, with a step for lists.
pub fn slice(args: &[DataType]) -> Option<Signature> {
    let [of, bounds @ ..] = args else { return None };
    let numbers = bounds.iter().all(is_place);
    let of = match of {
        DataType::Varchar | DataType::Json if bounds.len() == 2 => DataType::Varchar,
        of => item(of)?.list_of(),
    };
    let whole_step = bounds.get(2).is_none_or(|t| t.is_integer() || *t == DataType::Null);
    if !numbers || !whole_step || !(2..=3).contains(&bounds.len()) {
        return None;
    }
    let mut args = vec![of.clone()];
    args.resize(bounds.len() + 1, DataType::BigInt);
    signature(args, of)
}

/// One list to a number.
pub fn list_to_bigint(args: &[DataType]) -> Option<Signature> {
    let [of] = args else { return None };
    signature(vec![item(of)?.list_of()], DataType::BigInt)
}

/// One list to an unsigned number.
pub fn list_to_ubigint(args: &[DataType]) -> Option<Signature> {
    let [of] = args else { return None };
    signature(vec![item(of)?.list_of()], DataType::UBigInt)
}

/// Lists of one type to a list of it.
pub fn same_lists(args: &[DataType]) -> Option<Signature> {
    let mut t = item(args.first()?)?;
    for arg in &args[1..] {
        t = common_type(&t, &item(arg)?)?;
    }
    signature(vec![t.clone().list_of(); args.len()], t.list_of())
}

/// One list to a list like it.
pub fn same_list(args: &[DataType]) -> Option<Signature> {
    (args.len() == 1).then(|| same_lists(args))?
}

/// `list_append(list, element)`.
pub fn append(args: &[DataType]) -> Option<Signature> {
    let [of, element] = args else { return None };
    let t = common_type(&item(of)?, element)?;
    signature(vec![t.clone().list_of(), t.clone()], t.list_of())
}

/// `list_prepend(element, list)`.
pub fn prepend(args: &[DataType]) -> Option<Signature> {
    let [element, of] = args else { return None };
    let t = common_type(&item(of)?, element)?;
    signature(vec![t.clone(), t.clone().list_of()], t.list_of())
}

/// `list_contains(list, element)`.
pub fn contains(args: &[DataType]) -> Option<Signature> {
    let [of, element] = args else { return None };
    let t = common_type(&item(of)?, element)?;
    signature(vec![t.clone().list_of(), t], DataType::Boolean)
}

/// `list_position(list, element)`.
pub fn position(args: &[DataType]) -> Option<Signature> {
    contains(args).map(|s| Signature { result: DataType::Integer, ..s })
}

/// Two lists of one type to a truth value.
pub fn two_lists_true(args: &[DataType]) -> Option<Signature> {
    (args.len() == 2).then(|| same_lists(args))?.map(|s| Signature { result: DataType::Boolean, ..s })
}

/// Two lists of one type to a list of it.
pub fn two_lists(args: &[DataType]) -> Option<Signature> {
    (args.len() == 2).then(|| same_lists(args))?
}

/// A list, and up to `most` texts that say how it is sorted.
fn ordered(args: &[DataType], most: usize, result: impl Fn(DataType) -> DataType) -> Option<Signature> {
    let [of, words @ ..] = args else { return None };
    if words.len() > most || words.iter().any(|t| !matches!(t, DataType::Varchar | DataType::Null)) {
        return None;
    }
    let list = item(of)?.list_of();
    let mut args = vec![list.clone()];
    args.resize(words.len() + 1, DataType::Varchar);
    signature(args, result(list))
}

/// `list_sort(list [, order [, nulls]])`.
pub fn sort(args: &[DataType]) -> Option<Signature> {
    ordered(args, 2, |list| list)
}

/// `list_reverse_sort(list [, nulls])`.
pub fn reverse_sort(args: &[DataType]) -> Option<Signature> {
    ordered(args, 1, |list| list)
}

/// `list_grade_up(list [, order [, nulls]])`.
pub fn grade(args: &[DataType]) -> Option<Signature> {
    ordered(args, 2, |_| DataType::BigInt.list_of())
}

/// `list_resize(list, size [, filler])`.
pub fn resize(args: &[DataType]) -> Option<Signature> {
    let [of, size, filler @ ..] = args else { return None };
    if !is_place(size) || filler.len() > 1 {
        return None;
    }
    // The filler becomes an element, whatever it is.
    let mut t = item(of)?;
    if let [filler] = filler {
        match t {
            DataType::Null => t = filler.clone(),
            _ => can_cast(filler, &t).then_some(())?,
        }
    }
    let mut args = vec![t.clone().list_of(), DataType::BigInt];
    args.extend(filler.iter().map(|_| t.clone()));
    signature(args, t.list_of())
}

/// A list of lists to a list.
pub fn flatten(args: &[DataType]) -> Option<Signature> {
    let [of] = args else { return None };
    let inner = item(of)?;
    let list = item(&inner)?.list_of();
    signature(vec![list.clone().list_of()], list)
}

/// `list_zip(a, b, ... [, cut])`: a list of rows.
pub fn zip(args: &[DataType]) -> Option<Signature> {
    let (lists, cut) = match args {
        [lists @ .., DataType::Boolean] => (lists, true),
        lists => (lists, false),
    };
    if lists.is_empty() {
        return None;
    }
    let items = lists.iter().map(item).collect::<Option<Vec<_>>>()?;
    let mut args: Vec<DataType> = items.iter().map(|t| t.clone().list_of()).collect();
    args.extend(cut.then_some(DataType::Boolean));
    let row = DataType::Struct(items.into_iter().map(|t| (String::new(), t)).collect());
    signature(args, row.list_of())
}

/// `list_select(list, places)`.
pub fn select(args: &[DataType]) -> Option<Signature> {
    let [of, places] = args else { return None };
    let fits = item(places).is_some_and(|t| t.is_integer() || t == DataType::Null);
    let list = item(of)?.list_of();
    fits.then(|| Signature { args: vec![list.clone(), DataType::BigInt.list_of()], result: list.clone() })
}

/// `list_where(list, mask)`.
pub fn mask(args: &[DataType]) -> Option<Signature> {
    let [of, mask] = args else { return None };
    let fits = item(mask).is_some_and(|t| matches!(t, DataType::Boolean | DataType::Null));
    let list = item(of)?.list_of();
    fits.then(|| Signature { args: vec![list.clone(), DataType::Boolean.list_of()], result: list.clone() })
}

/// Two lists of numbers to a number: of FLOATs if both are.
pub fn vectors(args: &[DataType]) -> Option<Signature> {
    let [a, b] = args else { return None };
    let (a, b) = (item(a)?, item(b)?);
    let number = |t: &DataType| t.is_numeric() || *t == DataType::Null;
    if !number(&a) || !number(&b) {
        return None;
    }
    let t = if a == DataType::Float && b == DataType::Float { DataType::Float } else { DataType::Double };
    signature(vec![t.clone().list_of(), t.clone().list_of()], t)
}

/// `array_to_string(list, separator)`.
pub fn joined(args: &[DataType]) -> Option<Signature> {
    let [of, separator] = args else { return None };
    let fits = matches!(separator, DataType::Varchar | DataType::Null);
    let list = shown(item(of)?).list_of();
    fits.then(|| Signature { args: vec![list, DataType::Varchar], result: DataType::Varchar })
}

/// Points in time are written as a cast to VARCHAR has them, in the session's time zone.
fn shown(item: DataType) -> DataType {
    item.with_shown_moments().unwrap_or(item)
}

/// `list_sum` and its like: the type that the aggregate gives for the elements.
fn aggregated(args: &[DataType], result: impl Fn(&DataType) -> Option<DataType>) -> Option<Signature> {
    let [of] = args else { return None };
    let item = item(of)?;
    let result = result(&item)?;
    signature(vec![item.list_of()], result)
}

/// `list_sum`: as `sum`.
pub fn sum(args: &[DataType]) -> Option<Signature> {
    aggregated(args, |t| match t {
        DataType::Null | DataType::Boolean => Some(DataType::HugeInt),
        t if t.is_integer() => Some(DataType::HugeInt),
        DataType::Decimal { scale, .. } => Some(DataType::Decimal { precision: 38, scale: *scale }),
        DataType::Float | DataType::Double => Some(DataType::Double),
        _ => None,
    })
}

/// `list_avg` and what else gives DOUBLE for numbers.
pub fn numbers_to_double(args: &[DataType]) -> Option<Signature> {
    let [of] = args else { return None };
    let item = item(of)?;
    (item.is_numeric() || item == DataType::Null)
        .then(|| Signature { args: vec![DataType::Double.list_of()], result: DataType::Double })
}

/// `list_min` and what else gives one of the elements.
pub fn one_of(args: &[DataType]) -> Option<Signature> {
    aggregated(args, |t| Some(t.clone()))
}

/// `list_count`.
pub fn count(args: &[DataType]) -> Option<Signature> {
    aggregated(args, |_| Some(DataType::BigInt))
}

/// `list_entropy`.
pub fn entropy(args: &[DataType]) -> Option<Signature> {
    aggregated(args, |_| Some(DataType::Double))
}

/// `list_bit_and` and its like: whole numbers.
pub fn bits(args: &[DataType]) -> Option<Signature> {
    aggregated(args, |t| t.is_integer().then(|| t.clone()))
}

/// `list_bool_and`, `list_bool_or`.
pub fn truth(args: &[DataType]) -> Option<Signature> {
    aggregated(args, |t| matches!(t, DataType::Boolean | DataType::Null).then_some(DataType::Boolean))
}

/// `list_string_agg(list [, separator])`.
pub fn text(args: &[DataType]) -> Option<Signature> {
    match args {
        [of] => signature(vec![shown(item(of)?).list_of()], DataType::Varchar),
        [_, _] => joined(args),
        _ => None,
    }
}

/// `range(end)`, `range(start, end)`, `range(start, end, step)`, of numbers or of times with an interval.
pub fn range(args: &[DataType]) -> Option<Signature> {
    use DataType::{BigInt, Date, Interval, Null, Timestamp, TimestampTz};
    match args {
        [_] | [_, _] | [_, _, _] if args.iter().all(|t| t.is_integer() || *t == Null) => {
            signature(vec![BigInt; args.len()], BigInt.list_of())
        }
        [a, b, Interval | Null]
            if [a, b].iter().all(|t| t.is_timestamp() || matches!(t, Date | TimestampTz | Null)) =>
        {
            let t = if *a == TimestampTz || *b == TimestampTz { TimestampTz } else { Timestamp };
            signature(vec![t.clone(), t.clone(), Interval], t.list_of())
        }
        _ => None,
    }
}

/// `map(keys, values)`, `map()`.
pub fn map(args: &[DataType]) -> Option<Signature> {
    match args {
        [] => signature(vec![], DataType::Map(Box::new(DataType::Null), Box::new(DataType::Null))),
        [keys, values] => {
            let (key, value) = (item(keys)?, item(values)?);
            let args = vec![key.clone().list_of(), value.clone().list_of()];
            signature(args, DataType::Map(Box::new(key), Box::new(value)))
        }
        _ => None,
    }
}

fn key_value(t: &DataType) -> Option<(DataType, DataType)> {
    match t {
        DataType::Map(key, value) => Some(((**key).clone(), (**value).clone())),
        _ => None,
    }
}

/// `map_keys(map)`.
pub fn keys(args: &[DataType]) -> Option<Signature> {
    let [of] = args else { return None };
    signature(args.to_vec(), key_value(of)?.0.list_of())
}

/// `map_values(map)`.
pub fn values(args: &[DataType]) -> Option<Signature> {
    let [of] = args else { return None };
    signature(args.to_vec(), key_value(of)?.1.list_of())
}

/// `map_entries(map)`.
pub fn entries(args: &[DataType]) -> Option<Signature> {
    let [of] = args else { return None };
    let (key, value) = key_value(of)?;
    signature(args.to_vec(), DataType::entries(&key, &value))
}

/// `map_from_entries(list of rows of two)`.
pub fn from_entries(args: &[DataType]) -> Option<Signature> {
    let [of] = args else { return None };
    let DataType::Struct(fields) = item(of)? else { return None };
    let [(_, key), (_, value)] = &fields[..] else { return None };
    signature(args.to_vec(), DataType::Map(Box::new(key.clone()), Box::new(value.clone())))
}

/// `cardinality(map)`.
pub fn cardinality(args: &[DataType]) -> Option<Signature> {
    let [of] = args else { return None };
    if *of == DataType::Null {
        let of = DataType::Map(Box::new(DataType::Null), Box::new(DataType::Null));
        return signature(vec![of], DataType::UBigInt);
    }
    if !matches!(of, DataType::List(_)) {
        key_value(of)?;
    }
    signature(args.to_vec(), DataType::UBigInt)
}

fn lookup(args: &[DataType], result: impl Fn(DataType) -> DataType) -> Option<Signature> {
    let [of, wanted] = args else { return None };
    let (key, value) = key_value(of)?;
    // A key that is searched for is read as the map's keys are.
    let common = common_type(&key, wanted)?;
    let of = DataType::Map(Box::new(common.clone()), Box::new(value.clone()));
    signature(vec![of, common], result(value))
}

/// `map[key]`.
pub fn value_of_key(args: &[DataType]) -> Option<Signature> {
    lookup(args, |value| value)
}

/// `element_at(map, key)`: a list of one value or none.
pub fn values_of_key(args: &[DataType]) -> Option<Signature> {
    lookup(args, DataType::list_of)
}

/// `map_contains(map, key)`.
pub fn has_key(args: &[DataType]) -> Option<Signature> {
    lookup(args, |_| DataType::Boolean)
}

/// `map_concat(maps...)`.
pub fn maps(args: &[DataType]) -> Option<Signature> {
    let mut t = DataType::Null;
    for arg in args {
        t = common_type(&t, arg)?;
    }
    key_value(&t)?;
    signature(vec![t.clone(); args.len()], t)
}

/// `list_histogram(list)`.
pub fn histogram(args: &[DataType]) -> Option<Signature> {
    aggregated(args, |t| Some(DataType::Map(Box::new(t.clone()), Box::new(DataType::UBigInt))))
}

/// `map_contains_value(map, value)`.
pub fn has_value(args: &[DataType]) -> Option<Signature> {
    let [of, wanted] = args else { return None };
    let (key, value) = key_value(of)?;
    let common = common_type(&value, wanted)?;
    signature(vec![DataType::Map(Box::new(key), Box::new(common.clone())), common], DataType::Boolean)
}

/// `map_contains_entry(map, key, value)`.
pub fn has_entry(args: &[DataType]) -> Option<Signature> {
    let [of, key_wanted, value_wanted] = args else { return None };
    let (key, value) = key_value(of)?;
    let (key, value) = (common_type(&key, key_wanted)?, common_type(&value, value_wanted)?);
    let of = DataType::Map(Box::new(key.clone()), Box::new(value.clone()));
    signature(vec![of, key, value], DataType::Boolean)
}

/// `row(a, b, ...)`.
pub fn row(args: &[DataType]) -> Option<Signature> {
    let fields = args.iter().map(|t| (String::new(), t.clone())).collect();
    (!args.is_empty()).then(|| Signature { args: args.to_vec(), result: DataType::Struct(fields) })
}

/// `struct_values(struct)`.
pub fn struct_values(args: &[DataType]) -> Option<Signature> {
    let [DataType::Struct(fields)] = args else { return None };
    let fields = fields.iter().map(|(_, t)| (String::new(), t.clone())).collect();
    signature(args.to_vec(), DataType::Struct(fields))
}

/// What only the binder can type: names of fields are no values.
pub fn nothing(_: &[DataType]) -> Option<Signature> {
    None
}

/// The function that a call of this name means when its arguments are lists or maps: names shared with texts.
pub fn overload<'a>(name: &'a str, args: &[DataType]) -> &'a str {
    let list = |i: usize| matches!(args.get(i), Some(DataType::List(_)));
    match name {
        "length" | "len" | "char_length" | "character_length" if list(0) => "list_length",
        "len" | "length" if matches!(args, [DataType::Map(..)]) => "cardinality",
        "contains" if list(0) => "list_contains",
        "contains" if matches!(args.first(), Some(DataType::Map(..))) => "map_contains",
        "concat" if !args.is_empty() && args.iter().enumerate().any(|(i, _)| list(i)) => "list_concat",
        "+" | "add" if list(0) && list(1) => "list_concat",
        "||" if list(0) || list(1) => "list_join",
        "reverse" if list(0) => "list_reverse",
        "element_at" if list(0) => "list_extract",
        name => name,
    }
}

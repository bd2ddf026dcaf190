//! Which types meet, and what comes of it: DuckDB 2.0's rules, without its special types for literals.

use super::Signature;
use crate::sql::DataType;

/// The digits of the widest decimal.
pub(super) const MAX_DECIMAL_PRECISION: u8 = 38;
/// Decimals up to here live in 64 bits.
pub(super) const MAX_NARROW_PRECISION: u8 = 18;

/// The type in which values of both types can be mixed (CASE, COALESCE, VALUES, BETWEEN, `<`), if there is one. Only what
/// loses nothing is mixed: text with anything else is not. (A string literal is not text until it has to be: the binder
/// gives it the type of its neighbours first.) [`equality_type`] and [`union_type`] are wider.
pub fn common_type(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::*;
    if a == b {
        return Some(a.clone());
    }
    match (a, b) {
        (Null, other) | (other, Null) => Some(other.clone()),
        (Boolean, other) | (other, Boolean) if other.is_integer() => Some(other.clone()),
        (Double, other) | (other, Double) if other.is_numeric() => Some(Double),
        (Float, other) | (other, Float) if other.is_numeric() => Some(Float),
        (Decimal { precision: p1, scale: s1 }, Decimal { precision: p2, scale: s2 }) => {
            let whole = (p1 - s1).max(p2 - s2);
            let precision = (whole + s1.max(s2)).min(MAX_DECIMAL_PRECISION);
            Some(Decimal { precision, scale: precision - whole })
        }
        (Decimal { precision, scale }, integer) | (integer, Decimal { precision, scale }) if integer.is_integer() => {
            let whole = (precision - scale).max(integer_digits(integer));
            Some(Decimal { precision: (whole + scale).min(MAX_DECIMAL_PRECISION), scale: *scale })
        }
        (a, b) if a.is_integer() && b.is_integer() => Some(common_integer(a, b)),
        (Date, t) | (t, Date) if t.is_timestamp() => Some(t.clone()),
        (a, b) if a.is_timestamp() && b.is_timestamp() => {
            Some(if fineness(a) > fineness(b) { a.clone() } else { b.clone() })
        }
        (TimestampNs, TimestampTz) | (TimestampTz, TimestampNs) => None,
        (TimestampTz, t) | (t, TimestampTz) if *t == Date || t.is_timestamp() => Some(TimestampTz),
        (List(x), List(y)) => Some(List(Box::new(common_type(x, y)?))),
        (Struct(x), Struct(y)) if x.len() == y.len() => {
            let mut fields = Vec::with_capacity(x.len());
            for ((name, t), (other_name, u)) in x.iter().zip(y) {
                // A row without names takes those of the other side.
                if !name.eq_ignore_ascii_case(other_name) && !name.is_empty() && !other_name.is_empty() {
                    return None;
                }
                let name = if name.is_empty() { other_name } else { name };
                let is_there = |(other, _): &(String, DataType)| other.eq_ignore_ascii_case(name) && !name.is_empty();
                if fields.iter().any(is_there) {
                    return None;
                }
                fields.push((name.clone(), common_type(t, u)?));
            }
            Some(Struct(fields))
        }
        (Map(k, v), Map(l, w)) => Some(Map(Box::new(common_type(k, l)?), Box::new(common_type(v, w)?))),
        (Json, other) | (other, Json) => can_cast(other, &Json).then_some(Json),
        _ => None,
    }
}

/// The order of the units of timestamps: the finer holds the values of the coarser.
fn fineness(timestamp: &DataType) -> u32 {
    match timestamp {
        DataType::TimestampS => 1,
        DataType::TimestampMs => 2,
        DataType::Timestamp => 3,
        _ => 4,
    }
}

/// The type in which two values are tested for being equal (`=`, `<>`, IN, IS DISTINCT FROM): here text gives way to the other
/// type, and truth values to every number.
pub fn equality_type(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::*;
    if let Some(t) = type_beside_json(a, b) {
        return Some(t);
    }
    common_type(a, b).or_else(|| match (a, b) {
        (Varchar, other) | (other, Varchar) => can_cast(&Varchar, other).then(|| other.clone()),
        (Boolean, other) | (other, Boolean) => other.is_numeric().then(|| other.clone()),
        (Blob, Uuid) | (Uuid, Blob) => Some(Uuid),
        (TimestampNs, TimestampTz) | (TimestampTz, TimestampNs) => Some(TimestampNs),
        _ => None,
    })
}

/// The type in which JSON is compared with a number, a truth value or a moment; everything else is compared with it as JSON.
fn type_beside_json(a: &DataType, b: &DataType) -> Option<DataType> {
    match (a, b) {
        (DataType::Json, other) | (other, DataType::Json) => {
            (other.is_numeric() || other.is_temporal() || *other == DataType::Boolean).then(|| other.clone())
        }
        _ => None,
    }
}

/// The type of a column of a set operation: text wins over everything that is no sequence of bits, truth values give way to
/// every number.
pub fn union_type(a: &DataType, b: &DataType) -> Option<DataType> {
    use DataType::*;
    match (a, b) {
        (Json, _) | (_, Json) => common_type(a, b),
        (Varchar, other @ (Blob | Uuid)) | (other @ (Blob | Uuid), Varchar) => Some(other.clone()),
        (Varchar, List(_) | Struct(_)) | (List(_) | Struct(_), Varchar) => common_type(a, b),
        (Varchar, _) | (_, Varchar) => Some(Varchar),
        _ => equality_type(a, b),
    }
}

/// Whether CAST from one type to the other is allowed; it may still fail for a value.
pub fn can_cast(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    if from == to {
        return true;
    }
    match (from, to) {
        (Null, _) | (_, Varchar) => true,
        (Varchar | Json, _) | (_, Json) => true,
        (Boolean, to) => to.is_numeric(),
        (from, Boolean) => from.is_numeric(),
        (from, to) if from.is_numeric() && to.is_numeric() => true,
        (TimestampNs, TimestampS) => false,
        (Date | TimestampTz, to) if to.is_timestamp() => true,
        (from, Date | Time | TimestampTz) if from.is_timestamp() => true,
        (from, to) if from.is_timestamp() && to.is_timestamp() => true,
        (Date, TimestampTz) | (TimestampTz, Date) => true,
        (Blob, Uuid) | (Uuid, Blob) => true,
        (List(from), List(to)) => can_cast(from, to),
        (Struct(from), Struct(to)) => super::cast::nested::matching(from, to).is_some_and(|sources| {
            sources.iter().zip(to).all(|(source, (_, to))| source.is_none_or(|i| can_cast(&from[i].1, to)))
        }),
        (Map(k, v), Map(l, w)) => can_cast(k, l) && can_cast(v, w),
        _ => false,
    }
}

/// Whether the cast happens without being asked for: it only widens, and an argument of a call may need it.
pub fn can_cast_implicitly(from: &DataType, to: &DataType) -> bool {
    implicit_cost(from, to).is_some()
}

/// How far an implicit cast goes: 0 for the same type, None if there is none. The cheapest overload wins.
pub(super) fn implicit_cost(from: &DataType, to: &DataType) -> Option<u32> {
    use DataType::*;
    if from == to {
        return Some(0);
    }
    match (from, to) {
        (Null, _) => Some(1),
        (from, to) if from.is_integer() && to.is_integer() => (common_integer(from, to) == *to)
            .then(|| 2 + u32::from(integer_digits(to) - integer_digits(from).min(integer_digits(to)))),
        (from, Decimal { precision, scale }) if from.is_integer() => {
            (precision - scale >= integer_digits(from)).then_some(60)
        }
        (Decimal { precision: p1, scale: s1 }, Decimal { precision: p2, scale: s2 }) => {
            (p2 - s2 >= p1 - s1 && s2 >= s1).then_some(2)
        }
        (from, Double) if from.is_numeric() => Some(if *from == Float { 2 } else { 70 }),
        (from, Float) if from.is_integer() || matches!(from, Decimal { .. }) => Some(71),
        (Date, Timestamp) => Some(2),
        (Date, to) if to.is_timestamp() => Some(3),
        // What takes no nanoseconds takes the microseconds of a timestamp that has them.
        (from, to) if from.is_timestamp() && to.is_timestamp() => {
            let (from, to) = (fineness(from), fineness(to));
            if from < to { Some(1 + to - from) } else { (to == 3).then_some(3) }
        }
        (from, TimestampTz) if *from == Date || from.is_timestamp() => Some(4),
        (List(from), List(to)) => implicit_cost(from, to),
        (Map(k, v), Map(l, w)) => Some(implicit_cost(k, l)? + implicit_cost(v, w)?),
        (Struct(from), Struct(to)) if from.len() == to.len() => {
            from.iter().zip(to).map(|((_, from), (_, to))| implicit_cost(from, to)).sum()
        }
        (Json, Varchar) => Some(1),
        _ => None,
    }
}

/// The decimal digits that hold every value of an integer type.
pub(super) fn integer_digits(integer: &DataType) -> u8 {
    use DataType::*;
    match integer {
        TinyInt | UTinyInt => 3,
        SmallInt | USmallInt => 5,
        Integer | UInteger => 10,
        BigInt => 19,
        UBigInt => 20,
        _ => MAX_DECIMAL_PRECISION,
    }
}

/// The smallest integer type that holds both.
fn common_integer(a: &DataType, b: &DataType) -> DataType {
    use DataType::*;
    let bits = |t: &DataType| match t {
        TinyInt => (8, true),
        UTinyInt => (8, false),
        SmallInt => (16, true),
        USmallInt => (16, false),
        Integer => (32, true),
        UInteger => (32, false),
        BigInt => (64, true),
        UBigInt => (64, false),
        _ => (128, true),
    };
    let ((bits_a, signed_a), (bits_b, signed_b)) = (bits(a), bits(b));
    let signed = signed_a || signed_b;
    // An unsigned type needs the next wider signed one.
    let needed = |bits: u32, is_signed: bool| if signed && !is_signed { bits * 2 } else { bits };
    match (needed(bits_a, signed_a).max(needed(bits_b, signed_b)), signed) {
        (8, true) => TinyInt,
        (8, false) => UTinyInt,
        (16, true) => SmallInt,
        (16, false) => USmallInt,
        (32, true) => Integer,
        (32, false) => UInteger,
        (64, true) => BigInt,
        (64, false) => UBigInt,
        _ => HugeInt,
    }
}

/// An integer or decimal as a decimal: (precision, scale).
fn as_decimal(t: &DataType) -> Option<(u8, u8)> {
    match t {
        DataType::Decimal { precision, scale } => Some((*precision, *scale)),
        integer if integer.is_integer() => Some((integer_digits(integer), 0)),
        _ => None,
    }
}

fn same(t: DataType, result: DataType) -> Option<Signature> {
    Some(Signature { args: vec![t.clone(), t], result })
}

fn pair(a: DataType, b: DataType, result: DataType) -> Option<Signature> {
    Some(Signature { args: vec![a, b], result })
}

/// A bare NULL takes the type of its neighbour; two of them are BIGINT.
fn without_nulls(args: &[DataType]) -> Option<(DataType, DataType)> {
    match args {
        [DataType::Null, DataType::Null] => Some((DataType::BigInt, DataType::BigInt)),
        [DataType::Null, b] if b.is_numeric() => Some((b.clone(), b.clone())),
        [a, DataType::Null] if a.is_numeric() => Some((a.clone(), a.clone())),
        [a, b] => Some((a.clone(), b.clone())),
        _ => None,
    }
}

fn fits_integer(t: &DataType) -> bool {
    implicit_cost(t, &DataType::Integer).is_some()
}

/// Decimal sum, difference or remainder: both sides at the larger scale, with `extra` digits before the point.
fn decimal_at_common_scale(a: &DataType, b: &DataType, extra: u8) -> Option<DataType> {
    let ((p1, s1), (p2, s2)) = (as_decimal(a)?, as_decimal(b)?);
    let scale = s1.max(s2);
    let precision = ((p1 - s1).max(p2 - s2) + scale + extra).min(MAX_DECIMAL_PRECISION);
    Some(DataType::Decimal { precision, scale })
}

/// Numbers of which at least one is a float, or both integers: the common type on both sides.
fn plain_numbers(a: &DataType, b: &DataType) -> Option<Signature> {
    let t = common_type(a, b).filter(|t| a.is_numeric() && b.is_numeric() && !matches!(t, DataType::Decimal { .. }))?;
    // Signed with unsigned, where neither holds the other: there is no operator between BIGINT and what they need.
    let t = if t.is_integer() && t != *a && t != *b && t != DataType::HugeInt { DataType::BigInt } else { t };
    same(t.clone(), t)
}

/// `-x`.
pub(super) fn negation(args: &[DataType]) -> Option<Signature> {
    match args {
        [DataType::Null] => Some(Signature { args: vec![DataType::BigInt], result: DataType::BigInt }),
        [t] if t.is_numeric() || *t == DataType::Interval => {
            Some(Signature { args: vec![t.clone()], result: t.clone() })
        }
        _ => None,
    }
}

/// Timestamps of seconds and milliseconds are added to as those of microseconds.
fn in_microseconds(t: DataType) -> DataType {
    match t {
        DataType::TimestampS | DataType::TimestampMs => DataType::Timestamp,
        t => t,
    }
}

/// `a + b`; one argument is the number itself.
pub(super) fn addition(args: &[DataType]) -> Option<Signature> {
    use DataType::*;
    if let [t] = args {
        let t = if *t == Null { &BigInt } else { t };
        return t.is_numeric().then(|| Signature { args: vec![t.clone()], result: t.clone() });
    }
    let (a, b) = without_nulls(args)?;
    let (a, b) = (in_microseconds(a), in_microseconds(b));
    match (&a, &b) {
        (TimestampNs, Interval | Null) => pair(TimestampNs, Interval, TimestampNs),
        (Interval | Null, TimestampNs) => pair(Interval, TimestampNs, TimestampNs),
        (Date, t) if fits_integer(t) => pair(Date, Integer, Date),
        (t, Date) if fits_integer(t) => pair(Integer, Date, Date),
        (Date | Timestamp, Interval) => pair(Timestamp, Interval, Timestamp),
        (Interval, Date | Timestamp) => pair(Interval, Timestamp, Timestamp),
        (t @ (TimestampTz | Time | Interval), Interval) => pair(t.clone(), Interval, t.clone()),
        (Interval, t @ (TimestampTz | Time)) => pair(Interval, t.clone(), t.clone()),
        (Null, t @ (Timestamp | TimestampTz)) => pair(Interval, t.clone(), t.clone()),
        (t @ (Timestamp | TimestampTz), Null) => pair(t.clone(), Interval, t.clone()),
        (Date, Time) => pair(Date, Time, Timestamp),
        (Time, Date) => pair(Time, Date, Timestamp),
        _ => plain_numbers(&a, &b).or_else(|| {
            let t = decimal_at_common_scale(&a, &b, 1)?;
            same(t.clone(), t)
        }),
    }
}

/// `a - b`.
pub(super) fn subtraction(args: &[DataType]) -> Option<Signature> {
    use DataType::*;
    let (a, b) = without_nulls(args)?;
    let (a, b) = (in_microseconds(a), in_microseconds(b));
    match (&a, &b) {
        (TimestampNs, Interval | Null) => pair(TimestampNs, Interval, TimestampNs),
        (TimestampNs, TimestampTz) | (TimestampTz, TimestampNs) => None,
        (TimestampNs, Date | Timestamp | TimestampNs) | (Date | Timestamp | Null, TimestampNs) => {
            pair(Timestamp, Timestamp, Interval)
        }
        (Date | Null, Date) => pair(Date, Date, BigInt),
        (Null, Timestamp) => pair(Timestamp, Timestamp, Interval),
        (Null, TimestampTz) => pair(TimestampTz, TimestampTz, Interval),
        (Timestamp, Null) => pair(Timestamp, Interval, Timestamp),
        (Date, t) if fits_integer(t) => pair(Date, Integer, Date),
        (Date | Timestamp, Date | Timestamp) => pair(Timestamp, Timestamp, Interval),
        (TimestampTz, t) | (t, TimestampTz) if t.is_temporal() && *t != Time => {
            pair(TimestampTz, TimestampTz, Interval)
        }
        (Date | Timestamp, Interval) => pair(Timestamp, Interval, Timestamp),
        (t @ (TimestampTz | Time | Interval), Interval | Null) => pair(t.clone(), Interval, t.clone()),
        _ => plain_numbers(&a, &b).or_else(|| {
            let t = decimal_at_common_scale(&a, &b, 1)?;
            same(t.clone(), t)
        }),
    }
}

/// `a * b`. Scales add up; a product of two narrow decimals stays narrow and is checked for overflow, as in DuckDB.
pub(super) fn multiplication(args: &[DataType]) -> Option<Signature> {
    use DataType::*;
    let (a, b) = without_nulls(args)?;
    match (&a, &b) {
        (Interval, HugeInt | UBigInt) => pair(Interval, Double, Interval),
        (HugeInt | UBigInt, Interval) => pair(Double, Interval, Interval),
        (Interval, t) if t.is_integer() || *t == Null => pair(Interval, BigInt, Interval),
        (t, Interval) if t.is_integer() || *t == Null => pair(BigInt, Interval, Interval),
        (Interval, t) if t.is_numeric() => pair(Interval, Double, Interval),
        (t, Interval) if t.is_numeric() => pair(Double, Interval, Interval),
        _ => plain_numbers(&a, &b).or_else(|| {
            let ((p1, s1), (p2, s2)) = (as_decimal(&a)?, as_decimal(&b)?);
            let scale = s1 + s2;
            if scale > MAX_DECIMAL_PRECISION {
                return None;
            }
            let mut precision = p1 + p2;
            if precision > MAX_NARROW_PRECISION && p1 <= MAX_NARROW_PRECISION && p2 <= MAX_NARROW_PRECISION {
                precision = MAX_NARROW_PRECISION;
            }
            let precision = precision.max(scale).min(MAX_DECIMAL_PRECISION);
            pair(
                Decimal { precision: p1, scale: s1 },
                Decimal { precision: p2, scale: s2 },
                Decimal { precision, scale },
            )
        }),
    }
}

/// `a / b`: never an integer or decimal, so 7 / 2 is 3.5.
pub(super) fn division(args: &[DataType]) -> Option<Signature> {
    use DataType::*;
    let (a, b) = without_nulls(args)?;
    match (&a, &b) {
        (Interval, t) if t.is_numeric() || *t == Null => pair(Interval, Double, Interval),
        (a, b) if a.is_numeric() && b.is_numeric() => {
            let t = if common_type(a, b)? == Float { Float } else { Double };
            same(t.clone(), t)
        }
        _ => None,
    }
}

/// `a // b`: whole numbers divide towards zero; anything else divides as `/` does.
pub(super) fn whole_division(args: &[DataType]) -> Option<Signature> {
    let (a, b) = without_nulls(args)?;
    if a.is_integer() && b.is_integer() {
        plain_numbers(&a, &b)
    } else {
        division(&[a, b]).filter(|s| s.result.is_numeric())
    }
}

/// `a % b`: the remainder has the sign of `a`.
pub(super) fn remainder(args: &[DataType]) -> Option<Signature> {
    let (a, b) = without_nulls(args)?;
    let fraction = |t: &DataType| matches!(t, DataType::Decimal { scale, .. } if *scale > 0);
    if (a == DataType::HugeInt && fraction(&b)) || (b == DataType::HugeInt && fraction(&a)) {
        return pair(DataType::Double, DataType::Double, DataType::Double);
    }
    plain_numbers(&a, &b).or_else(|| {
        let t = decimal_at_common_scale(&a, &b, 0)?;
        same(t.clone(), t)
    })
}

/// `=`, `<>` and IS DISTINCT FROM.
pub(super) fn equality(args: &[DataType]) -> Option<Signature> {
    let [a, b] = args else { return None };
    let t = equality_type(a, b)?;
    same(t, DataType::Boolean)
}

/// `<` and the other comparisons of order: both sides in their common type.
pub(super) fn comparison(args: &[DataType]) -> Option<Signature> {
    let [a, b] = args else { return None };
    let t = type_beside_json(a, b).or_else(|| common_type(a, b))?;
    same(t, DataType::Boolean)
}

/// `greatest`, `least`, `coalesce`: any number of arguments of one type.
pub(super) fn all_alike(args: &[DataType]) -> Option<Signature> {
    let mut t = args.first()?.clone();
    for arg in &args[1..] {
        t = common_type(&t, arg)?;
    }
    Some(Signature { args: vec![t.clone(); args.len()], result: t })
}

/// `greatest` and `least`: alike, and of a type that has an order here.
pub(super) fn all_alike_ordered(args: &[DataType]) -> Option<Signature> {
    all_alike(args)
}

/// `ifnull(a, b)`.
pub(super) fn two_alike(args: &[DataType]) -> Option<Signature> {
    (args.len() == 2).then(|| all_alike(args))?
}

/// `nullif(a, b)`: compared in their common type, but `a` keeps its own.
pub(super) fn nullif(args: &[DataType]) -> Option<Signature> {
    equality(args)?;
    let [a, b] = args else { return None };
    match (a, b) {
        (DataType::Null, _) => pair(DataType::Null, b.clone(), DataType::Null),
        (a, DataType::Null) => same(a.clone(), a.clone()),
        (a, b) => pair(a.clone(), b.clone(), a.clone()),
    }
}

/// `if(condition, a, b)`.
pub(super) fn choice(args: &[DataType]) -> Option<Signature> {
    let [condition, branches @ ..] = args else { return None };
    let fits = matches!(condition, DataType::Boolean | DataType::Null | DataType::Varchar | DataType::Json);
    if !fits && !condition.is_numeric() {
        return None;
    }
    let branches = two_alike(branches)?;
    let mut args = branches.args;
    args.insert(0, DataType::Boolean);
    Some(Signature { args, result: branches.result })
}

/// `try`: whatever the argument is.
pub(super) fn unchanged(args: &[DataType]) -> Option<Signature> {
    let [t] = args else { return None };
    Some(Signature { args: vec![t.clone()], result: t.clone() })
}

/// `abs`: the type of the argument.
pub(super) fn same_number(args: &[DataType]) -> Option<Signature> {
    let [t] = args else { return None };
    let t = if *t == DataType::Null { &DataType::BigInt } else { t };
    t.is_numeric().then(|| Signature { args: vec![t.clone()], result: t.clone() })
}

/// `floor`, `ceil` of one number: decimals lose their scale, everything else is DOUBLE (FLOAT stays).
pub(super) fn to_whole(args: &[DataType]) -> Option<Signature> {
    let [t] = args else { return None };
    let (arg, result) = match t {
        DataType::Decimal { precision, .. } => (t.clone(), DataType::Decimal { precision: *precision, scale: 0 }),
        DataType::Float => (DataType::Float, DataType::Float),
        t if t.is_numeric() || *t == DataType::Null => (DataType::Double, DataType::Double),
        _ => return None,
    };
    Some(Signature { args: vec![arg], result })
}

/// `trunc(x)` and `trunc(x, digits)`: as [`rounding`], and unsigned integers stay what they are.
pub(super) fn truncation(args: &[DataType]) -> Option<Signature> {
    use DataType::{UBigInt, UInteger, USmallInt, UTinyInt};
    match args {
        [t @ (UTinyInt | USmallInt | UInteger | UBigInt)] => {
            Some(Signature { args: vec![t.clone()], result: t.clone() })
        }
        [t @ (UTinyInt | USmallInt | UInteger | UBigInt), _] => {
            rounding(args).map(|s| Signature { result: t.clone(), ..s })
        }
        _ => rounding(args),
    }
}

/// `round(x)` and `round(x, digits)`. The scale of a decimal result hangs on the value of `digits`, which types alone do
/// not know: with it the decimal keeps its scale, and the digits behind are zero.
pub(super) fn rounding(args: &[DataType]) -> Option<Signature> {
    // Of unsigned integers it is defined for none.
    let signed = |t: &DataType| match t {
        DataType::Null | DataType::UTinyInt | DataType::USmallInt | DataType::UInteger => DataType::BigInt,
        DataType::UBigInt => DataType::HugeInt,
        t => t.clone(),
    };
    match args {
        [t] if signed(t).is_integer() => Some(Signature { args: vec![signed(t)], result: signed(t) }),
        [_] => to_whole(args),
        [t, digits] if fits_integer(digits) => {
            let t = signed(t);
            t.is_numeric().then(|| Signature { args: vec![t.clone(), DataType::Integer], result: t })
        }
        _ => None,
    }
}

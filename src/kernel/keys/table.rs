//! Rows of key columns to ids.

use super::{NO_ID, fixed::FixedTable, text::TextCodes};
use crate::journal::TaskError;
use crate::kernel::{columns, mix::canonical_bits};
use polars::prelude::*;

/// What NULL is among keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullKeys {
    /// A value like others: GROUP BY, DISTINCT.
    Match,
    /// Equal to nothing, itself included: joins.
    Never,
}

/// Distinct keys, numbered in order of first appearance.
pub struct KeyTable {
    nulls: NullKeys,
    /// Leading columns that did not fit beside the others, as one code.
    head: Option<(Box<KeyTable>, usize)>,
    /// One per column after the head; texts of the columns that are not fixed-width.
    texts: Vec<Option<TextCodes>>,
    fields: Vec<Field>,
    table: Table,
}

/// Where a column's bits are in the words of a key.
#[derive(Debug, Clone, Copy, Default)]
struct Field {
    word: usize,
    shift: u32,
    /// The bit that says NULL, where NULL is a value and has no code of its own.
    null: Option<(usize, u32)>,
}

enum Table {
    /// A single text column: its codes are the ids.
    Codes,
    One(FixedTable<1>),
    Two(FixedTable<2>),
    Three(FixedTable<3>),
    Four(FixedTable<4>),
}

const MAX_BITS: u32 = 256;
const CODE_BITS: u32 = 32;

/// The width of a fixed-width column in bits; None for those that become codes.
fn fixed_bits(dtype: &DataType) -> Option<u32> {
    match dtype {
        DataType::Boolean => Some(1),
        DataType::Int8 | DataType::UInt8 => Some(8),
        DataType::Int16 | DataType::UInt16 => Some(16),
        DataType::Int32 | DataType::UInt32 | DataType::Float32 => Some(32),
        DataType::Int64 | DataType::UInt64 | DataType::Float64 => Some(64),
        DataType::Int128 => Some(128),
        _ => None,
    }
}

impl KeyTable {
    /// An empty table for one or more key columns of these physical types.
    pub fn new(types: &[DataType], nulls: NullKeys) -> KeyTable {
        let null_bit = (nulls == NullKeys::Match) as u32;
        let width = |t: &DataType| fixed_bits(t).map_or(CODE_BITS, |bits| bits + null_bit);
        if types.iter().map(width).sum::<u32>() <= MAX_BITS {
            return KeyTable::flat(types, nulls, false);
        }
        // As many of the last columns as fit beside the code of those before them.
        let mut first = types.len();
        let mut bits = CODE_BITS;
        while bits + width(&types[first - 1]) <= MAX_BITS {
            first -= 1;
            bits += width(&types[first]);
        }
        let head = KeyTable::new(&types[..first], nulls);
        let all: Vec<DataType> = std::iter::once(DataType::UInt32).chain(types[first..].iter().cloned()).collect();
        KeyTable { head: Some((Box::new(head), first)), ..KeyTable::flat(&all, nulls, true) }
    }

    fn flat(types: &[DataType], nulls: NullKeys, after_head: bool) -> KeyTable {
        let single = types.len() == 1;
        let texts: Vec<Option<TextCodes>> =
            types.iter().map(|t| fixed_bits(t).is_none().then(TextCodes::new)).collect();
        let mut order: Vec<usize> = (0..types.len()).collect();
        let bits = |i: usize| fixed_bits(&types[i]).unwrap_or(CODE_BITS);
        order.sort_by_key(|i| std::cmp::Reverse(bits(*i)));
        let mut fields = vec![Field::default(); types.len()];
        let mut next = 0u32;
        for i in order {
            fields[i] = Field { word: (next / 64) as usize, shift: next % 64, null: None };
            next += bits(i);
        }
        for (i, field) in fields.iter_mut().enumerate() {
            if nulls == NullKeys::Match && !single && texts[i].is_none() && !(after_head && i == 0) {
                field.null = Some(((next / 64) as usize, next % 64));
                next += 1;
            }
        }
        let table = match next.div_ceil(64) {
            _ if single && texts[0].is_some() => Table::Codes,
            0 | 1 => Table::One(FixedTable::new()),
            2 => Table::Two(FixedTable::new()),
            3 => Table::Three(FixedTable::new()),
            _ => Table::Four(FixedTable::new()),
        };
        KeyTable { nulls, head: None, texts, fields, table }
    }

    /// How many distinct keys there are.
    pub fn len(&self) -> usize {
        match &self.table {
            Table::Codes => self.texts.iter().flatten().map(TextCodes::len).sum(),
            Table::One(t) => t.len(),
            Table::Two(t) => t.len(),
            Table::Three(t) => t.len(),
            Table::Four(t) => t.len(),
        }
    }

    /// What the table takes, in bytes.
    pub fn bytes(&self) -> u64 {
        let own = match &self.table {
            Table::Codes => 0,
            Table::One(t) => t.bytes(),
            Table::Two(t) => t.bytes(),
            Table::Three(t) => t.bytes(),
            Table::Four(t) => t.bytes(),
        };
        own + self.texts.iter().flatten().map(TextCodes::bytes).sum::<u64>()
            + self.head.as_ref().map_or(0, |(head, _)| head.bytes())
    }

    /// Appends the id of each of `rows` rows to `ids`, giving new ids to new keys; the rows that brought one are appended to
    /// `fresh`, in order of their ids. Rows with a NULL that never matches get [`NO_ID`].
    pub fn insert(
        &mut self,
        keys: &[&Column],
        rows: usize,
        ids: &mut Vec<u32>,
        fresh: &mut Vec<IdxSize>,
    ) -> Result<(), TaskError> {
        let nulls = self.nulls == NullKeys::Match;
        if let (Table::Codes, Some(texts)) = (&self.table, &mut self.texts[0]) {
            let bytes = columns::as_bytes(&columns::one_chunk(keys[0]))?;
            texts.insert(&bytes, nulls, ids, |row| fresh.push(row as IdxSize));
            return Ok(());
        }
        let mut codes = Vec::with_capacity(self.fields.len());
        let mut tail = keys;
        if let Some((head, columns)) = &mut self.head {
            let mut of_head = Vec::with_capacity(rows);
            head.insert(&keys[..*columns], rows, &mut of_head, &mut Vec::new())?;
            codes.push(Some(of_head));
            tail = &keys[*columns..];
        }
        for key in tail {
            let of_column = match &mut self.texts[codes.len()] {
                Some(texts) => {
                    let bytes = columns::as_bytes(&columns::one_chunk(key))?;
                    let mut of_column = Vec::with_capacity(rows);
                    texts.insert(&bytes, nulls, &mut of_column, |_| {});
                    Some(of_column)
                }
                None => None,
            };
            codes.push(of_column);
        }
        let has_head = self.head.is_some();
        ids.reserve(rows);
        let radixes = self.head.iter().map(|(head, _)| head.len());
        let radixes: Vec<usize> = radixes.chain(self.texts.iter().flatten().map(TextCodes::len)).collect();
        let combinations = combinations(&codes, &radixes).filter(|_| nulls);
        macro_rules! insert_words {
            ($table:expr) => {{
                if let Some((places, count)) = combinations {
                    let mut known = vec![NO_ID; count];
                    for (row, place) in places.into_iter().enumerate() {
                        let id = &mut known[place as usize];
                        if *id == NO_ID {
                            let (found, new) = $table.find_or_insert(words_of_codes(&self.fields, &codes, row));
                            *id = found;
                            if new {
                                fresh.push(row as IdxSize);
                            }
                        }
                        ids.push(*id);
                    }
                    return Ok(());
                }
                let (words, skip) = encode(&self.fields, tail, has_head, &codes, rows)?;
                // Sorted data has runs of one key.
                let mut last = None;
                // Only a single key has no null bit; its NULL is an id outside the table.
                for (row, key) in words.into_iter().enumerate() {
                    let (id, new) = if skip.is_empty() || !skip[row] {
                        match last {
                            Some((known, id)) if known == key => (id, false),
                            _ => {
                                let (id, new) = $table.find_or_insert(key);
                                last = Some((key, id));
                                (id, new)
                            }
                        }
                    } else if nulls {
                        $table.find_or_insert_null()
                    } else {
                        (NO_ID, false)
                    };
                    ids.push(id);
                    if new {
                        fresh.push(row as IdxSize);
                    }
                }
            }};
        }
        match &mut self.table {
            Table::Codes => return Err(TaskError::bug("a text key without its texts")),
            Table::One(table) => insert_words!(table),
            Table::Two(table) => insert_words!(table),
            Table::Three(table) => insert_words!(table),
            Table::Four(table) => insert_words!(table),
        }
        Ok(())
    }

    /// Appends the id of each of `rows` rows to `ids`, [`NO_ID`] for keys that are not in the table.
    pub fn find(&self, keys: &[&Column], rows: usize, ids: &mut Vec<u32>) -> Result<(), TaskError> {
        if let (Table::Codes, Some(texts)) = (&self.table, &self.texts[0]) {
            texts.find(&columns::as_bytes(&columns::one_chunk(keys[0]))?, ids);
            return Ok(());
        }
        let mut codes = Vec::with_capacity(self.fields.len());
        let mut tail = keys;
        if let Some((head, columns)) = &self.head {
            let mut of_head = Vec::with_capacity(rows);
            head.find(&keys[..*columns], rows, &mut of_head)?;
            codes.push(Some(of_head));
            tail = &keys[*columns..];
        }
        for key in tail {
            let of_column = match &self.texts[codes.len()] {
                Some(texts) => {
                    let mut of_column = Vec::with_capacity(rows);
                    texts.find(&columns::as_bytes(&columns::one_chunk(key))?, &mut of_column);
                    Some(of_column)
                }
                None => None,
            };
            codes.push(of_column);
        }
        let has_head = self.head.is_some();
        let null_is_single = self.nulls == NullKeys::Match && self.fields.len() == 1;
        ids.reserve(rows);
        macro_rules! find_words {
            ($table:expr) => {{
                let (words, skip) = encode(&self.fields, tail, has_head, &codes, rows)?;
                let missing = if null_is_single { $table.find_null() } else { NO_ID };
                if skip.is_empty() {
                    ids.extend(words.iter().map(|key| $table.find(key)));
                } else {
                    ids.extend(
                        words.iter().zip(&skip).map(|(key, skip)| if *skip { missing } else { $table.find(key) }),
                    );
                }
            }};
        }
        match &self.table {
            Table::Codes => return Err(TaskError::bug("a text key without its texts")),
            Table::One(table) => find_words!(table),
            Table::Two(table) => find_words!(table),
            Table::Three(table) => find_words!(table),
            Table::Four(table) => find_words!(table),
        }
        Ok(())
    }
}

/// Keys that are all codes of few values each are looked up once per combination in a batch, if there are no more than these.
const MOST_COMBINATIONS: usize = 4096;

/// The combination of each row, and how many there may be; None where that is not worth it.
fn combinations(codes: &[Option<Vec<u32>>], radixes: &[usize]) -> Option<(Vec<u32>, usize)> {
    let (Some(first), rest) = codes.split_first()? else { return None };
    let mut count = *radixes.first()?;
    if codes.len() != radixes.len() || first.len() < count {
        return None;
    }
    let mut places = first.clone();
    for (codes, radix) in rest.iter().zip(&radixes[1..]) {
        let codes = codes.as_ref()?;
        let next = count.checked_mul(*radix).filter(|next| *next <= MOST_COMBINATIONS.min(places.len()))?;
        places.iter_mut().zip(codes).for_each(|(place, code)| *place += code * count as u32);
        count = next;
    }
    Some((places, count))
}

/// The words of a key that is all codes.
fn words_of_codes<const N: usize>(fields: &[Field], codes: &[Option<Vec<u32>>], row: usize) -> [u64; N] {
    let mut words = [0; N];
    for (field, codes) in fields.iter().zip(codes) {
        words[field.word] |= codes.as_ref().map_or(0, |codes| codes[row] as u64) << field.shift;
    }
    words
}

/// Which rows to leave out of the table; empty for none.
type Skip = Vec<bool>;

/// The words of each row's key. A row is skipped where a code is missing, or where a NULL has no bit to stand in.
fn encode<const N: usize>(
    fields: &[Field],
    keys: &[&Column],
    has_head: bool,
    codes: &[Option<Vec<u32>>],
    rows: usize,
) -> Result<(Vec<[u64; N]>, Skip), TaskError> {
    let mut words = vec![[0u64; N]; rows];
    let mut skip = Vec::new();
    for (i, field) in fields.iter().enumerate() {
        if let Some(codes) = &codes[i] {
            for ((row, code), words) in codes.iter().enumerate().zip(&mut words) {
                words[field.word] |= (*code as u64) << field.shift;
                if *code == NO_ID {
                    mark(&mut skip, rows, row);
                }
            }
        } else {
            encode_column(*field, keys[i - has_head as usize], &mut words, &mut skip)?;
        }
    }
    Ok((words, skip))
}

fn mark(skip: &mut Skip, rows: usize, row: usize) {
    if skip.is_empty() {
        skip.resize(rows, false);
    }
    skip[row] = true;
}

fn encode_column<const N: usize>(
    field: Field,
    key: &Column,
    words: &mut [[u64; N]],
    skip: &mut Skip,
) -> Result<(), TaskError> {
    let series = columns::one_chunk(key);
    let rows = words.len();
    let Field { word, shift, null } = field;
    let mut put_null = |words: &mut [[u64; N]], row: usize| match null {
        Some((word, shift)) => words[row][word] |= 1 << shift,
        None => mark(skip, rows, row),
    };
    macro_rules! numeric {
        ($array:expr, $bits:expr) => {{
            let array = $array;
            let values = array.values().as_slice();
            match array.validity().filter(|v| v.unset_bits() > 0) {
                None => {
                    for (words, value) in words.iter_mut().zip(values) {
                        words[word] |= $bits(*value) << shift;
                    }
                }
                Some(valid) => {
                    for (row, (value, ok)) in values.iter().zip(valid.iter()).enumerate() {
                        if ok {
                            words[row][word] |= $bits(*value) << shift;
                        } else {
                            put_null(words, row);
                        }
                    }
                }
            }
        }};
    }
    match series.dtype() {
        DataType::Boolean => {
            for (row, value) in series.bool()?.iter().enumerate() {
                match value {
                    Some(value) => words[row][word] |= (value as u64) << shift,
                    None => put_null(words, row),
                }
            }
        }
        DataType::Int8 => numeric!(series.i8()?.downcast_as_array(), |v: i8| v as u8 as u64),
        DataType::Int16 => numeric!(series.i16()?.downcast_as_array(), |v: i16| v as u16 as u64),
        DataType::Int32 => numeric!(series.i32()?.downcast_as_array(), |v: i32| v as u32 as u64),
        DataType::Int64 => numeric!(series.i64()?.downcast_as_array(), |v: i64| v as u64),
        DataType::UInt8 => numeric!(series.u8()?.downcast_as_array(), |v: u8| v as u64),
        DataType::UInt16 => numeric!(series.u16()?.downcast_as_array(), |v: u16| v as u64),
        DataType::UInt32 => numeric!(series.u32()?.downcast_as_array(), |v: u32| v as u64),
        DataType::UInt64 => numeric!(series.u64()?.downcast_as_array(), |v: u64| v),
        DataType::Float32 => numeric!(series.f32()?.downcast_as_array(), |v: f32| {
            (f64::from_bits(canonical_bits(v as f64)) as f32).to_bits() as u64
        }),
        DataType::Float64 => numeric!(series.f64()?.downcast_as_array(), canonical_bits),
        DataType::Int128 => {
            for (row, value) in series.i128()?.iter().enumerate() {
                match value {
                    Some(value) => {
                        words[row][word] = value as u64;
                        words[row][word + 1] = (value >> 64) as u64;
                    }
                    None => put_null(words, row),
                }
            }
        }
        other => return Err(TaskError::bug(format!("{other:?} is not a fixed-width key"))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(table: &mut KeyTable, keys: &[Column]) -> (Vec<u32>, Vec<IdxSize>) {
        let keys: Vec<&Column> = keys.iter().collect();
        let (mut ids, mut fresh) = (Vec::new(), Vec::new());
        table.insert(&keys, keys[0].len(), &mut ids, &mut fresh).unwrap();
        (ids, fresh)
    }

    fn found(table: &KeyTable, keys: &[Column]) -> Vec<u32> {
        let keys: Vec<&Column> = keys.iter().collect();
        let mut ids = Vec::new();
        table.find(&keys, keys[0].len(), &mut ids).unwrap();
        ids
    }

    fn column<T, A: ?Sized>(values: T) -> Column
    where
        Series: NamedFrom<T, A>,
    {
        Series::new("k".into(), values).into()
    }

    #[test]
    fn null_is_a_group_but_never_a_match() {
        let keys = [column([Some(5i64), None, Some(5), Some(0), None])];
        let mut grouping = KeyTable::new(&[DataType::Int64], NullKeys::Match);
        assert_eq!(ids(&mut grouping, &keys), (vec![0, 1, 0, 2, 1], vec![0, 1, 3]));
        assert_eq!(found(&grouping, &keys), [0, 1, 0, 2, 1]);
        let mut joining = KeyTable::new(&[DataType::Int64], NullKeys::Never);
        assert_eq!(ids(&mut joining, &keys).0, [0, NO_ID, 0, 1, NO_ID]);
    }

    #[test]
    fn several_columns_are_one_key() {
        let types = [DataType::String, DataType::Int32, DataType::Boolean];
        let keys = [
            column([Some("a"), Some("a"), None, Some("a"), None]),
            column([Some(0i32), None, Some(0), Some(0), Some(0)]),
            column([true, true, false, true, false]),
        ];
        let mut table = KeyTable::new(&types, NullKeys::Match);
        assert_eq!(ids(&mut table, &keys).0, [0, 1, 2, 0, 2]);
    }

    #[test]
    fn wide_keys_fold_into_codes() {
        for columns in [3, 5, 9, 40] {
            for nulls in [NullKeys::Match, NullKeys::Never] {
                let types = vec![DataType::Int128; columns];
                let keys: Vec<Column> =
                    (0..columns).map(|c| column([1i128, 1, if c + 1 == columns { 2 } else { 1 }, 1 << 100])).collect();
                let mut table = KeyTable::new(&types, nulls);
                assert_eq!(ids(&mut table, &keys), (vec![0, 0, 1, 2], vec![0, 2, 3]), "{columns} columns");
                assert_eq!(found(&table, &keys), [0, 0, 1, 2]);
            }
        }
    }

    #[test]
    fn floats_are_keys_by_value() {
        let keys = [column([0.0, -0.0, f64::NAN, -f64::NAN])];
        let mut table = KeyTable::new(&[DataType::Float64], NullKeys::Match);
        assert_eq!(ids(&mut table, &keys).0, [0, 0, 1, 1]);
    }
}

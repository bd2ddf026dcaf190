//! What type a column of texts has, found by looking at all of them.

use super::values::{DateForm, boolean, double, integer, time};
use crate::catalog::table::ColumnStatistics;
use crate::sql::{DataType, Value};
use std::collections::BTreeSet;
use xxhash_rust::xxh3::xxh3_64;

/// Texts that stand for NULL in columns of numbers, dates and truth values. In a column of texts they are texts.
pub(super) const NULL_TEXTS: [&str; 5] = ["NULL", "null", "NA", "N/A", "\\N"];

/// How many values are looked at to estimate how many distinct ones there are.
const DISTINCT_SAMPLE: u64 = 16_384;

/// The narrowest type that every value so far has, with their bounds.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    /// Nothing but NULLs.
    Unknown,
    Boolean,
    Integer(Bounds<i128>),
    Double(Bounds<f64>),
    Time(Bounds<i64>),
    /// Every way to read all values so far, the preferred one first.
    Date(Vec<(DateForm, Bounds<i32>)>),
    Timestamp {
        zoned: bool,
        forms: Vec<(DateForm, Bounds<i64>)>,
    },
    Text,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Bounds<T> {
    min: T,
    max: T,
}

impl<T: PartialOrd + Copy> Bounds<T> {
    fn of(value: T) -> Bounds<T> {
        Bounds { min: value, max: value }
    }

    fn cover(&mut self, value: T) {
        if value < self.min {
            self.min = value;
        }
        if value > self.max {
            self.max = value;
        }
    }
}

/// The guess for one column.
#[derive(Debug, Clone)]
pub(super) struct ColumnGuess {
    kind: Kind,
    values: u64,
    /// Empty fields, and JSON nulls.
    nulls: u64,
    /// How often each of [`NULL_TEXTS`] was seen.
    null_texts: [u64; NULL_TEXTS.len()],
    bytes: u64,
    sample: BTreeSet<u64>,
    sampled: u64,
}

/// What a column turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Guessed {
    pub dtype: DataType,
    pub statistics: ColumnStatistics,
    /// For dates and timestamps.
    pub form: Option<DateForm>,
    /// Texts that were taken for NULL.
    pub null_texts: Vec<&'static str>,
}

impl Guessed {
    /// The same column as texts.
    pub(super) fn into_text(self) -> Guessed {
        if self.dtype == DataType::Varchar {
            return self;
        }
        let statistics = ColumnStatistics { min: None, max: None, nulls: None, width: 8.0, ..self.statistics };
        Guessed { dtype: DataType::Varchar, statistics, form: None, null_texts: Vec::new() }
    }
}

impl ColumnGuess {
    pub(super) fn new() -> ColumnGuess {
        ColumnGuess {
            kind: Kind::Unknown,
            values: 0,
            nulls: 0,
            null_texts: [0; NULL_TEXTS.len()],
            bytes: 0,
            sample: BTreeSet::new(),
            sampled: 0,
        }
    }

    /// Takes in a NULL.
    pub(super) fn null(&mut self) {
        self.nulls += 1;
    }

    /// Takes in `count` NULLs.
    pub(super) fn nulls(&mut self, count: u64) {
        self.nulls += count;
    }

    /// Takes in a value as it is written.
    pub(super) fn text(&mut self, text: &[u8]) {
        if text.is_empty() {
            return self.null();
        }
        self.measure(text);
        if let Some(which) = NULL_TEXTS.iter().position(|null| null.as_bytes() == text) {
            self.null_texts[which] += 1;
            return;
        }
        if !self.kind.take(text) {
            self.kind = Kind::of(&self.kind, text);
        }
    }

    /// Takes in a JSON number that is written as `text`.
    pub(super) fn number(&mut self, text: &str) {
        self.measure(text.as_bytes());
        let text = text.as_bytes();
        match &self.kind {
            Kind::Unknown | Kind::Integer(_) | Kind::Double(_) => {
                if !self.kind.take(text) {
                    self.kind = Kind::of(&self.kind, text);
                }
            }
            _ => self.kind = Kind::Text,
        }
    }

    /// Takes in a JSON truth value.
    pub(super) fn boolean(&mut self, value: bool) {
        self.measure(if value { b"true" } else { b"false" });
        self.kind = match self.kind {
            Kind::Unknown | Kind::Boolean => Kind::Boolean,
            _ => Kind::Text,
        };
    }

    /// Takes in a JSON string: it may be a date or a time, but not a number.
    pub(super) fn string(&mut self, text: &str) {
        self.measure(text.as_bytes());
        let bytes = text.as_bytes();
        let taken = match &mut self.kind {
            kind @ (Kind::Time(_) | Kind::Date(_) | Kind::Timestamp { .. }) => kind.take(bytes),
            Kind::Unknown => {
                self.kind = match Kind::of(&Kind::Unknown, bytes) {
                    // Only the ISO form: what looks like another one is more likely a name of something.
                    Kind::Date(forms) if forms[0].0 == DateForm::ISO => Kind::Date(forms),
                    Kind::Timestamp { zoned, forms } if forms[0].0 == DateForm::ISO => Kind::Timestamp { zoned, forms },
                    Kind::Time(bounds) => Kind::Time(bounds),
                    _ => Kind::Text,
                };
                true
            }
            _ => false,
        };
        if !taken {
            self.kind = Kind::Text;
        }
    }

    /// Takes in something that is only shown as text (a nested JSON value).
    pub(super) fn opaque(&mut self, bytes: usize) {
        self.values += 1;
        self.bytes += bytes as u64;
        self.kind = Kind::Text;
    }

    /// Whether `text` would fit the type so far without changing it; true for a column of texts.
    pub(super) fn fits(&self, text: &[u8]) -> bool {
        match self.kind {
            Kind::Unknown | Kind::Text => true,
            _ => self.kind.clone().take(text),
        }
    }

    /// Whether the column is of texts, or of nothing yet.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Unknown)
    }

    fn measure(&mut self, text: &[u8]) {
        self.values += 1;
        self.bytes += text.len() as u64;
        if self.sampled < DISTINCT_SAMPLE {
            self.sampled += 1;
            self.sample.insert(xxh3_64(text));
        }
    }

    /// The verdict.
    pub(super) fn finish(self) -> Guessed {
        let int = |value: i128| Some(Value::Int(value));
        let (dtype, min, max, form) = match &self.kind {
            Kind::Unknown | Kind::Text => (DataType::Varchar, None, None, None),
            Kind::Boolean => (DataType::Boolean, None, None, None),
            Kind::Integer(bounds) => {
                let narrow = i64::try_from(bounds.min).is_ok() && i64::try_from(bounds.max).is_ok();
                let dtype = if narrow { DataType::BigInt } else { DataType::HugeInt };
                (dtype, int(bounds.min), int(bounds.max), None)
            }
            Kind::Double(bounds) => {
                (DataType::Double, Some(Value::Float(bounds.min)), Some(Value::Float(bounds.max)), None)
            }
            Kind::Time(bounds) => (DataType::Time, int(bounds.min.into()), int(bounds.max.into()), None),
            Kind::Date(forms) => {
                let (form, bounds) = forms[0];
                (DataType::Date, int(bounds.min.into()), int(bounds.max.into()), Some(form))
            }
            Kind::Timestamp { zoned, forms } => {
                let (form, bounds) = forms[0];
                let dtype = if *zoned { DataType::TimestampTz } else { DataType::Timestamp };
                (dtype, int(bounds.min.into()), int(bounds.max.into()), Some(form))
            }
        };
        let mut nulls = self.nulls;
        let mut null_texts = Vec::new();
        if dtype != DataType::Varchar {
            nulls += self.null_texts.iter().sum::<u64>();
            null_texts = NULL_TEXTS.into_iter().zip(self.null_texts).filter(|(_, n)| *n > 0).map(|(t, _)| t).collect();
        }
        let width = match &dtype {
            DataType::Varchar if self.values == 0 => 0.0,
            DataType::Varchar => self.bytes as f64 / self.values as f64,
            fixed => super::layout::fixed_width(fixed),
        };
        let distinct = Some(sample_distinct(self.sample.len() as u64, self.sampled, self.values));
        Guessed {
            statistics: ColumnStatistics { min, max, nulls: Some(nulls), distinct, width },
            dtype,
            form,
            null_texts,
        }
    }
}

/// The type that all of some texts have, and their values in it; texts that fit no other type stay texts.
pub(in crate::catalog) fn guess_texts(texts: &[Option<&str>]) -> (DataType, Vec<Value>) {
    let mut guess = ColumnGuess::new();
    for text in texts {
        match text {
            Some(text) => guess.text(text.as_bytes()),
            None => guess.null(),
        }
    }
    let guessed = guess.finish();
    let value = |text: &str| {
        let bytes = text.as_bytes();
        match guessed.dtype {
            DataType::BigInt | DataType::HugeInt => integer(bytes).map(Value::Int),
            DataType::Date => guessed.form.and_then(|form| form.date(bytes)).map(|days| Value::Int(days.into())),
            DataType::Timestamp => {
                guessed.form.and_then(|form| form.timestamp(bytes)).map(|(micros, _)| Value::Int(micros.into()))
            }
            _ => None,
        }
    };
    let typed: Option<Vec<Value>> = texts.iter().map(|text| text.map_or(Some(Value::Null), value)).collect();
    match typed {
        Some(values) if texts.iter().any(Option::is_some) => (guessed.dtype, values),
        // DuckDB looks for no other types in the names of folders.
        _ => {
            let text = |text: &Option<&str>| text.map_or(Value::Null, |text| Value::Varchar(text.to_string()));
            (DataType::Varchar, texts.iter().map(text).collect())
        }
    }
}

/// How many distinct values there are among `total`, if a sample of `sampled` has `seen`: where values come again and
/// again the sample has seen them all, otherwise there are in proportion more.
pub(in crate::catalog) fn sample_distinct(seen: u64, sampled: u64, total: u64) -> u64 {
    if seen * 10 <= sampled || sampled >= total {
        return seen;
    }
    (seen as f64 / sampled as f64 * total as f64) as u64
}

impl Kind {
    /// The type of a first value, or what remains of `before` when `text` does not fit it.
    fn of(before: &Kind, text: &[u8]) -> Kind {
        match before {
            Kind::Unknown => {}
            Kind::Integer(bounds) => {
                return match double(text) {
                    Some(value) => {
                        let mut wider = Bounds { min: bounds.min as f64, max: bounds.max as f64 };
                        wider.cover(value);
                        Kind::Double(wider)
                    }
                    None => Kind::Text,
                };
            }
            _ => return Kind::Text,
        }
        if boolean(text).is_some() {
            return Kind::Boolean;
        }
        if let Some(value) = integer(text) {
            return Kind::Integer(Bounds::of(value));
        }
        if let Some(value) = double(text) {
            return Kind::Double(Bounds::of(value));
        }
        if let Some(value) = time(text) {
            return Kind::Time(Bounds::of(value));
        }
        let candidates = DateForm::candidates(text);
        let dates: Vec<_> = candidates.iter().filter_map(|form| Some((*form, Bounds::of(form.date(text)?)))).collect();
        if !dates.is_empty() {
            return Kind::Date(dates);
        }
        let stamps: Vec<_> = candidates.iter().filter_map(|form| Some((*form, form.timestamp(text)?))).collect();
        match stamps.first() {
            Some((_, (_, zoned))) => Kind::Timestamp {
                zoned: *zoned,
                forms: stamps.iter().map(|(form, (value, _))| (*form, Bounds::of(*value))).collect(),
            },
            None => Kind::Text,
        }
    }

    /// Takes in a value of this type; false, and possibly spoilt, if it is of another.
    fn take(&mut self, text: &[u8]) -> bool {
        match self {
            Kind::Unknown => false,
            Kind::Text => true,
            Kind::Boolean => boolean(text).is_some(),
            Kind::Integer(bounds) => integer(text).map(|value| bounds.cover(value)).is_some(),
            Kind::Double(bounds) => double(text).map(|value| bounds.cover(value)).is_some(),
            Kind::Time(bounds) => time(text).map(|value| bounds.cover(value)).is_some(),
            Kind::Date(forms) => {
                forms.retain_mut(|(form, bounds)| form.date(text).map(|value| bounds.cover(value)).is_some());
                !forms.is_empty()
            }
            Kind::Timestamp { zoned, forms } => {
                forms.retain_mut(|(form, bounds)| match form.timestamp(text) {
                    Some((value, with_zone)) if with_zone == *zoned => {
                        bounds.cover(value);
                        true
                    }
                    _ => false,
                });
                !forms.is_empty()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(texts: &[&str]) -> Guessed {
        let mut guess = ColumnGuess::new();
        for text in texts {
            guess.text(text.as_bytes());
        }
        guess.finish()
    }

    /// Each pair was checked with DuckDB 2.0's sniffer, except for NULL texts, which it does not look for.
    #[test]
    fn columns_have_the_types_that_duckdb_gives_them() {
        let cases: [(&[&str], &str); 16] = [
            (&["00123", "5"], "VARCHAR"),
            (&["+5", "6"], "VARCHAR"),
            (&[" 5", "6 "], "BIGINT"),
            (&["1", "2.5"], "DOUBLE"),
            (&["1e5", ".5"], "DOUBLE"),
            (&["99999999999999999999", "1"], "HUGEINT"),
            (&["True", "false"], "BOOLEAN"),
            (&["t", "f"], "BOOLEAN"),
            (&["inf", "nan"], "VARCHAR"),
            (&["12:00:01", "13:00:00"], "TIME"),
            (&["2024/01/01", "2024/1/2"], "DATE"),
            (&["2024-01-01 00:00", "2024-01-02 00:00:01.5"], "TIMESTAMP"),
            (&["2024-01-01", "2024-01-02 00:00:01.5"], "VARCHAR"),
            (&["2024-01-01T00:00:00Z"], "TIMESTAMP WITH TIME ZONE"),
            (&["", ""], "VARCHAR"),
            (&["1", "NA", ""], "BIGINT"),
        ];
        for (texts, expected) in cases {
            assert_eq!(guess(texts).dtype.to_string(), expected, "{texts:?}");
        }
    }

    #[test]
    fn a_late_value_decides_between_day_and_month() {
        let first = guess(&["01/02/2024", "03/04/2024"]);
        assert_eq!(first.form.map(DateForm::strftime).as_deref(), Some("%d/%m/%Y"));
        let late = guess(&["01/02/2024", "03/14/2024"]);
        assert_eq!(late.form.map(DateForm::strftime).as_deref(), Some("%m/%d/%Y"));
        assert_eq!(late.statistics.min, Some(Value::Int(19_724)));
    }

    #[test]
    fn null_texts_count_as_nulls_only_beside_typed_values() {
        let typed = guess(&["1", "NA", ""]);
        assert_eq!((typed.statistics.nulls, typed.null_texts), (Some(2), vec!["NA"]));
        let text = guess(&["x", "NA", ""]);
        assert_eq!((text.statistics.nulls, text.null_texts), (Some(1), vec![]));
    }
}

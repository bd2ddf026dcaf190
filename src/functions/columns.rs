//! Getting at the values of a column and making a new one: what every kernel of this module starts and ends with.
//!
//! A column of length 1 beside longer ones is a constant; nothing here copies it to full length.

use super::RowError;
use crate::journal::{ErrorCode, TaskError};
use polars::prelude::{
    BinaryChunked, BinaryType, BooleanChunked, BooleanType, ChunkedArray, Column, IntoColumn, IntoSeries, PlSmallStr,
    PolarsDataType, PolarsNumericType, Series, StringChunked, StringType,
};
use polars_arrow::array::{
    Array, BinaryViewArray, BooleanArray, MutableBinaryViewArray, PrimitiveArray, Utf8ViewArray,
};
use polars_arrow::bitmap::Bitmap;

/// The rows of a result: 1 if all arguments are constants, else those of the batch.
pub(super) fn result_length(args: &[Column], rows: usize) -> usize {
    if args.iter().all(|column| column.len() == 1) { 1 } else { rows }
}

/// The single Arrow array behind a column, which the type `T` promises.
fn array_of<T: PolarsDataType>(column: &Column) -> Result<T::Array, TaskError>
where
    T::Array: Clone,
    ChunkedArray<T>: 'static,
{
    let series: Series = column.as_materialized_series().rechunk();
    match series.as_ref().as_any().downcast_ref::<ChunkedArray<T>>() {
        Some(chunked) => Ok(chunked.downcast_as_array().clone()),
        None => {
            Err(TaskError::bug(format!("expected a column of {}, found {}", T::get_static_dtype(), series.dtype())))
        }
    }
}

/// Access by row, with constants repeated.
pub(super) trait Rows {
    /// What a row holds.
    type Item<'a>
    where
        Self: 'a;
    /// The value of a row, None for NULL.
    fn get(&self, row: usize) -> Option<Self::Item<'_>>;
}

macro_rules! lane {
    ($(#[$doc:meta])* $name:ident $(<$T:ident>)?, $array:ty, $polars:ty, $item:ty) => {
        $(#[$doc])*
        pub(super) struct $name $(<$T: PolarsNumericType>)? {
            pub(super) array: $array,
        }

        impl $(<$T: PolarsNumericType>)? $name $(<$T>)? {
            pub(super) fn of(column: &Column) -> Result<Self, TaskError> {
                Ok(Self { array: array_of::<$polars>(column)? })
            }

            /// Whether one value stands for every row.
            pub(super) fn is_constant(&self) -> bool {
                self.array.len() == 1
            }

            /// Which of `length` rows are not NULL; None if all are.
            pub(super) fn validity(&self, length: usize) -> Option<Bitmap> {
                let validity = self.array.validity()?;
                if self.is_constant() && length != 1 {
                    return (!validity.get_bit(0)).then(|| Bitmap::new_zeroed(length));
                }
                Some(validity.clone())
            }
        }

        impl $(<$T: PolarsNumericType>)? Rows for $name $(<$T>)? {
            type Item<'a> = $item where Self: 'a;

            fn get(&self, row: usize) -> Option<$item> {
                let row = if self.array.len() == 1 { 0 } else { row };
                if self.array.is_null(row) { None } else { Some(self.array.value(row)) }
            }
        }
    };
}

lane!(
    /// A column of numbers.
    Numbers<T>, PrimitiveArray<T::Native>, T, T::Native
);
lane!(
    /// A column of truth values.
    Booleans, BooleanArray, BooleanType, bool
);

/// A column of text.
pub(super) struct Texts {
    pub(super) array: Utf8ViewArray,
}

impl Texts {
    pub(super) fn of(column: &Column) -> Result<Texts, TaskError> {
        Ok(Texts { array: array_of::<StringType>(column)? })
    }

    pub(super) fn is_constant(&self) -> bool {
        self.array.len() == 1
    }

    /// The value, if it is the same for every row: Some(None) for a constant NULL.
    pub(super) fn constant(&self) -> Option<Option<&str>> {
        self.is_constant().then(|| self.get(0))
    }

    pub(super) fn validity(&self, length: usize) -> Option<Bitmap> {
        let validity = self.array.validity()?;
        if self.is_constant() && length != 1 {
            return (!validity.get_bit(0)).then(|| Bitmap::new_zeroed(length));
        }
        Some(validity.clone())
    }
}

impl Rows for Texts {
    type Item<'a> = &'a str;

    fn get(&self, row: usize) -> Option<&str> {
        let row = if self.array.len() == 1 { 0 } else { row };
        if self.array.is_null(row) { None } else { Some(self.array.value(row)) }
    }
}

impl Booleans {
    /// The value, if it is the same for every row: Some(None) for a constant NULL.
    pub(super) fn constant(&self) -> Option<Option<bool>> {
        self.is_constant().then(|| self.get(0))
    }
}

impl<T: PolarsNumericType> Numbers<T> {
    /// All values; those of NULL rows are arbitrary.
    pub(super) fn values(&self) -> &[T::Native] {
        self.array.values().as_slice()
    }
}

/// NULL where either is.
pub(super) fn both_valid(a: Option<Bitmap>, b: Option<Bitmap>) -> Option<Bitmap> {
    match (a, b) {
        (Some(a), Some(b)) => Some(&a & &b),
        (one, other) => one.or(other),
    }
}

/// `f` of every pair of values, NULL or not: a tight loop for each way in which one side may be a constant.
pub(super) fn map_pairs<A: Copy, B: Copy, R>(a: &[A], b: &[B], length: usize, f: impl Fn(A, B) -> R) -> Vec<R> {
    match (a.len(), b.len()) {
        (1, 1) => std::iter::repeat_with(|| f(a[0], b[0])).take(length).collect(),
        (1, _) => b.iter().map(|&y| f(a[0], y)).collect(),
        (_, 1) => a.iter().map(|&x| f(x, b[0])).collect(),
        _ => a.iter().zip(b).map(|(&x, &y)| f(x, y)).collect(),
    }
}

/// A column of numbers; `validity` None means no NULLs.
pub(super) fn numbers<T: PolarsNumericType>(values: Vec<T::Native>, validity: Option<Bitmap>) -> Column
where
    ChunkedArray<T>: IntoColumn,
{
    ChunkedArray::<T>::from_vec_validity(PlSmallStr::EMPTY, values, validity).into_column()
}

/// A column of truth values.
pub(super) fn booleans(values: Bitmap, validity: Option<Bitmap>) -> Column {
    let array = BooleanArray::new(polars_arrow::datatypes::ArrowDataType::Boolean, values, validity);
    BooleanChunked::with_chunk(PlSmallStr::EMPTY, array).into_column()
}

/// A column of truth values, computed row by row.
pub(super) fn booleans_by_row(length: usize, f: impl Fn(usize) -> Option<bool>) -> Column {
    (0..length).map(f).collect::<BooleanChunked>().with_name(PlSmallStr::EMPTY).into_column()
}

/// A truth for each text, NULL where there is none: the pass over a column that filters by text spend their time in.
pub(super) fn truths_of_texts(texts: &Texts, length: usize, f: impl Fn(&str) -> bool) -> Column {
    let validity = texts.validity(length);
    let values: Bitmap = if texts.is_constant() && length != 1 {
        Bitmap::new_with_value(texts.get(0).is_some_and(f), length)
    } else {
        texts.array.values_iter().map(f).collect()
    };
    booleans(values, validity)
}

/// A number for each text, NULL where there is none.
pub(super) fn numbers_of_texts<T: PolarsNumericType>(
    texts: &Texts,
    length: usize,
    f: impl Fn(&str) -> T::Native,
) -> Column
where
    ChunkedArray<T>: IntoColumn,
{
    let validity = texts.validity(length);
    let values = if texts.is_constant() && length != 1 {
        vec![f(texts.get(0).unwrap_or_default()); length]
    } else {
        texts.array.values_iter().map(f).collect()
    };
    numbers::<T>(values, validity)
}

/// A column of numbers, computed row by row; stops at the first error.
pub(super) fn numbers_by_row<T: PolarsNumericType>(
    length: usize,
    f: impl Fn(usize) -> Result<Option<T::Native>, TaskError>,
) -> Result<Column, RowError>
where
    ChunkedArray<T>: IntoColumn,
{
    let mut values = Vec::with_capacity(length);
    for row in 0..length {
        values.push(f(row).map_err(|error| RowError { row: Some(row), error })?);
    }
    let array: PrimitiveArray<T::Native> = values.into_iter().collect();
    Ok(ChunkedArray::<T>::with_chunk(PlSmallStr::EMPTY, array).into_column())
}

/// A column of text, written row by row: `write` fills the buffer and says whether there is a value.
pub(super) fn texts_by_row(
    length: usize,
    mut write: impl FnMut(usize, &mut String) -> Result<bool, TaskError>,
) -> Result<Column, RowError> {
    let mut built = MutableBinaryViewArray::<str>::with_capacity(length);
    let mut buffer = String::new();
    for row in 0..length {
        buffer.clear();
        match write(row, &mut buffer) {
            Ok(true) => built.push_value(buffer.as_str()),
            Ok(false) => built.push_null(),
            Err(error) => return Err(RowError { row: Some(row), error }),
        }
    }
    Ok(StringChunked::with_chunk(PlSmallStr::EMPTY, built.freeze()).into_series().into_column())
}

/// A column of text whose values are parts of values that exist.
pub(super) fn texts_from<'a>(length: usize, f: impl Fn(usize) -> Option<&'a str>) -> Column {
    let mut built = MutableBinaryViewArray::<str>::with_capacity(length);
    for row in 0..length {
        built.push(f(row));
    }
    StringChunked::with_chunk(PlSmallStr::EMPTY, built.freeze()).into_series().into_column()
}

/// The error of a value that its type cannot hold.
pub(super) fn out_of_range(message: impl Into<String>) -> TaskError {
    TaskError::user(ErrorCode::NumericValueOutOfRange, message)
}

/// A kernel for numbers was called for another type: the table of functions is wrong.
pub(super) fn no_number(t: &crate::sql::DataType) -> RowError {
    TaskError::bug(format!("{t} is not a number")).into()
}

/// A column of truth values, computed row by row; stops at the first error.
pub(super) fn truths_by_row(
    length: usize,
    f: impl Fn(usize) -> Result<Option<bool>, TaskError>,
) -> Result<Column, RowError> {
    let mut truths = Vec::with_capacity(length);
    for row in 0..length {
        truths.push(f(row).map_err(|error| RowError { row: Some(row), error })?);
    }
    Ok(booleans_by_row(length, |row| truths[row]))
}

/// A column of texts or blobs, as bytes.
pub(super) struct Bytes {
    array: BinaryViewArray,
}

impl Bytes {
    pub(super) fn of(column: &Column) -> Result<Bytes, TaskError> {
        let array = match column.dtype() {
            polars::prelude::DataType::String => array_of::<StringType>(column)?.to_binview(),
            _ => array_of::<BinaryType>(column)?,
        };
        Ok(Bytes { array })
    }
}

impl Rows for Bytes {
    type Item<'a> = &'a [u8];

    fn get(&self, row: usize) -> Option<&[u8]> {
        let row = if self.array.len() == 1 { 0 } else { row };
        if self.array.is_null(row) { None } else { Some(self.array.value(row)) }
    }
}

/// A column of blobs, written row by row: `write` fills the buffer and says whether there is a value.
pub(super) fn blobs_by_row(
    length: usize,
    mut write: impl FnMut(usize, &mut Vec<u8>) -> Result<bool, TaskError>,
) -> Result<Column, RowError> {
    let mut built = MutableBinaryViewArray::<[u8]>::with_capacity(length);
    let mut buffer = Vec::new();
    for row in 0..length {
        buffer.clear();
        match write(row, &mut buffer) {
            Ok(true) => built.push_value(buffer.as_slice()),
            Ok(false) => built.push_null(),
            Err(error) => return Err(RowError { row: Some(row), error }),
        }
    }
    Ok(BinaryChunked::with_chunk(PlSmallStr::EMPTY, built.freeze()).into_series().into_column())
}

/// A whole batch failed for a reason that is no row's fault.
impl From<TaskError> for RowError {
    fn from(error: TaskError) -> RowError {
        RowError { row: None, error }
    }
}

impl From<polars::error::PolarsError> for RowError {
    fn from(error: polars::error::PolarsError) -> RowError {
        TaskError::from(error).into()
    }
}

//! How files are to be read where the statement says so: `read_csv('f', delim = ';', header = true)`.

/// Options of the functions that read files; the default leaves everything to detection.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct FileOptions {
    /// The format, whatever the file is called.
    pub format: Option<ReadFormat>,
    pub text: TextOptions,
    /// Whether a column `filename` tells the file of each row.
    pub filename: bool,
    /// Columns are matched by name over all files; those that a file lacks are NULL.
    pub union_by_name: bool,
    /// Whether folders such as `year=2024` are columns; None: if all files are in such folders.
    pub hive: Option<bool>,
}

/// A format that a function reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReadFormat {
    Parquet,
    Csv,
    NdJson,
}

/// How text files are to be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize)]
pub struct TextOptions {
    pub delimiter: Option<u8>,
    pub quote: Option<u8>,
    pub header: Option<bool>,
    /// Lines before the first that counts.
    pub skip: u64,
    /// Texts that are NULL in every column, instead of the empty one.
    pub null_texts: Option<Vec<String>>,
    /// Names for the first columns, instead of those in the file.
    pub names: Vec<String>,
    /// Columns that are read as the texts that they are; the query casts them.
    pub as_text: Vec<String>,
    /// All columns are.
    pub all_text: bool,
    /// Records with a wrong number of values are left out.
    pub ignore_errors: bool,
    /// Of the whole file, whatever it is called.
    pub packing: Option<Packing>,
}

/// How a text file is compressed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Packing {
    None,
    Gzip,
    Zstd,
}

impl TextOptions {
    /// Whether a column of that name is to stay text.
    pub(super) fn is_text(&self, name: &str) -> bool {
        self.all_text || self.as_text.iter().any(|wanted| wanted.eq_ignore_ascii_case(name))
    }
}

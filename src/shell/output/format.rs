//! The output formats: one table of names and help.

use crate::journal::ErrorCode;
use crate::sql::Diagnostic;

/// How rows are written to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    Aligned,
    Box,
    Csv,
    CsvHeader,
    Tsv,
    TsvHeader,
    Json,
    NdJson,
    Markdown,
    Vertical,
    Html,
    Null,
}

impl OutputFormat {
    /// Every format with its name and what it is, in the order of the help.
    pub const ALL: &'static [(OutputFormat, &'static str, &'static str)] = &[
        (OutputFormat::Aligned, "aligned", "a table of plain characters (the default on a terminal)"),
        (OutputFormat::Box, "box", "a table with drawn borders"),
        (OutputFormat::Csv, "csv", "comma-separated values"),
        (OutputFormat::CsvHeader, "csv_header", "the same with a line of names (the default in a pipe)"),
        (OutputFormat::Tsv, "tsv", "tab-separated values; tab, line feed and backslash are escaped"),
        (OutputFormat::TsvHeader, "tsv_header", "the same with a line of names"),
        (OutputFormat::Json, "json", "one array of objects"),
        (OutputFormat::NdJson, "ndjson", "one object a line"),
        (OutputFormat::Markdown, "markdown", "a Markdown table"),
        (OutputFormat::Vertical, "vertical", "one line a value"),
        (OutputFormat::Html, "html", "an HTML table"),
        (OutputFormat::Null, "null", "no rows at all (for timing)"),
    ];

    /// The name that selects it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(format, ..)| *format == self).map_or("", |(_, name, _)| name)
    }

    /// The format of that name, in either case, `-` for `_`. The error lists them all.
    pub fn parse(name: &str) -> Result<OutputFormat, Diagnostic> {
        let wanted = name.trim().to_lowercase().replace('-', "_");
        let names: Vec<&str> = Self::ALL.iter().map(|(_, name, _)| *name).collect();
        Self::ALL.iter().find(|(_, name, _)| *name == wanted).map(|(format, ..)| *format).ok_or_else(|| {
            Diagnostic::new(ErrorCode::InvalidSetting, format!("There is no output format \"{}\"", name.trim()))
                .hint(format!("the formats are {}", names.join(", ")))
        })
    }
}

impl std::fmt::Display for OutputFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_a_name_of_its_own() {
        for (format, name, _) in OutputFormat::ALL {
            assert_eq!(OutputFormat::parse(name), Ok(*format));
            assert_eq!(format.name(), *name);
        }
        assert_eq!(OutputFormat::parse("CSV-Header"), Ok(OutputFormat::CsvHeader));
        assert!(OutputFormat::parse("xml").unwrap_err().hint.unwrap().contains("ndjson"));
    }
}

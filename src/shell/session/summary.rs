//! SUMMARIZE: a row for each column of a query, with what its values are like.

use super::Session;
use super::result::StatementResult;
use crate::catalog::TableSource;
use crate::plan::bind::bind;
use crate::shell::output::RowsBuilder;
use crate::shell::view::Watch;
use crate::sql::statement::Statement;
use crate::sql::{DataType, Diagnostic, Span, parse};

/// The columns of the answer, as DuckDB calls them.
const COLUMNS: [&str; 12] = [
    "column_name",
    "column_type",
    "min",
    "max",
    "approx_unique",
    "avg",
    "std",
    "q25",
    "q50",
    "q75",
    "count",
    "null_percentage",
];

/// What is asked for each column, in the order of [`COLUMNS`] from `min` to `q75`, and how many values are there.
const QUESTIONS: usize = 9;

impl Session {
    /// `SUMMARIZE query`: one query with all aggregates, turned by a right angle.
    pub(super) fn summarize(&mut self, query: &str, text: &str, span: Span, watch: &mut dyn Watch) -> StatementResult {
        match self.summary(query, text, watch) {
            Ok(result) => result,
            Err(error) => {
                // Places count in the query, which is all of the statement but its first word.
                let shift = text.rfind(query.trim_start_matches("FROM ")).unwrap_or_default() as u32;
                let lost = query.len() as u32 - query.trim_start_matches("FROM ").len() as u32;
                let place = error.span.map(|s| Span {
                    start: (s.start + shift).saturating_sub(lost),
                    end: (s.end + shift).saturating_sub(lost),
                });
                StatementResult::error(Diagnostic { span: place.or(Some(span)), ..error }, text)
            }
        }
    }

    fn summary(&mut self, query: &str, text: &str, watch: &mut dyn Watch) -> Result<StatementResult, Diagnostic> {
        let mut parsed = parse(query)?.statement;
        self.tables().expand_macros(&mut parsed)?;
        let Statement::Query(tree) = parsed else {
            return Err(Diagnostic::new(crate::journal::ErrorCode::SyntaxError, "only a query or a table has columns"));
        };
        let clock = self.next_clock();
        let (bound, _) = self.bind(clock, query, Some(&mut *watch), |context| bind(&tree, query, context))?;
        let columns: Vec<(String, DataType)> =
            bound.output.into_iter().map(|column| (column.name, column.dtype)).collect();
        let mut asked = vec!["count(*)".to_string()];
        for (index, (_, dtype)) in columns.iter().enumerate() {
            asked.extend(questions(&format!("v{index}"), dtype));
        }
        let names: Vec<String> = (0..columns.len()).map(|index| format!("v{index}")).collect();
        let sql = format!("SELECT {} FROM ({query}) AS summarized({})", asked.join(", "), names.join(", "));
        let mut parsed = parse(&sql)?.statement;
        self.tables().expand_macros(&mut parsed)?;
        let Statement::Query(tree) = parsed else {
            return Err(Diagnostic::new(crate::journal::ErrorCode::GenericInternalError, "a SELECT is no query"));
        };
        let planned = self.plan(&tree, &sql, Some(&mut *watch)).map_err(|error| Diagnostic { span: None, ..error })?;
        let ran = self.run(planned, text, watch)?;
        let rows = match ran.outcome {
            Ok(rows) => rows.to_text(),
            Err(_) => return Err(Diagnostic { span: None, ..self.failed(&ran.info, text, None).diagnostic }),
        };
        let row = rows.into_iter().next().unwrap_or_default();
        let mut values = row.into_iter();
        let total: u64 = values.next().flatten().and_then(|count| count.parse().ok()).unwrap_or_default();
        let mut answer = RowsBuilder::new(&COLUMNS).numbers(&["approx_unique", "count"]).right(&["null_percentage"]);
        for (name, dtype) in &columns {
            let mut of: Vec<Option<String>> = values.by_ref().take(QUESTIONS).collect();
            let present: u64 = of.pop().flatten().and_then(|count| count.parse().ok()).unwrap_or_default();
            let number = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<u64>().ok());
            let missing = total.saturating_sub(present);
            let percent = if total == 0 { 0.0 } else { missing as f64 * 100.0 / total as f64 };
            let dtype = if *dtype == DataType::Null { &DataType::Integer } else { dtype };
            let text = |value: &Option<String>| super::super::output::Cell::from(value.clone());
            let cell = |index: usize| of.get(index).map_or_else(|| text(&None), text);
            answer.push([
                name.clone().into(),
                dtype.to_string().into(),
                cell(0),
                cell(1),
                of.get(2).and_then(number).into(),
                cell(3),
                cell(4),
                cell(5),
                cell(6),
                cell(7),
                total.into(),
                format!("{percent:.2}").into(),
            ]);
        }
        let about = crate::shell::report::Footer {
            timing: self.settings.timing(),
            nodes_up: self.nodes_up().0,
            ..crate::shell::report::Footer::default()
        };
        let mut result = StatementResult::rows(answer.build());
        result.notes = crate::shell::report::footer(&ran.info, &about);
        result.query = Some(ran.info.query);
        Ok(result)
    }
}

/// The aggregates of one column; NULL where they have no meaning for its type.
fn questions(column: &str, dtype: &DataType) -> [String; QUESTIONS] {
    let null = || "NULL".to_string();
    let text = |call: String| format!("CAST({call} AS VARCHAR)");
    let ordered = !matches!(dtype, DataType::List(_) | DataType::Struct(_));
    let numeric = dtype.is_numeric();
    let quantiles = numeric || dtype.is_temporal();
    let when = |wanted: bool, call: String| if wanted { text(call) } else { null() };
    let quantile = |share: &str| when(quantiles, format!("approx_quantile({column}, {share})"));
    [
        when(ordered, format!("min({column})")),
        when(ordered, format!("max({column})")),
        if ordered { format!("count(DISTINCT {column})") } else { null() },
        when(quantiles && *dtype != DataType::Time, format!("avg({column})")),
        when(numeric, format!("stddev_samp({column})")),
        quantile("0.25"),
        quantile("0.5"),
        quantile("0.75"),
        format!("count({column})"),
    ]
}

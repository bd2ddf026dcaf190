//! SUMMARIZE and DESCRIBE of a query: a row for each of its columns.

use super::binder::Binder;
use super::call::scalar;
use super::expression::Clause;
use super::from::{Source, relation_of};
use super::grouping_sets::GroupBy;
use super::scope::{Relation, Scope, ScopeColumn};
use crate::plan::expr::{ColumnDef, Expr, ExprKind};
use crate::plan::logical::{JoinKind, LogicalPlan, OutputColumn};
use crate::sql::diagnostic::{Diagnostic, Result};
use crate::sql::parse::parse_expression;
use crate::sql::{DataType, Value};
use sqlparser::ast;

/// What is asked of every column, as DuckDB calls it and with the type of the answer.
const QUESTIONS: [(&str, DataType); 10] = [
    ("min", DataType::Varchar),
    ("max", DataType::Varchar),
    ("approx_unique", DataType::BigInt),
    ("avg", DataType::Varchar),
    ("std", DataType::Varchar),
    ("q25", DataType::Varchar),
    ("q50", DataType::Varchar),
    ("q75", DataType::Varchar),
    ("count", DataType::BigInt),
    ("null_percentage", DataType::Decimal { precision: 9, scale: 2 }),
];

/// The aggregates of one column, in the order of [`QUESTIONS`]; NULL where one has no meaning for its type.
fn questions(column: &str, dtype: &DataType) -> [String; QUESTIONS.len()] {
    let numeric = dtype.is_numeric();
    let quantiles = numeric || dtype.is_temporal();
    let when = |wanted: bool, call: String| if wanted { call } else { "NULL".to_string() };
    let quantile = |share: &str| when(quantiles, format!("approx_quantile({column}, {share})"));
    [
        format!("min({column})"),
        format!("max({column})"),
        format!("count(DISTINCT {column})"),
        when(quantiles && *dtype != DataType::Time, format!("avg({column})")),
        when(numeric, format!("stddev_samp({column})")),
        quantile("0.25"),
        quantile("0.5"),
        quantile("0.75"),
        "count(*)".to_string(),
        format!("100e0 * (count(*) - count({column})) / nullif(count(*), 0)"),
    ]
}

impl<'q> Binder<'q> {
    /// `(DESCRIBE query)`: the names and types of its columns.
    pub(super) fn described(&mut self, query: &'q ast::Query) -> Result<Source> {
        let bound = self.query(query)?;
        let names = ["column_name", "column_type", "null", "key", "default", "extra"];
        let columns: Vec<ColumnDef> = names.iter().map(|name| self.column(*name, DataType::Varchar)).collect();
        let row = |column: OutputColumn| {
            let mut row = name_and_type(&column);
            row.push(text("YES"));
            row.resize(names.len(), Expr::literal(Value::Null, DataType::Varchar));
            row
        };
        let rows = bound.output.into_iter().map(row).collect();
        Ok(source(LogicalPlan::Values { columns: columns.clone(), rows }, &columns))
    }

    /// `(SUMMARIZE query)`: all aggregates of all columns in one row, which is turned by a right angle.
    pub(super) fn summarized(&mut self, query: &'q ast::Query) -> Result<Source> {
        let bound = self.query(query)?;
        let named = |(at, c): (usize, &OutputColumn)| ScopeColumn::plain(format!("v{at}"), c.column, c.dtype.clone());
        let columns = bound.output.iter().enumerate().map(named).collect();
        let mut asked: Vec<ast::Expr> = Vec::new();
        for (at, column) in bound.output.iter().enumerate() {
            for question in questions(&format!("v{at}"), &column.dtype) {
                asked.push(parse_expression(&question)?);
            }
        }
        // The questions stand nowhere in the statement.
        let nowhere = |error: Diagnostic| Diagnostic { span: None, ..error };
        let mut asking = Binder::new("", self.context)?;
        asking.next_column = self.next_column;
        asking.scopes.push(Scope { relations: vec![Relation { name: Vec::new(), columns }], ..Scope::default() });
        let mut answers = Vec::with_capacity(asked.len());
        for question in &asked {
            answers.push(asking.expression(question, Clause::Select).map_err(nowhere)?);
        }
        let pending = asking.scopes.last_mut().map(|s| std::mem::take(&mut s.aggregates)).unwrap_or_default();
        let grouped = asking.group(bound.plan, GroupBy { keys: Vec::new(), sets: None }, pending);
        for answer in &mut answers {
            super::select::over(&grouped, answer).map_err(nowhere)?;
        }
        self.next_column = asking.next_column;

        let number = self.column("number", DataType::Integer);
        let name = self.column("column_name", DataType::Varchar);
        let dtype = self.column("column_type", DataType::Varchar);
        let at = |at: usize| Expr::literal(Value::Int(at as i128), DataType::Integer);
        let row = |(index, column): (usize, &OutputColumn)| {
            std::iter::once(at(index)).chain(name_and_type(column)).collect::<Vec<_>>()
        };
        let of_columns = LogicalPlan::Values {
            columns: vec![number.clone(), name.clone(), dtype.clone()],
            rows: bound.output.iter().enumerate().map(row).collect(),
        };
        let itself = |column: &ColumnDef| (column.clone(), Expr::column(column.id, column.dtype.clone()));
        let mut projected = vec![itself(&name), itself(&dtype)];
        for (index, (title, wanted)) in QUESTIONS.into_iter().enumerate() {
            let mut branches = Vec::new();
            for (row, answers) in answers.chunks(QUESTIONS.len()).enumerate() {
                let is_row = scalar("=", vec![itself(&number).1, at(row)], None)?;
                branches.push((is_row, super::coerce::cast(answers[index].clone(), wanted.clone(), false)?));
            }
            let value = Expr { kind: ExprKind::Case { branches, otherwise: None }, dtype: wanted, span: None };
            projected.push((self.column(title, value.dtype.clone()), value));
        }
        let shown: Vec<ColumnDef> = projected.iter().map(|(column, _)| column.clone()).collect();
        let (left, right) = (Box::new(grouped.plan), Box::new(of_columns));
        let joined = LogicalPlan::Join { left, right, kind: JoinKind::Cross, on: None };
        Ok(source(LogicalPlan::Project { input: Box::new(joined), columns: projected }, &shown))
    }
}

fn text(text: &str) -> Expr {
    Expr::literal(Value::Varchar(text.to_string()), DataType::Varchar)
}

fn name_and_type(column: &OutputColumn) -> Vec<Expr> {
    // A bare NULL is an INTEGER to whoever sees it.
    let dtype = if column.dtype == DataType::Null { &DataType::Integer } else { &column.dtype };
    vec![text(&column.name), text(&dtype.to_string())]
}

fn source(plan: LogicalPlan, columns: &[ColumnDef]) -> Source {
    (plan, vec![relation_of(Vec::new(), &super::query::outputs(columns))])
}

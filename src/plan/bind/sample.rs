//! TABLESAMPLE, USING SAMPLE, and POSITIONAL JOIN: what has to do with which rows there are, not with what is in them.

use super::binder::{Binder, not_supported};
use super::from::Source;
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, Expr};
use crate::plan::logical::{JoinKind, LogicalPlan, SortKey};
use crate::plan::window::{Frame, WindowCall};
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::respell::USING_SAMPLE;
use crate::sql::{DataType, Value};
use sqlparser::ast::{self, FunctionArg, FunctionArgExpr, FunctionArguments};

/// How much of the rows.
#[derive(Debug, Clone, Copy)]
enum Size {
    /// Each row with this probability.
    Share(f64),
    /// So many rows.
    Rows(u64),
}

impl<'q> Binder<'q> {
    /// A source with its TABLESAMPLE.
    pub(super) fn table_sampled(
        &mut self,
        (plan, relations): Source,
        sample: Option<&ast::TableSampleKind>,
        place: Option<Span>,
    ) -> Result<Source> {
        let Some(ast::TableSampleKind::BeforeTableAlias(sample) | ast::TableSampleKind::AfterTableAlias(sample)) =
            sample
        else {
            return Ok((plan, relations));
        };
        let Some(quantity) = sample.quantity.as_ref().filter(|_| sample.bucket.is_none() && sample.offset.is_none())
        else {
            return Err(not_supported("this form of TABLESAMPLE", place));
        };
        let ast::Expr::Value(ast::ValueWithSpan { value: ast::Value::Number(digits, _), .. }) = &quantity.value else {
            return Err(not_supported("a TABLESAMPLE of anything but a number", place));
        };
        let percent = quantity.unit == Some(ast::TableSampleUnit::Percent);
        let seed = sample.seed.as_ref().map(|seed| seed.value.value.to_string());
        let size = size(digits, percent, place)?;
        Ok((self.sampled(plan, size, seed.as_deref(), place)?, relations))
    }

    /// What FROM gives, with the `USING SAMPLE` that the parser was given as a QUALIFY.
    pub(super) fn using_sample(&mut self, plan: LogicalPlan, call: &ast::Function) -> Result<LogicalPlan> {
        let place = self.span_of(&call.name);
        let FunctionArguments::List(list) = &call.args else { return Ok(plan) };
        let text = |arg: &FunctionArg| match arg {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(ast::Expr::Value(value))) => match &value.value {
                ast::Value::Number(text, _) | ast::Value::SingleQuotedString(text) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        };
        let texts: Vec<String> = list.args.iter().filter_map(text).collect();
        let [digits, unit, _method, seed @ ..] = &texts[..] else { return Ok(plan) };
        let size = size(digits, unit == "percent", place)?;
        self.sampled(plan, size, seed.first().map(String::as_str), place)
    }

    fn sampled(
        &mut self,
        plan: LogicalPlan,
        size: Size,
        seed: Option<&str>,
        place: Option<Span>,
    ) -> Result<LogicalPlan> {
        let seed = match seed.map(str::parse::<i64>) {
            None => None,
            Some(Ok(seed)) => Some(Expr::literal(Value::Int(seed.into()), DataType::BigInt)),
            Some(Err(_)) => {
                return Err(
                    Diagnostic::new(ErrorCode::InvalidArguments, "the seed of a sample is a whole number").at(place)
                );
            }
        };
        let random = Expr::call("random", seed.into_iter().collect(), DataType::Double).at(place);
        Ok(match size {
            Size::Share(share) => {
                let share = Expr::literal(Value::Float(share), DataType::Double);
                let predicate = Expr::call("<", vec![random, share], DataType::Boolean);
                LogicalPlan::Filter { input: Box::new(plan), predicate }
            }
            Size::Rows(rows) => {
                // The rows with the smallest numbers: each has the same chance.
                let pass = |c: ColumnDef| (c.clone(), Expr::column(c.id, c.dtype));
                let own: Vec<_> = plan.columns().into_iter().map(pass).collect();
                let number = self.column("random", DataType::Double);
                let mut columns = own.clone();
                columns.push((number.clone(), random));
                let numbered = LogicalPlan::Project { input: Box::new(plan), columns };
                let keys = vec![SortKey { column: number.id, descending: false, nulls_first: false }];
                let sorted = LogicalPlan::Sort { input: Box::new(numbered), keys };
                let first = LogicalPlan::Limit { input: Box::new(sorted), limit: Some(rows), offset: 0 };
                LogicalPlan::Project { input: Box::new(first), columns: own }
            }
        })
    }

    /// The rows of both sides side by side, the shorter side filled with NULLs.
    pub(super) fn positional_join(&mut self, left: Source, right: Source) -> Source {
        let (left_plan, mut relations) = left;
        let (right_plan, others) = right;
        relations.extend(others);
        let (left, left_number) = self.numbered(left_plan);
        let (right, right_number) = self.numbered(right_plan);
        let number = |c: &ColumnDef| Expr::column(c.id, c.dtype.clone());
        let same = Expr::call("=", vec![number(&left_number), number(&right_number)], DataType::Boolean);
        let joined =
            LogicalPlan::Join { left: Box::new(left), right: Box::new(right), kind: JoinKind::Full, on: Some(same) };
        // In the order of their numbers, as both sides were.
        let either = self.column("number", DataType::BigInt);
        let pass = |c: ColumnDef| (c.clone(), Expr::column(c.id, c.dtype));
        let mut columns: Vec<_> = joined.columns().into_iter().map(pass).collect();
        let numbers = vec![number(&left_number), number(&right_number)];
        columns.push((either.clone(), Expr::call("coalesce", numbers, DataType::BigInt)));
        let projected = LogicalPlan::Project { input: Box::new(joined), columns };
        let keys = vec![SortKey { column: either.id, descending: false, nulls_first: false }];
        (LogicalPlan::Sort { input: Box::new(projected), keys }, relations)
    }

    /// A plan with the number of each row.
    fn numbered(&mut self, plan: LogicalPlan) -> (LogicalPlan, ColumnDef) {
        let output = self.column("number", DataType::BigInt);
        let call = WindowCall {
            output: output.clone(),
            function: "row_number".to_string(),
            args: Vec::new(),
            partition_by: Vec::new(),
            order_by: Vec::new(),
            span: None,
            frame: Frame::whole(),
            ignore_nulls: false,
            argument_order: Vec::new(),
            aggregate: None,
        };
        (LogicalPlan::Window { input: Box::new(plan), calls: vec![call] }, output)
    }
}

/// The call that stands for USING SAMPLE.
pub(super) fn using_sample(qualify: &ast::Expr) -> Option<&ast::Function> {
    match qualify {
        ast::Expr::Function(call) => match &call.name.0[..] {
            [ast::ObjectNamePart::Identifier(name)] if name.value == USING_SAMPLE => Some(call),
            _ => None,
        },
        _ => None,
    }
}

fn size(digits: &str, percent: bool, place: Option<Span>) -> Result<Size> {
    let wrong = |what: &str| Diagnostic::new(ErrorCode::InvalidArguments, what.to_string()).at(place);
    if !percent {
        return digits
            .parse()
            .map(Size::Rows)
            .map_err(|_| wrong("a sample is of a whole number of rows, or of percent"));
    }
    match digits.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(Size::Share(percent / 100.0)),
        _ => Err(wrong("a sample is of 0 to 100 percent")),
    }
}

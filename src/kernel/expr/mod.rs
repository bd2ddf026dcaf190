//! Expressions over batches: compiled once per stage, evaluated column at a time.
//!
//! Guards hold: a part of AND or OR that may fail is evaluated only on the rows that the parts before it left open, and
//! a branch of CASE, COALESCE or IF only on the rows that it serves. What cannot fail is evaluated on all rows, which is
//! faster than picking some, unless it looks into texts and few rows are open.

mod compile;
mod evaluate;
mod lambda;
mod membership;
mod repeated;
mod truth;

use crate::functions::{Eval, QueryClock};
use crate::journal::TaskError;
use crate::plan::{ColumnId, Expr};
use crate::sql::{DataType, Span};
use membership::Members;
use polars::prelude::{BooleanChunked, Column, DataFrame, PlSmallStr};
use polars_arrow::bitmap::Bitmap;

/// An expression, ready to be evaluated on batches whose columns are named `c<id>`.
#[derive(Debug)]
pub struct CompiledExpr {
    node: Node,
    dtype: DataType,
    span: Option<Span>,
    /// Whether some row may raise an error: then guards must be respected.
    can_fail: bool,
    /// Whether it looks into texts: then picking the rows that matter may pay.
    is_costly: bool,
    /// The columns that it reads.
    columns: Vec<PlSmallStr>,
}

#[derive(Debug)]
enum Node {
    Column(PlSmallStr),
    /// A column of one row.
    Constant(Column),
    /// A function of the query's clock, by its canonical name.
    Clock(String),
    Cast {
        arg: Box<CompiledExpr>,
        lenient: bool,
    },
    Call {
        eval: Eval,
        args: Vec<CompiledExpr>,
        types: Vec<DataType>,
        /// Whether it is worth a look which texts a batch has more than once.
        expensive: bool,
    },
    /// The first that is not NULL.
    Coalesce(Vec<CompiledExpr>),
    And(Vec<CompiledExpr>),
    Or(Vec<CompiledExpr>),
    Not(Box<CompiledExpr>),
    IsNull {
        arg: Box<CompiledExpr>,
        negated: bool,
    },
    Case {
        branches: Vec<(CompiledExpr, CompiledExpr)>,
        otherwise: Option<Box<CompiledExpr>>,
    },
    /// Among constants.
    Member {
        arg: Box<CompiledExpr>,
        members: Members,
        negated: bool,
    },
    /// NULL for the rows where it fails.
    Try(Box<CompiledExpr>),
    Lambda(Box<lambda::Lambda>),
}

impl CompiledExpr {
    /// Compiles a bound expression without subqueries; constant parts are computed here.
    pub fn compile(expr: &Expr) -> Result<CompiledExpr, TaskError> {
        compile::compile(&crate::plan::fold_without_clock(expr.clone()))
    }

    /// The value for each row of `frame`: a physical column, unnamed or named as its input, of `frame.height()` rows, or
    /// of 1 if it is the same for all. A user error points at the part of the statement that failed.
    pub fn evaluate(&self, frame: &DataFrame, clock: &QueryClock) -> Result<Column, TaskError> {
        evaluate::evaluate(self, frame, clock)
    }

    /// For each row of `frame` whether the value is TRUE (neither FALSE nor NULL); always of full length, without NULLs.
    pub fn evaluate_mask(&self, frame: &DataFrame, clock: &QueryClock) -> Result<BooleanChunked, TaskError> {
        let truths = truth::evaluate(self, frame, clock)?.truths;
        Ok(BooleanChunked::from_bitmap(PlSmallStr::EMPTY, truths))
    }

    /// For each row of `frame` whether the value is TRUE, and whether it is FALSE; where neither, it is NULL. Of full length.
    pub fn evaluate_truth(
        &self,
        frame: &DataFrame,
        clock: &QueryClock,
    ) -> Result<(BooleanChunked, BooleanChunked), TaskError> {
        let truth = truth::evaluate(self, frame, clock)?;
        let mask = |bits| BooleanChunked::from_bitmap(PlSmallStr::EMPTY, bits);
        Ok((mask(truth.truths), mask(truth.falses)))
    }

    /// The SQL type of the value.
    pub fn dtype(&self) -> &DataType {
        &self.dtype
    }

    /// Whether evaluation may raise a user error.
    pub fn can_fail(&self) -> bool {
        self.can_fail
    }

    /// Whether only the `wanted` rows are to be looked at, if only they matter.
    fn picks(&self, wanted: &Bitmap) -> bool {
        self.can_fail || self.is_costly && wanted.set_bits() * 2 < wanted.len()
    }

    /// The column, if the expression is nothing but one.
    pub fn as_column(&self) -> Option<&PlSmallStr> {
        match &self.node {
            Node::Column(name) => Some(name),
            _ => None,
        }
    }

    /// The constant, as a column of one row, if the expression is one.
    pub fn as_constant(&self) -> Option<&Column> {
        match &self.node {
            Node::Constant(column) => Some(column),
            _ => None,
        }
    }
}

/// The name of a column inside kernels.
fn name_of(id: ColumnId) -> PlSmallStr {
    PlSmallStr::from_string(id.name())
}

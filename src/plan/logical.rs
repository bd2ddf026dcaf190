//! The logical plan: one closed enum of relational operators over column identities.

use super::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use super::window::WindowCall;
use crate::catalog::TableRef;
use crate::functions::{self, aggregates};
use crate::sql::{DataType, Span, Value};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};

/// A bound query: its plan, and what its result columns are called.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub plan: LogicalPlan,
    /// Display names (duplicates allowed) and types, in order, with the plan's column for each.
    pub output: Vec<OutputColumn>,
    /// How many column ids are taken; the next free one is this.
    pub next_column: u32,
}

/// A result column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputColumn {
    pub name: String,
    pub column: ColumnId,
    pub dtype: DataType,
}

/// A relational operator with its inputs. Every operator's output columns follow from [`LogicalPlan::columns`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum LogicalPlan {
    /// Rows of a table. `columns[i]` is the identity of the table's column `source[i]`.
    Scan {
        table: TableRef,
        source: Vec<usize>,
        columns: Vec<ColumnDef>,
    },
    /// Constant rows; no input columns may be read. `SELECT 1` is a projection over one row of no columns.
    Values {
        columns: Vec<ColumnDef>,
        rows: Vec<Vec<Expr>>,
    },
    Filter {
        input: Box<LogicalPlan>,
        predicate: Expr,
    },
    /// Exactly these columns; plain columns pass through under their own identity.
    Project {
        input: Box<LogicalPlan>,
        columns: Vec<(ColumnDef, Expr)>,
    },
    /// `on` may be any condition; None only for cross joins and scalar subqueries that stand alone. Before unnesting, the right side
    /// may read columns of the left: LATERAL.
    Join {
        left: Box<LogicalPlan>,
        right: Box<LogicalPlan>,
        kind: JoinKind,
        on: Option<Expr>,
    },
    /// Groups by columns (pre-projected by the binder) and computes aggregates. Without `grouping_sets` there is one set of
    /// all keys. Output: keys, the column that numbers the set, aggregates. No keys: exactly one row.
    Aggregate {
        input: Box<LogicalPlan>,
        keys: Vec<ColumnDef>,
        grouping_sets: Option<GroupingSets>,
        aggregates: Vec<Aggregate>,
    },
    /// Adds window columns to the input's columns.
    Window {
        input: Box<LogicalPlan>,
        calls: Vec<WindowCall>,
    },
    /// One row of each set of equal rows (all columns), or of equal `on` columns (DISTINCT ON: the first in input order).
    Distinct {
        input: Box<LogicalPlan>,
        on: Option<Vec<ColumnId>>,
    },
    Sort {
        input: Box<LogicalPlan>,
        keys: Vec<SortKey>,
    },
    /// Rows `offset .. offset + limit` in the input's order.
    Limit {
        input: Box<LogicalPlan>,
        limit: Option<u64>,
        offset: u64,
    },
    /// UNION ALL: `columns[i]` takes `inputs[k].columns()[i]`; types already agree.
    Union {
        inputs: Vec<LogicalPlan>,
        columns: Vec<ColumnDef>,
    },
    /// INTERSECT / EXCEPT, with or without ALL; the left side's columns are matched to the right's by position.
    SetOperation {
        left: Box<LogicalPlan>,
        right: Box<LogicalPlan>,
        kind: SetKind,
        all: bool,
        columns: Vec<ColumnDef>,
    },
    /// Each row once for every element of its lists, which go side by side, the shorter ones padded with NULL. Output: the
    /// input's columns, one column per list, the number of the element from 1 where that is asked for. A row whose lists
    /// are all empty or NULL yields nothing, or with `outer` one row of NULLs.
    Unnest {
        input: Box<LogicalPlan>,
        lists: Vec<(ColumnDef, Expr)>,
        ordinality: Option<ColumnDef>,
        outer: bool,
    },
}

/// How unmatched rows are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
    /// Left rows with a match.
    Semi,
    /// Left rows without a match.
    Anti,
    /// Left rows plus one BOOLEAN column: whether `on` is true of a pair (TRUE), else unknown of one (NULL), else FALSE, as `IN`
    /// gives it with one equality.
    Mark(ColumnId),
    /// As Left, but a left row with more than one match is the error SUBQUERY_MULTIPLE_ROWS: a scalar subquery.
    Single,
    /// Each left row with the one right row that is closest by the inequality of `on` among those with its equalities; `outer`
    /// keeps left rows without one. `on`: equalities, and exactly one `left < right` (or <=, >, >=).
    AsOf {
        outer: bool,
    },
}

/// INTERSECT or EXCEPT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SetKind {
    Intersect,
    Except,
}

/// GROUPING SETS, ROLLUP and CUBE, spelled out. A key that is not in a row's set is NULL in it, so above the aggregation a key
/// column is not what it is below (the binder gives keys identities of their own here).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupingSets {
    /// Indices into the keys. Equal sets yield their groups twice; the empty set yields one row, whatever comes in.
    pub sets: Vec<Vec<usize>>,
    /// BIGINT: which of the sets a row is of. GROUPING() is computed from it.
    pub set: ColumnDef,
}

/// One aggregate of a grouping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Aggregate {
    /// What it yields.
    pub output: ColumnDef,
    /// Canonical name in [`crate::functions::aggregates`]: `count`, `count_star`, `sum`, `avg`, `min`, `max`.
    pub function: String,
    /// Plain columns of the input (pre-projected by the binder: Polars is slow on expressions inside aggregations) with their types.
    pub args: Vec<(ColumnId, DataType)>,
    pub distinct: bool,
    /// `FILTER (WHERE ...)`: a BOOLEAN column of the input.
    pub filter: Option<ColumnId>,
    pub span: Option<Span>,
    /// Constant arguments behind the columns: a separator, fractions, how many values.
    pub constants: Vec<Value>,
    /// ORDER BY in the call, where the answer depends on it: columns of the input, with their types.
    pub order_by: Vec<(SortKey, DataType)>,
}

impl Aggregate {
    /// A function over columns, with nothing else.
    pub fn plain(output: ColumnDef, function: &str, args: Vec<(ColumnId, DataType)>) -> Aggregate {
        Aggregate {
            output,
            function: function.to_string(),
            args,
            distinct: false,
            filter: None,
            span: None,
            constants: Vec::new(),
            order_by: Vec::new(),
        }
    }

    /// The columns of the input that it needs.
    pub fn reads(&self) -> impl Iterator<Item = ColumnId> {
        let args = self.args.iter().map(|(id, _)| *id);
        args.chain(self.filter).chain(self.order_by.iter().map(|(key, _)| key.column))
    }

    /// Whether its state is the values themselves: for what needs all of them, what takes them in an order, and DISTINCT.
    pub fn keeps_values(&self) -> bool {
        let types: Vec<DataType> = self.args.iter().map(|(_, t)| t.clone()).collect();
        self.distinct
            || !self.order_by.is_empty()
            || aggregates::keeps_values(&self.function, &types, &self.output.dtype)
    }

    /// The types of the columns that carry its state from partial to final.
    pub fn state(&self) -> Vec<DataType> {
        let mut types: Vec<DataType> = self.args.iter().map(|(_, t)| t.clone()).collect();
        if self.keeps_values() {
            types.extend(self.order_by.iter().map(|(_, t)| t.clone()));
            return aggregates::kept_state(&types);
        }
        aggregates::aggregate_state(&self.function, &types, &self.output.dtype)
    }
}

/// A column to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortKey {
    pub column: ColumnId,
    pub descending: bool,
    /// DuckDB's default is NULLS LAST, ascending and descending.
    pub nulls_first: bool,
}

impl LogicalPlan {
    /// The columns that this operator yields, in order.
    pub fn columns(&self) -> Vec<ColumnDef> {
        match self {
            LogicalPlan::Scan { columns, .. }
            | LogicalPlan::Values { columns, .. }
            | LogicalPlan::Union { columns, .. }
            | LogicalPlan::SetOperation { columns, .. } => columns.clone(),
            LogicalPlan::Filter { input, .. }
            | LogicalPlan::Distinct { input, .. }
            | LogicalPlan::Sort { input, .. }
            | LogicalPlan::Limit { input, .. } => input.columns(),
            LogicalPlan::Project { columns, .. } => columns.iter().map(|(def, _)| def.clone()).collect(),
            LogicalPlan::Join { left, right, kind, .. } => {
                let mut columns = left.columns();
                match kind {
                    JoinKind::Semi | JoinKind::Anti => {}
                    JoinKind::Mark(id) => {
                        columns.push(ColumnDef { id: *id, name: "mark".into(), dtype: DataType::Boolean });
                    }
                    _ => columns.extend(right.columns()),
                }
                columns
            }
            LogicalPlan::Aggregate { keys, grouping_sets, aggregates, .. } => {
                let set = grouping_sets.iter().map(|g| g.set.clone());
                keys.iter().cloned().chain(set).chain(aggregates.iter().map(|a| a.output.clone())).collect()
            }
            LogicalPlan::Window { input, calls } => {
                input.columns().into_iter().chain(calls.iter().map(|c| c.output.clone())).collect()
            }
            LogicalPlan::Unnest { input, lists, ordinality, .. } => {
                let made = lists.iter().map(|(def, _)| def).chain(ordinality).cloned();
                input.columns().into_iter().chain(made).collect()
            }
        }
    }

    /// The direct inputs.
    pub fn inputs(&self) -> Vec<&LogicalPlan> {
        match self {
            LogicalPlan::Scan { .. } | LogicalPlan::Values { .. } => vec![],
            LogicalPlan::Filter { input, .. }
            | LogicalPlan::Project { input, .. }
            | LogicalPlan::Aggregate { input, .. }
            | LogicalPlan::Window { input, .. }
            | LogicalPlan::Distinct { input, .. }
            | LogicalPlan::Sort { input, .. }
            | LogicalPlan::Limit { input, .. }
            | LogicalPlan::Unnest { input, .. } => vec![input],
            LogicalPlan::Join { left, right, .. } | LogicalPlan::SetOperation { left, right, .. } => vec![left, right],
            LogicalPlan::Union { inputs, .. } => inputs.iter().collect(),
        }
    }

    /// The direct inputs, to be changed in place.
    pub fn inputs_mut(&mut self) -> Vec<&mut LogicalPlan> {
        match self {
            LogicalPlan::Scan { .. } | LogicalPlan::Values { .. } => vec![],
            LogicalPlan::Filter { input, .. }
            | LogicalPlan::Project { input, .. }
            | LogicalPlan::Aggregate { input, .. }
            | LogicalPlan::Window { input, .. }
            | LogicalPlan::Distinct { input, .. }
            | LogicalPlan::Sort { input, .. }
            | LogicalPlan::Limit { input, .. }
            | LogicalPlan::Unnest { input, .. } => vec![input],
            LogicalPlan::Join { left, right, .. } | LogicalPlan::SetOperation { left, right, .. } => vec![left, right],
            LogicalPlan::Union { inputs, .. } => inputs.iter_mut().collect(),
        }
    }

    /// Whether computing it again gives other rows: something in it draws random numbers.
    pub fn is_volatile(&self) -> bool {
        self.volatile_call().is_some()
    }

    /// A call, also in a subquery, that gives another value every time: the function's name and the place.
    pub fn volatile_call(&self) -> Option<(&'static str, Option<Span>)> {
        let of_expression = |expr: &Expr| {
            let mut found = None;
            expr.walk(&mut |part| {
                found = found.or_else(|| match &part.kind {
                    ExprKind::Call { function, .. } => {
                        functions::find(function).filter(|f| f.is_volatile()).map(|f| (f.name, part.span))
                    }
                    _ => part.subquery().and_then(LogicalPlan::volatile_call),
                });
            });
            found
        };
        let here = self.expressions().into_iter().find_map(of_expression);
        here.or_else(|| self.inputs().into_iter().find_map(LogicalPlan::volatile_call))
    }

    /// The expressions of this operator itself, in order.
    pub fn expressions(&self) -> Vec<&Expr> {
        match self {
            LogicalPlan::Values { rows, .. } => rows.iter().flatten().collect(),
            LogicalPlan::Filter { predicate, .. } => vec![predicate],
            LogicalPlan::Project { columns, .. } => columns.iter().map(|(_, expr)| expr).collect(),
            LogicalPlan::Join { on, .. } => on.iter().collect(),
            LogicalPlan::Window { calls, .. } => calls.iter().flat_map(WindowCall::expressions).collect(),
            LogicalPlan::Unnest { lists, .. } => lists.iter().map(|(_, list)| list).collect(),
            LogicalPlan::Scan { .. }
            | LogicalPlan::Aggregate { .. }
            | LogicalPlan::Distinct { .. }
            | LogicalPlan::Sort { .. }
            | LogicalPlan::Limit { .. }
            | LogicalPlan::Union { .. }
            | LogicalPlan::SetOperation { .. } => vec![],
        }
    }

    /// The expressions of this operator itself, to be changed in place.
    pub fn expressions_mut(&mut self) -> Vec<&mut Expr> {
        match self {
            LogicalPlan::Values { rows, .. } => rows.iter_mut().flatten().collect(),
            LogicalPlan::Filter { predicate, .. } => vec![predicate],
            LogicalPlan::Project { columns, .. } => columns.iter_mut().map(|(_, expr)| expr).collect(),
            LogicalPlan::Join { on, .. } => on.iter_mut().collect(),
            LogicalPlan::Window { calls, .. } => calls.iter_mut().flat_map(|c| &mut c.args).collect(),
            LogicalPlan::Unnest { lists, .. } => lists.iter_mut().map(|(_, list)| list).collect(),
            LogicalPlan::Scan { .. }
            | LogicalPlan::Aggregate { .. }
            | LogicalPlan::Distinct { .. }
            | LogicalPlan::Sort { .. }
            | LogicalPlan::Limit { .. }
            | LogicalPlan::Union { .. }
            | LogicalPlan::SetOperation { .. } => vec![],
        }
    }

    /// The columns that the plan reads and nothing in it makes: those of the queries around a correlated subquery, in
    /// order of first use, each once.
    pub fn outer_columns(&self) -> Vec<ColumnId> {
        let (mut read, mut made) = (Vec::new(), HashSet::new());
        self.read_and_made(&mut read, &mut made);
        let mut seen = HashSet::new();
        read.retain(|id| !made.contains(id) && seen.insert(*id));
        read
    }

    /// The columns that the plan, its subqueries included, makes.
    pub fn made_columns(&self) -> BTreeSet<ColumnId> {
        let (mut read, mut made) = (Vec::new(), HashSet::new());
        self.read_and_made(&mut read, &mut made);
        made.into_iter().collect()
    }

    /// Ids are unique in a query, so it does not matter where in the plan a column is made.
    fn read_and_made(&self, read: &mut Vec<ColumnId>, made: &mut HashSet<ColumnId>) {
        for expr in self.expressions() {
            expr.walk(&mut |e| {
                read.extend(e.as_column());
                // The parameters of a lambda are its own.
                made.extend(e.parameters().iter().map(|p| p.id));
                if let Some(plan) = e.subquery() {
                    plan.read_and_made(read, made);
                }
            });
        }
        match self {
            LogicalPlan::Aggregate { keys, grouping_sets, aggregates, .. } => {
                read.extend(keys.iter().map(|k| k.id));
                read.extend(aggregates.iter().flat_map(Aggregate::reads));
                made.extend(grouping_sets.iter().map(|g| g.set.id));
                made.extend(aggregates.iter().map(|a| a.output.id));
            }
            LogicalPlan::Window { calls, .. } => {
                for call in calls {
                    read.extend(call.reads());
                    made.insert(call.output.id);
                }
            }
            LogicalPlan::Sort { keys, .. } => read.extend(keys.iter().map(|k| k.column)),
            LogicalPlan::Distinct { on: Some(on), .. } => read.extend(on),
            LogicalPlan::Project { columns, .. } => {
                made.extend(
                    columns.iter().filter(|(def, expr)| expr.as_column() != Some(def.id)).map(|(def, _)| def.id),
                );
            }
            LogicalPlan::Scan { columns, .. }
            | LogicalPlan::Values { columns, .. }
            | LogicalPlan::Union { columns, .. }
            | LogicalPlan::SetOperation { columns, .. } => made.extend(columns.iter().map(|c| c.id)),
            LogicalPlan::Join { kind: JoinKind::Mark(id), .. } => {
                made.insert(*id);
            }
            LogicalPlan::Unnest { lists, ordinality, .. } => {
                made.extend(lists.iter().map(|(def, _)| def).chain(ordinality).map(|def| def.id));
            }
            LogicalPlan::Join { .. }
            | LogicalPlan::Filter { .. }
            | LogicalPlan::Distinct { on: None, .. }
            | LogicalPlan::Limit { .. } => {}
        }
        for input in self.inputs() {
            input.read_and_made(read, made);
        }
    }
}

//! Window function calls: what they compute, over which rows.

use super::expr::{ColumnDef, ColumnId, Expr};
use super::logical::{Aggregate, SortKey};
use crate::sql::Span;
use serde::{Deserialize, Serialize};

/// One window function call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowCall {
    pub output: ColumnDef,
    /// Canonical name in [`crate::functions::windows`], or of the aggregate.
    pub function: String,
    /// Plain columns of the input, or constants; none for an aggregate, which has its own.
    pub args: Vec<Expr>,
    pub partition_by: Vec<ColumnId>,
    pub order_by: Vec<SortKey>,
    pub span: Option<Span>,
    pub frame: Frame,
    /// `IGNORE NULLS`: rows whose first argument is NULL are not counted.
    pub ignore_nulls: bool,
    /// `ORDER BY` inside the brackets: in which order the rows of the frame are looked at, instead of the window's.
    pub argument_order: Vec<SortKey>,
    /// What is aggregated, where the function is an aggregate; its output is that of the call.
    pub aggregate: Option<Aggregate>,
}

/// Which rows of the partition a call sees from each row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    pub unit: FrameUnit,
    pub start: Bound,
    pub end: Bound,
    pub exclude: Exclude,
    /// For RANGE with offsets: the key of ORDER BY in the type of the bounds.
    pub range_key: Option<ColumnId>,
}

/// How a frame counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FrameUnit {
    Rows,
    /// By the value of the one key of ORDER BY.
    Range,
    /// By groups of rows that are equal in ORDER BY.
    Groups,
}

/// One end of a frame. An offset is a plain column or a constant: a BIGINT for ROWS and GROUPS. For RANGE it is not the
/// distance, but the value of the key at which the frame begins or ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Bound {
    UnboundedPreceding,
    Preceding(Expr),
    CurrentRow,
    Following(Expr),
    UnboundedFollowing,
}

/// `EXCLUDE`: which rows of the frame do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exclude {
    NoOthers,
    CurrentRow,
    /// The current row and those equal to it in ORDER BY.
    Group,
    /// Those equal to the current row in ORDER BY, without itself.
    Ties,
}

impl Frame {
    /// All rows of the partition.
    pub fn whole() -> Frame {
        Frame {
            unit: FrameUnit::Rows,
            start: Bound::UnboundedPreceding,
            end: Bound::UnboundedFollowing,
            exclude: Exclude::NoOthers,
            range_key: None,
        }
    }

    /// The frame of a window with ORDER BY that names none: from the start to the last row equal to the current one.
    pub fn running() -> Frame {
        Frame { unit: FrameUnit::Range, end: Bound::CurrentRow, ..Frame::whole() }
    }

    /// Whether it is all rows of the partition, for each of them.
    pub fn is_whole(&self) -> bool {
        self.start == Bound::UnboundedPreceding
            && self.end == Bound::UnboundedFollowing
            && self.exclude == Exclude::NoOthers
    }

    /// `rows between 1 preceding and current row exclude ties`.
    pub fn display(&self, names: &dyn Fn(ColumnId) -> String) -> String {
        let unit = match self.unit {
            FrameUnit::Rows => "rows",
            FrameUnit::Range => "range",
            FrameUnit::Groups => "groups",
        };
        let exclude = match self.exclude {
            Exclude::NoOthers => "",
            Exclude::CurrentRow => " exclude current row",
            Exclude::Group => " exclude group",
            Exclude::Ties => " exclude ties",
        };
        format!("{unit} between {} and {}{exclude}", self.start.display(names), self.end.display(names))
    }
}

impl Bound {
    /// The offset, where there is one.
    pub fn offset(&self) -> Option<&Expr> {
        match self {
            Bound::Preceding(offset) | Bound::Following(offset) => Some(offset),
            _ => None,
        }
    }

    fn offset_mut(&mut self) -> Option<&mut Expr> {
        match self {
            Bound::Preceding(offset) | Bound::Following(offset) => Some(offset),
            _ => None,
        }
    }

    fn display(&self, names: &dyn Fn(ColumnId) -> String) -> String {
        match self {
            Bound::UnboundedPreceding => "unbounded preceding".into(),
            Bound::Preceding(offset) => format!("{} preceding", offset.display(names)),
            Bound::CurrentRow => "current row".into(),
            Bound::Following(offset) => format!("{} following", offset.display(names)),
            Bound::UnboundedFollowing => "unbounded following".into(),
        }
    }
}

impl WindowCall {
    /// A function without arguments: ROW_NUMBER and its like.
    pub fn ranking(
        output: ColumnDef,
        function: &str,
        partition_by: Vec<ColumnId>,
        order_by: Vec<SortKey>,
    ) -> WindowCall {
        let frame = if order_by.is_empty() { Frame::whole() } else { Frame::running() };
        WindowCall {
            output,
            function: function.to_string(),
            args: Vec::new(),
            partition_by,
            order_by,
            span: None,
            frame,
            ignore_nulls: false,
            argument_order: Vec::new(),
            aggregate: None,
        }
    }

    /// The expressions that it evaluates, to be changed in place.
    pub fn expressions_mut(&mut self) -> impl Iterator<Item = &mut Expr> {
        self.args.iter_mut().chain(self.frame.start.offset_mut()).chain(self.frame.end.offset_mut())
    }

    /// The columns that it makes and names outside of expressions, to be changed in place.
    pub fn columns_mut(&mut self) -> Vec<&mut ColumnId> {
        let mut columns = vec![&mut self.output.id];
        columns.extend(&mut self.partition_by);
        columns.extend(self.order_by.iter_mut().chain(&mut self.argument_order).map(|key| &mut key.column));
        columns.extend(&mut self.frame.range_key);
        if let Some(aggregate) = &mut self.aggregate {
            columns.push(&mut aggregate.output.id);
            columns.extend(aggregate.args.iter_mut().map(|(id, _)| id));
            columns.extend(&mut aggregate.filter);
            columns.extend(aggregate.order_by.iter_mut().map(|(key, _)| &mut key.column));
        }
        columns
    }

    /// The expressions that it evaluates: arguments and offsets.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        self.args.iter().chain(self.frame.start.offset()).chain(self.frame.end.offset())
    }

    /// The columns of the input that it needs.
    pub fn reads(&self) -> Vec<ColumnId> {
        let mut columns: Vec<ColumnId> = self.expressions().flat_map(Expr::columns).collect();
        columns.extend(&self.partition_by);
        columns.extend(self.order_by.iter().chain(&self.argument_order).map(|key| key.column));
        columns.extend(self.frame.range_key);
        if let Some(aggregate) = &self.aggregate {
            columns.extend(aggregate.reads());
        }
        columns
    }

    /// `sum(amount) over (partition by region order by day)`.
    pub fn display(&self, names: &dyn Fn(ColumnId) -> String) -> String {
        let key = |key: &SortKey| {
            let descending = if key.descending { " desc" } else { "" };
            let nulls = if key.nulls_first { " nulls first" } else { "" };
            format!("{}{descending}{nulls}", names(key.column))
        };
        let keys = |keys: &[SortKey]| keys.iter().map(key).collect::<Vec<_>>().join(", ");
        let mut args: Vec<String> = self.args.iter().map(|a| a.display(names)).collect();
        let mut order = self.argument_order.clone();
        let mut call = self.function.clone();
        let mut filter = String::new();
        if let Some(aggregate) = &self.aggregate {
            args = aggregate.args.iter().map(|(id, _)| names(*id)).collect();
            if call == "count_star" {
                (call, args) = ("count".into(), vec!["*".into()]);
            }
            if aggregate.distinct {
                args.insert(0, "distinct".into());
            }
            order.extend(aggregate.order_by.iter().map(|(key, _)| *key));
            filter = aggregate.filter.map_or(filter, |id| format!(" filter (where {})", names(id)));
        }
        let mut inside = args.join(", ").replacen("distinct, ", "distinct ", 1);
        if self.ignore_nulls {
            inside.push_str(" ignore nulls");
        }
        if !order.is_empty() {
            inside.push_str(&format!(" order by {}", keys(&order)));
        }
        let mut over = Vec::new();
        if !self.partition_by.is_empty() {
            let columns: Vec<String> = self.partition_by.iter().map(|id| names(*id)).collect();
            over.push(format!("partition by {}", columns.join(", ")));
        }
        if !self.order_by.is_empty() {
            over.push(format!("order by {}", keys(&self.order_by)));
        }
        let implied = if self.order_by.is_empty() { self.frame.is_whole() } else { self.frame == Frame::running() };
        if !implied {
            over.push(self.frame.display(names));
        }
        format!("{call}({}){filter} over ({})", inside.trim(), over.join(" "))
    }
}

//! Bound expressions: every name is a column identity, every node has a type, every place in the text is remembered.

use super::logical::LogicalPlan;
use super::rename::canonical;
use crate::sql::{DataType, Span, Value};
use serde::{Deserialize, Serialize};

/// The identity of a column, unique in its query. In kernels it is named `c<id>`; display names exist only at the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ColumnId(pub u32);

impl ColumnId {
    /// The name of this column inside kernels.
    pub fn name(self) -> String {
        format!("c{}", self.0)
    }
}

impl std::fmt::Display for ColumnId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "c{}", self.0)
    }
}

/// A column of a plan: identity, type, and the name it came with (for EXPLAIN and messages only).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDef {
    pub id: ColumnId,
    pub name: String,
    pub dtype: DataType,
}

/// A bound scalar expression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expr {
    pub kind: ExprKind,
    /// The type of the value.
    pub dtype: DataType,
    /// Where it stood in the statement, for errors at run time.
    pub span: Option<Span>,
}

/// The kinds of expression. After unnesting, no subquery kind is left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ExprKind {
    /// A column of the input, or (in a correlated subquery, before unnesting) of an outer query.
    Column(ColumnId),
    Literal(Value),
    /// To `dtype`; fallible casts raise INVALID_CAST_ARGUMENT, with `lenient` (TRY_CAST) they give NULL.
    Cast {
        arg: Box<Expr>,
        lenient: bool,
    },
    /// A function or operator of [`crate::functions`] by its canonical name (`+`, `=`, `lower`); arguments already have
    /// the types that its signature asks for.
    Call {
        function: String,
        args: Vec<Expr>,
    },
    /// Three-valued; two or more parts.
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    IsNull {
        arg: Box<Expr>,
        negated: bool,
    },
    /// The first branch whose condition is true; `otherwise` or NULL. Later branches are not evaluated for those rows:
    /// a branch must not fail on rows that it does not serve.
    Case {
        branches: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    /// `arg [NOT] IN (items)`, with NULL logic; items are of arg's type.
    InList {
        arg: Box<Expr>,
        items: Vec<Expr>,
        negated: bool,
    },
    /// A subquery that gives at most one row and one column.
    ScalarSubquery(Box<LogicalPlan>),
    /// `[NOT] EXISTS (plan)`.
    Exists {
        plan: Box<LogicalPlan>,
        negated: bool,
    },
    /// `arg [NOT] IN (plan)`: the plan has one column of arg's type.
    InSubquery {
        arg: Box<Expr>,
        plan: Box<LogicalPlan>,
        negated: bool,
    },
    /// Whether `condition`, over columns of the query and of the plan, is true of any row of the plan; NULL if of none but
    /// unknown of one. `x < ALL (plan)` is that `x >= y` is true of none.
    AnySubquery {
        condition: Box<Expr>,
        plan: Box<LogicalPlan>,
    },
    /// A function of [`LAMBDAS`] over the elements of a list: `body` reads them, and their number from 1, as columns.
    Lambda {
        function: String,
        list: Box<Expr>,
        params: Vec<ColumnDef>,
        body: Box<Expr>,
        /// What `list_reduce` starts with, if not with the first element.
        initial: Option<Box<Expr>>,
    },
}

/// The functions that take a lambda, by their canonical names.
pub const LAMBDAS: &[&str] = &["list_transform", "list_filter", "list_reduce", "any_match", "all_match", "none_match"];

impl Expr {
    /// A reference to a column.
    pub fn column(id: ColumnId, dtype: DataType) -> Expr {
        Expr { kind: ExprKind::Column(id), dtype, span: None }
    }

    /// A constant.
    pub fn literal(value: Value, dtype: DataType) -> Expr {
        Expr { kind: ExprKind::Literal(value), dtype, span: None }
    }

    /// TRUE or FALSE.
    pub fn boolean(value: bool) -> Expr {
        Expr::literal(Value::Boolean(value), DataType::Boolean)
    }

    /// A call of a function or operator.
    pub fn call(function: &str, args: Vec<Expr>, dtype: DataType) -> Expr {
        Expr { kind: ExprKind::Call { function: function.to_string(), args }, dtype, span: None }
    }

    /// The conjunction of `parts`, flattened: TRUE for none, the part itself for one.
    pub fn and(parts: Vec<Expr>) -> Expr {
        let mut flat = Vec::new();
        for part in parts {
            match part.kind {
                ExprKind::And(inner) => flat.extend(inner),
                _ => flat.push(part),
            }
        }
        match flat.len() {
            0 => Expr::boolean(true),
            1 => flat.remove(0),
            _ => Expr { kind: ExprKind::And(flat), dtype: DataType::Boolean, span: None },
        }
    }

    /// The same expression, standing at `span` in the text.
    pub fn at(mut self, span: impl Into<Option<Span>>) -> Expr {
        self.span = span.into();
        self
    }

    /// This expression if it is a plain column.
    pub fn as_column(&self) -> Option<ColumnId> {
        match self.kind {
            ExprKind::Column(id) => Some(id),
            _ => None,
        }
    }

    /// The value of this expression if it is a constant.
    pub fn as_literal(&self) -> Option<&Value> {
        match &self.kind {
            ExprKind::Literal(value) => Some(value),
            _ => None,
        }
    }

    /// The direct sub-expressions, in order of evaluation; plans of subqueries are not entered.
    pub fn children(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::ScalarSubquery(_) | ExprKind::Exists { .. } => {
                vec![]
            }
            ExprKind::Cast { arg, .. } | ExprKind::Not(arg) | ExprKind::IsNull { arg, .. } => vec![arg],
            ExprKind::InSubquery { arg, .. } => vec![arg],
            ExprKind::AnySubquery { condition, .. } => vec![condition],
            ExprKind::Call { args, .. } | ExprKind::And(args) | ExprKind::Or(args) => args.iter().collect(),
            ExprKind::Case { branches, otherwise } => {
                branches.iter().flat_map(|(c, v)| [c, v]).chain(otherwise.as_deref()).collect()
            }
            ExprKind::InList { arg, items, .. } => std::iter::once(&**arg).chain(items).collect(),
            ExprKind::Lambda { list, body, initial, .. } => {
                std::iter::once(&**list).chain(initial.as_deref()).chain([&**body]).collect()
            }
        }
    }

    /// The direct sub-expressions, to be changed in place.
    pub fn children_mut(&mut self) -> Vec<&mut Expr> {
        match &mut self.kind {
            ExprKind::Column(_) | ExprKind::Literal(_) | ExprKind::ScalarSubquery(_) | ExprKind::Exists { .. } => {
                vec![]
            }
            ExprKind::Cast { arg, .. } | ExprKind::Not(arg) | ExprKind::IsNull { arg, .. } => vec![arg],
            ExprKind::InSubquery { arg, .. } => vec![arg],
            ExprKind::AnySubquery { condition, .. } => vec![condition],
            ExprKind::Call { args, .. } | ExprKind::And(args) | ExprKind::Or(args) => args.iter_mut().collect(),
            ExprKind::Case { branches, otherwise } => {
                branches.iter_mut().flat_map(|(c, v)| [c, v]).chain(otherwise.as_deref_mut()).collect()
            }
            ExprKind::InList { arg, items, .. } => std::iter::once(&mut **arg).chain(items).collect(),
            ExprKind::Lambda { list, body, initial, .. } => {
                std::iter::once(&mut **list).chain(initial.as_deref_mut()).chain([&mut **body]).collect()
            }
        }
    }

    /// Calls `visit` on this expression and everything below it, parents first.
    pub fn walk(&self, visit: &mut impl FnMut(&Expr)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// Rebuilds from the leaves up: `change` sees every node after its children.
    pub fn transform(mut self, change: &mut impl FnMut(Expr) -> Expr) -> Expr {
        for child in self.children_mut() {
            let taken = std::mem::replace(child, Expr::boolean(true));
            *child = taken.transform(change);
        }
        change(self)
    }

    /// The columns that this expression reads, in order of first use, each once.
    pub fn columns(&self) -> Vec<ColumnId> {
        let (mut found, mut own) = (Vec::new(), Vec::new());
        self.walk(&mut |e| {
            own.extend(e.parameters().iter().map(|p| p.id));
            if let ExprKind::Column(id) = e.kind
                && !found.contains(&id)
            {
                found.push(id);
            }
        });
        found.retain(|id| !own.contains(id));
        found
    }

    /// The columns that a lambda makes for its body: no columns of any input.
    pub fn parameters(&self) -> &[ColumnDef] {
        match &self.kind {
            ExprKind::Lambda { params, .. } => params,
            _ => &[],
        }
    }

    /// The plan of a subquery expression.
    pub fn subquery(&self) -> Option<&LogicalPlan> {
        match &self.kind {
            ExprKind::ScalarSubquery(plan)
            | ExprKind::Exists { plan, .. }
            | ExprKind::InSubquery { plan, .. }
            | ExprKind::AnySubquery { plan, .. } => Some(plan),
            _ => None,
        }
    }

    /// The plan of a subquery expression, to be changed in place.
    pub fn subquery_mut(&mut self) -> Option<&mut LogicalPlan> {
        match &mut self.kind {
            ExprKind::ScalarSubquery(plan)
            | ExprKind::Exists { plan, .. }
            | ExprKind::InSubquery { plan, .. }
            | ExprKind::AnySubquery { plan, .. } => Some(plan),
            _ => None,
        }
    }

    /// Whether there is a subquery in it.
    pub fn has_subquery(&self) -> bool {
        let mut found = false;
        self.walk(&mut |e| found |= e.subquery().is_some());
        found
    }

    /// Whether both compute the same value, wherever they stand in the text. Subqueries do where they differ in their columns' numbers
    /// only.
    pub fn same(&self, other: &Expr) -> bool {
        if self.subquery().is_some() {
            return other.subquery().is_some() && canonical(self) == canonical(other);
        }
        let alike = match (&self.kind, &other.kind) {
            (ExprKind::Column(a), ExprKind::Column(b)) => a == b,
            (ExprKind::Literal(a), ExprKind::Literal(b)) => a == b,
            (ExprKind::Cast { lenient: a, .. }, ExprKind::Cast { lenient: b, .. }) => a == b,
            (ExprKind::Call { function: a, .. }, ExprKind::Call { function: b, .. }) => {
                a == b && !crate::functions::find(a).is_some_and(|f| f.is_volatile())
            }
            (ExprKind::And(_), ExprKind::And(_)) | (ExprKind::Or(_), ExprKind::Or(_)) => true,
            (ExprKind::Not(_), ExprKind::Not(_)) => true,
            (ExprKind::IsNull { negated: a, .. }, ExprKind::IsNull { negated: b, .. }) => a == b,
            (ExprKind::Case { branches: a, .. }, ExprKind::Case { branches: b, .. }) => a.len() == b.len(),
            (ExprKind::InList { negated: a, .. }, ExprKind::InList { negated: b, .. }) => a == b,
            (
                ExprKind::Lambda { function: a, params, initial: i, .. },
                ExprKind::Lambda { function: b, params: others, initial: j, .. },
            ) => {
                // Parameters are named anew in every lambda.
                let alike = a == b && i.is_some() == j.is_some() && params.len() == others.len();
                return alike
                    && self.dtype == other.dtype
                    && self.children().iter().zip(other.children()).all(|(mine, theirs)| {
                        mine.same(&theirs.clone().transform(&mut |e| match e.kind {
                            ExprKind::Column(id) => match others.iter().position(|p| p.id == id) {
                                Some(i) => Expr { kind: ExprKind::Column(params[i].id), ..e },
                                None => e,
                            },
                            _ => e,
                        }))
                    });
            }
            _ => false,
        };
        if !alike || self.dtype != other.dtype {
            return false;
        }
        let (mine, theirs) = (self.children(), other.children());
        mine.len() == theirs.len() && mine.iter().zip(theirs).all(|(a, b)| a.same(b))
    }
}

//! Window function calls: `f(...) OVER (...)`, named windows, frames. A call is remembered for the window operator of its
//! SELECT, which comes after grouping and HAVING and before QUALIFY.

use super::binder::{Binder, not_supported};
use super::call::{Arguments, list_arguments, no_match, scalar};
use super::coerce::{cast, coerce, is_text_literal};
use super::expression::Clause;
use super::grouping::{Grouped, PendingAggregate, PreProjection};
use crate::functions::windows::{WindowFunction, find_window};
use crate::functions::{self, common_type};
use crate::journal::ErrorCode;
use crate::plan::expr::{ColumnDef, ColumnId, Expr, ExprKind};
use crate::plan::logical::{LogicalPlan, SortKey};
use crate::plan::window::{Bound, Exclude, Frame, FrameUnit, WindowCall};
use crate::sql::diagnostic::{Diagnostic, Result, Span};
use crate::sql::exclusion::Exclusion;
use crate::sql::suggest::{did_you_mean, similar};
use crate::sql::{DataType, Value};
use sqlparser::ast::{
    self, FunctionArgumentClause, FunctionArguments, NullTreatment, WindowFrameBound, WindowFrameUnits,
};

/// A window as it was written, with what it takes over from a named one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Specification<'q> {
    partition_by: &'q [ast::Expr],
    order_by: &'q [ast::OrderByExpr],
    frame: Option<&'q ast::WindowFrame>,
    exclude: Exclude,
}

/// A window function call that was met while binding; everything in it is still an expression.
#[derive(Debug, Clone)]
pub(super) struct PendingWindow {
    pub output: ColumnDef,
    function: String,
    args: Vec<Expr>,
    aggregate: Option<PendingAggregate>,
    ignore_nulls: bool,
    argument_order: Vec<Key>,
    partition_by: Vec<Expr>,
    order_by: Vec<Key>,
    frame: PendingFrame,
    span: Option<Span>,
}

/// A key of ORDER BY.
#[derive(Debug, Clone)]
struct Key {
    expr: Expr,
    descending: bool,
    nulls_first: bool,
}

#[derive(Debug, Clone)]
struct PendingFrame {
    unit: FrameUnit,
    start: Bound,
    end: Bound,
    exclude: Exclude,
    /// For RANGE with offsets: the key in the type of the bounds.
    range_key: Option<Expr>,
    /// What the offsets of RANGE were, for EXPLAIN.
    offsets: [String; 2],
}

fn same_all<'a>(a: impl ExactSizeIterator<Item = &'a Expr>, b: impl ExactSizeIterator<Item = &'a Expr>) -> bool {
    a.len() == b.len() && a.zip(b).all(|(a, b)| a.same(b))
}

fn same_keys(a: &[Key], b: &[Key]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(a, b)| a.descending == b.descending && a.nulls_first == b.nulls_first && a.expr.same(&b.expr))
}

fn same_bound(a: &Bound, b: &Bound) -> bool {
    match (a, b) {
        (Bound::Preceding(a), Bound::Preceding(b)) | (Bound::Following(a), Bound::Following(b)) => a.same(b),
        (Bound::Preceding(_) | Bound::Following(_), _) => false,
        (a, b) => a == b,
    }
}

impl PendingWindow {
    /// Whether both compute the same.
    fn same(&self, other: &PendingWindow) -> bool {
        self.function == other.function
            && self.ignore_nulls == other.ignore_nulls
            && same_all(self.args.iter(), other.args.iter())
            && match (&self.aggregate, &other.aggregate) {
                (None, None) => true,
                (Some(a), Some(b)) => a.same(b),
                _ => false,
            }
            && same_all(self.partition_by.iter(), other.partition_by.iter())
            && same_keys(&self.order_by, &other.order_by)
            && same_keys(&self.argument_order, &other.argument_order)
            && self.frame.unit == other.frame.unit
            && self.frame.exclude == other.frame.exclude
            && same_bound(&self.frame.start, &other.frame.start)
            && same_bound(&self.frame.end, &other.frame.end)
    }

    /// Every expression in it, to be changed in place.
    fn expressions_mut(&mut self) -> Vec<&mut Expr> {
        let mut all: Vec<&mut Expr> = self.args.iter_mut().chain(&mut self.partition_by).collect();
        all.extend(self.order_by.iter_mut().chain(&mut self.argument_order).map(|key| &mut key.expr));
        for bound in [&mut self.frame.start, &mut self.frame.end] {
            if let Bound::Preceding(offset) | Bound::Following(offset) = bound {
                all.push(offset);
            }
        }
        all.extend(&mut self.frame.range_key);
        if let Some(aggregate) = &mut self.aggregate {
            all.extend(aggregate.expressions_mut());
        }
        all
    }

    /// The same call over what a grouping yields.
    pub fn over(&mut self, grouped: &Grouped) -> Result<()> {
        for expr in self.expressions_mut() {
            let taken = std::mem::replace(expr, Expr::boolean(true));
            *expr = grouped.over(taken)?;
        }
        Ok(())
    }
}

/// `IGNORE NULLS` or `RESPECT NULLS`, behind the brackets or at their end. Where the last argument ends with a call, the parser
/// takes the words for a part of that.
fn null_treatment(call: &ast::Function) -> Option<NullTreatment> {
    let FunctionArguments::List(list) = &call.args else { return call.null_treatment };
    let written = list.clauses.iter().find_map(|clause| match clause {
        FunctionArgumentClause::IgnoreOrRespectNulls(treatment) => Some(*treatment),
        _ => None,
    });
    let mut last = match list.args.last() {
        Some(ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(expr))) => Some(expr),
        _ => None,
    };
    while let Some(ast::Expr::BinaryOp { right: end, .. } | ast::Expr::UnaryOp { expr: end, .. }) = last {
        last = Some(end);
    }
    let at_end = match last {
        Some(ast::Expr::Function(inner)) if inner.over.is_none() => inner.null_treatment,
        _ => None,
    };
    call.null_treatment.or(written).or(at_end)
}

fn invalid(message: impl Into<String>, place: Option<Span>) -> Diagnostic {
    Diagnostic::new(ErrorCode::InvalidArguments, message).at(place)
}

impl<'q> Binder<'q> {
    /// Learns the windows of a WINDOW clause, each of which may build on those before it.
    pub fn name_windows(&mut self, definitions: &'q [ast::NamedWindowDefinition]) -> Result<()> {
        for ast::NamedWindowDefinition(name, definition) in definitions {
            let place = self.span(name.span);
            let known = self.scopes.last().map(|s| &s.windows_by_name[..]).unwrap_or_default();
            if known.iter().any(|(known, _)| known.eq_ignore_ascii_case(&name.value)) {
                return Err(Diagnostic::new(
                    ErrorCode::AmbiguousName,
                    format!("window \"{}\" is defined twice", name.value),
                )
                .at(place));
            }
            let specification = match definition {
                ast::NamedWindowExpr::NamedWindow(other) => self.named_window(other)?,
                ast::NamedWindowExpr::WindowSpec(spec) => {
                    let exclude = place.and_then(|p| self.exclusion_of_definition(p.end));
                    self.specification(spec, exclude)?
                }
            };
            if let Some(scope) = self.scopes.last_mut() {
                scope.windows_by_name.push((name.value.clone(), specification));
            }
        }
        Ok(())
    }

    fn named_window(&self, name: &ast::Ident) -> Result<Specification<'q>> {
        let known = self.scopes.last().map(|s| &s.windows_by_name[..]).unwrap_or_default();
        if let Some((_, found)) = known.iter().find(|(known, _)| known.eq_ignore_ascii_case(&name.value)) {
            return Ok(*found);
        }
        let error = invalid(format!("window \"{}\" does not exist", name.value), self.span(name.span));
        Err(match did_you_mean(&similar(&name.value, known.iter().map(|(name, _)| name.as_str()))) {
            Some(hint) => error.hint(hint),
            None => error.hint("define it behind FROM and WHERE: WINDOW w AS (PARTITION BY ... ORDER BY ...)"),
        })
    }

    /// The expression with the windows that it names spelled out, as DuckDB calls its column.
    pub fn with_named_windows(&self, expr: &ast::Expr) -> ast::Expr {
        let mut expr = expr.clone();
        if self.scopes.last().is_none_or(|scope| scope.windows_by_name.is_empty()) {
            return expr;
        }
        let _ = ast::visit_expressions_mut(&mut expr, |expr| {
            if let ast::Expr::Function(ast::Function { over: Some(over), .. }) = expr {
                let (name, order_by, frame) = match &*over {
                    ast::WindowType::NamedWindow(name) => (Some(name), Vec::new(), None),
                    ast::WindowType::WindowSpec(spec) => {
                        (spec.window_name.as_ref(), spec.order_by.clone(), spec.window_frame.clone())
                    }
                };
                if let Some(base) = name.and_then(|name| self.named_window(name).ok()) {
                    *over = ast::WindowType::WindowSpec(ast::WindowSpec {
                        window_name: None,
                        partition_by: base.partition_by.to_vec(),
                        order_by: if order_by.is_empty() { base.order_by.to_vec() } else { order_by },
                        window_frame: frame.or(base.frame.cloned()),
                    });
                }
            }
            std::ops::ControlFlow::<()>::Continue(())
        });
        expr
    }

    /// What stands in the brackets, on top of the window that it names.
    fn specification(&self, spec: &'q ast::WindowSpec, exclude: Option<Exclusion>) -> Result<Specification<'q>> {
        let mut specification = Specification {
            partition_by: &spec.partition_by,
            order_by: &spec.order_by,
            frame: spec.window_frame.as_ref(),
            exclude: match exclude {
                Some(Exclusion::CurrentRow) => Exclude::CurrentRow,
                Some(Exclusion::Group) => Exclude::Group,
                Some(Exclusion::Ties) => Exclude::Ties,
                Some(Exclusion::NoOthers) | None => Exclude::NoOthers,
            },
        };
        let Some(name) = &spec.window_name else { return Ok(specification) };
        let base = self.named_window(name)?;
        let place = self.span(name.span);
        let refuse = |what: &str| Err(invalid(format!("window \"{}\" {what}", name.value), place));
        if base.frame.is_some() {
            return refuse("has a frame, so nothing can be built on it");
        }
        if !spec.partition_by.is_empty() {
            return refuse("cannot be given another PARTITION BY");
        }
        specification.partition_by = base.partition_by;
        if !base.order_by.is_empty() {
            if !spec.order_by.is_empty() {
                return refuse("has an ORDER BY already");
            }
            specification.order_by = base.order_by;
        }
        Ok(specification)
    }

    /// `f(...) OVER ...`: remembered for the window operator; the answer is the column that it will yield.
    pub fn window_call(
        &mut self,
        name: &str,
        call: &'q ast::Function,
        over: &'q ast::WindowType,
        clause: Clause,
        place: Option<Span>,
    ) -> Result<Expr> {
        clause.allow_window(place)?;
        let specification = match over {
            ast::WindowType::NamedWindow(name) => self.named_window(name)?,
            ast::WindowType::WindowSpec(spec) => {
                let exclude = place.and_then(|p| self.exclusion_of_call(p.end));
                self.specification(spec, exclude)?
            }
        };
        let mut pending = match find_window(name) {
            Some(function) => self.window_function(function, call, place)?,
            None if functions::is_aggregate(name) => self.window_aggregate(name, call, place)?,
            None if functions::find(name).is_some() => {
                let message = format!("{name} is a function of one row: it cannot stand before OVER");
                return Err(invalid(message, place).hint("window functions and aggregates can: SHOW FUNCTIONS"));
            }
            None => {
                let known = functions::windows::WINDOWS.iter().map(|f| f.name);
                let known = known.chain(functions::aggregates::AGGREGATES.iter().map(|f| f.name));
                let mismatch = functions::Mismatch::Unknown {
                    similar: similar(name, known).into_iter().map(String::from).collect(),
                };
                return Err(no_match(name, &[], mismatch, self.span_of(&call.name)));
            }
        };
        for expr in specification.partition_by {
            pending.partition_by.push(self.expression(expr, Clause::Window)?);
        }
        pending.order_by = self.keys(specification.order_by)?;
        pending.frame = self.frame(&specification, &pending.order_by, place)?;
        if pending.function == "fill" {
            check_fill(&pending)?;
        }
        let name = super::naming::column_name(&ast::Expr::Function(call.clone()));
        pending.output = self.column(name, pending.output.dtype);
        let Some(scope) = self.scopes.last_mut() else {
            return Err(invalid("a window function cannot stand here", place));
        };
        scope.window_uses += 1;
        let output = match scope.windows.iter().find(|known| known.same(&pending)) {
            Some(known) => known.output.clone(),
            None => {
                let output = pending.output.clone();
                scope.windows.push(pending);
                output
            }
        };
        Ok(Expr { kind: ExprKind::Column(output.id), dtype: output.dtype, span: place })
    }

    fn window_function(
        &mut self,
        function: &'static WindowFunction,
        call: &'q ast::Function,
        place: Option<Span>,
    ) -> Result<PendingWindow> {
        let name = function.name;
        if call.filter.is_some() {
            return Err(invalid(format!("FILTER belongs to an aggregate, and {name} is none"), place));
        }
        let ignore_nulls = null_treatment(call);
        let mut order: &[ast::OrderByExpr] = &[];
        let mut arguments = Arguments { exprs: Vec::new(), distinct: false, star: false };
        if let FunctionArguments::List(list) = &call.args {
            arguments = list_arguments(list, place)?;
            for written in &list.clauses {
                match written {
                    FunctionArgumentClause::IgnoreOrRespectNulls(_) => {}
                    FunctionArgumentClause::OrderBy(keys) if function.can_order() => order = keys,
                    _ => return Err(not_supported(format!("this clause inside {name}"), place)),
                }
            }
        }
        if ignore_nulls.is_some() && !function.can_ignore_nulls() {
            return Err(invalid(
                format!("{name} does not look at values: IGNORE and RESPECT NULLS have no meaning"),
                place,
            ));
        }
        if arguments.distinct {
            return Err(invalid(format!("DISTINCT belongs to an aggregate, and {name} is none"), place));
        }
        let mut args = Vec::new();
        for arg in arguments.exprs {
            args.push(self.expression(arg, Clause::Window)?);
        }
        if arguments.star && name != "row_number" {
            return Err(invalid(format!("{name}(*) has no meaning"), place));
        }
        let types: Vec<DataType> = args.iter().map(|a| a.dtype.clone()).collect();
        let signature = function.signature_of(&types).map_err(|m| no_match(name, &types, m, place))?;
        let mut converted = Vec::new();
        for (number, (arg, to)) in args.into_iter().zip(&signature.args).enumerate() {
            let is_count = number == 1 || name == "ntile";
            if is_count && !(arg.dtype.is_integer() || arg.dtype == DataType::Null || is_text_literal(&arg)) {
                let mismatch = functions::Mismatch::Arguments { expected: function.signature.to_string() };
                return Err(no_match(name, &types, mismatch, place));
            }
            // Defaults are cast as if the user had written so.
            let fits = arg.dtype == *to;
            let value = coerce(arg, to);
            converted.push(match value.kind {
                ExprKind::Cast { arg, .. } if !fits => cast(*arg, to.clone(), false)?,
                _ => value,
            });
        }
        let argument_order = self.keys(order)?;
        Ok(pending(
            name,
            converted,
            None,
            signature.result,
            ignore_nulls == Some(NullTreatment::IgnoreNulls),
            argument_order,
            place,
        ))
    }

    fn window_aggregate(&mut self, name: &str, call: &'q ast::Function, place: Option<Span>) -> Result<PendingWindow> {
        if null_treatment(call).is_some() {
            return Err(invalid("IGNORE and RESPECT NULLS have no meaning for aggregates", place)
                .hint("say which rows count: FILTER (WHERE x IS NOT NULL)"));
        }
        let aggregate = self.aggregate_call(name, call, Clause::Window, place)?;
        let (function, dtype) = (aggregate.function.clone(), aggregate.output.dtype.clone());
        Ok(pending(&function, Vec::new(), Some(aggregate), dtype, false, Vec::new(), place))
    }

    fn keys(&mut self, written: &'q [ast::OrderByExpr]) -> Result<Vec<Key>> {
        let mut keys = Vec::new();
        for key in written {
            let is_all = matches!(&key.expr, ast::Expr::Identifier(i) if i.quote_style.is_none() && i.value.eq_ignore_ascii_case("all"));
            if is_all {
                return Err(invalid("a window cannot be ordered by ALL", self.span_of(&key.expr)));
            }
            keys.push(Key {
                expr: self.sort_expression(&key.expr, Clause::Window)?,
                descending: matches!(key.options.sort, Some(ast::OrderBySort::Desc)),
                nulls_first: key.options.nulls_first.unwrap_or(false),
            });
        }
        Ok(keys)
    }

    fn frame(&mut self, spec: &Specification<'q>, order: &[Key], place: Option<Span>) -> Result<PendingFrame> {
        let Some(written) = spec.frame else {
            let Frame { unit, start, end, exclude, .. } =
                if order.is_empty() { Frame::whole() } else { Frame::running() };
            return Ok(PendingFrame { unit, start, end, exclude, range_key: None, offsets: Default::default() });
        };
        let unit = match written.units {
            WindowFrameUnits::Rows => FrameUnit::Rows,
            WindowFrameUnits::Range => FrameUnit::Range,
            WindowFrameUnits::Groups => FrameUnit::Groups,
        };
        let (start, end) = (&written.start_bound, written.end_bound.as_ref().unwrap_or(&WindowFrameBound::CurrentRow));
        use WindowFrameBound::{CurrentRow, Following, Preceding};
        let problem = match (start, end) {
            (Following(None), _) => Some("a frame cannot start at UNBOUNDED FOLLOWING"),
            (_, Preceding(None)) => Some("a frame cannot end at UNBOUNDED PRECEDING"),
            (CurrentRow, Preceding(_)) => Some("a frame that starts at the current row cannot end before it"),
            (Following(_), Preceding(_) | CurrentRow) => {
                Some("a frame that starts behind the current row cannot end before that")
            }
            _ => None,
        };
        if let Some(problem) = problem {
            return Err(invalid(problem, place));
        }
        let mut frame = PendingFrame {
            unit,
            start: Bound::CurrentRow,
            end: Bound::CurrentRow,
            exclude: spec.exclude,
            range_key: None,
            offsets: Default::default(),
        };
        let mut bounds = Vec::new();
        for (i, bound) in [start, end].into_iter().enumerate() {
            bounds.push(match bound {
                CurrentRow => Bound::CurrentRow,
                Preceding(None) => Bound::UnboundedPreceding,
                Following(None) => Bound::UnboundedFollowing,
                Preceding(Some(offset)) | Following(Some(offset)) => {
                    let precedes = matches!(bound, Preceding(_));
                    let mut value = self.expression(offset, Clause::Window)?;
                    if unit == FrameUnit::Range {
                        frame.offsets[i] = super::naming::column_name(offset);
                        value = range_bound(value, precedes, order, place)?;
                    } else {
                        // A literal changes its type itself, once it is known that there is a cast.
                        cast(value.clone(), DataType::BigInt, false)?;
                        value = coerce(value, &DataType::BigInt);
                    }
                    if precedes { Bound::Preceding(value) } else { Bound::Following(value) }
                }
            });
        }
        let end = bounds.pop().unwrap_or(Bound::CurrentRow);
        frame.start = bounds.pop().unwrap_or(Bound::CurrentRow);
        frame.end = end;
        if unit == FrameUnit::Range {
            unify_range(&mut frame, order)?;
        }
        Ok(frame)
    }

    /// The window operator over `plan`, with what its calls need computed below it.
    pub fn windows(&mut self, plan: LogicalPlan, pending: Vec<PendingWindow>) -> LogicalPlan {
        if pending.is_empty() {
            return plan;
        }
        let input = plan.columns();
        let mut projection = PreProjection::new(input.clone());
        for column in input {
            projection.column(self, Expr::column(column.id, column.dtype), &column.name);
        }
        let calls = pending.into_iter().map(|call| self.window_over(call, &mut projection)).collect();
        LogicalPlan::Window { input: Box::new(projection.apply(plan)), calls }
    }

    fn window_over(&mut self, call: PendingWindow, projection: &mut PreProjection) -> WindowCall {
        let mut partition_by: Vec<ColumnId> = Vec::new();
        for expr in call.partition_by.into_iter().filter(|e| !is_constant(e)) {
            let id = projection.described(self, expr).id;
            if !partition_by.contains(&id) {
                partition_by.push(id);
            }
        }
        let order_by = self.sort_keys(call.order_by, projection);
        let argument_order = self.sort_keys(call.argument_order, projection);
        let mut value = |binder: &mut Binder<'q>, expr: Expr, name: Option<&str>| match expr.kind {
            ExprKind::Literal(_) => expr,
            _ => {
                let span = expr.span;
                let def = match name {
                    Some(name) => projection.column(binder, expr, name),
                    None => projection.described(binder, expr),
                };
                Expr::column(def.id, def.dtype).at(span)
            }
        };
        let args = call.args.into_iter().map(|arg| value(self, arg, None)).collect();
        let is_range = call.frame.range_key.is_some();
        let [start_text, end_text] = &call.frame.offsets;
        let mut bound = |binder: &mut Binder<'q>, bound: Bound, text: &str| {
            let name = is_range.then_some(text);
            match bound {
                Bound::Preceding(offset) => Bound::Preceding(value(binder, offset, name)),
                Bound::Following(offset) => Bound::Following(value(binder, offset, name)),
                other => other,
            }
        };
        let start = bound(self, call.frame.start, start_text);
        let end = bound(self, call.frame.end, end_text);
        let range_key = call.frame.range_key.map(|key| projection.described(self, key).id);
        let frame = Frame { unit: call.frame.unit, start, end, exclude: call.frame.exclude, range_key };
        let aggregate = call.aggregate.map(|pending| {
            let pending = PendingAggregate { output: call.output.clone(), ..pending };
            self.aggregate_over(pending, projection)
        });
        WindowCall {
            output: call.output,
            function: call.function,
            args,
            partition_by,
            order_by,
            span: call.span,
            frame,
            ignore_nulls: call.ignore_nulls,
            argument_order,
            aggregate,
        }
    }

    /// Constants order nothing, and a column only once.
    fn sort_keys(&mut self, keys: Vec<Key>, projection: &mut PreProjection) -> Vec<SortKey> {
        let mut sort: Vec<SortKey> = Vec::new();
        for key in keys.into_iter().filter(|k| !is_constant(&k.expr)) {
            let column = projection.described(self, key.expr).id;
            if !sort.iter().any(|known| known.column == column) {
                sort.push(SortKey { column, descending: key.descending, nulls_first: key.nulls_first });
            }
        }
        sort
    }
}

fn is_constant(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Literal(_))
}

fn pending(
    function: &str,
    args: Vec<Expr>,
    aggregate: Option<PendingAggregate>,
    dtype: DataType,
    ignore_nulls: bool,
    argument_order: Vec<Key>,
    span: Option<Span>,
) -> PendingWindow {
    PendingWindow {
        // The real column is made once the whole call is bound.
        output: ColumnDef { id: ColumnId(u32::MAX), name: function.to_string(), dtype },
        function: function.to_string(),
        args,
        aggregate,
        ignore_nulls,
        argument_order,
        partition_by: Vec::new(),
        order_by: Vec::new(),
        frame: PendingFrame {
            unit: FrameUnit::Rows,
            start: Bound::UnboundedPreceding,
            end: Bound::UnboundedFollowing,
            exclude: Exclude::NoOthers,
            range_key: None,
            offsets: Default::default(),
        },
        span,
    }
}

/// The value of the key at which a RANGE frame begins or ends: the row's own, less or plus the offset.
fn range_bound(offset: Expr, precedes: bool, order: &[Key], place: Option<Span>) -> Result<Expr> {
    let [key] = order else {
        return Err(invalid("RANGE with an offset needs exactly one ORDER BY key", place)
            .hint("ROWS and GROUPS work with any ORDER BY"));
    };
    let span = offset.span;
    if offset.kind == ExprKind::Literal(Value::Null) {
        return Err(invalid("an offset of RANGE cannot be NULL", span.or(place)));
    }
    let operator = if precedes != key.descending { "-" } else { "+" };
    let (key_type, offset_type) = (key.expr.dtype.clone(), offset.dtype.clone());
    let refuse = || {
        Diagnostic::new(ErrorCode::TypeMismatch, format!("RANGE cannot go {offset_type} from a key of type {key_type}"))
            .at(span.or(place))
            .hint("the offset is a number for numeric keys, an INTERVAL for dates and times")
    };
    let is_date = matches!(key_type, DataType::Date);
    if offset_type == DataType::Varchar || (is_date && offset_type == DataType::Date) {
        return Err(refuse());
    }
    let mut key_value = key.expr.clone();
    key_value.span = None;
    let bound = scalar(operator, vec![key_value, offset], span.or(place)).map_err(|_| refuse())?;
    match common_type(&key_type, &bound.dtype) {
        Some(_) => Ok(bound),
        None => Err(refuse()),
    }
}

/// Both bounds of a RANGE frame and its key in one type.
fn unify_range(frame: &mut PendingFrame, order: &[Key]) -> Result<()> {
    let (Some(key), true) = (order.first(), frame.start.offset().or(frame.end.offset()).is_some()) else {
        return Ok(());
    };
    let mut dtype = key.expr.dtype.clone();
    for offset in [&frame.start, &frame.end].into_iter().filter_map(Bound::offset) {
        dtype = common_type(&dtype, &offset.dtype).unwrap_or(dtype);
    }
    for bound in [&mut frame.start, &mut frame.end] {
        if let Bound::Preceding(offset) | Bound::Following(offset) = bound {
            *offset = coerce(offset.clone(), &dtype);
        }
    }
    frame.range_key = Some(coerce(key.expr.clone(), &dtype));
    Ok(())
}

/// FILL draws lines: it needs numbers or times, over one such key.
fn check_fill(call: &PendingWindow) -> Result<()> {
    let draws = |t: &DataType| t.is_numeric() || t.is_temporal() || *t == DataType::Null;
    let [key] = &call.order_by[..] else {
        return Err(invalid("fill needs exactly one ORDER BY key", call.span));
    };
    let problem = |what: &str, dtype: &DataType, span| {
        Err(Diagnostic::new(
            ErrorCode::TypeMismatch,
            format!("fill needs numbers, dates or times, and {what} is {dtype}"),
        )
        .at(span))
    };
    if !draws(&key.expr.dtype) {
        return problem("the ORDER BY key", &key.expr.dtype, key.expr.span.or(call.span));
    }
    match call.args.first() {
        Some(arg) if !draws(&arg.dtype) => problem("its argument", &arg.dtype, arg.span.or(call.span)),
        _ => Ok(()),
    }
}

//! From bound expressions to nodes that evaluate.

use super::lambda::Lambda;
use super::{CompiledExpr, Members, Node, name_of};
use crate::functions::{self, Category};
use crate::journal::TaskError;
use crate::plan::{Expr, ExprKind};
use crate::sql::{DataType, Value};

/// Compiles an expression whose constants are folded.
pub(super) fn compile(expr: &Expr) -> Result<CompiledExpr, TaskError> {
    let (node, fails) = match &expr.kind {
        ExprKind::Column(id) => (Node::Column(name_of(*id)), false),
        ExprKind::Literal(value) => (Node::Constant(functions::column_of(value, &expr.dtype)?), false),
        ExprKind::Cast { arg, lenient } => {
            let fails = !lenient && functions::cast_can_fail(&arg.dtype, &expr.dtype);
            (Node::Cast { arg: Box::new(compile(arg)?), lenient: *lenient }, fails)
        }
        ExprKind::Call { function, args } => compile_call(function, args, expr)?,
        ExprKind::And(parts) => (Node::And(compile_parts(parts)?), false),
        ExprKind::Or(parts) => (Node::Or(compile_parts(parts)?), false),
        ExprKind::Not(arg) => (Node::Not(Box::new(compile(arg)?)), false),
        ExprKind::IsNull { arg, negated } => (Node::IsNull { arg: Box::new(compile(arg)?), negated: *negated }, false),
        ExprKind::Case { branches, otherwise } => (compile_case(branches, otherwise.as_deref())?, false),
        ExprKind::InList { arg, items, negated } => (compile_in_list(arg, items, *negated)?, false),
        ExprKind::Lambda { function, list, params, body, initial } => {
            let lambda = Lambda {
                function: function.clone(),
                list: compile(list)?,
                params: params.iter().map(|p| p.id).collect(),
                body: compile(body)?,
                initial: initial.as_deref().map(compile).transpose()?,
            };
            let fails = function == "list_reduce" && initial.is_none();
            (Node::Lambda(Box::new(lambda)), fails)
        }
        ExprKind::ScalarSubquery(_)
        | ExprKind::Exists { .. }
        | ExprKind::InSubquery { .. }
        | ExprKind::AnySubquery { .. } => {
            return Err(TaskError::bug("a subquery reached the kernels"));
        }
    };
    let can_fail = fails || !matches!(node, Node::Try(_)) && children(&node).any(|child| child.can_fail);
    let is_costly = looks_into_texts(expr) || children(&node).any(|child| child.is_costly);
    let columns = expr.columns().into_iter().map(name_of).collect();
    Ok(CompiledExpr { node, dtype: expr.dtype.clone(), span: expr.span, can_fail, is_costly, columns })
}

fn looks_into_texts(expr: &Expr) -> bool {
    let ExprKind::Call { function, .. } = &expr.kind else { return false };
    functions::find(function).is_some_and(|f| matches!(f.category, Category::Pattern | Category::Text))
}

/// The parts of AND or OR. Where none guards another, the cheap ones come first.
fn compile_parts(exprs: &[Expr]) -> Result<Vec<CompiledExpr>, TaskError> {
    let mut parts = compile_all(exprs)?;
    if !parts.iter().any(|part| part.can_fail) {
        parts.sort_by_key(|part| part.is_costly);
    }
    Ok(parts)
}

fn compile_all(exprs: &[Expr]) -> Result<Vec<CompiledExpr>, TaskError> {
    exprs.iter().map(compile).collect()
}

fn compile_call(name: &str, args: &[Expr], expr: &Expr) -> Result<(Node, bool), TaskError> {
    let function =
        functions::find(name).ok_or_else(|| TaskError::bug(format!("the function {name} does not exist")))?;
    match (function.name, args) {
        ("now" | "current_date" | "localtime" | "localtimestamp", _) => {
            return Ok((Node::Clock(function.name.to_string()), false));
        }
        ("coalesce" | "ifnull", _) => return Ok((Node::Coalesce(compile_all(args)?), false)),
        ("try", [arg]) => return Ok((Node::Try(Box::new(compile(arg)?)), false)),
        ("if", [condition, then, otherwise]) => {
            let node = compile_case(&[(condition.clone(), then.clone())], Some(otherwise))?;
            return Ok((node, false));
        }
        _ => {}
    }
    let types = args.iter().map(|arg| arg.dtype.clone()).collect();
    let expensive = matches!(function.category, Category::Pattern | Category::Json);
    let node = Node::Call { eval: function.eval(), args: compile_all(args)?, types, expensive };
    let constants: Vec<_> = args.iter().map(Expr::as_literal).collect();
    Ok((node, function.can_fail(&expr.dtype, &constants)))
}

fn compile_case(branches: &[(Expr, Expr)], otherwise: Option<&Expr>) -> Result<Node, TaskError> {
    let compile_branch = |(condition, value): &(Expr, Expr)| Ok((compile(condition)?, compile(value)?));
    let branches = branches.iter().map(compile_branch).collect::<Result<Vec<_>, TaskError>>()?;
    let otherwise = otherwise.map(|value| compile(value).map(Box::new)).transpose()?;
    Ok(Node::Case { branches, otherwise })
}

/// Constants become a set where their type allows it; anything else is a chain of comparisons.
fn compile_in_list(arg: &Expr, items: &[Expr], negated: bool) -> Result<Node, TaskError> {
    let constants: Option<Vec<&Value>> = items
        .iter()
        .map(|item| match &item.kind {
            ExprKind::Literal(value) => Some(value),
            _ => None,
        })
        .collect();
    if let Some(members) = constants.and_then(|values| Members::of(&values, &arg.dtype)) {
        return Ok(Node::Member { arg: Box::new(compile(arg)?), members, negated });
    }
    let equal = |item: &Expr| Expr::call("=", vec![arg.clone(), item.clone()], DataType::Boolean).at(arg.span);
    let any = match items {
        [only] => compile(&equal(only))?,
        _ => compile(&Expr {
            kind: ExprKind::Or(items.iter().map(equal).collect()),
            dtype: DataType::Boolean,
            span: None,
        })?,
    };
    Ok(if negated { Node::Not(Box::new(any)) } else { any.node })
}

/// The direct parts of a node.
fn children(node: &Node) -> Box<dyn Iterator<Item = &CompiledExpr> + '_> {
    match node {
        Node::Column(_) | Node::Constant(_) | Node::Clock(_) => Box::new(std::iter::empty()),
        Node::Cast { arg, .. }
        | Node::Not(arg)
        | Node::IsNull { arg, .. }
        | Node::Member { arg, .. }
        | Node::Try(arg) => Box::new(std::iter::once(&**arg)),
        Node::Call { args, .. } | Node::Coalesce(args) | Node::And(args) | Node::Or(args) => Box::new(args.iter()),
        Node::Lambda(lambda) => Box::new([&lambda.list, &lambda.body].into_iter().chain(lambda.initial.as_ref())),
        Node::Case { branches, otherwise } => {
            Box::new(branches.iter().flat_map(|(condition, value)| [condition, value]).chain(otherwise.as_deref()))
        }
    }
}

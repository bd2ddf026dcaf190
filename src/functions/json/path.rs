//! Paths into JSON, as DuckDB reads them: `$.a[0]."b c"`, with `*` and `[*]` for all, `/a/0` (a JSON pointer), or a plain
//! name of a member.

use crate::journal::{ErrorCode, TaskError};
use serde_json::Value;

/// One step into a value.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Member(String),
    /// From 0, or from -1 at the end.
    Element(i64),
    AllMembers,
    AllElements,
    /// Of a pointer: a member of that name, or the element of that number.
    Either(String),
}

/// A path, read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Path {
    steps: Vec<Step>,
}

fn wrong(text: &str) -> TaskError {
    TaskError::user(ErrorCode::InvalidArguments, format!("'{text}' is no path into JSON; paths look like $.name[0]"))
}

impl Path {
    /// Reads a path. INVALID_ARGUMENTS if it is none.
    pub(super) fn read(text: &str) -> Result<Path, TaskError> {
        if let Some(pointer) = text.strip_prefix('/') {
            let step = |part: &str| Step::Either(part.replace("~1", "/").replace("~0", "~"));
            return Ok(Path { steps: pointer.split('/').map(step).collect() });
        }
        let Some(mut rest) = text.strip_prefix('$') else {
            return Ok(Path { steps: vec![Step::Member(text.to_string())] });
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let (name, after) = match after.strip_prefix('"') {
                    Some(quoted) => quoted.split_once('"').ok_or_else(|| wrong(text))?,
                    None => after.split_at(after.find(['.', '[']).unwrap_or(after.len())),
                };
                match name {
                    "" => return Err(wrong(text)),
                    "*" => steps.push(Step::AllMembers),
                    name => steps.push(Step::Member(name.to_string())),
                }
                rest = after;
            } else if let Some(after) = rest.strip_prefix('[') {
                let (index, after) = after.split_once(']').ok_or_else(|| wrong(text))?;
                let quoted = index.strip_prefix('"').and_then(|i| i.strip_suffix('"'));
                match (index, quoted) {
                    (_, Some(name)) => steps.push(Step::Member(name.to_string())),
                    ("*", _) => steps.push(Step::AllElements),
                    (index, _) => {
                        let index = index.strip_prefix('#').unwrap_or(index);
                        steps.push(Step::Element(index.parse().map_err(|_| wrong(text))?));
                    }
                }
                rest = after;
            } else {
                return Err(wrong(text));
            }
        }
        Ok(Path { steps })
    }

    /// The element of that number, from 0.
    pub(super) fn element(index: i64) -> Path {
        Path { steps: vec![Step::Element(index)] }
    }

    /// Whether it may lead to several values.
    pub(super) fn is_many(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::AllMembers | Step::AllElements))
    }

    /// The value where the path leads, if there is one.
    pub(super) fn find<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.find_all(value).into_iter().next()
    }

    /// The values where the path leads, in their order.
    pub(super) fn find_all<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![value];
        for step in &self.steps {
            found = found.into_iter().flat_map(|value| step.follow(value)).collect();
        }
        found
    }
}

/// The place of the element that `index` names.
fn place(length: usize, index: i64) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

impl Step {
    fn follow<'a>(&self, value: &'a Value) -> Vec<&'a Value> {
        match (self, value) {
            (Step::Member(name), Value::Object(members)) => members.get(name).into_iter().collect(),
            (Step::Element(index), Value::Array(items)) => {
                place(items.len(), *index).and_then(|i| items.get(i)).into_iter().collect()
            }
            (Step::AllMembers, Value::Object(members)) => members.values().collect(),
            (Step::AllElements, Value::Array(items)) => items.iter().collect(),
            (Step::Either(name), Value::Object(members)) => members.get(name).into_iter().collect(),
            (Step::Either(name), Value::Array(items)) => {
                name.parse::<usize>().ok().and_then(|i| items.get(i)).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_they_say() {
        let value: Value = serde_json::from_str(r#"{"a": [1, {"b c": 2}], "d": {"e": 3, "f": 4}}"#).unwrap();
        let find =
            |path: &str| Path::read(path).unwrap().find_all(&value).iter().map(|v| v.to_string()).collect::<Vec<_>>();
        assert_eq!(find("$.a[0]"), ["1"]);
        assert_eq!(find("$.a[-1].\"b c\""), ["2"]);
        assert_eq!(find("$.a[#-1]"), [r#"{"b c":2}"#]);
        assert_eq!(find("/a/1/b c"), ["2"]);
        assert_eq!(find("$.d.*"), ["3", "4"]);
        assert_eq!(find("$.a[*]"), ["1", r#"{"b c":2}"#]);
        assert_eq!(find("d"), [r#"{"e":3,"f":4}"#]);
        assert!(find("$.a[7]").is_empty() && find("$.x.y").is_empty());
        assert!(Path::read("$a").is_err() && Path::read("$.a[").is_err() && Path::read("$.").is_err());
    }
}

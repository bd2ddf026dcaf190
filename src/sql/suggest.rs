//! "Did you mean": the names that are nearest to a mistyped one.

/// The number of single-character edits (insert, delete, replace, swap of neighbours) between two names, without case.
pub fn edit_distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let replaced = last[j] + usize::from(l != r);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

/// The candidates that `name` was probably meant to be, best first, at most three: few edits away, or one starts with
/// the other. Longer inputs than a person types as a name have none.
pub fn similar<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    const LONGEST_NAME: usize = 64;
    if name.is_empty() || name.len() > LONGEST_NAME {
        return Vec::new();
    }
    let allowed = (name.chars().count() / 3).max(1) + usize::from(name.chars().count() > 3);
    let lower = name.to_lowercase();
    let mut scored: Vec<(usize, &str)> = Vec::new();
    for candidate in candidates {
        if candidate.len() > 2 * LONGEST_NAME || scored.iter().any(|(_, c)| c.eq_ignore_ascii_case(candidate)) {
            continue;
        }
        let distance = edit_distance(name, candidate);
        let candidate_lower = candidate.to_lowercase();
        let is_prefix =
            lower.len() >= 3 && (candidate_lower.starts_with(&lower) || lower.starts_with(&candidate_lower));
        if distance <= allowed && distance < candidate.chars().count() {
            scored.push((distance, candidate));
        } else if is_prefix && candidate.len() >= 3 {
            scored.push((allowed + 1, candidate));
        }
    }
    scored.sort();
    if let Some(&(best, _)) = scored.first() {
        scored.retain(|(distance, _)| *distance <= best + usize::from(best > 1));
    }
    scored.into_iter().take(3).map(|(_, c)| c).collect()
}

/// `did you mean "a"?` or `did you mean "a", "b" or "c"?`; None without names.
pub fn did_you_mean<S: AsRef<str>>(names: &[S]) -> Option<String> {
    let quoted: Vec<String> = names.iter().map(|n| format!("\"{}\"", n.as_ref())).collect();
    Some(format!("did you mean {}?", either(&quoted)?))
}

/// `a`, `a or b`, `a, b or c`; None without parts.
pub fn either(parts: &[String]) -> Option<String> {
    let (last, rest) = parts.split_last()?;
    Some(if rest.is_empty() { last.clone() } else { format!("{} or {last}", rest.join(", ")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits_and_swaps() {
        assert_eq!(edit_distance("regoin", "region"), 1);
        assert_eq!(edit_distance("SELEC", "select"), 1);
        assert_eq!(edit_distance("", "abc"), 3);
    }

    #[test]
    fn nearest_names_come_first() {
        assert_eq!(similar("regoin", ["region", "reason", "amount"]), ["region"]);
        assert_eq!(similar("cust", ["customer_id", "region"]), ["customer_id"]);
        assert!(similar("x", ["customer_id"]).is_empty());
        assert_eq!(did_you_mean(&["a", "b", "c"]).as_deref(), Some("did you mean \"a\", \"b\" or \"c\"?"));
    }
}

//! What somebody most likely meant by a word that is not known.

/// The word of `known` that is at most `slips` mistakes away, the nearest one.
pub(super) fn nearest<'k>(typed: &str, known: impl Iterator<Item = &'k str>, slips: usize) -> Option<&'k str> {
    let near = known.map(|word| (distance(typed, word), word)).min()?;
    (near.0 <= slips).then_some(near.1)
}

/// `unknown key; did you mean login.allow?`
pub(super) fn unknown(what: &str, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("unknown {what}; did you mean {near}?"),
        None => format!("unknown {what}"),
    }
}

/// Levenshtein's distance in characters.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, left) in a.chars().enumerate() {
        let mut corner = i;
        let mut before = i + 1;
        if let Some(first) = row.first_mut() {
            *first = before;
        }
        for (right, cell) in b.chars().zip(row.iter_mut().skip(1)) {
            let change = corner + usize::from(left != right);
            corner = *cell;
            before = change.min(corner + 1).min(before + 1);
            *cell = before;
        }
    }
    row.last().copied().unwrap_or_default()
}

//! Suggestions for mistyped names.

/// The name nearest to `typed`, if one is near: letters to insert, delete, replace, or exchange with their neighbour,
/// at most half as many as the name has.
pub fn nearest<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // No name is longer; a long path needs no long table.
    let typed: String = typed.to_lowercase().chars().take(64).collect();
    let (edits, name) = names.map(|name| (strsim::osa_distance(&typed, name), name)).min()?;
    // Further off, anything resembles anything.
    (edits * 2 <= name.len()).then_some(name)
}

/// `; did you mean …?` if one of the names is near, else nothing.
pub fn did_you_mean<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> String {
    nearest(typed, names).map_or(String::new(), |name| format!("; did you mean `{name}`?"))
}

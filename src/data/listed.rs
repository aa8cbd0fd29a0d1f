//! Names of columns, for people.

/// As many columns as are named in a message.
const NAMED: usize = 8;

/// Names for people; an empty one is a column of row numbers.
pub fn listed(names: &[String]) -> String {
    let shown = |name: &String| if name.is_empty() { "the row numbers".into() } else { format!("`{name}`") };
    let texts: Vec<String> = names.iter().map(shown).collect();
    some(&texts)
}

/// The first of these texts, and how many there are beside them.
pub fn some(texts: &[String]) -> String {
    let first = texts[..texts.len().min(NAMED)].join(", ");
    match texts.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

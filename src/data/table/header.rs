//! Whether the first line of a table names the columns.

use csv::StringRecord;

use super::cell::Spelling;
use crate::data::columns::Value;

/// Whether `first` names the columns of the rows below it: some column of numbers begins with a word; or the columns are
/// called 0, 1, 2, …, as pandas calls those of an array, perhaps behind a column without a name; or they count on in another way, and
/// the last of them is none of the few values of its column; or all values are words, or numbers that count on as years do, and
/// the words of the first line do not occur again.
pub fn is_header(first: &StringRecord, rows: &[StringRecord], spelling: &Spelling) -> bool {
    let value = |text: &str| match spelling.value(text) {
        Value::Missing => None,
        Value::Number(_) => Some(true),
        Value::Date(_) | Value::Word(_) => Some(false),
    };
    let below = |column: usize| rows.iter().filter_map(move |row| row.get(column));
    let words = || (0..first.len()).filter(|&column| value(&first[column]) == Some(false));
    let over_numbers = |column: usize| {
        let kinds = || below(column).filter_map(value);
        let numbers = kinds().filter(|&number| number).count();
        numbers > 0 && 2 * numbers > kinds().count()
    };
    if words().any(over_numbers) {
        return true;
    }
    let counted = |(at, name): (usize, &str)| name.trim().parse() == Ok(at);
    let numbers = (0..first.len()).take_while(|&column| value(&first[column]) == Some(true)).count();
    if numbers >= 3 && first.iter().take(numbers).enumerate().all(counted) && numbers + 1 >= first.len() {
        return true;
    }
    let unnamed = usize::from(first.get(0).is_some_and(|name| name.trim().is_empty()));
    let counted: Vec<Option<f64>> = first.iter().skip(unnamed).map(|name| name.trim().parse().ok()).collect();
    if counted.len() >= 3 && counts(&counted) {
        let begins_at_zero = counted[0] == Some(0.0);
        return (unnamed == 1 && begins_at_zero)
            || is_new(
                first.get(first.len() - 1).unwrap_or_default(),
                &below(first.len() - 1).collect::<Vec<_>>(),
            );
    }
    let is_number = |&column: &usize| value(&first[column]) == Some(true);
    let numbers: Vec<&str> = (0..first.len()).filter(is_number).map(|column| first[column].trim()).collect();
    if words().count() == 0 || words().count() + numbers.len() < first.len() || !count_on(&numbers) {
        return false;
    }
    let again = |column: &usize| below(*column).any(|cell| cell.trim() == first[*column].trim());
    2 * words().filter(again).count() < words().count() && are_different(first)
}

/// Whether the first line has a name less than the rows below it have columns: R writes the names of the rows without one. A title
/// above the names may look like that, too.
pub fn lacks_a_name(first: &StringRecord, rows: &[StringRecord], spelling: &Spelling) -> bool {
    let is_word = |cell: &str| matches!(spelling.value(cell), Value::Word(_));
    let [second, others @ ..] = rows else { return false };
    first.iter().all(is_word)
        && first.len() > 1
        && rows.iter().all(|row| row.len() == first.len() + 1)
        && !second.iter().all(is_word)
        && !is_header(second, others, spelling)
}

/// Whether each is the one before it and 1, from 0, from 1, or from a year on.
fn counts(numbers: &[Option<f64>]) -> bool {
    let begins =
        numbers[0].is_some_and(|first| first == 0.0 || first == 1.0 || (1000.0..3000.0).contains(&first));
    begins
        && numbers.windows(2).all(|pair| pair[1].is_some() && pair[1] == pair[0].map(|number| number + 1.0))
}

/// Whether a value is none of the few values of the rows below it.
fn is_new(name: &str, below: &[&str]) -> bool {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let mut values: Vec<&str> = below.iter().map(|text| text.trim()).collect();
    values.sort_unstable();
    values.dedup();
    !below.is_empty()
        && 2 * values.len() <= below.len()
        && values.iter().all(|&value| value != name.trim() && (number(value) != number(name)))
}

/// Whether the numbers of the line, if there are any, are at least three years or the like: each is the one before it, and 1.
fn count_on(numbers: &[&str]) -> bool {
    let numbers: Vec<Option<i64>> = numbers.iter().map(|number| number.parse().ok()).collect();
    let follows =
        |pair: &[Option<i64>]| pair[1].is_some() && pair[1] == pair[0].and_then(|n| n.checked_add(1));
    numbers.is_empty() || numbers.len() >= 3 && numbers.windows(2).all(follows)
}

fn are_different(names: &StringRecord) -> bool {
    let mut names: Vec<&str> = names.iter().map(str::trim).collect();
    names.sort_unstable();
    names.windows(2).all(|pair| pair[0] != pair[1])
}

//! Dates and times: how they are written, and what a network is told of them.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// Days from the first of January of the year 1 to the beginning of 1970.
const SINCE_1970: f64 = 719_162.0;

/// The longest text that is taken for a date, in bytes.
const LONGEST: usize = 40;

/// The order of year, month and day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DateOrder {
    /// 2024-03-01, 2024/03/01, 2024-03; with a time, and with an offset to UTC or without.
    #[default]
    YearFirst,
    /// 01/03/2024, 1.3.2024, 01-03-2024, 01.03.24, the first of March.
    DayFirst,
    /// 03/01/2024, 03/01/24, the first of March.
    MonthFirst,
    /// 1 Mar 2024, 01-Mar-24, March 1, 2024, Fri, 1 Mar 2024, Mar 2024: the month is an English word.
    Named,
    /// 20240301, a number.
    Digits,
    /// 12:30, 12:30:15, 1:05 PM: a time alone, or a duration.
    Clock,
}

/// What a network is told of a date beside the days since the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatePart {
    /// 1 to 12.
    Month,
    /// 0 for Monday to 6 for Sunday.
    Weekday,
    /// 0 to less than 24, with the minutes as a fraction.
    Hour,
}

impl DatePart {
    const ALL: [Self; 3] = [Self::Month, Self::Weekday, Self::Hour];

    /// `month`, `weekday` or `hour`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Weekday => "weekday",
            Self::Hour => "hour",
        }
    }

    /// Of a time in seconds since the beginning of 1970.
    pub fn of(self, seconds: f64) -> f64 {
        let day = (seconds / DAY).floor();
        match self {
            // 1970 began with a Thursday.
            Self::Weekday => (day + 3.0).rem_euclid(7.0),
            Self::Hour => (seconds - day * DAY) / 3600.0,
            Self::Month => month_of(day),
        }
    }

    /// Those that are not the same in all of these times.
    pub fn varying(seconds: impl Iterator<Item = f64>) -> Vec<Self> {
        let mut seen: [HashSet<u64>; Self::ALL.len()] = Default::default();
        for second in seconds {
            for (part, seen) in Self::ALL.into_iter().zip(&mut seen) {
                if seen.len() < 2 {
                    seen.insert(part.of(second).to_bits());
                }
            }
        }
        Self::ALL.into_iter().zip(seen).filter(|(_, seen)| seen.len() > 1).map(|(part, _)| part).collect()
    }
}

/// A time in seconds since the beginning of 1970 as days.
pub fn days(seconds: f64) -> f64 {
    seconds / DAY
}

impl DateOrder {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::YearFirst, Self::DayFirst, Self::MonthFirst, Self::Named, Self::Digits, Self::Clock];

    /// Whether a text is a date in some order.
    pub fn fits_some(text: &str) -> bool {
        Self::ALL.iter().any(|order| order.seconds(text).is_some())
    }

    /// A text as seconds since the beginning of 1970, if it is a date in this order; of a time alone, since midnight. One with an
    /// offset is taken to UTC.
    pub fn seconds(self, text: &str) -> Option<f64> {
        let text = text.trim();
        if text.len() > LONGEST || !text.is_ascii() {
            return None;
        }
        let (Day { year, month, day }, time) = match self {
            Self::Named => named(text)?,
            Self::Digits => (digits(text)?, ""),
            Self::Clock => return duration(text),
            Self::YearFirst | Self::DayFirst | Self::MonthFirst => self.numbers(text)?,
        };
        let days = days_of(year_of(year)?, month, day.parse().ok()?)?;
        let time = if time.is_empty() { 0.0 } else { clock(time)? };
        Some(days * DAY + time)
    }

    /// Year, month and day of a date of numbers, and what follows.
    fn numbers(self, text: &str) -> Option<(Day<'_>, &str)> {
        let place = text.find([' ', 'T']);
        let (date, time) = place.map_or((text, ""), |at| (&text[..at], text[at + 1..].trim()));
        let separator = date.find(['/', '-', '.']).map(|at| &date[at..=at])?;
        let numbers: Vec<&str> = date.split(separator).collect();
        let (year, month, day) = match (self, &numbers[..]) {
            // Of two numbers only what could not be a code: 2024-03.
            (Self::YearFirst, [year, month])
                if separator == "-"
                    && (year.len(), month.len()) == (4, 2)
                    && matches!(year.as_bytes()[..], [b'1' | b'2', ..]) =>
            {
                (*year, *month, "1")
            }
            (Self::YearFirst, [year, month, day]) if year.len() == 4 => (*year, *month, *day),
            (Self::DayFirst, [day, month, year]) => (*year, *month, *day),
            (Self::MonthFirst, [month, day, year]) if separator != "." => (*year, *month, *day),
            _ => return None,
        };
        let small = |text: &str| (1..=2).contains(&text.len()) && all_digits(text);
        (small(month) && small(day)).then(|| Some((Day { year, month: month.parse().ok()?, day }, time)))?
    }

    /// For people.
    pub fn example(self) -> &'static str {
        match self {
            Self::YearFirst => "2024-03-31",
            Self::DayFirst => "31/03/2024",
            Self::MonthFirst => "03/31/2024",
            Self::Named => "31 Mar 2024",
            Self::Digits => "20240331",
            Self::Clock => "14:30",
        }
    }
}

/// A date as it is written.
struct Day<'a> {
    year: &'a str,
    month: u32,
    day: &'a str,
}

/// The names of months and of weekdays begin so; they are written whole, or with three letters.
const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// The place of a name.
fn place_of(word: &str, names: &[&str]) -> Option<usize> {
    let word = word.to_ascii_lowercase();
    names
        .iter()
        .position(|name| *name == word || name[..3] == *word || (word == "sept" && *name == "september"))
}

/// The letters or digits that a text begins with, and the rest without what separates them.
fn part(text: &str) -> (&str, &str) {
    let same: fn(&char) -> bool = match text.starts_with(|first: char| first.is_ascii_digit()) {
        true => char::is_ascii_digit,
        false => char::is_ascii_alphabetic,
    };
    let end = text.find(|letter| !same(&letter)).unwrap_or(text.len());
    (&text[..end], text[end..].trim_start_matches([' ', ',', '-', '/', '.']))
}

/// Day, month and year of a date that names the month, and what follows.
fn named(text: &str) -> Option<(Day<'_>, &str)> {
    let (first, rest) = part(text);
    let text = if place_of(first, &WEEKDAYS).is_some() { rest } else { text };
    let (first, rest) = part(text);
    let (second, after) = part(rest);
    let month = |word: &str| place_of(word, &MONTHS).map(|place| place as u32 + 1);
    if let Some(month) = month(second).filter(|_| all_digits(first)) {
        let (year, time) = part(after);
        return (first.len() <= 2).then_some((Day { year, month, day: first }, time));
    }
    let month = month(first)?;
    if second.len() == 4 {
        return Some((Day { year: second, month, day: "1" }, after));
    }
    let (year, time) = part(after);
    (year.len() == 4 && second.len() <= 2).then_some((Day { year, month, day: second }, time))
}

/// Year, month and day of a date of eight digits.
fn digits(text: &str) -> Option<Day<'_>> {
    let plausible = text.len() == 8 && all_digits(text) && (text.starts_with("19") || text.starts_with("20"));
    plausible.then(|| Some(Day { year: &text[..4], month: text[4..6].parse().ok()?, day: &text[6..] }))?
}

/// A year of four digits; of two it is from 1969 to 2068, as in Python.
fn year_of(text: &str) -> Option<i32> {
    let number: i32 = text.parse().ok().filter(|_| all_digits(text))?;
    match text.len() {
        4 => Some(number),
        2 => Some(if number < 69 { 2000 + number } else { 1900 + number }),
        _ => None,
    }
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The days from the beginning of 1970 to a date of the Gregorian calendar, if there is such a date.
fn days_of(year: i32, month: u32, day: u32) -> Option<f64> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get((month as usize).checked_sub(1)?)?;
    let before: u32 = lengths[..month as usize - 1].iter().sum();
    let past = f64::from(year - 1);
    // Days of the years before: one more in every fourth, but for three of four centuries.
    let years = past * 365.0 + (past / 4.0).floor() - (past / 100.0).floor() + (past / 400.0).floor();
    (1..=length).contains(&day).then_some(years + f64::from(before + day - 1) - SINCE_1970)
}

/// The month of the day that is so many days after the beginning of 1970.
fn month_of(day: f64) -> f64 {
    // A year has at most 366 days, so the guess is at most one too high.
    let guess = 1970 + (day / 365.2425).floor() as i32;
    let begins = |year: i32, month: u32| days_of(year, month, 1).is_some_and(|begin| begin <= day);
    let year = [guess + 1, guess, guess - 1].into_iter().find(|&year| begins(year, 1)).unwrap_or(guess);
    (1..=12).rev().find(|&month| begins(year, month)).unwrap_or(1).into()
}

/// A time of the day in seconds: 12:30, 12:30:15.5, 1:05 PM, 12:30:00Z, 12:30+01:00; that with an offset in UTC.
fn clock(text: &str) -> Option<f64> {
    let upper = text.to_ascii_uppercase();
    if let Some(time) = upper.strip_suffix('Z') {
        return local_clock(time.trim_end());
    }
    if let Some(at) = upper.find(['+', '-']) {
        let sign = if upper[at..].starts_with('+') { 1.0 } else { -1.0 };
        let offset = upper[at + 1..].replace(':', "");
        let (hours, minutes) = match offset.len() {
            2 => (&offset[..], "0"),
            4 => offset.split_at(2),
            _ => return None,
        };
        let offset = 3600.0 * number(hours, 14.0)? + 60.0 * number(minutes, 59.0)?;
        return Some(local_clock(upper[..at].trim_end())? - sign * offset);
    }
    local_clock(&upper)
}

/// A time alone: of a day, or more hours than that.
fn duration(text: &str) -> Option<f64> {
    let (first, rest) = text.split_once(':')?;
    let minutes = rest.as_bytes().get(..2)?.iter().all(u8::is_ascii_digit);
    let after = rest.as_bytes().get(2).is_none_or(|byte| !byte.is_ascii_digit());
    if !(minutes && after && all_digits(first) && first.len() <= 3) {
        return None;
    }
    if let Some(time) = local_clock(&text.to_ascii_uppercase()) {
        return Some(time);
    }
    Some(3600.0 * first.parse::<f64>().ok()? + local_clock(&format!("0:{rest}"))?)
}

/// A time without an offset, in capitals.
fn local_clock(upper: &str) -> Option<f64> {
    for (half, later) in [("AM", 0.0), ("PM", 12.0)] {
        if let Some(time) = upper.strip_suffix(half) {
            let seconds = local_clock(time.trim_end())?;
            let hour = (seconds / 3600.0).floor();
            let twelve = if hour == 12.0 { 12.0 } else { 0.0 };
            return (1.0..13.0).contains(&hour).then_some(seconds + 3600.0 * (later - twelve));
        }
    }
    let parts: Vec<&str> = upper.split(':').collect();
    let (hours, minutes, seconds) = match parts[..] {
        [hours, minutes] => (hours, minutes, "0"),
        [hours, minutes, seconds] => (hours, minutes, seconds),
        _ => return None,
    };
    // Only seconds have fractions.
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let fraction: f64 = fraction
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| format!("0.{fraction}").parse().ok())??;
    Some(3600.0 * number(hours, 23.0)? + 60.0 * number(minutes, 59.0)? + number(whole, 60.0)? + fraction)
}

/// One or two digits, up to `most`.
fn number(text: &str, most: f64) -> Option<f64> {
    let digits = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|&number| digits && number <= most)
}

/// How words are dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dates {
    /// All are, in this order.
    All(DateOrder),
    /// All are, but whether the day or the month comes first is open.
    EitherOrder,
    /// So many are, each in some order; no order fits all.
    Some(usize),
}

impl Dates {
    /// Of different words, none of which is missing.
    pub fn of<'w>(words: impl Iterator<Item = &'w str> + Clone) -> Self {
        let all = words.clone().count();
        let fit = |order: DateOrder| words.clone().filter(|word| order.seconds(word).is_some()).count();
        let counts = DateOrder::ALL.map(fit);
        let whole: Vec<DateOrder> = DateOrder::ALL
            .into_iter()
            .zip(counts)
            .filter(|&(_, count)| count == all && all > 0)
            .map(|(order, _)| order)
            .collect();
        match whole[..] {
            [order] => Self::All(order),
            [] => Self::Some(words.filter(|word| DateOrder::fits_some(word)).count()),
            _ => Self::EitherOrder,
        }
    }
}

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
    /// 01/03/2024, 1.3.2024, 01-03-2024, the first of March.
    DayFirst,
    /// 03/01/2024, the first of March.
    MonthFirst,
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
    pub const ALL: [Self; 3] = [Self::YearFirst, Self::DayFirst, Self::MonthFirst];

    /// Whether a text is a date in some order.
    pub fn fits_some(text: &str) -> bool {
        Self::ALL.iter().any(|order| order.seconds(text).is_some())
    }

    /// A text as seconds since the beginning of 1970, if it is a date in this order. One with an offset is taken to UTC.
    pub fn seconds(self, text: &str) -> Option<f64> {
        let text = text.trim();
        if text.len() > LONGEST || !text.is_ascii() || !text.starts_with(|first: char| first.is_ascii_digit())
        {
            return None;
        }
        let place = text.find([' ', 'T']);
        let (date, time) = place.map_or((text, ""), |at| (&text[..at], text[at + 1..].trim()));
        let separator = date.find(['/', '-', '.']).map(|at| &date[at..=at])?;
        let numbers: Vec<&str> = date.split(separator).collect();
        let wide = |text: &str, widths: &[usize]| {
            widths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
        };
        let (year, month, day) = match (self, &numbers[..]) {
            // Of two numbers only what could not be a code: 2024-03.
            (Self::YearFirst, [year, month])
                if separator == "-"
                    && month.len() == 2
                    && matches!(year.as_bytes()[..], [b'1' | b'2', ..]) =>
            {
                (*year, *month, "1")
            }
            (Self::YearFirst, [year, month, day]) => (*year, *month, *day),
            (Self::DayFirst, [day, month, year]) => (*year, *month, *day),
            (Self::MonthFirst, [month, day, year]) if separator != "." => (*year, *month, *day),
            _ => return None,
        };
        if !(wide(year, &[4]) && wide(month, &[1, 2]) && wide(day, &[1, 2])) {
            return None;
        }
        let days = days_of(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?)?;
        let time = if time.is_empty() { 0.0 } else { clock(time)? };
        Some(days * DAY + time)
    }

    /// For people.
    pub fn example(self) -> &'static str {
        match self {
            Self::YearFirst => "2024-03-31",
            Self::DayFirst => "31/03/2024",
            Self::MonthFirst => "03/31/2024",
        }
    }
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

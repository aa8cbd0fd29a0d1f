//! Numbers formatted for people.

/// 60000 as 60,000.
pub fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join(",")
}

/// A number of things: 1 column, 2 columns.
pub fn counted(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// A number in at most five significant digits.
pub fn short(number: f64) -> String {
    let size = number.abs();
    if number.fract() == 0.0 && size < 1e9 {
        return format!("{number}");
    }
    match size {
        1e-3..1e6 => {
            let decimals = (4 - size.log10().floor() as i32).clamp(0, 6);
            format!("{number:.*}", decimals as usize)
        }
        _ => format!("{number:.3e}"),
    }
}

/// A share, 0..1, in percent: 0.98 as 98.00 %.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// Seconds in the units that they are worth.
pub fn duration(seconds: f64) -> String {
    let (whole, minute, hour) = (seconds.round() as u64, 60, 3600);
    match whole {
        _ if seconds < 1e-3 => "under 1 ms".into(),
        _ if seconds < 1.0 => format!("{:.0} ms", 1e3 * seconds),
        _ if seconds < 59.95 => format!("{seconds:.1} s"),
        _ if whole < hour => format!("{} min {:02} s", whole / minute, whole % minute),
        _ => format!("{} h {:02} min", whole / hour, whole % hour / minute),
    }
}

#[cfg(test)]
mod tests {
    use crate::words::numerals::{counted, duration, percent, short, thousands};

    #[test]
    fn numbers_are_as_long_as_they_are_worth() {
        assert_eq!([0, 999, 60_000, 1_234_567].map(thousands), ["0", "999", "60,000", "1,234,567"]);
        assert_eq!([5.0, 0.123_456, 1234.5678, 2e-9].map(short), ["5", "0.12346", "1234.6", "2.000e-9"]);
        assert_eq!(
            [0.0194, 6.14, 754.4, 7261.0].map(duration),
            ["19 ms", "6.1 s", "12 min 34 s", "2 h 01 min"]
        );
        assert_eq!(percent(0.9789), "97.89 %");
        assert_eq!([0, 1, 2].map(|n| counted(n, "column")), ["0 columns", "1 column", "2 columns"]);
    }
}

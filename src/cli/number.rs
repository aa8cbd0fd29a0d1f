//! Numbers in options, with error messages.

use std::str::FromStr;

/// A count, or a seed.
///
/// # Errors
/// What is wrong with it.
pub(super) fn whole<T: FromStr>(text: &str) -> Result<T, String> {
    let digits = text.strip_prefix('+').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("expected a whole number, 0 or more, such as 10".into());
    }
    text.parse().map_err(|_| "the number is too large".into())
}

/// A finite number that is 0 only if it says so.
///
/// # Errors
/// What is wrong with it.
pub(super) fn real<T: FromStr + Into<f64> + Copy>(text: &str) -> Result<T, String> {
    let wrong = "expected a number such as 0.1 or 1e-3";
    let (said, number): (f64, T) = text.parse().ok().zip(text.parse().ok()).ok_or(wrong)?;
    let held: f64 = number.into();
    let digits = text.split(['e', 'E']).next().unwrap_or(text);
    let is_zero = !digits.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    match () {
        () if said.is_nan() || text.to_ascii_lowercase().contains("inf") => Err(wrong.into()),
        () if held.is_infinite() => Err("the number is too large".into()),
        () if held == 0.0 && !is_zero => Err("the number is too small to differ from 0".into()),
        () => Ok(number),
    }
}

/// A number from 0 to less than 1.
///
/// # Errors
/// If it is not one.
pub(super) fn part(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number| (0.0..1.0).contains(number));
    number.ok_or_else(|| "expected a number from 0 to less than 1".into())
}

//! From values to pixels, and the round numbers along an axis.

/// A tick from here on would not fit beside its axis as it is.
const MANY_DIGITS: f64 = 1e5;

/// A logarithmic axis has room for so many ticks.
const TICKS: usize = 6;

/// A logarithmic tick below this is shorter with an exponent.
const SMALL: f64 = 9e-4;

/// A scale with round ticks.
pub(super) struct Scale {
    /// What is linear in pixels: the value, or its logarithm.
    of: fn(f64) -> f64,
    from: f64,
    to: f64,
    pixels: (f64, f64),
    ticks: Vec<f64>,
    decimals: usize,
}

impl Scale {
    /// A linear scale over `from..to`, widened to round numbers, that maps onto `pixels`.
    pub fn new(from: f64, to: f64, pixels: (f64, f64)) -> Self {
        let span = if to > from { to - from } else { 1.0 };
        let step = round_step(span / 5.0);
        let (from, to) = ((from / step).floor() * step, ((from + span) / step - 1e-9).ceil() * step);
        let count = ((to - from) / step).round() as usize;
        let ticks = (0..=count).map(|i| from + i as f64 * step).collect();
        let decimals = (-step.log10().floor()).clamp(0.0, 6.0) as usize;
        Self { of: |value| value, from, to, pixels, ticks, decimals }
    }

    /// A linear scale over exactly `from..to`, both whole numbers, with ticks at whole ones.
    pub fn whole(from: f64, to: f64, pixels: (f64, f64)) -> Self {
        // A single value stands in the middle.
        let (from, to) = if to > from { (from, to) } else { (from - 1.0, from + 1.0) };
        let scale = Self::new(from, to, pixels);
        let is_inside = |tick: &f64| (from..=to).contains(tick) && tick.fract() == 0.0;
        let ticks = scale.ticks.into_iter().filter(is_inside).collect();
        Self { from, to, ticks, decimals: 0, ..scale }
    }

    /// A logarithmic scale over exactly `from..to`, both greater than 0, with ticks at 1, 3, 10, 30, …; over several
    /// decades there is no room for the threes.
    pub fn logarithmic(from: f64, to: f64, pixels: (f64, f64)) -> Self {
        let to = if to > from { to } else { 10.0 * from };
        let decades = from.log10().floor() as i32..=to.log10().ceil() as i32;
        let ticks = decades.flat_map(|decade| [1.0, 3.0].map(|digit| digit * 10_f64.powi(decade)));
        let mut ticks: Vec<f64> = ticks.filter(|tick| (from..=to).contains(tick)).collect();
        if ticks.len() > TICKS {
            ticks.retain(|tick| (tick.log10() - tick.log10().round()).abs() < 1e-9);
        }
        Self { of: f64::log10, from: from.log10(), to: to.log10(), pixels, ticks, decimals: 6 }
    }

    /// The pixel of a value.
    pub fn at(&self, value: f64) -> f64 {
        let (start, end) = self.pixels;
        start + ((self.of)(value) - self.from) / (self.to - self.from) * (end - start)
    }

    /// The round numbers along the axis.
    pub fn ticks(&self) -> &[f64] {
        &self.ticks
    }

    /// A share as percent, with as many decimals as it takes.
    pub fn percent(&self, tick: f64) -> String {
        format!("{:.*} %", self.decimals.saturating_sub(2), tick * 100.0)
    }

    /// A tick as short as it can be told from its neighbours.
    pub fn label(&self, tick: f64) -> String {
        if tick.abs() >= MANY_DIGITS {
            return format!("{tick:.1e}").replace(".0e", "e");
        }
        let is_log = (self.of)(10.0) == 1.0;
        if is_log && tick < SMALL {
            return format!("{tick:.0e}");
        }
        let text = format!("{tick:.*}", self.decimals);
        let zero = text.trim_start_matches('-').chars().all(|c| matches!(c, '0' | '.'));
        match (zero, is_log) {
            (true, _) => "0".into(),
            (false, true) => text.trim_end_matches('0').trim_end_matches('.').into(),
            (false, false) => text,
        }
    }
}

/// The smallest of 1, 2, 5, 10, 20, … (or 0.5, 0.2, …) that is at least `rough`.
fn round_step(rough: f64) -> f64 {
    let magnitude = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * magnitude >= rough * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * magnitude
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_values() {
        for (from, to, expected) in [
            (0.0, 1.0, "0 0.2 0.4 0.6 0.8 1.0"),
            (0.0, 13.2, "0 5 10 15"),
            (0.0, 2.4, "0 0.5 1.0 1.5 2.0 2.5"),
            (0.0, 25.0, "0 5 10 15 20 25"),
            (0.0, 1.9e8, "0 5e7 1e8 1.5e8 2e8"),
            (3.0, 3.0, "3.0 3.2 3.4 3.6 3.8 4.0"),
        ] {
            let scale = Scale::new(from, to, (0.0, 100.0));
            let labels: Vec<String> = scale.ticks().iter().map(|&tick| scale.label(tick)).collect();
            assert_eq!(labels.join(" "), expected, "{from}..{to}");
        }
    }

    #[test]
    fn a_logarithmic_axis_has_ones_and_threes() {
        let scale = Scale::logarithmic(0.03, 25.0, (0.0, 100.0));
        let labels: Vec<String> = scale.ticks().iter().map(|&tick| scale.label(tick)).collect();
        assert_eq!(labels.join(" "), "0.03 0.1 0.3 1 3 10");
        assert_eq!((scale.at(0.03), scale.at(25.0)), (0.0, 100.0));
        let wide = Scale::logarithmic(1e-6, 10.0, (0.0, 100.0));
        let labels: Vec<String> = wide.ticks().iter().map(|&tick| wide.label(tick)).collect();
        assert_eq!(labels.join(" "), "1e-6 1e-5 1e-4 0.001 0.01 0.1 1 10");
        assert!((scale.at(1.0) - scale.at(0.1) - (scale.at(10.0) - scale.at(1.0))).abs() < 1e-9);
    }

    #[test]
    fn whole_numbers_have_none_between_them() {
        for (to, expected) in [(1.0, "0 1 2"), (3.0, "1 2 3"), (11.0, "2 4 6 8 10"), (12.0, "5 10")] {
            let scale = Scale::whole(1.0, to, (0.0, 100.0));
            assert_eq!(scale.at(to), if to == 1.0 { 50.0 } else { 100.0 });
            let labels: Vec<String> = scale.ticks().iter().map(|&tick| scale.label(tick)).collect();
            assert_eq!(labels.join(" "), expected);
        }
    }

    #[test]
    fn shares_have_the_decimals_that_tell_them_apart() {
        for (from, expected) in [(0.0, "0 % 20 % 40 %"), (0.985, "98.5 % 99.0 % 99.5 %")] {
            let scale = Scale::new(from, 1.0, (0.0, 100.0));
            let labels: Vec<String> = scale.ticks()[..3].iter().map(|&tick| scale.percent(tick)).collect();
            assert_eq!(labels.join(" "), expected);
        }
    }

    #[test]
    fn values_map_onto_pixels_in_either_direction() {
        let down = Scale::new(0.0, 10.0, (100.0, 0.0));
        assert_eq!((down.at(0.0), down.at(5.0), down.at(10.0)), (100.0, 50.0, 0.0));
    }
}

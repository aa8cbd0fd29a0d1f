//! Negative controls of the comparators: what has to fail does, and the worst element is the one named.

use gpu_mlp::reference::compare::{Mismatch, Tolerance, allclose, within};

const LOOSE: Tolerance = Tolerance { atol: 1e-3, rtol: 1e-2 };
const EXACT: Tolerance = Tolerance { atol: 0.0, rtol: 0.0 };

/// The position of the worst value, and how many were too far off.
#[track_caller]
fn worst(result: Result<(), Mismatch>) -> (usize, usize) {
    match result.unwrap_err() {
        Mismatch::Values { index, count, .. } => (index, count),
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_within_the_tolerance_passes() {
    assert_eq!(allclose(&[], &[], EXACT), Ok(()));
    assert_eq!(allclose(&[0.0, -0.0, 1.5], &[-0.0, 0.0, 1.5], EXACT), Ok(()));
    // 1e-3 + 1e-2 · 2 = 0.021 on either side.
    assert_eq!(allclose(&[2.0209, 1.9791], &[2.0, 2.0], LOOSE), Ok(()));
    assert_eq!(within(&[1.0, 2.25], &[1.0, 2.0], |i| [0.0, 0.25][i]), Ok(()));
}

#[test]
fn a_bit_more_than_the_tolerance_fails() {
    for got in [2.0212, 1.9788] {
        assert_eq!(worst(allclose(&[2.0, got], &[2.0, 2.0], LOOSE)), (1, 1));
    }
    let next = f32::from_bits(1.0_f32.to_bits() + 1);
    assert_eq!(worst(allclose(&[next], &[1.0], EXACT)), (0, 1));
    assert_eq!(worst(within(&[1.0, 2.26], &[1.0, 2.0], |i| [1.0, 0.25][i])), (1, 1), "its own allowance");
}

#[test]
fn the_relative_part_follows_the_wanted_value() {
    let relative = Tolerance { atol: 0.0, rtol: 1e-3 };
    assert_eq!(allclose(&[1.0005e-30], &[1e-30], relative), Ok(()));
    assert_eq!(worst(allclose(&[1.002e-30], &[1e-30], relative)), (0, 1));
    assert_eq!(worst(allclose(&[1e-30], &[0.0], relative)), (0, 1), "zero has no relative neighbours");
    assert_eq!(allclose(&[-1.0005], &[-1.0], relative), Ok(()), "the size counts, not the sign");
    // Off by 1: allowed by 1e-3 · 1500, not by 1e-3 · 500.
    assert_eq!(worst(allclose(&[501.0], &[500.0], relative)), (0, 1));
    assert_eq!(allclose(&[1501.0], &[1500.0], relative), Ok(()));
    let absolute = Tolerance { atol: 1e-6, rtol: 0.0 };
    assert_eq!(allclose(&[1e-7], &[0.0], absolute), Ok(()));
    assert_eq!(worst(allclose(&[1e6 + 1.0], &[1e6], absolute)), (0, 1));
}

#[test]
fn nan_never_passes() {
    let all = Tolerance { atol: f64::INFINITY, rtol: 0.0 };
    for tolerance in [LOOSE, EXACT, all] {
        for (got, want) in [(f32::NAN, 1.0), (1.0, f64::NAN), (f32::NAN, f64::NAN)] {
            let result = allclose(&[1.0, got], &[1.0, want], tolerance);
            assert_eq!(worst(result), (1, 1), "{got} for {want} with {tolerance:?}");
        }
    }
    assert_eq!(worst(within(&[1.0], &[2.0], |_| f64::NAN)), (0, 1), "an allowance that is no number");
}

#[test]
fn infinities_agree_with_themselves_only() {
    let (inf, minus) = (f32::INFINITY, f32::NEG_INFINITY);
    let relative = Tolerance { atol: 0.0, rtol: 0.5 };
    for tolerance in [LOOSE, EXACT, relative] {
        assert_eq!(allclose(&[inf, minus], &[f64::INFINITY, f64::NEG_INFINITY], tolerance), Ok(()));
        for (got, want) in [(inf, 1.0), (1.0, f64::INFINITY), (minus, f64::INFINITY), (3e38, f64::INFINITY)] {
            let result = allclose(&[got], &[want], tolerance);
            assert_eq!(worst(result), (0, 1), "{got} for {want} with {tolerance:?}");
        }
    }
}

#[test]
fn a_wrong_length_fails_before_any_value() {
    assert_eq!(allclose(&[1.0], &[], LOOSE), Err(Mismatch::Length { got: 1, want: 0 }));
    assert_eq!(allclose(&[], &[1.0], LOOSE), Err(Mismatch::Length { got: 0, want: 1 }));
    let text = allclose(&[1.0, 2.0], &[1.0, 2.0, 3.0], LOOSE).unwrap_err().to_string();
    assert_eq!(text, "2 values instead of 3");
}

#[test]
fn the_worst_element_is_the_one_farthest_beyond_its_allowance() {
    // Off by 2, 10 and 3 tolerances: 10 of them, though the last is off by the largest number.
    let result = within(&[1.2, 1.1, 103.0, 1.0], &[1.0, 1.0, 100.0, 1.0], |i| [0.1, 0.01, 1.0, 0.1][i]);
    match result.clone().unwrap_err() {
        Mismatch::Values { count, of, index, got, want, allowed } => {
            assert_eq!((count, of, index), (3, 4, 1));
            assert_eq!((got, want, allowed), (f64::from(1.1_f32), 1.0, 0.01));
        }
        other => panic!("{other}"),
    }
    let text = result.unwrap_err().to_string();
    for fragment in ["3 of 4 values differ", "the worst at 1", "want 1e0", "1e-2 is allowed"] {
        assert!(text.contains(fragment), "`{fragment}` is not in: {text}");
    }
    let with_nan = within(&[5.0, f32::NAN, 9.0], &[1.0, 1.0, 1.0], |_| 0.1);
    assert_eq!(worst(with_nan), (1, 3), "NaN is worse than any number");
}

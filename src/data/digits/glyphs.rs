//! The skeletons: every digit in several writing styles, each a few strokes through a list of knots.

/// A point that a stroke runs through, in hundredths of the digit's height (x right, y down).
#[derive(Clone, Copy)]
pub struct Knot {
    pub x: u8,
    pub y: u8,
    /// The pen turns sharply here; elsewhere it goes through smoothly.
    pub corner: bool,
}

/// One pen stroke.
pub type Stroke = &'static [Knot];

/// A knot the pen goes through smoothly.
const fn s(x: u8, y: u8) -> Knot {
    Knot { x, y, corner: false }
}

/// A corner, or the end of a stroke.
const fn c(x: u8, y: u8) -> Knot {
    Knot { x, y, corner: true }
}

/// The styles of a digit, drawn with equal chance.
pub fn styles(digit: u8) -> &'static [&'static [Stroke]] {
    STYLES[usize::from(digit % 10)]
}

#[rustfmt::skip]
static STYLES: [&[&[Stroke]]; 10] = [
    // 0: round; narrow with overlapping ends; closed with a pigtail
    &[
        &[&[s(32, 0), s(8, 18), s(0, 50), s(8, 82), s(30, 100), s(54, 84), s(62, 50), s(54, 16), s(30, 1)]],
        &[&[s(44, 10), s(28, 2), s(8, 24), s(0, 60), s(8, 92), s(24, 100), s(42, 80), s(50, 44), s(44, 12), s(22, 8)]],
        &[&[s(28, 16), s(36, 2), s(10, 16), s(0, 50), s(10, 86), s(32, 100), s(56, 82), s(64, 48), s(54, 14), s(32, 2)]],
    ],
    // 1: bare stem; with a flag; with a flag and a base
    &[
        &[&[c(12, 0), s(10, 50), c(8, 100)]],
        &[&[c(0, 30), c(22, 0), c(22, 100)]],
        &[&[c(4, 28), c(26, 0), c(26, 100)], &[c(4, 100), c(50, 100)]],
    ],
    // 2: flat base; looped base; wavy base
    &[
        &[&[s(2, 24), s(10, 6), s(30, 0), s(52, 10), s(56, 32), s(38, 60), c(0, 100), c(62, 100)]],
        &[&[s(4, 20), s(14, 4), s(34, 0), s(52, 12), s(52, 34), s(40, 62), s(20, 90), s(4, 98), s(0, 86), s(14, 80), s(34, 92), s(50, 98), s(66, 90)]],
        &[&[c(4, 8), s(32, 0), s(56, 14), s(48, 40), s(26, 68), c(2, 96), s(24, 92), s(44, 100), s(64, 92)]],
    ],
    // 3: two bowls; flat top; a loop in the middle
    &[
        &[&[s(2, 12), s(22, 0), s(46, 8), s(46, 32), c(20, 46), s(48, 56), s(56, 78), s(36, 98), s(10, 98), s(0, 88)]],
        &[&[c(2, 2), c(52, 2), c(22, 40), s(46, 46), s(58, 68), s(44, 94), s(18, 100), s(0, 88)]],
        &[&[s(4, 10), s(26, 0), s(48, 12), s(42, 34), s(22, 48), s(14, 42), s(26, 40), s(46, 52), s(56, 76), s(38, 98), s(12, 100), s(0, 90)]],
    ],
    // 4: open; closed in one stroke; open and round
    &[
        &[&[c(10, 2), c(0, 56), c(60, 54)], &[c(46, 12), c(42, 100)]],
        &[&[c(42, 100), c(42, 0), c(0, 64), c(62, 64)]],
        &[&[s(6, 4), s(0, 32), s(10, 52), s(32, 52), s(52, 42)], &[c(54, 2), s(50, 50), c(44, 100)]],
    ],
    // 5: one stroke with a square shoulder; roof drawn last; S-like
    &[
        &[&[c(56, 0), c(8, 0), c(4, 44), s(30, 36), s(54, 52), s(54, 80), s(32, 98), s(4, 94)]],
        &[&[c(12, 4), s(8, 24), c(6, 46), s(30, 42), s(52, 56), s(48, 86), s(24, 100), s(0, 92)], &[c(12, 4), c(60, 0)]],
        &[&[c(58, 0), s(30, 2), s(12, 10), s(8, 40), s(32, 44), s(54, 60), s(48, 90), s(22, 100), s(0, 92)]],
    ],
    // 6: curved; leaning stem with a low loop; upright stem
    &[
        &[&[s(46, 2), s(22, 16), s(4, 48), s(4, 80), s(24, 100), s(48, 88), s(50, 64), s(30, 50), s(8, 64)]],
        &[&[c(40, 0), s(18, 34), s(2, 68), s(10, 94), s(32, 100), s(52, 84), s(46, 62), s(26, 58), s(8, 72)]],
        &[&[c(8, 0), s(2, 40), s(2, 76), s(14, 98), s(38, 98), s(50, 78), s(38, 58), s(18, 60), s(4, 76)]],
    ],
    // 7: plain; barred; with a serif and a bent stem; wavy roof
    &[
        &[&[c(0, 2), c(58, 2), s(38, 46), c(24, 100)]],
        &[&[c(0, 2), c(60, 2), s(40, 46), c(24, 100)], &[c(14, 54), c(56, 50)]],
        &[&[c(0, 20), c(2, 2), c(60, 2), s(34, 44), c(26, 100)]],
        &[&[s(0, 12), s(16, 2), s(38, 6), c(62, 2), s(42, 44), c(20, 100)]],
    ],
    // 8: one crossing stroke; two rings; open at the top
    &[
        &[&[s(50, 12), s(28, 0), s(6, 12), s(12, 36), s(44, 58), s(54, 82), s(30, 100), s(4, 84), s(12, 60), s(42, 38), s(52, 14)]],
        &[
            &[s(28, 0), s(10, 8), s(8, 32), s(28, 44), s(48, 32), s(46, 8), s(28, 0)],
            &[s(28, 44), s(4, 58), s(2, 84), s(28, 100), s(54, 84), s(52, 58), s(28, 44)],
        ],
        &[&[s(54, 6), s(30, 0), s(8, 14), s(14, 36), s(42, 56), s(52, 80), s(28, 100), s(2, 84), s(10, 60), s(36, 40), c(58, 10)]],
    ],
    // 9: straight stem; curved tail; leaning stem
    &[
        &[&[s(48, 14), s(26, 0), s(4, 14), s(4, 36), s(22, 50), s(42, 40), c(50, 10), c(46, 100)]],
        &[&[s(50, 18), s(28, 0), s(6, 12), s(4, 38), s(24, 50), s(44, 38), c(50, 14), s(52, 50), s(44, 84), s(22, 100), s(2, 90)]],
        &[&[s(50, 10), s(26, 2), s(2, 20), s(10, 46), s(36, 40), c(52, 6), s(38, 60), c(22, 100)]],
    ],
];

//! PLACEHOLDER for the generator of the built-in set: same signature, a trivial pattern. To be replaced.

/// Which half of the set: the two never share an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// What the network learns from.
    Train,
    /// What it is measured on.
    Test,
}

/// Draws `count` images of 28 x 28 bytes and their labels, 0 to 9.
pub fn draw(count: usize, split: Split, seed: u64) -> (Vec<u8>, Vec<u8>) {
    let offset = seed as usize + usize::from(split == Split::Test) * 5;
    let labels: Vec<u8> = (0..count).map(|i| ((i + offset) % 10) as u8).collect();
    let pixel =
        |label: u8, at: usize| if at / 28 / 3 == usize::from(label) { 200 + (at % 28) as u8 } else { 0 };
    let pixels = labels.iter().flat_map(|&label| (0..784).map(move |at| pixel(label, at))).collect();
    (pixels, labels)
}

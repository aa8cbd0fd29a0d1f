//! Dropout's masks: a pure function of the seed, the step, the layer and the element, so that no mask is ever stored and
//! every engine, the reference and a resumed run have the same.
//!
//! The generator is Threefry-2x32 with 20 rounds, which needs nothing but 32-bit additions, rotations and exclusive or.
//! Source: Salmon, Moraes, Dror, Shaw, *Parallel Random Numbers: As Easy as 1, 2, 3* (2011), section 3.3.

/// How many hidden units are left out, and the seed that says which.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Dropout {
    /// The probability that a unit is left out, from 0 to less than 1.
    pub rate: f32,
    /// Of the masks.
    pub seed: u64,
    /// The row of the masks that belongs to the first sample of a batch: of a part of a larger batch, where it begins there.
    pub first_row: u32,
}

/// The random words of one layer in one step.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    key: [u32; 2],
    first_row: u32,
}

impl Dropout {
    /// Whether any unit is left out.
    pub fn is_on(&self) -> bool {
        self.rate > 0.0
    }

    /// Units whose random word is below this are left out: rate · 2³², rounded.
    pub fn threshold(&self) -> u32 {
        (f64::from(self.rate) * (u64::from(u32::MAX) + 1) as f64).round() as u32
    }

    /// What the units that stay are multiplied by, so that the expected value stays: 1 / (1 - rate).
    pub fn scale(&self) -> f32 {
        (1.0 / (1.0 - f64::from(self.rate))) as f32
    }

    /// The words for what hidden layer `layer`, counted from 0, puts out in a step, counted from 0.
    pub fn words(&self, step: u32, layer: u32) -> Words {
        Words { key: threefry(self.key(), [step, layer]), first_row: self.first_row }
    }

    /// The seed as a key of the generator.
    pub fn key(&self) -> [u32; 2] {
        [self.seed as u32, (self.seed >> 32) as u32]
    }
}

impl Words {
    /// The words of units `2 pair` and `2 pair + 1` of a row of the batch.
    pub fn pair(&self, row: u32, pair: u32) -> [u32; 2] {
        threefry(self.key, [self.first_row + row, pair])
    }
}

/// A block of random words for a key and a counter.
pub fn threefry(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
    let keys = [key[0], key[1], 0x1BD1_1BDA ^ key[0] ^ key[1]];
    let mut x = [counter[0].wrapping_add(keys[0]), counter[1].wrapping_add(keys[1])];
    for group in 0..5 {
        for rotation in ROTATIONS[group % 2] {
            x[0] = x[0].wrapping_add(x[1]);
            x[1] = x[1].rotate_left(rotation) ^ x[0];
        }
        let next = group + 1;
        x[0] = x[0].wrapping_add(keys[next % 3]);
        x[1] = x[1].wrapping_add(keys[(next + 1) % 3]).wrapping_add(next as u32);
    }
    x
}

//! Random numbers with every step spelled out, so that no version of `rand` can change an image.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The random numbers of one image, or of one block of labels.
pub struct Random(ChaCha8Rng);

impl Random {
    /// Stream `index` of the cipher under the key (seed, domain): no two of them overlap.
    pub fn new(seed: u64, domain: [u8; 2], index: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..10].copy_from_slice(&domain);
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index);
        Self(rng)
    }

    /// 0 to n - 1; for the small n here no value is favoured by more than one in 2^28.
    pub fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.0.next_u32()) * n as u64) >> 32) as usize
    }

    /// From `low` to `high`: 24 random bits, all that an f32 holds exactly.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        let unit = (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32;
        low + (high - low) * unit
    }

    /// Nearly normal with mean 0 and variance 1, never beyond 3.5: four uniform numbers of 16 bits, summed.
    pub fn normal(&mut self) -> f32 {
        let (a, b) = (self.0.next_u32(), self.0.next_u32());
        let sum = (a >> 16) + (a & 0xffff) + (b >> 16) + (b & 0xffff);
        (sum as f32 / 65536.0 - 2.0) * 1.732_050_8
    }
}

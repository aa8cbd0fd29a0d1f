//! What the Rust peers do alike: `task.py` in Rust. The work, the clock and the line of JSON are described there.
//! The number of threads is the environment's `RAYON_NUM_THREADS`, which both libraries heed.

use flate2::read::GzDecoder;
use std::{collections::HashMap, env, fs, io::Read, time::Instant};

pub const RATE: f64 = 0.1;

pub struct Options(HashMap<String, String>);

impl Options {
    /// `--name value` pairs of the command line.
    pub fn read() -> Self {
        let words: Vec<String> = env::args().skip(1).collect();
        Self(words.chunks(2).map(|pair| (pair[0].replace("--", ""), pair[1].clone())).collect())
    }

    pub fn text<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.0.get(name).map_or(default, String::as_str)
    }

    pub fn number(&self, name: &str, default: f64) -> f64 {
        self.0.get(name).map_or(default, |value| value.parse().expect("a number"))
    }
}

/// Pixels from 0 to 1, `[samples, 784]`, and labels, of "train" or "t10k".
pub fn data(options: &Options, part: &str) -> (Vec<f32>, Vec<u8>) {
    let idx = |name: &str, header: usize| {
        let path = format!("{}/{part}-{name}", options.text("data", "."));
        let mut bytes = fs::read(&path).unwrap_or_default();
        if bytes.is_empty() {
            let packed = fs::File::open(format!("{path}.gz")).expect("the data's file, plain or .gz");
            GzDecoder::new(packed).read_to_end(&mut bytes).expect("a gzip file");
        }
        bytes.split_off(header)
    };
    let pixels = idx("images-idx3-ubyte", 16).iter().map(|&byte| f32::from(byte) / 255.0).collect();
    (pixels, idx("labels-idx1-ubyte", 8))
}

pub trait Peer {
    /// Shuffles, trains on the first `count` samples of the shuffle, and returns when that is done.
    fn train(&mut self, count: usize);

    /// Weights `[inputs, outputs]` and biases of each layer.
    fn parameters(&self) -> Vec<(Vec<f32>, Vec<f32>)>;
}

/// Mean cross-entropy and accuracy on the test set.
fn evaluate(options: &Options, parameters: &[(Vec<f32>, Vec<f32>)]) -> (f64, f64) {
    let (pixels, labels) = data(options, "t10k");
    let (mut loss, mut right) = (0.0, 0);
    for (sample, &label) in pixels.chunks(784).zip(&labels) {
        let mut a = sample.to_vec();
        for (layer, (weights, biases)) in parameters.iter().enumerate() {
            let mut z = biases.clone();
            for (x, row) in a.iter().zip(weights.chunks(biases.len())).filter(|(x, _)| **x != 0.0) {
                z.iter_mut().zip(row).for_each(|(z, w)| *z += x * w);
            }
            let last = layer + 1 == parameters.len();
            a = z.into_iter().map(|z| if last { z } else { z.max(0.0) }).collect();
        }
        let most = a.iter().fold(f32::MIN, |most, &z| most.max(z));
        let total: f64 = a.iter().map(|&z| f64::from(z - most).exp()).sum();
        loss += total.ln() - f64::from(a[usize::from(label)] - most);
        right += usize::from(a.iter().position(|&z| z == most) == Some(usize::from(label)));
    }
    (loss / labels.len() as f64, right as f64 / labels.len() as f64)
}

/// Warms up until the pace is steady, measures, and prints the line.
pub fn measure(
    options: &Options,
    name: &str,
    version: &str,
    backend: &str,
    samples: usize,
    peer: &mut impl Peer,
) {
    let batch = (options.number("batch", 128.0) as usize).min(samples);
    let warm = (3 * batch + samples % batch).min(samples); // whole batches and the small last one
    let (begin, mut best, mut seen) = (Instant::now(), f64::MAX, 0);
    for pass in 1..=12 {
        let start = Instant::now();
        peer.train(warm);
        seen += warm;
        let seconds = start.elapsed().as_secs_f64();
        if pass >= 3 && seconds > 0.8 * best {
            break;
        }
        best = best.min(seconds);
    }
    let affordable = (options.number("seconds", 4.0) / best * warm as f64) as usize;
    let epochs = (affordable / samples).clamp(1, options.number("epochs", 3.0) as usize);
    let count = if affordable >= samples { samples } else { (affordable / batch).max(1) * batch };
    let (warm_up, start) = (begin.elapsed().as_secs_f64(), Instant::now());
    (0..epochs).for_each(|_| peer.train(count));
    let (seconds, trained) = (start.elapsed().as_secs_f64(), epochs * count);
    let (loss, accuracy) = evaluate(options, &peer.parameters());
    let threads = env::var("RAYON_NUM_THREADS").unwrap_or("0".into());
    println!(
        "{{\"peer\": \"{name}\", \"version\": \"{version}\", \"backend\": \"{backend}\", \"threads\": {threads}, \
         \"batch\": {batch}, \"samples_per_second\": {}, \"epochs\": {:.3}, \"warm_up_seconds\": {warm_up}, \
         \"samples_seen\": {}, \"test_loss\": {loss}, \"test_accuracy\": {accuracy}}}",
        trained as f64 / seconds,
        trained as f64 / samples as f64,
        seen + trained,
    );
}

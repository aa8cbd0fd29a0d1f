//! candle on the CPU.

#[path = "../../task.rs"]
mod task;

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{Optimizer, SGD, loss};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

struct Candle {
    net: Vec<(Var, Var)>,
    sgd: SGD,
    pixels: Tensor,
    labels: Tensor,
    order: Vec<u32>,
    random: StdRng,
    batch: usize,
}

impl Candle {
    fn logits(&self, pixels: Tensor) -> Result<Tensor> {
        let mut a = pixels;
        for (layer, (w, b)) in self.net.iter().enumerate() {
            a = a.matmul(w)?.broadcast_add(b)?;
            if layer + 1 < self.net.len() {
                a = a.relu()?;
            }
        }
        Ok(a)
    }

    fn try_train(&mut self, count: usize) -> Result<()> {
        self.order.shuffle(&mut self.random);
        for rows in self.order[..count].chunks(self.batch) {
            let rows = Tensor::from_slice(rows, rows.len(), &Device::Cpu)?;
            let logits = self.logits(self.pixels.index_select(&rows, 0)?)?;
            let loss = loss::cross_entropy(&logits, &self.labels.index_select(&rows, 0)?)?;
            self.sgd.backward_step(&loss)?;
        }
        Ok(())
    }
}

impl task::Peer for Candle {
    fn train(&mut self, count: usize) {
        self.try_train(count).expect("candle trains");
    }

    fn parameters(&self) -> Vec<(Vec<f32>, Vec<f32>)> {
        let values = |var: &Var| var.flatten_all().and_then(|flat| flat.to_vec1()).expect("values");
        self.net.iter().map(|(w, b)| (values(w), values(b))).collect()
    }
}

fn main() -> Result<()> {
    let options = task::Options::read();
    let (pixels, labels) = task::data(&options, "train");
    let n = labels.len();
    let labels = labels.into_iter().map(u32::from).collect::<Vec<_>>();
    let layer = |sizes: &[usize]| -> Result<(Var, Var)> {
        let deviation = (2.0 / sizes[0] as f32).sqrt();
        let w = Var::randn(0f32, deviation, (sizes[0], sizes[1]), &Device::Cpu)?;
        Ok((w, Var::zeros(sizes[1], DType::F32, &Device::Cpu)?))
    };
    let net = [784, 300, 75, 10].windows(2).map(layer).collect::<Result<Vec<_>>>()?;
    let variables = net.iter().flat_map(|(w, b)| [w.clone(), b.clone()]).collect();
    let mut peer = Candle {
        net,
        sgd: SGD::new(variables, task::RATE)?,
        pixels: Tensor::from_vec(pixels, (n, 784), &Device::Cpu)?,
        labels: Tensor::from_vec(labels, n, &Device::Cpu)?,
        order: (0..n as u32).collect(),
        random: StdRng::seed_from_u64(options.number("seed", 1.0) as u64),
        batch: options.number("batch", 128.0) as usize,
    };
    task::measure(&options, "candle", "0.11.1", "cpu", n, &mut peer);
    Ok(())
}

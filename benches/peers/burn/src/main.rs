//! Burn: `--backend flex`, `ndarray` (CPU) or `wgpu`; `--place device` keeps the training set on the device and picks rows
//! there, `host` sends every batch, as Burn's own DataLoader does.

#[path = "../../task.rs"]
mod task;

use burn::module::{Initializer, Module, Param};
use burn::nn::{Linear, LinearConfig, loss::CrossEntropyLossConfig};
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{Device, DeviceKind, Int, Tensor, TensorData, activation::relu};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

#[derive(Module, Debug)]
struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    fn new(device: &Device) -> Self {
        let he = Initializer::KaimingNormal { gain: 2f64.sqrt(), fan_out_only: false };
        let layer = |sizes: &[usize]| {
            let mut linear = LinearConfig::new(sizes[0], sizes[1]).with_initializer(he.clone()).init(device);
            linear.bias = Some(Param::from_tensor(Tensor::zeros([sizes[1]], device)));
            linear
        };
        Self { layers: [784, 300, 75, 10].windows(2).map(layer).collect() }
    }

    fn logits(&self, pixels: Tensor<2>) -> Tensor<2> {
        let (last, hidden) = self.layers.split_last().expect("layers");
        last.forward(hidden.iter().fold(pixels, |a, layer| relu(layer.forward(a))))
    }
}

struct Burn {
    net: Mlp,
    sgd: ModuleOptimizer,
    device: Device,
    resident: Option<(Tensor<2>, Tensor<1, Int>)>,
    pixels: Vec<f32>,
    labels: Vec<i32>,
    order: Vec<i32>,
    random: StdRng,
    batch: usize,
}

impl Burn {
    fn to_device(&self, pixels: Vec<f32>, labels: Vec<i32>) -> (Tensor<2>, Tensor<1, Int>) {
        let n = labels.len();
        let pixels = Tensor::from_data(TensorData::new(pixels, [n, 784]), &self.device);
        (pixels, Tensor::from_data(TensorData::new(labels, [n]), &self.device))
    }

    fn batch(&self, rows: &[i32]) -> (Tensor<2>, Tensor<1, Int>) {
        if let Some((pixels, labels)) = &self.resident {
            let rows: Tensor<1, Int> = Tensor::from_data(TensorData::new(rows.to_vec(), [rows.len()]), &self.device);
            return (pixels.clone().select(0, rows.clone()), labels.clone().select(0, rows));
        }
        let sample = |row: &i32| self.pixels[*row as usize * 784..][..784].iter().copied();
        let labels = rows.iter().map(|&row| self.labels[row as usize]).collect();
        self.to_device(rows.iter().flat_map(sample).collect(), labels)
    }
}

impl task::Peer for Burn {
    fn train(&mut self, count: usize) {
        self.order.shuffle(&mut self.random);
        let cross_entropy = CrossEntropyLossConfig::new().init(&self.device);
        for rows in self.order[..count].chunks(self.batch) {
            let (pixels, labels) = self.batch(rows);
            let loss = cross_entropy.forward(self.net.logits(pixels), labels);
            let gradients = GradientsParams::from_grads(loss.backward(), &self.net);
            self.net = self.sgd.step(task::RATE, self.net.clone(), gradients);
        }
        self.device.sync().expect("the device finishes");
    }

    fn parameters(&self) -> Vec<(Vec<f32>, Vec<f32>)> {
        let values = |data: TensorData| data.to_vec::<f32>().expect("f32 values");
        let bias = |layer: &Linear| values(layer.bias.as_ref().expect("a bias").val().into_data());
        self.net.layers.iter().map(|layer| (values(layer.weight.val().into_data()), bias(layer))).collect()
    }
}

fn main() {
    let options = task::Options::read();
    let (backend, place) = (options.text("backend", "flex"), options.text("place", "device"));
    let plain = match backend {
        "flex" => Device::flex(),
        #[allow(deprecated)]
        "ndarray" => Device::ndarray(),
        "wgpu" => Device::wgpu(DeviceKind::DefaultDevice),
        other => panic!("--backend {other}: flex, ndarray or wgpu"),
    };
    let device = plain.autodiff();
    let seed = options.number("seed", 1.0) as u64;
    device.seed(seed);
    let (pixels, labels) = task::data(&options, "train");
    let n = labels.len();
    let mut peer = Burn {
        net: Mlp::new(&device),
        sgd: SgdConfig::new().init(),
        device,
        resident: None,
        pixels,
        labels: labels.into_iter().map(i32::from).collect(),
        order: (0..n as i32).collect(),
        random: StdRng::seed_from_u64(seed),
        batch: options.number("batch", 128.0) as usize,
    };
    if place == "device" {
        peer.resident = Some(peer.to_device(std::mem::take(&mut peer.pixels), std::mem::take(&mut peer.labels)));
    }
    task::measure(&options, "burn", "0.22.1", &format!("{backend}, data on the {place}"), n, &mut peer);
}

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

    /// The samples `from..to` of the shuffle; `order` is the shuffle on the device, where the training set is there.
    fn batch(&self, order: Option<&Tensor<1, Int>>, from: usize, to: usize) -> (Tensor<2>, Tensor<1, Int>) {
        if let (Some((pixels, labels)), Some(order)) = (&self.resident, order) {
            let rows = order.clone().slice([from..to]);
            return (pixels.clone().select(0, rows.clone()), labels.clone().select(0, rows));
        }
        let rows = &self.order[from..to];
        let mut pixels = Vec::with_capacity(rows.len() * 784);
        for &row in rows {
            pixels.extend_from_slice(&self.pixels[row as usize * 784..][..784]);
        }
        self.to_device(pixels, rows.iter().map(|&row| self.labels[row as usize]).collect())
    }
}

impl task::Peer for Burn {
    fn train(&mut self, count: usize) {
        self.order.shuffle(&mut self.random);
        let cross_entropy = CrossEntropyLossConfig::new().init(&self.device);
        let order = TensorData::new(self.order.clone(), [self.order.len()]);
        let order = self.resident.as_ref().map(|_| Tensor::from_data(order, &self.device));
        for from in (0..count).step_by(self.batch) {
            let (pixels, labels) = self.batch(order.as_ref(), from, count.min(from + self.batch));
            let loss = cross_entropy.forward(self.net.logits(pixels), labels);
            let gradients = GradientsParams::from_grads(loss.backward(), &self.net);
            self.net = self.sgd.step(task::RATE, self.net.clone(), gradients);
        }
        self.device.sync().expect("the device finishes");
    }

    fn parameters(&self) -> Vec<(Vec<f32>, Vec<f32>)> {
        let values = |data: TensorData| data.try_to_vec::<f32>().expect("f32 values");
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
        let (pixels, labels) = (std::mem::take(&mut peer.pixels), std::mem::take(&mut peer.labels));
        peer.resident = Some(peer.to_device(pixels, labels));
    }
    task::measure(&options, "burn", "0.22.1", &format!("{backend}, data on the {place}"), n, &mut peer);
}

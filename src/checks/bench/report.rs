//! The results, as `bench --json` prints them.

use serde::Serialize;

use super::Subject;
use crate::engine::EngineInfo;

/// Everything that was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Sizes of the network that was taken apart: inputs, hidden layers, classes.
    pub layers: Vec<usize>,
    /// Samples in its batch.
    pub batch_size: usize,
    /// The GPU, if there is one, and the CPU. Beside a GPU it is left out where its steps are too slow for the time given.
    pub devices: Vec<DeviceReport>,
    /// The forms of the largest layer's forward product on the GPU; none without one, or if they might take too long.
    pub forms: Vec<FormTime>,
    /// Steps of networks so small that one launch may take many of them.
    pub tiny: Vec<TinyNetwork>,
    /// Epochs of networks and batches of many sizes.
    pub sweep: Sweep,
    /// Whether somebody ended it early: what had not been measured by then is missing.
    pub interrupted: bool,
    /// How long all of it took.
    pub seconds: f64,
}

/// How the time of a kernel was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Timestamps of the device around each launch, in the order of a step.
    DeviceTimestamps,
    /// The wall clock around many repetitions in a row.
    WallClock,
}

/// One device with the network that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeviceReport {
    /// What computed.
    #[serde(flatten)]
    pub engine: EngineInfo,
    /// How the kernels were timed.
    pub clock: Clock,
    /// What the device is capable of.
    pub peak: Peak,
    /// The kernels of a step, in their order.
    pub kernels: Vec<KernelTime>,
    /// The step as it trains.
    pub step: StepTime,
}

/// The best that was seen of a device, by the wall clock.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Peak {
    /// 10⁹ additions and multiplications a second, in the product that was fastest.
    pub gflops: f64,
    /// Rows, inputs and outputs of that product.
    pub matmul: [usize; 3],
    /// Of a copy from buffer to buffer; nothing on the CPU, whose kernels are all products.
    pub copy: Option<Copied>,
}

impl Peak {
    /// The better of both in each respect: found before and after everything else, when the machine may have been
    /// busy with something of others.
    pub(super) fn or_better(self, other: Self) -> Self {
        let rate = |copy: &Option<Copied>| copy.as_ref().map_or(0.0, |copy| copy.gigabytes_per_second);
        let copy = if rate(&other.copy) > rate(&self.copy) { other.copy } else { self.copy };
        let (gflops, matmul) = match other.gflops > self.gflops {
            true => (other.gflops, other.matmul),
            false => (self.gflops, self.matmul),
        };
        Self { gflops, matmul, copy }
    }
}

/// A copy from buffer to buffer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Copied {
    /// 10⁹ bytes a second, each byte counted twice: it is read and written.
    pub gigabytes_per_second: f64,
    /// Bytes in the buffer.
    pub bytes: u64,
}

/// One kernel of a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KernelTime {
    /// The shader's file and entry point; on the CPU the kind of product.
    pub kernel: String,
    /// Rows, inputs and outputs of a product; rows and columns of anything else.
    pub shape: Vec<usize>,
    /// The median time of a launch.
    pub microseconds: f64,
    /// A launch's part in one step: less than `microseconds` where a launch serves several steps.
    pub microseconds_per_step: f64,
    /// 10⁹ additions and multiplications a second; nothing for a kernel that only moves bytes.
    pub gflops: Option<f64>,
    /// 10⁹ bytes a second of what the kernel has to read and write, counted once; nothing on the CPU.
    pub gigabytes_per_second: Option<f64>,
    /// `gflops` of the peak's; of a kernel that only moves bytes, `gigabytes_per_second` of the copy's.
    pub of_peak: Option<f64>,
}

/// A step as it trains: many in a row, submissions overlapping.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepTime {
    /// By the wall clock, in a long row of steps.
    pub microseconds: f64,
    /// The sum of the kernels' `microseconds_per_step`.
    pub kernels_microseconds: f64,
    /// How long the device is at work on a step: the same launches recorded once, many times over in one submission, by
    /// the wall clock. Nothing on the CPU.
    pub device_microseconds: Option<f64>,
    /// How long the host is at work on a step: order of the samples, recording, submission. Beside the device, so it
    /// is no part of the step's time as long as it is less. Nothing on the CPU.
    pub host_microseconds: Option<f64>,
    /// Launches in a step, without the gather.
    pub launches: Option<usize>,
    /// Steps in a submission, and to a gather.
    pub steps_per_submission: Option<usize>,
    /// Training throughput.
    pub samples_per_second: f64,
    /// 10⁹ additions and multiplications a second of the step's matrix products.
    pub gflops: f64,
}

impl StepTime {
    /// A step that takes so many seconds, and nothing else about it.
    pub(super) fn of(subject: &Subject, seconds: f64) -> Self {
        Self {
            microseconds: seconds * 1e6,
            kernels_microseconds: 0.0,
            device_microseconds: None,
            host_microseconds: None,
            launches: None,
            steps_per_submission: None,
            samples_per_second: subject.batch_size as f64 / seconds,
            gflops: subject.flops() as f64 / seconds / 1e9,
        }
    }
}

/// A product in one of its forms.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FormTime {
    /// The shader's file.
    pub form: String,
    /// Rows, inputs and outputs.
    pub shape: [usize; 3],
    /// 10⁹ additions and multiplications a second, by the wall clock over many repetitions.
    pub gflops: f64,
}

/// What a step of a very small network takes, as it trains, in microseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TinyNetwork {
    /// Its sizes: inputs, hidden layers, classes.
    pub layers: Vec<usize>,
    /// Samples in its batch.
    pub batch_size: usize,
    /// On the GPU with many steps in one launch, if there is a GPU that can do so.
    #[serde(rename = "one_launch_microseconds")]
    pub one_launch: Option<f64>,
    /// On the GPU with launches of its own for each step, if there is a GPU.
    #[serde(rename = "launches_microseconds")]
    pub launches: Option<f64>,
    /// On the CPU.
    #[serde(rename = "cpu_microseconds")]
    pub cpu: f64,
}

/// Epochs over sizes of networks and of batches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sweep {
    /// The network: `784-W-W-10`.
    pub family: String,
    /// Samples in an epoch, of which a part was timed.
    pub samples: usize,
    /// All cells, width by width.
    pub cells: Vec<SweepCell>,
    /// Where the GPU begins to be faster; nothing without a GPU, or if no cell was measured on both.
    pub crossover: Option<Crossover>,
}

/// One network and batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SweepCell {
    /// W, the size of both hidden layers.
    pub width: usize,
    /// Samples in a batch.
    pub batch_size: usize,
    /// Additions and multiplications of a step's matrix products.
    pub flops_per_step: u64,
    /// On the GPU, if there is one.
    pub gpu: Option<Epoch>,
    /// On the CPU.
    pub cpu: Epoch,
}

/// How long an epoch takes, or why nobody knows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Epoch {
    /// Timed on a part of it.
    Measured {
        /// For the sweep's number of samples.
        seconds: f64,
        /// How many of them were really trained on, by the clock.
        samples_timed: usize,
    },
    /// Not timed.
    Skipped {
        /// Why.
        skipped: &'static str,
    },
}

impl Epoch {
    /// Seconds an epoch, if they were measured.
    pub fn seconds(&self) -> Option<f64> {
        match self {
            Self::Measured { seconds, .. } => Some(*seconds),
            Self::Skipped { .. } => None,
        }
    }
}

/// Which of the two devices is faster where.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Crossover {
    /// Cells measured on both.
    pub cells: usize,
    /// Those of them in which the GPU is faster.
    pub gpu_wins: usize,
    /// The fewest additions and multiplications a step with which the GPU is faster.
    pub smallest_gpu_win: Option<u64>,
    /// The most with which the CPU is faster.
    pub largest_cpu_win: Option<u64>,
}

impl Crossover {
    /// Of all cells that were measured on both.
    pub fn of(cells: &[SweepCell]) -> Option<Self> {
        let both = |cell: &SweepCell| {
            let gpu = cell.gpu.as_ref()?.seconds()?;
            Some((cell.flops_per_step, gpu < cell.cpu.seconds()?))
        };
        let both: Vec<(u64, bool)> = cells.iter().filter_map(both).collect();
        let flops = |gpu: bool| both.iter().filter(move |cell| cell.1 == gpu).map(|cell| cell.0);
        (!both.is_empty()).then(|| Self {
            cells: both.len(),
            gpu_wins: flops(true).count(),
            smallest_gpu_win: flops(true).min(),
            largest_cpu_win: flops(false).max(),
        })
    }
}

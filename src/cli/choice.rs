//! Options that several commands share: data and device.

use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use clap::ValueEnum;

use super::number;
use super::output::told;
use super::pictures::PictureChoice;
use super::text_tables::TextChoice;
use crate::data::{self, LoadOptions, Missing, Scale, Split, TableOptions};
use crate::engine::Device;
use crate::error::{Error, Remedy, Result, Setting, message};
use crate::gpu::adapter::{self, Adapter, DeviceType, Request};
use crate::gpu::{Backend, Gpu, Precision};
use crate::memory;
use crate::network::{Activation, Activations, Task};

/// The data set.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct DataChoice {
    /// Data set: mnist, fashion-mnist, digits, or a path: CSV, JSON, .npz, .npy, Parquet, a folder of IDX files or with
    /// train.csv, a folder with one folder of images per class, or a set in parts (`gpu-mlp data shard`) [default: for a run its own data; else mnist if it is on this machine, else digits]
    #[arg(long, value_name = "NAME|PATH")]
    pub data: Option<String>,
    /// Folder of data sets to search first
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Memory for samples, such as 512MiB or 2GB; image sets that need more stay on the disk, unless they are gzip, and so do sets in parts
    #[arg(long, value_name = "SIZE", default_value_t = ByteSize(data::MEMORY_LIMIT))]
    pub memory_limit: ByteSize,
    #[command(flatten)]
    pub loading: LoadChoice,
}

/// How a data set is made from the data at a path.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct LoadChoice {
    /// For tables: the column of the labels, by name or by position from 0 or from -1; several targets as a,b,c [default: a column
    /// with a usual name such as label, class, target, y or species; else a quantity such as price, the last
    /// one if it has few values, or the first one if no other has words; in doubt that is an error]
    #[arg(long, value_name = "NAME|INDEX", allow_hyphen_values = true)]
    label_column: Option<String>,
    /// For text tables: the column of the sample weights for training, by name or by position from 0
    #[arg(long, value_name = "NAME|INDEX", allow_hyphen_values = true)]
    weight_column: Option<String>,
    /// Weights of the classes in training: name=weight,… or `balanced`, which gives every class the same total [default: every
    /// sample has weight 1]
    #[arg(long, value_name = "WEIGHTS")]
    class_weight: Option<String>,
    /// Task; auto takes words and few different whole numbers (or more that are about equally frequent) for classes, columns of 0 and 1 for labels, and other numbers for
    /// regression targets
    #[arg(long, value_enum, default_value_t = TaskChoice::Auto)]
    task: TaskChoice,
    /// Test set, in any format, if the data have none of their own
    #[arg(long, value_name = "PATH")]
    test_data: Option<PathBuf>,
    /// Without a test set, the fraction of the samples to test on, chosen at random
    #[arg(long, value_name = "F", default_value_t = LoadOptions::default().test_fraction)]
    #[arg(value_parser = number::real::<f64>)]
    test_fraction: f64,
    /// Validation set, in any format, if the data have none of their own: early stopping goes by it
    #[arg(long, value_name = "PATH")]
    validation_data: Option<PathBuf>,
    /// Without a validation set, the fraction of the training samples that is held out for validation, chosen at random
    #[arg(long, value_name = "F", default_value_t = LoadOptions::default().validation_fraction)]
    #[arg(value_parser = number::real::<f64>)]
    validation_fraction: f64,
    /// Seed of every choice of samples: to test on, to validate on, and folds
    #[arg(long, value_name = "N", default_value_t = LoadOptions::default().split_seed)]
    #[arg(value_parser = number::whole::<u64>)]
    split_seed: u64,
    /// Scaling of the inputs; it is fitted to the training set and kept in the model
    #[arg(long, value_enum, default_value_t = Scale::Auto)]
    scale: Scale,
    /// For tables: the columns to learn from, by name or by position, separated by commas [default: all that say something]
    #[arg(long, value_name = "NAMES", allow_hyphen_values = true)]
    columns: Option<String>,
    /// For tables: columns to leave out, by name or by position, separated by commas
    #[arg(long, value_name = "NAMES", allow_hyphen_values = true)]
    exclude: Option<String>,
    /// For tables: the most inputs that a column of words becomes; the rarest words share one
    #[arg(long, value_name = "N", default_value_t = LoadOptions::default().table.max_categories)]
    #[arg(value_parser = number::whole::<usize>)]
    max_categories: usize,
    /// For tables: what is done about missing values
    #[arg(long, value_enum, default_value_t = Missing::Auto)]
    missing: Missing,
    /// For .npz and .npy: which arrays are values and labels, as theirs=ours with ours X, y, x_test, y_test, x_val or y_val; or just
    /// the names of both: VALUES,LABELS [default: by their names]
    #[arg(long, value_name = "NAMES")]
    npz_keys: Option<String>,
    #[command(flatten)]
    text: TextChoice,
    #[command(flatten)]
    pictures: PictureChoice,
}

impl LoadChoice {
    pub fn options(&self) -> LoadOptions {
        LoadOptions {
            label_column: self.label_column.clone(),
            weight_column: self.weight_column.clone(),
            class_weight: self.class_weight.clone(),
            task: self.task.task(),
            test_data: self.test_data.as_deref().map(absolute),
            test_fraction: self.test_fraction,
            split_seed: self.split_seed,
            stratified: true,
            validation_data: self.validation_data.as_deref().map(absolute),
            validation_fraction: self.validation_fraction,
            validation_seed: None,
            fold: None,
            scale: self.scale,
            table: TableOptions {
                columns: self.columns.clone(),
                exclude: self.exclude.clone(),
                max_categories: self.max_categories,
                missing: self.missing,
                ..self.text.options()
            },
            pictures: self.pictures.options(),
            npz_keys: self.npz_keys.clone(),
        }
    }
}

/// The task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TaskChoice {
    Auto,
    Classification,
    Multilabel,
    Regression,
}

impl TaskChoice {
    fn task(self) -> Option<Task> {
        match self {
            Self::Auto => None,
            Self::Classification => Some(Task::Classification),
            Self::Multilabel => Some(Task::MultiLabel),
            Self::Regression => Some(Task::Regression),
        }
    }
}

/// The value of `--task` for data that do not determine it.
pub(super) fn task(text: &str) -> Result<Task, String> {
    let names = Task::ALL.map(Task::name).join(", ");
    Task::ALL.into_iter().find(|task| task.name() == text).ok_or_else(|| format!("expected one of {names}"))
}

/// An absolute path for the run's configuration, since the run may be resumed in another folder.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The value of `--split`, which clap has already checked.
pub(super) fn split(name: &str) -> Split {
    match name {
        "train" => Split::Train,
        "validation" => Split::Validation,
        _ => Split::Test,
    }
}

/// Sizes of the hidden layers.
#[derive(Debug, Clone)]
pub(super) struct Hidden(pub Vec<usize>);

impl Hidden {
    /// Whether there is memory for a network that takes so many bytes for each weight.
    ///
    /// # Errors
    /// [`Error::Usage`] if there is not, for the weights between the hidden layers alone.
    pub fn require_memory(&self, bytes_per_weight: u64) -> Result<()> {
        let weights = self
            .0
            .windows(2)
            .fold(0_u64, |sum, pair| sum.saturating_add((pair[0] as u64).saturating_mul(pair[1] as u64)));
        let what = format!("a network of hidden layers {:?}", self.0);
        memory::require(weights.saturating_mul(bytes_per_weight), &what, Remedy::smaller(&[Setting::Hidden]))
    }
}

/// The value of `--hidden`: sizes separated by commas, or nothing for no hidden layer.
pub(super) fn hidden(text: &str) -> Result<Hidden, String> {
    let size = |part: &str| match part.trim().parse::<usize>() {
        Ok(size) if size > 0 => Ok(size),
        _ => Err(format!("\"{part}\" is not a layer size: expected whole numbers such as 300,75")),
    };
    if text.trim().is_empty() {
        return Ok(Hidden(Vec::new()));
    }
    text.split(',').map(size).collect::<Result<_, _>>().map(Hidden)
}

/// The value of `--activation`: a name, or one for each hidden layer.
pub(super) fn activations(text: &str) -> Result<Activations, String> {
    text.parse().map_err(|_| {
        let names = Activation::ALL.map(Activation::name).join(", ");
        format!("expected one of {names}, or one for each hidden layer with commas between them")
    })
}

/// The option for the number of threads. All threads are made once, when the program starts.
const THREADS: &str = "threads";

/// The most threads: more than any machine has cores.
const MOST_THREADS: usize = 4096;

/// Makes as many threads as a command was asked to compute with, if it was.
///
/// # Errors
/// [`Error::Usage`] for no thread, or more than can be.
pub(super) fn make_threads(command: &clap::ArgMatches) -> Result<()> {
    let Ok(Some(&threads)) = command.try_get_one::<usize>(THREADS) else { return Ok(()) };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    match (1..=MOST_THREADS).contains(&threads) {
        true => pool.build_global().map_err(|error| Error::Internal(error.to_string())),
        false => Err(Error::usage(format!("--threads {threads}: expected 1 to {MOST_THREADS}"))),
    }
}

/// The device.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct DeviceChoice {
    /// Device type to compute on; auto takes a hardware GPU if there is one, else the CPU
    #[arg(long, value_enum, default_value_t = BackendChoice::Auto)]
    pub backend: BackendChoice,
    /// Adapter, by its index or by part of its name; `gpu-mlp devices` lists them
    #[arg(long, value_name = "NAME-PART|INDEX")]
    pub adapter: Option<String>,
    /// Round the operands of large products to this; f16 is several times as fast on GPUs that multiply matrices in hardware,
    /// and needs one
    #[arg(long, value_enum, default_value_t = Precision::F32)]
    pub precision: Precision,
    /// Have GPU kernels check every index: slower, for drivers that you do not trust
    #[arg(long)]
    pub checked: bool,
    /// Threads of the CPU to compute with; the last digits of a training depend on their number [default: one for each core]
    #[arg(long = THREADS, value_name = "N", value_parser = number::whole::<usize>)]
    pub threads: Option<usize>,
    /// Of several adapters that are as good, the one to take: processes on one machine take one each.
    #[arg(skip)]
    pub turn: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum BackendChoice {
    Auto,
    Vulkan,
    Metal,
    Dx12,
    Gl,
    Cpu,
}

impl BackendChoice {
    pub fn name(self) -> &'static str {
        match self.backend() {
            Some(backend) => backend.name(),
            None if self == Self::Cpu => "cpu",
            None => "auto",
        }
    }

    fn backend(self) -> Option<Backend> {
        match self {
            Self::Vulkan => Some(Backend::Vulkan),
            Self::Metal => Some(Backend::Metal),
            Self::Dx12 => Some(Backend::Dx12),
            Self::Gl => Some(Backend::Gl),
            Self::Auto | Self::Cpu => None,
        }
    }
}

/// What is to compute, before it is opened.
pub(super) enum Found {
    Cpu,
    Gpu(Adapter),
}

impl DeviceChoice {
    /// The CPU.
    pub fn cpu() -> Self {
        Self {
            backend: BackendChoice::Cpu,
            adapter: None,
            precision: Precision::F32,
            checked: false,
            threads: None,
            turn: 0,
        }
    }

    /// Whether the choice can be meant on this platform: a mistake to be noticed before data are read.
    pub fn check(&self) -> Result<()> {
        if let (BackendChoice::Cpu, Some(adapter)) = (self.backend, &self.adapter) {
            return Err(Error::usage(format!(
                "--adapter {adapter} names an adapter, and --backend cpu uses none: leave one of them out"
            )));
        }
        match self.backend {
            BackendChoice::Cpu if self.precision == Precision::F16 => Err(Error::usage(
                "--precision f16 is for a GPU, and --backend cpu computes in f32\n  hint: leave one of them out; to resume an f16 \
                 run on the CPU, add --precision f32",
            )),
            BackendChoice::Cpu => Ok(()),
            _ => self.request().check(),
        }
    }

    fn request(&self) -> Request {
        let backends = self.backend.backend().into_iter().collect();
        Request { backends, adapter: self.adapter.clone(), low_power: false, turn: self.turn }.or_env()
    }

    /// The device, and why it is one that may surprise.
    pub async fn find(&self) -> Result<(Found, Option<String>)> {
        self.check()?;
        if self.backend == BackendChoice::Cpu {
            return Ok((Found::Cpu, None));
        }
        let Some(adapter) = adapter::find(&self.request()).await? else {
            if self.precision == Precision::F16 {
                let hint = message![Setting::Precision.set("f32"), " trains on the CPU"];
                return Err(Error::no_adapter("--precision f16 needs a GPU, and no hardware GPU was found")
                    .hint(hint));
            }
            let notice =
                "no hardware GPU was found, so the CPU is used (`gpu-mlp devices` lists software adapters)";
            return Ok((Found::Cpu, Some(notice.into())));
        };
        let name = &adapter.summary.name;
        let software = adapter.summary.device_type == DeviceType::Cpu;
        let notice = software.then(|| {
            format!("{name} is a software adapter for testing; --backend cpu is faster on this machine")
        });
        Ok((Found::Gpu(adapter), notice))
    }

    /// The device, opened, and why it is one that may surprise.
    pub async fn open(&self) -> Result<(Device, Option<String>)> {
        let (found, notice) = self.find().await?;
        let Found::Gpu(adapter) = found else { return Ok((Device::Cpu, notice)) };
        let cache = dirs::cache_dir().map(|folder| folder.join("gpu-mlp"));
        match Gpu::open_with(&adapter, self.precision, cache.as_deref()).await {
            Ok(gpu) if self.checked => Ok((Device::Gpu(gpu.with_checks(true)), notice)),
            Ok(gpu) => Ok((Device::Gpu(gpu), notice)),
            // Nobody asked for this adapter: that it cannot be used is no reason not to compute.
            Err(reason @ Error::NoAdapter { .. }) if self.is_open() && self.precision == Precision::F32 => {
                Ok((Device::Cpu, Some(format!("the CPU is used: {}", told(&reason)))))
            }
            Err(error) => Err(error),
        }
    }

    fn is_open(&self) -> bool {
        self.backend == BackendChoice::Auto && self.request().is_open()
    }
}

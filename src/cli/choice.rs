//! Options that several commands share: which data, which device.

use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use clap::ValueEnum;

use super::number;
use super::output::{note, told};
use crate::data::{self, Dataset, LoadOptions, Preparation, Scale, Split};
use crate::engine::Device;
use crate::error::{Error, Remedy, Result, Setting};
use crate::gpu::adapter::{self, Adapter, DeviceType, Request};
use crate::gpu::{Backend, Gpu};
use crate::memory;
use crate::network::{Activation, Activations, Task};
use crate::training::checkpoint::ModelInfo;
use crate::training::run::RunDir;

/// Which data set.
#[derive(Debug, clap::Args)]
pub(super) struct DataChoice {
    /// mnist, fashion-mnist, digits, or a path: CSV, .npz, Parquet, a folder of IDX files or of class folders of images
    /// [default: a run's own; else mnist if it is here, else digits]
    #[arg(long, value_name = "NAME|PATH")]
    pub data: Option<String>,
    /// Folder of data sets to look in first
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Memory for samples, such as 512MiB or 2GB; images beyond it stay on the disk, if they are not gzip
    #[arg(long, value_name = "SIZE", default_value_t = ByteSize(data::MEMORY_LIMIT))]
    pub memory_limit: ByteSize,
    #[command(flatten)]
    pub loading: LoadChoice,
}

/// How what is at a path becomes a data set.
#[derive(Debug, clap::Args)]
pub(super) struct LoadChoice {
    /// Of a table: the column of the labels, by name or place from 0, or several targets: a,b,c [default: label, labels, class, target, y, species; else
    /// the only one of words; else, without a header, the first]
    #[arg(long, value_name = "NAME|INDEX")]
    label_column: Option<String>,
    /// Of a table of text: the column that says how much each sample counts in training, by name or place from 0
    #[arg(long, value_name = "NAME|INDEX")]
    weight_column: Option<String>,
    /// What classes count in training: `balanced`, so that each counts the same, or name=weight,… [default: every sample counts 1]
    #[arg(long, value_name = "WEIGHTS")]
    class_weight: Option<String>,
    /// What the data are for; auto sees words and few whole numbers as classes, columns of 0 and 1 as labels, other numbers
    /// as regression
    #[arg(long, value_enum, default_value_t = TaskChoice::Auto)]
    task: TaskChoice,
    /// What to test on, if the data have no test part of their own; in any form
    #[arg(long, value_name = "PATH")]
    test_data: Option<PathBuf>,
    /// Else the part of the samples to test on, chosen at random
    #[arg(long, value_name = "F", default_value_t = LoadOptions::default().test_fraction)]
    #[arg(value_parser = number::real::<f64>)]
    test_fraction: f64,
    /// How values are scaled, by what the training part has; the model keeps it
    #[arg(long, value_enum, default_value_t = Scale::Auto)]
    scale: Scale,
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
            scale: self.scale,
        }
    }
}

/// What the data are for.
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

/// The value of `--task` where the data cannot tell.
pub(super) fn task(text: &str) -> Result<Task, String> {
    let names = Task::ALL.map(Task::name).join(", ");
    Task::ALL.into_iter().find(|task| task.name() == text).ok_or_else(|| format!("expected one of {names}"))
}

/// A path as a run remembers it: it may go on from another folder.
pub(super) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Loads a data set, and says what the user should know about the choice.
pub(super) fn load(
    data: Option<&str>,
    choice: &DataChoice,
    options: &LoadOptions,
    fitted: Option<(&Preparation, usize)>,
    quiet: bool,
) -> Result<Dataset> {
    let (data_dir, memory_limit) = (choice.data_dir.as_deref(), Some(choice.memory_limit.0));
    let loaded = data::load(data::Request { data, data_dir, memory_limit, options: Some(options), fitted })?;
    if let Some(notice) = loaded.notice.filter(|_| !quiet) {
        note(&notice);
    }
    Ok(loaded.dataset)
}

/// The data for a trained model: a run's own, unless others are named. They have to fit it.
pub(super) fn load_for(model: &Path, info: &ModelInfo, choice: &DataChoice) -> Result<Dataset> {
    let (own, options) = match &choice.data {
        None if model.is_dir() => {
            let config = RunDir::open(model)?.config()?;
            (Some(config.data), config.loading)
        }
        named => (named.clone(), choice.loading.options()),
    };
    load(own.as_deref(), choice, &options, Some((&info.preparation, info.spec.inputs())), false)
}

/// The value of `--split`, which clap has already checked.
pub(super) fn split(name: &str) -> Split {
    if name == "train" { Split::Train } else { Split::Test }
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
        _ => Err(format!("\"{part}\" is no size of a layer: expected whole numbers such as 300,75")),
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

/// Which device.
#[derive(Debug, clap::Args)]
pub(super) struct DeviceChoice {
    /// What computes; auto is a hardware GPU where there is one, else the CPU
    #[arg(long, value_enum, default_value_t = BackendChoice::Auto)]
    pub backend: BackendChoice,
    /// Index or part of the name of an adapter, as `gpu-mlp devices` lists them
    #[arg(long, value_name = "NAME-PART|INDEX")]
    pub adapter: Option<String>,
    /// Have a GPU's kernels check every index, which is slower: for a driver that is not trusted
    #[arg(long)]
    pub checked: bool,
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
    /// Whether the choice can be meant on this platform: a mistake to be noticed before data are read.
    pub fn check(&self) -> Result<()> {
        if let (BackendChoice::Cpu, Some(adapter)) = (self.backend, &self.adapter) {
            return Err(Error::usage(format!(
                "--adapter {adapter} names an adapter, and --backend cpu uses none: leave one of them out"
            )));
        }
        match self.backend {
            BackendChoice::Cpu => Ok(()),
            _ => self.request().check(),
        }
    }

    fn request(&self) -> Request {
        let backends = self.backend.backend().into_iter().collect();
        Request { backends, adapter: self.adapter.clone(), low_power: false }.or_env()
    }

    /// The device, and why it is one that may surprise.
    pub async fn find(&self) -> Result<(Found, Option<String>)> {
        self.check()?;
        if self.backend == BackendChoice::Cpu {
            return Ok((Found::Cpu, None));
        }
        let Some(adapter) = adapter::find(&self.request()).await? else {
            let notice =
                "no hardware GPU found, so the CPU computes (`gpu-mlp devices` lists software adapters)";
            return Ok((Found::Cpu, Some(notice.into())));
        };
        let name = &adapter.summary.name;
        let software = adapter.summary.device_type == DeviceType::Cpu;
        let notice = software.then(|| {
            format!("{name} is a software adapter, for testing: --backend cpu is faster on this machine")
        });
        Ok((Found::Gpu(adapter), notice))
    }

    /// The device, opened, and why it is one that may surprise.
    pub async fn open(&self) -> Result<(Device, Option<String>)> {
        let (found, notice) = self.find().await?;
        let Found::Gpu(adapter) = found else { return Ok((Device::Cpu, notice)) };
        let cache = dirs::cache_dir().map(|folder| folder.join("gpu-mlp"));
        match Gpu::open_with_cache(&adapter, cache.as_deref()).await {
            Ok(gpu) if self.checked => Ok((Device::Gpu(gpu.with_checks(true)), notice)),
            Ok(gpu) => Ok((Device::Gpu(gpu), notice)),
            // Nobody asked for this adapter: that it cannot be used is no reason not to compute.
            Err(reason @ Error::NoAdapter { .. }) if self.is_open() => {
                Ok((Device::Cpu, Some(format!("the CPU computes: {}", told(&reason)))))
            }
            Err(error) => Err(error),
        }
    }

    fn is_open(&self) -> bool {
        self.backend == BackendChoice::Auto && self.request().is_open()
    }
}

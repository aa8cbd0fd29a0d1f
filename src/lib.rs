//! Multi-layer perceptrons trained with WGSL compute shaders on any GPU, or on the CPU.
//!
//! A network in ten lines, here on the CPU; [`gpu::Gpu::open`] and [`engine::open`] do the same on an adapter:
//!
//! ```
//! use gpu_mlp::data::{self, Request, Split};
//! use gpu_mlp::engine::{CpuEngine, Engine};
//! use gpu_mlp::training::{TrainConfig, Trainer, Unobserved};
//!
//! # fn main() -> gpu_mlp::Result<()> {
//! let dataset = data::load(Request { data: Some("digits"), ..Request::default() })?.dataset;
//! let config = TrainConfig { hidden: vec![32], epochs: 1, ..TrainConfig::default() };
//! let mut engine = CpuEngine::new(&config.spec(&dataset)?, config.step_options(&dataset)?);
//! pollster::block_on(async {
//!     let mut trainer = Trainer::start(&mut engine, &config, &dataset).await?;
//!     trainer.run(&mut Unobserved).await?;
//!     println!("test accuracy {:.1} %", 100.0 * trainer.history()[0].test.accuracy());
//!     let logits = engine.logits(Split::Test, &[0]).await?;
//!     assert_eq!(logits.shape(), [1, 10]);
//! #   Ok(())
//! # })
//! # }
//! ```
//!
//! `docs/architecture.md` explains how the modules depend on each other.

pub mod checks;
#[cfg(feature = "cli")]
pub mod cli;
pub mod data;
pub mod doctor;
pub mod engine;
pub mod error;
pub mod exchange;
pub mod files;
pub mod gpu;
pub mod kernels;
pub mod memory;
pub mod network;
pub mod reference;
pub mod replay;
pub mod report;
pub mod step;
pub mod tensor;
pub mod training;
pub mod words;

// Names for programs outside of this crate.
pub use checks::bench;
pub use data::inputs;
pub use files::numpy;
pub use network as model;
pub use step::{metrics, optimizer};
pub use training as trainer;
pub use training::{checkpoint, run};

pub use error::{Error, Result};
pub use tensor::Tensor;

//! Tests that need no adapter.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod activations;
mod adapter;
mod allowance;
mod as_written;
mod bench;
mod browser;
mod changed_data;
#[cfg(feature = "png")]
mod charts;
mod checkpoint;
mod cli_config;
mod cli_data_errors;
mod cli_errors;
mod cli_eval;
mod cli_resume;
mod cli_tables;
mod cli_train;
mod columns;
mod command_line;
mod compare;
mod cpu_engine;
#[cfg(feature = "tui")]
mod dashboard;
mod data;
mod dates;

mod dependencies;
mod digits;
mod doctor;
mod downloads;
mod earlier;
#[path = "../engine_options/mod.rs"]
mod engine_options;
mod ensemble;
mod errors;
mod exchange;
mod exchange_damaged;
mod exports;
mod faults;
#[cfg(feature = "fetch")]
mod fetch;
mod forms;
mod gpu_check;
mod gradcheck;
mod history;
mod house;
mod idx;
mod import_order;
mod imports;
#[cfg(unix)]
mod json_tables;
mod links;
mod lr_find;
mod memory;
#[cfg(feature = "fetch")]
mod mirror;
#[cfg(unix)]
mod misplaced;
mod model;
mod npz;
mod on_disk;
mod onnxruntime;
mod pace;
mod params;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_shards;
#[cfg(feature = "parquet")]
mod parquet_tables;
mod parts;
mod pictures;
mod pictures_as_trained;
mod pipeline_cache;
mod predict;
mod program;
mod real_tables;
mod reference;
mod replay;
mod report;
mod runs;
mod scaling;
mod scores;
mod selftest;
mod shaders;
mod show;
mod splits;
mod sweep;
mod table;
mod table_doubts;
mod tasks;
mod team;
mod tensorboard;
mod tiny;
mod trace;
mod trainer;
mod trainer_resume;
mod training_options;
mod weights;

//! gpu-mlp for Python: what `python/gpu_mlp` calls. Arrays become samples, errors become exceptions, and the library does the rest.

mod arrays;
mod calls;
mod device;
mod doctor;
mod network;
mod training;

use pyo3::prelude::*;

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::device::devices;
    #[pymodule_export]
    use super::doctor::{examine, examine_file};
    #[pymodule_export]
    use super::network::Network;
    #[cfg(feature = "program")]
    #[pymodule_export]
    use super::program::program;
    #[pymodule_export]
    use super::training::fit;
}

#[cfg(feature = "program")]
mod program {
    use super::calls;
    use pyo3::prelude::*;
    use std::ffi::OsString;

    /// Runs the program with arguments, of which the first is its name; returns the exit code.
    #[pyfunction]
    pub fn program(py: Python<'_>, arguments: Vec<OsString>) -> PyResult<u8> {
        calls::without_python(py, || Ok(gpu_mlp::cli::main(arguments)))
    }
}

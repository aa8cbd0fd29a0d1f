//! `gpu-mlp-bindgen MODULE.wasm FOLDER NAME`: writes the module into a folder, as `NAME_bg.wasm`, with its JavaScript; and once
//! more without relaxed SIMD, as `NAME_plain.wasm`.
//!
//! The usual program for the first half, `wasm-bindgen`, refuses modules of another version than its own. As a member of this
//! workspace, this one always has the version of the lock file.

mod plain;

use std::path::Path;

use anyhow::{Context, Result};
use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let usage = "usage: gpu-mlp-bindgen MODULE.wasm FOLDER NAME";
    let mut next = || arguments.next().context(usage);
    let (module, folder, name) = (next()?, next()?, next()?);
    let mut bindgen = Bindgen::new();
    bindgen.input_path(&module).out_name(&name).web(true)?.typescript(true);
    bindgen.remove_name_section(true).remove_producers_section(true);
    bindgen.generate(&folder)?;
    let written = Path::new(&folder).join(format!("{name}_bg.wasm"));
    let plain = Path::new(&folder).join(format!("{name}_plain.wasm"));
    std::fs::write(plain, plain::without_relaxed_simd(&written)?)?;
    Ok(())
}

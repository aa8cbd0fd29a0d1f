//! Files of models that are never opened, and the lines of Python that convert them.

use std::io::{Read, Seek};
use std::path::Path;

use crate::error::Error;
use crate::files::numpy::npz::Archive;

/// Of `torch.save`: a pickle, which can run code when it is loaded.
const TORCH: (&str, &str) = (
    "it was saved with torch.save; such files can run code when they are loaded, so they are never opened",
    "convert it in Python, and import the result:\n    import torch; from safetensors.torch import save_file\n    state = \
     torch.load(\"FILE\", map_location=\"cpu\")     # a whole model: state = model.state_dict()\n    save_file({name: \
     tensor.contiguous() for name, tensor in state.items()}, \"model.safetensors\")",
);

/// Of Keras: HDF5, alone or in a zip archive.
const KERAS: (&str, &str) = (
    "it is a Keras or HDF5 file, which cannot be read here",
    "convert it in Python, and import the result:\n    import keras, numpy\n    layers = [layer.get_weights() for layer in \
     keras.models.load_model(\"FILE\").layers if layer.get_weights()]\n    numpy.savez(\"model.npz\", **{f\"{name}{number}\": \
     array for number, pair in enumerate(layers, 1) for name, array in zip(\"Wb\", pair)})",
);

/// The error for a file that begins so, if it is one of these.
pub fn by_start(start: &[u8], path: &Path) -> Option<Error> {
    let known = match start {
        [0x80, 0x02..=0x05, ..] => TORCH,
        [0x89, b'H', b'D', b'F', ..] => KERAS,
        _ => return None,
    };
    Some(refused(known, path))
}

/// The error for an archive, if it is one of these and no `.npz`.
pub fn by_entries<R: Read + Seek>(archive: &Archive<R>, path: &Path) -> Option<Error> {
    let has = |ending: &str| archive.names().iter().any(|name| name.ends_with(ending));
    match () {
        () if has("data.pkl") => Some(refused(TORCH, path)),
        () if has(".weights.h5") || has("config.json") => Some(refused(KERAS, path)),
        () => None,
    }
}

fn refused((problem, hint): (&str, &str), path: &Path) -> Error {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Error::file(path, problem, hint.replace("FILE", &name))
}

//! Files of models that are never opened, and the lines of Python that convert them.

use std::io::{Read, Seek};
use std::path::Path;

use crate::error::Error;
use crate::files::numpy::npz::Archive;

/// Of `torch.save`: a pickle, which can run code when it is loaded.
const TORCH: (&str, &str) = (
    "it was saved with torch.save; such files can run code when they are loaded, so they are never opened",
    "convert it in Python, and import the result:\n    import torch; from safetensors.torch import save_file\n    state = \
     torch.load(\"FILE\", map_location=\"cpu\")     # a whole model: state = model.state_dict()\n    state = \
     state.get(\"model_state_dict\", state.get(\"state_dict\", state))     # of a checkpoint\n    save_file({name: \
     tensor.contiguous() for name, tensor in state.items()}, \"model.safetensors\")",
);

/// Of Python's pickle or joblib, as scikit-learn's models are saved.
const PICKLE: (&str, &str) = (
    "it is a Python pickle or a joblib file; such files can run code when they are loaded, so they are never opened",
    "convert a scikit-learn model in Python, and import the result:\n    import joblib; from skl2onnx import to_onnx; import numpy\n    \
     model = joblib.load(\"FILE\")\n    onnx = to_onnx(model, numpy.zeros((1, model.n_features_in_), \
     numpy.float32))\n    open(\"model.onnx\", \"wb\").write(onnx.SerializeToString())",
);

/// Compressed, whatever is in it.
const PACKED: (&str, &str) = (
    "it is compressed",
    "unpack it, and import what is in it; if it was saved with joblib, call it .joblib, and the error says how to convert it",
);

/// Of Keras: HDF5, alone or in a zip archive.
const KERAS: (&str, &str) = (
    "it is a Keras or HDF5 file, which cannot be read here",
    "convert it in Python, and import the result:\n    import keras, numpy\n    layers = [layer.get_weights() for layer in \
     keras.models.load_model(\"FILE\").layers if layer.get_weights()]\n    numpy.savez(\"model.npz\", **{f\"{name}{number}\": \
     array for number, pair in enumerate(layers, 1) for name, array in zip(\"Wb\", pair)})",
);

/// Of Keras' weights without their network.
const KERAS_WEIGHTS: (&str, &str) = (
    "it is an HDF5 file of Keras' weights, which cannot be read here",
    "convert it in Python, and import the result:\n    import keras, numpy\n    model = ...     # build the network as it was \
     trained\n    model.load_weights(\"FILE\")\n    layers = [layer.get_weights() for layer in model.layers if \
     layer.get_weights()]\n    numpy.savez(\"model.npz\", **{f\"{name}{number}\": array for number, pair in enumerate(layers, 1) for \
     name, array in zip(\"Wb\", pair)})",
);

/// The error for a file that begins so, if it is one of these.
pub fn by_start(start: &[u8], path: &Path) -> Option<Error> {
    let known = match start {
        [0x80, 0x02..=0x05, ..] if has_torch_name(path) => TORCH,
        [0x80, 0x02..=0x05, ..] => PICKLE,
        // zlib, gzip, xz and bzip2, in which joblib packs, too.
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..]
        | [0x1f, 0x8b, ..]
        | [0xfd, b'7', b'z', ..]
        | [b'B', b'Z', b'h', ..]
            if !has_torch_name(path) =>
        {
            if has_pickle_name(path) {
                PICKLE
            } else {
                PACKED
            }
        }
        [0x89, b'H', b'D', b'F', ..] if path.to_string_lossy().to_lowercase().contains(".weights.") => {
            KERAS_WEIGHTS
        }
        [0x89, b'H', b'D', b'F', ..] => KERAS,
        _ => return None,
    };
    Some(refused(known, path))
}

/// Whether a file is called as a pickle or as joblib's are.
fn has_pickle_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    [".pkl", ".pickle", ".joblib"].iter().any(|ending| name.contains(ending))
}

/// Whether a file is called as those of `torch.save`: before version 1.6 these were plain pickles.
fn has_torch_name(path: &Path) -> bool {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    ["pt", "pth", "ckpt", "bin", "tar"].contains(&ending.as_str())
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

//! ONNX files that this program exported: they say what a graph cannot, such as the names of columns.

use super::constants::Constants;
use super::graph::graph;
use super::proto::{GraphProto, ModelProto};
use crate::data::{Outputs, Preparation};
use crate::exchange::imported::{Imported, Said};
use crate::network::{Dense, Parameters};
use crate::tensor::Tensor;
use crate::training::checkpoint::{METADATA_KEY, ModelInfo};

/// The metadata key under which an ensemble says how many members it has.
pub const MEMBERS_KEY: &str = "gpu_mlp_members";

/// What a file says of its model in our words.
pub fn said(model: &ModelProto) -> Option<String> {
    model
        .metadata_props
        .iter()
        .find(|entry| entry.key() == METADATA_KEY)
        .map(|entry| entry.value().to_owned())
}

/// How many members a file of an ensemble has.
pub fn members(model: &ModelProto) -> Option<usize> {
    let entry = model.metadata_props.iter().find(|entry| entry.key() == MEMBERS_KEY)?;
    entry.value().parse().ok()
}

/// The model, bit for bit, if the graph is the one that it is exported as.
pub fn exported(own: &GraphProto, text: &str) -> Option<Imported> {
    let constants = Constants::of(own);
    let tensor = |name: &str| {
        let constant = constants.get(name).ok()?;
        Tensor::new(constant.dims, constant.values.iter().map(|&value| value as f32).collect()).ok()
    };
    let mut layers = Vec::new();
    while let name = format!("layers.{}", layers.len())
        && constants.has(&format!("{name}.weight"))
    {
        let w = tensor(&format!("{name}.weight")).filter(|w| w.shape().len() == 2)?;
        layers.push(Dense { w, b: tensor(&format!("{name}.bias"))? });
    }
    let parameters = Parameters { layers };
    let info = ModelInfo::parse(text, &parameters).ok()?;
    parameters.check(&info.spec).ok()?;
    let is_it = [false, true].into_iter().any(|softmax| graph(&parameters, &info, softmax) == *own);
    is_it.then(|| Imported { parameters, info: Some(info), said: Said::default(), notes: Vec::new() })
}

/// A model whose graph another program has changed since: the graph holds, and the names as far as they fit it.
pub fn changed(imported: Imported, text: &str) -> Imported {
    let info = ModelInfo::parse(text, &imported.parameters).ok().and_then(|info| {
        let spec = info.spec.with_activation(imported.said.activation.clone()?);
        // A regression's graph puts numbers out in their own unit.
        let outputs = match info.preparation.outputs {
            Outputs::Numbers { mean, .. } => {
                Outputs::Numbers { mean: vec![0.0; mean.len()], deviation: vec![1.0; mean.len()] }
            }
            outputs => outputs,
        };
        let scaling = imported.said.scaling.clone()?;
        let preparation = Preparation { scaling, outputs, ..info.preparation };
        preparation.check(spec.inputs(), spec.classes()).ok()?;
        Some(ModelInfo { spec, preparation })
    });
    Imported { info, ..imported }
}

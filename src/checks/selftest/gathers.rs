//! The gathers only copy, so every byte must be correct.

use super::operands::{finish, nan, read};
use super::{Row, Trial};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::{Gather, GatherFloats, Kernels, Layout, Matrix, Sample};

/// Samples in the set, and values in each.
const SHAPES: [[usize; 2]; 6] = [[1, 1], [3, 4], [5, 7], [3, 11], [11, 784], [2, 1023]];

/// Both gathers.
///
/// # Errors
/// What the device reports.
pub async fn check(gpu: &Gpu) -> Result<Vec<Row>> {
    let kernels = Kernels::new(gpu).await?;
    Ok(vec![bytes(gpu, &kernels.gather).await?, floats(gpu, &kernels.gather_floats).await?])
}

/// 13 rows, for which x has more room.
fn order(samples: usize) -> Vec<Sample> {
    (0..13).map(|i| Sample { sample: (i * 5 % samples) as u32, ..Sample::PADDING }).collect()
}

async fn bytes(gpu: &Gpu, gather: &Gather) -> Result<Row> {
    let mut trial = Trial::new("gather.gather");
    for [samples, features] in SHAPES {
        trial.shape(&[samples, features]);
        let (pitch, order) = (Gather::pitch(features), order(samples));
        let images: Vec<u8> = (0..samples * pitch).map(|i| (i * 7 % 251) as u8).collect();
        let layout = Layout::images(16, features);
        let buffer = gpu.upload("x", &vec![0xee_u8; layout.len()])?;
        let x = Matrix::within(&buffer, 0, layout);
        let (images_gpu, order_gpu) = (gpu.upload("images", &images)?, gpu.upload("order", &order)?);
        let bound = gather.bind(gpu, &images_gpu, &order_gpu, &x, order.len())?;
        finish(gpu, &bound.launch(order.len())).await?;

        // Rows beyond the last stay as they are.
        let mut want = vec![0xee_u8; layout.len()];
        for (row, sample) in want.chunks_mut(layout.stride()).zip(&order) {
            row.fill(0);
            let data = features.next_multiple_of(4);
            row[..data].copy_from_slice(&images[sample.sample as usize * pitch..][..data]);
            row[data] = 255;
        }
        trial.equal(&"bytes", &gpu.read::<u8>(&buffer, layout.len()).await?, &want);
    }
    Ok(trial.row())
}

async fn floats(gpu: &Gpu, gather: &GatherFloats) -> Result<Row> {
    let mut trial = Trial::new("gather_floats.gather_floats");
    for [samples, features] in SHAPES {
        trial.shape(&[samples, features]);
        let (stride, order) = (GatherFloats::pitch(features) / size_of::<f32>(), order(samples));
        let value = |sample: usize, feature: usize| (sample as f32 - 1.5) * 1e3 + feature as f32 / 3.0;
        let at = |i: usize| if i % stride < features { value(i / stride, i % stride) } else { 0.0 };
        let values = gpu.upload("values", &(0..samples * stride).map(at).collect::<Vec<f32>>())?;
        let (order_gpu, x) = (gpu.upload("order", &order)?, nan(gpu, Layout::activations(16, features))?);
        let bound = gather.bind(gpu, &values, &order_gpu, &x, order.len())?;
        finish(gpu, &bound.launch(order.len())).await?;

        let gathered: Vec<f32> = order
            .iter()
            .flat_map(|row| (0..features).map(|feature| value(row.sample as usize, feature)))
            .collect();
        let want = Layout::activations(order.len(), features).pack_activations(&gathered);
        let written = order.len() * x.layout.stride();
        let (_, packed) = read(gpu, &x).await?;
        trial.equal(&"values", &packed[..written], &want[..written]);
        let beyond = packed[written..].iter().all(|x| x.is_nan());
        trial.holds(&"rows beyond the last", beyond, &"they are written");
    }
    Ok(trial.row())
}

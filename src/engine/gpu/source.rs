//! Where a split's images are while a network learns from them.

use super::Residency;
use crate::data::Samples;
use crate::error::Result;
use crate::gpu::{Buffer, Gpu, Launch, Staging, Submission};
use crate::kernels::{BoundGather, Gather, Matrix, Sample};

/// The samples of one split, and the gather that turns them into rows of x.
pub(super) struct Source {
    gather: BoundGather,
    order: Buffer,
    /// Bytes from one image to the next on the device.
    stride: usize,
    /// If the images are streamed: the buffer that holds those of one chunk, and the staging they come through.
    stream: Option<(Buffer, Staging)>,
}

impl Source {
    /// Puts all images on the device, or makes room for one chunk of them: as many as x has rows.
    pub async fn new(
        gpu: &Gpu,
        gather: &Gather,
        samples: &Samples,
        residency: Residency,
        order: &Buffer,
        x: &Matrix,
    ) -> Result<Self> {
        let stride = 4 * Gather::words(samples.features());
        let all = (samples.len() * stride) as u64;
        let chunk = (x.layout.rows * stride) as u64;
        let resident = residency == Residency::WhereTheyFit && all <= gpu.max_binding_size();
        let images = gpu.alloc("images", if resident { all } else { chunk })?;
        let gather = gather.bind(gpu, &images, order, x, x.layout.rows)?;
        let stream = if resident {
            upload_all(gpu, &images, samples, stride).await?;
            None
        } else {
            log::info!("images are streamed: {all} bytes do not stay on the device");
            Some((images, Staging::new(gpu, chunk)))
        };
        Ok(Self { gather, order: order.clone(), stride, stream })
    }

    /// The gather of the first `rows` rows.
    pub fn gather(&self, rows: usize) -> Launch {
        self.gather.launch(rows)
    }

    /// Gathers the rows that `order` names into x, then runs the launches.
    pub fn submit(
        &mut self,
        gpu: &Gpu,
        samples: &Samples,
        mut order: Vec<Sample>,
        launches: &[&Launch],
    ) -> Result<Submission> {
        let gather = self.gather.launch(order.len());
        let launches = std::iter::once(&gather).chain(launches.iter().copied());
        let Some((images, staging)) = &mut self.stream else {
            gpu.write(&self.order, 0, &order);
            return gpu.submit(launches);
        };
        let rows: Vec<&[u8]> = order.iter().map(|sample| samples.row(sample.sample as usize)).collect();
        for (position, sample) in order.iter_mut().enumerate() {
            sample.sample = position as u32;
        }
        gpu.write(&self.order, 0, &order);
        gpu.submit_after_upload(staging, images, rows.into_iter(), self.stride, launches)
    }
}

/// Copies the images in pieces: what is written is staged in host memory until the device has taken it, and a large
/// set should not be there twice.
async fn upload_all(gpu: &Gpu, images: &Buffer, samples: &Samples, stride: usize) -> Result<()> {
    const ROWS: usize = 16_384;
    for first in (0..samples.len()).step_by(ROWS) {
        let last = (first + ROWS).min(samples.len());
        let mut piece = vec![0; (last - first) * stride];
        for (row, index) in piece.chunks_mut(stride).zip(first..last) {
            row[..samples.features()].copy_from_slice(samples.row(index));
        }
        gpu.write(images, (first * stride) as u64, &piece);
        gpu.wait(&gpu.submit([])?).await?;
    }
    Ok(())
}

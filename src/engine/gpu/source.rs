//! The place of a split's images during training.

use super::residency::Residency;
use crate::data::{Chunk, Format, Reader, Samples, Targets};
use crate::error::Result;
use crate::gpu::{Buffer, Gpu, Launch, Staging, Submission};
use crate::kernels::{BoundGather, Gather, GatherFloats, Kernels, Matrix, Sample};
use crate::network::{MlpSpec, Task};

/// The samples of one split, and the gather that turns them into rows of x.
pub(super) struct Source {
    gather: BoundGather,
    order: Buffer,
    /// What all samples are to be answered with, where that is numbers; else a single 0.
    pub targets: Buffer,
    /// Bytes from one image to the next on the device.
    pitch: usize,
    stream: Option<Stream>,
}

/// If the images are streamed: the buffer that holds those of one chunk, and how they get there.
struct Stream {
    images: Buffer,
    staging: Staging,
    reader: Reader,
}

impl Source {
    /// Puts all images on the device, or makes room for one chunk of them: as many as x has rows.
    pub async fn new(
        gpu: &Gpu,
        kernels: &Kernels,
        samples: &Samples,
        residency: Residency,
        order: &Buffer,
        (x, spec): (&Matrix, &MlpSpec),
    ) -> Result<Self> {
        let pitch = match samples.format() {
            Format::Bytes => Gather::pitch(samples.features()),
            Format::Floats => GatherFloats::pitch(samples.features()),
        };
        let all = (samples.len() * pitch) as u64;
        let chunk = (x.layout.rows * pitch) as u64;
        let stays = residency == Residency::WhereTheyFit
            && !(samples.is_on_disk() && gpu.summary().device_type.shares_memory());
        let resident = if stays { gpu.try_alloc("images", all)? } else { None };
        let streamed = resident.is_none();
        let images = match resident {
            Some(images) => images,
            None => gpu.alloc("images of a chunk", chunk)?,
        };
        let gather = match samples.format() {
            Format::Bytes => kernels.gather.bind(gpu, &images, order, x, x.layout.rows)?,
            Format::Floats => kernels.gather_floats.bind(gpu, &images, order, x, x.layout.rows)?,
        };
        let stream = if streamed {
            log::info!("images are streamed: {all} bytes do not stay on the device");
            Some(Stream { images, staging: Staging::new(gpu, chunk), reader: Reader::default() })
        } else {
            upload_all(gpu, &images, samples, pitch).await?;
            None
        };
        let targets = upload_targets(gpu, samples.targets(), spec)?;
        Ok(Self { gather, order: order.clone(), targets, pitch, stream })
    }

    /// Takes other samples of the same format, and says whether it could: it cannot if those that it has lie on the
    /// device.
    pub fn restart(&mut self, gpu: &Gpu, samples: &Samples, spec: &MlpSpec) -> Result<bool> {
        let Some(stream) = &mut self.stream else { return Ok(false) };
        stream.reader = Reader::default();
        self.targets = upload_targets(gpu, samples.targets(), spec)?;
        Ok(true)
    }

    /// The gather of the first `rows` rows.
    pub fn gather(&self, rows: usize) -> Launch {
        self.gather.launch(rows)
    }

    /// The samples `wanted`, and then `next`, as an order has to name them.
    pub fn chunk<'a>(&mut self, samples: &'a Samples, wanted: &'a [u32], next: &[u32]) -> Result<Chunk<'a>> {
        match &mut self.stream {
            Some(stream) => stream.reader.chunk(samples, wanted, next),
            None => Ok(Chunk::unread(samples, wanted)),
        }
    }

    /// Gathers the rows of the chunk that `order` names into x, then runs the launches.
    pub fn submit(
        &mut self,
        gpu: &Gpu,
        chunk: &Chunk<'_>,
        mut order: Vec<Sample>,
        launches: &[&Launch],
    ) -> Result<Submission> {
        let gather = self.gather.launch(order.len());
        let launches = std::iter::once(&gather).chain(launches.iter().copied());
        let Some(Stream { images, staging, .. }) = &mut self.stream else {
            gpu.write(&self.order, 0, &order);
            return gpu.submit(launches);
        };
        let rows: Vec<&[u8]> = order.iter().map(|sample| chunk.row(sample.sample as usize)).collect();
        for (position, sample) in order.iter_mut().enumerate() {
            sample.sample = position as u32;
        }
        gpu.write(&self.order, 0, &order);
        gpu.submit_after_upload(staging, images, rows.into_iter(), self.pitch, launches)
    }
}

/// Classes lie in the order of a batch; numbers lie here. Samples that have classes can be answered by a network of numbers,
/// and their loss means nothing then: there are zeros for it to read, since kernels trust what they read. What else does
/// not fit the network was refused when it was [given](crate::engine::Engine::load).
fn upload_targets(gpu: &Gpu, targets: &Targets, spec: &MlpSpec) -> Result<Buffer> {
    match targets {
        Targets::Values { values, .. } => gpu.upload("targets", values.as_slice()),
        Targets::Classes(_) if spec.loss().task() == Task::Classification => {
            gpu.upload("targets", &[0.0_f32])
        }
        Targets::Classes(classes) => {
            let rows = classes.iter().max().map_or(1, |&class| class as usize + 1);
            gpu.upload("targets", &vec![0.0_f32; rows * spec.classes()])
        }
    }
}

/// Copies the images in pieces: what is written is staged in host memory until the device has taken it, and a large
/// set should not be there twice.
async fn upload_all(gpu: &Gpu, images: &Buffer, samples: &Samples, pitch: usize) -> Result<()> {
    const ROWS: usize = 16_384;
    let all: Vec<u32> = (0..samples.len() as u32).collect();
    let (mut reader, mut pieces) = (Reader::default(), all.chunks(ROWS).enumerate().peekable());
    while let Some((number, indices)) = pieces.next() {
        let next = pieces.peek().map(|(_, next)| *next).unwrap_or_default();
        let chunk = reader.chunk(samples, indices, next)?;
        let mut piece = vec![0; indices.len() * pitch];
        for (row, &index) in piece.chunks_mut(pitch).zip(chunk.indices()) {
            row[..samples.row_bytes()].copy_from_slice(chunk.row(index as usize));
        }
        gpu.write(images, (number * ROWS * pitch) as u64, &piece);
        gpu.wait(&gpu.submit([])?).await?;
    }
    Ok(())
}

//! Whole steps of a network that one workgroup takes through by itself: the host of `fused_steps.wgsl`.

use std::mem::offset_of;
use std::sync::LazyLock;

use bytemuck::{Pod, Zeroable};

use super::fused_middle::LAYERS;
use super::gather::Sample;
use super::matrix::{BLOCK, Element, Layout, Matrix};
use super::networks::{NETWORKS, networks_of, rows_apart, table};
use super::softmax_xent::Sum;
use crate::error::{Error, Result};
use crate::gpu::{BoundKernel, Buffer, Gpu, Kernel, Launch, Shader, Work};
use crate::step::optimizer::Step;

pub(super) const SHADER: Shader =
    Shader { name: "fused_steps", source: include_str!("../../shaders/fused_steps.wgsl") };

/// Steps of a launch at most, those of all networks together: `STEPS` of the shader.
const STEPS: usize = 64;

/// The same for several networks: a uniform buffer of 16 KiB, which any adapter takes, has room for them.
const STEPS_OF_MANY: usize = 256;

static OF_MANY: LazyLock<String> =
    LazyLock::new(|| SHADER.source.replace("const STEPS = 64u", &format!("const STEPS = {STEPS_OF_MANY}u")));

/// A workgroup has no less than this part of a GPU's speed.
const PART_OF_GPU: u64 = 256;

/// Turns that a step may take: with more, all of a GPU is faster, for all that three launches cost. See
/// [`Pieces::turns`].
const TURNS: usize = 128;

#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Layer {
    ins: u32,
    outs: u32,
    w: u32,
    a: u32,
    dz: u32,
    unused: [u32; 3],
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Network {
    index: u32,
    label_smoothing: f32,
    unused: [u32; 2],
}

#[repr(C)]
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
struct Params {
    steps: u32,
    rows: u32,
    last_rows: u32,
    slot_rows: u32,
    piece: u32,
    stride: u32,
    bytes: u32,
    layers: u32,
    classes: u32,
    networks: u32,
    m: u32,
    v: u32,
    g: u32,
    rows_apart: u32,
    w_apart: u32,
    unused: u32,
    layer: [Layer; LAYERS],
    network: [Network; NETWORKS],
    step: [Step; STEPS],
}

/// The kernel of `fused_steps.wgsl`.
pub struct FusedSteps {
    kernel: Kernel,
    /// Invocations of the workgroup.
    group: usize,
    /// Blocks' rows that the workgroup has memory for.
    tile: usize,
    /// Networks of a launch at most, and steps, those of all networks together.
    networks: usize,
    steps: usize,
}

/// How a network's batches go through the workgroup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pieces {
    /// Rows of a piece, a multiple of a block's; of the last piece there may be fewer.
    pub rows: usize,
    /// Pieces of a batch.
    pub count: usize,
    /// Times that an invocation multiplies two blocks in a step, one after the other.
    pub turns: usize,
    /// Steps that a launch may take.
    pub steps: usize,
}

/// A network's numbers in device memory: all in one buffer, each kind in the order of w and as far apart. What the rule
/// does not keep is empty.
#[derive(Clone, Copy)]
pub struct State<'a> {
    /// Of each layer.
    pub w: &'a [Matrix],
    /// The optimiser's moments.
    pub moments: [&'a [Matrix]; 2],
    /// The pieces' gradients, if there are several.
    pub gradients: &'a [Matrix],
}

/// Slots of batches, and what they are measured by.
#[derive(Clone, Copy)]
pub struct Slots<'a> {
    /// The inputs of all slots; the rows of a network in a slot begin so far apart as it says.
    pub x: &'a Matrix,
    /// The samples of all slots.
    pub order: &'a Buffer,
    /// Loss and hits are added up there.
    pub sums: &'a Buffer,
    /// Rows from one slot to the next.
    pub slot_rows: usize,
    /// Samples of a batch.
    pub batch_size: usize,
    /// How much of each label is spread evenly over all classes, for each network.
    pub label_smoothing: &'a [f32],
}

impl FusedSteps {
    /// Whether the device has what it needs.
    pub fn runs_on(gpu: &Gpu) -> bool {
        gpu.can_run(SHADER, "steps")
    }

    /// Compiles the kernel, for so many networks at most.
    ///
    /// # Errors
    /// [`Error::Shader`] if the device's compiler rejects the shader.
    pub async fn new(gpu: &Gpu, networks: usize) -> Result<Self> {
        let (shader, steps) = match networks {
            1 => (SHADER, STEPS),
            _ => (Shader { source: OF_MANY.as_str(), ..SHADER }, STEPS_OF_MANY),
        };
        let kernel = Kernel::new(gpu, shader, "steps").await?;
        Ok(Self { kernel, group: SHADER.constant("GROUP")?, tile: SHADER.constant("TILE")?, networks, steps })
    }

    /// How batches of so many rows go through the workgroup, if the network is small enough for it: it has few layers, a block
    /// of rows fits the workgroup's memory, and a step takes few turns.
    pub fn pieces(&self, gpu: &Gpu, weights: &[Layout], rows: usize) -> Option<Pieces> {
        let blocks = |layout: &Layout| (layout.row_blocks, layout.col_blocks);
        let per_row: usize = weights.iter().map(blocks).map(|(ins, outs)| ins + outs).sum();
        let most = self.tile / per_row.max(1) / BLOCK * BLOCK;
        if !(1..=LAYERS).contains(&weights.len()) || most == 0 || rows == 0 {
            return None;
        }
        let rows = rows.next_multiple_of(BLOCK);
        let rows_of_piece = rows.div_ceil(rows.div_ceil(most)).next_multiple_of(BLOCK);
        let count = rows.div_ceil(rows_of_piece);
        let row_blocks = rows_of_piece / BLOCK;
        let rounds = |blocks: usize| blocks.div_ceil(self.group);
        let turns_of = |(l, (ins, outs)): (usize, (usize, usize))| {
            let forward = rounds(row_blocks * outs) * ins;
            let backward = if l > 0 { rounds(row_blocks * ins) * outs } else { 0 };
            forward + backward + rounds(ins * outs) * row_blocks
        };
        let turns: usize = count * weights.iter().map(blocks).enumerate().map(turns_of).sum::<usize>();
        let flops = (turns * self.group * 2 * BLOCK * BLOCK * BLOCK) as u64;
        let steps = (gpu.longest_launch() / PART_OF_GPU / flops) as usize;
        let steps = steps.min(STEPS).min(self.steps / self.networks);
        let pieces = Pieces { rows: rows_of_piece, count, turns, steps };
        (turns <= TURNS && steps > 0).then_some(pieces)
    }

    /// [`Sum`]s that steps of a network add to.
    pub fn sums(&self) -> usize {
        self.group
    }

    /// Binds networks that go through in such pieces, and slots of batches.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes do not chain, the state is not in one buffer, or there is less room than steps take.
    pub fn bind(&self, gpu: &Gpu, pieces: &Pieces, state: State<'_>, slots: Slots<'_>) -> Result<BoundSteps> {
        let (what, x, w) = ("fused steps", slots.x.layout, state.w);
        let networks = networks_of(what, &std::iter::once(slots.x).chain(w).collect::<Vec<_>>())?;
        let last = networks.iter().max().map_or(0, |&last| last as usize);
        let chained = w.windows(2).all(|pair| pair[0].layout.cols == pair[1].layout.rows);
        if w.first().map(|w| w.layout.rows) != Some(x.cols) || !chained {
            let shapes: Vec<[usize; 2]> = w.iter().map(|w| [w.layout.rows, w.layout.cols]).collect();
            return Err(Error::shape("fused steps: weights of all layers", x.cols, shapes));
        }
        let [m, v] = state.moments;
        let kept = m.iter().chain(v).chain(state.gradients);
        let buffer = Matrix::shared_by("parameters", w.iter().chain(kept))?;
        let rows = slots.batch_size.next_multiple_of(BLOCK);
        let room = [
            ("rows of a slot", rows, slots.slot_rows),
            ("sums", (last + 1) * self.group, slots.sums.size() as usize / size_of::<Sum>()),
            ("samples", x.row_blocks * BLOCK, slots.order.size() as usize / size_of::<Sample>()),
        ];
        if let Some((what, wanted, got)) = room.into_iter().find(|(_, wanted, got)| wanted > got) {
            return Err(Error::shape(format!("fused steps: {what}"), wanted, got));
        }
        let row = |index: u32, label_smoothing: f32| Network { index, label_smoothing, unused: [0; 2] };
        let mut params = Params {
            rows: rows as u32,
            slot_rows: slots.slot_rows as u32,
            piece: pieces.rows as u32,
            stride: x.stride_blocks() as u32,
            bytes: u32::from(x.element == Element::Byte),
            layers: w.len() as u32,
            classes: w[w.len() - 1].layout.cols as u32,
            networks: networks.len() as u32,
            m: distance(w, m)?,
            v: distance(w, v)?,
            g: distance(w, state.gradients)?,
            rows_apart: rows_apart(what, [slots.x])?,
            w_apart: w[0].blocks_apart(),
            network: table(what, networks, slots.label_smoothing, row)?,
            ..Params::zeroed()
        };
        let mut end = 0;
        let mut place = |blocks: usize| {
            let begin = end;
            end += pieces.rows * blocks;
            begin as u32
        };
        for (layer, w) in params.layer.iter_mut().zip(w) {
            let (ins, outs) = (w.layout.row_blocks, w.layout.col_blocks);
            *layer = Layer {
                ins: ins as u32,
                outs: outs as u32,
                w: w.first_block(),
                a: place(ins),
                dz: place(outs),
                unused: [0; 3],
            };
        }
        if end > self.tile || w.len() > LAYERS {
            return Err(Error::shape("fused steps: blocks of a piece", self.tile, end));
        }
        let size = offset_of!(Params, step) + self.steps * size_of::<Step>();
        let room = gpu.rows("steps", size.div_ceil(Gpu::ROW as usize));
        // Its slots lie behind one another.
        let all = slots.x.alone(0);
        let buffers = [all.slice(), slots.order.whole(), buffer, slots.sums.whole()];
        let kernel = self.kernel.bind_to(gpu, room.slice(0, size as u64), &buffers)?;
        let layer = |(l, w): (usize, &Matrix)| (if l == 0 { 4 } else { 6 }) * w.layout.rows * w.layout.cols;
        let flops = (slots.batch_size * w.iter().enumerate().map(layer).sum::<usize>()) as u64;
        let step = Work {
            shape: std::iter::once(slots.batch_size).chain(sizes(w)).collect(),
            flops: networks.len() as u64 * flops,
            bytes: (networks.len() * rows * x.stride() * x.element.size()) as u64 + buffer.size(),
        };
        let most = pieces.steps.min(x.rows / slots.slot_rows).min(self.steps / networks.len()).max(1);
        Ok(BoundSteps { kernel, room, params, networks: networks.len(), most, step })
    }
}

/// Vec4s from weights to what else is kept of them; 0 if nothing is.
///
/// # Errors
/// [`Error::Shape`] if it is not the same for all layers.
fn distance(w: &[Matrix], kept: &[Matrix]) -> Result<u32> {
    let mut distances = w.iter().zip(kept).map(|(w, kept)| kept.first_block().wrapping_sub(w.first_block()));
    let distance = distances.next().unwrap_or(0);
    match distances.all(|other| other == distance) && [0, w.len()].contains(&kept.len()) {
        true => Ok(distance),
        false => Err(Error::shape("fused steps: moments of all layers", w.len(), kept.len())),
    }
}

/// What enters the network, and what each layer puts out.
fn sizes(w: &[Matrix]) -> impl Iterator<Item = usize> {
    w.first().map(|w| w.layout.rows).into_iter().chain(w.iter().map(|w| w.layout.cols))
}

/// Steps whose buffers are fixed, and whose numbers are not.
#[derive(Debug, Clone)]
pub struct BoundSteps {
    kernel: BoundKernel,
    /// For the parameters, which change from submission to submission.
    room: Buffer,
    params: Params,
    networks: usize,
    /// Steps of a launch at most, of each network.
    most: usize,
    /// The work of one, of all networks.
    step: Work,
}

impl BoundSteps {
    /// Steps of a launch at most.
    pub fn most(&self) -> usize {
        self.most
    }

    /// The work of a step.
    pub fn work(&self) -> &Work {
        &self.step
    }

    /// Steps on the first slots, the last of `last` samples. For each of them there are the numbers of every network, which are
    /// those of the next submission alone.
    ///
    /// # Errors
    /// [`Error::Shape`] if they are more than a launch may take, or the last batch is larger than the others.
    pub fn launch(&self, gpu: &Gpu, steps: &[Vec<Step>], last: usize) -> Result<Launch> {
        let mut params = self.params;
        if !(1..=self.most).contains(&steps.len()) || steps.iter().any(|own| own.len() != self.networks) {
            return Err(Error::shape("fused steps: steps of a launch", self.most, steps.len()));
        }
        (params.steps, params.last_rows) = (steps.len() as u32, last.next_multiple_of(BLOCK) as u32);
        if params.last_rows > params.rows {
            return Err(Error::shape("fused steps: rows of the last step", params.rows, params.last_rows));
        }
        let numbers = offset_of!(Params, step);
        gpu.write(&self.room, 0, &bytemuck::bytes_of(&params)[..numbers]);
        gpu.write(&self.room, numbers as u64, &steps.concat());
        let times = steps.len() as u64;
        let work =
            Work { flops: times * self.step.flops, bytes: times * self.step.bytes, ..self.step.clone() };
        Ok(self.kernel.launch([1, 1, self.networks as u32]).doing(work))
    }
}

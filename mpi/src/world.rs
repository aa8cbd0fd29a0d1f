//! The processes that MPI has started, as a team.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use gpu_mlp::engine::team::Team;
use mpi::collective::SystemOperation;
use mpi::datatype::PartitionMut;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Root};

/// All processes of the job.
pub struct World {
    world: SimpleCommunicator,
    /// Those on this machine.
    local: SimpleCommunicator,
    /// Where sums arrive.
    sums: RefCell<Vec<f32>>,
    time_in_sums: Cell<Duration>,
}

impl World {
    /// Those that `mpirun` has started, or this process alone. MPI has to be initialised.
    pub fn new() -> Self {
        let world = SimpleCommunicator::world();
        let local = world.split_shared(world.rank());
        Self { world, local, sums: RefCell::default(), time_in_sums: Cell::default() }
    }

    /// How many threads a process computes with that was asked for no number: the cores that it may use are shared by the
    /// processes of this machine that may use the same ones.
    pub fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let allowed = status.lines().find(|line| line.starts_with("Cpus_allowed_list:")).unwrap_or_default();
        // FNV-1a: who may use the same cores has the same number.
        let own = allowed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let mut all = vec![0; self.local.size() as usize];
        self.local.all_gather_into(&own, &mut all[..]);
        let sharing = all.iter().filter(|&&other| other == own).count();
        (cores / sharing.max(1)).max(1)
    }

    /// Ends the whole job at once.
    pub fn abort(&self, exit_code: u8) -> ! {
        self.world.abort(exit_code.into())
    }
}

impl Team for World {
    fn rank(&self) -> usize {
        self.world.rank() as usize
    }

    fn local_rank(&self) -> usize {
        self.local.rank() as usize
    }

    fn machine(&self) -> String {
        mpi::environment::processor_name().unwrap_or_else(|_| "an unnamed machine".into())
    }

    fn size(&self) -> usize {
        self.world.size() as usize
    }

    fn broadcast(&self, bytes: &mut Vec<u8>) {
        let leader = self.world.process_at_rank(0);
        let mut length = bytes.len() as u64;
        leader.broadcast_into(&mut length);
        bytes.resize(length as usize, 0);
        if !bytes.is_empty() {
            leader.broadcast_into(&mut bytes[..]);
        }
    }

    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let leader = self.world.process_at_rank(0);
        let (own, length) = (placed(bytes), bytes.len() as i32);
        if self.rank() > 0 {
            leader.gather_into(&length);
            leader.gather_varcount_into(&own[..]);
            return Vec::new();
        }
        let mut lengths = vec![0; self.size()];
        leader.gather_into_root(&length, &mut lengths[..]);
        let mut begins = Vec::new();
        let mut all = 0;
        for length in &lengths {
            begins.push(all);
            all += length;
        }
        let mut joined = placed(&vec![0; all as usize]);
        let mut parts = PartitionMut::new(&mut joined[..], &lengths[..], &begins[..]);
        leader.gather_varcount_into_root(&own[..], &mut parts);
        let part =
            |(&begin, &length): (&i32, &i32)| joined[begin as usize..(begin + length) as usize].to_vec();
        begins.iter().zip(&lengths).map(part).collect()
    }

    fn sum(&self, values: &mut [f32]) {
        let begun = Instant::now();
        let mut sums = self.sums.borrow_mut();
        sums.resize(values.len(), 0.0);
        self.world.all_reduce_into(values, &mut sums[..], SystemOperation::sum());
        values.copy_from_slice(&sums);
        self.time_in_sums.set(self.time_in_sums.get() + begun.elapsed());
    }

    fn time_in_sums(&self) -> Duration {
        self.time_in_sums.get()
    }
}

/// A copy that has an address of its own even if it is empty: an empty slice may lie at address 1, which is `MPI_IN_PLACE` to Open MPI.
fn placed(bytes: &[u8]) -> Vec<u8> {
    let mut own = Vec::with_capacity(bytes.len() + 1);
    own.extend_from_slice(bytes);
    own
}

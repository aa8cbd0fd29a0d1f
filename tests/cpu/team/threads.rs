//! A team whose ranks are threads of this process.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use gpu_mlp::data::{Samples, Split};
use gpu_mlp::engine::Engine;
use gpu_mlp::engine::team::{Order, Team, Teamwork, order, serve};
use gpu_mlp::network::MlpSpec;
use gpu_mlp::{Error, Result};
use pollster::block_on;

/// A rank that waits longer has been left alone.
const PATIENCE: Duration = Duration::from_secs(120);

/// What all ranks have said since they last met.
#[derive(Default)]
struct Meeting {
    said: Vec<Option<Vec<u8>>>,
    all: Arc<Vec<Vec<u8>>>,
    number: usize,
}

#[derive(Default)]
struct Table {
    meeting: Mutex<Meeting>,
    changed: Condvar,
}

/// A thread's place in its team.
#[derive(Clone)]
pub struct ThreadTeam {
    rank: usize,
    size: usize,
    table: Arc<Table>,
}

impl ThreadTeam {
    /// Everybody gets what all have said.
    fn meet(&self, own: Vec<u8>) -> Arc<Vec<Vec<u8>>> {
        let mut meeting = self.table.meeting.lock().unwrap();
        let number = meeting.number;
        meeting.said[self.rank] = Some(own);
        if meeting.said.iter().all(Option::is_some) {
            meeting.all = Arc::new(meeting.said.iter_mut().map(|said| said.take().unwrap()).collect());
            meeting.number += 1;
            self.table.changed.notify_all();
            return meeting.all.clone();
        }
        let waited =
            self.table.changed.wait_timeout_while(meeting, PATIENCE, |meeting| meeting.number == number);
        let (meeting, waiting) = waited.unwrap();
        assert!(!waiting.timed_out(), "rank {} waits for others", self.rank);
        meeting.all.clone()
    }
}

impl Team for ThreadTeam {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn local_rank(&self) -> usize {
        self.rank
    }

    fn machine(&self) -> String {
        "here".into()
    }

    fn broadcast(&self, bytes: &mut Vec<u8>) {
        let all = self.meet(if self.rank == 0 { bytes.clone() } else { Vec::new() });
        bytes.clone_from(&all[0]);
    }

    fn gather(&self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let all = self.meet(bytes.to_vec());
        if self.rank == 0 { all.to_vec() } else { Vec::new() }
    }

    fn sum(&self, values: &mut [f32]) {
        let all = self.meet(values.iter().flat_map(|value| value.to_ne_bytes()).collect());
        values.fill(0.0);
        for own in all.iter() {
            let (own, _) = own.as_chunks();
            values.iter_mut().zip(own).for_each(|(sum, bytes)| *sum += f32::from_ne_bytes(*bytes));
        }
    }

    fn time_in_sums(&self) -> Duration {
        Duration::ZERO
    }
}

/// What another rank needs to serve: the network, the batch, and the samples. Rank 0 puts it there before it opens.
#[derive(Clone)]
pub struct Work {
    pub spec: MlpSpec,
    pub batch_size: usize,
    pub samples: Vec<(Split, Samples)>,
}

/// Runs `lead` as rank 0 of a team whose other ranks serve it with what `open` makes for the work at hand. Every rank has
/// one thread to compute with.
pub fn lead<E: Engine, T: Send>(
    ranks: usize,
    work: &Mutex<Option<Work>>,
    open: impl Fn(&ThreadTeam) -> Result<E> + Sync,
    lead: impl FnOnce(&ThreadTeam) -> T + Send,
) -> T {
    let table = Arc::new(Table::default());
    table.meeting.lock().unwrap().said = vec![None; ranks];
    let team = |rank| ThreadTeam { rank, size: ranks, table: table.clone() };
    let follow = |team: &ThreadTeam| {
        while let Order::Open { .. } = order(team).unwrap() {
            let Work { spec, batch_size, samples } = work.lock().unwrap().clone().unwrap();
            let of = |split| {
                let own = samples.iter().find(|(own, _)| *own == split).map(|(_, samples)| samples.clone());
                own.ok_or_else(|| Error::usage("no such samples"))
            };
            block_on(serve(open(team), team, &spec, batch_size, of)).unwrap();
        }
    };
    let alone = || rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    std::thread::scope(|scope| {
        for team in (1..ranks).map(team) {
            scope.spawn(move || alone().install(|| follow(&team)));
        }
        let team = team(0);
        let led = alone().install(|| lead(&team));
        Teamwork { team: &team, sync_every: None }.end(0);
        led
    })
}

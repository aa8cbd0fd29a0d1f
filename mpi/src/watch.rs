//! Notices ranks that no longer run (a process that was stopped, a machine that is gone), and deals out trials. A process
//! that dies is noticed by `mpirun`, which ends the others.
//!
//! Each rank has a thread that tells rank 0 every second that it is there, and rank 0's thread tells the others. Both answer at once
//! however long their ranks compute, and need nobody but each other. A message is one number, its kind in the highest byte:
//!
//! ```text
//! BYE    the last message of this rank          ASK    which trial of a list is next? The list
//! HERE   this rank runs                         DEAL   the answer
//! ```

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gpu_mlp::cli::Dealer;
use mpi::topology::{Rank, SimpleCommunicator};
use mpi::traits::{Communicator, Destination, Source};

const BYE: u64 = 0;
const HERE: u64 = 1;
const ASK: u64 = 2;
const DEAL: u64 = 3;

/// The bit where the kind of a message begins.
const KIND: u32 = 56;

/// Between two messages.
const INTERVAL: Duration = Duration::from_secs(1);

/// Who was not heard of for so long does not run any more.
const SILENCE: Duration = Duration::from_secs(15);

/// Between two looks at what has come.
const PAUSE: Duration = Duration::from_millis(10);

/// The exit code of a job that has lost a rank.
const LOST: i32 = 4;

/// A question for the next trial of a list, and where the answer goes.
type Question = (usize, Sender<usize>);

/// The thread that watches.
pub struct Watch {
    leaving: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    questions: Sender<Question>,
}

impl Watch {
    /// Watches from now on. All ranks begin together, and no other call of MPI may be under way.
    pub fn begin() -> Self {
        let leaving = Arc::new(AtomicBool::new(false));
        let ((ready, begun), (questions, asked)) = (channel(), channel());
        let flag = leaving.clone();
        let thread = std::thread::spawn(move || {
            let mut watcher = Watcher::new(asked);
            // Who waits for this is there as long as the thread is.
            let _ = ready.send(());
            watcher.run(&flag);
        });
        let _ = begun.recv();
        Self { leaving, thread, questions }
    }

    /// Ends when all ranks do.
    pub fn end(self) {
        self.leaving.store(true, Ordering::Relaxed);
        // It has nothing to say that its panic has not said.
        let _ = self.thread.join();
    }
}

impl Dealer for Watch {
    fn next(&self, list: usize) -> usize {
        let (answer, answered) = channel();
        let asked = self.questions.send((list, answer)).ok().and_then(|()| answered.recv().ok());
        // Without the thread there are no more trials.
        asked.unwrap_or(usize::MAX)
    }
}

/// A rank that is watched.
struct Peer {
    rank: Rank,
    heard: Instant,
    left: bool,
}

struct Watcher {
    own: SimpleCommunicator,
    peers: Vec<Peer>,
    asked: Receiver<Question>,
    /// Of this rank, to be answered by rank 0.
    waiting: VecDeque<Sender<usize>>,
    /// On rank 0, what is next of each list.
    next: HashMap<u64, u64>,
}

impl Watcher {
    fn new(asked: Receiver<Question>) -> Self {
        let own = SimpleCommunicator::world().duplicate();
        let peers = if own.rank() == 0 { 1..own.size() } else { 0..1 };
        let peers = peers.map(|rank| Peer { rank, heard: Instant::now(), left: false }).collect();
        Self { own, peers, asked, waiting: VecDeque::new(), next: HashMap::new() }
    }

    fn send(&self, rank: Rank, kind: u64, value: u64) {
        self.own.process_at_rank(rank).send(&(kind << KIND | value));
    }

    fn deal(&mut self, list: u64) -> u64 {
        let next = self.next.entry(list).or_insert(0);
        *next += 1;
        *next - 1
    }

    fn run(&mut self, leaving: &AtomicBool) {
        let (mut told, mut said_bye) = (Instant::now(), false);
        while !(said_bye && self.peers.iter().all(|peer| peer.left)) {
            self.hear();
            self.ask();
            let staying = || self.peers.iter().filter(|peer| !peer.left);
            if !said_bye && leaving.load(Ordering::Relaxed) {
                self.peers.iter().for_each(|peer| self.send(peer.rank, BYE, 0));
                said_bye = true;
            } else if !said_bye && told.elapsed() > INTERVAL {
                staying().for_each(|peer| self.send(peer.rank, HERE, 0));
                told = Instant::now();
            }
            if let Some(peer) = staying().find(|peer| peer.heard.elapsed() > SILENCE) {
                self.give_up(peer.rank);
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Takes in all messages that have come.
    fn hear(&mut self) {
        while let Some((message, _)) = self.own.any_process().immediate_matched_probe() {
            let (message, status) = message.matched_receive::<u64>();
            let (rank, kind, value) = (status.source_rank(), message >> KIND, message & ((1 << KIND) - 1));
            for peer in self.peers.iter_mut().filter(|peer| peer.rank == rank) {
                (peer.heard, peer.left) = (Instant::now(), kind == BYE);
            }
            match kind {
                ASK => {
                    let number = self.deal(value);
                    self.send(rank, DEAL, number);
                }
                // Nobody listens any more if the trial's thread has ended.
                DEAL => drop(self.waiting.pop_front().map(|answer| answer.send(value as usize))),
                _ => {}
            }
        }
    }

    /// Passes on this rank's questions.
    fn ask(&mut self) {
        while let Ok((list, answer)) = self.asked.try_recv() {
            if self.own.rank() == 0 {
                let _ = answer.send(self.deal(list as u64) as usize);
            } else {
                self.send(0, ASK, list as u64);
                self.waiting.push_back(answer);
            }
        }
    }

    /// Ends the job, since it cannot go on without a rank.
    fn give_up(&self, lost: Rank) -> ! {
        eprintln!(
            "error: rank {lost} has not been heard of for {} s: it was stopped, or its machine is gone, so all ranks end\n  hint: to \
             continue from the newest checkpoint, with any number of ranks: gpu-mlp-mpi train --resume RUN, or sweep --resume SWEEP",
            SILENCE.as_secs()
        );
        self.own.abort(LOST)
    }
}

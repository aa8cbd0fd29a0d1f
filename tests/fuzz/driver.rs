//! Feeds a reader with mutated inputs and holds it to its promise: a result or a clear error, in time, in little memory.
//!
//! Inputs that bring out an error nobody has seen yet are mutated further, so that what lies behind the first checks is
//! reached too. A panic, a hang or too much memory ends the run; the input is kept as a file.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::corpus::{self, Kinds};
use crate::memory;
use crate::mutate::{self, Rng, below, one_in, pick};

/// How an input becomes another one: from itself and one more.
pub type Mutate = fn(&mut Rng, &[u8], &[u8]) -> Vec<u8>;

/// Reads an input: the words of a clear error, or nothing if it was read. Anything else panics.
pub type Read = Box<dyn FnMut(&[u8]) -> Result<(), String>>;

/// A reader under test.
pub struct Target {
    pub name: &'static str,
    /// Whole inputs that are read without an error.
    pub seeds: Vec<Vec<u8>>,
    pub mutate: Mutate,
    pub read: Read,
}

/// Memory beyond which an input is a find: so much, and four times the input.
const MEMORY: usize = 64 << 20;

/// Seconds after which an input is a find.
const SECONDS: u32 = 60;

/// The longest error that anybody reads.
const LONGEST_ERROR: usize = 4096;

/// Mutated inputs that are kept to be mutated again.
const KEPT: usize = 4096;

struct Current {
    target: &'static str,
    input: Vec<u8>,
    /// Seconds that it has been read for, while the program was not stopped itself.
    seconds: u32,
}

static CURRENT: Mutex<Option<Current>> = Mutex::new(None);

/// Keeps the input that is being read as a file, and says why.
pub fn save_current(why: &str) {
    let current = CURRENT.try_lock();
    if let Ok(Some(Current { target, input, .. })) = current.as_deref().map(Option::as_ref) {
        let path = save(target, input);
        eprintln!("fuzz target {target}: {why}; the input is kept as {}", path.display());
    }
}

fn save(target: &str, input: &[u8]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    let sum = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, &byte| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let path = folder.join(format!("{target}-{sum:016x}"));
    std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input)).expect("the find is kept");
    path
}

/// Ends the program when an input takes too long: nothing else can stop a loop.
pub fn watch() {
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let mut current = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
            let seconds = current.as_mut().map_or(0, |current| {
                current.seconds += 1;
                current.seconds
            });
            drop(current);
            if seconds > SECONDS {
                save_current("it hangs");
                std::process::abort();
            }
        }
    });
}

impl Target {
    /// Reads one input.
    ///
    /// # Errors
    /// What is wrong with how it was read.
    fn try_one(&mut self, input: &[u8]) -> Result<Result<(), String>, String> {
        let current = Current { target: self.name, input: input.to_vec(), seconds: 0 };
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = Some(current);
        let mark = memory::mark();
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.read)(input)));
        let most = memory::most_since(mark);
        *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = None;
        // First, since a panic's report takes memory, too.
        let outcome = outcome.map_err(|_| "panics".to_owned())?;
        if most > MEMORY + 4 * input.len() {
            return Err(format!("takes {most} bytes of memory for an input of {}", input.len()));
        }
        if let Some(error) = outcome.as_ref().err().filter(|error| error.len() > LONGEST_ERROR) {
            return Err(format!("gives an error of {} bytes", error.len()));
        }
        Ok(outcome)
    }

    /// Reads one input, which has to go well: with or without a clear error.
    #[track_caller]
    pub fn one(&mut self, input: &[u8]) -> Result<(), String> {
        self.try_one(input).unwrap_or_else(|find| {
            let path = save(self.name, input);
            panic!("fuzz target {} {find}; the input is kept as {}", self.name, path.display());
        })
    }

    /// Reads all seeds and what is kept, then so many mutated inputs.
    pub fn run(&mut self, inputs: usize) {
        let (mut corpus, mut kinds) = (self.seeds.clone(), Kinds::default());
        for seed in &corpus {
            self.one(seed).unwrap_or_else(|error| panic!("a seed of {} is refused: {error}", self.name));
        }
        for input in corpus::kept(self.name) {
            if let Err(error) = self.one(&input) {
                kinds.is_new(&error, &input);
            }
            corpus.push(input);
        }
        let (begun, mut accepted, mut finds) = (Instant::now(), 0_usize, Vec::new());
        let seed = std::env::var("GPU_MLP_FUZZ_SEED").map_or(0, |text| text.parse::<u64>().expect("a seed"));
        let mut rng = mutate::rng(self.name.bytes().map(u64::from).sum::<u64>() + (seed << 32));
        for _ in 0..inputs {
            // Half from the seeds: what was mutated often is mostly refused at the first check.
            let among = if one_in(&mut rng, 2) { self.seeds.len() } else { corpus.len() };
            let place = below(&mut rng, among);
            let other = pick(&mut rng, &corpus).clone();
            let input = (self.mutate)(&mut rng, &corpus[place], &other);
            let outcome = match self.try_one(&input) {
                Ok(outcome) => outcome,
                Err(find) => {
                    // The first of each kind is enough, and the rest of the run may find others.
                    finds.push(format!("{find}: {}", save(self.name, &input).display()));
                    assert!(finds.len() < 20, "fuzz target {}: {finds:#?}", self.name);
                    continue;
                }
            };
            accepted += usize::from(outcome.is_ok());
            let new = outcome.as_ref().is_err_and(|error| kinds.is_new(error, &input));
            // Of what is read well, some, or only damage would breed.
            if new || (outcome.is_ok() && one_in(&mut rng, 256)) {
                if corpus.len() < KEPT {
                    corpus.push(input);
                } else {
                    let from = self.seeds.len();
                    let place = from + below(&mut rng, KEPT - from);
                    corpus[place] = input;
                }
            }
        }
        let seconds = begun.elapsed().as_secs_f64();
        eprintln!(
            "{:<10} {inputs} inputs in {seconds:.1} s ({:.0}/s): {accepted} read, {} kinds of error",
            self.name,
            inputs as f64 / seconds,
            kinds.len()
        );
        kinds.keep(self.name);
        assert!(finds.is_empty(), "fuzz target {}: {finds:#?}", self.name);
    }
}

/// What the driver is for, each done on purpose.
pub fn notices_every_kind_of_find() {
    let reads: [(&str, Read); 4] = [
        ("panics", Box::new(|_| panic!("on purpose"))),
        (
            "bytes of memory",
            Box::new(|input| {
                drop(std::hint::black_box(vec![1_u8; MEMORY + 5 * input.len()]));
                Ok(())
            }),
        ),
        ("an error of", Box::new(|_| Err("x".repeat(LONGEST_ERROR + 1)))),
        ("", Box::new(|input| Err(format!("an input of {}", input.len())))),
    ];
    for (words, read) in reads {
        let mutate: Mutate = |_, input, _| input.to_vec();
        let mut target = Target { name: "on-purpose", seeds: Vec::new(), mutate, read };
        match (words, target.try_one(&[7; 1000])) {
            ("", outcome) => assert_eq!(outcome.unwrap().unwrap_err(), "an input of 1000"),
            (words, outcome) => assert!(outcome.unwrap_err().contains(words), "{words}"),
        }
    }
}

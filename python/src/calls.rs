//! Calls of the library from Python: the interpreter is free meanwhile, Ctrl-C is heard, errors and panics become exceptions, and
//! a child of `fork` has threads of its own.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gpu_mlp::{Error, Result};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// How often Ctrl-C is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// What the caller can mend is a `ValueError`, all else a `RuntimeError`.
pub fn raised(error: &Error) -> PyErr {
    let text = error.to_string();
    match error.exit_code() {
        2 | 3 => PyValueError::new_err(text),
        _ => PyRuntimeError::new_err(text),
    }
}

/// A panic as the error that it is.
fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    Error::Internal(
        text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned(),
    )
}

fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
}

/// Does a short piece of work without the interpreter.
pub fn without_python<T: Send>(py: Python<'_>, work: impl FnOnce() -> Result<T> + Send) -> PyResult<T> {
    py.detach(|| caught(work)).map_err(|error| raised(&error))
}

/// The threads of this process. Those of rayon's own pool do not survive a `fork`, and whoever waits for them waits for ever.
pub fn threads() -> Result<Arc<ThreadPool>> {
    static POOL: Mutex<Option<(u32, Arc<ThreadPool>)>> = Mutex::new(None);
    let (own, mut pool) = (std::process::id(), POOL.lock().unwrap_or_else(PoisonError::into_inner));
    if let Some((process, threads)) = &*pool
        && *process == own
    {
        return Ok(threads.clone());
    }
    let refused = |error| Error::Internal(format!("no threads to compute with: {error}"));
    let threads = Arc::new(ThreadPoolBuilder::new().build().map_err(refused)?);
    // The parent's threads are not here to be joined.
    std::mem::forget(pool.replace((own, threads.clone())));
    Ok(threads)
}

/// Does a long piece of work in [`threads`]; it is told when it should end because Python was interrupted, which then raises.
pub fn watched<T: Send>(py: Python<'_>, work: impl FnOnce(&AtomicBool) -> PyResult<T> + Send) -> PyResult<T> {
    let stop = AtomicBool::new(false);
    py.detach(|| {
        let pool = threads().map_err(|error| raised(&error))?;
        std::thread::scope(|scope| {
            let (sender, done) = channel();
            let stop = &stop;
            scope.spawn(move || {
                let result = catch_unwind(AssertUnwindSafe(|| pool.install(|| work(stop))));
                // The receiver waits below.
                let _ = sender.send(result.unwrap_or_else(|panic| Err(raised(&panicked(panic.as_ref())))));
            });
            let mut interrupted = None;
            loop {
                match done.recv_timeout(LOOK) {
                    Ok(result) => return interrupted.map_or(result, Err),
                    Err(RecvTimeoutError::Timeout) => {
                        if let Err(error) = Python::attach(|py| py.check_signals()) {
                            interrupted = Some(error);
                            stop.store(true, Ordering::Relaxed);
                        }
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(raised(&Error::Internal("the thread that computes has died".into())));
                    }
                }
            }
        })
    })
}

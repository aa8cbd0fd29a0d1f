//! What one instance of the module holds: a data set, a training, a model.

use std::cell::RefCell;
use std::rc::Rc;

use gpu_mlp::Error;
use gpu_mlp::checkpoint::ModelInfo;
use gpu_mlp::data::Dataset;
use gpu_mlp::network::Parameters;

use crate::training::{Control, Opened};

/// A network with what goes with it.
pub struct Model {
    pub parameters: Parameters,
    pub info: ModelInfo,
}

/// All that is held.
#[derive(Default)]
pub struct Session {
    pub dataset: Option<Rc<Dataset>>,
    /// A training that has not been run.
    pub opened: Option<Opened>,
    /// The newest network of the training, or that of a file.
    pub model: Option<Rc<Model>>,
    /// What the page wants of the run.
    pub control: Control,
}

thread_local! {
    static SESSION: RefCell<Session> = RefCell::default();
}

/// Does something with what is held. Nothing may be awaited in it.
pub fn with<T>(act: impl FnOnce(&mut Session) -> T) -> T {
    SESSION.with_borrow_mut(act)
}

/// The data set.
///
/// # Errors
/// If none was loaded.
pub fn dataset() -> Result<Rc<Dataset>, Error> {
    let missing = || Error::usage("no data are loaded").hint("choose data first");
    with(|session| session.dataset.clone()).ok_or_else(missing)
}

/// The model.
///
/// # Errors
/// If there is none yet.
pub fn model() -> Result<Rc<Model>, Error> {
    let missing = || Error::usage("there is no network yet").hint("train one, or load one from a file");
    with(|session| session.model.clone()).ok_or_else(missing)
}

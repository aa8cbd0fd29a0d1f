//! The one error type: what went wrong, where, what was expected and found, and what to do about it.

use std::path::{Path, PathBuf};

/// Everything that can go wrong, worded for the person who has to mend it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An option, or a combination of options, that cannot be meant.
    #[error("{0}")]
    Usage(String),

    /// A file that is there and can be read, but does not hold what it should.
    #[error("{}: {problem}\n  hint: {hint}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it: expected and got.
        problem: String,
        /// What to do.
        hint: String,
    },

    /// The operating system refused to read or write.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read`, `write`, `create`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own reason.
        source: std::io::Error,
    },

    /// Arrays whose shapes do not fit together.
    #[error("{what}: expected shape {expected}, got {got}")]
    Shape {
        /// Which array, in whose hands.
        what: String,
        /// The shape that fits.
        expected: String,
        /// The shape that came.
        got: String,
    },

    /// No adapter that satisfies the request.
    #[error("{0}")]
    NoAdapter(String),

    /// The device went away, or reported an error that leaves its results in doubt.
    #[error("the GPU failed: {0}")]
    Device(String),

    /// An invariant of this program does not hold.
    #[error("internal error: {0}\n  hint: this is a bug in gpu-mlp; please report it")]
    Internal(String),

    /// The loss, or a weight, is no longer a finite number.
    #[error(
        "training diverged in epoch {epoch}: {found}\n  hint: try a smaller --lr (it was {lr:?}), or --on-divergence \
         lower-lr"
    )]
    Diverged {
        /// The epoch, counted from 1.
        epoch: usize,
        /// What is not finite, and once that has been looked for, since when.
        found: String,
        /// The learning rate in use.
        lr: f32,
    },

    /// What ended a run whose folder remains.
    #[error("{cause}\n  hint: {kept}")]
    Run {
        /// The error itself.
        cause: Box<Error>,
        /// What is kept of the run, and how to go on.
        kept: String,
    },
}

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A file with the wrong content. What is quoted from it may be of any length: its middle is left out.
    pub fn file(path: impl AsRef<Path>, problem: impl Into<String>, hint: impl Into<String>) -> Self {
        let (path, problem, hint) = (path.as_ref().to_owned(), readable(problem.into()), hint.into());
        Self::File { path, problem, hint: readable(hint) }
    }

    /// A refusal by the operating system; made for `map_err(Error::io("read", path))`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// A shape that does not fit.
    pub fn shape(what: impl Into<String>, expected: impl std::fmt::Debug, got: impl std::fmt::Debug) -> Self {
        Self::Shape { what: what.into(), expected: format!("{expected:?}"), got: format!("{got:?}") }
    }

    /// The exit code of the program: 2 wrong usage or unreadable input, 3 no usable adapter, 4 device lost,
    /// 5 diverged, 70 a bug of ours. (0 is success, and 1 the answer "no" of a command that was asked a question.)
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) | Self::File { .. } | Self::Io { .. } | Self::Shape { .. } => 2,
            Self::Internal(_) => 70,
            Self::NoAdapter(_) => 3,
            Self::Device(_) => 4,
            Self::Diverged { .. } => 5,
            Self::Run { cause, .. } => cause.exit_code(),
        }
    }
}

/// The longest text of an error that is shown whole, in bytes.
const LONGEST: usize = 1500;

/// A text of any length as one that somebody reads: the beginning and the end.
fn readable(text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let begin = text.floor_char_boundary(LONGEST / 2);
    let end = text.ceil_char_boundary(text.len() - LONGEST / 4);
    format!("{} … {}", &text[..begin], &text[end..])
}

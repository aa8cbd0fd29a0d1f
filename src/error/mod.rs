//! The error type: what is wrong, where, what was expected and found, and how to fix it.

mod message;
mod setting;

pub(crate) use message::message;
pub use message::{Message, Piece, Remedy};
pub use setting::Setting;

use std::fmt;
use std::path::{Path, PathBuf};

/// Everything that can go wrong, worded for the person who has to mend it.
#[derive(Debug)]
pub enum Error {
    /// An option, or a combination of options, that cannot be meant.
    Usage {
        /// What is wrong with it.
        problem: Message,
        /// What to do; empty where the problem says it.
        hint: Message,
    },

    /// A file that is there and can be read, but does not hold what it should.
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it: expected and got.
        problem: Message,
        /// What to do.
        hint: Message,
    },

    /// The operating system refused to read or write.
    Io {
        /// `read`, `write`, `create`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's own reason.
        source: std::io::Error,
    },

    /// Arrays whose shapes do not fit together.
    Shape {
        /// Which array, in whose hands.
        what: String,
        /// The shape that fits.
        expected: String,
        /// The shape that came.
        got: String,
    },

    /// No adapter that satisfies the request, or that can run the kernels.
    NoAdapter {
        /// What was asked for, and what there is.
        problem: Message,
        /// What to do.
        hint: Message,
    },

    /// A batch or a network that an adapter's limits or memory have no room for.
    TooLarge {
        /// What needs how much, and what there is.
        problem: Message,
        /// What to do.
        hint: Message,
    },

    /// The device went away, or reported an error that leaves its results in doubt: on another try it may work.
    Device(String),

    /// The adapter's compiler does not take one of our shaders: it will not the next time either.
    Shader {
        /// The file and the entry point.
        name: String,
        /// The compiler's words.
        reason: String,
    },

    /// An invariant of this program does not hold.
    Internal(String),

    /// The loss, or a weight, is no longer a finite number.
    Diverged {
        /// The epoch, counted from 1.
        epoch: usize,
        /// What is not finite, and once that has been looked for, since when.
        found: String,
        /// The learning rate in use.
        lr: f32,
    },

    /// What went wrong on another of the processes that train together.
    Rank {
        /// Which one, counted from 0.
        rank: usize,
        /// The error, in words.
        told: String,
        /// Its exit code.
        exit_code: u8,
    },

    /// What ended a run whose folder remains.
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
    /// An option that cannot be meant.
    pub fn usage(problem: impl Into<Message>) -> Self {
        Self::Usage { problem: problem.into(), hint: Message::default() }
    }

    /// A file with the wrong content. What is quoted from it may be of any length: its middle is left out.
    pub fn file(path: impl AsRef<Path>, problem: impl Into<Message>, hint: impl Into<Message>) -> Self {
        Self::File { path: path.as_ref().to_owned(), problem: problem.into(), hint: hint.into() }
    }

    /// A refusal by the operating system; made for `map_err(Error::io("read", path))`.
    pub fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// A shape that does not fit.
    pub fn shape(what: impl Into<String>, expected: impl fmt::Debug, got: impl fmt::Debug) -> Self {
        Self::Shape { what: what.into(), expected: format!("{expected:?}"), got: format!("{got:?}") }
    }

    /// No adapter, or none that can run the kernels.
    pub fn no_adapter(problem: impl Into<Message>) -> Self {
        Self::NoAdapter { problem: problem.into(), hint: Message::default() }
    }

    /// What an adapter has no room for.
    pub fn too_large(problem: impl Into<Message>) -> Self {
        let hint = message![
            Remedy::smaller(&[Setting::BatchSize, Setting::Hidden]),
            ", ",
            Setting::Adapter.another(),
            ", or ",
            Setting::Backend.set("cpu"),
        ];
        Self::TooLarge { problem: problem.into(), hint }
    }

    /// The same error with what to do about it, if it is one that says so.
    #[must_use]
    pub fn hint(mut self, words: impl Into<Message>) -> Self {
        if let Self::Usage { hint, .. }
        | Self::File { hint, .. }
        | Self::NoAdapter { hint, .. }
        | Self::TooLarge { hint, .. } = &mut self
        {
            *hint = words.into();
        }
        self
    }

    /// What to do about it, as data: the settings to change, and how.
    pub fn remedies(&self) -> Vec<Remedy> {
        match self {
            Self::Usage { hint, .. }
            | Self::File { hint, .. }
            | Self::NoAdapter { hint, .. }
            | Self::TooLarge { hint, .. } => hint.remedies().cloned().collect(),
            Self::Diverged { .. } => {
                vec![Remedy::smaller(&[Setting::Lr]), Setting::OnDivergence.set("lower-lr")]
            }
            Self::Run { cause, .. } => cause.remedies(),
            Self::Io { .. }
            | Self::Shape { .. }
            | Self::Device(_)
            | Self::Shader { .. }
            | Self::Internal(_)
            | Self::Rank { .. } => Vec::new(),
        }
    }

    /// In words, with settings spelled as the reader knows them.
    pub fn told(&self, name: &dyn Fn(Setting) -> String) -> String {
        let hinted = |problem: String, hint: &Message| match hint.is_empty() {
            true => problem,
            false => format!("{problem}\n  hint: {}", hint.told(name)),
        };
        match self {
            Self::Usage { problem, hint }
            | Self::NoAdapter { problem, hint }
            | Self::TooLarge { problem, hint } => hinted(problem.told(name), hint),
            Self::File { path, problem, hint } => {
                hinted(format!("{}: {}", path.display(), problem.told(name)), hint)
            }
            Self::Io { action, path, source } => format!("cannot {action} {}: {source}", path.display()),
            Self::Shape { what, expected, got } => format!("{what}: expected shape {expected}, got {got}"),
            Self::Device(reason) => format!("the GPU failed: {reason}"),
            Self::Shader { name, reason } => format!("the GPU failed: shader {name} was rejected: {reason}"),
            Self::Internal(what) => {
                format!("internal error: {what}\n  hint: this is a bug in gpu-mlp; please report it")
            }
            Self::Diverged { epoch, found, lr } => {
                let hint = message![
                    "try ",
                    Remedy::smaller(&[Setting::Lr]),
                    format!(" (it was {lr:?}), or "),
                    Setting::OnDivergence.set("lower-lr"),
                ];
                hinted(format!("training diverged in epoch {epoch}: {found}"), &hint)
            }
            Self::Rank { rank, told, .. } => format!("rank {rank}: {told}"),
            Self::Run { cause, kept } => format!("{}\n  hint: {kept}", cause.told(name)),
        }
    }

    /// The exit code of the program: 2 wrong usage or unreadable input, 3 no usable adapter, 4 the GPU failed,
    /// 5 diverged, 70 a bug in gpu-mlp. (0 is success; 1 means that a check failed.)
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. }
            | Self::File { .. }
            | Self::Io { .. }
            | Self::Shape { .. }
            | Self::TooLarge { .. } => 2,
            Self::Internal(_) => 70,
            Self::NoAdapter { .. } => 3,
            Self::Device(_) | Self::Shader { .. } => 4,
            Self::Diverged { .. } => 5,
            Self::Rank { exit_code, .. } => *exit_code,
            Self::Run { cause, .. } => cause.exit_code(),
        }
    }
}

/// With settings spelled as the library's fields.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(&|setting| setting.name().to_owned()))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Run { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

//! The text of an error, in which settings and remedies are data.

use std::fmt;
use std::path::Path;

use serde::{Serialize, Serializer};

use super::setting::Setting;

/// What to do about an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Give one of these a smaller value.
    Smaller(Vec<Setting>),
    /// Choose another value.
    Another(Setting),
    /// Choose this value.
    Set(Setting, String),
    /// Leave it as it is by default.
    Without(Setting),
    /// Give it a value, or a better one.
    Choose(Setting),
}

impl Remedy {
    /// A smaller value of one of these.
    pub fn smaller(settings: &[Setting]) -> Self {
        Self::Smaller(settings.to_vec())
    }

    fn told(&self, name: &dyn Fn(Setting) -> String) -> String {
        match self {
            Self::Smaller(settings) => {
                let names: Vec<String> = settings.iter().map(|&setting| name(setting)).collect();
                format!("a smaller {}", names.join(" or "))
            }
            Self::Another(setting) => format!("another {}", name(*setting)),
            Self::Set(setting, value) => format!("{} {value}", name(*setting)),
            Self::Without(setting) => format!("leave {} out", name(*setting)),
            Self::Choose(setting) => name(*setting),
        }
    }
}

impl Setting {
    /// The remedy of another value.
    pub fn another(self) -> Remedy {
        Remedy::Another(self)
    }

    /// The remedy of this value.
    pub fn set(self, value: impl fmt::Display) -> Remedy {
        Remedy::Set(self, value.to_string())
    }

    /// The remedy of leaving it out.
    pub fn without(self) -> Remedy {
        Remedy::Without(self)
    }
}

/// A piece of a [`Message`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Plain words.
    Text(String),
    /// A setting, or what to do with it.
    Remedy(Remedy),
}

impl From<&str> for Piece {
    fn from(text: &str) -> Self {
        Self::Text(readable(text.to_owned()))
    }
}

impl From<String> for Piece {
    fn from(text: String) -> Self {
        Self::Text(readable(text))
    }
}

impl From<Setting> for Piece {
    fn from(setting: Setting) -> Self {
        Self::Remedy(Remedy::Choose(setting))
    }
}

impl From<Remedy> for Piece {
    fn from(remedy: Remedy) -> Self {
        Self::Remedy(remedy)
    }
}

/// Words with settings in them. As text they are spelled as the library's fields: `batch_size`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Message(Vec<Piece>);

impl Message {
    /// These pieces, one after another; the macro `message!` makes them of texts, settings and remedies.
    pub fn new(pieces: Vec<Piece>) -> Self {
        Self(pieces)
    }

    /// These words, and more.
    #[must_use]
    pub fn and(mut self, more: impl Into<Self>) -> Self {
        self.0.extend(more.into().0);
        self
    }

    /// These words about a file.
    #[must_use]
    pub fn of(self, path: &Path) -> Self {
        Self::from(format!("{}: ", path.display())).and(self)
    }

    /// Whether there are no words.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(text) if text.is_empty()))
    }

    /// What the words name to be done.
    pub fn remedies(&self) -> impl Iterator<Item = &Remedy> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Remedy(remedy) => Some(remedy),
            Piece::Text(_) => None,
        })
    }

    /// As text, with settings spelled as the reader knows them.
    pub fn told(&self, name: &dyn Fn(Setting) -> String) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Remedy(remedy) => remedy.told(name),
        };
        self.0.iter().map(piece).collect()
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(&|setting| setting.name().to_owned()))
    }
}

macro_rules! of_one_piece {
    ($($piece:ty),*) => {$(
        impl From<$piece> for Message {
            fn from(piece: $piece) -> Self {
                Self(vec![piece.into()])
            }
        }
    )*};
}

of_one_piece!(&str, String, Setting, Remedy);

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

/// A [`Message`](crate::error::Message) of texts, settings and remedies.
macro_rules! message {
    ($($piece:expr),* $(,)?) => {
        $crate::error::Message::new(vec![$($crate::error::Piece::from($piece)),*])
    };
}
pub(crate) use message;

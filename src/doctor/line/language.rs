//! The languages that the right line is written in.

/// The language of the code that made a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// Python with NumPy.
    #[default]
    Numpy,
    /// Matlab or Octave.
    Matlab,
    /// Julia.
    Julia,
    /// JavaScript with nested arrays.
    JavaScript,
    /// Java with arrays of `double`.
    Java,
    /// C with arrays of `double`.
    C,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Numpy, Self::Matlab, Self::Julia, Self::JavaScript, Self::Java, Self::C];

    /// As the command line has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Numpy => "numpy",
            Self::Matlab => "matlab",
            Self::Julia => "julia",
            Self::JavaScript => "javascript",
            Self::Java => "java",
            Self::C => "c",
        }
    }

    /// What begins a comment.
    pub fn comment(self) -> &'static str {
        match self {
            Self::Numpy | Self::Julia => "#",
            Self::Matlab => "%",
            Self::JavaScript | Self::Java | Self::C => "//",
        }
    }
}

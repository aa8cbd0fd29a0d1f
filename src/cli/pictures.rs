//! Options for images in data sets.

use crate::data::PictureOptions;

/// How images are read.
#[derive(Debug, clap::Args)]
pub(super) struct PictureChoice {
    /// For folders of images: the width and height that all are stretched to [default: if they have several sizes, the commonest]
    #[arg(long, value_name = "WxH", value_parser = size)]
    resize: Option<[usize; 2]>,
    /// For folders of images: leave broken images out
    #[arg(long)]
    skip_broken: bool,
    /// For IDX files: rows and columns of the images change places, as EMNIST's have to
    #[arg(long)]
    transpose: bool,
}

impl PictureChoice {
    pub fn options(&self) -> PictureOptions {
        PictureOptions { resize: self.resize, skip_broken: self.skip_broken, transpose: self.transpose }
    }
}

/// The most pixels of a side.
const LONGEST: usize = 2048;

/// The value of `--resize`.
fn size(text: &str) -> Result<[usize; 2], String> {
    let sides = text.split_once(['x', 'X', '×']).unwrap_or((text, text));
    let side = |text: &str| text.trim().parse().ok().filter(|side| (1..=LONGEST).contains(side));
    side(sides.0).zip(side(sides.1)).map(|(width, height)| [width, height]).ok_or_else(|| {
        format!(
            "expected a width and a height of 1 to {LONGEST} pixels, such as 64x48, or one number for both"
        )
    })
}

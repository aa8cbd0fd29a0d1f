//! The data sets that are known by name: their mirrors and checksums.

/// The built-in set.
pub const DIGITS: &str = "digits";

/// A set that can be fetched by name.
#[derive(Debug)]
pub struct Known {
    /// The name on the command line, and of the folder it is kept in.
    pub name: &'static str,
    /// What it shows.
    pub about: &'static str,
    /// Number of classes; a higher label is an error.
    pub classes: usize,
    /// Base addresses, tried in this order; each holds all four files as `<stem>.gz`.
    pub mirrors: &'static [&'static str],
    /// The four files, in the order of [`super::folder::STEMS`].
    pub files: [KnownFile; 4],
}

/// One file of a known set.
#[derive(Debug)]
pub struct KnownFile {
    /// The file name without `.gz`.
    pub stem: &'static str,
    /// Length of the uncompressed file, in bytes.
    pub bytes: u64,
    /// SHA-256 of the uncompressed file. Mirrors compress differently, so only these bytes have one sum.
    pub sha256: &'static str,
}

/// All sets that can be fetched.
pub static KNOWN: [Known; 2] = [MNIST, FASHION_MNIST];

/// The set called `name`, if it can be fetched.
pub fn find(name: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.name == name)
}

/// All names: those that can be fetched, and the built-in set.
pub fn names() -> impl Iterator<Item = &'static str> {
    KNOWN.iter().map(|known| known.name).chain([DIGITS])
}

const MNIST: Known = Known {
    name: "mnist",
    about: "handwritten digits, 60,000 + 10,000 of 28 x 28",
    classes: 10,
    mirrors: &[
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ],
    files: [
        KnownFile {
            stem: "train-images-idx3-ubyte",
            bytes: 47_040_016,
            sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        },
        KnownFile {
            stem: "train-labels-idx1-ubyte",
            bytes: 60_008,
            sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        },
        KnownFile {
            stem: "t10k-images-idx3-ubyte",
            bytes: 7_840_016,
            sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        },
        KnownFile {
            stem: "t10k-labels-idx1-ubyte",
            bytes: 10_008,
            sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
    ],
};

/// The sums are those of the bytes inside the archives that the authors publish: the SHA-256 of those archives
/// (3aede38d…, a04f1713…, 346e55b9…, 67da17c7…) is what other libraries check, and these bytes reproduce them.
const FASHION_MNIST: Known = Known {
    name: "fashion-mnist",
    about: "articles of clothing, 60,000 + 10,000 of 28 x 28",
    classes: 10,
    mirrors: &[
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com/",
    ],
    files: [
        KnownFile {
            stem: "train-images-idx3-ubyte",
            bytes: 47_040_016,
            sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        },
        KnownFile {
            stem: "train-labels-idx1-ubyte",
            bytes: 60_008,
            sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        },
        KnownFile {
            stem: "t10k-images-idx3-ubyte",
            bytes: 7_840_016,
            sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        },
        KnownFile {
            stem: "t10k-labels-idx1-ubyte",
            bytes: 10_008,
            sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
    ],
};

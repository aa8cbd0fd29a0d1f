//! Where images are kept during training.

/// Where the images are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Residency {
    /// On the device, if the adapter's limits allow it, and not if they are left on the disk because memory is short and the
    /// device has none but the host's; else streamed.
    #[default]
    WhereTheyFit,
    /// On the host, in memory or on the disk: each chunk's pass through staging buffers while the device works on the
    /// one before.
    Streamed,
}

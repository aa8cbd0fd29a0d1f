//! The events of a download, and its time limits.

use std::path::Path;
use std::time::Duration;

/// Events of a download, to be shown.
#[derive(Debug)]
pub enum Event<'a> {
    /// The file is there already, and whole.
    Whole {
        /// Where it is.
        path: &'a Path,
    },
    /// A download begins.
    Start {
        /// Its address.
        url: &'a str,
    },
    /// Bytes came in.
    Received {
        /// Bytes of the file so far, compressed as the mirror sends them.
        bytes: u64,
        /// Bytes in all, where the mirror says.
        total: Option<u64>,
    },
    /// The connection was cut and is taken up again.
    Resumed {
        /// The byte from which the rest is asked for.
        from: u64,
        /// How the connection ended.
        reason: &'a str,
    },
    /// A mirror was given up.
    Failed {
        /// The address that was asked for.
        url: &'a str,
        /// Why.
        reason: &'a str,
    },
    /// A damaged file would hide the new one and got another name.
    SetAside {
        /// The new name of the damaged file.
        path: &'a Path,
    },
    /// The file is there, checked.
    Stored {
        /// Where it is.
        path: &'a Path,
    },
}

/// How long a mirror is waited for, and how often.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For the name look-up, and again for the connection.
    pub connect: Duration,
    /// For the next byte.
    pub silence: Duration,
    /// For one request from beginning to end.
    pub request: Duration,
    /// Requests to one mirror for one file; more than one because connections are cut.
    pub attempts: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            silence: Duration::from_secs(30),
            request: Duration::from_secs(30 * 60),
            attempts: 5,
        }
    }
}

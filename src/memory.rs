//! Checks the available memory before it is allocated: without memory the allocator ends the program, and a system that
//! promised more than it has ends any program.

use bytesize::ByteSize;
use sysinfo::System;

use crate::error::{Error, Message, Result};

/// Whether there are so many bytes for `what`.
///
/// # Errors
/// [`Error::Usage`] with both numbers, and the hint, if there are not.
pub fn require(bytes: u64, what: &str, hint: impl Into<Message>) -> Result<()> {
    let refuse = |available: String, hint: Message| {
        let needed = ByteSize(bytes);
        let problem = format!("{what} needs about {needed:.1} of memory, and {available}");
        Err(Error::usage(problem).hint(hint))
    };
    if let Some(available) = available().filter(|&available| bytes > available) {
        return refuse(format!("{:.1} are available", ByteSize(available)), hint.into());
    }
    // Room in the address space, of which a process may have been granted less. Untouched it costs nothing.
    let mut room = Vec::<u8>::new();
    if usize::try_from(bytes).is_err() || room.try_reserve_exact(bytes as usize).is_err() {
        return refuse("the system allows this process less".into(), hint.into());
    }
    Ok(())
}

/// Bytes that the machine, or the container that the program runs in, could give; nothing where the system does not say.
fn available() -> Option<u64> {
    let mut system = System::new();
    system.refresh_memory();
    let machine = system.available_memory().checked_add(system.free_swap()).filter(|&bytes| bytes > 0)?;
    // All of the container's: what its files take of that is given up when it is needed.
    let container = system.cgroup_limits().map(|limits| limits.total_memory.saturating_add(limits.free_swap));
    Some(machine.min(container.unwrap_or(u64::MAX)))
}

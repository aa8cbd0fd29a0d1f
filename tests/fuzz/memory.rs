//! What the program under test allocates: bytes alive now, and the most there were since a mark.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The system's allocator, counting.
pub struct Counting;

static ALIVE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// No input may come near it: what asks for more is refused, which ends the program before the machine runs out.
const REFUSED: usize = 4 << 30;

fn grown(bytes: usize) {
    let alive = ALIVE.fetch_add(bytes, Relaxed) + bytes;
    MOST.fetch_max(alive, Relaxed);
}

// SAFETY: an allocator has no safe interface. All work is handed on to the system's under the same conditions; nothing
// here touches memory, and a refusal is the null pointer that the interface provides for.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > REFUSED {
            crate::driver::save_current(&format!("asks for {} bytes at once", layout.size()));
            return std::ptr::null_mut();
        }
        grown(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() > REFUSED {
            crate::driver::save_current(&format!("asks for {} bytes at once", layout.size()));
            return std::ptr::null_mut();
        }
        grown(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        ALIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size > REFUSED {
            crate::driver::save_current(&format!("asks for {size} bytes at once"));
            return std::ptr::null_mut();
        }
        grown(size);
        ALIVE.fetch_sub(layout.size(), Relaxed);
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Counts anew from here.
pub fn mark() -> usize {
    let alive = ALIVE.load(Relaxed);
    MOST.store(alive, Relaxed);
    alive
}

/// The most bytes that were alive at once since a mark, beyond those alive at it.
pub fn most_since(mark: usize) -> usize {
    MOST.load(Relaxed).saturating_sub(mark)
}

//! Tests that need an adapter; none yet.

fn main() {}

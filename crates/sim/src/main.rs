//! Synthetic host and classrooms, link emulator, benchmarks: binary nhipcau-sim.

fn main() {}

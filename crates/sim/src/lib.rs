//! What the product is tried with: a synthetic host, light classrooms, an emulator of bad links, observers who
//! write, and the fan-out benchmark.
//!
//! The command line (`nhipcau-sim`) is a thin door onto these modules; integration tests and `xtask` call them directly.

mod batch;
pub mod classrooms;
pub mod fanout;
pub mod fixture;
pub mod host;
pub mod lesson;
pub mod link;
pub mod observers;
pub mod packetize;
mod process;
pub mod ways;
pub mod weak;
pub mod whip;
pub mod world;

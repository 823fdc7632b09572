//! The relay: everything that listens, waits, reads clocks or draws random numbers.

mod app;
pub mod config;
pub mod media;

pub use app::{App, RunningApp};
pub use config::Config;

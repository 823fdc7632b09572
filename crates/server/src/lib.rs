//! The relay: everything that listens, waits, reads clocks or draws random numbers.

mod address;
mod app;
mod auth;
pub mod cli;
mod clock;
pub mod config;
pub mod doctor;
mod http;
mod lessons;
mod limits;
mod lines;
mod links;
mod listen;
pub mod logging;
pub mod media;
mod metrics;
mod problem;
mod reports;
mod seat;
mod seats;
mod segments;
mod sessions;
mod sheets;
mod state;
mod timelines;
mod tls;
mod token;
mod works;

pub use app::{App, RunningApp};
pub use config::Config;

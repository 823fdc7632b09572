//! Estimate, rungs, probing and pacing for weak links: pure, has never heard of RTP.
//!
//! One seam: reports go into a [`LinkEstimator`], a [`Bitrate`] comes out, and [`allocate`] turns it into a
//! layer per slot. What is behind the seam may change without the server noticing.

mod allocate;
mod estimator;
mod meter;

pub use allocate::{Allocation, Allocator, Demand, allocate};
pub use domain::Bitrate;
pub use estimator::{LinkEstimator, LossReport, Seen};

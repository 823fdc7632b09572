//! The relay: binary nhipcau.

pub mod media;

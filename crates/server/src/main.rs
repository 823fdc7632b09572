//! The relay: binary nhipcau.

fn main() {}

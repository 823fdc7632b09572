//! The relay: binary nhipcau.

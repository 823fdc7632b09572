//! Tracks, layers, rewriting, repair, keyframe cache, RED: pure, bytes in and bytes out.

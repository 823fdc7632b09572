//! Commands that need more than a few lines.

pub(crate) mod link;
pub(crate) mod weak_link;
pub(crate) mod world;

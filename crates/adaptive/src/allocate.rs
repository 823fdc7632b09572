//! Who gets what of a link: a pure function, and the memory that keeps it calm.

use domain::{Bitrate, Layer, Slot, Timestamp};

/// What a receiver wants of one slot, and what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// The slot.
    pub slot: Slot,
    /// Highest layer of use (the size shown); `None`: not wanted.
    pub wanted: Option<Layer>,
    /// Rate of each layer that is being published now; `None`: not published.
    pub rates: [Option<Bitrate>; Layer::COUNT],
}

/// What every slot gets, indexed by [`Slot::index`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allocation {
    /// Layer per slot; `None`: nothing.
    pub layers: [Option<Layer>; Slot::COUNT],
    /// What it costs together.
    pub rate: Bitrate,
    /// Something wanted was left out or sent smaller because of the budget.
    pub limited: bool,
}

/// Divides `budget`: audio first, then slides, then program, then the extra picture.
pub fn allocate(budget: Bitrate, demands: &[Demand]) -> Allocation {
    let _ = (budget, demands);
    todo!()
}

/// Applies [`allocate`] over time: down at once, up only after a hold.
#[derive(Debug, Clone, Default)]
pub struct Allocator {
    last: Allocation,
}

impl Allocator {
    /// The allocation for now.
    pub fn update(&mut self, now: Timestamp, budget: Bitrate, demands: &[Demand]) -> Allocation {
        let _ = (now, budget, demands);
        self.last
    }
}

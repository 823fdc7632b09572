//! The memory that keeps an allocation calm.

use super::{Allocation, Demand, Demands, Layers, Terms, by_slot, describe, divide, grow, limit};
use domain::{Bitrate, Slot, Timestamp};
use std::time::Duration;

/// What is being sent stays while it exceeds the budget by less than this: encoders do not keep their rate exactly.
pub(super) const STAY: f64 = 1.1;
/// A larger layer is tried only when it fits with this much to spare.
const CLIMB: f64 = 0.9;
/// No step up for so long after a step down; doubled each time a step up fails.
const HOLD: Duration = Duration::from_secs(10);
const HOLD_MAX: Duration = Duration::from_secs(160);
/// A step up has failed when a step down follows within this.
const FAILED_WITHIN: Duration = Duration::from_secs(20);
/// Time to see what a step up does before the next one, where the budget is hope.
const SETTLE: Duration = Duration::from_secs(3);
/// While more is being found, a step up waits for it at most so long: one switch instead of three.
const SEARCH_PATIENCE: Duration = Duration::from_secs(8);

/// Applies [`super::allocate`] over time: down at once, up only after a hold that grows when steps up fail.
///
/// Only what the budget took away waits. What a person asks for, or what starts being published, comes at once
/// as far as it fits.
#[derive(Debug, Clone)]
pub struct Allocator {
    layers: Layers,
    /// Slots that have less than wanted because of the budget.
    held: [bool; Slot::COUNT],
    hold: Duration,
    climb_after: Timestamp,
    climbed_at: Option<Timestamp>,
    /// Since when a larger layer would fit.
    fits_since: Option<Timestamp>,
}

impl Default for Allocator {
    fn default() -> Self {
        Self {
            layers: [None; Slot::COUNT],
            held: [false; Slot::COUNT],
            hold: HOLD,
            climb_after: Timestamp::ZERO,
            climbed_at: None,
            fits_since: None,
        }
    }
}

impl Allocator {
    /// The allocation for now; call it when a report came or a demand changed, or each few hundred ms.
    pub fn update(
        &mut self,
        now: Timestamp,
        budget: Bitrate,
        demands: &[Demand],
        terms: &Terms,
    ) -> Allocation {
        let budget = limit(budget, terms);
        let demands = by_slot(demands, terms);
        let kept = divide(budget.scale(STAY), &capped(&demands, self.layers), terms);
        let best = demands.map(|demand| demand.best());
        let is_cut =
            Slot::ALL.map(Slot::index).iter().any(|&index| kept[index] < self.layers[index].min(best[index]));
        let is_new = |slot: Slot| !self.held[slot.index()] && kept[slot.index()] < best[slot.index()];
        let next = if is_cut {
            self.hold = match self.climbed_at.take() {
                Some(at) if now.saturating_since(at) < FAILED_WITHIN => (self.hold * 2).min(HOLD_MAX),
                Some(_) => HOLD,
                // Still the same way down: one failure, however many layers it takes.
                None => self.hold,
            };
            self.climb_after = now + self.hold;
            self.fits_since = None;
            kept
        } else if Slot::ALL.into_iter().any(is_new) {
            // Divide anew, so that slides that start may take from the program; what is held may not grow by it.
            let limits = Slot::ALL
                .map(|slot| if self.held[slot.index()] { kept[slot.index()] } else { best[slot.index()] });
            divide(budget, &capped(&demands, limits), terms)
        } else {
            self.climb(now, kept, budget, &demands, terms)
        };
        self.layers = next;
        self.held = Slot::ALL.map(|slot| next[slot.index()] < best[slot.index()]);
        describe(next, &demands)
    }

    /// The link was away and is back: what it lost by that is no failure of a step up and waits for nothing.
    pub fn resume(&mut self, now: Timestamp) {
        self.climb_after = now;
        self.climbed_at = None;
        self.fits_since = None;
    }

    fn climb(
        &mut self,
        now: Timestamp,
        kept: Layers,
        budget: Bitrate,
        demands: &Demands,
        terms: &Terms,
    ) -> Layers {
        // A budget that is hope grows as long as nothing is sent that could refute it: one layer at a time.
        let limits = Slot::ALL.map(|slot| {
            let demand = &demands[slot.index()];
            if terms.proven { demand.best() } else { demand.next_above(kept[slot.index()]) }
        });
        let grown = grow(kept, budget.scale(CLIMB), &capped(demands, limits), terms);
        if grown == kept {
            self.fits_since = None;
            return kept;
        }
        let fits_since = *self.fits_since.get_or_insert(now);
        let may_get_better = terms.searching && now.saturating_since(fits_since) < SEARCH_PATIENCE;
        // Nothing at all yet: something now is worth more than something better in a moment.
        let has_picture = kept
            .iter()
            .zip(Slot::ALL)
            .any(|(layer, slot)| layer.is_some() && slot.kind() == domain::MediaKind::Video);
        if now < self.climb_after || (may_get_better && has_picture) {
            return kept;
        }
        self.climbed_at = Some(now);
        self.climb_after = now + SETTLE;
        self.fits_since = None;
        grown
    }
}

/// The demands, none for more than its slot's layer in `limits`.
fn capped(demands: &Demands, limits: Layers) -> Demands {
    demands.map(|demand| Demand { wanted: demand.wanted.min(limits[demand.slot.index()]), ..demand })
}

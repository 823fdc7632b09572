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
/// A budget that is at least this much of what it was has not fallen.
const HARDLY_LESS: f64 = 0.95;
/// A first hold ends after this when the budget has become this many times what it was.
const LET_OFF_AFTER: Duration = Duration::from_secs(1);
const FAR_MORE: f64 = 1.5;
/// So long after the first allocation nothing counts as a failure.
const LEARNING: Duration = Duration::from_secs(2);
/// The hold after a step down that no step up led to and no lesser budget forced: at the beginning, rates are guesses.
const DEARER: Duration = Duration::from_millis(500);
/// A step up has failed when a step down follows within this.
const FAILED_WITHIN: Duration = Duration::from_secs(20);
/// What was there before a step up that failed comes back after this, once, if it fits with so much to spare: it has not failed.
const BACK_AFTER: Duration = Duration::from_secs(2);
const BACK: f64 = 0.75;
/// For so long after the link has failed a larger layer must fit with as much to spare: what barely fits fails again.
const WARY: Duration = Duration::from_secs(20);
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
    /// The budget when the layers were chosen.
    chosen_with: Bitrate,
    /// When the first allocation was.
    began_at: Option<Timestamp>,
    /// When the last step down was, and the budget that forced it; `None` after a step up.
    cut: Option<(Timestamp, Bitrate)>,
    /// Until then the link's last failure counts.
    wary_until: Timestamp,
    /// What was there before the last step up.
    before_climb: Layers,
    /// The last step up failed, and what was there before has not been tried again.
    may_go_back: bool,
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
            chosen_with: Bitrate::default(),
            began_at: None,
            cut: None,
            wary_until: Timestamp::ZERO,
            before_climb: [None; Slot::COUNT],
            may_go_back: false,
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
        let began_at = *self.began_at.get_or_insert(now);
        let budget = limit(budget, terms);
        let demands = by_slot(demands, terms);
        let kept = divide(budget.scale(STAY), &capped(&demands, self.layers), terms);
        let best = demands.map(|demand| demand.best());
        let is_cut =
            Slot::ALL.map(Slot::index).iter().any(|&index| kept[index] < self.layers[index].min(best[index]));
        let is_new = |slot: Slot| !self.held[slot.index()] && kept[slot.index()] < best[slot.index()];
        let next = if is_cut {
            let wait = match self.climbed_at.take() {
                // Rates and budget are guesses yet.
                _ if now.saturating_since(began_at) < LEARNING => DEARER,
                Some(at) if now.saturating_since(at) < FAILED_WITHIN => {
                    self.may_go_back = true;
                    self.hold = (self.hold * 2).min(HOLD_MAX);
                    self.hold
                }
                Some(_) => {
                    self.hold = HOLD;
                    self.hold
                }
                // What is sent costs more than it seemed when it was chosen; the link has not failed.
                None if budget >= self.chosen_with.scale(HARDLY_LESS) => DEARER,
                // Still the same way down: one failure, however many layers it takes.
                None => self.hold,
            };
            // What was there before has failed as well.
            self.may_go_back &=
                Slot::ALL.iter().any(|slot| self.layers[slot.index()] > self.before_climb[slot.index()]);
            self.climb_after = self.climb_after.max(now + wait);
            if wait > DEARER {
                self.wary_until = now + WARY;
            }
            self.cut = Some((now, budget));
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
        if next != self.layers {
            self.chosen_with = budget;
        }
        self.layers = next;
        self.held = Slot::ALL.map(|slot| next[slot.index()] < best[slot.index()]);
        describe(next, &demands)
    }

    /// The link was away and is back: what it lost by that is no failure of a step up and waits for nothing.
    pub fn resume(&mut self, now: Timestamp) {
        self.climb_after = now;
        self.may_go_back = false;
        self.wary_until = now;
        self.climbed_at = None;
        self.fits_since = None;
    }

    /// Whether a hold is over before its time: it was the first, and the link has since been shown to carry far more than when
    /// it failed.
    fn is_let_off(&self, now: Timestamp, budget: Bitrate) -> bool {
        let Some((at, then)) = self.cut else { return false };
        self.hold <= HOLD && now.saturating_since(at) >= LET_OFF_AFTER && budget >= then.scale(FAR_MORE)
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
        // Nothing at all yet: something now is worth more than something better in a moment.
        let has_picture = kept
            .iter()
            .zip(Slot::ALL)
            .any(|(layer, slot)| layer.is_some() && slot.kind() == domain::MediaKind::Video);
        let fits = if has_picture && now < self.wary_until { BACK } else { CLIMB };
        let grown = grow(kept, budget.scale(fits), &capped(demands, limits), terms);
        if grown == kept {
            self.fits_since = None;
            return kept;
        }
        let fits_since = *self.fits_since.get_or_insert(now);
        let may_get_better = terms.searching && now.saturating_since(fits_since) < SEARCH_PATIENCE;
        let hold = now < self.climb_after && !self.is_let_off(now, budget);
        if hold && self.may_go_back && self.cut.is_some_and(|(at, _)| now.saturating_since(at) >= BACK_AFTER)
        {
            let back = grow(kept, budget.scale(BACK), &capped(demands, self.before_climb), terms);
            if back != kept {
                self.may_go_back = false;
                return back;
            }
        }
        if hold || (may_get_better && has_picture) {
            return kept;
        }
        self.climbed_at = Some(now);
        self.before_climb = kept;
        self.may_go_back = false;
        self.cut = None;
        self.climb_after = now + SETTLE;
        self.fits_since = None;
        grown
    }
}

/// The demands, none for more than its slot's layer in `limits`.
fn capped(demands: &Demands, limits: Layers) -> Demands {
    demands.map(|demand| Demand { wanted: demand.wanted.min(limits[demand.slot.index()]), ..demand })
}

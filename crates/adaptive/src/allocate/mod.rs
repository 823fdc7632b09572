//! Who gets what of a link: a pure function, and the memory that keeps it calm.

use domain::{Bitrate, Layer, MediaKind, Slot, Timestamp};
use std::time::Duration;

/// What a receiver wants of one slot, and what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// The slot; each slot at most once.
    pub slot: Slot,
    /// Highest layer of use (the size shown); `None`: not wanted.
    pub wanted: Option<Layer>,
    /// Rate of each layer that is being published now; `None`: not published.
    pub rates: [Option<Bitrate>; Layer::COUNT],
}

/// One demand per slot, indexed by [`Slot::index`].
type Demands = [Demand; Slot::COUNT];

impl Demand {
    /// Layers that may be sent, lowest first: those not above the one wanted, else the lowest there is.
    fn choices(&self) -> impl DoubleEndedIterator<Item = (Layer, Bitrate)> {
        let rates = self.rates;
        let published = move |layer: Layer| rates[layer.index()].map(|rate| (layer, rate));
        let lowest = Layer::ALL.into_iter().find_map(published).map(|(layer, _)| layer);
        let limit = self.wanted.map(|wanted| wanted.max(lowest.unwrap_or(wanted)));
        Layer::ALL.into_iter().filter(move |layer| Some(*layer) <= limit).filter_map(published)
    }

    /// The largest layer of use, were the link without limits.
    fn best(&self) -> Option<Layer> {
        self.choices().next_back().map(|(layer, _)| layer)
    }

    /// The next layer above `layer` that may be sent, else `layer` itself.
    fn next_above(&self, layer: Option<Layer>) -> Option<Layer> {
        self.choices().map(|(choice, _)| Some(choice)).find(|choice| *choice > layer).unwrap_or(layer)
    }

    fn rate(&self, layer: Option<Layer>) -> Bitrate {
        layer.and_then(|layer| self.rates[layer.index()]).unwrap_or(Bitrate::ZERO)
    }
}

fn by_slot(demands: &[Demand]) -> Demands {
    let mut all = Slot::ALL.map(|slot| Demand { slot, wanted: None, rates: [None; Layer::COUNT] });
    for demand in demands {
        all[demand.slot.index()] = *demand;
    }
    all
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

/// Pictures in order of importance: words on slides, the teacher, the second camera.
const PICTURES: [Slot; 3] = [Slot::SlidesVideo, Slot::ProgramVideo, Slot::ExtraVideo];

/// Divides `budget`: sound first, whatever it costs; then the smallest layer of each picture, slides before the
/// program before the extra picture; then larger layers in the same order.
pub fn allocate(budget: Bitrate, demands: &[Demand]) -> Allocation {
    divide(budget, &by_slot(demands))
}

fn divide(budget: Bitrate, demands: &Demands) -> Allocation {
    let sound = Slot::ALL.map(|slot| match slot.kind() {
        MediaKind::Audio => demands[slot.index()].best(),
        MediaKind::Video => None,
    });
    grow(sound, budget, demands)
}

/// Adds to `layers` as much of the pictures as fits `budget`; takes nothing away.
fn grow(mut layers: [Option<Layer>; Slot::COUNT], budget: Bitrate, demands: &Demands) -> Allocation {
    let cost = |layers: &[Option<Layer>; Slot::COUNT]| {
        Slot::ALL
            .map(Slot::index)
            .iter()
            .fold(Bitrate::ZERO, |sum, &index| sum + demands[index].rate(layers[index]))
    };
    let mut left = budget - cost(&layers);
    for index in PICTURES.map(Slot::index) {
        if layers[index].is_none()
            && let Some((layer, rate)) = demands[index].choices().next()
            && rate <= left
        {
            layers[index] = Some(layer);
            left = left - rate;
        }
    }
    for index in PICTURES.map(Slot::index) {
        let Some(smaller) = layers[index] else { continue };
        let room = left + demands[index].rate(layers[index]);
        let larger = demands[index].choices().rev().find(|&(layer, rate)| layer > smaller && rate <= room);
        if let Some((layer, rate)) = larger {
            layers[index] = Some(layer);
            left = room - rate;
        }
    }
    let limited = demands.iter().any(|demand| layers[demand.slot.index()] < demand.best());
    Allocation { layers, rate: cost(&layers), limited }
}

/// What is being sent stays while it exceeds the budget by less than this: encoders do not keep their rate exactly.
const STAY: f64 = 1.1;
/// A larger layer is tried only when it fits with this much to spare.
const CLIMB: f64 = 0.85;
/// No step up for so long after a step down; doubled each time a step up fails.
const HOLD: Duration = Duration::from_secs(10);
const HOLD_MAX: Duration = Duration::from_secs(160);
/// A step up has failed when a step down follows within this.
const FAILED_WITHIN: Duration = Duration::from_secs(20);
/// Time to see what a step up does before the next one.
const SETTLE: Duration = Duration::from_secs(3);

/// Applies [`allocate`] over time: down at once, up only after a hold that grows when steps up fail.
///
/// Only what the budget took away waits. What a person asks for, or what starts being published, comes at once
/// as far as it fits.
#[derive(Debug, Clone)]
pub struct Allocator {
    layers: [Option<Layer>; Slot::COUNT],
    /// Slots that have less than wanted because of the budget.
    held: [bool; Slot::COUNT],
    hold: Duration,
    climb_after: Timestamp,
    climbed_at: Option<Timestamp>,
}

impl Default for Allocator {
    fn default() -> Self {
        Self {
            layers: [None; Slot::COUNT],
            held: [false; Slot::COUNT],
            hold: HOLD,
            climb_after: Timestamp::ZERO,
            climbed_at: None,
        }
    }
}

impl Allocator {
    /// The allocation for now; call it when a report came or a demand changed, or each few hundred ms.
    pub fn update(&mut self, now: Timestamp, budget: Bitrate, demands: &[Demand]) -> Allocation {
        let demands = by_slot(demands);
        let kept = divide(budget.scale(STAY), &capped(&demands, self.layers)).layers;
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
            kept
        } else if Slot::ALL.into_iter().any(is_new) {
            // Divide anew, so that slides that start may take from the program; what is held may not grow by it.
            let limits = Slot::ALL
                .map(|slot| if self.held[slot.index()] { kept[slot.index()] } else { best[slot.index()] });
            divide(budget, &capped(&demands, limits)).layers
        } else if now >= self.climb_after {
            // One layer at a time: a budget grows by hope as long as nothing is sent that could refute it.
            let one_up = Slot::ALL.map(|slot| demands[slot.index()].next_above(kept[slot.index()]));
            let grown = grow(kept, budget.scale(CLIMB), &capped(&demands, one_up)).layers;
            if grown != kept {
                self.climbed_at = Some(now);
                self.climb_after = now + SETTLE;
            }
            grown
        } else {
            kept
        };
        self.layers = next;
        self.held = Slot::ALL.map(|slot| next[slot.index()] < best[slot.index()]);
        grow(next, Bitrate::ZERO, &demands)
    }
}

/// The demands, none for more than its slot's layer in `limits`.
fn capped(demands: &Demands, limits: [Option<Layer>; Slot::COUNT]) -> Demands {
    demands.map(|demand| Demand { wanted: demand.wanted.min(limits[demand.slot.index()]), ..demand })
}

#[cfg(test)]
mod tests;

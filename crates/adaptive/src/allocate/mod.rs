//! Who gets what of a link: a pure function of demand and budget.

mod allocator;

pub use allocator::Allocator;

use crate::Rung;
use domain::{Bitrate, Layer, MediaKind, Slot};

/// What a receiver wants of one slot, and what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Demand {
    /// The slot; each slot at most once.
    pub slot: Slot,
    /// Highest layer of use (the size shown); `None`: not wanted.
    pub wanted: Option<Layer>,
    /// Rate of each layer that is being published now, as the link feels it (all headers counted); `None`: not published.
    pub rates: [Option<Bitrate>; Layer::COUNT],
}

/// What besides the budget decides.
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a place, each named")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// The place can be given slides as still images; then moving slides are worth less than a middling picture of the teacher.
    pub stills: bool,
    /// A class is speaking: its picture goes before the teacher's.
    pub speaking: bool,
    /// Voice is sent with redundancy that costs this much.
    pub protection: Bitrate,
    /// What a person allows the place to use; `None`: whatever the link carries.
    pub ceiling: Option<Bitrate>,
    /// The budget is known by proof, not by hope: a step up may skip layers.
    pub proven: bool,
    /// A still slide is on its way over the same link at this rate; zero: none is.
    pub still: Bitrate,
    /// More is being looked for and may be found in a moment: steps up wait for it.
    pub searching: bool,
}

/// One demand per slot, indexed by [`Slot::index`].
type Demands = [Demand; Slot::COUNT];

/// Layer per slot, indexed by [`Slot::index`].
type Layers = [Option<Layer>; Slot::COUNT];

/// Moving slides next to still ones are worth it only with room to move: less makes letters that crawl into shape.
const SLIDES_WITH_STILLS_MIN: Bitrate = Bitrate::from_kbps(200);

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

fn by_slot(demands: &[Demand], terms: &Terms) -> Demands {
    let mut all = Slot::ALL.map(|slot| Demand { slot, wanted: None, rates: [None; Layer::COUNT] });
    for demand in demands {
        all[demand.slot.index()] = *demand;
    }
    if terms.stills {
        let slides = &mut all[Slot::SlidesVideo.index()];
        slides.rates = slides.rates.map(|rate| rate.map(|rate| rate.max(SLIDES_WITH_STILLS_MIN)));
    }
    let voice = &mut all[Slot::ProgramAudio.index()];
    voice.rates = voice.rates.map(|rate| rate.map(|rate| rate + terms.protection));
    all
}

/// What every slot gets, indexed by [`Slot::index`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation {
    /// Layer per slot; `None`: nothing.
    pub layers: Layers,
    /// What it costs together.
    pub rate: Bitrate,
    /// What everything wanted would cost.
    pub wanted: Bitrate,
    /// Something wanted was left out or sent smaller because of the budget.
    pub limited: bool,
    /// Slides are wanted and not sent: still images take their place where there are any.
    pub stills: bool,
    /// All of this as one number.
    pub rung: Rung,
}

impl Default for Allocation {
    fn default() -> Self {
        Self {
            layers: [None; Slot::COUNT],
            rate: Bitrate::ZERO,
            wanted: Bitrate::ZERO,
            limited: false,
            stills: false,
            rung: Rung::Full,
        }
    }
}

/// A rise of one slot: to its smallest picture, or up to a layer.
#[derive(Debug, Clone, Copy)]
enum Rise {
    Smallest(Slot),
    UpTo(Slot, Layer),
}

use Rise::{Smallest, UpTo};
use Slot::{ExtraVideo, ProgramVideo, SlidesVideo};

/// In order of importance: words on slides, the teacher, the second camera; first everything small, then larger.
const MOVING_SLIDES: [Rise; 6] = [
    Smallest(SlidesVideo),
    Smallest(ProgramVideo),
    Smallest(ExtraVideo),
    UpTo(SlidesVideo, Layer::High),
    UpTo(ProgramVideo, Layer::High),
    UpTo(ExtraVideo, Layer::High),
];
/// Where still slides are to be had, they carry the words: moving ones come after a teacher whose mouth can be seen.
const STILL_SLIDES: [Rise; 7] = [
    Smallest(ProgramVideo),
    Smallest(ExtraVideo),
    UpTo(ProgramVideo, Layer::Mid),
    Smallest(SlidesVideo),
    UpTo(SlidesVideo, Layer::High),
    UpTo(ProgramVideo, Layer::High),
    UpTo(ExtraVideo, Layer::High),
];

fn rises(terms: &Terms) -> impl Iterator<Item = Rise> {
    let order: &[Rise] = if terms.stills { &STILL_SLIDES } else { &MOVING_SLIDES };
    let speaking = terms.speaking;
    // A speaking class and the teacher change places.
    let turn = move |slot| match slot {
        ProgramVideo if speaking => ExtraVideo,
        ExtraVideo if speaking => ProgramVideo,
        other => other,
    };
    order.iter().map(move |rise| match *rise {
        Smallest(slot) => Smallest(turn(slot)),
        UpTo(slot, layer) => UpTo(turn(slot), layer),
    })
}

/// Divides `budget`: sound and its protection first, whatever they cost; then pictures in order of importance, each as far as it
/// fits.
pub fn allocate(budget: Bitrate, demands: &[Demand], terms: &Terms) -> Allocation {
    let demands = by_slot(demands, terms);
    let layers = divide(limit(budget, terms), &demands, terms);
    describe(layers, &demands)
}

fn limit(budget: Bitrate, terms: &Terms) -> Bitrate {
    terms.ceiling.map_or(budget, |ceiling| ceiling.min(budget))
}

fn divide(budget: Bitrate, demands: &Demands, terms: &Terms) -> Layers {
    let sound = Slot::ALL.map(|slot| match slot.kind() {
        MediaKind::Audio => demands[slot.index()].best(),
        MediaKind::Video => None,
    });
    grow(sound, budget, demands, terms)
}

fn cost(layers: Layers, demands: &Demands) -> Bitrate {
    demands.iter().fold(Bitrate::ZERO, |sum, demand| sum + demand.rate(layers[demand.slot.index()]))
}

/// Adds to `layers` as much of the pictures as fits `budget`; takes nothing away.
fn grow(mut layers: Layers, budget: Bitrate, demands: &Demands, terms: &Terms) -> Layers {
    let mut left = budget - cost(layers, demands);
    for rise in rises(terms) {
        let (slot, larger) = match rise {
            Smallest(slot) if layers[slot.index()].is_none() => {
                (slot, demands[slot.index()].choices().next().filter(|&(_, rate)| rate <= left))
            }
            Smallest(_) => continue,
            UpTo(slot, most) => {
                let Some(smaller) = layers[slot.index()] else { continue };
                let room = left + demands[slot.index()].rate(Some(smaller));
                let fits =
                    |&(layer, rate): &(Layer, Bitrate)| layer > smaller && layer <= most && rate <= room;
                (slot, demands[slot.index()].choices().rev().find(fits))
            }
        };
        if let Some((layer, rate)) = larger {
            left = left + demands[slot.index()].rate(layers[slot.index()]) - rate;
            layers[slot.index()] = Some(layer);
        }
    }
    layers
}

fn describe(layers: Layers, demands: &Demands) -> Allocation {
    let best = demands.map(|demand| demand.best());
    let limited = layers.iter().zip(&best).any(|(layer, best)| layer < best);
    let of = |slot: Slot| layers[slot.index()];
    let stills = of(SlidesVideo).is_none() && best[SlidesVideo.index()].is_some();
    let people = of(ProgramVideo).max(of(ExtraVideo));
    let rung = match (limited, people, of(SlidesVideo).is_some()) {
        (false, ..) => Rung::Full,
        (true, Some(Layer::Mid | Layer::High), _) => Rung::MediumPicture,
        (true, Some(Layer::Low), true) => Rung::SmallPictures,
        (true, Some(Layer::Low), false) | (true, None, true) => Rung::OnePicture,
        (true, None, false) if stills => Rung::Stills,
        (true, None, false) => Rung::Audio,
    };
    Allocation { rate: cost(layers, demands), wanted: cost(best, demands), layers, limited, stills, rung }
}

#[cfg(test)]
mod tests;

use super::{allocator::STAY, *};
use domain::Timestamp;
use proptest::prelude::*;

const HOPE: Terms = Terms {
    stills: false,
    speaking: false,
    protection: Bitrate::ZERO,
    ceiling: None,
    proven: false,
    still: Bitrate::ZERO,
    searching: false,
};

const fn kbps(kbps: u64) -> Bitrate {
    Bitrate::from_kbps(kbps)
}

fn audio() -> Demand {
    Demand { slot: Slot::ProgramAudio, wanted: Some(Layer::High), rates: [None, None, Some(kbps(40))] }
}

fn slides() -> Demand {
    let rates = [Some(kbps(60)), None, Some(kbps(250))];
    Demand { slot: Slot::SlidesVideo, wanted: Some(Layer::High), rates }
}

fn program() -> Demand {
    let rates = [Some(kbps(70)), Some(kbps(450)), Some(kbps(1_500))];
    Demand { slot: Slot::ProgramVideo, wanted: Some(Layer::High), rates }
}

fn lesson() -> [Demand; 3] {
    [audio(), slides(), program()]
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

use Layer::{High, Low, Mid};

/// The teacher's picture in the lesson, by time and budget in kbit/s.
fn program_with(terms: Terms) -> impl Fn(&mut Allocator, u64, u64) -> Option<Layer> {
    move |allocator, ms, budget| {
        allocator.update(at(ms), kbps(budget), &lesson(), &terms).layers[Slot::ProgramVideo.index()]
    }
}

#[test]
fn the_ladder_gives_voice_then_slides_then_the_teacher() {
    let (no, low, mid, high) = (None, Some(Low), Some(Mid), Some(High));
    // (budget in kbit/s, voice, slides, program, limited)
    let rows = [
        (0, high, no, no, true),
        (99, high, no, no, true),
        (100, high, low, no, true),
        (170, high, low, low, true),
        (359, high, low, low, true),
        (360, high, high, low, true),
        (550, high, high, low, true),
        (740, high, high, mid, true),
        (1_789, high, high, mid, true),
        (1_790, high, high, high, false),
    ];
    for (budget, voice, slides, program, limited) in rows {
        let got = allocate(kbps(budget), &lesson(), &HOPE);
        let layers =
            [Slot::ProgramAudio, Slot::SlidesVideo, Slot::ProgramVideo].map(|slot| got.layers[slot.index()]);
        assert_eq!((layers, got.limited), ([voice, slides, program], limited), "{budget} kbit/s");
    }
}

#[test]
fn a_small_window_gets_a_small_picture_and_is_content() {
    let small = Demand { wanted: Some(Mid), ..program() };
    let got = allocate(kbps(9_000), &[audio(), small], &HOPE);
    assert_eq!(got.layers[Slot::ProgramVideo.index()], Some(Mid));
    assert!(!got.limited);
    let closed = Demand { wanted: None, ..program() };
    let got = allocate(kbps(9_000), &[audio(), closed], &HOPE);
    assert_eq!((got.layers[Slot::ProgramVideo.index()], got.limited, got.rate), (None, false, kbps(40)));
}

#[test]
fn an_encoder_with_one_layer_serves_every_window() {
    let only = Demand { wanted: Some(Low), rates: [None, None, Some(kbps(300))], ..program() };
    assert_eq!(allocate(kbps(400), &[only], &HOPE).layers[Slot::ProgramVideo.index()], Some(High));
}

#[test]
fn a_link_that_shrinks_is_relieved_at_once_and_stays_relieved_for_ten_seconds() {
    let mut allocator = Allocator::default();
    let program_at = program_with(HOPE);
    assert_eq!(program_at(&mut allocator, 0, 3_000), Some(High));
    assert_eq!(program_at(&mut allocator, 5_000, 1_605), Some(Mid));
    assert_eq!(program_at(&mut allocator, 5_100, 2_200), Some(Mid));
    assert_eq!(program_at(&mut allocator, 14_999, 2_406), Some(Mid));
    assert_eq!(program_at(&mut allocator, 15_000, 2_406), Some(High));
}

#[test]
fn what_barely_fits_a_link_that_has_just_failed_is_not_tried_on_it() {
    let mut allocator = Allocator::default();
    let program_at = program_with(HOPE);
    assert_eq!(program_at(&mut allocator, 0, 3_000), Some(High));
    assert_eq!(program_at(&mut allocator, 5_000, 1_000), Some(Mid));
    assert_eq!(
        program_at(&mut allocator, 24_900, 2_200),
        Some(Mid),
        "neither after a second nor after the hold"
    );
    assert_eq!(program_at(&mut allocator, 25_000, 2_200), Some(High));
}

#[test]
fn a_class_without_any_picture_gets_the_first_one_that_fits() {
    let mut allocator = Allocator::default();
    let voice_only = |allocator: &mut Allocator, ms, budget| {
        let got = allocator.update(at(ms), kbps(budget), &lesson(), &HOPE).layers;
        Slot::ALL.iter().all(|slot| slot.kind() == domain::MediaKind::Audio || got[slot.index()].is_none())
    };
    assert!(!voice_only(&mut allocator, 0, 3_000));
    assert!(voice_only(&mut allocator, 5_000, 60));
    let least = (61..3_000).find(|budget| {
        let picture = allocate(kbps(*budget), &lesson(), &HOPE);
        Slot::ALL
            .iter()
            .any(|slot| slot.kind() == domain::MediaKind::Video && picture.layers[slot.index()].is_some())
    });
    let fits = least.expect("some budget has room for a picture") * 10 / 9 + 2;
    assert!(voice_only(&mut allocator, 5_900, fits), "not at once");
    assert!(!voice_only(&mut allocator, 15_000, fits), "after the hold, and not ten seconds later");
}

#[test]
fn a_first_hold_ends_early_when_the_link_is_shown_to_carry_far_more() {
    let mut allocator = Allocator::default();
    let program_at = program_with(HOPE);
    assert_eq!(program_at(&mut allocator, 0, 3_000), Some(High));
    assert_eq!(program_at(&mut allocator, 5_000, 1_000), Some(Mid));
    assert_eq!(program_at(&mut allocator, 5_900, 3_000), Some(Mid));
    assert_eq!(program_at(&mut allocator, 6_000, 3_000), Some(High));
    // It failed: the next hold is a whole one.
    assert_eq!(program_at(&mut allocator, 9_000, 1_000), Some(Mid));
    assert_eq!(program_at(&mut allocator, 28_900, 3_000), Some(Mid));
    assert_eq!(program_at(&mut allocator, 29_000, 3_000), Some(High));
}

#[test]
fn the_way_back_up_is_taken_one_layer_at_a_time() {
    let mut allocator = Allocator::default();
    let program_at = program_with(HOPE);
    assert_eq!(program_at(&mut allocator, 0, 9_000), Some(High));
    assert_eq!(program_at(&mut allocator, 5_000, 400), Some(Low));
    assert_eq!(program_at(&mut allocator, 6_000, 9_000), Some(Mid));
    assert_eq!(program_at(&mut allocator, 8_999, 9_000), Some(Mid));
    assert_eq!(program_at(&mut allocator, 9_000, 9_000), Some(High));
}

#[test]
fn each_failed_step_up_is_followed_by_a_longer_wait() {
    let mut allocator = Allocator::default();
    let mut ups = Vec::new();
    let mut budget = 3_000;
    let mut had = Some(High);
    for ms in (0..600_000).step_by(100) {
        let got = allocator.update(at(ms), kbps(budget), &lesson(), &HOPE).layers[Slot::ProgramVideo.index()];
        if got > had {
            ups.push(ms / 1_000);
        }
        // The link cannot carry the largest layer, which shows a second after it was tried.
        budget = if got == Some(High) { 900 } else { 3_000 };
        had = got;
    }
    let waits: Vec<u64> = ups.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits.windows(2).all(|pair| pair[1] >= pair[0]), "{waits:?}");
    assert!(ups.len() <= 8, "{ups:?}");
}

#[test]
fn a_step_up_that_failed_is_undone_and_no_more() {
    let mut allocator = Allocator::default();
    let program_at = program_with(Terms { proven: true, ..HOPE });
    assert_eq!(program_at(&mut allocator, 0, 900), Some(Mid));
    assert_eq!(program_at(&mut allocator, 10_000, 2_200), Some(High));
    // The queue overflows, and for a moment nobody knows what the link carries.
    assert_eq!(program_at(&mut allocator, 15_000, 400), Some(Low));
    assert_eq!(program_at(&mut allocator, 16_900, 2_200), Some(Low));
    assert_eq!(program_at(&mut allocator, 17_100, 2_200), Some(Mid));
    assert_eq!(program_at(&mut allocator, 34_900, 2_200), Some(Mid), "what failed waits out its hold");
    assert_eq!(program_at(&mut allocator, 35_000, 2_200), Some(High));
    // What was there before has failed as well: it is not tried again and again.
    assert_eq!(program_at(&mut allocator, 40_000, 400), Some(Low));
    assert_eq!(program_at(&mut allocator, 42_000, 990), Some(Mid));
    assert_eq!(program_at(&mut allocator, 43_000, 400), Some(Low));
    assert_eq!(program_at(&mut allocator, 50_000, 990), Some(Low));
}

#[test]
fn on_a_link_that_shrank_nothing_goes_up_and_down_again() {
    let mut allocator = Allocator::default();
    let program_at = program_with(Terms { proven: true, ..HOPE });
    assert_eq!(program_at(&mut allocator, 0, 900), Some(Mid));
    assert_eq!(program_at(&mut allocator, 10_000, 2_200), Some(High));
    assert_eq!(program_at(&mut allocator, 15_000, 900), Some(Mid));
    assert_eq!(program_at(&mut allocator, 19_000, 600), Some(Low));
    assert_eq!(program_at(&mut allocator, 22_000, 990), Some(Low), "that had failed, too");
}

#[test]
fn slides_that_start_are_shown_without_a_hold() {
    let mut allocator = Allocator::default();
    let without_slides = [audio(), program()];
    allocator.update(at(0), kbps(3_000), &without_slides, &HOPE);
    allocator.update(at(1_000), kbps(700), &without_slides, &HOPE);
    let got = allocator.update(at(1_100), kbps(700), &lesson(), &HOPE);
    assert_eq!(got.layers[Slot::SlidesVideo.index()], Some(High));
    assert!(got.rate <= kbps(770));
}

#[test]
fn a_person_who_opens_a_larger_window_does_not_wait() {
    let mut allocator = Allocator::default();
    let small = [audio(), Demand { wanted: Some(Low), ..program() }];
    let large = [audio(), program()];
    let program_of = |allocation: Allocation| allocation.layers[Slot::ProgramVideo.index()];
    assert_eq!(program_of(allocator.update(at(0), kbps(3_000), &small, &HOPE)), Some(Low));
    assert_eq!(program_of(allocator.update(at(10), kbps(3_000), &large, &HOPE)), Some(High));
}

#[test]
fn an_encoder_that_wavers_by_a_few_percent_causes_no_switch() {
    let mut allocator = Allocator::default();
    let mut switches = 0;
    let mut had = None;
    for step in 0..1_000u64 {
        let wavering =
            Demand { rates: [Some(kbps(70)), Some(kbps(430 + step * 7_919 % 60)), None], ..program() };
        let got = allocator.update(at(step * 200), kbps(500), &[audio(), wavering], &HOPE).layers;
        switches += u32::from(had.is_some_and(|had| had != got));
        had = Some(got);
    }
    assert_eq!(switches, 0);
}

fn any_demand(slot: Slot) -> impl Strategy<Value = Demand> {
    let layer = prop::option::of(prop::sample::select(Layer::ALL.to_vec()));
    let rate = prop::option::of((0u64..4_000).prop_map(kbps));
    (layer, [rate.clone(), rate.clone(), rate]).prop_map(move |(wanted, rates)| Demand {
        slot,
        wanted,
        rates,
    })
}

fn any_lesson() -> impl Strategy<Value = Vec<Demand>> {
    Slot::ALL.map(any_demand).prop_map(Vec::from)
}

proptest! {
    #[test]
    fn pictures_never_take_what_the_voice_needs(demands in any_lesson(), budget in 0u64..10_000) {
        let got = allocate(kbps(budget), &demands, &HOPE);
        let voice: Bitrate = demands
            .iter()
            .filter(|demand| demand.slot.kind() == MediaKind::Audio)
            .fold(Bitrate::ZERO, |sum, demand| sum + demand.rate(got.layers[demand.slot.index()]));
        prop_assert!(got.rate <= kbps(budget).max(voice));
        for demand in &demands {
            let given = got.layers[demand.slot.index()];
            let wanted_and_there = demand.wanted.is_some() && demand.rates.iter().any(Option::is_some);
            prop_assert!(given.is_none() || wanted_and_there);
            prop_assert!(given.is_none_or(|layer| demand.rates[layer.index()].is_some()));
            if demand.slot.kind() == MediaKind::Audio {
                prop_assert_eq!(given.is_some(), wanted_and_there);
            }
        }
    }

    #[test]
    fn over_time_the_budget_is_kept_and_everything_fitting_comes_in_the_end(
        demands in any_lesson(), budgets in prop::collection::vec((0u64..6_000, 0u64..30_000), 1..40),
    ) {
        let mut allocator = Allocator::default();
        let mut now = 0;
        for (budget, passed) in budgets {
            now += passed;
            let got = allocator.update(at(now), kbps(budget), &demands, &HOPE);
            let most = kbps(budget).scale(STAY).max(allocate(kbps(budget), &demands, &HOPE).rate);
            prop_assert!(got.rate <= most, "{} of {}", got.rate, most);
        }
        let mut last = Allocation::default();
        for _ in 0..20 {
            now += 200_000;
            last = allocator.update(at(now), kbps(100_000), &demands, &HOPE);
        }
        prop_assert!(!last.limited);
    }

    #[test]
    fn a_steady_link_never_flaps(mut demands in any_lesson(), budget in 0u64..6_000) {
        for demand in &mut demands {
            // A larger picture costs more.
            let mut published: Vec<Bitrate> = demand.rates.iter().flatten().copied().collect();
            published.sort_unstable();
            let mut rising = published.into_iter();
            demand.rates = demand.rates.map(|rate| rate.and_then(|_| rising.next()));
        }
        let mut allocator = Allocator::default();
        let first = allocator.update(at(0), kbps(budget), &demands, &HOPE);
        for step in 1..200 {
            let got = allocator.update(at(step * 500), kbps(budget), &demands, &HOPE);
            prop_assert_eq!(got, first, "at step {}", step);
        }
    }
}

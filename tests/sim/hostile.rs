//! A place whose feedback lies or floods, and the others: their bytes are the same with it and without it.
//!
//! One thing is everybody's: a keyframe that one place asks for is in all streams. So bytes are compared with a host that is deaf to
//! wishes, and how often one that listens is asked is bounded by a test of its own.

use crate::{profile, seeds};
use sim::world::{Hostility, PlaceConfig, PlaceReport, World, WorldConfig};
use std::time::Duration;

/// A lesson of so many good places, with one more of this kind behind them, or none.
fn lesson(seed: u64, good: usize, last: Option<&PlaceConfig>, host_listens: bool, seconds: u64) -> World {
    let links = ["P1", "P2", "P7", "P1", "P3"];
    let mut places: Vec<_> = (0..good).map(|n| PlaceConfig::tv(profile(links[n % links.len()]))).collect();
    places.extend(last.cloned());
    let mut world = World::new(WorldConfig { seed, slides: true, host_listens, places });
    world.record();
    world.run(Duration::from_secs(seconds));
    world
}

#[track_caller]
fn check(seed: u64, good: usize, bad: &PlaceConfig, seconds: u64) {
    let alone = lesson(seed, good, None, false, seconds);
    let beside = lesson(seed, good, Some(bad), false, seconds);
    assert!((0..good).all(|place| !alone.sent_to(place).is_empty()), "seed {seed}: everybody is served");
    assert!(!beside.sent_to(good).is_empty(), "seed {seed}: so is the bad one");
    let differing: Vec<_> =
        (0..good).filter(|&place| alone.sent_to(place) != beside.sent_to(place)).collect();
    assert!(
        differing.is_empty(),
        "seed {seed}: places {differing:?} get other bytes beside {:?}",
        bad.hostility
    );
}

fn bad(hostility: Hostility, link: &str) -> PlaceConfig {
    PlaceConfig { hostility, ..PlaceConfig::tv(profile(link)) }
}

#[test]
fn a_place_that_lies_changes_no_other_places_bytes() {
    for seed in seeds().take(5) {
        check(seed, 12, &bad(Hostility::Lies, "P1"), 8);
    }
}

#[test]
fn a_place_that_floods_changes_no_other_places_bytes() {
    for seed in seeds().take(5) {
        check(seed, 12, &bad(Hostility::Floods, "P1"), 8);
    }
}

#[test]
fn a_place_that_sends_short_and_forged_datagrams_changes_no_other_places_bytes() {
    for seed in seeds().take(5) {
        check(seed, 12, &bad(Hostility::Garbles, "P1"), 8);
    }
}

#[test]
fn a_place_whose_link_is_dreadful_changes_none_of_199_others_bytes() {
    check(1, 199, &bad(Hostility::None, "P6"), 6);
}

#[test]
fn however_often_one_place_asks_the_host_makes_no_more_than_two_keyframes_a_second() {
    for seed in seeds().take(5) {
        let flooded = lesson(seed, 4, Some(&bad(Hostility::Floods, "P1")), true, 10);
        let asked = flooded.keyframe_requests();
        assert!(asked <= 20, "seed {seed}: {asked} in ten seconds");
    }
}

#[test]
fn two_hundred_places_that_join_within_ten_seconds_hear_and_see_at_once_and_cost_the_host_few_keyframes() {
    let begun = 2_000;
    let places = (0..200u64)
        .map(|n| PlaceConfig {
            joins_at: Duration::from_millis(begun + n * 50),
            ..PlaceConfig::tv(profile("P1"))
        })
        .collect();
    let mut world = World::new(WorldConfig { seed: 1, slides: true, host_listens: true, places });
    world.run(Duration::from_secs(14));
    let asked = world.keyframe_requests();
    assert!(asked <= 20, "{asked} keyframes for joins in ten seconds");
    let p95 = |first: &dyn Fn(PlaceReport) -> Option<u64>, what| {
        let mut waits: Vec<u64> = (0..200)
            .map(|n| first(world.report(n)).unwrap_or_else(|| panic!("place {n} got no {what}")))
            .collect();
        waits.sort_unstable();
        waits[189]
    };
    let (voice, picture) =
        (p95(&|place| place.time_to_audio_ms, "voice"), p95(&|place| place.time_to_picture_ms, "picture"));
    println!("{asked} keyframe requests; p95: voice {voice} ms, picture {picture} ms");
    assert!(voice <= 200 && picture <= 1_000, "p95: voice {voice} ms, picture {picture} ms");
}

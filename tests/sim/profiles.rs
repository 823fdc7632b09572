//! What each link gets, whatever the dice say.

use crate::{lesson, profile, seeds};
use sim::{
    link::Shape,
    world::{PlaceConfig, PlaceReport, World, WorldConfig},
};
use std::time::Duration;

/// Runs a minute of lesson behind a link with every seed; `holds` says what is wrong, if anything.
#[track_caller]
fn check(name: &str, holds: impl Fn(&PlaceReport) -> Option<&'static str>) {
    let link = profile(name);
    let broken: Vec<String> = seeds()
        .filter_map(|seed| {
            let report = lesson(&link, seed, 60);
            holds(&report).map(|what| format!("seed {seed}: {what}: {report:?}"))
        })
        .collect();
    assert!(broken.is_empty(), "{name}, {} seeds fail\n{}", broken.len(), broken.join("\n"));
}

/// The first of these that does not hold.
fn first(conditions: &[(bool, &'static str)]) -> Option<&'static str> {
    conditions.iter().find(|(holds, _)| !holds).map(|(_, what)| *what)
}

fn within(time: Option<u64>, ms: u64) -> bool {
    time.is_some_and(|time| time <= ms)
}

#[test]
fn a_cable_gets_everything_within_seconds_and_keeps_it() {
    check("P1", |report| {
        first(&[
            (within(report.time_to_picture_ms, 2_000), "picture late"),
            (report.audio_concealed_pct <= 0.5, "voice broken"),
            (report.rung_s[6] >= 50.0, "not everything"),
            (report.switches <= 4, "flaps"),
            (report.oversend_pct <= 3.0, "sends too much"),
        ])
    });
}

#[test]
fn a_mountain_link_hears_without_gaps_and_sees_the_teacher() {
    check("P2", |report| {
        first(&[
            (within(report.time_to_audio_ms, 1_000), "voice late"),
            (within(report.time_to_picture_ms, 3_000), "picture late"),
            (report.audio_concealed_pct <= 1.0, "voice broken"),
            (report.longest_audio_gap_ms <= 300, "voice stops"),
            (report.rung_s[..3].iter().sum::<f64>() <= 6.0, "too long without a picture"),
            (report.estimate_kbps >= 350, "gives the link up"),
            (report.oversend_pct <= 3.0, "sends too much"),
            (report.switches <= 10, "flaps"),
        ])
    });
}

#[test]
fn in_the_rain_the_voice_stays_whole() {
    check("P3", |report| {
        first(&[
            (within(report.time_to_audio_ms, 3_000), "voice late"),
            (report.audio_concealed_pct <= 3.0, "voice broken"),
            (report.longest_audio_gap_ms <= 1_000, "voice stops"),
            (report.oversend_pct <= 3.0, "sends too much"),
            ((80..=330).contains(&report.estimate_kbps), "estimate off"),
        ])
    });
}

#[test]
fn a_link_that_carries_hardly_anything_carries_the_voice() {
    check("P6", |report| {
        first(&[
            (within(report.time_to_audio_ms, 3_000), "voice late"),
            (report.audio_concealed_pct <= 1.5, "voice broken"),
            (report.longest_audio_gap_ms <= 500, "voice stops"),
            (report.oversend_pct <= 5.0, "sends too much"),
            (report.cause == Some("bandwidth"), "blames something else"),
        ])
    });
}

#[test]
fn heavy_loss_by_nature_does_not_throttle_a_link_with_room() {
    check("P7", |report| {
        first(&[
            (within(report.time_to_picture_ms, 5_000), "picture late"),
            (report.audio_concealed_pct <= 2.0, "voice broken"),
            (report.estimate_kbps >= 1_000, "throttled"),
        ])
    });
}

/// A link of these kilobits.
fn narrow(kbps: u64) -> sim::link::Profile {
    let mut profile = profile("P1");
    profile.down =
        Shape::new(domain::Bitrate::from_kbps(kbps), Duration::from_millis(40), Duration::ZERO, 0.0);
    profile.down.queue = Duration::from_millis(200);
    profile
}

#[test]
fn a_link_that_collapses_is_relieved_within_three_seconds_and_gets_its_picture_back() {
    let mut broken = Vec::new();
    for seed in seeds() {
        let places = vec![PlaceConfig::tv(narrow(2_000))];
        let mut world = World::new(WorldConfig { seed, slides: true, host_listens: true, places });
        world.run(Duration::from_secs(20));
        world.change_link(0, &narrow(250));
        world.run(Duration::from_secs(3));
        let mut longest = Duration::ZERO;
        for _ in 0..70 {
            world.run(Duration::from_millis(100));
            longest = longest.max(world.queue(0));
        }
        if longest > Duration::from_millis(200) {
            broken.push(format!("seed {seed}: a queue of {longest:?} three seconds after the collapse"));
        }
        world.change_link(0, &narrow(2_000));
        world.run(Duration::from_secs(25));
        world.look_from_here();
        world.run(Duration::from_secs(5));
        let report = world.report(0);
        if report.rung_s[5] + report.rung_s[6] < 4.0 {
            broken.push(format!("seed {seed}: not back 25 s after the link: {report:?}"));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn after_an_outage_of_twenty_seconds_sound_is_back_at_once() {
    let mut broken = Vec::new();
    for seed in seeds() {
        let places = vec![PlaceConfig::tv(profile("P2"))];
        let mut world = World::new(WorldConfig { seed, slides: true, host_listens: true, places });
        world.run(Duration::from_secs(20));
        let mut cut = profile("P2");
        (cut.down.loss, cut.up.loss) = (1.0, 1.0);
        world.change_link(0, &cut);
        world.run(Duration::from_secs(20));
        world.change_link(0, &profile("P2"));
        world.run(Duration::from_secs(2));
        world.look_from_here();
        world.run(Duration::from_secs(10));
        let report = world.report(0);
        if report.audio_concealed_pct > 3.0 || report.frames_per_s < 1.0 {
            broken.push(format!("seed {seed}: {report:?}"));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// Voice packets that had left for a place behind this link when its first moment of voice was over.
fn voice_at_first(name: &str) -> u64 {
    let place = PlaceConfig { joins_at: Duration::from_secs(5), ..PlaceConfig::tv(profile(name)) };
    let mut world =
        World::new(WorldConfig { seed: 3, slides: false, host_listens: true, places: vec![place] });
    world.run(Duration::from_secs(5));
    while world.voice_sent(0) == 0 {
        world.run(Duration::from_millis(2));
    }
    world.voice_sent(0)
}

#[test]
fn a_far_place_begins_with_what_was_said_just_before_and_a_near_one_with_what_is_said() {
    assert_eq!(voice_at_first("P1"), 1);
    let far = voice_at_first("P3");
    // Its handshake of about 300 ms asks for 400 of playout: 20 packets, not more than half a second of them.
    assert!((15..=26).contains(&far), "{far} packets of voice");
}

#[test]
fn a_seed_replays_to_the_last_byte() {
    let run = |seed| {
        let places = vec![PlaceConfig::tv(profile("P3"))];
        let mut world = World::new(WorldConfig { seed, slides: true, host_listens: true, places });
        world.record();
        world.run(Duration::from_secs(10));
        world.sent_to(0).to_vec()
    };
    assert!(run(7) == run(7), "the same seed sends the same bytes");
    assert!(run(7) != run(8), "another seed is another lesson");
}

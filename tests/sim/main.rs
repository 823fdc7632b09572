//! A lesson under a virtual clock, seed by seed: the server's own forwarding and adaptation, the links' losses and queues, a
//! classroom's player. Nothing sleeps, and a seed that fails is printed and replays to the last byte
//! (`nhipcau-sim world --profile P3 --seed 17 --trace 100`).
//!
//! `NHIPCAU_SEEDS` (40 here by default for each profile) makes the same run longer: thousands in a night.

mod hostile;
mod profiles;

use sim::{
    link::{self, Profile},
    world::{PlaceConfig, PlaceReport, World, WorldConfig},
};
use std::time::Duration;

/// How many seeds each promise is tried with.
fn seeds() -> std::ops::RangeInclusive<u64> {
    let count = std::env::var("NHIPCAU_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
    1..=count
}

fn profile(name: &str) -> Profile {
    link::profile(name).unwrap_or_else(|| panic!("{name} is no profile"))
}

/// One place behind this link, for so long.
fn lesson(profile: &Profile, seed: u64, seconds: u64) -> PlaceReport {
    let mut world = World::new(WorldConfig {
        seed,
        slides: true,
        host_listens: true,
        places: vec![PlaceConfig::tv(profile.clone())],
    });
    world.run(Duration::from_secs(seconds));
    world.report(0)
}

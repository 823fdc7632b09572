//! What links of schools are like, as data.

use domain::Bitrate;
use std::time::Duration;

/// How one direction of a link behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// What it carries; `None`: no limit.
    pub rate: Option<Bitrate>,
    /// Longest time a packet waits for its turn; one that would wait longer is lost.
    pub queue: Duration,
    /// Propagation, one way.
    pub delay: Duration,
    /// Added to or taken from `delay`, evenly spread. Packets keep their order, as on a radio link with retransmission.
    pub jitter: Duration,
    /// Share of packets lost one by one, 0 to 1.
    pub loss: f64,
    /// Losses in a row.
    pub burst: Option<Burst>,
    /// When nothing passes.
    pub outages: Vec<Outage>,
}

/// Two-state (Gilbert) loss: while a burst lasts, everything is lost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// Chance that a packet begins a burst, 0 to 1.
    pub chance: f64,
    /// Mean length of a burst, packets, at least 1.
    pub mean_packets: f64,
}

/// A time when nothing passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// When it begins, counted from the start of the link or its last change of profile.
    pub first_at: Duration,
    /// It comes again after this time; `None`: it comes once.
    pub every: Option<Duration>,
    /// How long it lasts.
    pub lasts: Duration,
}

/// Both directions of a link, and what else the place has to live with.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// `P1` to `P8`, or what a test calls it.
    pub name: &'static str,
    /// Server to client.
    pub down: Shape,
    /// Client to server.
    pub up: Shape,
    /// No UDP passes at all: only TCP.
    pub udp_blocked: bool,
    /// A download over TCP wants the same line.
    pub download: bool,
}

impl Shape {
    /// A wire: no limit, no delay, no loss.
    pub const fn perfect() -> Self {
        Self {
            rate: None,
            queue: Duration::from_millis(200),
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            loss: 0.0,
            burst: None,
            outages: Vec::new(),
        }
    }

    /// A limited, lossy direction. `round_trip` and `jitter` are of the round trip: one direction has half of each.
    pub const fn new(rate: Bitrate, round_trip: Duration, jitter: Duration, loss: f64) -> Self {
        Self {
            rate: Some(rate),
            // Cheap routers and 4G modems hold back a third of a second and more before they drop.
            queue: Duration::from_millis(350),
            delay: Duration::from_micros(round_trip.as_micros() as u64 / 2),
            jitter: Duration::from_micros(jitter.as_micros() as u64 / 2),
            loss,
            burst: None,
            outages: Vec::new(),
        }
    }
}

impl Profile {
    /// A wire in both directions.
    pub const fn perfect() -> Self {
        Self {
            name: "perfect",
            down: Shape::perfect(),
            up: Shape::perfect(),
            udp_blocked: false,
            download: false,
        }
    }

    /// Rates in kbit/s; `round_trip` and `jitter` in milliseconds, of the round trip; `loss` in per cent, each way.
    const fn of(name: &'static str, down: u64, up: u64, round_trip: u64, jitter: u64, loss: f64) -> Self {
        let (round_trip, jitter) = (Duration::from_millis(round_trip), Duration::from_millis(jitter));
        Self {
            name,
            down: Shape::new(Bitrate::from_kbps(down), round_trip, jitter, loss / 100.0),
            up: Shape::new(Bitrate::from_kbps(up), round_trip, jitter, loss / 100.0),
            udp_blocked: false,
            download: false,
        }
    }
}

/// Names of the profiles that [`profile`] knows.
pub const PROFILES: [&str; 8] = ["P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8"];

/// The links we promise something for: P1 cable · P2 mountain 4G · P3 rain · P4 = P2 with outages · P5 no UDP ·
/// P6 hardly anything · P7 heavy loss · P8 = P2 with a download beside it. `None` for another name.
pub fn profile(name: &str) -> Option<Profile> {
    let mountain = |name| Profile::of(name, 700, 200, 120, 60, 3.0);
    let minute = Duration::from_mins(1);
    Some(match name {
        "P1" => Profile::of("P1", 5_000, 1_000, 40, 0, 0.5),
        "P2" => mountain("P2"),
        "P3" => Profile::of("P3", 250, 80, 250, 150, 8.0),
        "P4" => {
            let short =
                Outage { first_at: 5 * minute, every: Some(5 * minute), lasts: Duration::from_secs(20) };
            let long = Outage { first_at: 12 * minute, every: None, lasts: 3 * minute };
            let mut profile = mountain("P4");
            profile.down.outages = vec![short, long];
            profile.up.outages = vec![short, long];
            profile
        }
        "P5" => Profile { udp_blocked: true, ..Profile::of("P5", 5_000, 1_000, 40, 0, 0.5) },
        "P6" => Profile::of("P6", 100, 40, 150, 20, 1.0),
        "P7" => Profile::of("P7", 2_000, 2_000, 40, 0, 20.0),
        "P8" => Profile { download: true, ..mountain("P8") },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_promised_profile_exists_under_its_name() {
        for name in PROFILES {
            assert_eq!(profile(name).map(|profile| profile.name), Some(name));
        }
        assert_eq!(profile("P9"), None);
    }
}

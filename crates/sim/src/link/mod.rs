//! Bad links on one machine: a forwarder between client and server that delays, drops, queues and cuts, from a seed.
//!
//! [`Pipe`] is one direction under a clock given from outside; [`UdpLink`] and [`TcpLink`] put it between real sockets. Several of
//! them may stand on one [`Bottleneck`], as a lesson and a download share a school's line. Profiles P1 to P8 are data
//! ([`profile`]); a link's profile can be changed while it runs.

mod pipe;
mod process;
mod profile;
mod tcp;
mod udp;

pub use pipe::{Fate, Lost, NotNow, Pipe, PipeStats};
pub use process::{LinkProcess, serve};
pub use profile::{Burst, Outage, PROFILES, Profile, Shape, profile};
pub use tcp::TcpLink;
pub use udp::{UdpLink, first_candidate, first_tcp_candidate, redirect_candidates};

use domain::Timestamp;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the server to the client.
    Down,
    /// From the client to the server.
    Up,
}

/// The two directions of one line, shared by everything that goes over it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Bottleneck {
    began: Instant,
    pipes: Arc<[Mutex<Pipe>; 2]>,
}

impl Bottleneck {
    /// A line with this profile; the same seed loses the same packets.
    pub fn new(profile: &Profile, seed: u64) -> Self {
        let pipe = |shape: &Shape, salt| Mutex::new(Pipe::new(shape.clone(), seed ^ salt));
        Self { began: Instant::now(), pipes: Arc::new([pipe(&profile.down, 0), pipe(&profile.up, 0x5eed)]) }
    }

    /// Another profile from now on. What is under way stays under way; outages are counted from now.
    pub fn change(&self, profile: &Profile) {
        for (way, shape) in [(Way::Down, &profile.down), (Way::Up, &profile.up)] {
            self.with(way, |pipe, now| pipe.change(now, shape.clone()));
        }
    }

    /// What one direction has carried and lost so far.
    pub fn stats(&self, way: Way) -> PipeStats {
        self.with(way, |pipe, _| pipe.stats())
    }

    /// How long a packet that came now would wait for its turn in one direction.
    pub fn backlog(&self, way: Way) -> Duration {
        self.with(way, |pipe, now| pipe.backlog(now))
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.began.elapsed().as_micros() as u64)
    }

    /// The instant of the operating system's clock that `at` means.
    fn instant(&self, at: Timestamp) -> Instant {
        self.began + at.since_start()
    }

    fn with<T>(&self, way: Way, act: impl FnOnce(&mut Pipe, Timestamp) -> T) -> T {
        // A pipe is numbers only: what a panicking holder left behind is still a pipe.
        let mut pipe = self.pipes[way as usize].lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        act(&mut pipe, now)
    }
}

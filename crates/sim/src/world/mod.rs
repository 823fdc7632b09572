//! A whole lesson under a virtual clock: the server's own forwarding and adaptation (`relay`, `media`, `adaptive`, `signalling`)
//! between a sample host and classrooms behind emulated links. One seed, one run, to the last byte.
//!
//! What is real: everything that decides, rewrites, repairs, estimates and protects, the encoded lesson, the links' losses and
//! queues. What is modelled: the player of a classroom ([`Ear`], [`Eye`]) after what Chromium was seen to do. What is left out: keys,
//! sockets, browsers; they are tried elsewhere.

mod ear;
mod eye;
mod host;
mod outlet;
mod place;

pub use ear::Ear;
pub use eye::Eye;
pub use host::Host;
pub use place::{Hostility, PlaceConfig, PlaceReport};

use crate::link::{Fate, Pipe};
use domain::{PeerId, Timestamp};
use outlet::{WireEgress, WireOutlet};
use place::{Place, Up};
use relay::{Receiver, Relay};
use std::{collections::VecDeque, time::Duration};

/// The clock moves on by this much.
const STEP: Duration = Duration::from_millis(2);
/// The relay's tick and its care intervals, as in the server.
const TICK: Duration = Duration::from_millis(3);
const CARE_EVERY_MS: u64 = 20;
const CARE_PHASES: usize = 10;
/// IPv4 and UDP headers.
const HEADERS: usize = 28;

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct WorldConfig {
    /// Decides everything that is left to chance.
    pub seed: u64,
    /// Slides are shown besides the camera.
    pub slides: bool,
    /// The host answers wishes for keyframes; otherwise they come by its encoder's own beat alone. A keyframe is in everybody's stream,
    /// so a place's other influence on places can only be seen with a host that is deaf.
    pub host_listens: bool,
    /// The classrooms.
    pub places: Vec<PlaceConfig>,
}

struct UnderWay<T> {
    at: Timestamp,
    what: T,
}

struct Line {
    down: Pipe,
    up: Pipe,
    downward: VecDeque<UnderWay<Vec<u8>>>,
    upward: VecDeque<UnderWay<Up>>,
}

/// See the module's description.
pub struct World {
    now: Timestamp,
    host: Host,
    host_listens: bool,
    relay: Relay<WireOutlet>,
    egress: WireEgress,
    lines: Vec<Line>,
    places: Vec<Place>,
    phase: usize,
    seen: Vec<adaptive::Seen>,
}

impl World {
    /// Nobody is connected yet.
    pub fn new(config: WorldConfig) -> Self {
        let lines = config.places.iter().zip(0u64..).map(|(place, n)| {
            let seed = config.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(n * 2);
            Line {
                down: Pipe::new(place.profile.down.clone(), seed),
                up: Pipe::new(place.profile.up.clone(), seed.wrapping_add(1)),
                downward: VecDeque::new(),
                upward: VecDeque::new(),
            }
        });
        Self {
            now: Timestamp::ZERO,
            host: Host::new(config.slides),
            host_listens: config.host_listens,
            relay: Relay::default(),
            egress: WireEgress::default(),
            lines: lines.collect(),
            places: config
                .places
                .into_iter()
                .zip(0u64..)
                .map(|(place, n)| Place::new(PeerId(n), place))
                .collect(),
            phase: 0,
            seen: Vec::new(),
        }
    }

    /// Virtual time since the beginning.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Another link for a place from now on.
    pub fn change_link(&mut self, place: usize, profile: &crate::link::Profile) {
        let line = &mut self.lines[place];
        line.down.change(self.now, profile.down.clone());
        line.up.change(self.now, profile.up.clone());
    }

    /// How long a packet that left for a place now would wait in its link's queue.
    pub fn queue(&self, place: usize) -> Duration {
        self.lines[place].down.backlog(self.now)
    }

    /// How the relay deals with a place now, in one line for people.
    pub fn moment(&self, place: usize) -> String {
        let queue = self.queue(place).as_millis();
        format!("queue {queue:4} ms  {}", self.places[place].moment())
    }

    /// Lets time pass.
    pub fn run(&mut self, span: Duration) {
        let until = self.now + span;
        while self.now < until {
            self.now += STEP;
            self.step();
        }
    }

    /// How a place has done since the beginning, or the last [`World::look_from_here`].
    pub fn report(&self, place: usize) -> PlaceReport {
        self.places[place].report(self.now, &self.lines[place].down)
    }

    /// Forgets how the places have done so far.
    pub fn look_from_here(&mut self) {
        for (place, line) in self.places.iter_mut().zip(&self.lines) {
            place.look_from_here(self.now, &line.down);
        }
    }

    /// Everything that left for a place, byte for byte.
    pub fn sent_to(&self, place: usize) -> &[u8] {
        self.egress.recorded(place)
    }

    /// Packets of the teacher's voice that left for a place, repeats not counted.
    pub fn voice_sent(&self, place: usize) -> u64 {
        self.egress.voice(place)
    }

    /// Keyframes the host was asked for.
    pub fn keyframe_requests(&self) -> u64 {
        self.host.keyframe_requests()
    }

    /// Records everything that leaves for every place, for [`World::sent_to`].
    pub fn record(&mut self) {
        self.egress.record(self.places.len());
    }

    fn step(&mut self) {
        self.egress.now = self.now;
        self.let_places_in();
        let relay = &mut self.relay;
        self.host.play(self.now, |incoming| relay.store(self.now, TICK, incoming));
        for (slot, layer, reading) in self.host.take_clocks() {
            self.relay.on_clock(slot, layer, reading);
        }
        if self.relay.due(TICK).is_some_and(|due| due <= self.now) {
            self.relay.flush(self.now, TICK, &mut self.egress);
        }
        let millis = self.now.as_micros() / 1_000;
        if millis.is_multiple_of(CARE_EVERY_MS) {
            self.phase = (self.phase + 1) % CARE_PHASES;
            let places = &mut self.places;
            self.relay.care(self.now, self.phase, CARE_PHASES, |receiver: &mut Receiver, _| {
                let place = &mut places[receiver.peer().0 as usize];
                place.told(receiver.stats());
            });
        }
        if millis.is_multiple_of(1_000) {
            self.relay.measure(self.now);
        }
        self.send_reports();
        self.grant_wishes();
        self.carry_down();
        self.carry_up();
    }

    fn let_places_in(&mut self) {
        for place in &mut self.places {
            if !place.is_in() && place.joins_at() <= self.now {
                let (receiver, outlet) = place.enter(self.now);
                self.relay.attach(self.now, receiver, outlet);
            }
        }
    }

    fn send_reports(&mut self) {
        let mut due = Vec::new();
        self.relay.take_reports_due(&mut due);
        for peer in due {
            let Some(at) = self.seat_of(peer) else { continue };
            let reports = self.relay.sender_reports(self.now, at);
            let line = &mut self.lines[peer.0 as usize];
            if reports.is_empty() {
                continue;
            }
            // A compound of one report and its CNAME for each stream.
            if let Fate::Arrives(at) = line.down.datagram(self.now, HEADERS + 60 * reports.len()) {
                self.places[peer.0 as usize].reports_under_way.push_back((at, reports));
            }
        }
    }

    fn grant_wishes(&mut self) {
        let (host, now, listens) = (&mut self.host, self.now, self.host_listens);
        self.relay.take_wishes(now, |slot, layer| {
            if listens {
                host.wish(now, slot, layer);
            }
        });
        host.poll(now);
    }

    fn carry_down(&mut self) {
        for (seat, bytes) in self.egress.out.drain(..) {
            let line = &mut self.lines[seat];
            if let Fate::Arrives(at) = line.down.datagram(self.now, bytes.len() + HEADERS) {
                line.downward.push_back(UnderWay { at, what: bytes });
            }
        }
        for (line, place) in self.lines.iter_mut().zip(&mut self.places) {
            let now = self.now;
            while let Some(packet) = line.downward.pop_front_if(|packet| packet.at <= now) {
                place.receive(packet.at, &packet.what);
            }
            let upward = &mut line.upward;
            let up = &mut line.up;
            place.tick(self.now, |bytes, what| {
                if let Fate::Arrives(at) = up.datagram(self.now, bytes + HEADERS) {
                    upward.push_back(UnderWay { at, what });
                }
            });
        }
    }

    fn carry_up(&mut self) {
        for n in 0..self.lines.len() {
            while let Some(UnderWay { what, .. }) = {
                let now = self.now;
                self.lines[n].upward.pop_front_if(|packet| packet.at <= now)
            } {
                self.hear(n, what);
            }
        }
    }

    /// What a place says reaches the relay, as `server::media` hands it on.
    fn hear(&mut self, place: usize, what: Up) {
        let Some(at) = self.seat_of(PeerId(place as u64)) else { return };
        let (now, seen) = (self.now, &mut self.seen);
        self.relay.with_receiver(at, &mut self.egress, |receiver, answer| match what {
            Up::Transport { base, arrivals } => receiver.on_transport_feedback(now, base, &arrivals, seen),
            Up::Reports(blocks) => receiver.on_reports(now, blocks),
            Up::Nack { ssrc, sequences } => receiver.on_nack(ssrc, &sequences, answer),
            Up::Pli { ssrc } => receiver.on_keyframe_request(ssrc, answer),
            Up::Remb(limit) => receiver.on_remb(now, limit),
        });
    }

    fn seat_of(&self, peer: PeerId) -> Option<usize> {
        self.relay.seats().iter().position(|seat| seat.receiver.peer() == peer)
    }
}

//! A relay's peer and a client over a virtual wire: virtual time, seeded loss and delay, nothing waits.
#![expect(dead_code, reason = "each test file uses its own part of it")]
#![expect(unreachable_pub, reason = "shared between test files")]

use domain::Timestamp;
use std::{
    collections::BinaryHeap,
    net::SocketAddr,
    sync::OnceLock,
    time::{Duration, Instant},
};
use transport::client::{ClientPeer, OfferSpec};
use transport::{
    Direction, Endpoint, EndpointConfig, Feedback, Identity, Output, Peer, PeerEvent, PeerSecrets, Received,
    RtpRole,
};

pub const RELAY: &str = "192.0.2.10:4433";
pub const CLIENT: &str = "198.51.100.7:50000";

pub fn address(text: &str) -> SocketAddr {
    text.parse().expect("tests write addresses rightly")
}

/// One endpoint for all tests of a file: making certificates takes longer than most tests.
pub fn endpoint() -> &'static Endpoint {
    static SHARED: OnceLock<Endpoint> = OnceLock::new();
    SHARED.get_or_init(new_endpoint)
}

pub fn new_endpoint() -> Endpoint {
    let identity = Identity::generate().expect("ring makes a certificate");
    with_identity(identity)
}

#[expect(
    clippy::disallowed_methods,
    reason = "rtc-dtls counts in instants; only differences to this one matter"
)]
pub fn epoch() -> Instant {
    Instant::now()
}

pub fn with_identity(identity: Identity) -> Endpoint {
    let config = EndpointConfig { identity, candidates: vec![address(RELAY).into()], epoch: epoch() };
    Endpoint::new(config).expect("rtc-dtls takes its own certificate")
}

/// A seeded generator (xorshift64*).
pub struct Dice(pub u64);

impl Dice {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.next() % 1000 < per_mille
    }
}

/// What a link does to datagrams, in both directions.
#[derive(Clone, Copy)]
pub struct Link {
    pub loss_per_mille: u64,
    pub delay: Duration,
    pub jitter: Duration,
}

pub const GOOD: Link = Link { loss_per_mille: 0, delay: Duration::from_millis(10), jitter: Duration::ZERO };

#[derive(PartialEq, Eq)]
struct Flying {
    arrives: Timestamp,
    number: u64,
    to_relay: bool,
    bytes: Vec<u8>,
}

impl Ord for Flying {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.arrives, other.number).cmp(&(self.arrives, self.number))
    }
}

impl PartialOrd for Flying {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A received media packet, owned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    pub ssrc: u32,
    pub index: u64,
    pub slot: domain::Slot,
    pub layer: domain::Layer,
    pub role: RtpRole,
    pub payload: Vec<u8>,
}

/// Both peers and the wire between them.
pub struct Pair {
    pub now: Timestamp,
    pub relay: Peer,
    pub client: ClientPeer,
    pub link: Link,
    pub client_address: SocketAddr,
    pub relay_events: Vec<(Timestamp, PeerEvent)>,
    pub client_events: Vec<(Timestamp, PeerEvent)>,
    pub relay_media: Vec<Media>,
    pub client_media: Vec<Media>,
    pub relay_feedback: Vec<Feedback>,
    pub client_feedback: Vec<Feedback>,
    /// Bytes each side put on the wire.
    pub relay_sent: usize,
    pub client_sent: usize,
    pub offer: String,
    pub answer: String,
    /// Changes to make to datagrams of the handshake: which one, where, what to, and how (change, cut, double).
    pub corrupt: Vec<(usize, usize, u8, u8)>,
    flying: BinaryHeap<Flying>,
    number: u64,
    dice: Dice,
}

impl Pair {
    pub fn new(spec: OfferSpec, seed: u64) -> Self {
        Self::with(endpoint(), endpoint(), spec, seed, |text| text, |text| text)
    }

    /// With the offer or the answer changed on its way, as the application of either side might.
    pub fn with(
        relay: &Endpoint,
        client: &Endpoint,
        spec: OfferSpec,
        seed: u64,
        change_offer: impl Fn(String) -> String,
        change_answer: impl Fn(String) -> String,
    ) -> Self {
        let now = Timestamp::from_millis(1_000);
        let direction = if spec.sends { Direction::PUBLISH } else { Direction::Play };
        let (mut client, offer) = ClientPeer::new(client, spec, secrets(seed * 2));
        let offer = change_offer(offer);
        let (relay, answer) = relay
            .answer(&offer, direction, &secrets(seed * 2 + 1), now)
            .expect("the relay takes its own client's offer");
        let answer = change_answer(answer);
        client.accept_answer(now, &answer).expect("the client takes the relay's answer");
        Self {
            now,
            relay,
            client,
            link: GOOD,
            client_address: address(CLIENT),
            relay_events: Vec::new(),
            client_events: Vec::new(),
            relay_media: Vec::new(),
            client_media: Vec::new(),
            relay_feedback: Vec::new(),
            client_feedback: Vec::new(),
            relay_sent: 0,
            client_sent: 0,
            offer,
            answer,
            corrupt: Vec::new(),
            flying: BinaryHeap::new(),
            number: 0,
            dice: Dice(seed + 1),
        }
    }

    /// A classroom, connected over a good link.
    pub fn connected_classroom() -> Self {
        let mut pair = Self::new(OfferSpec::classroom(), 7);
        pair.run_for(Duration::from_secs(2));
        assert!(pair.both_connected(), "a good link connects in two seconds");
        pair
    }

    pub fn both_connected(&self) -> bool {
        self.relay.is_connected() && self.client.is_connected()
    }

    pub fn run_for(&mut self, span: Duration) {
        let until = self.now + span;
        loop {
            self.pump();
            let next = [
                self.flying.peek().map(|flying| flying.arrives),
                self.relay.poll_timeout(),
                self.client.poll_timeout(),
            ];
            let Some(next) = next.into_iter().flatten().min().filter(|next| *next <= until) else { break };
            assert!(next >= self.now || next <= self.now, "time is total");
            self.now = self.now.max(next);
            while let Some(flying) = self.flying.peek().filter(|flying| flying.arrives <= self.now) {
                let _ = flying;
                if let Some(flying) = self.flying.pop() {
                    self.deliver(flying);
                }
            }
            if self.relay.poll_timeout().is_some_and(|at| at <= self.now) {
                self.relay.handle_timeout(self.now);
            }
            if self.client.poll_timeout().is_some_and(|at| at <= self.now) {
                self.client.handle_timeout(self.now);
            }
        }
        self.now = until;
    }

    /// Takes everything both want to send or say.
    pub fn pump(&mut self) {
        while let Some(output) = self.relay.poll_output() {
            match output {
                Output::Transmit { to, bytes } => {
                    self.relay_sent += bytes.len();
                    if to == self.client_address {
                        self.fly(false, bytes);
                    }
                }
                Output::Event(event) => self.relay_events.push((self.now, event)),
            }
        }
        while let Some(output) = self.client.poll_output() {
            match output {
                Output::Transmit { to, bytes } => {
                    self.client_sent += bytes.len();
                    if to == address(RELAY) {
                        self.fly(true, bytes);
                    }
                }
                Output::Event(event) => self.client_events.push((self.now, event)),
            }
        }
    }

    /// As [`pump`](Self::pump), keeping copies of what the client sends.
    pub fn pump_recording(&mut self, recorded: &mut Vec<Vec<u8>>) {
        self.pump();
        recorded
            .extend(self.flying.iter().filter(|flying| flying.to_relay).map(|flying| flying.bytes.clone()));
    }

    pub fn fly(&mut self, to_relay: bool, mut bytes: Vec<u8>) {
        self.number += 1;
        let number = self.number as usize;
        for (_, at, value, how) in
            self.corrupt.iter().filter(|(which, ..)| *which == number).copied().collect::<Vec<_>>()
        {
            let at = at % bytes.len().max(1);
            match how {
                0 => bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte = value),
                1 => bytes.truncate(at),
                _ => bytes.extend_from_within(at..),
            }
        }
        if self.dice.chance(self.link.loss_per_mille) {
            return;
        }
        let jitter = self.link.jitter.as_micros() as u64;
        let late = if jitter == 0 { 0 } else { self.dice.next() % jitter };
        let arrives = self.now + self.link.delay + Duration::from_micros(late);
        self.flying.push(Flying { arrives, number: self.number, to_relay, bytes });
    }

    fn deliver(&mut self, mut flying: Flying) {
        if flying.to_relay {
            let from = self.client_address;
            match self.relay.handle_datagram(self.now, from, &mut flying.bytes) {
                Received::Nothing => {}
                Received::Rtp(rtp) => self.relay_media.push(media(&rtp)),
                Received::Feedback(items) => self.relay_feedback.extend(items),
            }
        } else {
            match self.client.handle_datagram(self.now, address(RELAY), &mut flying.bytes) {
                Received::Nothing => {}
                Received::Rtp(rtp) => self.client_media.push(media(&rtp)),
                Received::Feedback(items) => self.client_feedback.extend(items),
            }
        }
        self.pump();
    }

    /// The relay gets this datagram from anywhere, now.
    pub fn inject(&mut self, from: &str, bytes: &[u8]) -> bool {
        let mut bytes = bytes.to_vec();
        !matches!(self.relay.handle_datagram(self.now, address(from), &mut bytes), Received::Nothing)
    }
}

fn media(rtp: &transport::RtpIn<'_>) -> Media {
    Media {
        ssrc: rtp.ssrc,
        index: rtp.index,
        slot: rtp.slot,
        layer: rtp.layer,
        role: rtp.role,
        payload: rtp.packet[rtp.header_len..rtp.payload_end].to_vec(),
    }
}

pub fn secrets(seed: u64) -> PeerSecrets {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    PeerSecrets::from_seed(bytes)
}

/// A plain RTP packet with room for a tag.
pub fn rtp(payload_type: u8, ssrc: u32, index: u64, payload: &[u8], tag: usize) -> Vec<u8> {
    let mut packet = vec![0x80, payload_type];
    packet.extend_from_slice(&(index as u16).to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, 1]);
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(payload);
    packet.resize(packet.len() + tag, 0);
    packet
}

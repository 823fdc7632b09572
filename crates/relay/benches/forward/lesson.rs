//! One lesson on one worker without a socket: the relay's own walk over its receivers, each with the real cipher and its own key.

use bytes::Bytes;
use domain::{Bitrate, Codec, Layer, MediaKind, PeerId, Slot, Timestamp};
use media::{FrameInfo, StoredPacket, StreamStart};
use relay::{
    DATAGRAM_MAX, Egress, Incoming, Outlet, Packet, Receiver, ReceiverSpec, Refused, Relay, SlotSpec, Stream,
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};
use transport::{
    Direction, Endpoint, EndpointConfig, Identity, Output, PeerSecrets, Sealer, SendStreams,
    client::{ClientPeer, OfferSpec},
};

const RELAY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10)), 4433);
const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), 50_000);
const TICK: Duration = Duration::from_millis(3);
const TRANSPORT_ID: u8 = 3;
/// 30 frames a second of nine full packets and a short one, and a voice: 2.5 Mbit/s.
const FRAME: Duration = Duration::from_micros(33_333);
const FRAME_PACKETS: u64 = 10;
const PAYLOAD: usize = 1_100;
const LAST_PAYLOAD: usize = 700;
const VOICE: usize = 80;
/// As much as one GSO send takes.
const ARENA: usize = 64 * 1_024;

/// One arena for all receivers, filled again and again.
pub(super) struct Arena {
    room: Vec<u8>,
    at: usize,
    now: Timestamp,
    /// Packets that were written and sealed.
    pub(super) packets: u64,
}

impl Egress for Arena {
    fn now(&self) -> Timestamp {
        self.now
    }
}

/// A receiver's key and the streams it goes with.
pub(super) struct Seal {
    sealer: Sealer,
    streams: [Option<SendStreams>; Slot::COUNT],
}

impl Outlet for Seal {
    type Egress = Arena;

    fn begin(&mut self, arena: &mut Arena) {
        arena.at = 0;
    }

    fn packet(
        &mut self,
        arena: &mut Arena,
        packet: Packet,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Result<usize, Refused> {
        let streams = self.streams[packet.slot.index()].as_ref().ok_or(Refused::Unsealed)?;
        let stream = match packet.stream {
            Stream::Media => streams.stream,
            Stream::Repair => streams.rtx_stream.ok_or(Refused::Unsealed)?,
        };
        if arena.room.len() - arena.at < DATAGRAM_MAX {
            arena.at = 0;
        }
        let tag_len = self.sealer.tag_len();
        let room = &mut arena.room[arena.at..arena.at + DATAGRAM_MAX];
        let total = write(&mut room[..DATAGRAM_MAX - tag_len]).ok_or(Refused::TooLong)? + tag_len;
        self.sealer
            .seal_rtp(stream, packet.index, &mut room[..total], packet.header_len)
            .map_err(|_| Refused::Unsealed)?;
        arena.at += total;
        arena.packets += 1;
        Ok(total)
    }

    fn again(&mut self, _: &mut Arena, _: Slot, _: u16) -> Option<usize> {
        None
    }

    fn end(&mut self, _: &mut Arena) {}
}

/// See the module's description.
pub(super) struct Lesson {
    relay: Relay<Seal>,
    arena: Arena,
    frames: u64,
    voices: u64,
}

impl Lesson {
    /// A lesson that has sent its first keyframe to `receivers` classrooms.
    pub(super) fn new(receivers: usize) -> Self {
        let mut lesson = Self {
            relay: Relay::default(),
            arena: Arena { room: vec![0; ARENA], at: 0, now: Timestamp::from_millis(1_000), packets: 0 },
            frames: 0,
            voices: 0,
        };
        for place in 0..receivers {
            let (spec, outlet) = join(place as u64);
            let receiver = Receiver::new(lesson.arena.now, &spec);
            lesson.relay.attach(lesson.arena.now, receiver, outlet);
        }
        for _ in 0..3 {
            lesson.frame();
        }
        lesson
    }

    /// One frame of the teacher's camera and the voice of that time, to everybody; how many packets left.
    pub(super) fn frame(&mut self) -> u64 {
        let before = self.arena.packets;
        let now = self.arena.now;
        for index in 0..FRAME_PACKETS {
            let packet = picture(now, self.frames * FRAME_PACKETS + index);
            self.relay.store(now, TICK, incoming(Slot::ProgramVideo, packet));
        }
        while FRAME * self.frames as u32 >= Duration::from_millis(20) * self.voices as u32 {
            self.relay.store(now, TICK, incoming(Slot::ProgramAudio, voice(now, self.voices)));
            self.voices += 1;
        }
        self.frames += 1;
        let next = now + FRAME;
        while let Some(due) = self.relay.due(TICK).filter(|&due| due < next) {
            self.arena.now = self.arena.now.max(due);
            self.relay.flush(self.arena.now, TICK, &mut self.arena);
        }
        self.arena.now = next;
        self.arena.packets - before
    }
}

fn incoming(slot: Slot, packet: StoredPacket) -> Incoming {
    Incoming { slot, layer: Layer::High, source: 0, packet }
}

/// Packet `number` of a VP8 stream that begins with a keyframe.
fn picture(now: Timestamp, number: u64) -> StoredPacket {
    let (frame, index) = (number / FRAME_PACKETS, number % FRAME_PACKETS);
    let is_last = index == FRAME_PACKETS - 1;
    let [high, low] = (frame as u16 | 0x8000).to_be_bytes();
    let mut payload =
        vec![0x80 | u8::from(index == 0) << 4, 0xe0, high, low, frame as u8, 0, u8::from(frame > 0)];
    payload.resize(if is_last { LAST_PAYLOAD } else { PAYLOAD }, 0x55);
    stored(now, number, frame as u32 * 3_000, is_last, Codec::Vp8, payload)
}

fn voice(now: Timestamp, number: u64) -> StoredPacket {
    stored(now, number, number as u32 * 960, false, Codec::Opus, vec![0x78; VOICE])
}

fn stored(
    now: Timestamp,
    ext_seq: u64,
    timestamp: u32,
    marker: bool,
    codec: Codec,
    payload: Vec<u8>,
) -> StoredPacket {
    let payload = Bytes::from(payload);
    let frame = FrameInfo::read(codec, &payload);
    StoredPacket { generation: 1, ext_seq, timestamp, marker, frame, payload, arrival: now }
}

/// A classroom's page joins: offer, answer, ICE and DTLS with the real peer, for a key of its own.
fn join(place: u64) -> (ReceiverSpec, Seal) {
    let now = Timestamp::from_millis(1_000);
    let [relays, clients] = [(); 2].map(|()| {
        let identity = Identity::generate().expect("ring makes a certificate");
        #[expect(clippy::disallowed_methods, reason = "the handshake's clock has an origin")]
        let epoch = Instant::now();
        Endpoint::new(EndpointConfig { identity, candidates: vec![RELAY.into()], epoch })
            .expect("rtc-dtls takes it")
    });
    let (mut client, offer) = ClientPeer::new(&clients, OfferSpec::classroom(), secrets(place * 2));
    let (mut peer, answer) =
        relays.answer(&offer, Direction::Play, &secrets(place * 2 + 1), now).expect("it is answered");
    client.accept_answer(now, &answer).expect("it is taken");
    let mut now = now;
    while !(peer.is_connected() && client.is_connected()) {
        now += Duration::from_millis(1);
        if client.poll_timeout().is_some_and(|at| at <= now) {
            client.handle_timeout(now);
        }
        while let Some(output) = client.poll_output() {
            if let Output::Transmit { mut bytes, .. } = output {
                peer.handle_datagram(now, CLIENT, &mut bytes);
            }
        }
        while let Some(output) = peer.poll_output() {
            if let Output::Transmit { mut bytes, .. } = output {
                client.handle_datagram(now, RELAY, &mut bytes);
            }
        }
    }
    let mut streams = [None; Slot::COUNT];
    for section in &peer.negotiated().sections {
        streams[section.slot.index()] = section.send;
    }
    let slots = [Slot::ProgramAudio, Slot::ProgramVideo]
        .into_iter()
        .filter_map(|slot| Some(agreement(slot, &streams[slot.index()]?)))
        .collect();
    let spec = ReceiverSpec {
        peer: PeerId(place),
        transport_id: Some(TRANSPORT_ID),
        start: Bitrate::from_kbps(20_000),
        answered: None,
        slots,
    };
    (spec, Seal { sealer: peer.take_sealer().expect("connected"), streams })
}

fn agreement(slot: Slot, streams: &SendStreams) -> SlotSpec {
    let is_picture = slot.kind() == MediaKind::Video;
    SlotSpec {
        slot,
        ssrc: streams.ssrc,
        repair_ssrc: streams.rtx_ssrc,
        payload_types: if is_picture {
            [None, Some((96, Some(97))), None]
        } else {
            [Some((111, None)), None, None]
        },
        red: None,
        counts_transport: true,
        nack: is_picture,
        wanted: Some(Layer::High),
        start: StreamStart { sequence: 100, timestamp: 7_000, picture_id: 5 },
        repair_start: 10,
    }
}

fn secrets(seed: u64) -> PeerSecrets {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    PeerSecrets::from_seed(bytes)
}

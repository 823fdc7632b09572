//! A small model of a receiver watches what `DownTrack` makes of a bad uplink: loss, reordering, duplicates,
//! layer switches, pauses, thinned-out frame rates and a publisher that restarts.

use bytes::Bytes;
use domain::{Codec, Layer, MediaKind, Timestamp};
use media::{
    ClockReading, DownTrack, Incoming, Layers, Leave, NtpTime, Outgoing, ReplayLimits, RtpHeader,
    StoredPacket, StreamStart, TrackBuffer, UpTrack, UpTrackConfig, WireIds, Wrapping, vp8,
};
use proptest::prelude::*;
use std::{collections::BTreeMap, time::Duration};

/// Deterministic numbers out of a seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        sides != 0 && self.roll(sides) == 0
    }
}

/// Which packet of which frame a payload is; written into it by the model publisher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Identity {
    run: u8,
    layer: u8,
    frame: u32,
    index: u8,
    last: bool,
    keyframe: bool,
    temporal: u8,
}

impl Identity {
    fn payload(self, picture_id: u16, tl0: u8) -> Bytes {
        let [high, low] = (picture_id | 0x8000).to_be_bytes();
        let start = if self.index == 0 { 0x10 } else { 0 };
        // Two temporal layers: every upper frame depends on the base layer only.
        let tid = self.temporal << 6 | u8::from(self.temporal > 0) << 5;
        let mut bytes = vec![0x80 | start, 0xe0, high, low, tl0, tid, u8::from(!self.keyframe)];
        bytes.extend([self.run, self.layer]);
        bytes.extend(self.frame.to_be_bytes());
        bytes.extend([self.index, u8::from(self.last), u8::from(self.keyframe), self.temporal]);
        bytes.into()
    }

    fn read(payload: &[u8]) -> Self {
        let body: &[u8; 10] = payload[7..].try_into().expect("the model publisher wrote ten bytes");
        Self {
            run: body[0],
            layer: body[1],
            frame: u32::from_be_bytes(body[2..6].try_into().expect("four bytes")),
            index: body[6],
            last: body[7] != 0,
            keyframe: body[8] != 0,
            temporal: body[9],
        }
    }
}

/// One layer of the model publisher, with numbers of its own.
struct LayerSource {
    layer: Layer,
    run: u8,
    sequence: u16,
    timestamp_base: u32,
    picture_id: u16,
    tl0: u8,
    frame: u32,
}

impl LayerSource {
    fn new(layer: Layer, run: u8, dice: &mut Dice) -> Self {
        Self {
            layer,
            run,
            sequence: dice.roll(65_536) as u16,
            timestamp_base: dice.roll(1 << 32) as u32,
            picture_id: dice.roll(32_768) as u16,
            tl0: dice.roll(256) as u8,
            frame: 0,
        }
    }

    fn rtp_time(&self, now: Timestamp) -> u32 {
        self.timestamp_base.wrapping_add((now.as_micros() * 9 / 100) as u32)
    }

    fn next_frame(&mut self, now: Timestamp, keyframe: bool, packets: u8) -> Vec<Incoming> {
        let temporal = u8::from(!keyframe && self.frame % 2 == 1);
        self.frame += 1;
        self.picture_id = (self.picture_id + 1) & 0x7fff;
        self.tl0 = self.tl0.wrapping_add(u8::from(temporal == 0));
        let timestamp = self.rtp_time(now);
        (0..packets)
            .map(|index| {
                let last = index + 1 == packets;
                let identity = Identity {
                    run: self.run,
                    layer: self.layer as u8,
                    frame: self.frame,
                    index,
                    last,
                    keyframe,
                    temporal,
                };
                self.sequence = self.sequence.wrapping_add(1);
                Incoming {
                    sequence: self.sequence,
                    timestamp,
                    marker: last,
                    payload: identity.payload(self.picture_id, self.tl0),
                    wrapping: Wrapping::Plain,
                }
            })
            .collect()
    }
}

/// What the model receiver got with one sequence number.
#[derive(Debug, Clone, Copy)]
struct Got {
    timestamp: u32,
    marker: bool,
    picture_id: u16,
    tl0: u8,
    /// `None`: padding only.
    identity: Option<Identity>,
}

#[derive(Debug, Clone, Copy)]
struct Trouble {
    seed: u64,
    /// One packet in so many, 0 for never.
    lost: u64,
    repaired: u64,
    doubled: u64,
    swapped: u64,
    /// Switches, pauses and restarts.
    commands: bool,
    sender_reports: bool,
}

struct World {
    dice: Dice,
    trouble: Trouble,
    sources: Vec<LayerSource>,
    ups: Vec<UpTrack>,
    buffers: Vec<TrackBuffer>,
    layers: Layers,
    down: DownTrack,
    run: u8,
    received: BTreeMap<u64, Got>,
    /// Packets to come later, as the network pleases.
    held_back: Vec<(usize, Incoming)>,
    thinned: bool,
}

impl World {
    fn new(trouble: Trouble) -> Self {
        let mut dice = Dice(trouble.seed | 1);
        let start = StreamStart {
            sequence: dice.roll(65_536) as u16,
            timestamp: dice.roll(1 << 32) as u32,
            picture_id: dice.roll(32_768) as u16,
        };
        let mut world = Self {
            dice,
            trouble,
            sources: Vec::new(),
            ups: Vec::new(),
            buffers: Layer::ALL.iter().map(|_| TrackBuffer::new(TrackBuffer::VIDEO_PACKETS)).collect(),
            layers: Layers::default(),
            down: DownTrack::new(MediaKind::Video, start),
            run: 0,
            received: BTreeMap::new(),
            held_back: Vec::new(),
            thinned: false,
        };
        world.restart_publisher();
        world.down.set_target(Some(Layer::High), Leave::AtKeyframe);
        world
    }

    fn restart_publisher(&mut self) {
        self.run += 1;
        let generation = u32::from(self.run);
        let dice = &mut self.dice;
        self.sources = Layer::ALL.map(|layer| LayerSource::new(layer, self.run, dice)).into();
        let config = UpTrackConfig { codec: Codec::Vp8, generation, nack: true };
        self.ups = Layer::ALL.iter().map(|_| UpTrack::new(config)).collect();
        self.held_back.clear();
    }

    fn run_frames(&mut self, frames: u64) {
        for n in 0..frames {
            let now = Timestamp::from_micros(1_000_000 + n * 40_000);
            if self.trouble.commands {
                self.command();
            }
            if self.trouble.sender_reports && n % 20 == 5 {
                self.report_clocks(now);
            }
            let keyframe_wanted = self.down.wants_keyframe().is_some() && self.dice.one_in(3);
            let mut wire = Vec::new();
            for index in 0..self.sources.len() {
                let keyframe = n == 0 || keyframe_wanted || self.dice.one_in(60);
                let packets = 1 + self.dice.roll(4) as u8;
                let sent = self.sources[index].next_frame(now, keyframe, packets);
                wire.extend(sent.into_iter().map(|packet| (index, packet)));
            }
            for (index, packet) in self.disturb(wire) {
                self.deliver(now, index, packet);
            }
        }
    }

    fn command(&mut self) {
        match self.dice.roll(60) {
            0..=2 => {
                let layer = Layer::ALL[self.dice.roll(3) as usize];
                let leave = if self.dice.one_in(2) { Leave::AtOnce } else { Leave::AtKeyframe };
                self.down.set_target(Some(layer), leave);
                if let Some(range) = self.down.replay(&self.buffers[layer.index()], ReplayLimits::default()) {
                    self.forward_stored(layer, *range.start(), *range.end());
                }
            }
            3 => self.down.set_target(None, Leave::AtOnce),
            4 => {
                self.thinned = true;
                let temporal = self.dice.roll(2) as u8 * 3;
                self.down.set_max_temporal(temporal);
            }
            5 if self.dice.one_in(3) => self.restart_publisher(),
            _ => {}
        }
    }

    fn report_clocks(&mut self, now: Timestamp) {
        for source in &self.sources {
            let ntp = NtpTime(55 << 32).plus(now.since_start());
            let reading = ClockReading {
                generation: u32::from(self.run),
                ntp,
                rtp: source.rtp_time(now),
                arrival: now,
            };
            self.layers.on_sender_report(source.layer, reading);
        }
    }

    fn disturb(&mut self, wire: Vec<(usize, Incoming)>) -> Vec<(usize, Incoming)> {
        let Trouble { lost, repaired, doubled, swapped, .. } = self.trouble;
        let mut arriving = Vec::new();
        for packet in wire {
            if self.dice.one_in(lost) {
                if self.dice.one_in(repaired) {
                    let (index, packet) = packet;
                    self.held_back.push((index, Incoming { wrapping: Wrapping::Repair, ..packet }));
                }
                continue;
            }
            if self.dice.one_in(doubled) {
                arriving.push(packet.clone());
            }
            arriving.push(packet);
        }
        for at in 1..arriving.len() {
            if self.dice.one_in(swapped) {
                arriving.swap(at - 1, at);
            }
        }
        let due = self.held_back.len() / 2;
        arriving.extend(self.held_back.drain(..due));
        arriving
    }

    fn deliver(&mut self, now: Timestamp, index: usize, packet: Incoming) {
        let layer = Layer::ALL[index];
        let mut out = Vec::new();
        self.ups[index].receive(now, packet, &mut out);
        for stored in out {
            self.layers.on_packet(layer, &stored);
            self.buffers[index].push(stored.clone());
            if let Some(outgoing) = self.down.plan(layer, &stored, &self.layers) {
                self.receive(&stored, &outgoing);
                if outgoing.starts_layer {
                    let newest = self.buffers[index].newest().expect("just pushed");
                    self.forward_stored(layer, stored.ext_seq + 1, newest);
                }
            }
        }
    }

    fn forward_stored(&mut self, layer: Layer, from: u64, to: u64) {
        let stored: Vec<_> = self.buffers[layer.index()].packets(from..=to).cloned().collect();
        for packet in stored {
            if let Some(outgoing) = self.down.plan(layer, &packet, &self.layers) {
                self.receive(&packet, &outgoing);
            }
        }
    }

    /// Reads the packet from the wire, as a receiver does.
    fn receive(&mut self, stored: &StoredPacket, outgoing: &Outgoing) {
        let mut buf = [0; 256];
        let wire = WireIds { ssrc: 1, payload_type: 96 };
        let pad_to = self.dice.roll(100) as usize;
        let len = outgoing.write(stored, wire, &[], pad_to, &mut buf).expect("256 bytes are enough");
        let header = RtpHeader::parse(&buf[..len]).expect("we wrote it");
        assert_eq!(header.sequence, outgoing.sequence as u16);
        let payload = header.payload(&buf[..len]).expect("we wrote it");
        let ids = vp8::Descriptor::parse(payload).map(|descriptor| descriptor.ids).unwrap_or_default();
        let got = Got {
            timestamp: header.timestamp,
            marker: header.marker,
            picture_id: ids.picture_id.map_or(0, vp8::PictureId::value),
            tl0: ids.tl0_pic_idx.unwrap_or(0),
            identity: (!payload.is_empty()).then(|| Identity::read(payload)),
        };
        let before = self.received.insert(outgoing.sequence, got);
        assert!(before.is_none(), "sequence number {} went out twice", outgoing.sequence);
    }

    /// Frames in order of sequence number, each as its packets.
    fn frames(&self) -> Vec<Vec<(u64, Got, Identity)>> {
        let mut frames: Vec<Vec<(u64, Got, Identity)>> = Vec::new();
        for (&sequence, got) in &self.received {
            let Some(identity) = got.identity else { continue };
            match frames.last_mut() {
                Some(frame) if frame[0].1.timestamp == got.timestamp => {
                    frame.push((sequence, *got, identity));
                }
                _ => frames.push(vec![(sequence, *got, identity)]),
            }
        }
        frames
    }

    fn check_frames(&self) {
        let frames = self.frames();
        for frame in &frames {
            let (_, first, identity) = frame[0];
            for pair in frame.windows(2) {
                let ((seq_a, _, a), (seq_b, _, b)) = (pair[0], pair[1]);
                assert_eq!((a.run, a.layer, a.frame), (b.run, b.layer, b.frame), "two frames mixed into one");
                assert_eq!(seq_b - seq_a, u64::from(b.index - a.index), "a frame's packets changed distance");
            }
            for (_, got, each) in frame {
                assert_eq!(got.marker, each.last);
                assert_eq!(got.picture_id, first.picture_id, "one frame, one picture id");
                assert_eq!(got.tl0, first.tl0);
                assert_eq!(each.temporal, identity.temporal);
            }
        }
        for pair in frames.windows(2) {
            let ((before, a, from), (after, b, to)) = (*pair[0].last().expect("not empty"), pair[1][0]);
            assert!(
                b.timestamp.wrapping_sub(a.timestamp).cast_signed() > 0,
                "time went back: {from:?} {to:?}"
            );
            let pictures = b.picture_id.wrapping_sub(a.picture_id) & 0x7fff;
            assert!((1..600).contains(&pictures), "picture ids jump by {pictures}: {from:?} {to:?}");
            if (from.run, from.layer) != (to.run, to.layer) {
                assert!(to.keyframe && to.index == 0, "switched in the middle: {from:?} {to:?}");
            }
            if after == before + 1 {
                assert_eq!(pictures, 1, "no packet is missing between {from:?} and {to:?}, so no picture is");
            }
        }
    }
}

fn trouble(commands: bool) -> impl Strategy<Value = Trouble> {
    let chance = prop::sample::select(vec![0u64, 3, 10, 50]);
    let chances = (chance.clone(), prop::sample::select(vec![1u64, 2]), chance.clone(), chance);
    (any::<u64>(), chances, any::<bool>()).prop_map(
        move |(seed, (lost, repaired, doubled, swapped), sender_reports)| Trouble {
            seed,
            lost,
            repaired,
            doubled,
            swapped,
            commands,
            sender_reports,
        },
    )
}

fn no_trouble(seed: u64, commands: bool, sender_reports: bool) -> Trouble {
    Trouble { seed, lost: 0, repaired: 0, doubled: 0, swapped: 0, commands, sender_reports }
}

proptest! {
    #[test]
    fn whatever_happens_upstream_a_receiver_sees_whole_consistent_frames(trouble in trouble(true)) {
        let mut world = World::new(trouble);
        world.run_frames(250);
        world.check_frames();
        prop_assert!(!world.received.is_empty());
    }

    #[test]
    fn a_clean_uplink_leaves_no_hole_whatever_is_switched(seed: u64, sender_reports: bool) {
        let mut world = World::new(no_trouble(seed, true, sender_reports));
        world.run_frames(250);
        world.check_frames();
        let sequences: Vec<u64> = world.received.keys().copied().collect();
        prop_assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1));
        let frames = world.frames();
        for pair in frames.windows(2) {
            let ((_, a, _), (_, b, to)) = (pair[0][0], pair[1][0]);
            prop_assert_eq!(b.picture_id, (a.picture_id + 1) & 0x7fff);
            prop_assert_eq!(b.tl0, a.tl0.wrapping_add(u8::from(to.temporal == 0)));
        }
    }

    #[test]
    fn every_repaired_packet_finds_its_hole(seed: u64) {
        let mut trouble = no_trouble(seed, false, false);
        (trouble.lost, trouble.repaired) = (8, 1);
        let mut world = World::new(trouble);
        world.run_frames(250);
        world.trouble.lost = 0;
        for n in 250..262 {
            let now = Timestamp::from_micros(1_000_000 + n * 40_000);
            for (index, packet) in world.disturb(Vec::new()) {
                world.deliver(now, index, packet);
            }
        }
        let (index, packet) = world.held_back.pop().unzip();
        if let (Some(index), Some(packet)) = (index, packet) {
            world.deliver(Timestamp::from_micros(20_000_000), index, packet);
        }
        world.check_frames();
        let sequences: Vec<u64> = world.received.keys().copied().collect();
        let holes = sequences.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
        prop_assert_eq!(holes, 0);
    }

    #[test]
    fn every_recent_number_leads_back_to_its_packet(trouble in trouble(true)) {
        let mut world = World::new(trouble);
        world.run_frames(120);
        let Some((&newest, _)) = world.received.last_key_value() else { return Ok(()) };
        let recent: Vec<_> = world.received.range(newest.saturating_sub(40)..).map(|(seq, got)| (*seq, *got)).collect();
        let now = Timestamp::from_micros(1_000_000 + 120 * 40_000);
        for (sequence, got) in recent {
            let resend = world.down.resend(sequence as u16, now, Duration::from_millis(80));
            let resend = resend.map_err(|refusal| TestCaseError::fail(format!("{sequence}: {refusal:?}")))?;
            let stored = world.buffers[resend.layer.index()].get(resend.ext_seq);
            let Some(stored) = stored.filter(|stored| stored.generation == u32::from(got.identity.map_or(0, |id| id.run))) else {
                continue; // the publisher has restarted and the ring with it
            };
            let Some(outgoing) = resend.outgoing(stored) else { continue };
            prop_assert_eq!(outgoing.sequence, sequence);
            prop_assert_eq!(outgoing.timestamp, got.timestamp);
            prop_assert_eq!(Some(Identity::read(&stored.payload)), got.identity);
        }
    }
}

#[test]
fn the_model_really_switches_thins_and_restarts() {
    let mut seen = (0, 0, 0, false);
    for seed in 1..40 {
        let mut world = World::new(no_trouble(seed * 7_919, true, true));
        world.run_frames(250);
        let frames = world.frames();
        seen.0 += frames.len();
        let changed = |get: fn(&Identity) -> u8| {
            frames.windows(2).filter(|pair| get(&pair[0][0].2) != get(&pair[1][0].2)).count()
        };
        seen.1 += changed(|identity| identity.layer);
        seen.2 += changed(|identity| identity.run);
        seen.3 |= world.thinned;
    }
    assert!(seen.0 > 3_000 && seen.1 > 100 && seen.2 > 10 && seen.3, "{seen:?}");
}

//! One SSRC of a published stream: numbers, duplicates, repair, statistics, what each packet carries.

use crate::{
    ClockReading, FrameInfo, NackList, NackPolicy, NtpTime, Reception, ReceptionReport, SequenceExtender,
    StoredPacket,
    h264::{self, KeyframeFinder},
    red,
};
use bytes::Bytes;
use domain::{Codec, Timestamp};
use std::time::Duration;

/// How the payload of an incoming packet is wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapping {
    /// Plain codec payload on the stream's own SSRC.
    Plain,
    /// RFC 2198 redundancy around Opus.
    Red,
    /// Came by RTX; the caller has put the original sequence number in place ([`crate::rtp::rtx_original`]).
    Repair,
}

/// One decrypted packet of the stream.
#[derive(Debug, Clone)]
pub struct Incoming {
    /// Sequence number on the wire (RTX: the original one).
    pub sequence: u16,
    /// RTP timestamp.
    pub timestamp: u32,
    /// Marker bit.
    pub marker: bool,
    /// Payload without padding (RTX: without the original sequence number).
    pub payload: Bytes,
    /// How it is wrapped.
    pub wrapping: Wrapping,
}

/// What became of an incoming packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrived {
    /// New; it (and what RED brought back) was handed out.
    Accepted,
    /// Seen already.
    Duplicate,
    /// Too old to matter, or an impossible jump.
    OutOfWindow,
    /// RED that cannot be read.
    Malformed,
}

/// What an [`UpTrack`] is told about its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UpTrackConfig {
    /// Codec of the (unwrapped) payload.
    pub codec: Codec,
    /// Copied into [`StoredPacket::generation`]. Every new SSRC that feeds a slot gets a greater number than the
    /// one before (it may wrap).
    pub generation: u32,
    /// Whether the publisher agreed to answer NACK.
    pub nack: bool,
}

/// A jump further than this is believed only when the next packet confirms it (RFC 3550 section A.1).
const JUMP_MAX: u64 = 3_000;

/// One SSRC (one layer) of a published stream.
#[derive(Debug)]
pub struct UpTrack {
    config: UpTrackConfig,
    extender: SequenceExtender,
    seen: SeenWindow,
    nacks: Option<NackList>,
    reception: Reception,
    keyframes: KeyframeFinder,
    /// After an impossible jump: the number that would confirm it.
    jump_confirmed_by: Option<u16>,
}

impl UpTrack {
    /// A stream of which nothing has come yet.
    pub fn new(config: UpTrackConfig) -> Self {
        Self {
            config,
            extender: SequenceExtender::new(),
            seen: SeenWindow::default(),
            nacks: config.nack.then(|| NackList::new(NackPolicy::default())),
            reception: Reception::new(config.codec.clock_rate()),
            keyframes: KeyframeFinder::default(),
            jump_confirmed_by: None,
        }
    }

    /// Takes one packet; appends what it yields to `out`: itself, unless it is a duplicate, and lost
    /// predecessors that RED brought back, in order of their numbers.
    pub fn receive(&mut self, now: Timestamp, packet: Incoming, out: &mut Vec<StoredPacket>) -> Arrived {
        let blocks = match packet.wrapping {
            Wrapping::Red => match red::unwrap(&packet.payload) {
                Ok(blocks) => Some(blocks),
                Err(_) => return Arrived::Malformed,
            },
            Wrapping::Plain | Wrapping::Repair => None,
        };
        let Some(ext_seq) = self.place(&packet) else { return Arrived::OutOfWindow };
        if packet.wrapping != Wrapping::Repair {
            self.reception.on_packet(now, ext_seq, packet.timestamp);
        }
        let expected = self.seen.next_expected();
        match self.seen.mark(ext_seq) {
            Arrived::Accepted => {}
            refused => return refused,
        }
        if let Some(nacks) = &mut self.nacks {
            match expected {
                Some(expected) if ext_seq >= expected => nacks.on_gap(now, expected, ext_seq),
                _ => nacks.on_arrival(ext_seq),
            }
        }
        let payload = match &blocks {
            None => packet.payload,
            Some(blocks) => {
                self.recover(now, ext_seq, &packet, blocks, out);
                packet.payload.slice_ref(blocks.primary().payload)
            }
        };
        out.push(self.stored(now, ext_seq, packet.timestamp, packet.marker, payload));
        Arrived::Accepted
    }

    /// Takes the publisher's sender report; the reading goes to every worker's [`crate::Layers`].
    pub fn on_sender_report(&mut self, now: Timestamp, ntp: NtpTime, rtp: u32) -> ClockReading {
        self.reception.on_sender_report(now, ntp);
        ClockReading { generation: self.config.generation, ntp, rtp, arrival: now }
    }

    /// Appends the numbers to NACK now to `out`; call on every tick. `rtt` is the publisher's round trip.
    pub fn nacks_due(&mut self, now: Timestamp, rtt: Duration, out: &mut Vec<u16>) {
        if let Some(nacks) = &mut self.nacks {
            nacks.due(now, rtt, out);
        }
    }

    /// The report block for now; starts a new interval. `None` before the first packet.
    pub fn reception_report(&mut self, now: Timestamp) -> Option<ReceptionReport> {
        self.reception.report(now)
    }

    /// Packets given up: neither repair nor redundancy brought them. 0 when the publisher answers no NACK.
    pub fn unrepaired(&self) -> u64 {
        self.nacks.as_ref().map_or(0, NackList::given_up)
    }

    /// What it was told about its stream.
    pub fn config(&self) -> UpTrackConfig {
        self.config
    }

    /// The packet's extended number, or `None` when it jumps impossibly far.
    fn place(&mut self, packet: &Incoming) -> Option<u64> {
        let placed = self.extender.peek(packet.sequence).ok();
        let Some(highest) = self.extender.highest() else {
            return self.extender.extend(packet.sequence).ok();
        };
        if let Some(ext_seq) = placed
            && ext_seq <= highest + JUMP_MAX
            && ext_seq + SeenWindow::LEN > highest
        {
            return self.extender.extend(packet.sequence).ok();
        }
        // A repair proves nothing about where the stream is.
        if packet.wrapping == Wrapping::Repair {
            return None;
        }
        if self.jump_confirmed_by.replace(packet.sequence.wrapping_add(1)) != Some(packet.sequence) {
            return None;
        }
        // The sender restarted its numbering on the same SSRC. Go on with a hole too large to be waited for.
        let ext_seq = ((highest >> 16) + 2) << 16 | u64::from(packet.sequence);
        self.extender.restart_at(ext_seq);
        self.seen.restart();
        self.reception.restart();
        self.keyframes = KeyframeFinder::default();
        self.nacks = self.config.nack.then(|| NackList::new(NackPolicy::default()));
        Some(ext_seq)
    }

    /// Hands out predecessors that have not come by themselves. RED carries no numbers: the n-th block before
    /// the primary is the n-th packet before it, as Chromium also counts.
    fn recover(
        &mut self,
        now: Timestamp,
        ext_seq: u64,
        packet: &Incoming,
        blocks: &red::Blocks<'_>,
        out: &mut Vec<StoredPacket>,
    ) {
        let redundant = blocks.redundant();
        for (index, block) in redundant.iter().enumerate() {
            let Some(lost) = ext_seq.checked_sub((redundant.len() - index) as u64) else { continue };
            if block.payload.is_empty()
                || block.timestamp_offset == 0
                || self.seen.mark(lost) != Arrived::Accepted
            {
                continue;
            }
            if let Some(nacks) = &mut self.nacks {
                nacks.on_arrival(lost);
            }
            let timestamp = packet.timestamp.wrapping_sub(u32::from(block.timestamp_offset));
            out.push(self.stored(now, lost, timestamp, false, packet.payload.slice_ref(block.payload)));
        }
    }

    fn stored(
        &mut self,
        now: Timestamp,
        ext_seq: u64,
        timestamp: u32,
        marker: bool,
        payload: Bytes,
    ) -> StoredPacket {
        let mut frame = FrameInfo::read(self.config.codec, &payload);
        if self.config.codec == Codec::H264 {
            frame.starts_keyframe = self.keyframes.starts_keyframe(ext_seq, timestamp, h264::read(&payload));
        }
        StoredPacket {
            generation: self.config.generation,
            ext_seq,
            timestamp,
            marker,
            payload,
            arrival: now,
            frame,
        }
    }
}

/// Which of the latest numbers have come.
#[derive(Debug, Default)]
struct SeenWindow {
    highest: Option<u64>,
    bits: [u64; (SeenWindow::LEN / 64) as usize],
}

impl SeenWindow {
    /// Numbers remembered; older ones are no longer taken.
    const LEN: u64 = 1024;

    fn next_expected(&self) -> Option<u64> {
        self.highest.map(|highest| highest + 1)
    }

    fn restart(&mut self) {
        *self = Self::default();
    }

    /// Notes a number: [`Arrived::Accepted`] the first time.
    fn mark(&mut self, ext_seq: u64) -> Arrived {
        match self.highest {
            Some(highest) if ext_seq + Self::LEN <= highest => return Arrived::OutOfWindow,
            Some(highest) if ext_seq > highest => {
                if ext_seq - highest >= Self::LEN {
                    self.bits.fill(0);
                } else {
                    for skipped in highest + 1..=ext_seq {
                        let (word, bit) = Self::place(skipped);
                        self.bits[word] &= !bit;
                    }
                }
                self.highest = Some(ext_seq);
            }
            None => self.highest = Some(ext_seq),
            Some(_) => {}
        }
        let (word, bit) = Self::place(ext_seq);
        if self.bits[word] & bit != 0 {
            return Arrived::Duplicate;
        }
        self.bits[word] |= bit;
        Arrived::Accepted
    }

    fn place(ext_seq: u64) -> (usize, u64) {
        ((ext_seq % Self::LEN / 64) as usize, 1 << (ext_seq % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RTT: Duration = Duration::from_millis(50);

    fn track(codec: Codec) -> UpTrack {
        UpTrack::new(UpTrackConfig { codec, generation: 3, nack: true })
    }

    fn plain(sequence: u16) -> Incoming {
        Incoming {
            sequence,
            timestamp: u32::from(sequence).wrapping_mul(960),
            marker: false,
            payload: Bytes::copy_from_slice(&sequence.to_be_bytes()),
            wrapping: Wrapping::Plain,
        }
    }

    /// Opus in RED with this many predecessors, each payload being its packet's own number.
    fn red_packet(sequence: u16, distance: u16) -> Incoming {
        let payloads: Vec<[u8; 2]> =
            (0..=distance).rev().map(|back| (sequence - back).to_be_bytes()).collect();
        let blocks: Vec<_> = payloads
            .iter()
            .zip((0..=distance).rev())
            .map(|(payload, back)| red::Block { payload_type: 111, timestamp_offset: back * 960, payload })
            .collect();
        let mut buf = [0; 100];
        let (primary, redundant) = blocks.split_last().unwrap();
        let len = red::wrap(*primary, redundant, &mut buf).unwrap();
        Incoming { payload: Bytes::copy_from_slice(&buf[..len]), wrapping: Wrapping::Red, ..plain(sequence) }
    }

    fn receive_all(track: &mut UpTrack, packets: impl IntoIterator<Item = Incoming>) -> Vec<StoredPacket> {
        let mut out = Vec::new();
        for packet in packets {
            track.receive(Timestamp::ZERO, packet, &mut out);
        }
        out
    }

    #[test]
    fn a_packet_that_comes_twice_is_handed_out_once() {
        let out = receive_all(&mut track(Codec::Opus), [5, 6, 5, 6, 7, 4, 4].map(plain));
        let numbers: Vec<u64> = out.iter().map(|packet| packet.ext_seq).collect();
        assert_eq!(numbers, [5, 6, 7, 4]);
    }

    #[test]
    fn a_long_lesson_with_late_packets_loses_none() {
        let mut track = track(Codec::Opus);
        let mut count = 0;
        for block in (0..20_000u16).step_by(50) {
            let (early, late): (Vec<u16>, Vec<u16>) = (block..block + 50).partition(|seq| seq % 7 != 3);
            count += receive_all(&mut track, early.into_iter().chain(late).map(plain)).len();
        }
        assert_eq!(count, 20_000);
    }

    #[test]
    fn a_hole_is_asked_for_until_rtx_fills_it() {
        let mut track = track(Codec::Vp8);
        let out = receive_all(&mut track, [plain(5), plain(8)]);
        assert_eq!(out.len(), 2);
        let mut asked = Vec::new();
        track.nacks_due(Timestamp::from_millis(20), RTT, &mut asked);
        assert_eq!(asked, [6, 7]);
        let out = receive_all(&mut track, [Incoming { wrapping: Wrapping::Repair, ..plain(6) }]);
        assert_eq!(out[0].ext_seq, 6);
        asked.clear();
        track.nacks_due(Timestamp::from_millis(100), RTT, &mut asked);
        assert_eq!(asked, [7]);
        let report = track.reception_report(Timestamp::ZERO).unwrap();
        assert_eq!(report.cumulative_lost, 2, "a repair does not hide the loss of the link");
    }

    #[test]
    fn a_publisher_that_answers_no_nack_is_never_asked() {
        let mut track = UpTrack::new(UpTrackConfig { codec: Codec::H264, generation: 0, nack: false });
        receive_all(&mut track, [plain(5), plain(8)]);
        let mut asked = Vec::new();
        track.nacks_due(Timestamp::from_millis(20), RTT, &mut asked);
        assert_eq!(asked, []);
    }

    #[test]
    fn a_lost_word_comes_back_out_of_the_next_packet() {
        let mut track = track(Codec::Opus);
        let out = receive_all(&mut track, [10, 11, 14].map(|seq| red_packet(seq, 2)));
        let got: Vec<_> =
            out.iter().map(|packet| (packet.ext_seq, packet.timestamp, &packet.payload[..])).collect();
        let expected = [8u16, 9, 10, 11, 12, 13, 14]
            .map(|seq| (u64::from(seq), u32::from(seq) * 960, seq.to_be_bytes()));
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(&expected) {
            assert_eq!((got.0, got.1, got.2), (expected.0, expected.1, &expected.2[..]));
        }
        let mut asked = Vec::new();
        track.nacks_due(Timestamp::from_millis(20), RTT, &mut asked);
        assert_eq!(asked, [], "what redundancy brought is not asked for");
        let mut out = Vec::new();
        assert_eq!(track.receive(Timestamp::ZERO, plain(13), &mut out), Arrived::Duplicate);
    }

    #[test]
    fn a_single_wild_number_changes_nothing_and_a_confirmed_one_restarts_the_numbering() {
        let mut track = track(Codec::Vp8);
        let mut out = receive_all(&mut track, [100, 101, 30_000, 102].map(plain));
        assert_eq!(out.iter().map(|packet| packet.ext_seq).collect::<Vec<_>>(), [100, 101, 102]);
        out.clear();
        receive_all(&mut track, [plain(30_000)]);
        let out = receive_all(&mut track, [30_001, 30_002].map(plain));
        let numbers: Vec<u64> = out.iter().map(|packet| packet.ext_seq).collect();
        assert_eq!(numbers, [0x2_0000 + 30_001, 0x2_0000 + 30_002]);
        let mut asked = Vec::new();
        track.nacks_due(Timestamp::from_millis(50), RTT, &mut asked);
        assert_eq!(asked, []);
    }

    #[test]
    fn h264_parameter_sets_in_their_own_packet_start_the_keyframe() {
        let mut track = track(Codec::H264);
        let unit = |sequence, nal: u8| Incoming {
            payload: Bytes::copy_from_slice(&[nal, 0]),
            timestamp: 77,
            ..plain(sequence)
        };
        let out = receive_all(&mut track, [unit(1, 0x67), unit(2, 0x68), unit(3, 0x65), unit(4, 0x65)]);
        let starts: Vec<bool> = out.iter().map(|packet| packet.frame.starts_keyframe).collect();
        assert_eq!(starts, [true, false, false, false]);
    }

    proptest! {
        #[test]
        fn reordered_duplicated_and_lost_packets_come_out_once_each(
            first in any::<u16>(),
            moves in prop::collection::vec((0usize..20, 0u8..3), 1..400),
        ) {
            let mut wire: Vec<u64> = Vec::new();
            for (n, &(_, copies)) in moves.iter().enumerate() {
                wire.extend(std::iter::repeat_n(n as u64, copies as usize));
            }
            for (at, &(distance, _)) in moves.iter().enumerate() {
                let other = at + distance;
                if other < wire.len() {
                    wire.swap(at, other);
                }
            }
            let mut track = track(Codec::Vp8);
            let base = u64::from(first) + 0x1_0000;
            let mut expected: Vec<u64> = wire.clone();
            expected.sort_unstable();
            expected.dedup();
            let out = receive_all(&mut track, wire.iter().map(|n| plain((base + n) as u16)));
            let mut got: Vec<u64> = out.iter().map(|packet| packet.ext_seq).collect();
            got.sort_unstable();
            let unique = got.len();
            got.dedup();
            prop_assert_eq!(got.len(), unique, "nothing twice");
            // Packets from before the first number of the stream may be refused when it is near zero.
            prop_assert!(got.len() + 20 >= expected.len());
        }

        #[test]
        fn any_red_bytes_are_taken_or_refused(
            packets in prop::collection::vec((any::<u16>(), any::<u32>(), prop::collection::vec(any::<u8>(), 0..60)), 0..60),
        ) {
            let mut track = track(Codec::Opus);
            for (sequence, timestamp, payload) in packets {
                let packet = Incoming {
                    sequence, timestamp, marker: false, payload: payload.into(), wrapping: Wrapping::Red,
                };
                receive_all(&mut track, [packet]);
            }
        }
    }
}

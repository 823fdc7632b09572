//! Case tables: what goes in, what comes out, or that it is dropped.

use super::*;
use crate::{ClockReading, FrameInfo, NtpTime, vp8};
use bytes::Bytes;

const START: StreamStart = StreamStart { sequence: 1_000, timestamp: 50_000, picture_id: 200 };
const RTT: Duration = Duration::from_millis(50);

/// A VP8 packet that is a whole frame of temporal layer 0.
fn frame(ext_seq: u64, timestamp: u32, keyframe: bool) -> StoredPacket {
    let picture = ext_seq as u16;
    vp8_packet(ext_seq, timestamp, picture, 0, false, keyframe)
}

fn vp8_packet(
    ext_seq: u64,
    timestamp: u32,
    picture: u16,
    temporal: u8,
    sync: bool,
    keyframe: bool,
) -> StoredPacket {
    let [high, low] = (picture | 0x8000).to_be_bytes();
    let tid = temporal << 6 | u8::from(sync) << 5;
    let payload = Bytes::copy_from_slice(&[0x90, 0xe0, high, low, 7, tid, u8::from(!keyframe), 0xaa]);
    StoredPacket {
        generation: 1,
        ext_seq,
        timestamp,
        marker: true,
        frame: FrameInfo::read(Codec::Vp8, &payload),
        payload,
        arrival: Timestamp::from_micros(u64::from(timestamp) * 100 / 9),
    }
}

fn audio(ext_seq: u64, timestamp: u32) -> StoredPacket {
    let payload = Bytes::from_static(&[1, 2, 3]);
    StoredPacket {
        generation: 1,
        ext_seq,
        timestamp,
        marker: false,
        frame: FrameInfo::read(Codec::Opus, &payload),
        payload,
        arrival: Timestamp::from_micros(u64::from(timestamp) * 125 / 6),
    }
}

/// The rest of a frame: no start, no keyframe.
fn tail(packet: StoredPacket) -> StoredPacket {
    let frame = FrameInfo { starts_frame: false, starts_keyframe: false, ..packet.frame };
    StoredPacket { frame, ..packet }
}

fn later(packet: StoredPacket, generation: u32, arrival_ms: u64) -> StoredPacket {
    StoredPacket { generation, arrival: Timestamp::from_millis(arrival_ms), ..packet }
}

fn watching(layer: Layer) -> DownTrack {
    let mut track = DownTrack::new(MediaKind::Video, START);
    track.set_target(Some(layer), Leave::AtKeyframe);
    track
}

/// Sequence number, timestamp, picture id; `None` when dropped.
type Row = Option<(u64, u32, u16)>;

fn row(outgoing: Option<Outgoing>) -> Row {
    outgoing.map(|out| (out.sequence, out.timestamp, out.picture_id))
}

#[track_caller]
fn check(track: &mut DownTrack, rows: &[(Layer, StoredPacket, Row)]) {
    for (index, (layer, packet, expected)) in rows.iter().enumerate() {
        let got = row(track.plan(*layer, packet, &Layers::default()));
        assert_eq!(got, *expected, "row {index}: {layer:?} {}", packet.ext_seq);
    }
}

use Layer::{High, Low, Mid};

#[test]
fn a_receiver_starts_at_a_keyframe_with_its_own_first_numbers() {
    let mut track = watching(High);
    check(
        &mut track,
        &[
            (High, frame(10, 9_000, false), None),
            (Low, frame(70, 9_000, true), None),
            (High, frame(11, 12_000, true), Some((1_000, 50_000, 200))),
            (High, frame(12, 15_000, false), Some((1_001, 53_000, 201))),
            (High, frame(12, 15_000, false), None),
            (High, frame(10, 9_000, false), None),
        ],
    );
    assert_eq!((track.current(), track.wants_keyframe()), (Some(High), None));
}

#[test]
fn a_packet_still_missing_upstream_keeps_its_place() {
    let mut track = watching(High);
    check(
        &mut track,
        &[
            (High, frame(10, 0, true), Some((1_000, 50_000, 200))),
            (High, frame(13, 9_000, false), Some((1_003, 59_000, 203))),
            (High, frame(12, 6_000, false), Some((1_002, 56_000, 202))),
            (High, frame(12, 6_000, false), None),
            (High, frame(11, 3_000, false), Some((1_001, 53_000, 201))),
            (High, frame(14, 12_000, false), Some((1_004, 62_000, 204))),
        ],
    );
}

#[test]
fn a_late_packet_is_welcome_after_any_number_of_others() {
    let mut track = watching(High);
    track.plan(High, &frame(0, 0, true), &Layers::default()).unwrap();
    let in_time = |n: &u64| n % 7 != 3;
    for block in (1..5_000u64).step_by(50) {
        let (early, late): (Vec<u64>, Vec<u64>) = (block..block + 50).partition(in_time);
        for n in early.into_iter().chain(late) {
            let outgoing = track.plan(High, &frame(n, n as u32 * 3_000, false), &Layers::default());
            assert_eq!(outgoing.map(|out| out.sequence), Some(1_000 + n));
        }
    }
    let mut layers = Layers::default();
    let clock = ClockReading { generation: 1, ntp: NtpTime(0), rtp: 0, arrival: Timestamp::ZERO };
    layers.on_sender_report(High, clock);
    assert_eq!(track.sender_report(Timestamp::ZERO, &layers).unwrap().packets, 5_001);
}

#[test]
fn padding_from_the_publisher_leaves_no_hole() {
    let mut track = watching(High);
    let padding = |ext_seq| {
        let payload = Bytes::new();
        StoredPacket { frame: FrameInfo::read(Codec::Vp8, &payload), payload, ..frame(ext_seq, 0, false) }
    };
    check(
        &mut track,
        &[
            (High, frame(10, 0, true), Some((1_000, 50_000, 200))),
            (High, padding(11), None),
            (High, padding(12), None),
            (High, frame(13, 3_000, false), Some((1_001, 53_000, 203))),
        ],
    );
}

#[test]
fn a_switch_happens_at_the_keyframe_of_the_wanted_layer_and_not_before() {
    let mut track = watching(Low);
    check(&mut track, &[(Low, frame(10, 0, true), Some((1_000, 50_000, 200)))]);
    track.set_target(Some(High), Leave::AtKeyframe);
    assert_eq!(track.wants_keyframe(), Some(High));
    check(
        &mut track,
        &[
            (High, frame(5_000, 3_000, false), None),
            (Low, frame(11, 3_000, false), Some((1_001, 53_000, 201))),
            (Mid, frame(800, 6_000, true), None),
            (High, frame(5_001, 6_000, true), Some((1_002, 56_000, 202))),
            (Low, frame(12, 6_000, false), None),
            (High, frame(5_002, 9_000, false), Some((1_003, 59_000, 203))),
        ],
    );
    assert_eq!(track.wants_keyframe(), None);
}

#[test]
fn a_link_that_cannot_carry_the_layer_is_relieved_at_once() {
    let mut track = watching(High);
    check(&mut track, &[(High, frame(10, 0, true), Some((1_000, 50_000, 200)))]);
    track.set_target(Some(Low), Leave::AtOnce);
    assert_eq!((track.current(), track.wants_keyframe()), (None, Some(Low)));
    check(
        &mut track,
        &[
            (High, frame(11, 3_000, false), None),
            (High, frame(12, 6_000, true), None),
            (Low, frame(70, 9_000, false), None),
            (Low, frame(71, 12_000, true), Some((1_001, 62_000, 201))),
        ],
    );
}

#[test]
fn a_paused_slot_goes_on_without_a_hole_but_with_its_time() {
    let mut track = watching(High);
    check(&mut track, &[(High, frame(10, 0, true), Some((1_000, 50_000, 200)))]);
    track.set_target(None, Leave::AtKeyframe);
    check(&mut track, &[(High, frame(11, 3_000, false), None), (High, frame(12, 6_000, true), None)]);
    track.set_target(Some(High), Leave::AtKeyframe);
    check(
        &mut track,
        &[
            (High, frame(10, 0, true), None),
            (High, frame(13, 9_000, false), None),
            (High, frame(90, 900_000, true), Some((1_001, 950_000, 201))),
            (High, frame(89, 897_000, false), None),
            (High, frame(91, 903_000, false), Some((1_002, 953_000, 202))),
        ],
    );
}

#[test]
fn back_to_the_same_layer_before_the_switch_costs_nothing() {
    let mut track = watching(High);
    check(&mut track, &[(High, frame(10, 0, true), Some((1_000, 50_000, 200)))]);
    track.set_target(Some(Low), Leave::AtKeyframe);
    track.set_target(Some(High), Leave::AtOnce);
    assert_eq!(track.wants_keyframe(), None);
    check(&mut track, &[(High, frame(11, 3_000, false), Some((1_001, 53_000, 201)))]);
}

/// Clocks of two layers whose RTP timestamps are 1,000,000 apart.
fn clocks_of_low_and_high() -> Layers {
    let mut layers = Layers::default();
    let ntp = NtpTime(77 << 32);
    let reading = |rtp, ntp| ClockReading { generation: 1, ntp, rtp, arrival: Timestamp::ZERO };
    layers.on_sender_report(Low, reading(90_000, ntp));
    layers.on_sender_report(High, reading(1_090_000 + 45_000, ntp.plus(Duration::from_millis(500))));
    layers
}

#[test]
fn layers_with_different_clocks_stay_on_one_timeline() {
    let layers = clocks_of_low_and_high();
    let mut track = watching(Low);
    let plan = |track: &mut DownTrack, layer, packet: StoredPacket| {
        track.plan(layer, &packet, &layers).map(|out| out.timestamp)
    };
    assert_eq!(plan(&mut track, Low, frame(10, 90_000, true)), Some(50_000));
    track.set_target(Some(High), Leave::AtKeyframe);
    // The high layer's packet arrives 25 ms late; only its own clock says which moment it shows.
    let high = |ext_seq, timestamp: u32, keyframe| {
        let packet = frame(ext_seq, timestamp, keyframe);
        later(packet, 1, u64::from(timestamp - 1_000_000) / 90 + 25)
    };
    assert_eq!(plan(&mut track, High, high(500, 1_096_000, true)), Some(56_000));
    assert_eq!(plan(&mut track, High, high(501, 1_099_000, false)), Some(59_000));
}

#[test]
fn the_same_moment_in_two_layers_stays_within_a_millisecond_however_often_it_switches() {
    let layers = clocks_of_low_and_high();
    let mut track = watching(Low);
    track.plan(Low, &frame(0, 90_000, true), &layers).unwrap();
    let mut last = 50_000;
    for step in 1..200u32 {
        let (layer, base) = if step % 2 == 1 { (High, 1_090_000) } else { (Low, 90_000) };
        track.set_target(Some(layer), Leave::AtKeyframe);
        // The same picture again, first as the old layer's last frame, then as the new layer's keyframe.
        let moment = (step / 2) * 3_000;
        let packet = later(frame(u64::from(step), base + moment, true), 1, 1_000 + u64::from(moment) / 90);
        let timestamp = track.plan(layer, &packet, &layers).unwrap().timestamp;
        assert!(timestamp > last, "step {step}: time stands still");
        assert!(timestamp - (50_000 + moment) <= 90, "step {step}: {} late", timestamp - 50_000 - moment);
        last = timestamp;
    }
}

#[test]
fn a_broken_publisher_clock_is_not_believed() {
    let mut layers = clocks_of_low_and_high();
    let wild = ClockReading { generation: 1, ntp: NtpTime(9_999 << 32), rtp: 5, arrival: Timestamp::ZERO };
    layers.on_sender_report(High, wild);
    let mut track = watching(Low);
    track.plan(Low, &frame(10, 90_000, true), &layers).unwrap();
    track.set_target(Some(High), Leave::AtKeyframe);
    let packet = later(frame(500, 7_000_000, true), 1, 1_033);
    assert_eq!(track.plan(High, &packet, &layers).unwrap().timestamp, 50_000 + 33 * 90);
}

#[test]
fn a_publisher_that_restarts_goes_on_in_the_same_stream() {
    let mut track = watching(High);
    check(&mut track, &[(High, frame(10, 0, true), Some((1_000, 50_000, 200)))]);
    let restarted = |ext_seq, keyframe, ms| later(frame(ext_seq, 4_000_000_000, keyframe), 2, ms);
    check(
        &mut track,
        &[
            (High, restarted(40_000, false, 2_000), None),
            (High, frame(11, 3_000, false), None),
            (High, restarted(40_001, true, 2_100), Some((1_001, 50_000 + 2_100 * 90, 201))),
            (High, frame(12, 6_000, true), None),
            (High, restarted(40_002, false, 2_133), Some((1_002, 50_000 + 2_100 * 90, 202))),
        ],
    );
}

#[test]
fn a_publisher_that_restarts_asks_for_a_keyframe_as_soon_as_it_is_heard() {
    let mut track = watching(High);
    check(&mut track, &[(High, frame(10, 0, true), Some((1_000, 50_000, 200)))]);
    check(&mut track, &[(High, later(frame(1, 0, false), 2, 10), None)]);
    assert_eq!(track.wants_keyframe(), Some(High));
}

#[test]
fn another_codec_after_a_restart_takes_over_at_its_keyframe() {
    let mut track = watching(High);
    check(&mut track, &[(High, frame(10, 0, true), Some((1_000, 50_000, 200)))]);
    let payload = Bytes::from_static(&[0x67, 1, 2]);
    let sps = StoredPacket {
        frame: FrameInfo::read(Codec::H264, &payload),
        payload,
        ..later(frame(77, 1, false), 2, 33)
    };
    let outgoing = track.plan(High, &sps, &Layers::default()).unwrap();
    assert_eq!((outgoing.codec, outgoing.sequence, outgoing.starts_layer), (Codec::H264, 1_001, true));
    assert_eq!(outgoing.timestamp, 50_000 + 33 * 90);
}

#[test]
fn too_large_a_hole_is_not_waited_for() {
    let mut track = watching(High);
    check(
        &mut track,
        &[
            (High, frame(10, 0, true), Some((1_000, 50_000, 200))),
            (High, frame(10 + 513, 3_000, false), None),
        ],
    );
    assert_eq!(track.wants_keyframe(), Some(High));
    check(&mut track, &[(High, frame(10 + 514, 6_000, true), Some((1_001, 56_000, 201)))]);
}

#[test]
fn upper_temporal_layers_are_dropped_without_a_trace() {
    let mut track = watching(High);
    track.set_max_temporal(0);
    check(
        &mut track,
        &[
            (High, vp8_packet(10, 0, 5, 0, false, true), Some((1_000, 50_000, 200))),
            (High, vp8_packet(11, 3_000, 6, 2, true, false), None),
            (High, tail(vp8_packet(12, 3_000, 6, 2, true, false)), None),
            (High, vp8_packet(13, 6_000, 7, 1, true, false), None),
            (High, vp8_packet(14, 9_000, 8, 0, false, false), Some((1_001, 59_000, 201))),
            (High, vp8_packet(15, 12_000, 9, 2, false, false), None),
            (High, vp8_packet(16, 15_000, 10, 0, false, false), Some((1_002, 65_000, 202))),
        ],
    );
}

#[test]
fn a_frame_to_be_dropped_that_comes_late_fills_its_place_with_padding() {
    let mut track = watching(High);
    track.set_max_temporal(0);
    check(
        &mut track,
        &[
            (High, vp8_packet(10, 0, 5, 0, false, true), Some((1_000, 50_000, 200))),
            (High, vp8_packet(12, 6_000, 7, 0, false, false), Some((1_002, 56_000, 202))),
        ],
    );
    let filler = track.plan(High, &vp8_packet(11, 3_000, 6, 1, false, false), &Layers::default()).unwrap();
    assert_eq!((filler.sequence, filler.filler), (1_001, true));
}

#[test]
fn a_packet_dropped_behind_a_hole_leaves_the_hole_to_its_owner() {
    let mut track = watching(High);
    track.set_max_temporal(0);
    check(
        &mut track,
        &[
            (High, vp8_packet(10, 0, 5, 0, false, true), Some((1_000, 50_000, 200))),
            (High, vp8_packet(12, 3_000, 6, 1, false, false), None),
            (High, vp8_packet(14, 6_000, 7, 1, false, false), None),
            (High, vp8_packet(15, 9_000, 8, 0, false, false), Some((1_003, 59_000, 201))),
            (High, vp8_packet(11, 0, 5, 0, false, false), Some((1_001, 50_000, 200))),
        ],
    );
    let filler = track.plan(High, &vp8_packet(13, 3_000, 6, 1, false, false), &Layers::default()).unwrap();
    assert_eq!((filler.sequence, filler.filler), (1_002, true));
    assert_eq!(track.plan(High, &vp8_packet(12, 3_000, 6, 1, false, false), &Layers::default()), None);
}

#[test]
fn a_packet_lost_inside_a_dropped_frame_leaves_no_hole() {
    let mut track = watching(High);
    track.set_max_temporal(0);
    check(
        &mut track,
        &[
            (High, vp8_packet(10, 0, 5, 0, false, true), Some((1_000, 50_000, 200))),
            (High, vp8_packet(11, 3_000, 6, 1, false, false), None),
            (High, tail(vp8_packet(13, 3_000, 6, 1, false, false)), None),
            (High, vp8_packet(14, 6_000, 7, 0, false, false), Some((1_001, 56_000, 201))),
            (High, tail(vp8_packet(12, 3_000, 6, 1, false, false)), None),
        ],
    );
}

#[test]
fn a_frame_that_comes_late_after_a_pause_keeps_its_ids_to_itself() {
    let mut track = watching(High);
    track.set_max_temporal(0);
    check(
        &mut track,
        &[
            (High, vp8_packet(10, 0, 5, 0, false, true), Some((1_000, 50_000, 200))),
            (High, vp8_packet(11, 3_000, 6, 1, false, false), None),
            (High, vp8_packet(13, 9_000, 8, 1, false, false), None),
        ],
    );
    track.set_target(None, Leave::AtOnce);
    track.set_target(Some(High), Leave::AtOnce);
    check(
        &mut track,
        &[
            (High, vp8_packet(14, 12_000, 9, 0, false, true), Some((1_002, 62_000, 202))),
            (High, vp8_packet(12, 6_000, 7, 0, false, false), Some((1_001, 56_000, 201))),
        ],
    );
}

#[test]
fn more_frames_come_back_at_a_sync_point() {
    let mut track = watching(High);
    track.set_max_temporal(0);
    check(&mut track, &[(High, vp8_packet(10, 0, 5, 0, false, true), Some((1_000, 50_000, 200)))]);
    track.set_max_temporal(3);
    check(
        &mut track,
        &[
            (High, vp8_packet(11, 3_000, 6, 1, false, false), None),
            (High, vp8_packet(12, 6_000, 7, 0, false, false), Some((1_001, 56_000, 201))),
            (High, vp8_packet(13, 9_000, 8, 1, true, false), Some((1_002, 59_000, 202))),
            (High, vp8_packet(14, 9_000, 9, 2, false, false), None),
            (High, vp8_packet(15, 12_000, 10, 2, true, false), Some((1_003, 62_000, 203))),
        ],
    );
    track.set_max_temporal(1);
    check(
        &mut track,
        &[
            (High, tail(vp8_packet(16, 12_000, 10, 2, true, false)), Some((1_004, 62_000, 203))),
            (High, vp8_packet(17, 15_000, 11, 2, false, false), None),
            (High, vp8_packet(18, 18_000, 12, 1, false, false), Some((1_005, 68_000, 204))),
        ],
    );
}

#[test]
fn a_resent_packet_has_the_numbers_it_had() {
    let mut track = watching(Low);
    let mut sent = Vec::new();
    let low = |n: u64| frame(10 + n, n as u32 * 3_000, n == 0);
    let high = |n: u64| frame(700 + n, n as u32 * 3_000, n == 5);
    for n in 0..5 {
        sent.push((low(n), track.plan(Low, &low(n), &Layers::default()).unwrap()));
    }
    track.set_target(Some(High), Leave::AtKeyframe);
    for n in 5..10 {
        sent.push((high(n), track.plan(High, &high(n), &Layers::default()).unwrap()));
    }
    for (stored, outgoing) in &sent {
        let resend = track.resend(outgoing.sequence as u16, Timestamp::from_millis(400), RTT).unwrap();
        assert_eq!((resend.layer, resend.ext_seq), (outgoing.layer, stored.ext_seq));
        let again = resend.outgoing(stored).unwrap();
        assert_eq!(again, Outgoing { starts_layer: false, ..*outgoing });
    }
}

#[test]
fn nothing_is_resent_that_was_never_numbered_or_is_another_packet_now() {
    let mut track = watching(High);
    let now = Timestamp::from_millis(10);
    assert_eq!(track.resend(1_000, now, RTT), Err(ResendRefusal::Unknown));
    let stored = frame(10, 0, true);
    track.plan(High, &stored, &Layers::default()).unwrap();
    for sequence in [999, 1_001, 0, u16::MAX] {
        assert_eq!(track.resend(sequence, now, RTT), Err(ResendRefusal::Unknown), "{sequence}");
    }
    let resend = track.resend(1_000, now, RTT).unwrap();
    assert_eq!(resend.outgoing(&later(stored.clone(), 2, 0)), None, "the publisher has restarted");
    let late = track.resend(1_000, Timestamp::from_millis(3_101), RTT).unwrap();
    assert_eq!(late.outgoing(&stored), None, "too old to be of use");
}

#[test]
fn a_number_is_found_again_after_the_roll_over() {
    let mut track = DownTrack::new(MediaKind::Video, StreamStart { sequence: 65_530, ..START });
    track.set_target(Some(High), Leave::AtKeyframe);
    for n in 0..20 {
        track.plan(High, &frame(n, n as u32 * 3_000, n == 0), &Layers::default()).unwrap();
    }
    let resend = |track: &mut DownTrack, seq| {
        track.resend(seq, Timestamp::from_millis(10), RTT).map(|resend| resend.ext_seq)
    };
    assert_eq!(resend(&mut track, 65_535), Ok(5));
    assert_eq!(resend(&mut track, 0), Ok(6));
    assert_eq!(resend(&mut track, 13), Ok(19));
    assert_eq!(resend(&mut track, 14), Err(ResendRefusal::Unknown));
    let last = track.plan(High, &frame(20, 60_000, false), &Layers::default()).unwrap();
    assert_eq!(last.sequence, 65_550, "the SRTP index goes on above 16 bits");
}

#[test]
fn a_voice_starts_with_any_packet_and_says_so() {
    let mut track = DownTrack::new(MediaKind::Audio, START);
    track.set_target(Some(High), Leave::AtKeyframe);
    assert_eq!(track.wants_keyframe(), None);
    let first = track.plan(High, &audio(10, 960), &Layers::default()).unwrap();
    assert_eq!((first.sequence, first.timestamp, first.marker), (1_000, 50_000, true));
    let second = track.plan(High, &audio(12, 2_880), &Layers::default()).unwrap();
    assert_eq!((second.sequence, second.timestamp, second.marker), (1_002, 51_920, false));
    let restarted = later(audio(7, 5_000_000), 2, 60 + 40);
    let third = track.plan(High, &restarted, &Layers::default()).unwrap();
    assert_eq!((third.sequence, third.timestamp, third.marker), (1_003, 51_920 + 40 * 48, true));
}

#[test]
fn a_late_joiner_gets_the_pictures_since_the_last_keyframe() {
    let mut buffer = TrackBuffer::new(64);
    let mut track = watching(High);
    assert_eq!(track.replay(&buffer, ReplayLimits::default()), None);
    for n in 0..20 {
        buffer.push(frame(n, n as u32 * 3_000, n == 0 || n == 8));
    }
    let range = track.replay(&buffer, ReplayLimits::default()).unwrap();
    let replayed: Vec<_> = buffer
        .packets(range)
        .filter_map(|packet| row(track.plan(High, packet, &Layers::default())))
        .collect();
    let expected: Vec<_> = (0..12).map(|n| (1_000 + n, 50_000 + n as u32 * 3_000, 200 + n as u16)).collect();
    assert_eq!(replayed, expected);
    assert_eq!(track.replay(&buffer, ReplayLimits::default()), None, "it has pictures now");
    check(&mut track, &[(High, frame(20, 60_000, false), Some((1_012, 86_000, 212)))]);
}

#[test]
fn a_replay_never_goes_back_behind_what_was_seen() {
    let mut buffer = TrackBuffer::new(64);
    for n in 0..20 {
        buffer.push(frame(n, n as u32 * 3_000, n == 8));
    }
    let mut track = watching(Low);
    track.plan(Low, &frame(500, 30_000, true), &Layers::default()).unwrap();
    track.set_target(Some(High), Leave::AtOnce);
    assert_eq!(track.replay(&buffer, ReplayLimits::default()), None, "the keyframe is older");
    buffer.push(frame(20, 60_000, true));
    assert_eq!(track.replay(&buffer, ReplayLimits::default()), Some(20..=20));
}

#[test]
fn a_sender_report_puts_voice_and_picture_on_the_hosts_clock() {
    let mut layers = Layers::default();
    let mut track = watching(High);
    track.plan(High, &frame(10, 7_000, true), &layers).unwrap();
    assert_eq!(track.sender_report(Timestamp::ZERO, &layers), None);
    let ntp = NtpTime(1_000 << 32);
    let clock = ClockReading { generation: 1, ntp, rtp: 16_000, arrival: Timestamp::from_millis(100) };
    layers.on_sender_report(High, clock);
    let report = track.sender_report(Timestamp::from_millis(350), &layers).unwrap();
    assert_eq!(report.ntp, ntp.plus(Duration::from_millis(250)));
    assert_eq!(report.rtp, 16_000 + 22_500 + (50_000 - 7_000));
    assert_eq!((report.packets, report.octets), (1, 8));
    layers.on_sender_report(High, ClockReading { generation: 9, ..clock });
    assert_eq!(track.sender_report(Timestamp::from_millis(350), &layers), None, "another publisher's clock");
}

#[test]
fn a_receiver_costs_little_memory() {
    assert!(size_of::<DownTrack>() <= 48, "{}", size_of::<DownTrack>());
    // A slot that carries something: the numbering pieces and two bytes for each of 1,024 packets.
    let video = size_of::<Sent>() + VIDEO_WINDOW * size_of::<u16>();
    let audio = size_of::<Sent>() + AUDIO_WINDOW * size_of::<u16>();
    assert!(video <= 3_328 && audio <= 1_536, "{video} {audio}");
    let receiver = 3 * video + 2 * audio + 5 * size_of::<DownTrack>();
    assert!(receiver <= 13_000, "all five slots: {receiver}");
    assert!(size_of::<Outgoing>() <= 24, "{}", size_of::<Outgoing>());
    assert!(size_of::<StoredPacket>() <= 88, "{}", size_of::<StoredPacket>());
    assert_eq!(size_of::<vp8::PictureIds>(), 6);
}

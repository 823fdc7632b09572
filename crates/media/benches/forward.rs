//! What forwarding one packet to one receiver costs before sealing: `DownTrack::plan`, `Outgoing::write`.
//!
//! `cargo bench -p media`. One item is one packet for one receiver; 200 receivers watch, as in a real lesson, so
//! their state does not stay in the first-level cache.

use bytes::Bytes;
use divan::{Bencher, black_box, counter::ItemsCount};
use domain::{Codec, Layer, MediaKind, Timestamp};
use media::{
    DownTrack, ExtensionBlock, FrameInfo, Layers, Leave, StoredPacket, StreamStart, TrackBuffer, WireIds,
};
use std::time::Duration;

const RECEIVERS: usize = 200;
const FRAME_PACKETS: u64 = 10;
const PAYLOAD: usize = 1_100;

fn main() {
    divan::main();
}

/// Packet `ext_seq` of a VP8 stream with ten packets a frame.
fn packet(ext_seq: u64) -> StoredPacket {
    let (frame, index) = (ext_seq / FRAME_PACKETS, ext_seq % FRAME_PACKETS);
    let [high, low] = (frame as u16 | 0x8000).to_be_bytes();
    let mut payload =
        vec![0x80 | u8::from(index == 0) << 4, 0xe0, high, low, frame as u8, 0, u8::from(frame > 0)];
    payload.resize(PAYLOAD, 0x55);
    let payload = Bytes::from(payload);
    StoredPacket {
        generation: 1,
        ext_seq,
        timestamp: frame as u32 * 3_000,
        marker: index == FRAME_PACKETS - 1,
        frame: FrameInfo::read(Codec::Vp8, &payload),
        payload,
        arrival: Timestamp::from_millis(frame * 33),
    }
}

fn receivers() -> Vec<DownTrack> {
    let mut tracks: Vec<_> =
        (0..RECEIVERS).map(|_| DownTrack::new(MediaKind::Video, StreamStart::default())).collect();
    for track in &mut tracks {
        track.set_target(Some(Layer::High), Leave::AtKeyframe);
        track.plan(Layer::High, &packet(0), &Layers::default()).expect("the stream starts with a keyframe");
    }
    tracks
}

/// Runs `work` for each receiver and each packet of one frame after another.
fn each_frame(
    bencher: Bencher<'_, '_>,
    layer: Layer,
    mut work: impl FnMut(&mut DownTrack, &StoredPacket, Layer),
) {
    let mut tracks = receivers();
    let mut next = 1;
    bencher
        .counter(ItemsCount::new(RECEIVERS * FRAME_PACKETS as usize))
        .with_inputs(|| {
            let frame: Vec<_> = (next..next + FRAME_PACKETS).map(packet).collect();
            next += FRAME_PACKETS;
            frame
        })
        .bench_local_values(|frame| {
            for track in &mut tracks {
                for packet in &frame {
                    work(track, packet, layer);
                }
            }
            frame
        });
}

#[divan::bench]
fn plan(bencher: Bencher<'_, '_>) {
    let layers = Layers::default();
    each_frame(bencher, Layer::High, |track, packet, layer| {
        black_box(track.plan(layer, packet, &layers));
    });
}

#[divan::bench]
fn plan_of_a_layer_nobody_watches(bencher: Bencher<'_, '_>) {
    let layers = Layers::default();
    each_frame(bencher, Layer::Low, |track, packet, layer| {
        black_box(track.plan(layer, packet, &layers));
    });
}

#[divan::bench]
fn plan_and_write(bencher: Bencher<'_, '_>) {
    let layers = Layers::default();
    let mut block = ExtensionBlock::new();
    assert!(block.push(3, &[0, 0]) && block.push(4, &[0, 0, 0]));
    // One arena as large as a GSO send, filled again and again.
    let mut arena = vec![0; 64 * 1_200];
    let mut at = 0;
    each_frame(bencher, Layer::High, |track, packet, layer| {
        let Some(outgoing) = track.plan(layer, packet, &layers) else { return };
        block.set(3, &(outgoing.sequence as u16).to_be_bytes());
        if arena.len() - at < 1_200 {
            at = 0;
        }
        let wire = WireIds { ssrc: 1, payload_type: 96 };
        let written = outgoing.write(packet, wire, block.bytes(), 1_129, &mut arena[at..]);
        at += black_box(written).expect("the arena has room");
    });
}

/// The floor of `plan_and_write`: the payload has to be copied once in any case.
#[divan::bench]
fn copy_alone(bencher: Bencher<'_, '_>) {
    let mut arena = vec![0; 64 * 1_200];
    let mut at = 0;
    each_frame(bencher, Layer::High, |_, packet, _| {
        if arena.len() - at < 1_200 {
            at = 0;
        }
        arena[at..at + PAYLOAD].copy_from_slice(&packet.payload);
        at += PAYLOAD + 29;
        black_box(&mut arena);
    });
}

#[divan::bench]
fn answer_a_nack(bencher: Bencher<'_, '_>) {
    let layers = Layers::default();
    let mut track = receivers().remove(0);
    let mut buffer = TrackBuffer::new(TrackBuffer::VIDEO_PACKETS);
    let mut sequence = 0;
    for n in 1..1_000 {
        let packet = packet(n);
        track.plan(Layer::High, &packet, &layers);
        buffer.push(packet);
    }
    let now = Timestamp::from_millis(3_300);
    bencher.counter(ItemsCount::new(1u32)).bench_local(|| {
        sequence = sequence % 999 + 1;
        let resend = track.resend(sequence, now, Duration::ZERO).ok()?;
        resend.outgoing(buffer.get(resend.ext_seq)?)
    });
}

//! A publisher and a receiver that send nonsense: everything is bounded, nothing panics.

use domain::{Codec, Layer, MediaKind, Timestamp};
use media::{
    ClockReading, DownTrack, Incoming, KeyframeThrottle, Layers, Leave, NtpTime, Outgoing, PlaceQuota,
    ReplayLimits, RtpHeader, StreamStart, TrackBuffer, UpTrack, UpTrackConfig, WireIds, Wrapping,
};
use proptest::prelude::*;
use std::time::Duration;

#[derive(Debug, Clone)]
enum Event {
    Packet { layer: usize, bytes: Vec<u8>, wrapping: usize, sequence_step: i16 },
    Restart { layer: usize, codec: usize },
    Clock { layer: usize, ntp: u64, rtp: u32 },
    Target { layer: Option<usize>, at_once: bool, temporal: u8 },
    Nack { sequence: u16 },
    Wait { ms: u64 },
}

fn event() -> impl Strategy<Value = Event> {
    let layer = 0usize..3;
    let bytes = prop::collection::vec(any::<u8>(), 0..40);
    // Mostly a stream that goes on, sometimes a wild jump.
    let step = prop_oneof![8 => 1i16..4, 2 => -300i16..300, 1 => any::<i16>()];
    prop_oneof![
        20 => (layer.clone(), bytes, 0usize..3, step).prop_map(|(layer, bytes, wrapping, sequence_step)| {
            Event::Packet { layer, bytes, wrapping, sequence_step }
        }),
        1 => (layer.clone(), 0usize..3).prop_map(|(layer, codec)| Event::Restart { layer, codec }),
        2 => (layer.clone(), any::<u64>(), any::<u32>()).prop_map(|(layer, ntp, rtp)| Event::Clock { layer, ntp, rtp }),
        2 => (prop::option::of(layer), any::<bool>(), any::<u8>())
            .prop_map(|(layer, at_once, temporal)| Event::Target { layer, at_once, temporal }),
        5 => any::<u16>().prop_map(|sequence| Event::Nack { sequence }),
        3 => (0u64..5_000).prop_map(|ms| Event::Wait { ms }),
    ]
}

fn new_up(codec: usize, generation: u32) -> UpTrack {
    let codec = [Codec::Vp8, Codec::H264, Codec::Opus][codec];
    UpTrack::new(UpTrackConfig { codec, generation, nack: true })
}

/// What goes on the wire must at least be RTP with the planned numbers.
fn check_written(outgoing: &Outgoing, stored: &media::StoredPacket) {
    let mut buf = [0; 512];
    let wire = WireIds { ssrc: 7, payload_type: 100 };
    let len = outgoing.write(stored, wire, &[], 0, &mut buf).expect("512 bytes are enough");
    let header = RtpHeader::parse(&buf[..len]).expect("we wrote it");
    assert_eq!((header.sequence, header.ssrc), (outgoing.sequence as u16, 7));
    header.payload(&buf[..len]).expect("we wrote it");
    outgoing.write_rtx(stored, wire, 1, &[], 300, &mut buf).expect("512 bytes are enough");
    assert!(outgoing.write(stored, wire, &[], 0, &mut buf[..11]).is_err());
}

proptest! {
    #[test]
    fn nonsense_is_taken_or_dropped_and_never_numbered_twice(events in prop::collection::vec(event(), 1..300)) {
        let mut ups = [new_up(0, 0), new_up(0, 1), new_up(0, 2)];
        let mut buffers = [(); 3].map(|()| TrackBuffer::new(64));
        let mut layers = Layers::default();
        let mut down = DownTrack::new(MediaKind::Video, StreamStart { sequence: 65_500, ..StreamStart::default() });
        let mut voice = DownTrack::new(MediaKind::Audio, StreamStart::default());
        voice.set_target(Some(Layer::High), Leave::AtKeyframe);
        let (mut generation, mut sequences, mut now) = (3, [0u16; 3], Timestamp::from_millis(1_000));
        let mut numbered = std::collections::HashSet::new();
        let (mut stored, mut asked) = (Vec::new(), Vec::new());
        for event in events {
            now += Duration::from_millis(1);
            match event {
                Event::Packet { layer, bytes, wrapping, sequence_step } => {
                    sequences[layer] = sequences[layer].wrapping_add_signed(sequence_step);
                    let timestamp = u32::from(bytes.first().copied().unwrap_or(0)) << 24 | now.as_micros() as u32;
                    let packet = Incoming {
                        sequence: sequences[layer],
                        timestamp,
                        marker: bytes.len() % 2 == 0,
                        payload: bytes.into(),
                        wrapping: [Wrapping::Plain, Wrapping::Repair, Wrapping::Red][wrapping],
                    };
                    stored.clear();
                    ups[layer].receive(now, packet, &mut stored);
                    for packet in &stored {
                        let layer = Layer::ALL[layer];
                        layers.on_packet(layer, packet);
                        buffers[layer.index()].push(packet.clone());
                        if let Some(outgoing) = down.plan(layer, packet, &layers) {
                            prop_assert!(numbered.insert(outgoing.sequence), "{} twice", outgoing.sequence);
                            check_written(&outgoing, packet);
                        }
                        if let Some(outgoing) = voice.plan(layer, packet, &layers) {
                            check_written(&outgoing, packet);
                        }
                    }
                }
                Event::Restart { layer, codec } => {
                    ups[layer] = new_up(codec, generation);
                    generation += 1;
                }
                Event::Clock { layer, ntp, rtp } => {
                    let reading: ClockReading = ups[layer].on_sender_report(now, NtpTime(ntp), rtp);
                    layers.on_sender_report(Layer::ALL[layer], reading);
                    let _ = (down.sender_report(now, &layers), voice.sender_report(now, &layers));
                }
                Event::Target { layer, at_once, temporal } => {
                    let leave = if at_once { Leave::AtOnce } else { Leave::AtKeyframe };
                    down.set_target(layer.map(|layer| Layer::ALL[layer]), leave);
                    down.set_max_temporal(temporal);
                    for buffer in &buffers {
                        let _ = down.replay(buffer, ReplayLimits::default());
                    }
                }
                Event::Nack { sequence } => {
                    if let Ok(resend) = down.resend(sequence, now, Duration::from_millis(50))
                        && let Some(packet) = buffers[resend.layer.index()].get(resend.ext_seq)
                        && let Some(outgoing) = resend.outgoing(packet)
                    {
                        prop_assert_eq!(outgoing.sequence as u16, sequence);
                        numbered.insert(outgoing.sequence);
                        check_written(&outgoing, packet);
                    }
                }
                Event::Wait { ms } => now += Duration::from_millis(ms),
            }
            asked.clear();
            for up in &mut ups {
                let before = asked.len();
                up.nacks_due(now, Duration::from_millis(50), &mut asked);
                prop_assert!(asked.len() - before <= 64);
                let _ = up.reception_report(now);
            }
        }
    }

    #[test]
    fn whatever_places_ask_the_host_is_asked_twice_a_second(
        asks in prop::collection::vec((0u64..200, 0usize..3, 0usize..4), 1..500),
    ) {
        let mut throttle = KeyframeThrottle::new(KeyframeThrottle::INTERVAL);
        let mut places = [(); 4].map(|()| PlaceQuota::default());
        let (mut now, mut sent) = (Timestamp::from_millis(1), Vec::new());
        for (passed, layer, place) in asks {
            now += Duration::from_millis(passed);
            sent.extend(throttle.poll(now).map(|_| now));
            if places[place].allow(now) {
                sent.extend(throttle.request(Layer::ALL[layer], now).map(|_| now));
            }
        }
        let apart = |pair: &[Timestamp]| pair[1].saturating_since(pair[0]) >= KeyframeThrottle::INTERVAL;
        prop_assert!(sent.windows(2).all(apart));
    }
}

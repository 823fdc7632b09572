//! What strangers and bad peers try, and what the legitimate peer notices of it: nothing.

mod support;

use domain::{Codec, Timestamp};
use proptest::prelude::*;
use std::time::Duration;
use support::{CLIENT, Dice, GOOD, Link, Pair, RELAY, endpoint, rtp, secrets};
use transport::client::OfferSpec;
use transport::{Direction, Output, PeerEvent, Received};

const STRANGER: &str = "203.0.113.66:666";

/// Everything a client puts on the wire until it is connected, in order.
fn recorded_client_datagrams() -> Vec<Vec<u8>> {
    let mut pair = Pair::new(OfferSpec::classroom(), 11);
    let mut recorded = Vec::new();
    while !pair.both_connected() {
        pair.pump_recording(&mut recorded);
        pair.run_for(Duration::from_millis(1));
    }
    recorded
}

fn client_hellos() -> Vec<Vec<u8>> {
    recorded_client_datagrams().into_iter().filter(|datagram| datagram.first() == Some(&22)).collect()
}

#[test]
fn a_strangers_client_hello_before_during_and_after_ice_changes_nothing() {
    let hellos = client_hellos();
    let mut pair = Pair::new(OfferSpec::classroom(), 12);
    let mut dice = Dice(5);
    for step in 0..200 {
        for hello in &hellos {
            assert!(!pair.inject(STRANGER, hello));
            if step == 0 {
                assert!(
                    !pair.inject(CLIENT, hello),
                    "the right address before its first check is a stranger's too"
                );
            }
        }
        pair.run_for(Duration::from_micros(dice.next() % 2_000));
    }
    pair.run_for(Duration::from_secs(1));
    assert!(pair.both_connected());
    assert!(pair.relay.drops().unvalidated >= 200);
    let (connected_at, _) = pair.relay_events[1];
    assert!(connected_at < Timestamp::from_millis(1_100), "not even slower: {connected_at:?}");
}

#[test]
fn a_hello_or_alert_forged_from_the_peers_own_address_does_not_end_a_session() {
    let hellos = client_hellos();
    let mut pair = Pair::connected_classroom();
    let alert = [21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40];
    let encrypted_alert = [21, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 99, 0, 4, 1, 2, 3, 4];
    for _ in 0..1_000 {
        for forged in hellos.iter().map(Vec::as_slice).chain([&alert[..], &encrypted_alert[..]]) {
            assert!(!pair.inject(CLIENT, forged));
        }
    }
    let sent = pair.relay_sent;
    pair.run_for(Duration::from_secs(20));
    assert!(pair.both_connected());
    assert!(
        pair.relay_sent - sent < 2_000,
        "forgeries are not answered, checks are: {}",
        pair.relay_sent - sent
    );
}

#[test]
fn a_stranger_with_every_datagram_of_the_peer_gets_no_media_and_no_dtls() {
    let mut pair = Pair::new(OfferSpec::classroom(), 13);
    let mut recorded = Vec::new();
    for _ in 0..2_000 {
        pair.pump_recording(&mut recorded);
        pair.run_for(Duration::from_millis(1));
    }
    assert!(pair.both_connected());
    for datagram in &recorded {
        assert!(!pair.inject(STRANGER, datagram));
    }
    while let Some(output) = pair.relay.poll_output() {
        assert!(
            !matches!(output, Output::Transmit { to, .. } if to == support::address(STRANGER)),
            "{output:?}"
        );
    }
    assert_eq!(pair.relay.remote(), Some(support::address(CLIENT).into()));
}

#[test]
fn what_is_sent_before_the_address_is_proved_is_less_than_three_times_what_came() {
    let mut pair = Pair::new(OfferSpec::classroom(), 14);
    let recorded = recorded_client_datagrams();
    let received: usize = recorded.iter().map(Vec::len).sum();
    for datagram in &recorded {
        pair.inject(STRANGER, datagram);
        pair.pump();
    }
    assert!(pair.relay_sent <= 3 * received, "{} bytes for {received}", pair.relay_sent);
    assert_eq!(pair.relay_sent, 0, "checks for another session are not answered at all");
}

#[test]
fn a_handshake_is_not_hurt_by_noise_from_its_own_address() {
    let mut pair = Pair::new(OfferSpec::classroom(), 15);
    let mut dice = Dice(99);
    for _ in 0..300 {
        let length = (dice.next() % 60) as usize + 14;
        let mut noise: Vec<u8> = (0..length).map(|_| dice.next() as u8).collect();
        noise[0] = [0, 22, 23, 0x80][(dice.next() % 4) as usize];
        if noise[0] == 22 {
            // Records that look like DTLS but hold no whole handshake message.
            noise[1..13].copy_from_slice(&[0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, (length - 13) as u8]);
            noise[14..17.min(length)].fill(0xFF);
        }
        pair.inject(CLIENT, &noise);
        pair.run_for(Duration::from_micros(500));
    }
    pair.run_for(Duration::from_secs(1));
    assert!(pair.both_connected(), "{:?}", pair.relay_events);
}

#[test]
fn odd_media_is_dropped_or_passed_but_never_fatal() {
    let spec = OfferSpec { sends: true, audio: 1, video: 1, codecs: vec![Codec::Vp8] };
    let mut pair = Pair::new(spec, 16);
    pair.run_for(Duration::from_secs(2));
    let mut sealer = pair.client.take_sealer().expect("connected");
    let negotiated = pair.client.negotiated().expect("answered").clone();
    let audio = negotiated.sections[0].send.expect("sends");
    let video = negotiated.sections[1].send.expect("sends");
    let mut send = |pair: &mut Pair, stream, ssrc, payload_type, index, first: u8, payload: &[u8]| {
        let mut packet = rtp(payload_type, ssrc, index, payload, sealer.tag_len());
        packet[0] = first;
        sealer.seal_rtp(stream, index, &mut packet, 12).expect("a fresh index is sealed");
        pair.inject(CLIENT, &packet)
    };
    assert!(send(&mut pair, audio.stream, audio.ssrc, 111, 1, 0x80, b"a voice"));
    assert!(
        !send(&mut pair, audio.stream, audio.ssrc, 111, 2, 0xA0, &[]),
        "padding without a byte that counts it (str0m#212)"
    );
    assert!(!send(&mut pair, audio.stream, audio.ssrc, 111, 3, 0xA0, &[0]), "padding of nothing");
    assert!(
        !send(&mut pair, audio.stream, audio.ssrc, 111, 4, 0xA0, &[9, 9, 9]),
        "padding longer than the packet"
    );
    assert!(send(&mut pair, audio.stream, audio.ssrc, 111, 5, 0xA0, &[0, 0, 3]), "padding alone is a probe");
    assert!(send(&mut pair, audio.stream, audio.ssrc, 111, 6, 0x80, &[]), "so is an empty packet");
    assert!(
        !send(&mut pair, audio.stream, audio.ssrc, 77, 7, 0x80, b"x"),
        "a payload type nobody negotiated"
    );
    assert!(
        send(&mut pair, video.stream, video.ssrc, 96, 1, 0x80, &[7; 4_000]),
        "more than 1,500 bytes (Janus#3636)"
    );
    assert!(pair.both_connected());
}

#[test]
fn a_flood_of_feedback_is_bounded_per_datagram() {
    let mut pair = Pair::connected_classroom();
    let mut compound = transport::feedback::Compound::new().receiver_report(1, &[]);
    for n in 0..60 {
        compound =
            compound.pli(1, n).fir(1, n, n as u8).nack(1, n, &(0..200).step_by(17).collect::<Vec<u16>>());
    }
    pair.client.send_rtcp(&compound.finish());
    pair.run_for(Duration::from_millis(50));
    assert!(!pair.relay_feedback.is_empty() && pair.relay_feedback.len() <= transport::feedback::MAX_ITEMS);
}

#[test]
fn a_relay_nobody_polls_does_not_grow() {
    let mut pair = Pair::connected_classroom();
    for _ in 0..10_000 {
        pair.relay.send_rtcp(&transport::feedback::Compound::new().receiver_report(1, &[]).finish());
    }
    let mut queued = 0;
    while pair.relay.poll_output().is_some() {
        queued += 1;
    }
    assert!(queued <= 256);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Anything at all, from strangers and from the peer's own address, before and after connection.
    #[test]
    fn arbitrary_datagrams_never_panic(
        datagrams in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..120), 0u8..6, any::<bool>()), 1..60), connect in any::<bool>()
    ) {
        let mut pair = if connect { Pair::connected_classroom() } else { Pair::new(OfferSpec::classroom(), 17) };
        for (mut bytes, like, own) in datagrams {
            if let (Some(first), Some(kind)) = (bytes.first_mut(), [0u8, 22, 21, 0x80, 0x90].get(usize::from(like))) {
                *first = *kind;
            }
            pair.inject(if own { CLIENT } else { STRANGER }, &bytes);
            pair.pump();
        }
        pair.run_for(Duration::from_millis(200));
    }

    /// A real handshake whose datagrams are changed on their way: it may fail, but nothing panics, and time always moves on.
    #[test]
    fn a_handshake_with_changed_datagrams_never_panics(
        seed in 0u64..1_000, changes in prop::collection::vec((0usize..12, 0usize..1_200, any::<u8>(), 0u8..3), 1..12), passive in any::<bool>()
    ) {
        let change = |offer: String| if passive { offer.replace("a=setup:actpass", "a=setup:passive") } else { offer };
        let mut pair = Pair::with(endpoint(), endpoint(), OfferSpec::classroom(), seed, change, |answer| answer);
        pair.link = Link { delay: Duration::from_millis(1), ..GOOD };
        pair.corrupt = changes;
        pair.run_for(Duration::from_secs(15));
        prop_assert!(pair.relay_events.iter().filter(|(_, event)| matches!(event, PeerEvent::Closed(_))).count() <= 1);
    }
}

#[test]
fn a_check_with_the_wrong_user_name_is_nobodys() {
    let (mut relay, _) = endpoint()
        .answer(&Pair::new(OfferSpec::classroom(), 18).offer, Direction::Play, &secrets(1), Timestamp::ZERO)
        .expect("ok");
    let mut other = Pair::new(OfferSpec::classroom(), 19);
    let mut checks = Vec::new();
    other.client.handle_timeout(other.now);
    other.pump_recording(&mut checks);
    for check in &mut checks {
        assert_eq!(transport::stun::local_ufrag_of(check), Some(other.relay.local_ufrag()));
        assert!(matches!(
            relay.handle_datagram(Timestamp::ZERO, support::address(CLIENT), check),
            Received::Nothing
        ));
    }
    assert_eq!(relay.drops().stun, checks.len() as u64);
    assert_eq!(relay.poll_output(), None);
    assert_ne!(RELAY, CLIENT);
}

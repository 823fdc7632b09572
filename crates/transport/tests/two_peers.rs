//! A relay's peer and a client, from offer to media, over good and bad links.

mod support;

use domain::{Codec, Layer, Slot, Timestamp};
use std::time::Duration;
use support::{CLIENT, GOOD, Link, Pair, RELAY, address, endpoint, epoch, new_endpoint, rtp, secrets};
use transport::client::{ClientPeer, OfferSpec};
use transport::feedback::{Compound, ReportBlock};
use transport::framing::{self, Deframer};
use transport::{
    Candidate, CloseReason, Direction, Endpoint, EndpointConfig, Feedback, Identity, Output, PeerEvent,
    PeerSecrets, Profile, Remote, RtpRole, SealError, Sealer, StreamId,
};

fn publisher() -> OfferSpec {
    OfferSpec { sends: true, audio: 1, video: 2, codecs: vec![Codec::Vp8, Codec::H264] }
}

#[test]
fn a_classroom_connects_in_five_round_trips_and_prefers_gcm() {
    let mut pair = Pair::new(OfferSpec::classroom(), 1);
    pair.run_for(Duration::from_secs(1));
    assert!(pair.both_connected());
    let events: Vec<_> = pair.relay_events.iter().map(|(_, event)| *event).collect();
    assert_eq!(events, [PeerEvent::AddressChanged { to: pair.client_address.into() }, PeerEvent::Connected]);
    let (connected_at, _) = *pair.relay_events.last().expect("it connected");
    // Check, ClientHello, cookie, flight and Finished: four and a half round trips of 20 ms until the relay may send.
    assert!(connected_at <= Timestamp::from_millis(1_000 + 90), "{connected_at:?}");
    let sealer = pair.relay.take_sealer().expect("a connected peer has a sealer");
    assert_eq!(sealer.profile(), Profile::Aes128Gcm);
    assert!(pair.relay.take_sealer().is_none(), "there is one sealer only");
}

#[test]
fn two_hundred_handshakes_survive_a_fifth_of_packets_lost() {
    let mut slowest = Duration::ZERO;
    for seed in 0..200 {
        let mut pair = Pair::new(OfferSpec::classroom(), seed);
        pair.link =
            Link { loss_per_mille: 200, delay: Duration::from_millis(60), jitter: Duration::from_millis(40) };
        pair.run_for(Duration::from_secs(12));
        assert!(pair.both_connected(), "seed {seed}: {:?} / {:?}", pair.relay_events, pair.client_events);
        let (at, _) = pair
            .client_events
            .iter()
            .find(|(_, event)| *event == PeerEvent::Connected)
            .expect("it connected");
        slowest = slowest.max(at.saturating_since(Timestamp::from_millis(1_000)));
    }
    assert!(slowest < Duration::from_secs(10), "{slowest:?}");
}

#[test]
fn media_sealed_by_one_side_is_opened_by_the_other_and_sorted_by_slot() {
    let mut pair = Pair::connected_classroom();
    let mut sealer = pair.relay.take_sealer().expect("a connected peer has a sealer");
    for slot in Slot::ALL {
        let section = pair.relay.negotiated().section(slot).expect("a classroom takes every slot").clone();
        let streams = section.send.expect("the relay plays");
        let payload_type = section.codecs[0].payload_type;
        send(&mut pair, &mut sealer, streams.stream, payload_type, streams.ssrc, 65_535, b"a picture");
        send(&mut pair, &mut sealer, streams.stream, payload_type, streams.ssrc, 65_536, b"the next");
        if let (Some(stream), Some(ssrc), Some(repair)) =
            (streams.rtx_stream, streams.rtx_ssrc, section.codecs[0].rtx_payload_type)
        {
            send(&mut pair, &mut sealer, stream, repair, ssrc, 1, b"\xFF\xFFa picture");
        }
    }
    pair.run_for(Duration::from_millis(50));
    let slots = |role: fn(&RtpRole) -> bool| {
        let found = pair.client_media.iter().filter(|media| role(&media.role));
        found.map(|media| (media.slot, media.index)).collect::<Vec<_>>()
    };
    let expected: Vec<_> = Slot::ALL.into_iter().flat_map(|slot| [(slot, 65_535), (slot, 65_536)]).collect();
    assert_eq!(slots(|role| *role == RtpRole::Media), expected);
    assert_eq!(slots(|role| matches!(role, RtpRole::Repair { repairs: Some(_), payload_type: 96 })).len(), 3);
}

fn send(
    pair: &mut Pair,
    sealer: &mut Sealer,
    stream: transport::StreamIndex,
    payload_type: u8,
    ssrc: u32,
    index: u64,
    payload: &[u8],
) {
    let mut packet = rtp(payload_type, ssrc, index, payload, sealer.tag_len());
    sealer.seal_rtp(stream, index, &mut packet, 12).expect("a fresh index is sealed");
    pair.fly(false, packet);
}

#[test]
fn a_publisher_without_mid_extension_or_announced_ssrcs_is_sorted_by_payload_type() {
    let strip = |offer: String| {
        offer.lines().filter(|line| !line.contains("extmap")).flat_map(|line| [line, "\r\n"]).collect()
    };
    let spec = OfferSpec { sends: true, audio: 1, video: 1, codecs: vec![Codec::H264] };
    let mut pair = Pair::with(endpoint(), endpoint(), spec, 3, strip, |answer| answer);
    pair.run_for(Duration::from_secs(2));
    let mut sealer = pair.client.take_sealer().expect("connected");
    let negotiated = pair.client.negotiated().expect("answered").clone();
    for section in &negotiated.sections {
        let streams = section.send.expect("a publisher sends");
        let mut packet = rtp(section.codecs[0].payload_type, streams.ssrc, 5, b"media", sealer.tag_len());
        sealer.seal_rtp(streams.stream, 5, &mut packet, 12).expect("a fresh index is sealed");
        pair.fly(true, packet);
    }
    pair.run_for(Duration::from_millis(50));
    let found: Vec<_> =
        pair.relay_media.iter().map(|media| (media.slot, media.layer, media.payload.as_slice())).collect();
    assert_eq!(
        found,
        [(Slot::ProgramAudio, Layer::High, &b"media"[..]), (Slot::ProgramVideo, Layer::High, b"media")]
    );
}

#[test]
fn reports_and_keyframe_requests_cross_both_ways() {
    let mut pair = Pair::connected_classroom();
    let block = ReportBlock { reporter: 1, ssrc: 9, fraction_lost: 7, ..ReportBlock::default() };
    pair.client.send_rtcp(&Compound::new().receiver_report(1, &[block]).pli(1, 9).finish());
    pair.relay.send_rtcp(&Compound::new().receiver_report(2, &[]).nack(2, 8, &[3]).finish());
    pair.run_for(Duration::from_millis(50));
    assert_eq!(pair.relay_feedback, [Feedback::ReceiverReport(block), Feedback::Pli { ssrc: 9 }]);
    assert_eq!(pair.client_feedback, [Feedback::Nack { ssrc: 8, sequences: vec![3] }]);
}

#[test]
fn an_encoder_that_waits_for_our_client_hello_gets_one() {
    let passive = |offer: String| offer.replace("a=setup:actpass", "a=setup:passive");
    let mut pair = Pair::with(endpoint(), endpoint(), publisher(), 4, passive, |answer| answer);
    assert!(pair.answer.contains("a=setup:active"));
    pair.run_for(Duration::from_secs(2));
    assert!(pair.both_connected(), "{:?} {:?}", pair.relay_events, pair.client_events);
    let mut sealer = pair.client.take_sealer().expect("connected");
    let section = pair.client.negotiated().expect("answered").sections[0].clone();
    let streams = section.send.expect("a publisher sends");
    let mut packet = rtp(111, streams.ssrc, 5, b"a voice", sealer.tag_len());
    sealer.seal_rtp(streams.stream, 5, &mut packet, 12).expect("a fresh index is sealed");
    pair.fly(true, packet);
    pair.run_for(Duration::from_millis(50));
    assert_eq!(pair.relay_media[0].payload, b"a voice");
}

#[test]
fn an_encoder_with_an_rsa_certificate_is_as_welcome_in_both_dtls_roles() {
    let identity = transport::Identity::from_pem(include_str!("fixtures/rsa-identity.pem"))
        .expect("an RSA key and certificate");
    let encoder = support::with_identity(identity);
    for set_up in ["active", "passive"] {
        let fixed = |offer: String| offer.replace("a=setup:actpass", &format!("a=setup:{set_up}"));
        let mut pair = Pair::with(endpoint(), &encoder, publisher(), 20, fixed, |answer| answer);
        pair.run_for(Duration::from_secs(2));
        assert!(pair.both_connected(), "{set_up}: {:?} {:?}", pair.relay_events, pair.client_events);
    }
}

#[test]
fn a_certificate_that_is_not_the_announced_one_ends_the_session_before_any_key() {
    let other = new_endpoint();
    let lie = |offer: String| {
        let honest = offer
            .lines()
            .find(|line| line.starts_with("a=fingerprint"))
            .expect("an offer has one")
            .to_owned();
        offer.replace(&honest, "a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF")
    };
    let mut pair = Pair::with(endpoint(), &other, OfferSpec::classroom(), 5, lie, |answer| answer);
    pair.run_for(Duration::from_secs(2));
    assert!(
        pair.relay_events
            .iter()
            .any(|(_, event)| *event == PeerEvent::Closed(CloseReason::FingerprintMismatch))
    );
    assert!(!pair.relay.is_connected());
    assert!(pair.relay.take_sealer().is_none());
    let mut pair = Pair::with(endpoint(), &other, OfferSpec::classroom(), 5, |offer| offer, lie);
    pair.run_for(Duration::from_secs(2));
    assert!(
        pair.client_events
            .iter()
            .any(|(_, event)| *event == PeerEvent::Closed(CloseReason::FingerprintMismatch))
    );
}

#[test]
fn an_index_is_never_sealed_twice_and_a_stream_keeps_to_its_ssrc() {
    let mut pair = Pair::connected_classroom();
    let mut sealer = pair.relay.take_sealer().expect("connected");
    let streams =
        pair.relay.negotiated().section(Slot::ProgramVideo).and_then(|section| section.send).expect("played");
    let packet = |index: u64| rtp(96, streams.ssrc, index, b"media", 16);
    assert_eq!(sealer.seal_rtp(streams.stream, 3_000, &mut packet(3_000), 12), Ok(()));
    assert_eq!(sealer.seal_rtp(streams.stream, 3_000, &mut packet(3_000), 12), Err(SealError::Reused(3_000)));
    assert_eq!(
        sealer.seal_rtp(streams.stream, 3_000 - 1_024, &mut packet(3_000 - 1_024), 12),
        Err(SealError::TooOld(1_976))
    );
    let mixed_up = sealer.seal_rtp(streams.rtx_stream.expect("repaired"), 3_001, &mut packet(3_001), 12);
    assert!(matches!(mixed_up, Err(SealError::Mismatch { .. })));
    let misnumbered = sealer.seal_rtp(streams.stream, 3_002, &mut packet(3_003), 12);
    assert!(matches!(misnumbered, Err(SealError::Mismatch { .. })));
    let cut = sealer.seal_rtp(streams.stream, 3_004, &mut packet(3_004)[..20], 12);
    assert!(matches!(cut, Err(SealError::Mismatch { .. })));
    assert_eq!(
        sealer.seal_rtp(streams.stream, 1 << 48, &mut packet(0), 12),
        Err(SealError::IndexTooLarge(1 << 48))
    );
}

#[test]
fn a_replayed_or_changed_packet_is_dropped() {
    let mut pair = Pair::with(endpoint(), endpoint(), publisher(), 6, |offer| offer, |answer| answer);
    pair.run_for(Duration::from_secs(2));
    let mut sealer = pair.client.take_sealer().expect("connected");
    let streams = pair.client.negotiated().expect("answered").sections[0].send.expect("sends");
    let mut packet = rtp(111, streams.ssrc, 5, b"a voice", sealer.tag_len());
    sealer.seal_rtp(streams.stream, 5, &mut packet, 12).expect("a fresh index is sealed");
    let mut changed = packet.clone();
    changed[14] ^= 1;
    assert!(!pair.inject(support::CLIENT, &changed));
    assert!(pair.inject(support::CLIENT, &packet));
    assert!(!pair.inject(support::CLIENT, &packet), "a replay");
    assert_eq!(pair.relay.drops().srtp, 2);
}

#[test]
fn a_peer_that_falls_silent_is_given_up_after_thirty_seconds() {
    let mut pair = Pair::connected_classroom();
    pair.run_for(Duration::from_mins(2));
    assert!(pair.both_connected(), "consent is refreshed");
    pair.link = Link { loss_per_mille: 1000, ..GOOD };
    pair.run_for(Duration::from_secs(24));
    assert!(pair.both_connected(), "an outage of 20 s is survived");
    pair.run_for(Duration::from_secs(12));
    assert!(
        pair.relay_events.iter().any(|(_, event)| *event == PeerEvent::Closed(CloseReason::ConsentExpired))
    );
    assert!(
        pair.client_events.iter().any(|(_, event)| *event == PeerEvent::Closed(CloseReason::ConsentExpired))
    );
    assert_eq!(pair.relay.poll_timeout(), None);
}

#[test]
fn a_peer_that_never_comes_is_given_up() {
    let mut pair = Pair::new(OfferSpec::classroom(), 8);
    pair.link = Link { loss_per_mille: 1000, ..GOOD };
    pair.run_for(Duration::from_secs(31));
    assert_eq!(
        pair.relay_events,
        [(Timestamp::from_millis(31_000), PeerEvent::Closed(CloseReason::IceTimeout))]
    );
    assert_eq!(pair.relay_sent, 0, "nothing was ever sent to anybody");
}

#[test]
fn goodbyes_are_heard() {
    let mut pair = Pair::connected_classroom();
    pair.client.close(pair.now);
    pair.run_for(Duration::from_secs(1));
    assert!(
        pair.relay_events.iter().any(|(_, event)| *event == PeerEvent::Closed(CloseReason::Remote)),
        "{:?}",
        pair.relay_events
    );
    let mut pair = Pair::connected_classroom();
    pair.relay.close(pair.now);
    pair.run_for(Duration::from_secs(1));
    assert!(
        pair.client_events.iter().any(|(_, event)| *event == PeerEvent::Closed(CloseReason::Remote)),
        "{:?}",
        pair.client_events
    );
}

#[test]
fn a_classroom_whose_address_changes_keeps_its_session() {
    let mut pair = Pair::connected_classroom();
    pair.client_address = address("203.0.113.9:6000");
    pair.run_for(Duration::from_secs(10));
    assert_eq!(pair.relay.remote(), Some(pair.client_address.into()));
    assert!(pair.both_connected());
    let mut sealer = pair.relay.take_sealer().expect("connected");
    let streams =
        pair.relay.negotiated().section(Slot::ProgramAudio).and_then(|section| section.send).expect("played");
    send(&mut pair, &mut sealer, streams.stream, 111, streams.ssrc, 9, b"a voice");
    pair.run_for(Duration::from_millis(50));
    assert_eq!(pair.client_media.len(), 1);
}

#[test]
fn an_ice_restart_gets_new_credentials_and_candidates_alone_get_nothing() {
    let mut pair = Pair::connected_classroom();
    let before = pair.relay.local_ufrag().to_owned();
    let trickle =
        "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\na=candidate:1 1 udp 1 198.51.100.7 50000 typ host\r\n";
    assert_eq!(pair.relay.handle_fragment(trickle, &secrets(99)), Ok(None));
    let restart = "a=ice-ufrag:newone\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n";
    let answer = pair
        .relay
        .handle_fragment(restart, &secrets(99))
        .expect("it can be read")
        .expect("a restart is answered");
    assert!(answer.contains("a=candidate:1 1 udp") && answer.contains("a=mid:0"), "{answer}");
    assert_ne!(pair.relay.local_ufrag(), before);
    assert!(answer.contains(&format!("a=ice-ufrag:{}", pair.relay.local_ufrag())));
    assert_eq!(pair.relay.previous_ufrag(), Some(before.as_str()));
    assert_eq!(
        pair.relay.handle_fragment(restart, &secrets(100)),
        Ok(Some(answer)),
        "the same restart twice is one restart: the answer may have been lost"
    );
    pair.run_for(Duration::from_secs(10));
    assert!(pair.both_connected(), "checks with the old credentials keep it alive meanwhile");
}

#[test]
fn nothing_is_sent_to_anybody_before_a_right_check() {
    let mut pair = Pair::new(OfferSpec::classroom(), 9);
    pair.client.handle_timeout(pair.now);
    let mut check = None;
    while let Some(output) = pair.client.poll_output() {
        if let Output::Transmit { bytes, .. } = output {
            check = Some(bytes);
        }
    }
    let check = check.expect("the client checks at once");
    pair.inject("203.0.113.1:1", &check);
    let mut answered = 0;
    while let Some(output) = pair.relay.poll_output() {
        if let Output::Transmit { bytes, .. } = output {
            answered += bytes.len();
        }
    }
    assert!(answered <= 3 * check.len(), "{answered} bytes for {}", check.len());
}

#[test]
fn a_relay_with_two_addresses_is_reached_at_once() {
    // Loopback and Ethernet of one machine, say: our checks leave each from another address of ours.
    let candidates = [address("127.0.0.1:4433"), address(RELAY)];
    let roads = [(candidates[0], address("127.0.0.1:50000")), (candidates[1], address(CLIENT))];
    let identity = Identity::generate().expect("ring makes a certificate");
    let announced = candidates.iter().copied().map(Into::into).collect();
    let two_homed = Endpoint::new(EndpointConfig { identity, candidates: announced, epoch: epoch() });
    let two_homed = two_homed.expect("rtc-dtls takes its own certificate");
    let mut now = Timestamp::from_millis(1_000);
    let (mut client, offer) =
        ClientPeer::new(endpoint(), OfferSpec::classroom(), PeerSecrets::from_seed([1; 32]));
    let answer = two_homed.answer(&offer, Direction::Play, &PeerSecrets::from_seed([2; 32]), now);
    let (mut relay, answer) = answer.expect("it is answered");
    client.accept_answer(now, &answer).expect("it is taken");
    for _ in 0..500 {
        now += Duration::from_millis(1);
        if client.poll_timeout().is_some_and(|at| at <= now) {
            client.handle_timeout(now);
        }
        while let Some(output) = client.poll_output() {
            if let Output::Transmit { to, mut bytes, .. } = output {
                let road = roads.iter().find(|(relay, _)| to == *relay).expect("a candidate");
                relay.handle_datagram(now, road.1, &mut bytes);
            }
        }
        while let Some(output) = relay.poll_output() {
            if let Output::Transmit { to, mut bytes, .. } = output {
                let road = roads.iter().find(|(_, client)| to == *client).expect("an address it has seen");
                client.handle_datagram(now, road.0, &mut bytes);
            }
        }
    }
    assert!(relay.is_connected() && client.is_connected(), "not connected within half a second");
}

#[test]
fn where_datagrams_are_blocked_the_same_session_goes_over_a_tcp_connection() {
    let (udp, tcp) = (address(RELAY), address("192.0.2.10:443"));
    let identity = Identity::generate().expect("ring makes a certificate");
    let candidates = vec![udp.into(), Candidate::tcp(tcp)];
    let relay_endpoint = Endpoint::new(EndpointConfig { identity, candidates, epoch: epoch() });
    let relay_endpoint = relay_endpoint.expect("rtc-dtls takes its own certificate");
    let mut now = Timestamp::from_millis(1_000);
    let (mut client, offer) = ClientPeer::new(endpoint(), OfferSpec::classroom(), secrets(1));
    let answer = relay_endpoint.answer(&offer, Direction::Play, &secrets(2), now);
    let (mut relay, answer) = answer.expect("it is answered");
    assert!(answer.contains("a=candidate:2 1 tcp "), "{answer}");
    assert!(answer.contains(" 192.0.2.10 443 typ host tcptype passive\r\n"), "{answer}");
    client.accept_answer_over_tcp(now, &answer).expect("it has a TCP candidate");
    let dialled = Remote::stream(tcp, StreamId(0));
    let accepted = Remote::stream(address(CLIENT), StreamId(77));
    let (mut up, mut down) = (Deframer::new(2_048), Deframer::new(2_048));
    for _ in 0..100 {
        now += Duration::from_millis(1);
        if client.poll_timeout().is_some_and(|at| at <= now) {
            client.handle_timeout(now);
        }
        for (from_client, deframer) in [(true, &mut up), (false, &mut down)] {
            let outputs =
                std::iter::from_fn(|| if from_client { client.poll_output() } else { relay.poll_output() });
            for output in outputs.collect::<Vec<_>>() {
                if let Output::Transmit { to, bytes } = output {
                    assert_eq!(to, if from_client { dialled } else { accepted }, "nothing leaves by UDP");
                    deframer.push(&framing::header(bytes.len()).expect("short"));
                    deframer.push(&bytes);
                }
            }
            while let Some(datagram) = deframer.next_frame().expect("none is too long") {
                if from_client {
                    relay.handle_datagram(now, accepted, datagram);
                } else {
                    client.handle_datagram(now, dialled, datagram);
                }
            }
        }
    }
    assert!(relay.is_connected() && client.is_connected(), "not connected within a tenth of a second");
    let refused = relay.drops().unvalidated;
    relay.handle_datagram(now, Remote::stream(address(CLIENT), StreamId(78)), &mut [0x80, 96, 0, 1]);
    assert_eq!(
        relay.drops().unvalidated,
        refused + 1,
        "another connection from that address has proven nothing"
    );
}

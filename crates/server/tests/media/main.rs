//! Real media workers on the loopback interface, with peers that speak ICE, DTLS and SRTP.

mod support;

use domain::{Codec, Slot};
use server::media::{CloseReason, MediaError, MediaEvent, OwnerId, PeerRole, PublishSpec};
use std::time::Duration;
use support::{Client, HOST, Host, LESSON, Relay};
use transport::{Feedback, feedback::Compound};

const SOON: Duration = Duration::from_secs(5);

/// Plays `pictures` pictures of five packets and a voice packet each, 10 ms apart.
fn teach(relay: &mut Relay, host: &mut Host, viewers: &mut [Client], pictures: usize) {
    for picture in 0..pictures {
        host.picture(picture == 0, 5, 900);
        host.voice();
        let mut everybody: Vec<&mut Client> = viewers.iter_mut().chain([&mut host.client]).collect();
        relay.run(Duration::from_millis(10), &mut everybody, |_, _| false);
    }
}

fn connect(relay: &mut Relay, host: &mut Host, viewers: &mut [Client]) {
    let mut everybody: Vec<&mut Client> = viewers.iter_mut().chain([&mut host.client]).collect();
    relay.connect(&mut everybody);
}

fn settle(
    relay: &mut Relay,
    host: &mut Host,
    viewers: &mut [Client],
    done: impl Fn(&Client) -> bool,
) -> bool {
    let count = viewers.len();
    let mut everybody: Vec<&mut Client> = viewers.iter_mut().chain([&mut host.client]).collect();
    relay.run(SOON, &mut everybody, |clients, _| clients[..count].iter().all(|client| done(client)))
}

#[test]
fn every_classroom_gets_every_packet_once_and_in_order_on_one_worker_and_on_two() {
    for workers in [1, 2] {
        let mut relay = Relay::start(workers);
        let mut host = relay.host(HOST);
        let mut viewers: Vec<Client> = (0..6).map(|_| relay.viewer()).collect();
        connect(&mut relay, &mut host, &mut viewers);
        teach(&mut relay, &mut host, &mut viewers, 40);
        let all = settle(&mut relay, &mut host, &mut viewers, |viewer| {
            viewer.numbers(Slot::ProgramVideo).len() >= 200 && viewer.numbers(Slot::ProgramAudio).len() >= 40
        });
        for (n, viewer) in viewers.iter().enumerate() {
            let expected: Vec<u32> = (0..200).collect();
            assert_eq!(
                viewer.numbers(Slot::ProgramVideo),
                expected,
                "viewer {n} of {workers} workers, {all}"
            );
            assert_eq!(viewer.numbers(Slot::ProgramAudio), (0..40).collect::<Vec<_>>(), "viewer {n}");
            let pictures: Vec<&support::Got> =
                viewer.got.iter().filter(|got| got.slot == Slot::ProgramVideo).collect();
            assert!(pictures.windows(2).all(|pair| pair[1].sequence == pair[0].sequence + 1));
            assert!(
                pictures.windows(2).all(|pair| pair[1].timestamp.wrapping_sub(pair[0].timestamp) <= 3_600)
            );
        }
        let started = |slot, codec| MediaEvent::SlotStarted { lesson: LESSON, slot, codec };
        assert!(relay.events.contains(&started(Slot::ProgramVideo, Codec::Vp8)), "{:?}", relay.events);
        assert!(relay.events.contains(&started(Slot::ProgramAudio, Codec::Opus)));
    }
}

#[test]
fn a_packet_lost_on_the_way_to_a_classroom_is_repaired() {
    let mut relay = Relay::start(2);
    let mut host = relay.host(HOST);
    let mut viewers = vec![relay.viewer(), relay.viewer()];
    viewers[0].loses = |sequence| sequence % 10 == 3;
    connect(&mut relay, &mut host, &mut viewers);
    teach(&mut relay, &mut host, &mut viewers, 40);
    let all =
        settle(&mut relay, &mut host, &mut viewers, |viewer| viewer.numbers(Slot::ProgramVideo).len() >= 198);
    assert!(all, "{} packets came", viewers[0].numbers(Slot::ProgramVideo).len());
    let mut numbers = viewers[0].numbers(Slot::ProgramVideo);
    let last = *numbers.iter().max().expect("packets came");
    numbers.sort_unstable();
    // Nobody can miss a first packet that was lost: there is nothing before the gap.
    let first = numbers[0];
    assert!(first <= 1);
    assert_eq!(numbers, (first..=last).collect::<Vec<_>>());
    assert!(viewers[0].got.iter().filter(|got| got.repaired).count() >= 15);
    assert!(viewers[1].got.iter().all(|got| !got.repaired), "the other classroom hears nothing of it");
}

#[test]
fn lost_voice_comes_again_as_it_was() {
    let mut relay = Relay::start(1);
    let mut host = relay.host(HOST);
    let mut viewers = vec![relay.viewer()];
    viewers[0].loses = |sequence| sequence % 5 == 3;
    connect(&mut relay, &mut host, &mut viewers);
    teach(&mut relay, &mut host, &mut viewers, 60);
    settle(&mut relay, &mut host, &mut viewers, |viewer| viewer.numbers(Slot::ProgramAudio).len() >= 57);
    let mut numbers = viewers[0].numbers(Slot::ProgramAudio);
    numbers.sort_unstable();
    // Nobody can miss a first packet, or a last one.
    let missing: Vec<u32> = (1..55).filter(|number| !numbers.contains(number)).collect();
    assert!(missing.is_empty(), "{missing:?} of {numbers:?}");
    assert!(viewers[0].got.iter().any(|got| got.slot == Slot::ProgramAudio && got.repaired));
    assert_eq!(viewers[0].peer.drops().srtp, 0, "every packet was authentic and new");
}

#[test]
fn a_packet_lost_on_the_way_from_the_host_is_asked_for_again() {
    let mut relay = Relay::start(1);
    let mut host = relay.host(HOST);
    let mut viewers = vec![relay.viewer()];
    connect(&mut relay, &mut host, &mut viewers);
    teach(&mut relay, &mut host, &mut viewers, 5);
    host.lose_a_video_packet();
    teach(&mut relay, &mut host, &mut viewers, 20);
    let is_nack =
        |item: &Feedback| matches!(item, Feedback::Nack { sequences, .. } if sequences[..] == [126]);
    assert!(host.client.feedback.iter().any(is_nack), "{:?}", host.client.feedback);
    assert!(
        host.client.feedback.iter().any(|item| matches!(item, Feedback::ReceiverReport(_)))
            || viewers.len() == 1
    );
}

#[test]
fn a_late_classroom_sees_a_picture_without_asking_the_teacher() {
    let mut relay = Relay::start(2);
    let mut host = relay.host(HOST);
    let mut viewers = vec![relay.viewer()];
    connect(&mut relay, &mut host, &mut viewers);
    teach(&mut relay, &mut host, &mut viewers, 50);
    let asked =
        |host: &Host| host.client.feedback.iter().filter(|item| matches!(item, Feedback::Pli { .. })).count();
    let asked_before = asked(&host);
    let mut late: Vec<Client> = (0..4).map(|_| relay.viewer()).collect();
    connect(&mut relay, &mut host, &mut late);
    host.picture(false, 5, 900);
    let all =
        settle(&mut relay, &mut host, &mut late, |viewer| viewer.numbers(Slot::ProgramVideo).len() >= 255);
    for viewer in &late {
        assert_eq!(viewer.numbers(Slot::ProgramVideo), (0..255).collect::<Vec<_>>(), "{all}");
    }
    assert_eq!(asked(&host), asked_before, "the ring had the keyframe");
}

#[test]
fn forty_classrooms_that_need_a_keyframe_cost_the_host_two_requests_a_second() {
    let mut relay = Relay::start(2);
    let mut host = relay.host(HOST);
    let mut viewers: Vec<Client> = (0..12).map(|_| relay.viewer()).collect();
    connect(&mut relay, &mut host, &mut viewers);
    teach(&mut relay, &mut host, &mut viewers, 3);
    for _ in 0..100 {
        for viewer in &mut viewers {
            let ssrc = viewer.ssrc(Slot::ProgramVideo);
            viewer.peer.send_rtcp(&Compound::new().receiver_report(1, &[]).pli(1, ssrc).finish());
        }
        host.picture(false, 2, 500);
        let mut everybody: Vec<&mut Client> = viewers.iter_mut().chain([&mut host.client]).collect();
        relay.run(Duration::from_millis(20), &mut everybody, |_, _| false);
    }
    let asked = host.client.feedback.iter().filter(|item| matches!(item, Feedback::Pli { .. })).count();
    // Two seconds and a little: the first at once, then one each half second.
    assert!((1..=8).contains(&asked), "{asked} requests");
}

#[test]
fn a_host_that_reloads_its_page_goes_on_for_everybody_without_renegotiation() {
    let mut relay = Relay::start(2);
    let mut host = relay.host(HOST);
    let mut viewers = vec![relay.viewer(), relay.viewer()];
    connect(&mut relay, &mut host, &mut viewers);
    teach(&mut relay, &mut host, &mut viewers, 10);
    let old = host.client.id;
    let mut again = relay.host(HOST);
    again.video_number = 1_000;
    connect(&mut relay, &mut again, &mut viewers);
    teach(&mut relay, &mut again, &mut viewers, 10);
    let all = settle(&mut relay, &mut again, &mut viewers, |viewer| {
        viewer.numbers(Slot::ProgramVideo).contains(&1_049)
    });
    assert!(all, "{:?}", viewers[0].numbers(Slot::ProgramVideo));
    for viewer in &viewers {
        let pictures: Vec<&support::Got> =
            viewer.got.iter().filter(|got| got.slot == Slot::ProgramVideo).collect();
        assert!(pictures.windows(2).all(|pair| pair[1].sequence == pair[0].sequence + 1), "numbers go on");
        let steps = pictures.windows(2).map(|pair| pair[1].picture.wrapping_sub(pair[0].picture) & 0x7fff);
        assert!(steps.max().is_some_and(|step| step <= 1), "picture ids go on");
    }
    let closed = MediaEvent::PeerClosed {
        lesson: LESSON,
        peer: old,
        role: PeerRole::Publisher,
        reason: CloseReason::Replaced,
    };
    assert_eq!(relay.events.iter().filter(|event| **event == closed).count(), 1, "{:?}", relay.events);
    let stops = relay.events.iter().filter(|event| matches!(event, MediaEvent::SlotStopped { .. }));
    assert_eq!(stops.count(), 0, "no page blinks: {:?}", relay.events);
}

#[test]
fn a_classroom_whose_address_changes_keeps_its_lesson_whichever_worker_hears_it() {
    let mut relay = Relay::start(2);
    let mut host = relay.host(HOST);
    let mut viewers: Vec<Client> = (0..6).map(|_| relay.viewer()).collect();
    connect(&mut relay, &mut host, &mut viewers);
    teach(&mut relay, &mut host, &mut viewers, 5);
    for viewer in &mut viewers {
        viewer.socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        viewer.socket.set_nonblocking(true).expect("non-blocking");
        viewer.got.clear();
    }
    // A check every 2.5 s or so finds the new address; until then the lesson goes to the old one.
    for _ in 0..60 {
        teach(&mut relay, &mut host, &mut viewers, 10);
        if viewers.iter().all(|viewer| viewer.numbers(Slot::ProgramAudio).len() > 20) {
            break;
        }
    }
    for (n, viewer) in viewers.iter().enumerate() {
        assert!(viewer.numbers(Slot::ProgramAudio).len() > 20, "viewer {n} hears the lesson again");
        assert!(!viewer.closed);
    }
}

#[test]
fn another_host_is_refused_while_the_first_one_teaches() {
    let mut relay = Relay::start(1);
    let mut host = relay.host(HOST);
    connect(&mut relay, &mut host, &mut []);
    let offer = "v=0".to_owned();
    let malformed = PublishSpec { offer, first_slot: Slot::ProgramVideo, owner: HOST, guest: false };
    let refused = relay.handle.publish(LESSON, &malformed);
    assert!(matches!(refused, Err(MediaError::SdpMalformed(_))), "{refused:?}");
    assert_eq!(relay.try_host(OwnerId(9)).expect_err("refused").code(), "second_host");
}

#[test]
fn a_slot_whose_packets_stop_is_announced_as_stopped_and_starts_again_with_the_next() {
    let mut relay = Relay::start(1);
    let mut host = relay.host(HOST);
    connect(&mut relay, &mut host, &mut []);
    teach(&mut relay, &mut host, &mut [], 3);
    let stopped = MediaEvent::SlotStopped { lesson: LESSON, slot: Slot::ProgramVideo };
    let stops = relay.run(SOON, &mut [&mut host.client], |_, events| events.contains(&stopped));
    assert!(stops, "{:?}", relay.events);
    host.picture(true, 1, 500);
    let started = MediaEvent::SlotStarted { lesson: LESSON, slot: Slot::ProgramVideo, codec: Codec::Vp8 };
    let starts = relay.run(SOON, &mut [&mut host.client], |_, events| {
        events.iter().filter(|event| **event == started).count() == 2
    });
    assert!(starts, "{:?}", relay.events);
}

#[test]
fn what_a_page_does_not_show_is_not_sent() {
    let mut relay = Relay::start(1);
    let mut host = relay.host(HOST);
    let mut viewers = vec![relay.viewer()];
    connect(&mut relay, &mut host, &mut viewers);
    teach(&mut relay, &mut host, &mut viewers, 5);
    relay.handle.set_demand(viewers[0].id, Slot::ProgramVideo, None);
    teach(&mut relay, &mut host, &mut viewers, 1);
    viewers[0].got.clear();
    teach(&mut relay, &mut host, &mut viewers, 10);
    assert!(viewers[0].numbers(Slot::ProgramVideo).is_empty(), "{:?}", viewers[0].got);
    assert!(!viewers[0].numbers(Slot::ProgramAudio).is_empty());
}

#[test]
fn voice_and_picture_keep_the_hosts_clock() {
    let mut relay = Relay::start(2);
    let mut host = relay.host(HOST);
    let mut viewers = vec![relay.viewer()];
    connect(&mut relay, &mut host, &mut viewers);
    host.sender_reports();
    teach(&mut relay, &mut host, &mut viewers, 60);
    host.sender_reports();
    teach(&mut relay, &mut host, &mut viewers, 60);
    let reports = viewers[0].feedback.iter().filter(|item| matches!(item, Feedback::SenderReport(_)));
    assert!(reports.count() >= 2, "{:?}", viewers[0].feedback);
}

#[test]
fn a_server_that_stops_says_goodbye_to_everybody() {
    let mut relay = Relay::start(2);
    let mut host = relay.host(HOST);
    let mut viewers = vec![relay.viewer(), relay.viewer()];
    connect(&mut relay, &mut host, &mut viewers);
    let expected = relay.viewer();
    relay.stop();
    let all = settle(&mut relay, &mut host, &mut viewers, |viewer| viewer.closed);
    assert!(all, "every viewer heard the goodbye");
    let closed = relay
        .events
        .iter()
        .filter(|event| matches!(event, MediaEvent::PeerClosed { reason: CloseReason::Draining, .. }));
    assert_eq!(closed.count(), 4, "{:?} {:?}", expected.id, relay.events);
    assert_eq!(relay.try_host(HOST).expect_err("refused"), MediaError::Draining);
}

/// What a good neighbour hears of a lesson: the same whether a bad one sits in the next room or not.
fn heard_beside(mut disturb: impl FnMut(&mut Client, usize)) -> Vec<Vec<(Slot, u32)>> {
    let mut relay = Relay::start(2);
    let mut host = relay.host(HOST);
    let mut viewers: Vec<Client> = (0..4).map(|_| relay.viewer()).collect();
    connect(&mut relay, &mut host, &mut viewers);
    for picture in 0..60 {
        disturb(&mut viewers[0], picture);
        host.picture(picture == 0, 5, 900);
        host.voice();
        let mut everybody: Vec<&mut Client> = viewers.iter_mut().chain([&mut host.client]).collect();
        relay.run(Duration::from_millis(10), &mut everybody, |_, _| false);
    }
    let all = settle(&mut relay, &mut host, &mut viewers[1..], |viewer| {
        viewer.numbers(Slot::ProgramVideo).len() >= 300 && viewer.numbers(Slot::ProgramAudio).len() >= 60
    });
    assert!(all, "the good neighbours got everything");
    let asked = host.client.feedback.iter().filter(|item| matches!(item, Feedback::Pli { .. })).count();
    assert!(asked <= 5, "the host was asked {asked} times");
    viewers[1..].iter().map(|viewer| viewer.got.iter().map(|got| (got.slot, got.number)).collect()).collect()
}

/// The numbers of each slot in their order; how the slots interleave depends on the threads alone.
fn by_slot(heard: &[(Slot, u32)], slot: Slot) -> Vec<u32> {
    heard.iter().filter(|(of, _)| *of == slot).map(|(_, number)| *number).collect()
}

#[test]
fn a_hostile_classroom_changes_no_other_classrooms_packets() {
    let calm = heard_beside(|_, _| {});
    let stormy = heard_beside(|bad, picture| {
        let ssrc = bad.ssrc(Slot::ProgramVideo);
        for n in 0..100u16 {
            let everything: Vec<u16> = (0..200).map(|k| n.wrapping_mul(300).wrapping_add(k)).collect();
            let compound = Compound::new().receiver_report(1, &[]).pli(1, ssrc).fir(1, ssrc, n as u8);
            bad.peer.send_rtcp(&compound.nack(1, ssrc, &everything).remb(1, 0, &[ssrc]).finish());
        }
        let to = bad.peer.remote().expect("it is connected").addr;
        for length in [0usize, 1, 3, 11, 12, 40, 1200] {
            for first in [0u8, 22, 64, 128, 200, 255] {
                let mut garbage = vec![picture as u8; length];
                if let Some(byte) = garbage.first_mut() {
                    *byte = first;
                }
                bad.socket.send_to(&garbage, to).expect("loopback takes it");
            }
        }
    });
    for (calm, stormy) in calm.iter().zip(&stormy) {
        for slot in [Slot::ProgramVideo, Slot::ProgramAudio] {
            assert_eq!(by_slot(calm, slot), by_slot(stormy, slot));
        }
    }
}

#[test]
fn strangers_are_ignored() {
    let mut relay = Relay::start(1);
    let mut host = relay.host(HOST);
    let mut viewers = vec![relay.viewer()];
    connect(&mut relay, &mut host, &mut viewers);
    let stranger = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    stranger.set_read_timeout(Some(Duration::from_millis(200))).expect("a timeout");
    let check = |ufrag: &str| {
        let name = format!("{ufrag}:abcd");
        let padded = name.len().next_multiple_of(4);
        let mut bytes = vec![0, 1, 0, (padded + 4) as u8, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend_from_slice(&[9; 12]);
        bytes.extend_from_slice(&[0, 6, 0, name.len() as u8]);
        bytes.extend_from_slice(name.as_bytes());
        bytes.resize(20 + 4 + padded, 0);
        bytes
    };
    let expected = relay.viewer();
    for ufrag in [&viewers[0].answer.ufrag, &expected.answer.ufrag, "nobody"] {
        stranger.send_to(&check(ufrag), relay.handle.local_addr()).expect("loopback takes it");
        stranger.send_to(&[22, 1, 2, 3], relay.handle.local_addr()).expect("loopback takes it");
    }
    assert!(stranger.recv_from(&mut [0; 100]).is_err(), "a stranger is answered nothing");
    teach(&mut relay, &mut host, &mut viewers, 3);
    assert!(!viewers[0].numbers(Slot::ProgramVideo).is_empty());
    viewers.push(expected);
    connect(&mut relay, &mut host, &mut viewers);
}

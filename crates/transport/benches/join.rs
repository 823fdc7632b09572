//! What one classroom costs the relay: joining (SDP, ICE, DTLS, keys), then sealing and opening packets.
//! `cargo bench -p transport --bench join`

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use divan::{Bencher, black_box, counter::BytesCount};
use domain::{Slot, Timestamp};
use std::{net::SocketAddr, sync::LazyLock, time::Duration, time::Instant};
use transport::client::{ClientPeer, OfferSpec};
use transport::{
    Direction, Endpoint, EndpointConfig, Identity, Output, Peer, PeerSecrets, Received, Sealer, StreamIndex,
};

fn main() {
    report_join();
    divan::main();
}

const RELAY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 10)), 4433);
const CLIENT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 7)), 50_000);
const CHROMIUM_PLAY: &str = include_str!("../tests/fixtures/chromium-play.sdp");

fn endpoint() -> Endpoint {
    let identity = Identity::generate().expect("ring makes a certificate");
    Endpoint::new(EndpointConfig { identity, candidates: vec![RELAY.into()], epoch: Instant::now() })
        .expect("rtc-dtls takes it")
}

static RELAYS: LazyLock<Endpoint> = LazyLock::new(endpoint);
static CLIENTS: LazyLock<Endpoint> = LazyLock::new(endpoint);

fn secrets(seed: u64) -> PeerSecrets {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    PeerSecrets::from_seed(bytes)
}

/// Where the relay's time goes, without the client's.
#[derive(Default)]
struct Spent {
    sdp: Duration,
    stun: Duration,
    dtls: Duration,
}

fn connect(seed: u64, spent: &mut Spent) -> (Peer, ClientPeer) {
    let mut now = Timestamp::from_millis(1_000);
    let (mut client, offer) = ClientPeer::new(&CLIENTS, OfferSpec::classroom(), secrets(seed * 2));
    let begun = Instant::now();
    let (mut relay, answer) =
        RELAYS.answer(&offer, Direction::Play, &secrets(seed * 2 + 1), now).expect("it is answered");
    spent.sdp += begun.elapsed();
    client.accept_answer(now, &answer).expect("it is taken");
    while !(relay.is_connected() && client.is_connected()) {
        now += Duration::from_millis(1);
        if client.poll_timeout().is_some_and(|at| at <= now) {
            client.handle_timeout(now);
        }
        while let Some(output) = client.poll_output() {
            if let Output::Transmit { mut bytes, .. } = output {
                let is_stun = bytes.first().is_some_and(|&first| first < 4);
                let begun = Instant::now();
                let received = relay.handle_datagram(now, CLIENT, &mut bytes);
                assert!(matches!(received, Received::Nothing));
                *(if is_stun { &mut spent.stun } else { &mut spent.dtls }) += begun.elapsed();
            }
        }
        while let Some(output) = relay.poll_output() {
            if let Output::Transmit { mut bytes, .. } = output {
                client.handle_datagram(now, RELAY, &mut bytes);
            }
        }
    }
    (relay, client)
}

/// Prints the relay's part of a join: the median of 200, because a busy machine spoils a mean.
#[expect(clippy::print_stdout, reason = "a benchmark's result")]
fn report_join() {
    connect(0, &mut Spent::default());
    let joins: Vec<_> = (1..=200)
        .map(|seed| {
            let mut spent = Spent::default();
            connect(seed, &mut spent);
            spent
        })
        .collect();
    let median = |part: fn(&Spent) -> Duration| {
        let mut times: Vec<_> = joins.iter().map(part).collect();
        times.sort_unstable();
        times[times.len() / 2].as_micros()
    };
    let [sdp, stun, dtls] =
        [median(|spent| spent.sdp), median(|spent| spent.stun), median(|spent| spent.dtls)];
    println!("relay's part of a join, median of 200: sdp {sdp} µs, stun {stun} µs, dtls and keys {dtls} µs");
}

/// Relay and client together.
#[divan::bench]
fn join_both_sides(bencher: Bencher<'_, '_>) {
    let mut seed = 1_000;
    bencher.bench_local(|| {
        seed += 1;
        connect(seed, &mut Spent::default())
    });
}

#[divan::bench]
fn answer_chromium_with_five_slots(bencher: Bencher<'_, '_>) {
    let secrets = secrets(1);
    bencher.bench_local(|| {
        RELAYS
            .answer(black_box(CHROMIUM_PLAY), Direction::Play, &secrets, Timestamp::ZERO)
            .expect("it is answered")
    });
}

const PACKET: usize = 1_100;

fn sealer() -> (Sealer, StreamIndex, u32) {
    let (mut relay, _) = connect(5, &mut Spent::default());
    let streams = relay
        .negotiated()
        .section(Slot::ProgramVideo)
        .and_then(|section| section.send)
        .expect("it is played");
    (relay.take_sealer().expect("connected"), streams.stream, streams.ssrc)
}

fn write_header(packet: &mut [u8], index: u64, ssrc: u32) {
    packet[0] = 0x80;
    packet[1] = 96;
    packet[2..4].copy_from_slice(&(index as u16).to_be_bytes());
    packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
}

#[divan::bench]
fn seal_a_packet(bencher: Bencher<'_, '_>) {
    let (mut sealer, stream, ssrc) = sealer();
    let mut packet = vec![0; PACKET + sealer.tag_len()];
    let mut index = 0;
    bencher.counter(BytesCount::new(PACKET)).bench_local(|| {
        index += 1;
        write_header(&mut packet, index, ssrc);
        sealer.seal_rtp(stream, index, black_box(&mut packet), 12)
    });
}

#[divan::bench]
fn open_a_packet(bencher: Bencher<'_, '_>) {
    let (mut relay, mut client) = connect(6, &mut Spent::default());
    let streams = relay
        .negotiated()
        .section(Slot::ProgramVideo)
        .and_then(|section| section.send)
        .expect("it is played");
    let mut sealer = relay.take_sealer().expect("connected");
    let mut index = 0;
    bencher
        .with_inputs(|| {
            index += 1;
            let mut packet = vec![0; PACKET + sealer.tag_len()];
            write_header(&mut packet, index, streams.ssrc);
            sealer.seal_rtp(streams.stream, index, &mut packet, 12).expect("a fresh index is sealed");
            packet
        })
        .bench_local_refs(|packet| {
            matches!(client.handle_datagram(Timestamp::from_millis(2_000), RELAY, packet), Received::Rtp(_))
        });
}

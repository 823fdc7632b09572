//! The floor: what the kernel and the cipher alone cost. The same packets to the same number of sockets, sealed in place with
//! AES-128-GCM and sent with one GSO call for each frame and receiver, by a process that does nothing else.

use super::{FanoutConfig, Latency, round};
use crate::{
    batch::{Memory, Reader},
    fixture::{self, NUMBERED_FPS, ROUND},
    packetize::Packetizer,
    process::{Cores, CpuTime},
};
use anyhow::{Context, bail};
use domain::Codec;
use mio::{Events, Interest, Poll, Token, net::UdpSocket};
use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, Write},
    net::{Ipv4Addr, SocketAddr},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

const HEADER: usize = 12;
const TAG: usize = 16;
/// What one GSO call may hold.
const SEGMENTS_MAX: usize = 64;
const BYTES_MAX: usize = 65_507;
/// One in so many receivers has the time of its packets taken, as in the relay.
const LATENCY_SAMPLE: usize = 8;

/// What the sending process is told, as one line of JSON on its standard input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FloorOrder {
    /// Ports of the receivers on the loopback interface.
    ports: Vec<u16>,
    /// How long to send.
    millis: u64,
    /// Rate of the video, bits per second.
    video_bps: u64,
    /// Send the voice too.
    audio: bool,
    /// Header extensions and padding: what a packet of the relay is longer than header, payload and tag.
    extra: usize,
}

/// What the sending process answers, as one line of JSON.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct FloorReport {
    /// Packets sent.
    pub packets: u64,
    /// System calls they took.
    pub calls: u64,
    /// User CPU time, µs.
    pub user_us: u64,
    /// System CPU time, µs.
    pub sys_us: u64,
    /// From the first byte of a frame that is sealed until a receiver's have left.
    pub latency: Latency,
}

impl FloorReport {
    /// CPU time of one packet, µs.
    pub fn us_per_packet(&self) -> f64 {
        (self.user_us + self.sys_us) as f64 / self.packets.max(1) as f64
    }
}

/// Measures the floor for `viewers` receivers in a process of its own.
pub(super) fn measure(
    cores: &Cores,
    viewers: usize,
    config: &FanoutConfig,
    seconds: f64,
    extra: usize,
) -> anyhow::Result<FloorReport> {
    let receivers = Receivers::open(viewers, config.gro)?;
    let order = FloorOrder {
        ports: receivers.ports.clone(),
        millis: (seconds * 1e3) as u64,
        video_bps: config.video.as_bps(),
        audio: config.audio,
        extra,
    };
    let own = std::env::current_exe().context("this program's own file is not known")?;
    let mut command = Command::new(own);
    command.arg("floor").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut sender = cores.spawn_measured(&mut command).context("cannot start the floor's sender")?;
    let mut input = sender.stdin.take().context("the floor's sender takes no input")?;
    writeln!(input, "{}", serde_json::to_string(&order)?)?;
    drop(input);
    let output = sender.wait_with_output()?;
    let received = receivers.close()?;
    if !output.status.success() {
        bail!("the floor's sender failed: {}", output.status);
    }
    let report: FloorReport =
        serde_json::from_slice(&output.stdout).context("the floor's sender says nothing")?;
    if received * 100 < report.packets * 99 {
        bail!("the floor lost packets: {received} of {} arrived", report.packets);
    }
    Ok(report)
}

/// The key of receiver `n`; both sides know it, nobody else needs to.
fn key(n: usize) -> anyhow::Result<LessSafeKey> {
    let mut bytes = [0x5a; 16];
    bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
    let key =
        UnboundKey::new(&AES_128_GCM, &bytes).map_err(|_| anyhow::anyhow!("AES-128-GCM takes 16 bytes"))?;
    Ok(LessSafeKey::new(key))
}

fn nonce(sequence: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&sequence.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

/// The body of the sending process: sends what `order` says and reports what it cost.
///
/// # Errors
/// When the kernel refuses a socket or a send.
pub fn send(order: &FloorOrder) -> anyhow::Result<FloorReport> {
    let frames = schedule(order);
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
    // As large as the relay asks for; the system may give less.
    let _ = state.set_send_buffer_size(UdpSockRef::from(&socket), 8 << 20);
    socket.set_nonblocking(false)?;
    let segments = state.max_gso_segments().min(SEGMENTS_MAX);
    let keys: Vec<_> = (0..order.ports.len()).map(key).collect::<anyhow::Result<_>>()?;
    let payload = vec![0xa5; 2_048];
    let mut arena = vec![0; BYTES_MAX];
    let (mut packets, mut calls, mut sequence) = (0, 0, 0);
    let mut waits = Vec::new();
    let before = CpuTime::of(std::process::id())?;
    let began = Instant::now();
    'all: for round in 0.. {
        for &(at, count, len) in &frames {
            let due = ROUND * round + at;
            if due.as_millis() as u64 >= order.millis {
                break 'all;
            }
            if let Some(wait) = due.checked_sub(began.elapsed()) {
                std::thread::sleep(wait);
            }
            let per_call = segments.min(BYTES_MAX / len).max(1);
            let started = Instant::now();
            for (n, (key, &port)) in keys.iter().zip(&order.ports).enumerate() {
                let mut left = count;
                while left > 0 {
                    let now = left.min(per_call);
                    for (n, packet) in arena.chunks_exact_mut(len).take(now).enumerate() {
                        let (header, rest) = packet.split_at_mut(HEADER);
                        header.copy_from_slice(&[0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
                        header[4..8]
                            .copy_from_slice(&((sequence + (count - left + n) as u64) as u32).to_be_bytes());
                        let (body, tag) = rest.split_at_mut(len - HEADER - TAG);
                        body.copy_from_slice(&payload[..body.len()]);
                        let nonce = nonce(sequence + (count - left + n) as u64);
                        let sealed = key.seal_in_place_separate_tag(nonce, Aad::from(&*header), body);
                        tag.copy_from_slice(sealed.map_err(|_| anyhow::anyhow!("sealing failed"))?.as_ref());
                    }
                    let transmit = Transmit {
                        destination: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
                        ecn: None,
                        contents: &arena[..now * len],
                        segment_size: (now > 1).then_some(len),
                        src_ip: None,
                    };
                    state.try_send(UdpSockRef::from(&socket), &transmit)?;
                    calls += 1;
                    packets += now as u64;
                    left -= now;
                }
                if n % LATENCY_SAMPLE == 0 {
                    waits.push((started.elapsed(), count as u64));
                }
            }
            sequence += count as u64;
        }
    }
    let cost = CpuTime::of(std::process::id())?.since(before);
    Ok(FloorReport {
        packets,
        calls,
        user_us: cost.user.as_micros() as u64,
        sys_us: cost.sys.as_micros() as u64,
        latency: latency(waits),
    })
}

/// The percentiles of how long packets waited, from (how long, how many).
fn latency(mut waits: Vec<(Duration, u64)>) -> Latency {
    waits.sort_unstable();
    let all: u64 = waits.iter().map(|&(_, count)| count).sum();
    let quantile = |share: f64| {
        let mut left = (all as f64 * share).ceil() as u64;
        let at = waits.iter().find(|&&(_, count)| {
            left = left.saturating_sub(count);
            left == 0
        });
        round(at.map_or(0.0, |(wait, _)| wait.as_secs_f64() * 1e3))
    };
    Latency { p50: quantile(0.5), p95: quantile(0.95), p99: quantile(0.99) }
}

/// One round of the lesson as (when, how many packets, length of each): the lengths the relay's packets have, equalised.
fn schedule(order: &FloorOrder) -> Vec<(Duration, usize, usize)> {
    let target = (order.video_bps / u64::from(8 * NUMBERED_FPS)) as usize;
    let mut packetizer = Packetizer::new(Codec::Vp8, 0);
    let [_, _, high] = fixture::camera(Codec::Vp8);
    let mut frames: Vec<_> = high
        .iter()
        .map(|frame| {
            let payloads = packetizer.packetize(&frame.data, target.saturating_sub(frame.data.len()));
            let longest = payloads.iter().map(bytes::Bytes::len).max().unwrap_or(1);
            (frame.at, payloads.len(), HEADER + order.extra + longest + TAG)
        })
        .collect();
    if order.audio {
        frames.extend(
            fixture::voice()
                .iter()
                .map(|packet| (packet.at, 1, HEADER + order.extra + packet.data.len() + TAG)),
        );
    }
    frames.sort();
    frames
}

/// Sockets that take the floor's packets and open them, as classrooms do, so that the other core is as busy as with the relay.
struct Receivers {
    ports: Vec<u16>,
    thread: JoinHandle<anyhow::Result<()>>,
    over: Arc<AtomicBool>,
    received: Arc<AtomicU64>,
}

impl Receivers {
    fn open(count: usize, gro: bool) -> anyhow::Result<Self> {
        let poll = Poll::new()?;
        let mut seats = Vec::with_capacity(count);
        for n in 0..count {
            let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            let reader = Reader::new(&socket, gro)?;
            let mut socket = UdpSocket::from_std(socket);
            poll.registry().register(&mut socket, Token(n), Interest::READABLE)?;
            seats.push((socket, reader, key(n)?));
        }
        let ports =
            seats.iter().map(|(socket, ..)| Ok(socket.local_addr()?.port())).collect::<io::Result<_>>()?;
        let (over, received) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let thread = {
            let (over, received) = (Arc::clone(&over), Arc::clone(&received));
            std::thread::Builder::new()
                .name("floor-receivers".to_owned())
                .spawn(move || take(poll, &seats, &over, &received))?
        };
        Ok(Self { ports, thread, over, received })
    }

    /// Packets that arrived and were whole.
    fn close(self) -> anyhow::Result<u64> {
        // The last packets are in the sockets already: loopback hands them over within the send call.
        std::thread::sleep(Duration::from_millis(100));
        self.over.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the floor's receivers panicked"))??;
        Ok(self.received.load(Ordering::Relaxed))
    }
}

fn take(
    mut poll: Poll,
    seats: &[(UdpSocket, Reader, LessSafeKey)],
    over: &AtomicBool,
    received: &AtomicU64,
) -> anyhow::Result<()> {
    let mut events = Events::with_capacity(1_024);
    let mut memory = Memory::new();
    while !over.load(Ordering::Relaxed) {
        poll.poll(&mut events, Some(Duration::from_millis(50)))?;
        for event in &events {
            let Some((socket, reader, key)) = seats.get(event.token().0) else { continue };
            reader.drain(socket, &mut memory, |_, packet| {
                let Some((header, body)) = packet.split_first_chunk_mut::<HEADER>() else { return };
                let sequence = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
                let opened = key.open_in_place(nonce(u64::from(sequence)), Aad::from(&*header), body);
                if opened.is_ok() {
                    received.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_many_packets_weighs_as_many_times() {
        let ms = Duration::from_millis;
        let waits = vec![(ms(9), 2), (ms(1), 90), (ms(4), 8)];
        let Latency { p50, p95, p99 } = latency(waits);
        assert_eq!([p50, p95, p99].map(|ms| ms as u64), [1, 4, 9]);
    }

    #[test]
    fn the_floor_carries_the_rate_it_is_asked_for_in_few_calls() {
        let receivers = Receivers::open(3, true).unwrap();
        let ports = receivers.ports.clone();
        let order = FloorOrder { ports, millis: 400, video_bps: 2_500_000, audio: true, extra: 8 };
        let report = send(&order).unwrap();
        assert_eq!(receivers.close().unwrap(), report.packets);
        // 10 frames of 11 packets and 20 of voice, to three.
        assert!((330..480).contains(&report.packets), "{report:?}");
        assert_eq!(report.calls, 3 * 30);
    }
}

//! Real peers on the loopback interface: the relay's own transport, seen from the other side.

use domain::{Bitrate, Codec, LessonId, MediaKind, PeerId, Slot, Timestamp};
use media::rtp::{HeaderFields, rtx_original, write_header};
use server::media::{
    MediaConfig, MediaError, MediaEvent, MediaHandle, OwnerId, PublishSpec, RunningMedia, SessionAnswer,
    start,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::UdpSocket,
    num::NonZeroUsize,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use transport::{
    Endpoint, EndpointConfig, Feedback, Identity, Output, PeerEvent, PeerSecrets, Received, RtpRole, Sealer,
    client::{ClientPeer, OfferSpec},
    feedback::{Compound, SenderInfo},
};

pub(crate) const LESSON: LessonId = LessonId(7);
pub(crate) const HOST: OwnerId = OwnerId(1);
const PLACE: OwnerId = OwnerId(2);

/// Workers with a port of their own, and what they have said.
pub(crate) struct Relay {
    pub(crate) handle: MediaHandle,
    running: Option<RunningMedia>,
    receiver: mpsc::Receiver<MediaEvent>,
    pub(crate) events: Vec<MediaEvent>,
    endpoint: Endpoint,
    epoch: Instant,
    seed: u64,
}

impl Relay {
    pub(crate) fn start(workers: usize) -> Self {
        let config = MediaConfig {
            listen: "127.0.0.1:0".parse().expect("an address"),
            workers: NonZeroUsize::new(workers),
            // These viewers send no feedback by which a link could be found out.
            link_start: Bitrate::from_kbps(20_000),
            ..MediaConfig::default()
        };
        let (handle, receiver, running) = start(config).expect("the workers start");
        let epoch = Instant::now();
        let identity = Identity::generate().expect("a certificate");
        let config = EndpointConfig { identity, candidates: Vec::new(), epoch };
        let endpoint = Endpoint::new(config).expect("an endpoint");
        let running = Some(running);
        Self { handle, running, receiver, events: Vec::new(), endpoint, epoch, seed: 0 }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.epoch.elapsed()
    }

    fn secrets(&mut self) -> PeerSecrets {
        self.seed += 1;
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_be_bytes());
        PeerSecrets::from_seed(seed)
    }

    fn client(&mut self, spec: OfferSpec) -> (ClientPeer, String) {
        let secrets = self.secrets();
        ClientPeer::new(&self.endpoint, spec, secrets)
    }

    fn join(&mut self, mut peer: ClientPeer, answer: SessionAnswer) -> Client {
        peer.accept_answer(self.now(), &answer.answer_sdp).expect("the answer is good");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_nonblocking(true).expect("non-blocking");
        Client {
            id: answer.peer,
            answer,
            peer,
            socket,
            sealer: None,
            connected: false,
            closed: false,
            got: Vec::new(),
            feedback: Vec::new(),
            loses: |_| false,
            nacks: true,
            lost: BTreeSet::new(),
            highest: BTreeMap::new(),
        }
    }

    /// A viewer of every slot. It is not connected yet.
    pub(crate) fn viewer(&mut self) -> Client {
        let (peer, offer) = self.client(OfferSpec::classroom());
        let answer = self.handle.play(LESSON, &offer, PLACE, None).expect("a viewer is answered");
        self.join(peer, answer)
    }

    /// A host with camera and voice. It is not connected yet.
    pub(crate) fn host(&mut self, owner: OwnerId) -> Host {
        let spec = OfferSpec { sends: true, audio: 1, video: 1, codecs: vec![Codec::Vp8] };
        let (peer, offer) = self.client(spec);
        let spec = PublishSpec { offer, first_slot: Slot::ProgramVideo, owner, guest: false };
        let answer = self.handle.publish(LESSON, &spec).expect("a host is answered");
        Host::new(self.join(peer, answer))
    }

    /// A host whose offer may be refused.
    pub(crate) fn try_host(&mut self, owner: OwnerId) -> Result<SessionAnswer, MediaError> {
        let spec = OfferSpec { sends: true, audio: 1, video: 1, codecs: vec![Codec::Vp8] };
        let (_, offer) = self.client(spec);
        self.handle
            .publish(LESSON, &PublishSpec { offer, first_slot: Slot::ProgramVideo, owner, guest: false })
    }

    /// Lets everybody read and answer until `done`, at most for `patience`.
    pub(crate) fn run(
        &mut self,
        patience: Duration,
        clients: &mut [&mut Client],
        mut done: impl FnMut(&mut [&mut Client], &[MediaEvent]) -> bool,
    ) -> bool {
        let until = Instant::now() + patience;
        loop {
            let now = self.now();
            for client in clients.iter_mut() {
                client.turn(now);
            }
            while let Ok(event) = self.receiver.try_recv() {
                self.events.push(event);
            }
            if done(clients, &self.events) {
                return true;
            }
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(Duration::from_micros(300));
        }
    }

    pub(crate) fn connect(&mut self, clients: &mut [&mut Client]) {
        let all = self.run(Duration::from_secs(20), clients, |clients, _| {
            clients.iter().all(|client| client.connected)
        });
        assert!(all, "everybody connects");
    }

    pub(crate) fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.shutdown();
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop();
    }
}

/// One packet as a viewer got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) slot: Slot,
    pub(crate) sequence: u64,
    pub(crate) timestamp: u32,
    pub(crate) picture: u16,
    /// The number the host wrote into the payload.
    pub(crate) number: u32,
    pub(crate) repaired: bool,
    pub(crate) at: Timestamp,
}

pub(crate) struct Client {
    pub(crate) id: PeerId,
    pub(crate) answer: SessionAnswer,
    pub(crate) peer: ClientPeer,
    pub(crate) socket: UdpSocket,
    sealer: Option<Sealer>,
    pub(crate) connected: bool,
    pub(crate) closed: bool,
    pub(crate) got: Vec<Got>,
    pub(crate) feedback: Vec<Feedback>,
    /// Media packets this client's link loses once, by outgoing number.
    pub(crate) loses: fn(u64) -> bool,
    pub(crate) nacks: bool,
    lost: BTreeSet<(u32, u16)>,
    highest: BTreeMap<u32, u64>,
}

impl Client {
    pub(crate) fn turn(&mut self, now: Timestamp) {
        let mut buffer = [0; 4096];
        while let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
            if self.is_lost(&buffer[..length]) {
                continue;
            }
            let mut missing = None;
            match self.peer.handle_datagram(now, from, &mut buffer[..length]) {
                Received::Nothing => {}
                Received::Feedback(items) => self.feedback.extend(items),
                Received::Rtp(rtp) => {
                    let header = media::RtpHeader::parse(rtp.packet).expect("transport hands out RTP");
                    let payload = header.payload(rtp.packet).expect("its padding fits");
                    let (sequence, payload, repaired) = match rtp.role {
                        RtpRole::Repair { .. } => {
                            let (original, payload) = rtx_original(payload).expect("a repaired packet");
                            (u64::from(original), payload, true)
                        }
                        _ => (rtp.index, payload, false),
                    };
                    let highest = self.highest.get(&rtp.ssrc).copied();
                    let came_late = highest.is_some_and(|highest| sequence < highest);
                    let repaired = repaired || came_late;
                    self.got.push(read(rtp.slot, sequence, header.timestamp, payload, repaired, now));
                    if !repaired {
                        self.highest.insert(rtp.ssrc, sequence);
                        let gap: Vec<u16> = highest
                            .map(|highest| (highest + 1..sequence).map(|lost| lost as u16).collect())
                            .unwrap_or_default();
                        missing = (!gap.is_empty() && self.nacks).then_some((rtp.ssrc, gap));
                    }
                }
            }
            if let Some((ssrc, gap)) = missing {
                self.peer.send_rtcp(&Compound::new().receiver_report(1, &[]).nack(1, ssrc, &gap).finish());
            }
            self.pump();
        }
        if self.peer.poll_timeout().is_some_and(|due| due <= now) {
            self.peer.handle_timeout(now);
        }
        self.pump();
    }

    /// Whether the link loses this datagram: media only, by its number, the first time it comes.
    fn is_lost(&mut self, datagram: &[u8]) -> bool {
        let Some(&[first, second, high, low, _, _, _, _, s0, s1, s2, s3]) = datagram.first_chunk::<12>()
        else {
            return false;
        };
        let (sequence, ssrc) = (u16::from_be_bytes([high, low]), u32::from_be_bytes([s0, s1, s2, s3]));
        let sections = self.peer.negotiated().map(|negotiated| &negotiated.sections[..]).unwrap_or_default();
        let is_media =
            sections.iter().flat_map(|section| &section.sources).any(|source| source.media == ssrc);
        let is_rtp = first >> 6 == 2 && !(64..=95).contains(&(second & 0x7f));
        is_rtp && is_media && (self.loses)(u64::from(sequence)) && self.lost.insert((ssrc, sequence))
    }

    fn pump(&mut self) {
        while let Some(output) = self.peer.poll_output() {
            match output {
                Output::Transmit { to, bytes } => {
                    // A full loopback queue is loss, which the protocol survives.
                    let _ = self.socket.send_to(&bytes, to.addr);
                }
                Output::Event(PeerEvent::Connected) => {
                    self.sealer = self.peer.take_sealer();
                    self.connected = true;
                }
                Output::Event(PeerEvent::Closed(_)) => self.closed = true,
                Output::Event(PeerEvent::AddressChanged { .. }) => {}
            }
        }
    }

    /// The host's packet numbers of a slot, in the order they came.
    pub(crate) fn numbers(&self, slot: Slot) -> Vec<u32> {
        self.got.iter().filter(|got| got.slot == slot).map(|got| got.number).collect()
    }

    pub(crate) fn ssrc(&self, slot: Slot) -> u32 {
        let negotiated = self.peer.negotiated().expect("an answer was taken");
        negotiated.section(slot).expect("the slot was agreed on").sources[0].media
    }
}

fn read(slot: Slot, sequence: u64, timestamp: u32, payload: &[u8], repaired: bool, at: Timestamp) -> Got {
    // VP8 descriptor: X, I, two bytes of picture id; then three bytes of VP8 header; then the number.
    let (picture, number) = match slot.kind() {
        MediaKind::Video => (u16::from_be_bytes([payload[2], payload[3]]) & 0x7fff, &payload[14..18]),
        MediaKind::Audio => (0, &payload[0..4]),
    };
    let number = u32::from_be_bytes([number[0], number[1], number[2], number[3]]);
    Got { slot, sequence, timestamp, picture, number, repaired, at }
}

/// A publisher that makes valid VP8 packets and Opus-sized ones.
pub(crate) struct Host {
    pub(crate) client: Client,
    video_sequence: u64,
    audio_sequence: u64,
    video_timestamp: u32,
    audio_timestamp: u32,
    picture: u16,
    /// Next number written into a payload, by kind.
    pub(crate) video_number: u32,
    pub(crate) audio_number: u32,
}

impl Host {
    fn new(client: Client) -> Self {
        Self {
            client,
            video_sequence: 100,
            audio_sequence: 300,
            video_timestamp: 5_000,
            audio_timestamp: 9_000,
            picture: 40,
            video_number: 0,
            audio_number: 0,
        }
    }

    /// Sends one picture of `packets` packets, 40 ms after the one before.
    pub(crate) fn picture(&mut self, keyframe: bool, packets: usize, bytes: usize) {
        self.video_timestamp += 3_600;
        self.picture = (self.picture + 1) & 0x7fff;
        for packet in 0..packets {
            let first = packet == 0;
            let mut payload =
                vec![0x80 | u8::from(first) << 4, 0x80, 0x80 | (self.picture >> 8) as u8, self.picture as u8];
            payload.extend_from_slice(&[u8::from(!keyframe), 0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01]);
            payload.extend_from_slice(&self.video_number.to_be_bytes());
            // As Chromium does it: packets of a frame differ by one byte, the longer come last.
            payload.resize(bytes + usize::from(packet * 2 >= packets), packet as u8);
            self.video_number += 1;
            self.video_sequence += 1;
            let (index, timestamp) = (self.video_sequence, self.video_timestamp);
            self.send(Slot::ProgramVideo, Codec::Vp8, index, timestamp, packet + 1 == packets, &payload);
        }
    }

    pub(crate) fn voice(&mut self) {
        self.audio_timestamp += 960;
        self.audio_sequence += 1;
        let mut payload = self.audio_number.to_be_bytes().to_vec();
        payload.resize(80, 7);
        self.audio_number += 1;
        let (index, timestamp) = (self.audio_sequence, self.audio_timestamp);
        self.send(Slot::ProgramAudio, Codec::Opus, index, timestamp, false, &payload);
    }

    /// Leaves a number out, as if the packet had been lost on its way to the relay.
    pub(crate) fn lose_a_video_packet(&mut self) {
        self.video_sequence += 1;
    }

    pub(crate) fn sender_reports(&mut self) {
        for (slot, rtp_timestamp) in
            [(Slot::ProgramVideo, self.video_timestamp), (Slot::ProgramAudio, self.audio_timestamp)]
        {
            let negotiated = self.client.peer.negotiated().expect("an answer was taken");
            let ssrc = negotiated.section(slot).and_then(|section| section.send).expect("we send it").ssrc;
            let info = SenderInfo { ssrc, ntp: 0x1234_5678_0000_0000, rtp_timestamp, packets: 1, octets: 1 };
            self.client.peer.send_rtcp(&Compound::new().sender_report(&info, &[]).finish());
        }
        self.client.pump();
    }

    fn send(&mut self, slot: Slot, codec: Codec, index: u64, timestamp: u32, marker: bool, payload: &[u8]) {
        let negotiated = self.client.peer.negotiated().expect("an answer was taken");
        let section = negotiated.section(slot).expect("the slot was agreed on");
        let streams = section.send.expect("we send it");
        let payload_type = section.codec(codec).expect("the codec was agreed on").payload_type;
        let fields = HeaderFields {
            marker,
            padded: false,
            payload_type,
            sequence: index as u16,
            timestamp,
            ssrc: streams.ssrc,
        };
        let mut packet = vec![0; 12 + payload.len()];
        let header_len = write_header(fields, &[], &mut packet).expect("it fits");
        packet[header_len..].copy_from_slice(payload);
        let sealer = self.client.sealer.as_mut().expect("the host is connected");
        packet.resize(packet.len() + sealer.tag_len(), 0);
        sealer.seal_rtp(streams.stream, index, &mut packet, header_len).expect("a new index");
        let to = self.client.peer.remote().expect("a validated address").addr;
        self.client.socket.send_to(&packet, to).expect("loopback takes it");
    }
}

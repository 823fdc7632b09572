//! A media client over a real UDP socket or TCP connection: enough to connect, to be looked at, and to be hung up on.

use crate::rig::{PATIENCE, Reply, Rig};
use anyhow::{Context as _, Result, bail, ensure};
use domain::{Codec, Slot, Timestamp};
use reqwest::{Method, StatusCode, header};
use sim::link::redirect_candidates;
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU8, Ordering},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep_until, timeout},
};
use transport::{
    Endpoint, EndpointConfig, Identity, Output, PeerEvent, PeerSecrets, Received, Remote, RtpRole, Sealer,
    StreamId,
    client::{ClientPeer, OfferSpec},
    feedback::{Compound, ReportBlock},
    framing::{self, Deframer},
};

/// The mark that ends every packet the tests' peers send: whose voice or picture it is.
pub(crate) type Mark = u8;

/// Between two reports of a viewer, as browsers do it.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// What a viewer got of each slot: the mark of its newest packet, and how many came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Got(pub(crate) [Option<(Mark, u64)>; Slot::COUNT]);

impl Got {
    /// Whose packets a slot carries.
    pub(crate) fn of(&self, slot: Slot) -> Option<Mark> {
        self.0[slot.index()].map(|(mark, _)| mark)
    }

    /// How many packets of a slot came.
    pub(crate) fn count(&self, slot: Slot) -> u64 {
        self.0[slot.index()].map_or(0, |(_, count)| count)
    }
}

/// A media client that lives by itself: sends or receives until it is dropped or hung up on.
pub(crate) struct Live {
    /// What it got so far.
    pub(crate) got: watch::Receiver<Got>,
    task: JoinHandle<Result<()>>,
}

impl Live {
    /// Waits until what it got is as wanted.
    pub(crate) async fn gets(&mut self, wanted: impl FnMut(&Got) -> bool) -> Result<Got> {
        match timeout(PATIENCE, self.got.wait_for(wanted)).await.map(|got| got.map(|got| *got)) {
            Ok(got) => got.context("the peer is over"),
            Err(_) => bail!("not in time; it got {:?}", *self.got.borrow()),
        }
    }

    /// Waits until the server hangs up.
    pub(crate) async fn closed(&mut self) -> Result<()> {
        timeout(PATIENCE, &mut self.task).await.context("the server did not hang up")??
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How a client reaches the server.
enum Wire {
    Datagrams(UdpSocket),
    /// ICE-TCP: datagrams framed on one connection.
    Stream {
        socket: TcpStream,
        frames: Deframer,
    },
}

impl Wire {
    async fn send(&mut self, to: Remote, bytes: &[u8]) {
        // A candidate this machine cannot reach; another one will do. A broken connection shows when it is read.
        let _ = match self {
            Wire::Datagrams(socket) => socket.send_to(bytes, to.addr).await.map(drop),
            Wire::Stream { socket, .. } => {
                let mut framed = framing::header(bytes.len()).unwrap_or_default().to_vec();
                framed.extend_from_slice(bytes);
                socket.write_all(&framed).await
            }
        };
    }

    /// Reads what comes next; datagrams are handed to `each`.
    async fn receive(&mut self, each: impl FnMut(Remote, &mut [u8])) -> Result<()> {
        let mut each = each;
        let mut buffer = vec![0; 4096];
        match self {
            Wire::Datagrams(socket) => {
                let (length, from) = socket.recv_from(&mut buffer).await?;
                let datagram = buffer.get_mut(..length).context("a datagram longer than its buffer")?;
                each(from.into(), datagram);
            }
            Wire::Stream { socket, frames } => {
                let length = socket.read(&mut buffer).await?;
                ensure!(length > 0, "the server closed the connection");
                frames.push(buffer.get(..length).context("more read than there was room")?);
                let remote = Remote::stream(socket.peer_addr()?, StreamId(0));
                while let Some(datagram) = frames.next_frame()? {
                    each(remote, datagram);
                }
            }
        }
        Ok(())
    }
}

/// One WHIP or WHEP client.
pub(crate) struct MediaPeer {
    peer: ClientPeer,
    wire: Wire,
    epoch: Instant,
    sealer: Option<Sealer>,
    /// Media packets that have come.
    pub(crate) heard: usize,
    /// Its address at the server.
    pub(crate) location: String,
    /// Its first entity tag.
    pub(crate) etag: String,
}

/// SSRC and sequence number of an RTP packet (RFC 3550 section 5.1).
fn stream_and_number(packet: &[u8]) -> Option<(u32, u16)> {
    let (number, ssrc) = (packet.get(2..4)?, packet.get(8..12)?);
    Some((u32::from_be_bytes(ssrc.try_into().ok()?), u16::from_be_bytes(number.try_into().ok()?)))
}

/// An offer as a browser makes it, and the peer that made it. No two are alike.
pub(crate) fn offer(sends: bool) -> Result<(ClientPeer, String, Instant)> {
    let epoch = Instant::now();
    let identity = Identity::generate().context("a certificate")?;
    let endpoint = Endpoint::new(EndpointConfig { identity, candidates: Vec::new(), epoch })?;
    let sections = if sends { (1, 1) } else { (2, 3) };
    let spec =
        OfferSpec { sends, audio: sections.0, video: sections.1, codecs: vec![Codec::Vp8, Codec::H264] };
    let (peer, offer) = ClientPeer::new(&endpoint, spec, PeerSecrets::from_seed(seed()));
    Ok((peer, offer, epoch))
}

/// How media goes.
#[derive(Clone, Copy)]
enum Way {
    Udp,
    Tcp,
    /// Over a link that leads to the server.
    Link(SocketAddr),
}

/// Posts an offer.
pub(crate) async fn post(rig: &Rig, path: &str, token: &str, offer: &str) -> Result<Reply> {
    let request = rig.request(Method::POST, path, Some(token));
    Reply::of(request.header(header::CONTENT_TYPE, "application/sdp").body(offer.to_owned())).await
}

impl MediaPeer {
    /// Opens a session and connects.
    pub(crate) async fn connect(rig: &Rig, path: &str, token: &str) -> Result<Self> {
        Self::open(rig, path, token, Way::Udp).await
    }

    /// As [`MediaPeer::connect`], with media over a link that leads to the server.
    pub(crate) async fn connect_over(rig: &Rig, path: &str, token: &str, link: SocketAddr) -> Result<Self> {
        Self::open(rig, path, token, Way::Link(link)).await
    }

    /// Opens a session and connects over TCP, as where UDP is blocked.
    pub(crate) async fn connect_over_tcp(rig: &Rig, path: &str, token: &str) -> Result<Self> {
        Self::open(rig, path, token, Way::Tcp).await
    }

    async fn open(rig: &Rig, path: &str, token: &str, way: Way) -> Result<Self> {
        let (mut peer, offer, epoch) = offer(path.starts_with("/whip"))?;
        let reply = post(rig, path, token, &offer).await?.expect(StatusCode::CREATED)?;
        let wire = match way {
            Way::Tcp => {
                peer.accept_answer_over_tcp(now(epoch), &reply.text)?;
                Wire::Stream { socket: TcpStream::connect(rig.addr()).await?, frames: Deframer::new(4096) }
            }
            Way::Udp | Way::Link(_) => {
                let answer = match way {
                    Way::Link(link) => redirect_candidates(&reply.text, link),
                    _ => reply.text.clone(),
                };
                peer.accept_answer(now(epoch), &answer)?;
                Wire::Datagrams(UdpSocket::bind("0.0.0.0:0").await?)
            }
        };
        let mut this = Self {
            peer,
            wire,
            epoch,
            sealer: None,
            heard: 0,
            location: reply.header(header::LOCATION).to_owned(),
            etag: reply.header(header::ETAG).to_owned(),
        };
        timeout(PATIENCE, this.drive(|event| matches!(event, PeerEvent::Connected)))
            .await
            .context("not connected in time")??;
        this.sealer = this.peer.take_sealer();
        Ok(this)
    }

    /// Sends the `n`-th packet of voice (from 1), 20 ms of it.
    pub(crate) async fn speak(&mut self, n: u16) -> Result<()> {
        self.send(Slot::ProgramAudio, Codec::Opus, n, u32::from(n) * 960, &[7; 80]).await
    }

    /// Sends the `n`-th picture (from 1): a VP8 key frame in one packet (RFC 7741 section 4).
    async fn show(&mut self, n: u16, mark: Mark) -> Result<()> {
        let mut frame = vec![0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x00];
        frame.resize(200, 0);
        frame.push(mark);
        self.send(Slot::ProgramVideo, Codec::Vp8, n, u32::from(n) * 9_000, &frame).await
    }

    async fn send(&mut self, slot: Slot, codec: Codec, n: u16, at: u32, payload: &[u8]) -> Result<()> {
        const HEADER: usize = 12;
        let negotiated = self.peer.negotiated().context("no answer was taken")?;
        let section = negotiated.section(slot).context("the slot was not agreed on")?;
        let stream = section.send.context("the slot is not ours to send")?;
        let payload_type = section.codec(codec).context("the codec was not agreed on")?.payload_type;
        let sealer = self.sealer.as_mut().context("not connected")?;
        // Voice has its marker at the start of a spurt, a picture at its last packet.
        let marker = if codec == Codec::Opus { 0 } else { 0x80 };
        let mut packet = vec![0x80, payload_type | marker];
        packet.extend(n.to_be_bytes());
        packet.extend(at.to_be_bytes());
        packet.extend(stream.ssrc.to_be_bytes());
        packet.extend(payload);
        packet.resize(packet.len() + sealer.tag_len(), 0);
        sealer.seal_rtp(stream.stream, u64::from(n), &mut packet, HEADER)?;
        let to = self.peer.remote().context("no address was validated")?;
        self.wire.send(to, &packet).await;
        Ok(())
    }

    /// Goes on speaking, and showing a picture ten times a second, with this mark.
    pub(crate) fn publish(self, mark: Mark) -> Live {
        self.live(Some(mark))
    }

    /// Goes on listening and looking.
    pub(crate) fn watch(self) -> Live {
        self.live(None)
    }

    fn live(mut self, mark: Option<Mark>) -> Live {
        let (sender, got) = watch::channel(Got::default());
        let task = tokio::spawn(async move {
            let mut pace = interval(Duration::from_millis(20));
            pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
            let mut reporting = interval(REPORT_EVERY);
            let mut heard = [None; Slot::COUNT];
            let mut n = 0u16;
            loop {
                for event in self.flush().await {
                    if matches!(event, PeerEvent::Closed(_)) {
                        return Ok(());
                    }
                }
                let Self { peer, wire, epoch, .. } = &mut self;
                let Some(wake_at) = peer.poll_timeout() else { return Ok(()) };
                let wake_at = tokio::time::Instant::from_std(*epoch + wake_at.since_start());
                let at = now(*epoch);
                tokio::select! {
                    received = wire.receive(|from, datagram| {
                        if let Received::Rtp(rtp) = peer.handle_datagram(at, from, datagram)
                            && rtp.role == RtpRole::Media
                            && let Some(&mark) = rtp.packet.last()
                        {
                            heard[rtp.slot.index()] = stream_and_number(rtp.packet);
                            sender.send_modify(|got| {
                                let count = got.count(rtp.slot) + 1;
                                got.0[rtp.slot.index()] = Some((mark, count));
                            });
                        }
                    }) => received?,
                    _ = pace.tick(), if mark.is_some() => {
                        let mark = mark.unwrap_or_default();
                        n = n.wrapping_add(1);
                        self.send(Slot::ProgramAudio, Codec::Opus, n, u32::from(n) * 960, &[mark; 80]).await?;
                        if n % 5 == 1 {
                            self.show(n / 5 + 1, mark).await?;
                        }
                    }
                    _ = reporting.tick(), if mark.is_none() => self.report(&heard),
                    () = sleep_until(wake_at) => self.peer.handle_timeout(now(self.epoch)),
                }
            }
        });
        Live { got, task }
    }

    /// Says what has come so far (RFC 3550 section 6.4.2): a viewer who says nothing is not believed to see anything.
    fn report(&mut self, heard: &[Option<(u32, u16)>; Slot::COUNT]) {
        let Some(agreed) = self.peer.negotiated() else { return };
        let blocks: Vec<_> = heard
            .iter()
            .flatten()
            .map(|&(ssrc, number)| ReportBlock {
                reporter: 0,
                ssrc,
                fraction_lost: 0,
                cumulative_lost: 0,
                highest_sequence: number.into(),
                jitter: 0,
                last_sender_report: 0,
                delay_since_last_sender_report: 0,
            })
            .collect();
        let (ours, cname) = (agreed.rtcp_ssrc, agreed.cname.clone());
        self.peer.send_rtcp(&Compound::new().receiver_report(ours, &blocks).cname(ours, &cname).finish());
    }

    /// Waits until the server hangs up.
    pub(crate) async fn closed(&mut self) -> Result<()> {
        let closed = self.drive(|event| matches!(event, PeerEvent::Closed(_)));
        timeout(PATIENCE, closed).await.context("the server did not hang up")?
    }

    /// Waits until so many media packets have come.
    pub(crate) async fn hear(&mut self, packets: usize) -> Result<()> {
        let enough = async {
            while self.heard < packets {
                self.turn().await?;
            }
            anyhow::Ok(())
        };
        timeout(PATIENCE, enough).await.context("nothing came")?
    }

    async fn drive(&mut self, wanted: impl Fn(&PeerEvent) -> bool) -> Result<()> {
        loop {
            for event in self.flush().await {
                match event {
                    event if wanted(&event) => return Ok(()),
                    PeerEvent::Closed(reason) => bail!("closed: {reason:?}"),
                    _ => {}
                }
            }
            self.turn().await?;
        }
    }

    /// Sends what is to be sent; what happened.
    async fn flush(&mut self) -> Vec<PeerEvent> {
        let mut events = Vec::new();
        while let Some(output) = self.peer.poll_output() {
            match output {
                Output::Transmit { to, bytes } => self.wire.send(to, &bytes).await,
                Output::Event(event) => events.push(event),
            }
        }
        events
    }

    /// Waits for the next datagram or timer and handles it.
    async fn turn(&mut self) -> Result<()> {
        let Self { peer, wire, epoch, heard, .. } = self;
        let wake_at = peer.poll_timeout().context("the client is over")?;
        let wake_at = tokio::time::Instant::from_std(*epoch + wake_at.since_start());
        let at = now(*epoch);
        tokio::select! {
            received = wire.receive(|from, datagram| {
                *heard += usize::from(matches!(peer.handle_datagram(at, from, datagram), Received::Rtp(_)));
            }) => received,
            () = sleep_until(wake_at) => {
                self.peer.handle_timeout(now(self.epoch));
                Ok(())
            }
        }
    }
}

/// Another one for each client.
fn seed() -> [u8; 32] {
    static CLIENTS: AtomicU8 = AtomicU8::new(1);
    [CLIENTS.fetch_add(1, Ordering::Relaxed); 32]
}

fn now(epoch: Instant) -> Timestamp {
    Timestamp::ZERO + epoch.elapsed()
}

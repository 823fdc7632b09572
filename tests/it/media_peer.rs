//! A media client over a real UDP socket: enough to connect, to be looked at, and to be hung up on.

use crate::rig::{PATIENCE, Reply, Rig};
use anyhow::{Context as _, Result, bail};
use domain::{Codec, Slot, Timestamp};
use reqwest::{Method, StatusCode, header};
use std::{
    sync::atomic::{AtomicU8, Ordering},
    time::Instant,
};
use tokio::{
    net::UdpSocket,
    time::{sleep_until, timeout},
};
use transport::{
    Endpoint, EndpointConfig, Identity, Output, PeerEvent, PeerSecrets, Sealer,
    client::{ClientPeer, OfferSpec},
};

/// One WHIP or WHEP client.
pub(crate) struct MediaPeer {
    peer: ClientPeer,
    socket: UdpSocket,
    epoch: Instant,
    sealer: Option<Sealer>,
    /// Its address at the server.
    pub(crate) location: String,
    /// Its first entity tag.
    pub(crate) etag: String,
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

/// Posts an offer.
pub(crate) async fn post(rig: &Rig, path: &str, token: &str, offer: &str) -> Result<Reply> {
    let request = rig.request(Method::POST, path, Some(token));
    Reply::of(request.header(header::CONTENT_TYPE, "application/sdp").body(offer.to_owned())).await
}

impl MediaPeer {
    /// Opens a session and connects.
    pub(crate) async fn connect(rig: &Rig, path: &str, token: &str) -> Result<Self> {
        let (mut peer, offer, epoch) = offer(path.starts_with("/whip"))?;
        let reply = post(rig, path, token, &offer).await?.expect(StatusCode::CREATED)?;
        peer.accept_answer(now(epoch), &reply.text)?;
        let mut this = Self {
            peer,
            socket: UdpSocket::bind("0.0.0.0:0").await?,
            epoch,
            sealer: None,
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
        const HEADER: usize = 12;
        let negotiated = self.peer.negotiated().context("no answer was taken")?;
        let section = negotiated.section(Slot::ProgramAudio).context("no voice was agreed on")?;
        let stream = section.send.context("the voice is not ours to send")?;
        let payload_type = section.codec(Codec::Opus).context("no Opus was agreed on")?.payload_type;
        let sealer = self.sealer.as_mut().context("not connected")?;
        let mut packet = vec![0x80, payload_type];
        packet.extend(n.to_be_bytes());
        packet.extend((u32::from(n) * 960).to_be_bytes());
        packet.extend(stream.ssrc.to_be_bytes());
        packet.extend([7; 80]);
        packet.resize(packet.len() + sealer.tag_len(), 0);
        sealer.seal_rtp(stream.stream, u64::from(n), &mut packet, HEADER)?;
        let to = self.peer.remote().context("no address was validated")?;
        self.socket.send_to(&packet, to).await?;
        Ok(())
    }

    /// Waits until the server hangs up.
    pub(crate) async fn closed(&mut self) -> Result<()> {
        let closed = self.drive(|event| matches!(event, PeerEvent::Closed(_)));
        timeout(PATIENCE, closed).await.context("the server did not hang up")?
    }

    async fn drive(&mut self, wanted: impl Fn(&PeerEvent) -> bool) -> Result<()> {
        let mut buffer = vec![0; 2048];
        loop {
            while let Some(output) = self.peer.poll_output() {
                match output {
                    Output::Transmit { to, bytes } => {
                        // A candidate this machine cannot reach; another one will do.
                        let _ = self.socket.send_to(&bytes, to).await;
                    }
                    Output::Event(event) if wanted(&event) => return Ok(()),
                    Output::Event(PeerEvent::Closed(reason)) => bail!("closed: {reason:?}"),
                    Output::Event(_) => {}
                }
            }
            let wake_at = self.peer.poll_timeout().context("the client is over")?;
            let wake_at = tokio::time::Instant::from_std(self.epoch + wake_at.since_start());
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => {
                    let (length, from) = received?;
                    let datagram = buffer.get_mut(..length).context("a datagram longer than its buffer")?;
                    self.peer.handle_datagram(now(self.epoch), from, datagram);
                }
                () = sleep_until(wake_at) => self.peer.handle_timeout(now(self.epoch)),
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

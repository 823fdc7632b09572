//! One connection of the host: from offer to the moment it is lost or stopped.

use super::{
    HostConfig, HostStatus,
    feedback::{KeyframeRequests, requested_ssrcs},
    player::{Due, Group, Player},
};
use crate::{
    fixture::{self, Frames, NUMBERED_FPS},
    packetize::Packetizer,
    whip::{Door, DoorError},
};
use async_trait::async_trait;
use bytes::Bytes;
use domain::Codec;
use rtc::{
    media_stream::MediaStreamTrack,
    rtp,
    rtp_transceiver::{
        RTCRtpTransceiverDirection, RTCRtpTransceiverInit,
        rtp_sender::{
            RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters,
            RTCRtpEncodingParameters, RtpCodecKind,
        },
    },
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tracing::{debug, info};
use webrtc::{
    media_stream::track_local::{TrackLocal, TrackLocalEvent, static_rtp::TrackLocalStaticRTP},
    peer_connection::{
        MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
        RTCPeerConnectionState, RTCSessionDescription, Registry, SettingEngineBuilder, configure_nack,
        configure_rtcp_reports, configure_simulcast_extension_headers, configure_twcc_sender_only,
    },
    rtp_transceiver::RtpTransceiver,
};

const CONNECT_WITHIN: Duration = Duration::from_secs(15);
/// A connection that is only disturbed gets this long to mend itself.
const MEND_WITHIN: Duration = Duration::from_secs(3);
const MID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const RID_URI: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
/// Lowest layer first, the order of `fixture::camera`; the names browsers' examples use.
const RIDS: [&str; 3] = ["q", "h", "f"];

/// How a connection ended that had been established.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The caller wanted it.
    Stopped,
    /// The network or the relay went away.
    Lost,
}

/// Why no connection came about.
#[derive(Debug, thiserror::Error)]
pub(super) enum PublishError {
    #[error(transparent)]
    Door(#[from] DoorError),
    #[error("webrtc: {0}")]
    WebRtc(#[from] webrtc::error::Error),
    #[error("no media connection within {CONNECT_WITHIN:?}")]
    TooSlow,
    #[error("the server's address {0} cannot be resolved")]
    Address(String),
}

/// One RTP stream we send: a layer, the slides or the voice.
struct Outgoing {
    track: Arc<TrackLocalStaticRTP>,
    transceiver: Option<Arc<dyn RtpTransceiver>>,
    /// Index of the track among those of this connection; layers of one picture share a track.
    section: usize,
    group: Group,
    frames: Frames,
    codec: Codec,
    rid: Option<&'static str>,
    ssrc: u32,
    seq: u16,
    first_timestamp: u32,
    packetizer: Packetizer,
    /// Length every frame is filled up to, bytes.
    fill_to: usize,
    extensions: Vec<(u8, Bytes)>,
}

impl Outgoing {
    fn new(section: usize, group: Group, codec: Codec, rid: Option<&'static str>, frames: Frames) -> Self {
        let track = Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::default()));
        let packetizer = Packetizer::new(codec, rand::random());
        let (ssrc, seq, first_timestamp) = (rand::random(), rand::random(), rand::random());
        let (fill_to, extensions) = (0, Vec::new());
        Self {
            track,
            transceiver: None,
            section,
            group,
            frames,
            codec,
            rid,
            ssrc,
            seq,
            first_timestamp,
            packetizer,
            fill_to,
            extensions,
        }
    }

    fn encoding(&self) -> RTCRtpEncodingParameters {
        RTCRtpEncodingParameters {
            rtp_coding_parameters: RTCRtpCodingParameters {
                rid: self.rid.unwrap_or_default().to_owned(),
                ssrc: Some(self.ssrc),
                ..Default::default()
            },
            active: true,
            codec: codec_parameters(self.codec).rtp_codec,
            ..Default::default()
        }
    }

    /// The RTP packets of a frame that was due at `at`.
    fn packets(&mut self, frame: &fixture::Frame, at: Duration) -> Vec<rtp::Packet> {
        let ticks = (at.as_micros() * u128::from(self.codec.clock_rate()) / 1_000_000) as u32;
        let timestamp = self.first_timestamp.wrapping_add(ticks);
        let filler = self.fill_to.saturating_sub(frame.data.len());
        let payloads = self.packetizer.packetize(&frame.data, filler);
        let last = payloads.len().saturating_sub(1);
        let mut packets = Vec::with_capacity(payloads.len());
        for (n, payload) in payloads.into_iter().enumerate() {
            let mut header = rtp::Header {
                version: 2,
                marker: self.codec != Codec::Opus && n == last,
                payload_type: codec_parameters(self.codec).payload_type,
                sequence_number: self.seq,
                timestamp,
                ssrc: self.ssrc,
                ..Default::default()
            };
            for (id, value) in &self.extensions {
                // Fails only for ids and lengths that no negotiation yields; the relay then misses a hint, not media.
                if let Err(error) = header.set_extension(*id, value.clone()) {
                    debug!(%error, id, "header extension left out");
                }
            }
            self.seq = self.seq.wrapping_add(1);
            packets.push(rtp::Packet { header, payload });
        }
        packets
    }
}

/// Publishes until the connection is lost or `stop` becomes true.
pub(super) async fn publish(
    config: &HostConfig,
    door: &Door,
    status: &watch::Sender<HostStatus>,
    mut stop: watch::Receiver<bool>,
) -> Result<Ended, PublishError> {
    let mut outgoing = streams(config);
    let (state_tx, mut state) = watch::channel(RTCPeerConnectionState::New);
    let (gathered_tx, mut gathered) = watch::channel(false);
    let (engine, registry) = media_engine_and_registry(config)?;
    let building = PeerConnectionBuilder::new()
        .with_media_engine(engine)
        .with_interceptor_registry(registry)
        .with_setting_engine(
            SettingEngineBuilder::new()
                .with_include_loopback_candidate(true)
                .with_ice_timeouts(Some(MEND_WITHIN), Some(MEND_WITHIN * 2), Some(Duration::from_secs(1)))
                .build(),
        )
        .with_handler(Arc::new(Watcher { state: state_tx, gathered: gathered_tx }))
        .with_udp_addrs(vec![SocketAddr::new(own_address(&config.server).await?, 0)])
        .build();
    // Twenty kilobytes of future, needed only for this moment.
    let connection = Box::pin(building).await?;

    // One track a media section, all layers of a picture in one.
    for first in 0..outgoing.len() {
        if first > 0 && outgoing[first].section == outgoing[first - 1].section {
            outgoing[first].track = Arc::clone(&outgoing[first - 1].track);
            let transceiver = outgoing[first - 1].transceiver.clone();
            outgoing[first].transceiver = transceiver;
            continue;
        }
        let codec = outgoing[first].codec;
        let name = format!("nhipcau-{}", outgoing[first].section);
        let kind = if codec == Codec::Opus { RtpCodecKind::Audio } else { RtpCodecKind::Video };
        let encodings: Vec<_> = outgoing
            .iter()
            .filter(|stream| stream.section == outgoing[first].section)
            .map(Outgoing::encoding)
            .collect();
        let track = MediaStreamTrack::new("nhipcau-sim".into(), name.clone(), name, kind, encodings.clone());
        outgoing[first].track = Arc::new(TrackLocalStaticRTP::new(track));
        let send_only = RTCRtpTransceiverInit {
            direction: RTCRtpTransceiverDirection::Sendonly,
            streams: vec!["nhipcau-sim".into()],
            send_encodings: encodings,
        };
        let track = Arc::clone(&outgoing[first].track) as Arc<dyn TrackLocal>;
        let transceiver = connection.add_transceiver_from_track(track, Some(send_only)).await?;
        if codec == Codec::H264 {
            // The library sends only codecs agreed for the first video section: without VP8 there, slides stay silent.
            let both = vec![codec_parameters(Codec::H264), codec_parameters(Codec::Vp8)];
            transceiver.set_codec_preferences(both).await?;
        }
        outgoing[first].transceiver = Some(transceiver);
    }

    let offer = connection.create_offer(None).await?;
    connection.set_local_description(offer).await?;
    let in_time = tokio::time::timeout(CONNECT_WITHIN, gathered.wait_for(|&done| done)).await.is_ok();
    if !in_time {
        return Err(PublishError::TooSlow);
    }
    let offer = connection.local_description().await.map(|description| description.sdp).unwrap_or_default();
    let granted = door.publish(&config.lesson, offer).await?;
    let answer = match config.media_port {
        Some(port) => {
            let server = SocketAddr::new(server_address(&config.server).await?.ip(), port);
            crate::link::redirect_candidates(&granted.sdp, server)
        }
        None => granted.sdp.clone(),
    };
    let outcome = play(&connection, &answer, &mut outgoing, status, &mut state, &mut stop).await;
    // Either may fail when the relay is gone already.
    if let Err(error) = door.end(&granted.location).await {
        debug!(%error, "the session was not there any more");
    }
    if let Err(error) = connection.close().await {
        debug!(%error, "closing the connection");
    }
    outcome
}

async fn play(
    connection: &impl PeerConnection,
    answer: &str,
    outgoing: &mut [Outgoing],
    status: &watch::Sender<HostStatus>,
    state: &mut watch::Receiver<RTCPeerConnectionState>,
    stop: &mut watch::Receiver<bool>,
) -> Result<Ended, PublishError> {
    connection.set_remote_description(RTCSessionDescription::answer(answer.to_owned())?).await?;
    let connected = state.wait_for(|state| *state == RTCPeerConnectionState::Connected);
    if !matches!(tokio::time::timeout(CONNECT_WITHIN, connected).await, Ok(Ok(_))) {
        return Err(PublishError::TooSlow);
    }
    name_streams(outgoing).await?;
    // full: the request is dropped; the relay asks again while it needs a key frame.
    let (requests_tx, mut requests) = mpsc::channel(64);
    for stream in outgoing.iter() {
        let (track, requests) = (Arc::clone(&stream.track), requests_tx.clone());
        if stream.rid.is_none_or(|rid| rid == RIDS[0]) {
            tokio::spawn(forward_keyframe_requests(track, requests));
        }
    }
    drop(requests_tx);
    info!(streams = outgoing.len(), "the lesson is being published");
    status.send_modify(|status| {
        status.playing = true;
        status.connections += 1;
    });

    let mut player = Player::new(outgoing.iter().map(|stream| (stream.group, Arc::clone(&stream.frames))));
    let began = Instant::now();
    let mut reported = began;
    let mut packets = 0;
    loop {
        let next = began + player.next_due().unwrap_or(MEND_WITHIN);
        tokio::select! {
            () = tokio::time::sleep_until(next) => {}
            Some(ssrc) = requests.recv() => {
                if let Some(stream) = outgoing.iter().position(|stream| stream.ssrc == ssrc) {
                    debug!(stream, "the relay asks for a key frame");
                    status.send_modify(|status| status.keyframe_requests += 1);
                    player.request_keyframe(began.elapsed(), stream);
                }
            }
            _ = stop.wait_for(|&stop| stop) => return Ok(Ended::Stopped),
            () = lost(state) => return Ok(Ended::Lost),
        }
        while let Some(Due { stream, frame, at }) = player.pop_due(began.elapsed()) {
            let stream = &mut outgoing[stream];
            for packet in stream.packets(frame, at) {
                stream.track.write_rtp(packet).await?;
                packets += 1;
            }
        }
        if reported.elapsed() > Duration::from_millis(250) {
            reported = Instant::now();
            status.send_modify(|status| status.packets += std::mem::take(&mut packets));
        }
    }
}

/// Resolves when the connection has failed, or was disturbed and did not mend.
async fn lost(state: &mut watch::Receiver<RTCPeerConnectionState>) {
    loop {
        let healthy = |state: &RTCPeerConnectionState| *state == RTCPeerConnectionState::Connected;
        let disturbed = match state.wait_for(|state| !healthy(state)).await {
            Ok(state) => *state,
            Err(_) => return,
        };
        if disturbed != RTCPeerConnectionState::Disconnected {
            return;
        }
        match tokio::time::timeout(MEND_WITHIN, state.wait_for(healthy)).await {
            Ok(Ok(_)) => {}
            _ => return,
        }
    }
}

async fn forward_keyframe_requests(track: Arc<TrackLocalStaticRTP>, requests: mpsc::Sender<u32>) {
    while let Some(event) = track.poll().await {
        let TrackLocalEvent::OnRtcpPacket(packets) = event else { continue };
        for ssrc in packets.iter().flat_map(|packet| requested_ssrcs(packet.as_ref())) {
            if let Err(mpsc::error::TrySendError::Closed(_)) = requests.try_send(ssrc) {
                return;
            }
        }
    }
}

/// The streams to send, in the order of their media sections.
fn streams(config: &HostConfig) -> Vec<Outgoing> {
    let mut streams = Vec::new();
    let mut section = 0;
    if config.voice {
        streams.push(Outgoing::new(section, section, Codec::Opus, None, fixture::voice()));
        section += 1;
    }
    for (layer, frames) in fixture::camera(config.codec).into_iter().enumerate() {
        streams.push(Outgoing::new(section, section, config.codec, Some(RIDS[layer]), frames));
    }
    if let (Some(rate), Some(highest)) = (config.fill_to, streams.last_mut()) {
        highest.fill_to = (rate.as_bps() / u64::from(8 * NUMBERED_FPS)) as usize;
    }
    section += 1;
    if config.slides {
        streams.push(Outgoing::new(section, section, Codec::Vp8, None, fixture::slides()));
    }
    streams
}

/// Gives every stream the header extensions that tell the relay which stream it is (RFC 8843, RFC 8852).
async fn name_streams(outgoing: &mut [Outgoing]) -> Result<(), PublishError> {
    for stream in outgoing {
        let Some(transceiver) = &stream.transceiver else { continue };
        let (Some(mid), Some(sender)) = (transceiver.mid().await?, transceiver.sender().await?) else {
            continue;
        };
        let negotiated = sender.get_parameters().await?.rtp_parameters.header_extensions;
        let mut extensions = Vec::new();
        for (uri, value) in [(MID_URI, Some(mid.as_str())), (RID_URI, stream.rid)] {
            let id =
                negotiated.iter().find(|extension| extension.uri == uri).map(|extension| extension.id as u8);
            if let (Some(id), Some(value)) = (id, value) {
                extensions.push((id, Bytes::copy_from_slice(value.as_bytes())));
            }
        }
        stream.extensions = extensions;
    }
    Ok(())
}

fn codec_parameters(codec: Codec) -> RTCRtpCodecParameters {
    let feedback = |typ: &str, parameter: &str| RTCPFeedback { typ: typ.into(), parameter: parameter.into() };
    let (mime_type, channels, fmtp, payload_type) = match codec {
        Codec::Opus => ("audio/opus", 2, "minptime=10;useinbandfec=1", 111),
        Codec::Vp8 => ("video/VP8", 0, "", 96),
        Codec::H264 => {
            ("video/H264", 0, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f", 102)
        }
    };
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: mime_type.into(),
            clock_rate: codec.clock_rate(),
            channels,
            sdp_fmtp_line: fmtp.into(),
            rtcp_feedback: if codec == Codec::Opus { Vec::new() } else { vec![feedback("ccm", "fir")] },
        },
        payload_type,
    }
}

/// The codecs we offer, and the interceptors that answer NACK, report, and number packets for TWCC.
fn media_engine_and_registry(config: &HostConfig) -> Result<(MediaEngine, Registry), PublishError> {
    /// Behind every interceptor that acts on feedback; the library's own slots end at 13 000.
    const LAST: usize = 14_000;
    let mut engine = MediaEngine::default();
    engine.register_codec(codec_parameters(Codec::Opus), RtpCodecKind::Audio)?;
    engine.register_codec(codec_parameters(Codec::Vp8), RtpCodecKind::Video)?;
    if config.codec == Codec::H264 {
        engine.register_codec(codec_parameters(Codec::H264), RtpCodecKind::Video)?;
    }
    let registry = configure_nack(Registry::new(), &mut engine);
    configure_simulcast_extension_headers(&mut engine)?;
    let registry = configure_rtcp_reports(configure_twcc_sender_only(registry, &mut engine)?);
    Ok((engine, registry.with(LAST.into(), KeyframeRequests::default())))
}

/// Where the server is.
async fn server_address(server: &str) -> Result<SocketAddr, PublishError> {
    let unusable = || PublishError::Address(server.to_owned());
    let authority = server.split_once("://").map_or(server, |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or(authority);
    tokio::net::lookup_host(authority).await.ok().and_then(|mut all| all.next()).ok_or_else(unusable)
}

/// The address of ours that reaches the server.
async fn own_address(server: &str) -> Result<IpAddr, PublishError> {
    let unusable = || PublishError::Address(server.to_owned());
    let remote = server_address(server).await?;
    let any: SocketAddr = if remote.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    // Connecting a UDP socket sends nothing; it asks the routing table.
    let probe = std::net::UdpSocket::bind(any).map_err(|_| unusable())?;
    probe.connect(remote).map_err(|_| unusable())?;
    Ok(probe.local_addr().map_err(|_| unusable())?.ip())
}

struct Watcher {
    state: watch::Sender<RTCPeerConnectionState>,
    gathered: watch::Sender<bool>,
}

#[async_trait]
impl PeerConnectionEventHandler for Watcher {
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.state.send_replace(state);
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_replace(true);
        }
    }
}

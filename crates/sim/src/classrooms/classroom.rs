//! One light classroom: takes datagrams, gives back what a browser would give back, and keeps the record. Owns no socket and no clock.

use super::{
    hall::Glance,
    picture::FirstPicture,
    player::{Piece, Player},
    reception::{Counts, Outcome, Reception},
    summary::Record,
};
use domain::{Codec, MediaKind, Slot, Timestamp};
use std::{net::SocketAddr, time::Duration};
use transport::{
    Feedback, Output, PeerEvent, Received, Remote, RtpIn, RtpRole,
    client::ClientPeer,
    feedback::{Compound, TwccRecorder},
};

/// How often a receiver report leaves (RFC 3550 section 6.2 with the small bandwidths of one classroom).
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// Transport-wide feedback, as often as Chrome sends it on a quiet link.
const TWCC_EVERY: Duration = Duration::from_millis(100);
/// A picture may be missing this long before a key frame is asked for.
const PATIENCE: Duration = Duration::from_millis(400);
/// And is asked for again after this.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// A connected classroom that has neither picture nor sound after this long has failed.
const MEDIA_WITHIN: Duration = Duration::from_secs(5);
/// Joining takes no longer, or it has failed.
const JOIN_WITHIN: Duration = Duration::from_secs(15);

/// One receiver of the lesson.
pub struct Classroom {
    peer: ClientPeer,
    began: Timestamp,
    connected_at: Option<Timestamp>,
    /// One for each slot, from its first packet on.
    streams: [Option<Stream>; Slot::COUNT],
    heard_at: Option<Timestamp>,
    seen_at: Option<Timestamp>,
    twcc: TwccRecorder,
    report_at: Timestamp,
    record: Record,
    over: bool,
    /// What the class hears and sees, where that is asked for.
    player: Option<Player>,
}

struct Stream {
    reception: Reception,
    codec: Codec,
    nack: bool,
    /// The key frame that is waited for, and since when; `None` while the picture is whole.
    awaited: Option<(FirstPicture, Timestamp)>,
    asked_at: Option<Timestamp>,
}

impl Classroom {
    /// A classroom that began to join at `began` and whose peer has taken the relay's answer.
    pub fn new(peer: ClientPeer, began: Timestamp) -> Self {
        Self {
            peer,
            began,
            connected_at: None,
            streams: [const { None }; Slot::COUNT],
            heard_at: None,
            seen_at: None,
            twcc: TwccRecorder::new(TWCC_EVERY),
            report_at: Timestamp::ZERO,
            record: Record::default(),
            over: false,
            player: None,
        }
    }

    /// The same classroom with a loudspeaker and a screen.
    #[must_use]
    pub fn with_player(self) -> Self {
        Self { player: Some(Player::default()), ..self }
    }

    /// Its loudspeaker and screen.
    pub fn player(&mut self) -> Option<&mut Player> {
        self.player.as_mut()
    }

    /// Takes one datagram; what is to be sent goes to `send`.
    pub fn datagram(
        &mut self,
        now: Timestamp,
        from: impl Into<Remote>,
        datagram: &mut [u8],
        send: impl FnMut(SocketAddr, &[u8]),
    ) {
        match self.peer.handle_datagram(now, from, datagram) {
            // The per-packet path: nothing to send before the next tick.
            Received::Rtp(packet) => self.rtp(now, &packet),
            Received::Feedback(news) => {
                for one in news {
                    if let Feedback::SenderReport(info) = one {
                        let mut known = self.streams.iter_mut().flatten();
                        if let Some(stream) = known.find(|stream| stream.reception.ssrc() == info.ssrc) {
                            stream.reception.sender_report(now, &info);
                        }
                    }
                }
            }
            Received::Nothing => self.flush(now, send),
        }
    }

    /// To be called about every 10 ms.
    pub fn tick(&mut self, now: Timestamp, send: impl FnMut(SocketAddr, &[u8])) {
        if self.over {
            return;
        }
        if self.peer.poll_timeout().is_some_and(|due| due <= now) {
            self.peer.handle_timeout(now);
        }
        if let Some(player) = &mut self.player {
            player.play(now);
        }
        if self.connected_at.is_some() {
            self.feed_back(now);
        } else if now.saturating_since(self.began) > JOIN_WITHIN {
            self.fail(format!("not connected within {} s", JOIN_WITHIN.as_secs()));
        }
        self.flush(now, send);
    }

    /// Leaves the lesson and hands out the record.
    pub fn leave(mut self, now: Timestamp, send: impl FnMut(SocketAddr, &[u8])) -> Record {
        if self.connected_at.is_none() {
            self.fail("not connected when the run ended".to_owned());
        }
        let waited = now.saturating_since(self.connected_at.unwrap_or(now));
        if self.record.first_media_ms.is_none() && waited > MEDIA_WITHIN {
            self.fail(format!("no picture or no sound {} s after joining", MEDIA_WITHIN.as_secs()));
        }
        let counts = self.counts();
        self.over = true;
        self.peer.close(now);
        self.flush(now, send);
        Record { counts, ..self.record }
    }

    /// What can be seen of it while it watches.
    pub fn glance(&self) -> Glance {
        Glance {
            connected: usize::from(self.connected_at.is_some() && !self.over),
            watching: usize::from(self.record.first_media_ms.is_some()),
            counts: self.counts(),
        }
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for stream in self.streams.iter().flatten() {
            counts += stream.reception.counts();
        }
        counts
    }

    fn rtp(&mut self, now: Timestamp, packet: &RtpIn<'_>) {
        if let Some(sequence) = packet.transport_sequence {
            self.twcc.record(sequence, now);
        }
        let bytes = packet.packet;
        let (Some(&[_, flags, _, _, t0, t1, t2, t3]), Some(payload)) =
            (bytes.first_chunk::<8>(), bytes.get(packet.header_len..))
        else {
            return;
        };
        let (marker, rtp_timestamp) = (flags & 0x80 != 0, u32::from_be_bytes([t0, t1, t2, t3]));
        let nack = || {
            let section = self.peer.negotiated().and_then(|agreed| agreed.section(packet.slot));
            section.is_some_and(|section| section.feedback.nack)
        };
        let slot = &mut self.streams[packet.slot.index()];
        let (sequence, outcome, media) = match packet.role {
            RtpRole::Media | RtpRole::Red => {
                let stream = slot.get_or_insert_with(|| Stream {
                    reception: Reception::new(packet.ssrc, packet.codec.clock_rate()),
                    codec: packet.codec,
                    nack: nack(),
                    awaited: (packet.slot.kind() == MediaKind::Video).then(|| (FirstPicture::default(), now)),
                    asked_at: None,
                });
                let outcome = stream.reception.media(now, packet.index, rtp_timestamp, bytes.len());
                (packet.index, outcome, payload)
            }
            RtpRole::Repair { .. } => {
                let (Some(stream), Some((original, media))) =
                    (slot.as_mut(), payload.split_first_chunk::<2>())
                else {
                    return;
                };
                let (sequence, outcome) = stream.reception.repair(u16::from_be_bytes(*original), bytes.len());
                (sequence, outcome, media)
            }
            RtpRole::Probe => {
                if let Some(stream) = slot.as_mut().filter(|stream| stream.reception.ssrc() == packet.ssrc) {
                    stream.reception.media(now, packet.index, rtp_timestamp, bytes.len());
                    if let Some(player) = &mut self.player {
                        let (sequence, media) = (packet.index, &[][..]);
                        let (red, first_hand) = (false, true);
                        let piece = Piece { sequence, rtp_timestamp, marker, red, first_hand, media };
                        player.take(now, packet.slot, &piece);
                    }
                }
                return;
            }
        };
        if outcome == Outcome::Useless {
            return;
        }
        if let Some(player) = &mut self.player {
            let first_hand = outcome == Outcome::New;
            let red = packet.role == RtpRole::Red;
            player.take(now, packet.slot, &Piece { sequence, rtp_timestamp, marker, red, first_hand, media });
        }
        let Some(stream) = slot else { return };
        if packet.slot == Slot::ProgramAudio && self.heard_at.is_none() {
            self.heard_at = Some(now);
        }
        if let Some((picture, _)) = &mut stream.awaited
            && picture.is_completed_by(stream.codec, sequence, rtp_timestamp, marker, media)
        {
            stream.awaited = None;
            if packet.slot == Slot::ProgramVideo && self.seen_at.is_none() {
                self.seen_at = Some(now);
            }
        }
        if let (None, Some(heard), Some(seen)) = (self.record.first_media_ms, self.heard_at, self.seen_at) {
            self.record.first_media_ms = Some(millis(heard.max(seen).saturating_since(self.began)));
        }
    }

    /// Receiver reports, NACK, PLI and transport-wide feedback that are due, as one compound.
    fn feed_back(&mut self, now: Timestamp) {
        let Some(agreed) = self.peer.negotiated() else { return };
        let (ours, cname) = (agreed.rtcp_ssrc, agreed.cname.clone());
        let Some(any_ssrc) = self.streams.iter().flatten().map(|stream| stream.reception.ssrc()).next()
        else {
            return;
        };
        let mut rest = Compound::new();
        for stream in self.streams.iter_mut().flatten() {
            let ssrc = stream.reception.ssrc();
            if !stream.reception.is_whole() {
                let (ask, given_up) = stream.reception.poll_nack(now, stream.nack);
                rest = rest.nack(ours, ssrc, &ask);
                if given_up > 0 && stream.codec.kind() == MediaKind::Video {
                    // What follows cannot be decoded until the next key frame.
                    stream.awaited.get_or_insert_with(|| (FirstPicture::default(), now));
                }
            }
            let impatient =
                stream.awaited.as_ref().is_some_and(|(_, since)| now.saturating_since(*since) > PATIENCE);
            let asked_long_ago = stream.asked_at.is_none_or(|at| now.saturating_since(at) > ASK_AGAIN);
            if impatient && asked_long_ago {
                stream.asked_at = Some(now);
                self.record.plis += 1;
                rest = rest.pli(ours, ssrc);
            }
        }
        rest = self.twcc.report(now, ours, any_ssrc, rest);
        let report_due = self.report_at <= now;
        if rest.is_empty() && !report_due {
            return;
        }
        let mut blocks = Vec::new();
        if report_due {
            self.report_at = now + REPORT_EVERY;
            blocks
                .extend(self.streams.iter_mut().flatten().filter_map(|stream| stream.reception.report(now)));
        }
        let mut compound = Compound::new().receiver_report(ours, &blocks).cname(ours, &cname).finish();
        compound.extend(rest.finish());
        self.peer.send_rtcp(&compound);
    }

    fn flush(&mut self, now: Timestamp, mut send: impl FnMut(SocketAddr, &[u8])) {
        while let Some(output) = self.peer.poll_output() {
            match output {
                Output::Transmit { to, bytes } => send(to.addr, &bytes),
                Output::Event(PeerEvent::Connected) => {
                    self.connected_at = Some(now);
                    self.report_at = now + REPORT_EVERY;
                    self.record.join_ms = Some(millis(now.saturating_since(self.began)));
                }
                Output::Event(PeerEvent::Closed(reason)) => {
                    if !self.over {
                        self.fail(format!("connection closed: {}", reason.code()));
                    }
                }
                Output::Event(PeerEvent::AddressChanged { .. }) => {}
            }
        }
    }

    fn fail(&mut self, why: String) {
        self.record.failure.get_or_insert(why);
        self.over = true;
    }
}

fn millis(span: Duration) -> f64 {
    span.as_micros() as f64 / 1_000.0
}

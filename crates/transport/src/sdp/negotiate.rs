//! Deciding which sections, codecs, extensions and feedback of an offer are taken.

use super::offer::{OfferedSection, Payload, RemoteTransport, layers_lowest_first};
use super::{
    Direction, ExtensionIds, Negotiated, NegotiatedCodec, NegotiatedFeedback, Offer, OfferError, Section,
    SendStreams,
};
use crate::{PeerSecrets, StreamIndex};
use domain::{Codec, Layer, MediaKind, Slot};

/// An offer's fate: what the workers use, and what the answer's writer needs beside it.
#[derive(Debug)]
pub(crate) struct Agreed<'a> {
    pub(crate) negotiated: Negotiated,
    /// One per section of the offer; `None` is refused.
    pub(crate) sections: Vec<Option<AgreedSection<'a>>>,
    /// The section whose transport everything uses (RFC 8843 section 7.3.1), an index into the offer's sections.
    pub(crate) tagged: usize,
    pub(crate) transport: RemoteTransport,
}

#[derive(Debug)]
pub(crate) struct AgreedSection<'a> {
    /// Index into [`Negotiated::sections`].
    pub(crate) index: usize,
    /// Payload types of the answer in its order, with the text to echo.
    pub(crate) payloads: Vec<AgreedPayload<'a>>,
    pub(crate) extensions: Vec<(u8, &'a str)>,
}

#[derive(Debug)]
pub(crate) struct AgreedPayload<'a> {
    pub(crate) payload_type: u8,
    pub(crate) encoding: &'a str,
    pub(crate) parameters: String,
    pub(crate) feedback: Vec<&'a str>,
}

/// Matches an offer with what we carry.
///
/// # Errors
/// [`OfferError::Unsupported`] naming the first section's trouble when nothing can be taken; what is missing for transport.
pub(crate) fn negotiate<'a>(
    offer: &Offer<'a>,
    direction: Direction,
    secrets: &PeerSecrets,
) -> Result<Agreed<'a>, OfferError> {
    if offer.ice_lite {
        return Err(OfferError::Unsupported(
            "both sides are ICE-lite, so neither would begin checks".to_owned(),
        ));
    }
    agree(offer, direction, secrets)
}

/// Our client's side: reads a relay's answer as an offer of what the relay does, which after the client's own complete offer says the
/// same. `direction` is the relay's: [`Direction::PUBLISH`] for a player.
///
/// # Errors
/// [`OfferError`] when the relay took nothing.
pub(crate) fn negotiate_answer<'a>(
    answer: &Offer<'a>,
    direction: Direction,
    secrets: &PeerSecrets,
) -> Result<Agreed<'a>, OfferError> {
    agree(answer, direction, secrets)
}

fn agree<'a>(
    offer: &Offer<'a>,
    direction: Direction,
    secrets: &PeerSecrets,
) -> Result<Agreed<'a>, OfferError> {
    if offer.bundle.is_none() && offer.sections.len() > 1 {
        return Err(OfferError::Unsupported(format!(
            "{} media sections without a=group:BUNDLE; we carry everything on one transport",
            offer.sections.len()
        )));
    }
    let mut taken = Taken {
        negotiated: Vec::new(),
        slots: SlotFiller::new(direction),
        ssrcs: Ssrcs::new(offer, secrets),
    };
    let mut sections = Vec::with_capacity(offer.sections.len());
    let mut first_trouble = None;
    for section in &offer.sections {
        match taken.take(offer, section, direction) {
            Ok(agreed) => sections.push(Some(agreed)),
            Err(trouble) => {
                first_trouble.get_or_insert_with(|| {
                    format!("media section {} ({}): {trouble}", section.number, section.raw_media)
                });
                sections.push(None);
            }
        }
    }
    let tagged = tagged_section(offer, &sections).ok_or_else(|| {
        OfferError::Unsupported(first_trouble.unwrap_or_else(|| "nothing in the BUNDLE group".to_owned()))
    })?;
    let transport = offer
        .sections
        .get(tagged)
        .map_or_else(|| Err(OfferError::Malformed(String::new())), |section| offer.transport(section))?;
    let rtcp_ssrc = match taken.negotiated.iter().find_map(|section| section.send) {
        Some(streams) => streams.ssrc,
        None => taken.ssrcs.next(),
    };
    let negotiated = Negotiated { direction, sections: taken.negotiated, rtcp_ssrc, cname: secrets.cname() };
    Ok(Agreed { negotiated, sections, tagged, transport })
}

/// The first accepted mid in the BUNDLE group's own order; without a group the only accepted section.
fn tagged_section(offer: &Offer<'_>, sections: &[Option<AgreedSection<'_>>]) -> Option<usize> {
    let accepted = |at: &usize| sections.get(*at).is_some_and(Option::is_some);
    match &offer.bundle {
        Some(mids) => mids
            .iter()
            .filter_map(|&mid| offer.sections.iter().position(|section| section.mid == Some(mid)))
            .find(|at| accepted(at)),
        None => (0..sections.len()).find(accepted),
    }
}

/// Hands out slots in the order of an offer's sections.
struct SlotFiller {
    audio: usize,
    video: usize,
}

impl SlotFiller {
    fn new(direction: Direction) -> Self {
        let first = match direction {
            Direction::Publish { first_slot, .. } => first_slot,
            Direction::Play => Slot::ProgramVideo,
        };
        match first {
            Slot::ProgramAudio | Slot::ProgramVideo => Self { audio: 0, video: 0 },
            Slot::ExtraAudio | Slot::SlidesVideo => Self { audio: 1, video: 1 },
            Slot::ExtraVideo => Self { audio: 1, video: 2 },
        }
    }

    fn peek(&self, kind: MediaKind) -> Option<Slot> {
        Slot::nth(kind, if kind == MediaKind::Audio { self.audio } else { self.video })
    }

    fn advance(&mut self, kind: MediaKind) {
        match kind {
            MediaKind::Audio => self.audio += 1,
            MediaKind::Video => self.video += 1,
        }
    }
}

/// Hands out SSRCs of ours that differ from each other and from all the offer names.
struct Ssrcs<'s> {
    secrets: &'s PeerSecrets,
    drawn: u32,
    used: Vec<u32>,
}

impl<'s> Ssrcs<'s> {
    fn new(offer: &Offer<'_>, secrets: &'s PeerSecrets) -> Self {
        let sources = offer.sections.iter().flat_map(|section| &section.sources);
        let used = sources.flat_map(|source| [Some(source.media), source.rtx]).flatten().collect();
        Self { secrets, drawn: 0, used }
    }

    fn next(&mut self) -> u32 {
        loop {
            let ssrc = self.secrets.ssrc(self.drawn);
            self.drawn += 1;
            if !self.used.contains(&ssrc) {
                self.used.push(ssrc);
                return ssrc;
            }
        }
    }
}

struct Taken<'s> {
    negotiated: Vec<Section>,
    slots: SlotFiller,
    ssrcs: Ssrcs<'s>,
}

impl Taken<'_> {
    /// Takes one section, or says why not.
    fn take<'a>(
        &mut self,
        offer: &Offer<'a>,
        offered: &OfferedSection<'a>,
        direction: Direction,
    ) -> Result<AgreedSection<'a>, String> {
        let kind = offered.kind.ok_or("only audio and video are carried")?;
        if offered.disabled {
            return Err("port 0".to_owned());
        }
        if !offered.protocol.ends_with("RTP/SAVPF") && !offered.protocol.ends_with("RTP/SAVP") {
            return Err(format!("{} is not SRTP over DTLS", offered.protocol));
        }
        if offer.bundle.is_some() && !offered.bundled {
            return Err("not in the BUNDLE group".to_owned());
        }
        match direction {
            Direction::Publish { .. } if !offered.sends => {
                return Err("a publisher's section must send".to_owned());
            }
            Direction::Play if !offered.receives => return Err("a player's section must receive".to_owned()),
            _ => {}
        }
        if !offered.rtcp_mux {
            return Err("no a=rtcp-mux, and we have one port".to_owned());
        }
        let slot = self.slots.peek(kind).ok_or("all slots of this kind are taken")?;
        let chosen = choose_payloads(offered, kind, direction).ok_or(match kind {
            MediaKind::Audio => "no opus/48000/2",
            MediaKind::Video => "neither VP8 nor H.264 with packetization-mode 1",
        })?;
        self.slots.advance(kind);
        let (ids, extensions) = choose_extensions(offered, direction);
        let rids = if ids.rid.is_some() && direction != Direction::Play {
            layers_of(&offered.send_rids)
        } else {
            Vec::new()
        };
        let has_rtx = chosen.codecs.iter().any(|codec| codec.rtx_payload_type.is_some());
        let send = (direction == Direction::Play).then(|| self.send_streams(has_rtx));
        let index = self.negotiated.len();
        self.negotiated.push(Section {
            slot,
            mid: offered.mid.map(ToOwned::to_owned),
            codecs: chosen.codecs,
            red: chosen.red,
            extensions: ids,
            feedback: chosen.feedback,
            sources: if direction == Direction::Play { Vec::new() } else { offered.sources.clone() },
            rids,
            send,
        });
        Ok(AgreedSection { index, payloads: chosen.payloads, extensions })
    }

    fn send_streams(&mut self, has_rtx: bool) -> SendStreams {
        let streams = self.negotiated.iter().filter_map(|section| section.send);
        let used = streams.map(|streams| 1 + u8::from(streams.rtx_ssrc.is_some())).sum();
        SendStreams {
            ssrc: self.ssrcs.next(),
            stream: StreamIndex(used),
            rtx_ssrc: has_rtx.then(|| self.ssrcs.next()),
            rtx_stream: has_rtx.then_some(StreamIndex(used + 1)),
        }
    }
}

struct Chosen<'a> {
    codecs: Vec<NegotiatedCodec>,
    red: Option<u8>,
    payloads: Vec<AgreedPayload<'a>>,
    feedback: NegotiatedFeedback,
}

/// The payload types to answer with; `None` when no codec is shared.
fn choose_payloads<'a>(
    offered: &OfferedSection<'a>,
    kind: MediaKind,
    direction: Direction,
) -> Option<Chosen<'a>> {
    let mut found: Vec<(Codec, &Payload<'a>)> = match kind {
        MediaKind::Audio => offered
            .payloads
            .iter()
            .find(|payload| payload.is("opus/48000/2"))
            .map(|opus| (Codec::Opus, opus))
            .into_iter()
            .collect(),
        MediaKind::Video => {
            let vp8 =
                offered.payloads.iter().find(|payload| payload.is("VP8/90000")).map(|vp8| (Codec::Vp8, vp8));
            let h264 = best_h264(&offered.payloads, direction).map(|h264| (Codec::H264, h264));
            vp8.into_iter().chain(h264).collect()
        }
    };
    let place = |wanted: &Payload<'a>| {
        offered.payloads.iter().position(|payload| payload.payload_type == wanted.payload_type)
    };
    found.sort_by_key(|(_, payload)| place(payload));
    if let Direction::Publish { prefer: Some(prefer), .. } = direction {
        found.sort_by_key(|(codec, _)| *codec != prefer);
    }
    if found.is_empty() {
        return None;
    }
    let mut chosen = Chosen {
        codecs: Vec::new(),
        red: None,
        payloads: Vec::new(),
        feedback: NegotiatedFeedback::default(),
    };
    for (codec, payload) in found {
        let rtx = offered.payloads.iter().find(|rtx| {
            let repairs = rtx.parameter("apt").and_then(|apt| apt.parse().ok());
            kind == MediaKind::Video && rtx.is("rtx/90000") && repairs == Some(payload.payload_type)
        });
        chosen.codecs.push(NegotiatedCodec {
            codec,
            payload_type: payload.payload_type,
            rtx_payload_type: rtx.map(|rtx| rtx.payload_type),
        });
        let feedback = choose_feedback(payload, kind, direction, &mut chosen.feedback);
        let parameters = if codec == Codec::Opus {
            opus_parameters(payload, direction)
        } else {
            payload.parameters.to_owned()
        };
        chosen.payloads.push(AgreedPayload {
            payload_type: payload.payload_type,
            encoding: payload.encoding,
            parameters,
            feedback,
        });
        if let Some(rtx) = rtx {
            let parameters = rtx.parameters.to_owned();
            chosen.payloads.push(AgreedPayload {
                payload_type: rtx.payload_type,
                encoding: rtx.encoding,
                parameters,
                feedback: Vec::new(),
            });
        }
    }
    if kind == MediaKind::Audio
        && let Some(opus) = chosen.codecs.first().map(|codec| codec.payload_type)
        && let Some(red) = offered.payloads.iter().find(|red| red.is("red/48000/2") && wraps(red, opus))
    {
        chosen.red = Some(red.payload_type);
        let red = AgreedPayload {
            payload_type: red.payload_type,
            encoding: red.encoding,
            parameters: red.parameters.to_owned(),
            feedback: Vec::new(),
        };
        // A browser sends the answer's first codec: from a publisher RED is wanted, to a player it depends on the loss.
        let at = if direction == Direction::Play { chosen.payloads.len() } else { 0 };
        chosen.payloads.insert(at, red);
    }
    Some(chosen)
}

/// Whether a RED payload type wraps `opus` only (`a=fmtp:63 111/111`); without parameters (RFC 2198) it may hold anything.
fn wraps(red: &Payload<'_>, opus: u8) -> bool {
    red.parameters.is_empty() || red.parameters.split('/').all(|inner| inner.trim().parse() == Ok(opus))
}

/// RFC 7587 section 7: the offer's own parameters (stereo and so on), always with in-band FEC where we are who receives.
fn opus_parameters(opus: &Payload<'_>, direction: Direction) -> String {
    let mut parameters: Vec<&str> =
        opus.parameters.split(';').map(str::trim).filter(|pair| !pair.is_empty()).collect();
    if direction != Direction::Play {
        parameters.retain(|pair| !pair.starts_with("useinbandfec"));
        parameters.push("useinbandfec=1");
        if opus.parameter("minptime").is_none() {
            parameters.insert(0, "minptime=10");
        }
    }
    parameters.join(";")
}

/// Constrained baseline first, then baseline, then any profile, all with packetization mode 1.
/// A publisher may also bring mode 0: single NAL units are legal in mode 1, so every player can take them.
fn best_h264<'o, 'a>(payloads: &'o [Payload<'a>], direction: Direction) -> Option<&'o Payload<'a>> {
    let rank = |payload: &Payload<'_>| {
        let mode = payload.parameter("packetization-mode").unwrap_or("0");
        let profile = payload.parameter("profile-level-id").unwrap_or("42000a").to_ascii_lowercase();
        let constraints = profile.get(2..4).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(0);
        match (mode, profile.get(..2)) {
            ("1", Some("42")) if constraints & 0x40 != 0 => Some(0),
            ("1", Some("42")) => Some(1),
            ("1", _) => Some(2),
            ("0", _) if direction != Direction::Play => Some(3),
            _ => None,
        }
    };
    let h264 = payloads.iter().filter(|payload| payload.is("H264/90000"));
    h264.filter_map(|payload| rank(payload).map(|rank| (rank, payload)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, payload)| payload)
}

fn choose_feedback<'a>(
    payload: &Payload<'a>,
    kind: MediaKind,
    direction: Direction,
    agreed: &mut NegotiatedFeedback,
) -> Vec<&'a str> {
    let mut lines = Vec::new();
    for &offered in &payload.feedback {
        let known = match (offered, kind) {
            ("nack", _) => &mut agreed.nack,
            ("transport-cc", _) => &mut agreed.transport_cc,
            ("nack pli", MediaKind::Video) => &mut agreed.pli,
            ("ccm fir", MediaKind::Video) => &mut agreed.fir,
            ("goog-remb", MediaKind::Video) => &mut agreed.remb,
            _ => continue,
        };
        *known = true;
        if !lines.contains(&offered) {
            lines.push(offered);
        }
    }
    if kind == MediaKind::Audio && direction == Direction::Play && !agreed.nack {
        // Chromium does not offer it for audio but obeys it; Firefox ignores it. With a longer playout it repairs almost all loss.
        agreed.nack = true;
        lines.push("nack");
    }
    lines
}

/// What we know of header extensions, by URI.
fn slot_of<'i>(ids: &'i mut ExtensionIds, uri: &str, direction: Direction) -> Option<&'i mut Option<u8>> {
    let publish = direction != Direction::Play;
    match uri {
        "urn:ietf:params:rtp-hdrext:sdes:mid" => Some(&mut ids.mid),
        "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id" if publish => Some(&mut ids.rid),
        "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id" if publish => Some(&mut ids.repaired_rid),
        "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01" => {
            Some(&mut ids.transport_cc)
        }
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time" => Some(&mut ids.abs_send_time),
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time" => Some(&mut ids.abs_capture_time),
        "urn:ietf:params:rtp-hdrext:ssrc-audio-level" => Some(&mut ids.audio_level),
        "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay" if !publish => {
            Some(&mut ids.playout_delay)
        }
        _ => None,
    }
}

fn choose_extensions<'a>(
    offered: &OfferedSection<'a>,
    direction: Direction,
) -> (ExtensionIds, Vec<(u8, &'a str)>) {
    let mut ids = ExtensionIds::default();
    let mut lines = Vec::new();
    for &(id, uri) in &offered.extensions {
        if let Some(slot) = slot_of(&mut ids, uri, direction) {
            *slot = Some(id);
            lines.push((id, uri));
        }
    }
    (ids, lines)
}

/// Which layer each rid is. Names that mean a size are taken at their word, else the order counts, lowest first.
/// Of more than three the first three are taken.
fn layers_of(rids: &[&str]) -> Vec<(String, Layer)> {
    let rids = rids.get(..Layer::COUNT).unwrap_or(rids);
    // `h` is "half" beside q(uarter) and f(ull), "high" beside l(ow) and m(id).
    let halves = rids.iter().any(|rid| matches!(*rid, "q" | "f"));
    let named = |rid: &str| match rid {
        "q" | "l" | "low" => Some(Layer::Low),
        "h" if halves => Some(Layer::Mid),
        "m" | "mid" | "medium" => Some(Layer::Mid),
        "f" | "h" | "hi" | "high" => Some(Layer::High),
        _ => None,
    };
    let by_name: Vec<_> = rids.iter().filter_map(|rid| named(rid)).collect();
    let distinct = by_name.iter().enumerate().all(|(at, layer)| !by_name[..at].contains(layer));
    let layers =
        if by_name.len() == rids.len() && distinct { &by_name[..] } else { layers_lowest_first(rids.len()) };
    rids.iter().zip(layers).map(|(rid, layer)| ((*rid).to_owned(), *layer)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rids_are_layers_by_name_or_by_order() {
        let check = |rids: &[&str], expected: &[Layer]| {
            let layers: Vec<_> = layers_of(rids).into_iter().map(|(_, layer)| layer).collect();
            assert_eq!(layers, expected, "{rids:?}");
        };
        check(&["q", "h", "f"], &[Layer::Low, Layer::Mid, Layer::High]);
        check(&["f", "h", "q"], &[Layer::High, Layer::Mid, Layer::Low]);
        check(&["h", "m", "l"], &[Layer::High, Layer::Mid, Layer::Low]);
        check(&["0", "1", "2", "3"], &[Layer::Low, Layer::Mid, Layer::High]);
        check(&["a", "b"], &[Layer::Mid, Layer::High]);
        check(&["only"], &[Layer::High]);
        check(&["high", "hi"], &[Layer::Mid, Layer::High]);
    }
}

//! Writing answers.

use super::negotiate::{Agreed, AgreedSection};
use super::offer::SetUp;
use super::{Direction, Offer, Section};
use crate::endpoint::Shared;
use crate::{Candidate, PeerSecrets, Protocol};
use domain::Slot;
use std::fmt::Write as _;
use std::net::SocketAddr;

/// The answer to an offer (RFC 8829 section 5.3, RFC 8843, RFC 9725 section 4.4): ICE-lite, every candidate in it.
pub(crate) fn write_answer(
    offer: &Offer<'_>,
    agreed: &Agreed<'_>,
    shared: &Shared,
    secrets: &PeerSecrets,
) -> String {
    let mut sdp = Writer(String::with_capacity(8 * 1024));
    sdp.line(format_args!("v=0"));
    sdp.line(format_args!("o=- {} 2 IN IP4 127.0.0.1", secrets.session_id()));
    sdp.line(format_args!("s=-"));
    sdp.line(format_args!("t=0 0"));
    sdp.line(format_args!("a=ice-lite"));
    if let Some(bundle) = &offer.bundle {
        let mids: Vec<_> = bundle.iter().copied().filter(|mid| accepted_mid(offer, agreed, mid)).collect();
        sdp.line(format_args!("a=group:BUNDLE {}", mids.join(" ")));
    }
    if offer.allow_mixed {
        sdp.line(format_args!("a=extmap-allow-mixed"));
    }
    if agreed.negotiated.direction == Direction::Play {
        sdp.line(format_args!("a=msid-semantic: WMS *"));
    }
    for (number, (offered, taken)) in offer.sections.iter().zip(&agreed.sections).enumerate() {
        let section =
            taken.as_ref().and_then(|taken| Some((taken, agreed.negotiated.sections.get(taken.index)?)));
        let Some((taken, section)) = section else {
            sdp.line(format_args!("m={} 0 {} {}", offered.raw_media, offered.protocol, offered.formats));
            sdp.line(format_args!("c=IN IP4 0.0.0.0"));
            if let Some(mid) = offered.mid {
                sdp.line(format_args!("a=mid:{mid}"));
            }
            sdp.line(format_args!("a=inactive"));
            continue;
        };
        let payloads: Vec<_> =
            taken.payloads.iter().map(|payload| payload.payload_type.to_string()).collect();
        // RFC 8839 section 4.2.1.2: the default destination is a candidate.
        let default =
            shared.candidates.first().map_or_else(|| SocketAddr::from(([0, 0, 0, 0], 9)), |first| first.addr);
        sdp.line(format_args!(
            "m={} {} {} {}",
            offered.raw_media,
            default.port(),
            offered.protocol,
            payloads.join(" ")
        ));
        sdp.line(format_args!("c=IN {} {}", if default.is_ipv4() { "IP4" } else { "IP6" }, default.ip()));
        if let Some(mid) = offered.mid {
            sdp.line(format_args!("a=mid:{mid}"));
        }
        write_transport(&mut sdp, agreed, shared, secrets, number == agreed.tagged);
        let direction = if agreed.negotiated.direction == Direction::Play { "sendonly" } else { "recvonly" };
        sdp.line(format_args!("a={direction}"));
        sdp.line(format_args!("a=rtcp-mux"));
        if offered.rtcp_rsize {
            sdp.line(format_args!("a=rtcp-rsize"));
        }
        write_media(&mut sdp, taken, section);
        if let Some(streams) = &section.send {
            let track = format!("{} {}", stream_name(section.slot), track_name(section.slot));
            sdp.line(format_args!("a=msid:{track}"));
            if let Some(rtx) = streams.rtx_ssrc {
                sdp.line(format_args!("a=ssrc-group:FID {} {rtx}", streams.ssrc));
            }
            for ssrc in [Some(streams.ssrc), streams.rtx_ssrc].into_iter().flatten() {
                sdp.line(format_args!("a=ssrc:{ssrc} cname:{}", agreed.negotiated.cname));
                sdp.line(format_args!("a=ssrc:{ssrc} msid:{track}"));
            }
        }
    }
    sdp.0
}

fn accepted_mid(offer: &Offer<'_>, agreed: &Agreed<'_>, mid: &str) -> bool {
    offer
        .sections
        .iter()
        .zip(&agreed.sections)
        .any(|(offered, taken)| taken.is_some() && offered.mid == Some(mid))
}

fn write_transport(
    sdp: &mut Writer,
    agreed: &Agreed<'_>,
    shared: &Shared,
    secrets: &PeerSecrets,
    tagged: bool,
) {
    let set_up = if agreed.transport.set_up == SetUp::Passive { "active" } else { "passive" };
    sdp.line(format_args!("a=ice-ufrag:{}", secrets.ufrag()));
    sdp.line(format_args!("a=ice-pwd:{}", secrets.password()));
    sdp.line(format_args!("a=fingerprint:{}", shared.identity.fingerprint()));
    sdp.line(format_args!("a=setup:{set_up}"));
    // Bundled sections share the tagged one's candidates (RFC 8843 section 7.1.3).
    if tagged {
        write_candidates(&mut sdp.0, &shared.candidates);
    }
}

/// Host candidates over UDP and, below all of them, over TCP (RFC 8839 section 5.1, RFC 6544 section 4.5), the first of each the most
/// preferred, and the end of them.
pub(super) fn write_candidates(sdp: &mut String, candidates: &[Candidate]) {
    for (n, Candidate { addr, protocol }) in candidates.iter().enumerate() {
        let rank = n as u32;
        let (transport, preference, kind) = match protocol {
            // RFC 8445 section 5.1.2.1: type preference 126 for host, then the local preference, component 1.
            Protocol::Udp => ("udp", 126 << 24 | 65_535u32.saturating_sub(rank) << 8 | 255, ""),
            // RFC 6544 section 4.2: a lower type preference (90, as browsers use it), then direction preference 4 for passive.
            Protocol::Tcp => {
                let local = 4 << 13 | 8_191u32.saturating_sub(rank);
                ("tcp", 90 << 24 | local << 8 | 255, " tcptype passive")
            }
        };
        // Writing into a String does not fail.
        let _ = write!(
            sdp,
            "a=candidate:{} 1 {transport} {preference} {} {} typ host{kind}\r\n",
            n + 1,
            addr.ip(),
            addr.port()
        );
    }
    sdp.push_str("a=end-of-candidates\r\n");
}

fn write_media(sdp: &mut Writer, taken: &AgreedSection<'_>, section: &Section) {
    for (id, uri) in &taken.extensions {
        sdp.line(format_args!("a=extmap:{id} {uri}"));
    }
    for payload in &taken.payloads {
        let payload_type = payload.payload_type;
        sdp.line(format_args!("a=rtpmap:{payload_type} {}", payload.encoding));
        for feedback in &payload.feedback {
            sdp.line(format_args!("a=rtcp-fb:{payload_type} {feedback}"));
        }
        if !payload.parameters.is_empty() {
            sdp.line(format_args!("a=fmtp:{payload_type} {}", payload.parameters));
        }
    }
    if !section.rids.is_empty() {
        let rids: Vec<_> = section.rids.iter().map(|(rid, _)| rid.as_str()).collect();
        for rid in &rids {
            sdp.line(format_args!("a=rid:{rid} recv"));
        }
        sdp.line(format_args!("a=simulcast:recv {}", rids.join(";")));
    }
}

/// Tracks of one stream play in sync: the host's voice with her picture, a speaking class's voice with its picture.
fn stream_name(slot: Slot) -> &'static str {
    match slot {
        Slot::ProgramAudio | Slot::ProgramVideo => "program",
        Slot::SlidesVideo => "slides",
        Slot::ExtraAudio | Slot::ExtraVideo => "extra",
    }
}

fn track_name(slot: Slot) -> &'static str {
    match slot {
        Slot::ProgramAudio => "program_audio",
        Slot::ExtraAudio => "extra_audio",
        Slot::ProgramVideo => "program_video",
        Slot::SlidesVideo => "slides_video",
        Slot::ExtraVideo => "extra_video",
    }
}

struct Writer(String);

impl Writer {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing into a String does not fail.
        let _ = self.0.write_fmt(line);
        self.0.push_str("\r\n");
    }
}

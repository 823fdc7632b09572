//! Sorting a publisher's packets by slot and layer: whose SSRC is this?

use crate::peer::RtpRole;
use crate::rtp::RtpView;
use crate::sdp::{Negotiated, Section};
use domain::{Codec, Layer, Slot};

/// SSRCs remembered; the same bound as for the opener's replay windows, which refuses further ones first.
const MAX_ROUTES: usize = 64;

#[derive(Debug, Clone, Copy)]
struct Route {
    ssrc: u32,
    /// Index into [`Negotiated::sections`].
    section: usize,
    layer: Layer,
    repair: bool,
}

/// Where a packet belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Routed {
    pub(crate) slot: Slot,
    pub(crate) layer: Layer,
    pub(crate) codec: Codec,
    pub(crate) role: RtpRole,
    pub(crate) transport_sequence: Option<u16>,
}

/// Learns SSRCs from the offer, from mid and rid extensions, and last from payload types (RFC 8843 section 9.2, RFC 8852).
#[derive(Debug, Default)]
pub(crate) struct Router {
    routes: Vec<Route>,
}

impl Router {
    pub(crate) fn new(negotiated: &Negotiated) -> Self {
        let mut routes = Vec::new();
        for (at, section) in negotiated.sections.iter().enumerate() {
            for source in &section.sources {
                routes.push(Route { ssrc: source.media, section: at, layer: source.layer, repair: false });
                routes.extend(source.rtx.map(|ssrc| Route {
                    ssrc,
                    section: at,
                    layer: source.layer,
                    repair: true,
                }));
            }
        }
        routes.truncate(MAX_ROUTES);
        Self { routes }
    }

    /// `None` when the packet fits nothing that was negotiated, or nothing tells yet which layer it is.
    pub(crate) fn route(&mut self, negotiated: &Negotiated, packet: &RtpView<'_>) -> Option<Routed> {
        let known = self.routes.iter().find(|route| route.ssrc == packet.ssrc).copied();
        let route = match known {
            Some(route) => route,
            None => self.learn(negotiated, packet)?,
        };
        let section = negotiated.sections.get(route.section)?;
        let (codec, kind) = kind_of(section, packet.payload_type)?;
        let role = match kind {
            Kind::Media => RtpRole::Media,
            Kind::Red => RtpRole::Red,
            Kind::Repair { payload_type } => {
                let media = self.routes.iter().find(|other| {
                    !other.repair && other.section == route.section && other.layer == route.layer
                });
                RtpRole::Repair { repairs: media.map(|media| media.ssrc), payload_type }
            }
        };
        let sequence = section.extensions.transport_cc.and_then(|id| packet.extension(id));
        let transport_sequence =
            sequence.and_then(|value| value.first_chunk().copied()).map(u16::from_be_bytes);
        Some(Routed { slot: section.slot, layer: route.layer, codec, role, transport_sequence })
    }

    fn learn(&mut self, negotiated: &Negotiated, packet: &RtpView<'_>) -> Option<Route> {
        if self.routes.len() >= MAX_ROUTES {
            return None;
        }
        let (at, section) = section_of(negotiated, packet)?;
        let repair = matches!(kind_of(section, packet.payload_type)?.1, Kind::Repair { .. });
        let layer = if section.rids.is_empty() {
            Layer::High
        } else {
            let ids = &section.extensions;
            let named = |id: Option<u8>| id.and_then(|id| packet.extension(id));
            let rid = named(ids.rid).or_else(|| named(ids.repaired_rid))?;
            section.rids.iter().find(|(known, _)| known.as_bytes() == rid).map(|(_, layer)| *layer)?
        };
        let route = Route { ssrc: packet.ssrc, section: at, layer, repair };
        // An encoder that restarted speaks with a new SSRC: the newest is what its repairs repair.
        self.routes.insert(0, route);
        Some(route)
    }
}

/// By mid; without one, by the only section that has this payload type.
fn section_of<'n>(negotiated: &'n Negotiated, packet: &RtpView<'_>) -> Option<(usize, &'n Section)> {
    let sections = || negotiated.sections.iter().enumerate();
    let by_mid = sections().find(|(_, section)| {
        let value = section.extensions.mid.and_then(|id| packet.extension(id));
        value.is_some() && value == section.mid.as_deref().map(str::as_bytes)
    });
    by_mid.or_else(|| {
        let mut fitting = sections().filter(|(_, section)| kind_of(section, packet.payload_type).is_some());
        fitting.next().filter(|_| fitting.next().is_none())
    })
}

enum Kind {
    Media,
    Red,
    Repair { payload_type: u8 },
}

fn kind_of(section: &Section, payload_type: u8) -> Option<(Codec, Kind)> {
    if section.red == Some(payload_type) {
        return Some((Codec::Opus, Kind::Red));
    }
    section.codecs.iter().find_map(|accepted| {
        if accepted.payload_type == payload_type {
            Some((accepted.codec, Kind::Media))
        } else if accepted.rtx_payload_type == Some(payload_type) {
            Some((accepted.codec, Kind::Repair { payload_type: accepted.payload_type }))
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PeerSecrets;
    use crate::sdp::{Direction, Offer, negotiate};

    const CHROMIUM: &str = include_str!("../tests/fixtures/chromium-publish.sdp");

    fn negotiated(offer: &str) -> Negotiated {
        let offer = Offer::parse(offer).expect("a real offer");
        negotiate(&offer, Direction::PUBLISH, &PeerSecrets::from_seed([1; 32]))
            .expect("it is taken")
            .negotiated
    }

    /// A packet with one-byte extensions, in the order given.
    fn packet(payload_type: u8, ssrc: u32, extensions: &[(u8, &str)]) -> Vec<u8> {
        let mut body = Vec::new();
        for (id, value) in extensions {
            body.push(id << 4 | (value.len() - 1) as u8);
            body.extend_from_slice(value.as_bytes());
        }
        body.resize(body.len().next_multiple_of(4), 0);
        let mut packet = vec![0x90, payload_type, 0, 1, 0, 0, 0, 0];
        packet.extend_from_slice(&ssrc.to_be_bytes());
        packet.extend_from_slice(&[0xBE, 0xDE, 0, (body.len() / 4) as u8]);
        packet.extend_from_slice(&body);
        packet
    }

    fn route(router: &mut Router, negotiated: &Negotiated, bytes: &[u8]) -> Option<(Slot, Layer, RtpRole)> {
        let view = RtpView::parse(bytes).expect("a whole header");
        router.route(negotiated, &view).map(|routed| (routed.slot, routed.layer, routed.role))
    }

    /// Chromium sends mid and rid only until the first receiver report.
    #[test]
    fn a_layer_named_once_is_known_for_ever_and_so_is_its_repair() {
        let negotiated = negotiated(CHROMIUM);
        let mut router = Router::new(&negotiated);
        let camera = negotiated.section(Slot::ProgramVideo).expect("taken");
        let ids = camera.extensions;
        let (mid, rid) = (ids.mid.expect("offered"), ids.rid.expect("offered"));
        let repaired = ids.repaired_rid.expect("offered");
        let vp8 = &camera.codecs[0];
        let (media, rtx) = (vp8.payload_type, vp8.rtx_payload_type.expect("offered"));
        let name = camera.mid.as_deref().expect("offered");
        assert_eq!(
            route(&mut router, &negotiated, &packet(media, 70, &[(mid, name)])),
            None,
            "which layer is not said"
        );
        let known = Some((Slot::ProgramVideo, Layer::Mid, RtpRole::Media));
        assert_eq!(route(&mut router, &negotiated, &packet(media, 70, &[(mid, name), (rid, "h")])), known);
        assert_eq!(route(&mut router, &negotiated, &packet(media, 70, &[])), known);
        let repair = RtpRole::Repair { repairs: Some(70), payload_type: media };
        let expected = Some((Slot::ProgramVideo, Layer::Mid, repair));
        assert_eq!(
            route(&mut router, &negotiated, &packet(rtx, 71, &[(mid, name), (repaired, "h")])),
            expected
        );
        assert_eq!(route(&mut router, &negotiated, &packet(rtx, 71, &[])), expected);
    }

    #[test]
    fn a_flood_of_ssrcs_is_not_remembered() {
        let negotiated = negotiated(CHROMIUM);
        let mut router = Router::new(&negotiated);
        let voice = negotiated.section(Slot::ProgramAudio).expect("taken").codecs[0].payload_type;
        let routed = (1_000..2_000)
            .filter(|&ssrc| route(&mut router, &negotiated, &packet(voice, ssrc, &[])).is_some());
        assert!(routed.count() < MAX_ROUTES);
        assert!(router.routes.len() <= MAX_ROUTES);
    }
}

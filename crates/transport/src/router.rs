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

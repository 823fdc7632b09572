//! A session description of the other side, sorted into what negotiation needs. Reads offers, and answers for our client.

use super::lines::{Attribute, Lines, RawSection, malformed};
use super::{OfferError, SourceSsrcs};
use crate::Fingerprint;
use domain::{Layer, MediaKind};

/// SSRCs, rids, header extensions and fingerprints read out of one section; more are ignored.
const MAX_EACH: usize = 32;

/// Which side opens DTLS (RFC 4145, RFC 8842).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetUp {
    ActPass,
    Active,
    Passive,
}

/// ICE credentials (RFC 8839 section 5.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) ufrag: String,
    pub(crate) password: String,
}

/// How to reach and recognise the other side; section level over session level.
#[derive(Debug, Clone)]
pub(crate) struct RemoteTransport {
    pub(crate) credentials: Credentials,
    /// Any one of them has to match (RFC 8122 section 5).
    pub(crate) fingerprints: Vec<Fingerprint>,
    pub(crate) set_up: SetUp,
}

/// One payload type of an m-line, in the m-line's order.
#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "payload type is the RFCs' word")]
pub(crate) struct Payload<'a> {
    pub(crate) payload_type: u8,
    /// `a=rtpmap`'s value, such as `opus/48000/2`.
    pub(crate) encoding: &'a str,
    /// `a=fmtp`'s value.
    pub(crate) parameters: &'a str,
    /// `a=rtcp-fb`'s values.
    pub(crate) feedback: Vec<&'a str>,
}

impl Payload<'_> {
    /// One `key=value` of the format parameters, key in any case.
    pub(crate) fn parameter(&self, key: &str) -> Option<&str> {
        self.parameters
            .split(';')
            .filter_map(|pair| pair.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case(key))
            .map(|(_, value)| value.trim())
    }

    pub(crate) fn is(&self, encoding: &str) -> bool {
        self.encoding.eq_ignore_ascii_case(encoding)
    }
}

/// One media section.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent yes-or-no lines of SDP")]
pub(crate) struct OfferedSection<'a> {
    pub(crate) raw_media: &'a str,
    pub(crate) protocol: &'a str,
    pub(crate) formats: &'a str,
    /// `None` for what is neither sound nor picture.
    pub(crate) kind: Option<MediaKind>,
    /// From 0, for people.
    pub(crate) number: usize,
    pub(crate) mid: Option<&'a str>,
    pub(crate) bundled: bool,
    /// Port 0 without `a=bundle-only`: the other side does not want it.
    pub(crate) disabled: bool,
    pub(crate) sends: bool,
    pub(crate) receives: bool,
    pub(crate) rtcp_mux: bool,
    pub(crate) rtcp_rsize: bool,
    pub(crate) payloads: Vec<Payload<'a>>,
    pub(crate) extensions: Vec<(u8, &'a str)>,
    /// What the other side sends by rid, in the order of `a=simulcast:send`; empty without simulcast.
    pub(crate) send_rids: Vec<&'a str>,
    pub(crate) sources: Vec<SourceSsrcs>,
    attributes: Vec<Attribute<'a>>,
}

/// An offer (or answer) read.
#[derive(Debug)]
pub(crate) struct Offer<'a> {
    session: Vec<Attribute<'a>>,
    pub(crate) sections: Vec<OfferedSection<'a>>,
    /// Mids of `a=group:BUNDLE`, in its order.
    pub(crate) bundle: Option<Vec<&'a str>>,
    pub(crate) allow_mixed: bool,
    pub(crate) ice_lite: bool,
}

fn has(attributes: &[Attribute<'_>], name: &str) -> bool {
    attributes.iter().any(|attribute| attribute.name == name)
}

fn value<'a>(attributes: &[Attribute<'a>], name: &str) -> Option<Attribute<'a>> {
    attributes.iter().find(|attribute| attribute.name == name).copied()
}

impl<'a> Offer<'a> {
    /// Reads an SDP text.
    ///
    /// # Errors
    /// [`OfferError::Malformed`] naming the line.
    pub(crate) fn parse(text: &'a str) -> Result<Self, OfferError> {
        let lines = Lines::read(text)?;
        if lines.sections.is_empty() {
            return Err(OfferError::Malformed("there is no m-line".to_owned()));
        }
        let bundle = lines
            .session
            .iter()
            .filter(|attribute| attribute.name == "group")
            .find_map(|attribute| attribute.value.strip_prefix("BUNDLE"))
            .map(|mids| mids.split_ascii_whitespace().take(MAX_EACH).collect::<Vec<_>>());
        let allow_mixed = has(&lines.session, "extmap-allow-mixed");
        let ice_lite = has(&lines.session, "ice-lite");
        let mut sections = Vec::new();
        for (number, raw) in lines.sections.into_iter().enumerate() {
            let section = OfferedSection::read(number, raw, &lines.session, bundle.as_deref())?;
            if let Some(mid) = section.mid
                && sections.iter().any(|other: &OfferedSection<'_>| other.mid == Some(mid))
            {
                return Err(OfferError::Malformed(format!(
                    "media section {number}: a=mid:{mid} was used before"
                )));
            }
            sections.push(section);
        }
        Ok(Self { session: lines.session, sections, bundle, allow_mixed, ice_lite })
    }

    /// The transport of a section: its own attributes, else the session's.
    ///
    /// # Errors
    /// [`OfferError`] naming what is missing or wrong.
    pub(crate) fn transport(&self, section: &OfferedSection<'_>) -> Result<RemoteTransport, OfferError> {
        let number = section.number;
        let find = |name| value(&section.attributes, name).or_else(|| value(&self.session, name));
        let missing = |name| {
            OfferError::Malformed(format!("media section {number}: no a={name}, here or at session level"))
        };
        let ufrag = find("ice-ufrag").ok_or_else(|| missing("ice-ufrag"))?;
        let password = find("ice-pwd").ok_or_else(|| missing("ice-pwd"))?;
        let credentials = Credentials::checked(ufrag.value, password.value).ok_or_else(|| {
            malformed(ufrag.line, "a=ice-ufrag is 4 to 256 and a=ice-pwd 22 to 256 letters, digits, + and /")
        })?;
        let here = has(&section.attributes, "fingerprint");
        let level = if here { &section.attributes } else { &self.session };
        let offered: Vec<_> =
            level.iter().filter(|attribute| attribute.name == "fingerprint").take(MAX_EACH).collect();
        if offered.is_empty() {
            return Err(missing("fingerprint"));
        }
        let fingerprints: Vec<_> =
            offered.iter().filter_map(|attribute| Fingerprint::parse(attribute.value)).collect();
        if fingerprints.is_empty() {
            return Err(OfferError::Unsupported(format!(
                "media section {number}: no sha-256, sha-384 or sha-512 fingerprint"
            )));
        }
        let set_up = match find("setup").map(|attribute| (attribute.value, attribute.line)) {
            // RFC 8842 asks for actpass in offers; who forgets the line does not care.
            None | Some(("actpass", _)) => SetUp::ActPass,
            Some(("active", _)) => SetUp::Active,
            Some(("passive", _)) => SetUp::Passive,
            Some((_, line)) => return Err(malformed(line, "a=setup is actpass, active or passive")),
        };
        Ok(RemoteTransport { credentials, fingerprints, set_up })
    }

    /// Candidate lines of every section and of the session.
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &'a str> {
        let everywhere =
            self.session.iter().chain(self.sections.iter().flat_map(|section| &section.attributes));
        everywhere.filter(|attribute| attribute.name == "candidate").map(|attribute| attribute.value)
    }
}

impl Credentials {
    /// RFC 8839 section 5.4: ice-chars within their lengths.
    pub(crate) fn checked(ufrag: &str, password: &str) -> Option<Self> {
        let ice_chars = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        let fits = (4..=256).contains(&ufrag.len()) && (22..=256).contains(&password.len());
        (fits && ice_chars(ufrag) && ice_chars(password))
            .then(|| Self { ufrag: ufrag.to_owned(), password: password.to_owned() })
    }
}

impl<'a> OfferedSection<'a> {
    fn read(
        number: usize,
        raw: RawSection<'a>,
        session: &[Attribute<'a>],
        bundle: Option<&[&str]>,
    ) -> Result<Self, OfferError> {
        let RawSection { line, media, port, protocol, formats, attributes } = raw;
        let kind = match media {
            "audio" => Some(MediaKind::Audio),
            "video" => Some(MediaKind::Video),
            _ => None,
        };
        let mid = value(&attributes, "mid");
        if let Some(mid) = mid
            && (mid.value.is_empty() || mid.value.len() > 64 || mid.value.contains(' '))
        {
            return Err(malformed(mid.line, "a=mid is a word of up to 64 characters"));
        }
        let mid = mid.map(|mid| mid.value);
        let (sends, receives) = direction(&attributes).or_else(|| direction(session)).unwrap_or((true, true));
        Ok(Self {
            raw_media: media,
            protocol,
            formats,
            kind,
            number,
            mid,
            bundled: bundle.zip(mid).is_some_and(|(bundle, mid)| bundle.contains(&mid)),
            disabled: port == 0 && !has(&attributes, "bundle-only"),
            sends,
            receives,
            rtcp_mux: has(&attributes, "rtcp-mux") || has(session, "rtcp-mux"),
            rtcp_rsize: has(&attributes, "rtcp-rsize"),
            payloads: if kind.is_some() { payloads(line, formats, &attributes)? } else { Vec::new() },
            extensions: extensions(&attributes, session),
            send_rids: send_rids(&attributes)?,
            sources: sources(&attributes),
            attributes,
        })
    }
}

/// (sends, receives)
fn direction(attributes: &[Attribute<'_>]) -> Option<(bool, bool)> {
    attributes.iter().find_map(|attribute| match attribute.name {
        "sendrecv" => Some((true, true)),
        "sendonly" => Some((true, false)),
        "recvonly" => Some((false, true)),
        "inactive" => Some((false, false)),
        _ => None,
    })
}

fn payloads<'a>(
    line: usize,
    formats: &'a str,
    attributes: &[Attribute<'a>],
) -> Result<Vec<Payload<'a>>, OfferError> {
    // By payload type, so that every line is looked at once however many formats there are.
    let mut place = [None; 128];
    let mut payloads = Vec::new();
    for format in formats.split_ascii_whitespace() {
        let payload_type: u8 =
            format.parse().map_err(|_| malformed(line, "a format is a payload type, 0 to 127"))?;
        let place = place
            .get_mut(usize::from(payload_type))
            .ok_or_else(|| malformed(line, "a payload type is 0 to 127"))?;
        if place.is_none() {
            *place = Some(payloads.len());
            payloads.push(Payload { payload_type, encoding: "", parameters: "", feedback: Vec::new() });
        }
    }
    for attribute in attributes {
        if !matches!(attribute.name, "rtpmap" | "fmtp" | "rtcp-fb") {
            continue;
        }
        let (format, value) = attribute
            .value
            .split_once(' ')
            .ok_or_else(|| malformed(attribute.line, "payload type and value expected"))?;
        let value = value.trim();
        if format == "*" && attribute.name == "rtcp-fb" {
            for payload in payloads.iter_mut().filter(|payload| payload.feedback.len() < MAX_EACH) {
                payload.feedback.push(value);
            }
            continue;
        }
        let payload_type: u8 =
            format.parse().map_err(|_| malformed(attribute.line, "a payload type is 0 to 127"))?;
        let at = place.get(usize::from(payload_type)).copied().flatten();
        // Lines about payload types the m-line does not list are legal leftovers.
        let Some(payload) = at.and_then(|at| payloads.get_mut(at)) else { continue };
        match attribute.name {
            "rtpmap" => payload.encoding = value,
            "fmtp" => payload.parameters = value,
            _ if payload.feedback.len() < MAX_EACH => payload.feedback.push(value),
            _ => {}
        }
    }
    Ok(payloads)
}

/// `a=extmap:<id>[/direction] <uri> …`, section level first; the first of an id or URI counts.
fn extensions<'a>(attributes: &[Attribute<'a>], session: &[Attribute<'a>]) -> Vec<(u8, &'a str)> {
    let mut found: Vec<(u8, &str)> = Vec::new();
    for attribute in attributes.iter().chain(session).filter(|attribute| attribute.name == "extmap") {
        let mut words = attribute.value.split_ascii_whitespace();
        let id = words.next().and_then(|id| id.split('/').next()).and_then(|id| id.parse().ok());
        let (Some(id @ (1..=14 | 16..=255)), Some(uri)) = (id, words.next()) else { continue };
        if found.len() < MAX_EACH && !found.iter().any(|&(other, known)| other == id || known == uri) {
            found.push((id, uri));
        }
    }
    found
}

/// RFC 8853: the streams of `a=simulcast:send`, of alternatives the first, that have an `a=rid:… send`.
fn send_rids<'a>(attributes: &[Attribute<'a>]) -> Result<Vec<&'a str>, OfferError> {
    let mut declared = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.name == "rid") {
        let mut words = attribute.value.split_ascii_whitespace();
        let (Some(rid), Some("send")) = (words.next(), words.next()) else { continue };
        let word = !rid.is_empty()
            && rid.len() <= 32
            && rid.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !word {
            return Err(malformed(attribute.line, "a rid is up to 32 letters and digits"));
        }
        if declared.contains(&rid) {
            return Err(malformed(attribute.line, "this rid was declared before"));
        }
        if declared.len() < MAX_EACH {
            declared.push(rid);
        }
    }
    let Some(simulcast) = value(attributes, "simulcast") else { return Ok(Vec::new()) };
    let words: Vec<_> = simulcast.value.split_ascii_whitespace().take(4).collect();
    let Some(list) = words.chunks_exact(2).find(|pair| pair[0] == "send").map(|pair| pair[1]) else {
        return Ok(Vec::new());
    };
    let mut rids = Vec::new();
    for stream in list.split(';').take(MAX_EACH) {
        let rid = stream.split(',').next().unwrap_or("").trim_start_matches('~');
        if rids.contains(&rid) {
            return Err(malformed(simulcast.line, "a rid appears twice in a=simulcast"));
        }
        if declared.contains(&rid) {
            rids.push(rid);
        }
    }
    Ok(rids)
}

/// `a=ssrc` and `a=ssrc-group`: media SSRCs with their repair, simulcast (`SIM`) layers lowest first.
fn sources(attributes: &[Attribute<'_>]) -> Vec<SourceSsrcs> {
    let numbers = |text: &str| -> Vec<u32> {
        text.split_ascii_whitespace().take(MAX_EACH).filter_map(|number| number.parse().ok()).collect()
    };
    let mut ssrcs: Vec<u32> = Vec::new();
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    let mut dependent: Vec<u32> = Vec::new();
    let mut layers: Vec<u32> = Vec::new();
    for attribute in attributes {
        match attribute.name {
            "ssrc" => {
                let ssrc =
                    attribute.value.split_ascii_whitespace().next().and_then(|number| number.parse().ok());
                ssrcs.extend(ssrc.filter(|ssrc| ssrcs.len() < MAX_EACH && !ssrcs.contains(ssrc)));
            }
            "ssrc-group" => match attribute.value.split_once(' ') {
                Some(("FID", rest)) => {
                    if let [media, rtx] = numbers(rest)[..]
                        && pairs.len() < MAX_EACH
                    {
                        pairs.push((media, rtx));
                        dependent.push(rtx);
                    }
                }
                Some(("SIM", rest)) => layers = numbers(rest),
                Some((_, rest)) if dependent.len() < MAX_EACH => {
                    dependent.extend(numbers(rest).into_iter().skip(1));
                }
                _ => {}
            },
            _ => {}
        }
    }
    let media = ssrcs.into_iter().filter(|ssrc| !dependent.contains(ssrc));
    let source = |media, layer| {
        let rtx = pairs.iter().find(|(of, _)| *of == media).map(|(_, rtx)| *rtx);
        SourceSsrcs { media, rtx, layer }
    };
    if layers.is_empty() {
        // Without a group only the first can be meant; encoders that list more are silent on the others.
        media.take(1).map(|ssrc| source(ssrc, Layer::High)).collect()
    } else {
        layers
            .iter()
            .zip(layers_lowest_first(layers.len()))
            .map(|(&ssrc, &layer)| source(ssrc, layer))
            .collect()
    }
}

/// The layers of a simulcast of `count` streams, lowest first.
pub(super) fn layers_lowest_first(count: usize) -> &'static [Layer] {
    match count {
        0 | 1 => &[Layer::High],
        2 => &[Layer::Mid, Layer::High],
        _ => &Layer::ALL,
    }
}

//! SDP's outermost grammar (RFC 8866 section 5): lines, session part, media sections. One pass, nothing copied.
//!
//! rtc-sdp reads the same grammar, but its errors do not say where, and it refuses what some encoders write (64-bit overflow in `o=`,
//! unknown media); tests let it read our answers instead.

use super::{MAX_SDP_BYTES, MAX_SECTIONS, OfferError};

/// An `a=` line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    /// After the colon; empty for a property attribute.
    pub(super) value: &'a str,
    /// From 1.
    pub(super) line: usize,
}

/// An m-line and what follows it.
#[derive(Debug)]
pub(super) struct RawSection<'a> {
    pub(super) line: usize,
    pub(super) media: &'a str,
    pub(super) port: u16,
    pub(super) protocol: &'a str,
    /// Everything after the protocol.
    pub(super) formats: &'a str,
    pub(super) attributes: Vec<Attribute<'a>>,
}

#[derive(Debug)]
pub(super) struct Lines<'a> {
    pub(super) session: Vec<Attribute<'a>>,
    pub(super) sections: Vec<RawSection<'a>>,
}

pub(super) fn malformed(line: usize, what: &str) -> OfferError {
    OfferError::Malformed(format!("line {line}: {what}"))
}

impl<'a> Lines<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, OfferError> {
        if text.len() > MAX_SDP_BYTES {
            return Err(OfferError::Malformed(format!(
                "{} bytes of SDP, at most {MAX_SDP_BYTES} are read",
                text.len()
            )));
        }
        let mut lines = Lines { session: Vec::new(), sections: Vec::new() };
        let mut begun = false;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_end_matches('\r');
            if line.is_empty() {
                continue;
            }
            if line.chars().any(char::is_control) {
                return Err(malformed(number, "control character"));
            }
            let (kind, value) = line.split_once('=').ok_or_else(|| malformed(number, "no `=`"))?;
            match kind {
                "v" if value == "0" => begun = true,
                _ if !begun => return Err(malformed(number, "SDP begins with `v=0`")),
                "m" => lines.sections.push(section(number, value)?),
                "a" => {
                    let (name, value) = value.split_once(':').unwrap_or((value, ""));
                    let attributes = lines
                        .sections
                        .last_mut()
                        .map_or(&mut lines.session, |section| &mut section.attributes);
                    attributes.push(Attribute { name, value: value.trim(), line: number });
                }
                // Names, times, addresses and bandwidths say nothing we act on.
                _ if kind.len() == 1 => {}
                _ => return Err(malformed(number, "a line's type is one letter")),
            }
            if lines.sections.len() > MAX_SECTIONS {
                return Err(malformed(number, "more than 32 media sections"));
            }
        }
        if begun { Ok(lines) } else { Err(OfferError::Malformed("the SDP is empty".to_owned())) }
    }
}

fn section(line: usize, value: &str) -> Result<RawSection<'_>, OfferError> {
    let mut parts = value.splitn(4, ' ');
    let (Some(media), Some(port), Some(protocol), Some(formats)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed(line, "an m-line is media, port, protocol and formats"));
    };
    let port = port
        .split('/')
        .next()
        .and_then(|port| port.parse().ok())
        .ok_or_else(|| malformed(line, "the port is 0 to 65535"))?;
    Ok(RawSection { line, media, port, protocol, formats, attributes: Vec::new() })
}

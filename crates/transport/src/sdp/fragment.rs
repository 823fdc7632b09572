//! `application/trickle-ice-sdpfrag` (RFC 8840) as WHIP and WHEP send it in PATCH requests: trickled candidates and ICE restarts.

use super::answer::write_candidates;
use super::lines::{Attribute, Lines};
use super::offer::Credentials;
use super::{FragmentError, MAX_SDP_BYTES};
use crate::Candidate;
use domain::MediaKind;

/// A fragment read. Candidates are not kept: an ICE-lite side learns addresses from checks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// The credentials it speaks of, when it names any.
    pub(crate) credentials: Option<Credentials>,
}

impl Fragment {
    /// # Errors
    /// [`FragmentError::Malformed`] naming the line.
    pub(crate) fn parse(text: &str) -> Result<Self, FragmentError> {
        if text.len() > MAX_SDP_BYTES {
            return Err(FragmentError::Malformed(format!(
                "{} bytes of fragment, at most {MAX_SDP_BYTES} are read",
                text.len()
            )));
        }
        // A fragment is SDP without its head (RFC 8840 section 9).
        let whole = format!("v=0\r\n{text}");
        let lines = Lines::read(&whole).map_err(|error| FragmentError::Malformed(error.to_string()))?;
        let mut levels =
            std::iter::once(&lines.session).chain(lines.sections.iter().map(|section| &section.attributes));
        let credentials = match levels
            .find_map(|attributes| find(attributes, "ice-ufrag").zip(find(attributes, "ice-pwd")))
        {
            None => None,
            Some((ufrag, password)) => Some(Credentials::checked(ufrag, password).ok_or_else(|| {
                FragmentError::Malformed("a=ice-ufrag or a=ice-pwd is too short or too long".to_owned())
            })?),
        };
        Ok(Self { credentials })
    }

    /// Our side of an ICE restart, candidates under the section whose transport everything uses (RFC 8840 section 9, RFC 9725 section 4.3.3).
    pub(crate) fn write(
        credentials: &Credentials,
        candidates: &[Candidate],
        mid: Option<&str>,
        kind: MediaKind,
    ) -> String {
        let Credentials { ufrag, password } = credentials;
        let kind = if kind == MediaKind::Audio { "audio" } else { "video" };
        let mut text = format!(
            "a=ice-lite\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\nm={kind} 9 UDP/TLS/RTP/SAVPF 0\r\n"
        );
        if let Some(mid) = mid {
            text.push_str("a=mid:");
            text.push_str(mid);
            text.push_str("\r\n");
        }
        write_candidates(&mut text, candidates);
        text
    }
}

fn find<'a>(attributes: &[Attribute<'a>], name: &str) -> Option<&'a str> {
    attributes.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickled_candidate_and_a_restart_are_told_apart_by_their_credentials() {
        let trickled = "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n\
            a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw network-id 1\r\na=end-of-candidates\r\n";
        let credentials =
            Credentials { ufrag: "EsAw".to_owned(), password: "P2uYro0UCOQ4zxjKXaWCBui1".to_owned() };
        assert_eq!(Fragment::parse(trickled), Ok(Fragment { credentials: Some(credentials.clone()) }));
        let ours = Fragment::write(
            &credentials,
            &[std::net::SocketAddr::from(([192, 0, 2, 7], 4000)).into()],
            Some("0"),
            MediaKind::Video,
        );
        assert_eq!(Fragment::parse(&ours), Ok(Fragment { credentials: Some(credentials) }));
        assert_eq!(Fragment::parse("m=audio 9 RTP/AVP 0\r\na=mid:0\r\n"), Ok(Fragment { credentials: None }));
    }

    #[test]
    fn a_broken_fragment_is_refused() {
        for text in ["nonsense", "a=ice-ufrag:x\r\na=ice-pwd:y\r\n", "a=ice-ufrag:\u{7}\r\n"] {
            assert!(matches!(Fragment::parse(text), Err(FragmentError::Malformed(_))), "{text}");
        }
    }
}

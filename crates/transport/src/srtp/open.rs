//! Opening incoming RTP in place.

use super::cipher::{Cipher, Kind, SHA1_TAG};
use super::keys::SrtpKeys;
use super::window::Window;
use crate::rtp::RtpView;
use rtc_crypto::{CryptoError, RTCCrypto};

/// SSRCs one peer may send with: five slots, three layers each, with repair, and some for a publisher that restarts its encoders.
pub(crate) const MAX_SOURCES: usize = 64;

/// Why a packet was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not RTP, or shorter than header and tag.
    #[error("not a whole SRTP packet")]
    Malformed,
    /// Not sealed with the peer's key, or changed on its way.
    #[error("the authentication tag is wrong")]
    BadTag,
    /// This index was opened before, or is too old to tell.
    #[error("a packet with this index was opened before")]
    Replayed,
    /// The peer speaks with more SSRCs than any publisher needs.
    #[error("more than {MAX_SOURCES} SSRCs")]
    TooManySources,
}

/// An opened packet: `packet[..length]`, payload from `header_len`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedRtp {
    /// The SSRC.
    pub ssrc: u32,
    /// Rollover counter and sequence number: ROC << 16 | SEQ.
    pub index: u64,
    /// Bytes of fixed header, CSRCs and extensions.
    pub header_len: usize,
    /// Bytes of header and decrypted payload.
    pub length: usize,
}

struct Source {
    ssrc: u32,
    seen: Window,
}

/// Owns the receiving key of one peer and opens its RTP packets in place.
///
/// State for an SSRC is kept only once a packet of it was authentic, at most 64 of them.
pub struct Opener {
    cipher: Cipher,
    tag_len: usize,
    sources: Vec<Source>,
}

impl Opener {
    /// # Errors
    /// When the crypto provider lacks AES or HMAC-SHA1.
    pub(crate) fn new(keys: &SrtpKeys, crypto: &dyn RTCCrypto) -> Result<Self, CryptoError> {
        Ok(Self {
            cipher: Cipher::new(keys.profile, &keys.remote, Kind::Rtp, crypto)?,
            tag_len: keys.profile.tag_len(),
            sources: Vec::new(),
        })
    }

    /// Decrypts in place. After an error the packet's payload is undefined.
    ///
    /// # Errors
    /// [`OpenError`]; none of them ends the session.
    pub fn open_rtp(&mut self, packet: &mut [u8]) -> Result<OpenedRtp, OpenError> {
        let view = RtpView::parse(packet).ok_or(OpenError::Malformed)?;
        let (ssrc, sequence, header_len) = (view.ssrc, view.sequence, view.header_len);
        let length = packet
            .len()
            .checked_sub(self.tag_len)
            .filter(|&length| length >= header_len)
            .ok_or(OpenError::Malformed)?;
        let known = self.sources.iter().position(|source| source.ssrc == ssrc);
        let next = known.and_then(|at| self.sources.get(at)).map_or(0, |source| source.seen.next());
        let index = guess_index(next, sequence);
        if let Some(source) = known.and_then(|at| self.sources.get(at)) {
            source.seen.check(index).map_err(|_| OpenError::Replayed)?;
        } else if self.sources.len() >= MAX_SOURCES {
            return Err(OpenError::TooManySources);
        }
        let (header, sealed) = packet.split_at_mut_checked(header_len).ok_or(OpenError::Malformed)?;
        match &mut self.cipher {
            Cipher::Gcm(gcm) => gcm.open_rtp(ssrc, index, header, sealed).map_err(|_| OpenError::BadTag)?,
            Cipher::CmSha1(cm) => {
                let body = sealed.len().checked_sub(SHA1_TAG).ok_or(OpenError::Malformed)?;
                let (payload, tag) = sealed.split_at_mut_checked(body).ok_or(OpenError::Malformed)?;
                let roc = ((index >> 16) as u32).to_be_bytes();
                cm.verify(&[header, payload, &roc], tag).map_err(|_| OpenError::BadTag)?;
                cm.apply(ssrc, index, payload).map_err(|_| OpenError::BadTag)?;
            }
        }
        let at = known.unwrap_or_else(|| {
            self.sources.push(Source { ssrc, seen: Window::new() });
            self.sources.len() - 1
        });
        let source = self.sources.get_mut(at).ok_or(OpenError::Malformed)?;
        source.seen.take(index).map_err(|_| OpenError::Replayed)?;
        Ok(OpenedRtp { ssrc, index, header_len, length })
    }
}

/// RFC 3711 section 3.3.1: the index nearest to the highest seen so far (`next` - 1) whose low 16 bits are `sequence`.
/// The first packet of a stream has rollover counter 0.
fn guess_index(next: u64, sequence: u16) -> u64 {
    let Some(highest) = next.checked_sub(1) else { return u64::from(sequence) };
    let difference = i64::from(sequence.wrapping_sub(highest as u16).cast_signed());
    // Before the first wrap a "late" packet from below zero cannot exist; it is read as being ahead.
    highest.checked_add_signed(difference).unwrap_or(u64::from(sequence)) & 0xFFFF_FFFF_FFFF
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opener").field("sources", &self.sources.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rollover_counter_follows_the_sequence_number_both_ways() {
        let check = |highest: u64, sequence: u16, expected: u64| {
            assert_eq!(guess_index(highest + 1, sequence), expected, "{sequence} after {highest}");
        };
        check(65_534, 65_535, 65_535);
        check(65_535, 0, 65_536);
        check(65_536, 65_535, 65_535);
        check(5 << 16, 65_000, (4 << 16) + 65_000);
        check((5 << 16) + 65_000, 3, (6 << 16) + 3);
        check(10, 65_000, 65_000);
        assert_eq!(guess_index(0, 65_000), 65_000);
    }
}

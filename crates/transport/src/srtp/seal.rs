//! Sealing outgoing RTP in place; the one owner of the sending key.

use super::cipher::{Cipher, Kind};
use super::keys::{Profile, SrtpKeys};
use super::window::{Refused, Window};
use rtc_crypto::{CryptoError, RTCCrypto};
use std::collections::HashSet;

/// Position of one SSRC in a [`Sealer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamIndex(pub u8);

/// Why a packet was not sealed. Nothing was encrypted and the packet must not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The sealer has no such stream.
    #[error("stream {0:?} is not one of this sealer's")]
    UnknownStream(StreamIndex),
    /// This (key, SSRC, index) was sealed before; doing it again would give the key away (RFC 7714 section 8.1).
    #[error("packet index {0} was sealed before")]
    Reused(u64),
    /// The index lies more than 1,024 behind the highest, so nobody knows whether it was used.
    #[error("packet index {0} is too old to be sealed")]
    TooOld(u64),
    /// Past 2^48 - 1: the key has done its work.
    #[error("packet index {0} does not fit in 48 bits")]
    IndexTooLarge(u64),
    /// Shorter than header and tag, or its header names another SSRC or sequence number than the call.
    #[error(
        "packet of {length} bytes does not match its stream, its index or its header of {header_len} bytes"
    )]
    Mismatch {
        /// Bytes of the packet with the room for its tag.
        length: usize,
        /// Bytes of header the caller named.
        header_len: usize,
    },
    /// The cipher refused; cannot happen for packets under 64 GiB.
    #[error("the cipher refused the packet")]
    Cipher,
}

/// Why a sealer could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealerError {
    /// One SSRC with two index windows would let an index be used twice.
    #[error("two streams share SSRC {0}")]
    SharedSsrc(u32),
    /// AES or HMAC-SHA1 is missing.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

struct Stream {
    ssrc: u32,
    used: Window,
}

/// Owns the sending key of one peer and seals its RTP packets in place.
///
/// Not `Clone`, and made once per DTLS association, so that a (key, SSRC, index) triple is sealed at most once: each stream remembers its
/// last 1,024 indices and refuses a used or older one. About 160 bytes a stream and one heap block for the expanded key.
pub struct Sealer {
    cipher: Cipher,
    profile: Profile,
    streams: Vec<Stream>,
}

impl Sealer {
    /// For the given SSRCs, [`StreamIndex`] in their order; they must differ from each other.
    ///
    /// # Errors
    /// [`SealerError`]: two streams share an SSRC, or the crypto provider lacks a cipher.
    pub(crate) fn new(keys: &SrtpKeys, ssrcs: &[u32], crypto: &dyn RTCCrypto) -> Result<Self, SealerError> {
        let mut seen = HashSet::new();
        if let Some(&twice) = ssrcs.iter().find(|&ssrc| !seen.insert(ssrc)) {
            return Err(SealerError::SharedSsrc(twice));
        }
        Ok(Self {
            cipher: Cipher::new(keys.profile, &keys.local, Kind::Rtp, crypto)?,
            profile: keys.profile,
            streams: ssrcs.iter().map(|&ssrc| Stream { ssrc, used: Window::new() }).collect(),
        })
    }

    /// Bytes each packet grows by: 16 for GCM, 10 for `SHA1_80`.
    pub fn tag_len(&self) -> usize {
        self.profile.tag_len()
    }

    /// Which profile the peers agreed on.
    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Encrypts `packet[header_len..]` in place, header authenticated, and writes the tag into the packet's last [`tag_len`](Self::tag_len) bytes.
    ///
    /// `packet` is the whole RTP packet followed by room for the tag; `header_len` counts fixed header, CSRCs and extensions;
    /// `index` is the extended sequence number (ROC << 16 | SEQ), its low 16 bits the header's.
    ///
    /// # Errors
    /// [`SealError`]; see there. A refused packet is unchanged.
    pub fn seal_rtp(
        &mut self,
        stream: StreamIndex,
        index: u64,
        packet: &mut [u8],
        header_len: usize,
    ) -> Result<(), SealError> {
        let length = packet.len();
        let mismatch = SealError::Mismatch { length, header_len };
        let state = self.streams.get_mut(usize::from(stream.0)).ok_or(SealError::UnknownStream(stream))?;
        if index >> 48 != 0 {
            return Err(SealError::IndexTooLarge(index));
        }
        let body_end =
            length.checked_sub(self.profile.tag_len()).filter(|&end| end >= header_len).ok_or(mismatch)?;
        let (header, rest) = packet.split_at_mut_checked(header_len).ok_or(mismatch)?;
        let (payload, tag) = rest.split_at_mut_checked(body_end - header_len).ok_or(mismatch)?;
        // Binds the nonce to what is sent: a caller cannot mix up two streams and reuse an index under another name.
        let named = header.get(2..4) == Some(&(index as u16).to_be_bytes())
            && header.get(8..12) == Some(&state.ssrc.to_be_bytes());
        if !named {
            return Err(mismatch);
        }
        state.used.take(index).map_err(|refused| match refused {
            Refused::Used => SealError::Reused(index),
            Refused::TooOld => SealError::TooOld(index),
        })?;
        match &mut self.cipher {
            Cipher::Gcm(gcm) => {
                gcm.seal_rtp(state.ssrc, index, header, payload, tag).map_err(|_| SealError::Cipher)
            }
            Cipher::CmSha1(cm) => {
                cm.apply(state.ssrc, index, payload).map_err(|_| SealError::Cipher)?;
                let roc = ((index >> 16) as u32).to_be_bytes();
                let computed = cm.tag(&[header, payload, &roc]).map_err(|_| SealError::Cipher)?;
                tag.copy_from_slice(&computed);
                Ok(())
            }
        }
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer")
            .field("profile", &self.profile)
            .field("streams", &self.streams.len())
            .finish_non_exhaustive()
    }
}

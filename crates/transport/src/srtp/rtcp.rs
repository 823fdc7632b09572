//! SRTCP both ways (RFC 3711 section 3.4, RFC 7714 section 9).

use super::cipher::{Cipher, Kind, SHA1_TAG};
use super::keys::SrtpKeys;
use super::open::{MAX_SOURCES, OpenError};
use super::window::Window;
use rtc_crypto::{CryptoError, RTCCrypto};

/// Fixed header and sender SSRC, which stay readable.
const CLEAR: usize = 8;
const INDEX: usize = 4;
const ENCRYPTED: u32 = 1 << 31;

/// Seals outgoing compounds. One index counts for every SSRC of ours, so a nonce is never used twice.
pub(crate) struct RtcpSealer {
    cipher: Cipher,
    index: u32,
}

impl RtcpSealer {
    pub(crate) fn new(keys: &SrtpKeys, crypto: &dyn RTCCrypto) -> Result<Self, CryptoError> {
        Ok(Self { cipher: Cipher::new(keys.profile, &keys.local, Kind::Rtcp, crypto)?, index: 0 })
    }

    /// Turns a compound into SRTCP; `None` when it is shorter than a header or 2^31 compounds were sealed.
    pub(crate) fn seal(&mut self, compound: &[u8]) -> Option<Vec<u8>> {
        let index = self.index.checked_add(1).filter(|&index| index < ENCRYPTED)?;
        let clear: [u8; CLEAR] = compound.first_chunk().copied()?;
        self.index = index;
        let ssrc = u32::from_be_bytes([clear[4], clear[5], clear[6], clear[7]]);
        let word = (ENCRYPTED | index).to_be_bytes();
        let mut packet = Vec::with_capacity(compound.len() + 16 + INDEX);
        packet.extend_from_slice(compound);
        let body = packet.get_mut(CLEAR..)?;
        match &mut self.cipher {
            Cipher::Gcm(gcm) => {
                let tag = gcm.seal_rtcp(ssrc, index, aad(clear, word), body).ok()?;
                packet.extend_from_slice(&tag);
                packet.extend_from_slice(&word);
            }
            Cipher::CmSha1(cm) => {
                cm.apply(ssrc, u64::from(index), body).ok()?;
                packet.extend_from_slice(&word);
                let tag = cm.tag(&[&packet]).ok()?;
                packet.extend_from_slice(&tag);
            }
        }
        Some(packet)
    }
}

fn aad(clear: [u8; CLEAR], word: [u8; INDEX]) -> [u8; CLEAR + INDEX] {
    let mut aad = [0; CLEAR + INDEX];
    aad[..CLEAR].copy_from_slice(&clear);
    aad[CLEAR..].copy_from_slice(&word);
    aad
}

/// Opens incoming compounds; refuses unencrypted ones and replays.
pub(crate) struct RtcpOpener {
    cipher: Cipher,
    sources: Vec<(u32, Window)>,
}

impl RtcpOpener {
    pub(crate) fn new(keys: &SrtpKeys, crypto: &dyn RTCCrypto) -> Result<Self, CryptoError> {
        Ok(Self { cipher: Cipher::new(keys.profile, &keys.remote, Kind::Rtcp, crypto)?, sources: Vec::new() })
    }

    /// Decrypts in place and returns how many bytes the compound has.
    pub(crate) fn open(&mut self, packet: &mut [u8]) -> Result<usize, OpenError> {
        let tail = match self.cipher {
            Cipher::Gcm(_) => INDEX,
            Cipher::CmSha1(_) => INDEX + SHA1_TAG,
        };
        let clear: [u8; CLEAR] = packet.first_chunk().copied().ok_or(OpenError::Malformed)?;
        let ssrc = u32::from_be_bytes([clear[4], clear[5], clear[6], clear[7]]);
        let word_at = packet.len().checked_sub(tail).filter(|&at| at >= CLEAR).ok_or(OpenError::Malformed)?;
        let word: [u8; INDEX] =
            packet.get(word_at..).and_then(|rest| rest.first_chunk().copied()).ok_or(OpenError::Malformed)?;
        let flagged = u32::from_be_bytes(word);
        if flagged & ENCRYPTED == 0 {
            // Both profiles encrypt in WebRTC (RFC 8827 section 6.5); a cleared bit is an attempt to slip past the cipher.
            return Err(OpenError::BadTag);
        }
        let index = flagged & !ENCRYPTED;
        let known = self.sources.iter().position(|(source, _)| *source == ssrc);
        if let Some((_, seen)) = known.and_then(|at| self.sources.get(at)) {
            seen.check(u64::from(index)).map_err(|_| OpenError::Replayed)?;
        } else if self.sources.len() >= MAX_SOURCES {
            return Err(OpenError::TooManySources);
        }
        let length = match &mut self.cipher {
            Cipher::Gcm(gcm) => {
                let sealed = packet.get_mut(CLEAR..word_at).ok_or(OpenError::Malformed)?;
                gcm.open_rtcp(ssrc, index, aad(clear, word), sealed).map_err(|_| OpenError::BadTag)?;
                word_at.checked_sub(16).ok_or(OpenError::Malformed)?
            }
            Cipher::CmSha1(cm) => {
                let (covered, tag) =
                    packet.split_at_mut_checked(word_at + INDEX).ok_or(OpenError::Malformed)?;
                cm.verify(&[covered], tag).map_err(|_| OpenError::BadTag)?;
                let body = covered.get_mut(CLEAR..word_at).ok_or(OpenError::Malformed)?;
                cm.apply(ssrc, u64::from(index), body).map_err(|_| OpenError::BadTag)?;
                word_at
            }
        };
        let at = known.unwrap_or_else(|| {
            self.sources.push((ssrc, Window::new()));
            self.sources.len() - 1
        });
        let (_, seen) = self.sources.get_mut(at).ok_or(OpenError::Malformed)?;
        seen.take(u64::from(index)).map_err(|_| OpenError::Replayed)?;
        Ok(length)
    }
}

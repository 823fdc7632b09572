//! The two ciphers, in place.

use super::keys::{Label, MasterKey, Profile, derive};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use rtc_crypto::{
    CryptoError, HmacAlgorithm, Mac, RTCCrypto, StreamCipher, StreamCipherAlgorithm, constant_time_eq,
};

/// One direction's session keys for RTP or for RTCP.
pub(crate) enum Cipher {
    Gcm(Box<Gcm>),
    CmSha1(CmSha1),
}

/// AES-128-GCM with its key already expanded.
pub(crate) struct Gcm {
    key: LessSafeKey,
    salt: [u8; 12],
}

/// AES-128 counter mode with HMAC-SHA1, tag cut to 80 bits.
pub(crate) struct CmSha1 {
    stream: Box<dyn StreamCipher>,
    mac: Box<dyn Mac>,
    salt: [u8; 14],
}

/// The packet was not sealed with this key, or was changed on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadTag;

/// Whether session keys are for RTP or for RTCP.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Rtp,
    Rtcp,
}

impl Cipher {
    pub(crate) fn new(
        profile: Profile,
        master: &MasterKey,
        kind: Kind,
        crypto: &dyn RTCCrypto,
    ) -> Result<Self, CryptoError> {
        let (key_label, authentication_label, salt_label) = match kind {
            Kind::Rtp => (Label::RtpKey, Label::RtpAuthentication, Label::RtpSalt),
            Kind::Rtcp => (Label::RtcpKey, Label::RtcpAuthentication, Label::RtcpSalt),
        };
        let key: [u8; 16] = derive(master, key_label, crypto)?;
        Ok(match profile {
            Profile::Aes128Gcm => {
                let unbound = UnboundKey::new(&AES_128_GCM, &key)
                    .map_err(|_| CryptoError::UnsupportedAlgorithm(GCM))?;
                Cipher::Gcm(Box::new(Gcm {
                    key: LessSafeKey::new(unbound),
                    salt: derive(master, salt_label, crypto)?,
                }))
            }
            Profile::Aes128CmSha1_80 => {
                let authentication: [u8; 20] = derive(master, authentication_label, crypto)?;
                Cipher::CmSha1(CmSha1 {
                    stream: crypto.new_stream_cipher(StreamCipherAlgorithm::Aes128Ctr, &key)?,
                    mac: crypto.new_hmac(HmacAlgorithm::Sha1, &authentication)?,
                    salt: derive(master, salt_label, crypto)?,
                })
            }
        })
    }
}

const GCM: rtc_crypto::CryptoAlgorithm =
    rtc_crypto::CryptoAlgorithm::Aead(rtc_crypto::AeadAlgorithm::Aes128Gcm);

impl Gcm {
    #[cfg(test)]
    pub(super) fn with_session_key(key: &[u8], salt: [u8; 12]) -> Self {
        Self { key: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, key).expect("16 bytes")), salt }
    }

    /// RFC 7714 section 8.1: 00 00 SSRC ROC SEQ, xor salt. `index` is ROC and SEQ together (48 bits).
    fn rtp_nonce(&self, ssrc: u32, index: u64) -> Nonce {
        self.nonce(ssrc, index & 0xFFFF_FFFF_FFFF)
    }

    /// RFC 7714 section 9.1: 00 00 SSRC 00 00 index, xor salt.
    fn rtcp_nonce(&self, ssrc: u32, index: u32) -> Nonce {
        self.nonce(ssrc, u64::from(index))
    }

    fn nonce(&self, ssrc: u32, low48: u64) -> Nonce {
        let mut value = [0; 12];
        value[2..6].copy_from_slice(&ssrc.to_be_bytes());
        value[6..12].copy_from_slice(&low48.to_be_bytes()[2..]);
        for (byte, salt) in value.iter_mut().zip(self.salt) {
            *byte ^= salt;
        }
        Nonce::assume_unique_for_key(value)
    }

    pub(crate) fn seal_rtp(
        &self,
        ssrc: u32,
        index: u64,
        header: &[u8],
        payload: &mut [u8],
        tag_out: &mut [u8],
    ) -> Result<(), BadTag> {
        let tag = self
            .key
            .seal_in_place_separate_tag(self.rtp_nonce(ssrc, index), Aad::from(header), payload)
            .map_err(|_| BadTag)?;
        tag_out.copy_from_slice(tag.as_ref());
        Ok(())
    }

    /// `sealed` is ciphertext and tag; the plaintext takes the ciphertext's place.
    pub(crate) fn open_rtp(
        &self,
        ssrc: u32,
        index: u64,
        header: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), BadTag> {
        self.key
            .open_in_place(self.rtp_nonce(ssrc, index), Aad::from(header), sealed)
            .map(|_| ())
            .map_err(|_| BadTag)
    }

    pub(crate) fn seal_rtcp(
        &self,
        ssrc: u32,
        index: u32,
        aad: [u8; 12],
        payload: &mut [u8],
    ) -> Result<[u8; 16], BadTag> {
        let tag = self
            .key
            .seal_in_place_separate_tag(self.rtcp_nonce(ssrc, index), Aad::from(aad), payload)
            .map_err(|_| BadTag)?;
        let mut bytes = [0; 16];
        bytes.copy_from_slice(tag.as_ref());
        Ok(bytes)
    }

    pub(crate) fn open_rtcp(
        &self,
        ssrc: u32,
        index: u32,
        aad: [u8; 12],
        sealed: &mut [u8],
    ) -> Result<(), BadTag> {
        self.key
            .open_in_place(self.rtcp_nonce(ssrc, index), Aad::from(aad), sealed)
            .map(|_| ())
            .map_err(|_| BadTag)
    }
}

/// Bytes of the shortened HMAC.
pub(crate) const SHA1_TAG: usize = 10;

impl CmSha1 {
    /// RFC 3711 section 4.1.1: (salt << 16) xor (SSRC << 64) xor (index << 16).
    pub(crate) fn apply(&mut self, ssrc: u32, index: u64, data: &mut [u8]) -> Result<(), BadTag> {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        for (byte, value) in iv[4..8].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= value;
        }
        for (byte, value) in iv[8..14].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= value;
        }
        self.stream.apply_keystream(&iv, data).map_err(|_| BadTag)
    }

    pub(crate) fn tag(&mut self, parts: &[&[u8]]) -> Result<[u8; SHA1_TAG], BadTag> {
        let mut full = [0; 20];
        self.mac.sign(parts, &mut full).map_err(|_| BadTag)?;
        let mut tag = [0; SHA1_TAG];
        tag.copy_from_slice(&full[..SHA1_TAG]);
        Ok(tag)
    }

    pub(crate) fn verify(&mut self, parts: &[&[u8]], found: &[u8]) -> Result<(), BadTag> {
        if constant_time_eq(&self.tag(parts)?, found) { Ok(()) } else { Err(BadTag) }
    }
}

//! Master keys out of DTLS (RFC 5764) and session keys out of master keys (RFC 3711 section 4.3).

use rtc_crypto::{BlockCipherAlgorithm, CryptoError, RTCCrypto};

/// Exporter label of RFC 5764 section 4.2.
pub(crate) const KEYING_MATERIAL_LABEL: &str = "EXTRACTOR-dtls_srtp";

/// An SRTP protection profile (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// `SRTP_AEAD_AES_128_GCM`: preferred, 1.8 µs a packet cheaper than the other.
    Aes128Gcm,
    /// `SRTP_AES128_CM_HMAC_SHA1_80`: for clients that have nothing else.
    Aes128CmSha1_80,
}

impl Profile {
    /// Bytes of master salt.
    pub(crate) fn salt_len(self) -> usize {
        match self {
            Profile::Aes128Gcm => 12,
            Profile::Aes128CmSha1_80 => 14,
        }
    }

    /// Bytes of keying material both directions need together.
    pub(crate) fn material_len(self) -> usize {
        2 * (KEY_LEN + self.salt_len())
    }

    /// Bytes an SRTP packet grows by.
    pub fn tag_len(self) -> usize {
        match self {
            Profile::Aes128Gcm => 16,
            Profile::Aes128CmSha1_80 => 10,
        }
    }
}

/// Bytes of an AES-128 key.
pub(crate) const KEY_LEN: usize = 16;

/// Master key and salt of one direction.
#[derive(Clone)]
pub(crate) struct MasterKey {
    pub(crate) key: [u8; KEY_LEN],
    /// Only the profile's salt length counts.
    pub(crate) salt: [u8; 14],
}

/// The keys of both directions of one DTLS association.
#[derive(Clone)]
pub struct SrtpKeys {
    pub(crate) profile: Profile,
    pub(crate) local: MasterKey,
    pub(crate) remote: MasterKey,
}

impl SrtpKeys {
    /// Splits exported keying material: client key, server key, client salt, server salt (RFC 5764 section 4.2).
    /// `None` when `material` is not exactly as long as `profile` needs.
    pub fn from_material(profile: Profile, material: &[u8], we_are_client: bool) -> Option<Self> {
        if material.len() != profile.material_len() {
            return None;
        }
        let (keys, salts) = material.split_at(2 * KEY_LEN);
        let (client_key, server_key) = keys.split_at(KEY_LEN);
        let (client_salt, server_salt) = salts.split_at(profile.salt_len());
        let master = |key: &[u8], salt: &[u8]| {
            let mut master = MasterKey { key: [0; KEY_LEN], salt: [0; 14] };
            master.key.copy_from_slice(key);
            master.salt[..salt.len()].copy_from_slice(salt);
            master
        };
        let client = master(client_key, client_salt);
        let server = master(server_key, server_salt);
        let (local, remote) = if we_are_client { (client, server) } else { (server, client) };
        Some(Self { profile, local, remote })
    }

    /// Which profile the keys are for.
    pub fn profile(&self) -> Profile {
        self.profile
    }
}

impl std::fmt::Debug for SrtpKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SrtpKeys").field("profile", &self.profile).finish_non_exhaustive()
    }
}

/// What a session key is for (RFC 3711 section 4.3.1).
#[derive(Clone, Copy)]
pub(crate) enum Label {
    RtpKey = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpKey = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// AES-CM key derivation with key derivation rate 0 (RFC 3711 section 4.3.3), which RFC 7714 section 11 keeps for AES-128-GCM.
pub(crate) fn derive<const N: usize>(
    master: &MasterKey,
    label: Label,
    crypto: &dyn RTCCrypto,
) -> Result<[u8; N], CryptoError> {
    let mut output = [0; N];
    for (counter, chunk) in output.chunks_mut(KEY_LEN).enumerate() {
        let mut block = [0; KEY_LEN];
        block[..14].copy_from_slice(&master.salt);
        block[7] ^= label as u8;
        // The counter fits: no output is longer than 20 bytes.
        block[15] = counter as u8;
        crypto.block_encrypt(BlockCipherAlgorithm::Aes128, &master.key, &mut block)?;
        chunk.copy_from_slice(&block[..chunk.len()]);
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 3711 appendix B.3.
    #[test]
    fn session_keys_are_those_of_the_rfc() {
        let provider = rtc_crypto::default_provider().expect("ring is built in");
        let master = MasterKey {
            key: [
                0xE1, 0xF9, 0x7A, 0x0D, 0x3E, 0x01, 0x8B, 0xE0, 0xD6, 0x4F, 0xA3, 0x2C, 0x06, 0xDE, 0x41,
                0x39,
            ],
            salt: [0x0E, 0xC6, 0x75, 0xAD, 0x49, 0x8A, 0xFE, 0xEB, 0xB6, 0x96, 0x0B, 0x3A, 0xAB, 0xE6],
        };
        let key: [u8; 16] = derive(&master, Label::RtpKey, provider.crypto()).expect("AES works");
        let salt: [u8; 14] = derive(&master, Label::RtpSalt, provider.crypto()).expect("AES works");
        let authentication: [u8; 20] =
            derive(&master, Label::RtpAuthentication, provider.crypto()).expect("AES works");
        assert_eq!(
            key,
            [0xC6, 0x1E, 0x7A, 0x93, 0x74, 0x4F, 0x39, 0xEE, 0x10, 0x73, 0x4A, 0xFE, 0x3F, 0xF7, 0xA0, 0x87]
        );
        assert_eq!(
            salt,
            [0x30, 0xCB, 0xBC, 0x08, 0x86, 0x3D, 0x8C, 0x85, 0xD4, 0x9D, 0xB3, 0x4A, 0x9A, 0xE1]
        );
        assert_eq!(authentication[..8], [0xCE, 0xBE, 0x32, 0x1F, 0x6F, 0xF7, 0x71, 0x6B]);
    }

    #[test]
    fn the_clients_keys_come_first_and_each_side_sends_with_its_own() {
        let material: Vec<u8> = (0..56).collect();
        let server =
            SrtpKeys::from_material(Profile::Aes128Gcm, &material, false).expect("the length is right");
        let client =
            SrtpKeys::from_material(Profile::Aes128Gcm, &material, true).expect("the length is right");
        assert_eq!((client.local.key[0], client.local.salt[0]), (0, 32));
        assert_eq!((server.local.key[0], server.local.salt[0]), (16, 44));
        assert_eq!((server.remote.key, client.remote.key), (client.local.key, server.local.key));
        assert!(SrtpKeys::from_material(Profile::Aes128CmSha1_80, &material, false).is_none());
    }
}

//! Our SRTP against RFC 7714's vectors and against rtc-srtp, an independent implementation.

use super::cipher::{Cipher, Gcm, Kind};
use super::{OpenError, Opener, Profile, RtcpOpener, RtcpSealer, SealError, Sealer, SrtpKeys, StreamIndex};
use proptest::prelude::*;
use rtc_srtp::context::Context;
use rtc_srtp::protection_profile::ProtectionProfile;
use std::{collections::HashSet, sync::Arc};

const PROFILES: [(Profile, ProtectionProfile); 2] = [
    (Profile::Aes128Gcm, ProtectionProfile::AeadAes128Gcm),
    (Profile::Aes128CmSha1_80, ProtectionProfile::Aes128CmHmacSha1_80),
];

fn provider() -> Arc<dyn rtc_crypto::RTCCryptoProvider> {
    rtc_crypto::default_provider().expect("ring is built in")
}

fn material(profile: Profile) -> Vec<u8> {
    (0..profile.material_len()).map(|n| (n * 7 + 3) as u8).collect()
}

fn keys(profile: Profile, we_are_client: bool) -> SrtpKeys {
    SrtpKeys::from_material(profile, &material(profile), we_are_client).expect("the length is right")
}

/// rtc-srtp with the client's or the server's write key, laid out as RFC 5764 section 4.2 says.
fn theirs(profile: Profile, named: ProtectionProfile, clients: bool) -> Context {
    let material = material(profile);
    let (key_at, salt_at) = if clients { (0, 32) } else { (16, 32 + profile.salt_len()) };
    let salt = &material[salt_at..salt_at + profile.salt_len()];
    Context::new(&material[key_at..key_at + 16], salt, named, None, None, provider().crypto())
        .expect("keys have the right lengths")
}

fn packet(ssrc: u32, index: u64, payload: &[u8], tag: usize) -> Vec<u8> {
    let mut packet = vec![0x90, 96];
    packet.extend_from_slice(&(index as u16).to_be_bytes());
    packet.extend_from_slice(&[0, 0, 0, 1]);
    packet.extend_from_slice(&ssrc.to_be_bytes());
    packet.extend_from_slice(&[0xBE, 0xDE, 0, 1, 0x10, 7, 0, 0]);
    packet.extend_from_slice(payload);
    packet.resize(packet.len() + tag, 0);
    packet
}

/// RFC 7714 section 16.1.1.
#[test]
fn a_packet_is_sealed_as_in_the_rfc() {
    let header = [0x80, 0x40, 0xF1, 0x7B, 0x80, 0x41, 0xF8, 0xD3, 0x55, 0x01, 0xA0, 0xB2];
    let mut payload = *b"Gallia est omnis divisa in partes tres";
    let key: Vec<u8> = (0..16).collect();
    let gcm = Gcm::with_session_key(&key, *b"Quid pro quo");
    let mut tag = [0; 16];
    gcm.seal_rtp(0x5501_A0B2, 0xF17B, &header, &mut payload, &mut tag).expect("it seals");
    let expected = "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833";
    assert_eq!(data_encoding::HEXLOWER.encode(&payload), expected);
    assert_eq!(data_encoding::HEXLOWER.encode(&tag), "899d7f27beb16a9152cf765ee4390cce");
}

#[test]
fn what_we_seal_the_other_implementation_opens_with_our_side_s_key() {
    for (profile, named) in PROFILES {
        for we_are_client in [false, true] {
            let mut sealer =
                Sealer::new(&keys(profile, we_are_client), &[1, 0xAABB_CCDD], provider().crypto())
                    .expect("made");
            let mut context = theirs(profile, named, we_are_client);
            // Across a wrap of the sequence number: the rollover counter is part of the nonce and of the tag.
            for index in 65_530..65_540 {
                let mut sealed = packet(0xAABB_CCDD, index, b"a picture", sealer.tag_len());
                sealer.seal_rtp(StreamIndex(1), index, &mut sealed, 20).expect("a fresh index is sealed");
                let opened = context
                    .decrypt_rtp(&sealed)
                    .unwrap_or_else(|error| panic!("{profile:?} {index}: {error}"));
                assert_eq!(opened[..], packet(0xAABB_CCDD, index, b"a picture", 0)[..]);
            }
            let mut sealer =
                RtcpSealer::new(&keys(profile, we_are_client), provider().crypto()).expect("made");
            for ssrc in [1u8, 2, 1] {
                let compound = [0x80, 201, 0, 1, 0, 0, 0, ssrc, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 42];
                let sealed = sealer.seal(&compound).expect("it seals");
                assert_eq!(context.decrypt_rtcp(&sealed).expect("it opens")[..], compound);
            }
        }
    }
}

#[test]
fn what_the_other_implementation_seals_with_the_other_side_s_key_we_open() {
    for (profile, named) in PROFILES {
        for we_are_client in [false, true] {
            let mut opener = Opener::new(&keys(profile, we_are_client), provider().crypto()).expect("made");
            let mut context = theirs(profile, named, !we_are_client);
            for index in 65_530..65_540 {
                let plain = packet(9, index, b"a picture", 0);
                let mut sealed = context.encrypt_rtp(&plain).expect("it seals").to_vec();
                let opened = opener
                    .open_rtp(&mut sealed)
                    .unwrap_or_else(|error| panic!("{profile:?} {index}: {error}"));
                assert_eq!(
                    (opened.index, opened.header_len, &sealed[..opened.length]),
                    (index, 20, &plain[..])
                );
            }
            let mut opener =
                RtcpOpener::new(&keys(profile, we_are_client), provider().crypto()).expect("made");
            let compound = [0x80, 201, 0, 1, 0, 0, 0, 9, 0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 42];
            let sealed = context.encrypt_rtcp(&compound).expect("it seals").to_vec();
            let mut copy = sealed.clone();
            let length = opener.open(&mut copy).expect("it opens");
            assert_eq!(copy[..length], compound);
            assert!(opener.open(&mut sealed.clone()).is_err(), "a replay");
        }
    }
}

#[test]
fn with_the_keys_of_the_wrong_side_or_profile_nothing_opens() {
    for (profile, _) in PROFILES {
        let mut sealer = Sealer::new(&keys(profile, true), &[9], provider().crypto()).expect("made");
        let mut sealed = packet(9, 5, b"a picture", sealer.tag_len());
        sealer.seal_rtp(StreamIndex(0), 5, &mut sealed, 20).expect("a fresh index is sealed");
        for (other, we_are_client) in PROFILES.iter().flat_map(|(other, _)| [(*other, true), (*other, false)])
        {
            let mut opener = Opener::new(&keys(other, we_are_client), provider().crypto()).expect("made");
            let opens = opener.open_rtp(&mut sealed.clone()).is_ok();
            assert_eq!(
                opens,
                other == profile && !we_are_client,
                "{profile:?} opened by {other:?}, client: {we_are_client}"
            );
        }
    }
}

/// rtc-srtp hands such a packet out without looking at its tag under `SHA1_80`; here not even a right tag helps.
#[test]
fn rtcp_that_claims_to_be_unencrypted_is_refused() {
    for (profile, _) in PROFILES {
        let mut opener = RtcpOpener::new(&keys(profile, false), provider().crypto()).expect("made");
        let mut forged = vec![0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 42, 0, 0, 0, 1];
        forged.resize(forged.len() + 16, 0);
        assert!(opener.open(&mut forged).is_err());
    }
    let profile = Profile::Aes128CmSha1_80;
    let cipher =
        Cipher::new(profile, &keys(profile, true).local, Kind::Rtcp, provider().crypto()).expect("made");
    let Cipher::CmSha1(mut cipher) = cipher else { panic!("the profile is SHA1_80") };
    let mut tagged = vec![0x81, 206, 0, 2, 0, 0, 0, 1, 0, 0, 0, 42, 0, 0, 0, 1];
    let tag = cipher.tag(&[&tagged]).expect("HMAC works");
    tagged.extend_from_slice(&tag);
    let mut opener = RtcpOpener::new(&keys(profile, false), provider().crypto()).expect("made");
    assert_eq!(opener.open(&mut tagged), Err(OpenError::BadTag));
}

#[test]
fn forged_packets_of_many_ssrcs_leave_no_trace() {
    let mut opener = Opener::new(&keys(Profile::Aes128Gcm, false), provider().crypto()).expect("made");
    for ssrc in 0..10_000 {
        assert!(opener.open_rtp(&mut packet(ssrc, 1, b"noise", 16)).is_err());
    }
    assert_eq!(format!("{opener:?}"), "Opener { sources: 0, .. }");
}

#[test]
fn two_streams_may_not_share_an_ssrc() {
    assert!(Sealer::new(&keys(Profile::Aes128Gcm, false), &[1, 2, 1], provider().crypto()).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a worker asks for, no (stream, index) leaves sealed twice, and so no nonce is used twice.
    #[test]
    fn no_nonce_is_ever_used_twice(asks in prop::collection::vec((0u8..3, 0u64..3_000, any::<bool>()), 1..600)) {
        let mut sealer = Sealer::new(&keys(Profile::Aes128Gcm, false), &[10, 11], provider().crypto()).expect("made");
        let mut sealed = HashSet::new();
        for (stream, index, whole) in asks {
            let mut bytes = packet(10 + u32::from(stream), index, b"media", 16);
            let before = bytes.clone();
            let end = if whole { bytes.len() } else { 30 };
            match sealer.seal_rtp(StreamIndex(stream), index, &mut bytes[..end], 20) {
                Ok(()) => prop_assert!(sealed.insert((stream, index))),
                Err(error) => {
                    prop_assert_eq!(&bytes, &before, "a refused packet is unchanged");
                    if let SealError::Reused(index) = error {
                        prop_assert!(sealed.contains(&(stream, index)));
                    }
                }
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_open_and_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), like in any::<bool>()) {
        if like && !bytes.is_empty() { bytes[0] = 0x80 | bytes[0] & 0x3F; }
        for (profile, _) in PROFILES {
            let mut opener = Opener::new(&keys(profile, false), provider().crypto()).expect("made");
            prop_assert!(opener.open_rtp(&mut bytes.clone()).is_err());
            let mut opener = RtcpOpener::new(&keys(profile, false), provider().crypto()).expect("made");
            prop_assert!(opener.open(&mut bytes.clone()).is_err());
        }
    }
}

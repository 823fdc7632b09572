//! SRTP and SRTCP (RFC 3711, RFC 7714): keys from DTLS, sealing, opening, replay windows.
//!
//! The relay seals and opens with its own few lines over `ring` and rtc-crypto instead of rtc-srtp's `Context`, because that one
//! allocates per packet, accepts SRTCP with the encryption bit cleared without checking its tag under `SHA1_80`, and keeps state for every
//! SSRC anybody names before authenticating it. Tests check ours against it, and against RFC 7714's vectors.

#[cfg(test)]
mod against_rtc;
mod cipher;
mod keys;
mod open;
mod rtcp;
mod seal;
mod window;

pub use keys::{Profile, SrtpKeys};
pub use open::{OpenError, OpenedRtp, Opener};
pub(crate) use rtcp::{RtcpOpener, RtcpSealer};
pub use seal::{SealError, Sealer, StreamIndex};

pub(crate) use keys::KEYING_MATERIAL_LABEL;

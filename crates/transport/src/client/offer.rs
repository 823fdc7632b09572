//! Offers of our client: one transport, sections in a row, everything the relay knows.

use crate::PeerSecrets;
use crate::endpoint::Shared;
use domain::Codec;
use std::fmt::Write as _;

/// What a client offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferSpec {
    /// Whether it sends (WHIP) or receives (WHEP).
    pub sends: bool,
    /// How many audio sections (0 to 2).
    pub audio: usize,
    /// How many video sections (0 to 3).
    pub video: usize,
    /// Video codecs offered, the preferred first.
    pub codecs: Vec<Codec>,
}

impl OfferSpec {
    /// A classroom: every slot, received, VP8 and H.264.
    pub fn classroom() -> Self {
        Self { sends: false, audio: 2, video: 3, codecs: vec![Codec::Vp8, Codec::H264] }
    }
}

const AUDIO: &str = "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=rtcp-fb:111 nack\r\n\
    a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n";
const FEEDBACK: [&str; 5] = ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"];
const EXTENSIONS: &str = "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
    a=extmap:2 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n\
    a=extmap:3 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n\
    a=extmap:4 http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\r\n";

pub(super) fn write_offer(spec: &OfferSpec, shared: &Shared, secrets: &PeerSecrets) -> String {
    let mut sdp =
        format!("v=0\r\no=- {} 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE", secrets.session_id());
    let sections = spec.audio + spec.video;
    for mid in 0..sections {
        // Writing into a String does not fail.
        let _ = write!(sdp, " {mid}");
    }
    sdp.push_str("\r\n");
    for mid in 0..sections {
        let is_audio = mid < spec.audio;
        let video_types: Vec<_> = spec
            .codecs
            .iter()
            .flat_map(|codec| payload_types(*codec))
            .map(|number| number.to_string())
            .collect();
        let formats = if is_audio { "111 63".to_owned() } else { video_types.join(" ") };
        let _ = write!(
            sdp,
            "m={} 9 UDP/TLS/RTP/SAVPF {formats}\r\nc=IN IP4 0.0.0.0\r\na=mid:{mid}\r\na=ice-ufrag:{}\r\na=ice-pwd:{}\r\n\
             a=fingerprint:{}\r\na=setup:actpass\r\na={}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n{EXTENSIONS}",
            if is_audio { "audio" } else { "video" },
            secrets.ufrag(),
            secrets.password(),
            shared.identity.fingerprint(),
            if spec.sends { "sendonly" } else { "recvonly" },
        );
        if is_audio {
            sdp.push_str(AUDIO);
        } else {
            spec.codecs.iter().for_each(|codec| write_video(&mut sdp, *codec));
        }
    }
    sdp
}

/// Media and its repair.
fn payload_types(codec: Codec) -> [u8; 2] {
    match codec {
        Codec::Vp8 => [96, 97],
        Codec::H264 => [102, 103],
        Codec::Opus => [111, 63],
    }
}

fn write_video(sdp: &mut String, codec: Codec) {
    let [media, rtx] = payload_types(codec);
    let name = if codec == Codec::Vp8 { "VP8" } else { "H264" };
    let _ = write!(sdp, "a=rtpmap:{media} {name}/90000\r\n");
    for feedback in FEEDBACK {
        let _ = write!(sdp, "a=rtcp-fb:{media} {feedback}\r\n");
    }
    if codec == Codec::H264 {
        let _ = write!(
            sdp,
            "a=fmtp:{media} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n"
        );
    }
    let _ = write!(sdp, "a=rtpmap:{rtx} rtx/90000\r\na=fmtp:{rtx} apt={media}\r\n");
}

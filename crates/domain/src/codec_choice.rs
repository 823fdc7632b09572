//! Which picture codec the host should send: one stream serves every screen.

use crate::Codec;
use serde::{Deserialize, Serialize};

/// How a screen decodes one codec, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decoding {
    /// Not at all, or not said.
    #[default]
    No,
    /// On the processor.
    Software,
    /// On a video chip: 720p costs neither heat nor dropped frames.
    Hardware,
}

/// What one screen said about its decoders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct CodecSupport {
    /// H.264 constrained baseline.
    pub h264: Decoding,
    /// VP8.
    pub vp8: Decoding,
}

impl CodecSupport {
    /// A screen that said nothing: a WHEP player without a page. RFC 7742 makes both codecs mandatory,
    /// and nothing is known of its chip.
    pub const UNKNOWN: CodecSupport = CodecSupport { h264: Decoding::Software, vp8: Decoding::Software };

    fn of(self, codec: Codec) -> Decoding {
        match codec {
            Codec::H264 => self.h264,
            Codec::Vp8 => self.vp8,
            Codec::Opus => Decoding::No,
        }
    }
}

/// The codec the host should send so that these places and observers all see the lesson.
///
/// The relay does not transcode, so one codec serves everybody:
///
/// 1. **H.264 when every place decodes it in hardware** and every observer decodes it somehow. Classroom
///    TVs and boxes have weak processors and nearly all have an H.264 chip; with it 720p costs them
///    nothing, in software it stutters. The host gains too: her encoder is usually a chip as well.
///    Observers sit at computers, so a decoder on the processor is good enough there; asking them for
///    hardware would let one laptop take the good codec away from two hundred TVs.
/// 2. **Otherwise VP8, when all can.** A box without an H.264 chip decodes VP8 in software more cheaply
///    than H.264, and some have no H.264 at all: Firefox without its `OpenH264` download, and Android
///    `WebView` versions that dropped H.264 from WebRTC.
/// 3. **Otherwise whatever most of them can decode**; VP8 when it is equal. Somebody stays without a
///    picture then, and keeps the sound.
///
/// With nobody there yet it is VP8: a guess of H.264 could be wrong for the first classroom that joins.
pub fn preferred_codec(
    places: impl IntoIterator<Item = CodecSupport>,
    observers: impl IntoIterator<Item = CodecSupport>,
) -> Codec {
    let mut viewers = 0_usize;
    let mut can_decode = [0_usize; 2];
    let mut h264_suits_everybody = true;
    let places = places.into_iter().map(|support| (support, Decoding::Hardware));
    let observers = observers.into_iter().map(|support| (support, Decoding::Software));
    for (support, h264_needed) in places.chain(observers) {
        viewers += 1;
        h264_suits_everybody &= support.h264 >= h264_needed;
        for (count, codec) in can_decode.iter_mut().zip([Codec::H264, Codec::Vp8]) {
            *count += usize::from(support.of(codec) > Decoding::No);
        }
    }
    let [h264_viewers, vp8_viewers] = can_decode;
    if viewers > 0 && (h264_suits_everybody || h264_viewers > vp8_viewers) { Codec::H264 } else { Codec::Vp8 }
}

#[cfg(test)]
mod tests {
    use super::Decoding::{Hardware, No, Software};
    use super::*;

    fn screen(h264: Decoding, vp8: Decoding) -> CodecSupport {
        CodecSupport { h264, vp8 }
    }

    #[track_caller]
    fn check(places: &[CodecSupport], observers: &[CodecSupport], expected: Codec) {
        assert_eq!(preferred_codec(places.iter().copied(), observers.iter().copied()), expected);
    }

    #[test]
    fn classrooms_with_h264_chips_get_h264() {
        check(&[screen(Hardware, Software), screen(Hardware, No)], &[], Codec::H264);
    }

    #[test]
    fn one_tv_without_a_chip_brings_vp8_for_all() {
        check(&[screen(Hardware, Software), screen(Software, Software)], &[], Codec::Vp8);
        check(&[screen(Hardware, Software), screen(No, Software)], &[], Codec::Vp8);
        check(&[screen(Hardware, Software), CodecSupport::UNKNOWN], &[], Codec::Vp8);
    }

    #[test]
    fn an_observers_laptop_does_not_take_h264_from_the_tvs_unless_it_would_see_nothing() {
        let tv = screen(Hardware, Software);
        check(&[tv], &[screen(Software, Software)], Codec::H264);
        check(&[tv], &[screen(No, Software)], Codec::Vp8);
    }

    #[test]
    fn when_no_codec_reaches_everybody_most_screens_win() {
        let h264_only = screen(Software, No);
        let vp8_only = screen(No, Software);
        check(&[h264_only, h264_only, vp8_only], &[], Codec::H264);
        check(&[h264_only, vp8_only], &[], Codec::Vp8);
        check(&[vp8_only, vp8_only, h264_only], &[], Codec::Vp8);
    }

    #[test]
    fn before_anybody_joins_the_guess_is_vp8() {
        check(&[], &[], Codec::Vp8);
    }
}

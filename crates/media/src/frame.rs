//! What a payload carries, as far as a relay needs to know.

use crate::{h264, vp8};
use domain::Codec;

/// The place of one packet in its picture, read from the codec's own bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameInfo {
    /// Codec of the payload.
    pub codec: Codec,
    /// First packet of a frame, where the codec says so (VP8); always true for audio.
    pub starts_frame: bool,
    /// A decoder may start here: first packet of a keyframe with its parameter sets. Never for audio.
    pub starts_keyframe: bool,
    /// Temporal layer, 0 (base) to 3; 0 where the codec does not say.
    pub temporal: u8,
    /// A receiver may step up to this temporal layer at this frame (VP8 Y bit).
    pub layer_sync: bool,
    /// VP8 picture ids, for rewriting.
    pub vp8: vp8::PictureIds,
}

impl FrameInfo {
    /// Reads what can be known from one payload alone. Never fails: an unreadable payload is a packet
    /// at which nothing can start.
    pub fn read(codec: Codec, payload: &[u8]) -> Self {
        let plain = FrameInfo {
            codec,
            starts_frame: false,
            starts_keyframe: false,
            temporal: 0,
            layer_sync: false,
            vp8: vp8::PictureIds::default(),
        };
        match codec {
            Codec::Opus => FrameInfo { starts_frame: true, ..plain },
            Codec::Vp8 => match vp8::Descriptor::parse(payload) {
                Some(descriptor) => FrameInfo {
                    starts_frame: descriptor.starts_frame,
                    starts_keyframe: descriptor.starts_keyframe,
                    temporal: descriptor.temporal,
                    layer_sync: descriptor.layer_sync,
                    vp8: descriptor.ids,
                    ..plain
                },
                None => plain,
            },
            Codec::H264 => {
                let content = h264::read(payload);
                FrameInfo { starts_keyframe: content.starts_keyframe(), ..plain }
            }
        }
    }
}

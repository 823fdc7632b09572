//! Live `WebM` (<https://www.webmproject.org/docs/container>, RFC 8794 for EBML, RFC 9559 for Matroska): VP8 pictures and Opus sound,
//! for players that take no MP4 with them.

/// What a track holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// VP8 pictures of this size.
    Vp8 { width: u16, height: u16 },
    /// Opus, stereo.
    Opus,
}

/// One frame of a cluster.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a> {
    /// Milliseconds after the cluster's beginning, less than 32 s.
    pub(crate) at_ms: u16,
    /// How long it lasts, where the next one does not say: the last block of a cluster.
    pub(crate) duration_ms: Option<u16>,
    pub(crate) is_key: bool,
    pub(crate) data: &'a [u8],
}

/// Element ids, with their length marker.
mod id {
    pub(super) const EBML: u32 = 0x1a45_dfa3;
    pub(super) const EBML_VERSION: u32 = 0x4286;
    pub(super) const EBML_READ_VERSION: u32 = 0x42f7;
    pub(super) const EBML_MAX_ID: u32 = 0x42f2;
    pub(super) const EBML_MAX_SIZE: u32 = 0x42f3;
    pub(super) const DOC_TYPE: u32 = 0x4282;
    pub(super) const DOC_TYPE_VERSION: u32 = 0x4287;
    pub(super) const DOC_TYPE_READ_VERSION: u32 = 0x4285;
    pub(super) const SEGMENT: u32 = 0x1853_8067;
    pub(super) const INFO: u32 = 0x1549_a966;
    pub(super) const TIMESTAMP_SCALE: u32 = 0x2a_d7b1;
    pub(super) const MUXING_APP: u32 = 0x4d80;
    pub(super) const WRITING_APP: u32 = 0x5741;
    pub(super) const TRACKS: u32 = 0x1654_ae6b;
    pub(super) const TRACK_ENTRY: u32 = 0xae;
    pub(super) const TRACK_NUMBER: u32 = 0xd7;
    pub(super) const TRACK_UID: u32 = 0x73c5;
    pub(super) const TRACK_TYPE: u32 = 0x83;
    pub(super) const CODEC_ID: u32 = 0x86;
    pub(super) const CODEC_PRIVATE: u32 = 0x63a2;
    pub(super) const SEEK_PRE_ROLL: u32 = 0x56bb;
    pub(super) const VIDEO: u32 = 0xe0;
    pub(super) const PIXEL_WIDTH: u32 = 0xb0;
    pub(super) const PIXEL_HEIGHT: u32 = 0xba;
    pub(super) const AUDIO: u32 = 0xe1;
    pub(super) const SAMPLING_FREQUENCY: u32 = 0xb5;
    pub(super) const CHANNELS: u32 = 0x9f;
    pub(super) const CLUSTER: u32 = 0x1f43_b675;
    pub(super) const TIMESTAMP: u32 = 0xe7;
    pub(super) const SIMPLE_BLOCK: u32 = 0xa3;
    pub(super) const BLOCK_GROUP: u32 = 0xa0;
    pub(super) const BLOCK: u32 = 0xa1;
    pub(super) const BLOCK_DURATION: u32 = 0x9b;
    pub(super) const REFERENCE_BLOCK: u32 = 0xfb;
}

/// Writes elements. Sizes have eight bytes where they are not known beforehand.
#[derive(Default)]
struct Elements(Vec<u8>);

impl Elements {
    fn id(&mut self, id: u32) {
        let bytes = id.to_be_bytes();
        let skip = bytes.iter().take_while(|byte| **byte == 0).count();
        self.0.extend_from_slice(bytes.get(skip..).unwrap_or_default());
    }

    fn within(&mut self, id: u32, fill: impl FnOnce(&mut Self)) {
        self.id(id);
        let at = self.0.len();
        self.0.extend_from_slice(&[0; 8]);
        fill(self);
        let len = (self.0.len() - at - 8) as u64 | 0x0100_0000_0000_0000;
        if let Some(place) = self.0.get_mut(at..at + 8) {
            place.copy_from_slice(&len.to_be_bytes());
        }
    }

    fn bytes(&mut self, id: u32, bytes: &[u8]) {
        self.id(id);
        // Four bytes of size: marker and 28 bits.
        self.0.extend_from_slice(&(bytes.len() as u32 & 0x0fff_ffff | 0x1000_0000).to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn number(&mut self, id: u32, value: u64) {
        let bytes = value.to_be_bytes();
        let skip = bytes.iter().take_while(|byte| **byte == 0).count().min(7);
        self.bytes(id, bytes.get(skip..).unwrap_or_default());
    }
}

/// Opus identification header (RFC 7845 section 5.1): version 1, two channels, no pre-skip, 48 kHz, no gain, mapping family 0.
const OPUS_HEAD: [u8; 19] = *b"OpusHead\x01\x02\0\0\x80\xbb\0\0\0\0\0";

/// The initialisation segment of one track.
pub(crate) fn init(kind: Kind) -> Vec<u8> {
    let mut elements = Elements::default();
    elements.within(id::EBML, |e| {
        e.number(id::EBML_VERSION, 1);
        e.number(id::EBML_READ_VERSION, 1);
        e.number(id::EBML_MAX_ID, 4);
        e.number(id::EBML_MAX_SIZE, 8);
        e.bytes(id::DOC_TYPE, b"webm");
        e.number(id::DOC_TYPE_VERSION, 4);
        e.number(id::DOC_TYPE_READ_VERSION, 2);
    });
    elements.id(id::SEGMENT);
    // A size nobody knows yet: all ones.
    elements.0.extend_from_slice(&[0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    elements.within(id::INFO, |e| {
        e.number(id::TIMESTAMP_SCALE, 1_000_000);
        e.bytes(id::MUXING_APP, b"Nhip Cau");
        e.bytes(id::WRITING_APP, b"Nhip Cau");
    });
    elements.within(id::TRACKS, |e| {
        e.within(id::TRACK_ENTRY, |e| {
            e.number(id::TRACK_NUMBER, 1);
            e.number(id::TRACK_UID, 1);
            match kind {
                Kind::Vp8 { width, height } => {
                    e.number(id::TRACK_TYPE, 1);
                    e.bytes(id::CODEC_ID, b"V_VP8");
                    e.within(id::VIDEO, |e| {
                        e.number(id::PIXEL_WIDTH, u64::from(width));
                        e.number(id::PIXEL_HEIGHT, u64::from(height));
                    });
                }
                Kind::Opus => {
                    e.number(id::TRACK_TYPE, 2);
                    e.bytes(id::CODEC_ID, b"A_OPUS");
                    e.bytes(id::CODEC_PRIVATE, &OPUS_HEAD);
                    // A decoder needs 80 ms to be right (RFC 7845 section 4.6).
                    e.number(id::SEEK_PRE_ROLL, 80_000_000);
                    e.within(id::AUDIO, |e| {
                        e.bytes(id::SAMPLING_FREQUENCY, &48_000f64.to_be_bytes());
                        e.number(id::CHANNELS, 2);
                    });
                }
            }
        });
    });
    elements.0
}

/// One cluster that begins at `begin_ms`.
pub(crate) fn cluster(begin_ms: u64, blocks: &[Block<'_>]) -> Vec<u8> {
    let mut elements = Elements::default();
    elements.within(id::CLUSTER, |e| {
        e.number(id::TIMESTAMP, begin_ms);
        for block in blocks {
            // Track 1, time, flags.
            let flag = if block.duration_ms.is_none() && block.is_key { 0x80 } else { 0 };
            let [high, low] = (block.at_ms & 0x7fff).to_be_bytes();
            let content = [&[0x81, high, low, flag], block.data].concat();
            let Some(duration) = block.duration_ms else {
                e.bytes(id::SIMPLE_BLOCK, &content);
                continue;
            };
            e.within(id::BLOCK_GROUP, |e| {
                e.bytes(id::BLOCK, &content);
                e.number(id::BLOCK_DURATION, u64::from(duration));
                if !block.is_key {
                    // That there is one says that this is no keyframe; which frame it is nobody asks.
                    e.bytes(id::REFERENCE_BLOCK, &[0xff]);
                }
            });
        }
    });
    elements.0
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// When a cluster begins and when its last block, whose duration it tells, ends; milliseconds.
    pub(crate) fn span(cluster: &[u8]) -> (u64, u64) {
        let number = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
        let inside = elements(elements(cluster)[0].1);
        let begin = number(inside[0].1);
        let (last, group) = inside[inside.len() - 1];
        assert_eq!(last, id::BLOCK_GROUP);
        let group = elements(group);
        assert_eq!((group[0].0, group[1].0), (id::BLOCK, id::BLOCK_DURATION));
        (begin, begin + number(&group[0].1[1..3]) + number(group[1].1))
    }

    /// (id, content) of the elements in `bytes`, whose sizes are all known.
    fn elements(mut bytes: &[u8]) -> Vec<(u32, &[u8])> {
        let mut found = Vec::new();
        while let Some(&first) = bytes.first() {
            let id_len = first.leading_zeros() as usize + 1;
            let id = bytes[..id_len].iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
            let size_at = &bytes[id_len..];
            let size_len = size_at[0].leading_zeros() as usize + 1;
            let size = size_at[..size_len].iter().fold(0u64, |size, byte| size << 8 | u64::from(*byte));
            let size = (size & ((1 << (7 * size_len)) - 1)) as usize;
            let content = &size_at[size_len..];
            if size > content.len() {
                found.push((id, content));
                return found;
            }
            found.push((id, &content[..size]));
            bytes = &content[size..];
        }
        found
    }

    #[test]
    fn an_initialisation_segment_names_codec_and_size() {
        let bytes = init(Kind::Vp8 { width: 640, height: 360 });
        let top = elements(&bytes);
        assert_eq!(top.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [id::EBML, id::SEGMENT]);
        let segment = elements(top[1].1);
        let tracks = segment.iter().find(|(id, _)| *id == id::TRACKS).expect("tracks");
        let entry = elements(elements(tracks.1)[0].1);
        assert!(entry.contains(&(id::CODEC_ID, b"V_VP8")));
        let video = entry.iter().find(|(id, _)| *id == id::VIDEO).expect("a picture");
        assert_eq!(elements(video.1), [(id::PIXEL_WIDTH, &[2, 128][..]), (id::PIXEL_HEIGHT, &[1, 104])]);
        assert!(init(Kind::Opus).windows(8).any(|window| window == b"OpusHead"));
    }

    #[test]
    fn a_cluster_tells_keyframes_and_how_long_its_last_frame_lasts() {
        let blocks = [
            Block { at_ms: 0, duration_ms: None, is_key: true, data: b"key" },
            Block { at_ms: 300, duration_ms: Some(100), is_key: false, data: b"delta" },
        ];
        let bytes = cluster(86_400_000, &blocks);
        let inside = elements(elements(&bytes)[0].1);
        assert_eq!(inside[0], (id::TIMESTAMP, &[5, 0x26, 0x5c, 0][..]));
        assert_eq!(inside[1], (id::SIMPLE_BLOCK, &[0x81, 0, 0, 0x80, b'k', b'e', b'y'][..]));
        let group = elements(inside[2].1);
        assert_eq!(group[0], (id::BLOCK, &[0x81, 1, 44, 0, b'd', b'e', b'l', b't', b'a'][..]));
        assert_eq!(group[1], (id::BLOCK_DURATION, &[100][..]));
        assert_eq!(group[2].0, id::REFERENCE_BLOCK);
    }
}

//! VP8 payload descriptor (RFC 7741 section 4.2): reading and rewriting in place.
//!
//! ```text
//!  0 1 2 3 4 5 6 7
//! |X|R|N|S|R| PID |   required
//! |I|L|T|K| RSV   |   if X
//! |M| PictureID   |   if I (7 bits, or 15 with M)
//! |   PictureID   |   if I and M
//! |   TL0PICIDX   |   if L
//! |TID|Y| KEYIDX  |   if T or K
//! ```

/// A picture id in the width the encoder chose; rewriting keeps the width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureId {
    /// 7 bits, 0 to 127.
    Short(u8),
    /// 15 bits, 0 to 32 767.
    Long(u16),
}

impl PictureId {
    /// The number, whatever its width.
    pub fn value(self) -> u16 {
        match self {
            PictureId::Short(id) => u16::from(id),
            PictureId::Long(id) => id,
        }
    }

    /// Bytes it takes in the descriptor.
    pub fn octets(self) -> usize {
        match self {
            PictureId::Short(_) => 1,
            PictureId::Long(_) => 2,
        }
    }
}

/// The numbers in a descriptor that must stay continuous for a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PictureIds {
    /// Counts frames.
    pub picture_id: Option<PictureId>,
    /// Counts frames of temporal layer 0, modulo 256.
    pub tl0_pic_idx: Option<u8>,
}

/// What a descriptor says about its packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    /// First packet of a frame: S bit set and partition 0.
    pub starts_frame: bool,
    /// First packet of a keyframe: also the P bit of the VP8 payload header (section 4.3) is 0.
    pub starts_keyframe: bool,
    /// Temporal layer, 0 to 3; 0 when absent.
    pub temporal: u8,
    /// Y bit: this frame depends only on temporal layer 0.
    pub layer_sync: bool,
    /// Picture id and TL0PICIDX.
    pub ids: PictureIds,
    /// Bytes of the descriptor.
    pub len: usize,
}

impl Descriptor {
    /// Reads a descriptor; `None` when the payload ends inside it.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let first = *payload.first()?;
        let mut len = 1;
        let mut ids = PictureIds::default();
        let (mut temporal, mut layer_sync) = (0, false);
        if first & 0x80 != 0 {
            let flags = *payload.get(1)?;
            len = 2;
            if flags & 0x80 != 0 {
                let high = *payload.get(len)?;
                let id = if high & 0x80 != 0 {
                    PictureId::Long(u16::from_be_bytes([high & 0x7f, *payload.get(len + 1)?]))
                } else {
                    PictureId::Short(high)
                };
                len += id.octets();
                ids.picture_id = Some(id);
            }
            if flags & 0x40 != 0 {
                ids.tl0_pic_idx = Some(*payload.get(len)?);
                len += 1;
            }
            if flags & 0x30 != 0 {
                let octet = *payload.get(len)?;
                if flags & 0x20 != 0 {
                    temporal = octet >> 6;
                    layer_sync = octet & 0x20 != 0;
                }
                len += 1;
            }
        }
        let starts_frame = first & 0x17 == 0x10;
        let starts_keyframe = starts_frame && payload.get(len).is_some_and(|header| header & 1 == 0);
        Some(Descriptor { starts_frame, starts_keyframe, temporal, layer_sync, ids, len })
    }
}

/// Writes new picture ids over the old ones in a copy of the payload the `ids` were read from.
///
/// `picture_id` is cut to the width the descriptor has. KEYIDX and everything else stay.
pub fn rewrite(ids: PictureIds, picture_id: u16, tl0_pic_idx: u8, payload: &mut [u8]) {
    // With either id present the X octet is there, so the first id sits at offset 2.
    let mut at = 2;
    match ids.picture_id {
        Some(PictureId::Short(_)) => {
            if let Some(octet) = payload.get_mut(at) {
                *octet = picture_id as u8 & 0x7f;
            }
            at += 1;
        }
        Some(PictureId::Long(_)) => {
            if let Some(octets) = payload.get_mut(at..at + 2) {
                octets.copy_from_slice(&(picture_id | 0x8000).to_be_bytes());
            }
            at += 2;
        }
        None => {}
    }
    if ids.tl0_pic_idx.is_some()
        && let Some(octet) = payload.get_mut(at)
    {
        *octet = tl0_pic_idx;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids(picture_id: Option<PictureId>, tl0_pic_idx: Option<u8>) -> PictureIds {
        PictureIds { picture_id, tl0_pic_idx }
    }

    #[test]
    fn descriptors_of_every_shape_are_read() {
        /// (payload, length, starts frame, starts keyframe, temporal layer, sync, ids)
        type Row = (&'static [u8], usize, bool, bool, u8, bool, PictureIds);
        let none = ids(None, None);
        let rows: [Row; 8] = [
            (&[0x10, 0x00], 1, true, true, 0, false, none),
            (&[0x10, 0x01], 1, true, false, 0, false, none),
            (&[0x00, 0x00], 1, false, false, 0, false, none),
            (&[0x11, 0x00], 1, false, false, 0, false, none), // second partition
            (&[0x90, 0x80, 0x7f, 0x00], 3, true, true, 0, false, ids(Some(PictureId::Short(127)), None)),
            (
                &[0x90, 0x80, 0xff, 0xff, 0x01],
                4,
                true,
                false,
                0,
                false,
                ids(Some(PictureId::Long(32_767)), None),
            ),
            (
                &[0x90, 0xf0, 0x81, 0x00, 0x09, 0xb3, 0x01],
                6,
                true,
                false,
                2,
                true,
                ids(Some(PictureId::Long(256)), Some(9)),
            ),
            (&[0x90, 0x10, 0x1f, 0x01], 3, true, false, 0, false, none), // KEYIDX alone
        ];
        for (payload, len, starts_frame, starts_keyframe, temporal, layer_sync, ids) in rows {
            let expected = Descriptor { starts_frame, starts_keyframe, temporal, layer_sync, ids, len };
            assert_eq!(Descriptor::parse(payload), Some(expected), "{payload:x?}");
        }
    }

    #[test]
    fn a_descriptor_that_is_cut_off_is_refused() {
        let whole = [0x90, 0xf0, 0x81, 0x00, 0x09, 0xb3];
        for len in 0..whole.len() {
            assert_eq!(Descriptor::parse(&whole[..len]), None, "{len}");
        }
        let no_payload = Descriptor::parse(&whole).unwrap();
        assert!(no_payload.starts_frame && !no_payload.starts_keyframe);
    }

    proptest! {
        #[test]
        fn rewriting_changes_the_ids_and_nothing_else(
            payload in prop::collection::vec(any::<u8>(), 0..40), picture_id in 0u16..0x8000, tl0: u8,
        ) {
            let Some(before) = Descriptor::parse(&payload) else { return Ok(()) };
            let mut rewritten = payload.clone();
            rewrite(before.ids, picture_id, tl0, &mut rewritten);
            let after = Descriptor::parse(&rewritten).unwrap();
            let expected = PictureIds {
                picture_id: before.ids.picture_id.map(|id| match id {
                    PictureId::Short(_) => PictureId::Short(picture_id as u8 & 0x7f),
                    PictureId::Long(_) => PictureId::Long(picture_id),
                }),
                tl0_pic_idx: before.ids.tl0_pic_idx.map(|_| tl0),
            };
            prop_assert_eq!(after, Descriptor { ids: expected, ..before });
            prop_assert_eq!(&rewritten[before.len..], &payload[before.len..]);
        }

        #[test]
        fn ids_written_over_a_shorter_payload_touch_nothing_outside(len in 0usize..6) {
            let mut payload = vec![0; len];
            rewrite(ids(Some(PictureId::Long(1)), Some(2)), 3, 4, &mut payload);
            prop_assert_eq!(payload.len(), len);
        }
    }
}

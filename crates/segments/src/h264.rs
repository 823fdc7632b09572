//! H.264 as MP4 wants it: NAL units behind their lengths, parameter sets apart (RFC 6184 section 5, ISO/IEC 14496-15 section 5).

/// Bytes of parameter sets that are kept; real ones have fewer than a hundred.
const SET_MAX: usize = 1_024;
/// Picture parameter sets that are kept.
const PPS_MAX: usize = 8;

const NAL_IDR: u8 = 5;
const NAL_SPS: u8 = 7;
const NAL_PPS: u8 = 8;
const NAL_DELIMITER: u8 = 9;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// The parameter sets of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ParameterSets {
    pub(crate) sps: Vec<u8>,
    pub(crate) pps: Vec<Vec<u8>>,
}

impl ParameterSets {
    /// Whether a decoder could begin with them.
    pub(crate) fn is_complete(&self) -> bool {
        self.sps.len() >= 4 && !self.pps.is_empty()
    }

    fn note(&mut self, unit: &[u8]) {
        if unit.len() > SET_MAX {
            return;
        }
        match unit.first().map(|header| header & 0x1f) {
            Some(NAL_SPS) if self.sps != unit => {
                self.sps = unit.to_vec();
                self.pps.clear();
            }
            Some(NAL_PPS) if !self.pps.iter().any(|known| known == unit) => {
                if self.pps.len() >= PPS_MAX {
                    self.pps.remove(0);
                }
                self.pps.push(unit.to_vec());
            }
            _ => {}
        }
    }

    /// Width and height of the picture; `None` when the SPS cannot be read.
    pub(crate) fn size(&self) -> Option<(u16, u16)> {
        picture_size(&self.sps)
    }
}

/// Puts one frame together from its payloads in order.
#[derive(Debug, Default)]
pub(crate) struct FrameBuilder {
    /// NAL units, each behind its length in four bytes.
    pub(crate) data: Vec<u8>,
    /// Whether it holds an IDR slice: a decoder may start here.
    pub(crate) is_idr: bool,
    /// Where the length of the fragmented unit stands that is not at its end.
    open: Option<usize>,
}

impl FrameBuilder {
    /// Appends a payload. Parameter sets go to `sets`; unreadable bytes are left out.
    pub(crate) fn push(&mut self, payload: &[u8], sets: &mut ParameterSets) {
        match payload {
            [header, units @ ..] if header & 0x1f == STAP_A => {
                let mut rest = units;
                while let Some((len, after)) = rest.split_first_chunk::<2>() {
                    let len = usize::from(u16::from_be_bytes(*len));
                    let Some((unit, next)) = after.split_at_checked(len) else { break };
                    self.unit(unit, sets);
                    rest = next;
                }
            }
            [indicator, fu_header, fragment @ ..] if indicator & 0x1f == FU_A => {
                self.fragment(*indicator, *fu_header, fragment);
            }
            unit => self.unit(unit, sets),
        }
    }

    fn unit(&mut self, unit: &[u8], sets: &mut ParameterSets) {
        self.close();
        match unit.first().map(|header| header & 0x1f) {
            None | Some(0 | NAL_DELIMITER) => {}
            Some(NAL_SPS | NAL_PPS) => sets.note(unit),
            Some(kind) => {
                self.is_idr |= kind == NAL_IDR;
                self.data.extend_from_slice(&(unit.len() as u32).to_be_bytes());
                self.data.extend_from_slice(unit);
            }
        }
    }

    fn fragment(&mut self, indicator: u8, fu_header: u8, fragment: &[u8]) {
        let (starts, ends, kind) = (fu_header & 0x80 != 0, fu_header & 0x40 != 0, fu_header & 0x1f);
        if starts {
            self.close();
            self.open = Some(self.data.len());
            self.data.extend_from_slice(&[0; 4]);
            self.data.push(indicator & 0xe0 | kind);
            self.is_idr |= kind == NAL_IDR;
        }
        if self.open.is_none() {
            return;
        }
        self.data.extend_from_slice(fragment);
        if ends {
            self.close();
        }
    }

    /// Writes the length of the unit that was in pieces.
    fn close(&mut self) {
        let Some(at) = self.open.take() else { return };
        let len = (self.data.len() - at - 4) as u32;
        if let Some(place) = self.data.get_mut(at..at + 4) {
            place.copy_from_slice(&len.to_be_bytes());
        }
    }

    /// The frame, whole.
    pub(crate) fn finish(&mut self) -> (Vec<u8>, bool) {
        self.close();
        (std::mem::take(&mut self.data), std::mem::take(&mut self.is_idr))
    }
}

/// Reads bits of a NAL unit without its emulation prevention bytes (ITU-T H.264 section 7.3.1).
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn new(unit: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(unit.len());
        let mut zeros = 0;
        for &byte in unit {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            bytes.push(byte);
        }
        Self { bytes, at: 0 }
    }

    fn bit(&mut self) -> Option<u32> {
        let byte = *self.bytes.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(u32::from(bit))
    }

    fn bits(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0u32, |value, _| Some(value << 1 | self.bit()?))
    }

    /// Exp-Golomb (section 9.1).
    fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.bit()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let rest = self.bits(zeros)?;
        (1u32 << zeros).checked_sub(1)?.checked_add(rest)
    }

    fn signed(&mut self) -> Option<i32> {
        let code = self.unsigned()?;
        let half = (code / 2 + code % 2).cast_signed();
        Some(if code % 2 == 1 { half } else { -half })
    }
}

/// Width and height in an SPS (ITU-T H.264 section 7.3.2.1.1), cropping applied.
fn picture_size(sps: &[u8]) -> Option<(u16, u16)> {
    let mut bits = Bits::new(sps.get(1..)?);
    let profile = bits.bits(8)?;
    bits.bits(16)?;
    bits.unsigned()?;
    let mut chroma = 1;
    if matches!(profile, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128) {
        chroma = bits.unsigned()?;
        if chroma == 3 {
            bits.bit()?;
        }
        bits.unsigned()?;
        bits.unsigned()?;
        bits.bit()?;
        if bits.bit()? == 1 {
            skip_scaling_lists(&mut bits, if chroma == 3 { 12 } else { 8 })?;
        }
    }
    bits.unsigned()?;
    match bits.unsigned()? {
        0 => {
            bits.unsigned()?;
        }
        1 => {
            bits.bit()?;
            bits.signed()?;
            bits.signed()?;
            let cycle = bits.unsigned()?;
            for _ in 0..cycle.min(255) {
                bits.signed()?;
            }
        }
        _ => {}
    }
    bits.unsigned()?;
    bits.bit()?;
    let width = bits.unsigned()?.checked_add(1)?.checked_mul(16)?;
    let map_units = bits.unsigned()?.checked_add(1)?.checked_mul(16)?;
    let frames_only = bits.bit()?;
    let height = map_units.checked_mul(2 - frames_only)?;
    if frames_only == 0 {
        bits.bit()?;
    }
    bits.bit()?;
    let (mut across, mut down) = (0u32, 0u32);
    if bits.bit()? == 1 {
        let (left, right, top, bottom) =
            (bits.unsigned()?, bits.unsigned()?, bits.unsigned()?, bits.unsigned()?);
        let (unit_x, unit_y) = match chroma {
            1 => (2, 2),
            2 => (2, 1),
            _ => (1, 1),
        };
        across = left.checked_add(right)?.checked_mul(unit_x)?;
        down = top.checked_add(bottom)?.checked_mul(unit_y * (2 - frames_only))?;
    }
    let size = |whole: u32, cropped| u16::try_from(whole.checked_sub(cropped)?).ok().filter(|size| *size > 0);
    Some((size(width, across)?, size(height, down)?))
}

fn skip_scaling_lists(bits: &mut Bits, count: usize) -> Option<()> {
    for list in 0..count {
        if bits.bit()? == 0 {
            continue;
        }
        let (mut last, mut next) = (8i32, 8i32);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.signed()? + 256) % 256;
            }
            last = if next == 0 { last } else { next };
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// From `OpenH264` in Chromium, 640x360.
    const SPS_360: &[u8] =
        &[0x67, 0x42, 0xc0, 0x1e, 0x8c, 0x8d, 0x40, 0x50, 0x17, 0xfc, 0xb0, 0x0f, 0x08, 0x84, 0x6a];
    /// From x264, main profile, 1280x720.
    const SPS_720: &[u8] = &[
        0x67, 0x4d, 0x40, 0x1f, 0xec, 0xa0, 0x28, 0x02, 0xdd, 0x80, 0x88, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00,
        0x00, 0x03, 0x01, 0x90, 0x78, 0xc1, 0x8c, 0xb0,
    ];

    #[test]
    fn the_picture_size_is_read_from_real_encoders() {
        assert_eq!(picture_size(SPS_360), Some((640, 360)));
        assert_eq!(picture_size(SPS_720), Some((1280, 720)));
        assert_eq!(picture_size(&SPS_360[..5]), None);
        assert_eq!(picture_size(&[]), None);
    }

    #[test]
    fn a_keyframe_in_every_packing_becomes_units_behind_their_lengths() {
        let (mut builder, mut sets) = (FrameBuilder::default(), ParameterSets::default());
        builder.push(&[0x78, 0, 2, 0x67, 1, 0, 3, 0x68, 2, 2, 0, 1, 0x09], &mut sets);
        builder.push(&[0x06, 0xaa], &mut sets);
        builder.push(&[0x7c, 0x85, 1, 2], &mut sets);
        builder.push(&[0x7c, 0x05, 3], &mut sets);
        builder.push(&[0x7c, 0x45, 4], &mut sets);
        let (data, is_idr) = builder.finish();
        assert!(is_idr);
        assert_eq!(data, [0, 0, 0, 2, 0x06, 0xaa, 0, 0, 0, 5, 0x65, 1, 2, 3, 4]);
        assert_eq!((&sets.sps[..], &sets.pps[..]), (&[0x67, 1][..], &[vec![0x68, 2, 2]][..]));
        builder.push(&[0x41, 9], &mut sets);
        assert_eq!(builder.finish(), (vec![0, 0, 0, 2, 0x41, 9], false));
    }

    #[test]
    fn a_new_sequence_set_forgets_the_old_picture_sets() {
        let (mut builder, mut sets) = (FrameBuilder::default(), ParameterSets::default());
        for unit in [&[0x67, 1, 1, 1][..], &[0x68, 1], &[0x67, 2, 2, 2]] {
            builder.push(unit, &mut sets);
        }
        assert!(!sets.is_complete());
        builder.push(&[0x68, 2], &mut sets);
        assert!(sets.is_complete());
        assert_eq!(sets.pps, [vec![0x68, 2]]);
    }

    proptest! {
        #[test]
        fn whatever_bytes_come_units_stay_behind_their_right_lengths(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..20),
        ) {
            let (mut builder, mut sets) = (FrameBuilder::default(), ParameterSets::default());
            for payload in &payloads {
                builder.push(payload, &mut sets);
            }
            let (data, _) = builder.finish();
            let mut rest = &data[..];
            while let Some((len, after)) = rest.split_first_chunk::<4>() {
                let len = u32::from_be_bytes(*len) as usize;
                prop_assert!(len <= after.len());
                rest = &after[len..];
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn no_parameter_set_breaks_the_reader(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = picture_size(&bytes);
        }
    }
}

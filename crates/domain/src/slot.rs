//! The fixed slots of a connection, the layers of a picture, the codecs we relay.

use serde::{Deserialize, Serialize};

/// Whether a slot carries pictures or sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MediaKind {
    /// Sound.
    Audio,
    /// Pictures.
    Video,
}

/// One of the five fixed slots of every connection (`crates/ARCHITECTURE.md`, "Slots").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Slot {
    /// The host's voice.
    ProgramAudio = 0,
    /// Sound of shared slides; later a class called to speak.
    ExtraAudio = 1,
    /// The host's camera.
    ProgramVideo = 2,
    /// Shared slides.
    SlidesVideo = 3,
    /// Second camera; later a class called to speak.
    ExtraVideo = 4,
}

impl Slot {
    /// Every slot, in the order of its index.
    pub const ALL: [Slot; 5] =
        [Slot::ProgramAudio, Slot::ExtraAudio, Slot::ProgramVideo, Slot::SlidesVideo, Slot::ExtraVideo];
    /// How many slots there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Position in [`Slot::ALL`], 0 to 4.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Sound or picture.
    pub fn kind(self) -> MediaKind {
        match self {
            Slot::ProgramAudio | Slot::ExtraAudio => MediaKind::Audio,
            Slot::ProgramVideo | Slot::SlidesVideo | Slot::ExtraVideo => MediaKind::Video,
        }
    }

    /// The slot of the `n`-th (from 0) media section of `kind` in an offer.
    pub fn nth(kind: MediaKind, n: usize) -> Option<Slot> {
        Self::ALL.into_iter().filter(|slot| slot.kind() == kind).nth(n)
    }
}

/// One simulcast layer of a picture, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Layer {
    /// About 180 lines, at most 7 frames/s, at most 80 kbit/s.
    Low = 0,
    /// About 360 lines.
    Mid = 1,
    /// About 720 lines; also the only layer of a stream without simulcast.
    High = 2,
}

impl Layer {
    /// Every layer, lowest first.
    pub const ALL: [Layer; 3] = [Layer::Low, Layer::Mid, Layer::High];
    /// How many layers there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Position in [`Layer::ALL`], 0 to 2.
    pub fn index(self) -> usize {
        self as usize
    }
}

/// A codec the relay forwards without transcoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Codec {
    /// RFC 7587, 48 kHz.
    Opus,
    /// RFC 7741.
    Vp8,
    /// RFC 6184, constrained baseline, packetization mode 1.
    H264,
}

impl Codec {
    /// Sound or picture.
    pub fn kind(self) -> MediaKind {
        match self {
            Codec::Opus => MediaKind::Audio,
            Codec::Vp8 | Codec::H264 => MediaKind::Video,
        }
    }

    /// RTP clock rate, Hz.
    pub fn clock_rate(self) -> u32 {
        match self {
            Codec::Opus => 48_000,
            Codec::Vp8 | Codec::H264 => 90_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_with_three_pictures_fills_program_slides_and_extra() {
        let slots: Vec<_> = (0..4).map(|n| Slot::nth(MediaKind::Video, n)).collect();
        let expected = [Some(Slot::ProgramVideo), Some(Slot::SlidesVideo), Some(Slot::ExtraVideo), None];
        assert_eq!(slots, expected);
    }

    #[test]
    fn a_slot_knows_its_own_index() {
        for (index, slot) in Slot::ALL.into_iter().enumerate() {
            assert_eq!(slot.index(), index);
        }
    }
}

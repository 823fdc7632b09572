//! A classroom's loudspeaker and screen: what its class hears and sees of the packets that reach it.

use crate::world::{Ear, Eye};
use domain::{MediaKind, Slot, Timestamp};

/// RTP ticks of 20 ms of voice.
const FRAME: i64 = 960;

/// A packet that was taken, or repaired.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) sequence: u64,
    pub(super) rtp_timestamp: u32,
    pub(super) marker: bool,
    /// The payload is RED.
    pub(super) red: bool,
    /// It came by itself, not as a repair.
    pub(super) first_hand: bool,
    /// Nothing when it is padding alone.
    pub(super) media: &'a [u8],
}

/// See the module's description.
#[derive(Debug, Clone, Default)]
pub struct Player {
    /// Hears the teacher's voice.
    pub ear: Ear,
    /// Sees the teacher.
    pub camera: Eye,
    /// Sees the slides.
    pub slides: Eye,
    first_voice: Option<u32>,
}

impl Player {
    pub(super) fn take(&mut self, now: Timestamp, slot: Slot, piece: &Piece<'_>) {
        match slot {
            Slot::ProgramAudio if !piece.media.is_empty() => self.hear(now, piece),
            Slot::ProgramVideo => see(&mut self.camera, now, piece),
            Slot::SlidesVideo => see(&mut self.slides, now, piece),
            _ => debug_assert!(slot.kind() == MediaKind::Audio || slot == Slot::ExtraVideo),
        }
    }

    fn hear(&mut self, now: Timestamp, piece: &Piece<'_>) {
        let first = *self.first_voice.get_or_insert(piece.rtp_timestamp);
        let frame = i64::from(piece.rtp_timestamp.wrapping_sub(first).cast_signed()) / FRAME;
        if piece.red
            && let Ok(blocks) = media::red::unwrap(piece.media)
        {
            for block in blocks.redundant() {
                self.ear.arrived(now, frame - i64::from(block.timestamp_offset) / FRAME, false);
            }
        }
        self.ear.arrived(now, frame, piece.first_hand);
    }

    pub(super) fn play(&mut self, now: Timestamp) {
        self.ear.play(now);
    }
}

fn see(eye: &mut Eye, now: Timestamp, piece: &Piece<'_>) {
    eye.arrived(now, piece.sequence, piece.rtp_timestamp, piece.marker, piece.media);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_that_comes_whole_is_heard_whole_and_the_predecessor_in_red_fills_a_hole() {
        let mut player = Player::default();
        for frame in 0..200u32 {
            let now = Timestamp::from_millis(100 + u64::from(frame) * 20);
            // RED with one redundant block of 2 bytes, 960 ticks earlier (RFC 2198 section 3).
            let red = [0x80 | 0x6f, 0x0f, 0x00, 0x02, 111, 1, 1, 2, 2];
            let piece = Piece {
                sequence: u64::from(frame),
                // It passes the end of its numbers on the way.
                rtp_timestamp: (u32::MAX - 5_000).wrapping_add(frame * 960),
                marker: false,
                red: true,
                first_hand: true,
                media: &red,
            };
            if frame % 10 != 9 {
                player.take(now, Slot::ProgramAudio, &piece);
            }
            player.play(now);
        }
        assert!(player.ear.played > 150, "{}", player.ear.played);
        assert_eq!(player.ear.concealed, 0);
    }
}

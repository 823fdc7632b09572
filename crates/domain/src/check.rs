//! *Chạy thử*: what a room's check before the day found, and what that means for the lesson.

use crate::Decoding;
use serde::{Deserialize, Serialize};

/// What a room's page measured. `None`: it could not find out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CheckResult {
    /// Media came through by UDP.
    #[serde(default)]
    pub udp: Option<bool>,
    /// Media came through by TCP.
    #[serde(default)]
    pub tcp: Option<bool>,
    /// What can be received, kbit/s.
    #[serde(default)]
    pub down_kbps: Option<u32>,
    /// What can be sent, kbit/s.
    #[serde(default)]
    pub up_kbps: Option<u32>,
    /// Round trip, ms.
    #[serde(default)]
    pub rtt_ms: Option<u32>,
    /// Share of packets lost, 0 to 1.
    #[serde(default)]
    pub loss: Option<f32>,
    /// What it decodes without dropping frames.
    #[serde(default)]
    pub decode: DecodeCheck,
    /// A person in the room heard the test sound.
    #[serde(default)]
    pub sound_heard: Option<bool>,
    /// A camera is there and works.
    #[serde(default)]
    pub camera: Option<bool>,
    /// A microphone is there and works.
    #[serde(default)]
    pub microphone: Option<bool>,
}

/// How a device decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DecodeCheck {
    /// H.264 at 1280×720.
    #[serde(default)]
    pub h264_720: Option<DecodeAbility>,
    /// H.264 at 640×360.
    #[serde(default)]
    pub h264_360: Option<DecodeAbility>,
    /// VP8 at 1280×720.
    #[serde(default)]
    pub vp8_720: Option<DecodeAbility>,
    /// VP8 at 640×360.
    #[serde(default)]
    pub vp8_360: Option<DecodeAbility>,
}

/// Whether, and how, a device decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecodeAbility {
    /// It does not, or drops frames.
    No,
    /// On the processor.
    Software,
    /// On a video chip.
    Hardware,
}

impl From<DecodeAbility> for Decoding {
    fn from(ability: DecodeAbility) -> Self {
        match ability {
            DecodeAbility::No => Decoding::No,
            DecodeAbility::Software => Decoding::Software,
            DecodeAbility::Hardware => Decoding::Hardware,
        }
    }
}

/// A traffic light; pages add the word and the icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Light {
    /// *Sẵn sàng*.
    Green,
    /// It will work, not at its best.
    Amber,
    /// *Chưa sẵn sàng*.
    Red,
}

/// What to fix; pages have the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fix {
    /// Neither UDP nor TCP came through: ask for the port to be opened, or use 4G.
    NoWayThrough,
    /// Only TCP comes through: ask for UDP to be opened.
    OpenUdp,
    /// Too little can be received: another line, or nobody else on this one.
    FasterLink,
    /// Too much is lost, or it answers too slowly: nearer to the access point, cable, or 4G.
    SteadierLink,
    /// The device decodes no picture: use a computer on the screen.
    UseComputer,
    /// The device decodes only a small picture.
    SmallPicture,
    /// Nobody heard the test sound: loudspeaker, cable, volume.
    CheckSpeaker,
    /// Nobody has confirmed the sound: press the key when it is heard.
    ConfirmSound,
    /// The room cannot be seen or heard when it is called: allow camera and microphone, or use the phone.
    AllowCamera,
    /// Too little can be sent: the room will speak without picture.
    SpeakWithoutPicture,
}

/// What a check means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckVerdict {
    /// All in one.
    pub light: Light,
    /// The rung of the ladder the room will watch on, 0 (nothing) to 6 (everything).
    pub rung: u8,
    /// What to fix, the most important first.
    pub fixes: Vec<Fix>,
}

/// A room speaks with picture from this uplink on, kbit/s.
const SPEAK_WITH_PICTURE_KBPS: u32 = 150;
/// Loss and round trip beyond which a link is called unsteady.
const UNSTEADY_LOSS: f32 = 0.05;
const UNSTEADY_RTT_MS: u32 = 400;

impl CheckResult {
    /// Judges a check. What could not be measured counts as good, but for the sound: only a person can tell.
    pub fn verdict(&self) -> CheckVerdict {
        let decode = &self.decode;
        let best = |abilities: [Option<DecodeAbility>; 2]| abilities.into_iter().flatten().max();
        let large = best([decode.h264_720, decode.vp8_720]);
        let small = best([decode.h264_360, decode.vp8_360]);
        let no_picture = large == Some(DecodeAbility::No) && small == Some(DecodeAbility::No);
        let small_only = large == Some(DecodeAbility::No) && !no_picture;
        let no_way = self.udp == Some(false) && self.tcp == Some(false);
        let rung = match self.down_kbps.map(carried) {
            _ if no_way => 0,
            rung if no_picture => rung.unwrap_or(6).min(1),
            rung if small_only => rung.unwrap_or(6).min(5),
            rung => rung.unwrap_or(6),
        };
        let unsteady = self.loss.is_some_and(|loss| loss >= UNSTEADY_LOSS)
            || self.rtt_ms.is_some_and(|rtt| rtt >= UNSTEADY_RTT_MS);
        let mute = self.camera == Some(false) && self.microphone == Some(false);
        let found = [
            (no_way, Fix::NoWayThrough, Light::Red),
            (self.sound_heard == Some(false), Fix::CheckSpeaker, Light::Red),
            (no_picture, Fix::UseComputer, Light::Red),
            (!no_way && rung <= 1 && !no_picture, Fix::FasterLink, Light::Red),
            (!no_way && (2..=4).contains(&rung), Fix::FasterLink, Light::Amber),
            (unsteady, Fix::SteadierLink, Light::Amber),
            (self.udp == Some(false) && !no_way, Fix::OpenUdp, Light::Amber),
            (self.sound_heard.is_none(), Fix::ConfirmSound, Light::Amber),
            (small_only, Fix::SmallPicture, Light::Amber),
            (mute, Fix::AllowCamera, Light::Green),
            (
                self.up_kbps.is_some_and(|up| up < SPEAK_WITH_PICTURE_KBPS),
                Fix::SpeakWithoutPicture,
                Light::Green,
            ),
        ];
        let found: Vec<_> = found.into_iter().filter(|(is_so, ..)| *is_so).collect();
        CheckVerdict {
            light: found.iter().map(|(_, _, light)| *light).max().unwrap_or(Light::Green),
            rung,
            fixes: found.into_iter().map(|(_, fix, _)| fix).collect(),
        }
    }
}

/// The rung a link carries, with a quarter kept in hand.
fn carried(down_kbps: u32) -> u8 {
    const NEEDS_KBPS: [(u32, u8); 6] = [(1_500, 6), (700, 5), (300, 4), (150, 3), (60, 2), (24, 1)];
    let usable = down_kbps.saturating_mul(4) / 5;
    NEEDS_KBPS.iter().find(|(needed, _)| usable >= *needed).map_or(0, |(_, rung)| *rung)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> CheckResult {
        CheckResult {
            udp: Some(true),
            tcp: Some(true),
            down_kbps: Some(5_000),
            up_kbps: Some(1_000),
            rtt_ms: Some(40),
            loss: Some(0.005),
            decode: DecodeCheck {
                h264_720: Some(DecodeAbility::Hardware),
                h264_360: Some(DecodeAbility::Hardware),
                vp8_720: Some(DecodeAbility::Software),
                vp8_360: Some(DecodeAbility::Software),
            },
            sound_heard: Some(true),
            camera: Some(true),
            microphone: Some(true),
        }
    }

    #[track_caller]
    fn check(change: impl FnOnce(&mut CheckResult), light: Light, rung: u8, fixes: &[Fix]) {
        let mut result = good();
        change(&mut result);
        assert_eq!(result.verdict(), CheckVerdict { light, rung, fixes: fixes.to_vec() });
    }

    #[test]
    fn a_room_learns_what_to_fix_before_the_day() {
        check(|_| {}, Light::Green, 6, &[]);
        check(|room| room.down_kbps = Some(700), Light::Amber, 4, &[Fix::FasterLink]);
        check(|room| room.down_kbps = Some(40), Light::Red, 1, &[Fix::FasterLink]);
        check(|room| room.udp = Some(false), Light::Amber, 6, &[Fix::OpenUdp]);
        check(|room| (room.udp, room.tcp) = (Some(false), Some(false)), Light::Red, 0, &[Fix::NoWayThrough]);
        check(|room| room.loss = Some(0.08), Light::Amber, 6, &[Fix::SteadierLink]);
        check(|room| room.sound_heard = Some(false), Light::Red, 6, &[Fix::CheckSpeaker]);
        check(|room| room.sound_heard = None, Light::Amber, 6, &[Fix::ConfirmSound]);
        check(|room| room.up_kbps = Some(80), Light::Green, 6, &[Fix::SpeakWithoutPicture]);
    }

    #[test]
    fn an_old_tv_is_told_from_a_dead_one() {
        let no = Some(DecodeAbility::No);
        check(
            |room| (room.decode.h264_720, room.decode.vp8_720) = (no, no),
            Light::Amber,
            5,
            &[Fix::SmallPicture],
        );
        let nothing = DecodeCheck { h264_720: no, h264_360: no, vp8_720: no, vp8_360: no };
        check(|room| room.decode = nothing, Light::Red, 1, &[Fix::UseComputer]);
    }

    #[test]
    fn what_could_not_be_measured_is_not_held_against_a_room() {
        let heard = CheckResult { sound_heard: Some(true), ..CheckResult::default() };
        assert_eq!(heard.verdict(), CheckVerdict { light: Light::Green, rung: 6, fixes: vec![] });
    }
}

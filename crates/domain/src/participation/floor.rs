//! Who wants to speak, who was called, who has the word, whose camera observers see.
//!
//! # A room's way to speak
//! ```text
//! hand up ──call──▶ called ──accept──▶ accepted ──media──▶ on air ──end──▶ (gone)
//!                     │ refused, 60 s      │ no media for 30 s  │ either side
//!                     └────────────────────┴────────────────────┘
//! ```
//! Up to [`SPEAKERS_MAX`] rooms may be called at a time; one of them has *the word* and is heard and seen, the
//! other stays connected, so that the word passes without a pause. The first [`WARM_HANDS`] of the queue may connect
//! their camera and microphone beforehand: nobody hears them until they are called and agree.

use crate::{PlaceId, Refusal, UnixMillis};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Rooms that may be called at a time: two, so that classes can talk with each other in turn.
pub const SPEAKERS_MAX: usize = 2;
/// Raised hands whose rooms may connect camera and microphone beforehand.
pub const WARM_HANDS: usize = 3;
/// A call that nobody in the room answers ends after this long.
pub const CALL_EXPIRES: Duration = Duration::from_mins(1);
/// A room that agreed and sends nothing is given up after this long.
pub const MEDIA_EXPIRES: Duration = Duration::from_secs(30);

/// A raised hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hand {
    /// Whose.
    pub place: PlaceId,
    /// Since when.
    pub since: UnixMillis,
}

/// Where a room is on its way to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnPhase {
    /// The host called; somebody in the room has to agree.
    Called,
    /// The room agreed; its camera and microphone connect.
    Accepted,
    /// They are connected.
    OnAir,
}

/// The device a room speaks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpeakingDevice {
    /// The screen's own camera and microphone.
    Tv,
    /// The helper's phone.
    Phone,
}

/// A room that was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Which.
    pub place: PlaceId,
    /// Where it is on its way.
    pub phase: TurnPhase,
    /// Since when in this phase.
    pub since: UnixMillis,
    /// Whether a lead silenced it.
    pub muted: bool,
    /// Whether it speaks without picture.
    pub audio_only: bool,
    /// What it speaks with; `None` while called.
    pub device: Option<SpeakingDevice>,
}

/// Whether a pinned camera is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PinPhase {
    /// The host asked; somebody in the room has to agree.
    Asked,
    /// The room agreed.
    Open,
}

/// *Góc quay học sinh*: the room whose camera observers see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// Which.
    pub place: PlaceId,
    /// Whether it is open.
    pub phase: PinPhase,
}

/// Why a call or speech ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Host or organiser ended it.
    Lead,
    /// The room refused or stopped.
    Room,
    /// Nobody in the room answered.
    NoAnswer,
    /// The room agreed, and nothing came from its camera and microphone.
    NoMedia,
    /// The place was sent out, or the lesson is over.
    Gone,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum FloorEvent {
    /// A hand went up.
    HandRaised {
        /// Whose.
        place: PlaceId,
    },
    /// A hand went down.
    HandLowered {
        /// Whose.
        place: PlaceId,
    },
    /// A room was called.
    Called {
        /// Which.
        place: PlaceId,
    },
    /// A room agreed, or changed what it speaks with.
    Accepted {
        /// Which.
        place: PlaceId,
        /// Without picture.
        audio_only: bool,
        /// What it speaks with.
        device: SpeakingDevice,
    },
    /// A room's camera and microphone are connected.
    OnAir {
        /// Which.
        place: PlaceId,
    },
    /// A speaking room's connection broke; it is waited for.
    Interrupted {
        /// Which.
        place: PlaceId,
    },
    /// A room's call or speech ended.
    TurnEnded {
        /// Which.
        place: PlaceId,
        /// Why.
        reason: EndReason,
    },
    /// Another room has the word.
    WordGiven {
        /// Which.
        place: PlaceId,
    },
    /// A room was silenced, or is heard again.
    Muted {
        /// Which.
        place: PlaceId,
        /// Whether it is silenced.
        muted: bool,
    },
    /// A room speaks without picture, or with it again.
    AudioOnly {
        /// Which.
        place: PlaceId,
        /// Whether without.
        on: bool,
    },
    /// A room was asked for its camera.
    CameraAsked {
        /// Which.
        place: PlaceId,
    },
    /// The room agreed.
    CameraOpened {
        /// Which.
        place: PlaceId,
    },
    /// The camera is closed, or the room refused.
    CameraClosed {
        /// Which.
        place: PlaceId,
    },
}

/// What the shared slots carry of the rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Route {
    /// The room everybody hears.
    pub voice: Option<PlaceId>,
    /// The room everybody sees.
    pub picture: Option<PlaceId>,
    /// The room observers and leads see while nobody has the picture.
    pub pupils: Option<PlaceId>,
}

/// See the module's description.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Floor {
    hands: Vec<Hand>,
    turns: Vec<Turn>,
    word: Option<PlaceId>,
    pinned: Option<Pinned>,
}

impl Floor {
    /// Raised hands, first come first; at most one for each place.
    pub fn hands(&self) -> &[Hand] {
        &self.hands
    }

    /// Rooms that were called, in the order of their calls; at most [`SPEAKERS_MAX`].
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// A room's call or speech.
    pub fn turn(&self, place: PlaceId) -> Option<&Turn> {
        self.turns.iter().find(|turn| turn.place == place)
    }

    /// The room that is heard.
    pub fn word(&self) -> Option<PlaceId> {
        self.word
    }

    /// The room whose camera observers see.
    pub fn pinned(&self) -> Option<Pinned> {
        self.pinned
    }

    /// Position of a room's hand in the queue, from 0.
    pub fn position(&self, place: PlaceId) -> Option<usize> {
        self.hands.iter().position(|hand| hand.place == place)
    }

    /// Whether a room may connect camera and microphone: it speaks, was called, shows its camera, or its hand is among
    /// the first.
    pub fn may_connect(&self, place: PlaceId) -> bool {
        self.turn(place).is_some()
            || self.pinned.is_some_and(|pinned| pinned.place == place && pinned.phase == PinPhase::Open)
            || self.position(place).is_some_and(|position| position < WARM_HANDS)
    }

    /// What the shared slots carry.
    pub fn route(&self) -> Route {
        let speaking = self.word.and_then(|place| self.turn(place));
        let voice = speaking.filter(|turn| !turn.muted).map(|turn| turn.place);
        let picture = speaking.filter(|turn| !turn.audio_only).map(|turn| turn.place);
        let open = self.pinned.filter(|pinned| pinned.phase == PinPhase::Open).map(|pinned| pinned.place);
        Route { voice, picture, pupils: open.filter(|_| picture.is_none()) }
    }

    pub(super) fn raise(&self, place: PlaceId, up: bool) -> Vec<FloorEvent> {
        match (up, self.position(place)) {
            // A room that was called has what it wanted.
            (true, None) if self.turn(place).is_none() => vec![FloorEvent::HandRaised { place }],
            (false, Some(_)) => vec![FloorEvent::HandLowered { place }],
            _ => Vec::new(),
        }
    }

    pub(super) fn lower(&self, which: Option<PlaceId>) -> Vec<FloorEvent> {
        let lowered = self.hands.iter().filter(|hand| which.is_none_or(|place| place == hand.place));
        lowered.map(|hand| FloorEvent::HandLowered { place: hand.place }).collect()
    }

    pub(super) fn call(&self, place: PlaceId) -> Result<Vec<FloorEvent>, Refusal> {
        if self.turn(place).is_some() {
            return Ok(Vec::new());
        }
        if self.turns.len() >= SPEAKERS_MAX {
            return Err(Refusal::FloorFull { limit: SPEAKERS_MAX });
        }
        let mut events = self.raise(place, false);
        events.push(FloorEvent::Called { place });
        Ok(events)
    }

    pub(super) fn accept(
        &self,
        place: PlaceId,
        audio_only: bool,
        device: SpeakingDevice,
    ) -> Result<Vec<FloorEvent>, Refusal> {
        let turn = self.turn(place).ok_or(Refusal::NotCalled)?;
        if turn.phase != TurnPhase::Called && (turn.audio_only, turn.device) == (audio_only, Some(device)) {
            return Ok(Vec::new());
        }
        Ok(vec![FloorEvent::Accepted { place, audio_only, device }])
    }

    pub(super) fn stop(&self, place: PlaceId) -> Vec<FloorEvent> {
        self.end(place, EndReason::Room)
    }

    pub(super) fn end(&self, place: PlaceId, reason: EndReason) -> Vec<FloorEvent> {
        self.turn(place).map(|_| FloorEvent::TurnEnded { place, reason }).into_iter().collect()
    }

    pub(super) fn give(&self, place: PlaceId) -> Result<Vec<FloorEvent>, Refusal> {
        let turn = self.turn(place).filter(|turn| turn.phase != TurnPhase::Called);
        turn.ok_or(Refusal::NotCalled)?;
        let news = self.word != Some(place);
        Ok(news.then_some(FloorEvent::WordGiven { place }).into_iter().collect())
    }

    pub(super) fn pass(&self, place: PlaceId) -> Result<Vec<FloorEvent>, Refusal> {
        if self.word != Some(place) {
            return Err(Refusal::NotCalled);
        }
        let other = self.turns.iter().find(|turn| turn.place != place && turn.phase != TurnPhase::Called);
        self.give(other.ok_or(Refusal::NotCalled)?.place)
    }

    pub(super) fn mute(&self, place: PlaceId, muted: bool) -> Result<Vec<FloorEvent>, Refusal> {
        let turn = self.turn(place).ok_or(Refusal::NotCalled)?;
        Ok((turn.muted != muted).then_some(FloorEvent::Muted { place, muted }).into_iter().collect())
    }

    pub(super) fn audio_only(&self, place: PlaceId, on: bool) -> Result<Vec<FloorEvent>, Refusal> {
        let turn = self.turn(place).ok_or(Refusal::NotCalled)?;
        Ok((turn.audio_only != on).then_some(FloorEvent::AudioOnly { place, on }).into_iter().collect())
    }

    pub(super) fn pin(&self, place: Option<PlaceId>) -> Vec<FloorEvent> {
        if self.pinned.map(|pinned| pinned.place) == place {
            return Vec::new();
        }
        let closed = self.pinned.map(|pinned| FloorEvent::CameraClosed { place: pinned.place });
        closed.into_iter().chain(place.map(|place| FloorEvent::CameraAsked { place })).collect()
    }

    pub(super) fn show_camera(&self, place: PlaceId, on: bool) -> Result<Vec<FloorEvent>, Refusal> {
        let pinned = self.pinned.filter(|pinned| pinned.place == place);
        Ok(match (pinned, on) {
            (Some(Pinned { phase: PinPhase::Asked, .. }), true) => vec![FloorEvent::CameraOpened { place }],
            (Some(_), false) => vec![FloorEvent::CameraClosed { place }],
            (None, true) => return Err(Refusal::NotCalled),
            (Some(Pinned { phase: PinPhase::Open, .. }), true) | (None, false) => Vec::new(),
        })
    }

    pub(super) fn media_began(&self, place: PlaceId) -> Vec<FloorEvent> {
        let waiting = self.turn(place).filter(|turn| turn.phase == TurnPhase::Accepted);
        waiting.map(|_| FloorEvent::OnAir { place }).into_iter().collect()
    }

    pub(super) fn media_ended(&self, place: PlaceId) -> Vec<FloorEvent> {
        let speaking = self.turn(place).filter(|turn| turn.phase == TurnPhase::OnAir);
        speaking.map(|_| FloorEvent::Interrupted { place }).into_iter().collect()
    }

    pub(super) fn left(&self, place: PlaceId) -> Vec<FloorEvent> {
        let mut events = self.raise(place, false);
        events.extend(self.end(place, EndReason::Gone));
        let pinned = self.pinned.filter(|pinned| pinned.place == place);
        events.extend(pinned.map(|_| FloorEvent::CameraClosed { place }));
        events
    }

    pub(super) fn clear(&self) -> Vec<FloorEvent> {
        let mut events = self.lower(None);
        events.extend(self.turns.iter().flat_map(|turn| self.end(turn.place, EndReason::Gone)));
        events.extend(self.pin(None));
        events
    }

    pub(super) fn expire(&self, now: UnixMillis) -> Vec<FloorEvent> {
        let expired = self.turns.iter().filter_map(|turn| {
            let (patience, reason) = match turn.phase {
                TurnPhase::Called => (CALL_EXPIRES, EndReason::NoAnswer),
                TurnPhase::Accepted => (MEDIA_EXPIRES, EndReason::NoMedia),
                TurnPhase::OnAir => return None,
            };
            (now >= turn.since.plus(patience)).then_some(FloorEvent::TurnEnded { place: turn.place, reason })
        });
        expired.collect()
    }

    pub(super) fn evolve(&mut self, at: UnixMillis, event: &FloorEvent) {
        match *event {
            FloorEvent::HandRaised { place } => self.hands.push(Hand { place, since: at }),
            FloorEvent::HandLowered { place } => self.hands.retain(|hand| hand.place != place),
            FloorEvent::Called { place } => self.turns.push(Turn {
                place,
                phase: TurnPhase::Called,
                since: at,
                muted: false,
                audio_only: false,
                device: None,
            }),
            FloorEvent::Accepted { place, audio_only, device } => {
                self.change(place, |turn| {
                    // A change of device connects anew; a change of picture does not.
                    if turn.device != Some(device) {
                        (turn.phase, turn.since) = (TurnPhase::Accepted, at);
                    }
                    (turn.audio_only, turn.device) = (audio_only, Some(device));
                });
                self.word = self.word.or(self.turn(place).map(|turn| turn.place));
            }
            FloorEvent::OnAir { place } => {
                self.change(place, |turn| (turn.phase, turn.since) = (TurnPhase::OnAir, at));
            }
            FloorEvent::Interrupted { place } => {
                self.change(place, |turn| (turn.phase, turn.since) = (TurnPhase::Accepted, at));
            }
            FloorEvent::TurnEnded { place, .. } => {
                self.turns.retain(|turn| turn.place != place);
                if self.word == Some(place) {
                    let next = self.turns.iter().find(|turn| turn.phase != TurnPhase::Called);
                    self.word = next.map(|turn| turn.place);
                }
            }
            FloorEvent::WordGiven { place } => self.word = Some(place),
            FloorEvent::Muted { place, muted } => self.change(place, |turn| turn.muted = muted),
            FloorEvent::AudioOnly { place, on } => self.change(place, |turn| turn.audio_only = on),
            FloorEvent::CameraAsked { place } => self.pinned = Some(Pinned { place, phase: PinPhase::Asked }),
            FloorEvent::CameraOpened { place } => self.pinned = Some(Pinned { place, phase: PinPhase::Open }),
            FloorEvent::CameraClosed { .. } => self.pinned = None,
        }
    }

    fn change(&mut self, place: PlaceId, change: impl FnOnce(&mut Turn)) {
        if let Some(turn) = self.turns.iter_mut().find(|turn| turn.place == place) {
            change(turn);
        }
    }
}

//! Who publishes into which slot of a lesson.
//!
//! The owner of a slot is a host *link*, not a connection: the same link publishing again (a reload, a
//! second device, an encoder that restarted before its old connection timed out) takes over, another host
//! link is refused with `second_host` until the slot is free.

use crate::{InvitationId, PeerId, Refusal, Slot};

/// One published slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publication {
    /// The host link that publishes.
    pub owner: InvitationId,
    /// The media connection it comes by.
    pub peer: PeerId,
}

/// The slots of one lesson and who fills them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stage {
    slots: [Option<Publication>; Slot::COUNT],
}

impl Stage {
    /// An empty stage.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether `owner` could publish into these slots now.
    ///
    /// # Errors
    /// [`Refusal::SecondHost`] naming the first slot another link holds.
    pub fn check(&self, owner: InvitationId, slots: impl IntoIterator<Item = Slot>) -> Result<(), Refusal> {
        let taken = |slot: &Slot| self.publication(*slot).is_some_and(|held| held.owner != owner);
        match slots.into_iter().find(taken) {
            Some(slot) => Err(Refusal::SecondHost { slot }),
            None => Ok(()),
        }
    }

    /// `owner` publishes into these slots by `peer`. Returns the owner's older connections that held any
    /// of them: they have lost all their slots and must be closed. Other connections of the same owner
    /// (an encoder that fills only the slides) go on.
    ///
    /// # Errors
    /// [`Refusal::SecondHost`], and nothing changes.
    pub fn publish(
        &mut self,
        owner: InvitationId,
        peer: PeerId,
        slots: impl IntoIterator<Item = Slot, IntoIter: Clone>,
    ) -> Result<Vec<PeerId>, Refusal> {
        let slots = slots.into_iter();
        self.check(owner, slots.clone())?;
        let mut replaced: Vec<PeerId> =
            slots.clone().filter_map(|slot| self.publication(slot)).map(|held| held.peer).collect();
        replaced.retain(|&old| old != peer);
        replaced.sort_unstable();
        replaced.dedup();
        for &old in &replaced {
            self.leave(old);
        }
        for slot in slots {
            self.slots[slot.index()] = Some(Publication { owner, peer });
        }
        Ok(replaced)
    }

    /// A media connection closed; its slots are free.
    pub fn leave(&mut self, peer: PeerId) {
        for slot in &mut self.slots {
            slot.take_if(|held| held.peer == peer);
        }
    }

    /// What is published into `slot`.
    pub fn publication(&self, slot: Slot) -> Option<Publication> {
        self.slots[slot.index()]
    }

    /// Every connection that publishes, once each.
    pub fn publishers(&self) -> Vec<PeerId> {
        let mut peers: Vec<_> = self.slots.iter().flatten().map(|held| held.peer).collect();
        peers.sort_unstable();
        peers.dedup();
        peers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Slot::{ProgramAudio, ProgramVideo, SlidesVideo};

    const LAN: InvitationId = InvitationId(1);
    const HOA: InvitationId = InvitationId(2);

    #[test]
    fn a_second_host_is_refused_until_the_first_leaves() {
        let mut stage = Stage::new();
        assert_eq!(stage.publish(LAN, PeerId(10), [ProgramAudio, ProgramVideo]), Ok(vec![]));
        let refused = Err(Refusal::SecondHost { slot: ProgramVideo });
        assert_eq!(stage.publish(HOA, PeerId(20), [SlidesVideo, ProgramVideo]), refused);
        assert_eq!(stage.publication(SlidesVideo), None, "a refused publication takes nothing");
        stage.leave(PeerId(10));
        assert_eq!(stage.publish(HOA, PeerId(20), [ProgramVideo]), Ok(vec![]));
    }

    #[test]
    fn the_same_link_takes_over_from_its_own_older_connection() {
        let mut stage = Stage::new();
        stage.publish(LAN, PeerId(10), [ProgramAudio, ProgramVideo]).expect("the stage is free");
        assert_eq!(stage.publish(LAN, PeerId(11), [ProgramVideo]), Ok(vec![PeerId(10)]));
        assert_eq!(stage.publication(ProgramAudio), None, "the closed connection no longer speaks");
        assert_eq!(stage.publishers(), [PeerId(11)]);
        stage.leave(PeerId(10));
        assert_eq!(stage.publishers(), [PeerId(11)], "its late goodbye does not silence the new one");
    }

    #[test]
    fn an_encoder_may_bring_the_slides_beside_the_camera() {
        let mut stage = Stage::new();
        stage.publish(LAN, PeerId(10), [ProgramAudio, ProgramVideo]).expect("the stage is free");
        assert_eq!(stage.publish(LAN, PeerId(11), [SlidesVideo]), Ok(vec![]));
        assert_eq!(
            stage.publish(HOA, PeerId(20), [SlidesVideo]),
            Err(Refusal::SecondHost { slot: SlidesVideo })
        );
        assert_eq!(stage.publishers(), [PeerId(10), PeerId(11)]);
    }
}

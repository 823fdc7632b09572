//! What other threads hand to a worker. Every queue is bounded; each says what happens when it is full.

use super::{
    api::{CloseReason, FragmentAnswer, MediaError, MediaEvent},
    burst::Path,
    guests::SlotSet,
    streams::NewStream,
    tap::Tapped,
};
use crossbeam_queue::ArrayQueue;
use domain::{Layer, LessonId, PeerId, Slot};
use media::ClockReading;
use relay::{Incoming, ReceiverTerms};
use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::{mpsc, oneshot};

/// Video packets waiting for a worker: a second of ten full lessons.
const VIDEO_MAX: usize = 8_192;
/// Voice packets waiting for a worker: two seconds of ten lessons.
const VOICE_MAX: usize = 1_024;
/// Datagrams that reached a worker whose peer they are not.
const FORWARDED_MAX: usize = 2_048;
/// Keyframe wishes and sender reports: a few a second for each source.
const NOTES_MAX: usize = 1_024;
/// Commands of the HTTP side.
const COMMANDS_MAX: usize = 4_096;

/// One packet of a published track, on its way to the other workers.
pub(super) struct Relayed {
    pub(super) lesson: LessonId,
    pub(super) incoming: Incoming,
}

/// Small news between workers about a track.
pub(super) enum Note {
    /// The host's clocks.
    Clock { lesson: LessonId, slot: Slot, layer: Layer, reading: ClockReading },
    /// Somebody needs a keyframe of a track whose publisher this worker owns.
    WantsKeyframe { lesson: LessonId, slot: Slot, layer: Layer },
    /// Datagrams from this address belong to this peer of `worker`.
    Route { addr: SocketAddr, peer: PeerId, worker: usize },
    /// They no longer do.
    Unroute { addr: SocketAddr, peer: PeerId },
}

/// A datagram that the kernel gave to another worker than its peer's.
pub(super) struct Forwarded {
    pub(super) peer: PeerId,
    pub(super) path: Path,
    pub(super) via: usize,
    pub(super) bytes: Vec<u8>,
}

/// What the HTTP side wants done.
pub(super) enum Command {
    Close {
        peer: PeerId,
        reason: CloseReason,
    },
    Demand {
        peer: PeerId,
        slot: Slot,
        layer: Option<Layer>,
    },
    Fragment {
        peer: PeerId,
        fragment: String,
        answer: oneshot::Sender<Result<FragmentAnswer, MediaError>>,
    },
    /// A TCP connection that begins with a check for a peer that this worker has or is to get.
    Stream(NewStream),
    /// Somebody wants the lesson's packets.
    Tap {
        lesson: LessonId,
        sender: mpsc::Sender<Tapped>,
    },
    /// Somebody outside the workers needs a keyframe.
    Wish {
        lesson: LessonId,
        slot: Slot,
        layer: Layer,
    },
    /// Another peer feeds this slot now.
    SlotLost {
        peer: PeerId,
        slot: Slot,
    },
    /// A guest may feed this slot from now on.
    SlotOpen {
        peer: PeerId,
        slot: Slot,
    },
    /// Slots that are kept from a viewer.
    Block {
        peer: PeerId,
        slots: SlotSet,
    },
    /// What the lesson knows of a viewer that its link cannot tell.
    Terms {
        peer: PeerId,
        terms: ReceiverTerms,
    },
    /// An event that happened outside a worker and must not be lost.
    Emit(MediaEvent),
    /// Close every peer and end.
    Stop,
}

/// A worker has as many commands to read as may wait.
#[derive(Debug)]
pub(super) struct Full;

/// One worker's letter boxes.
pub(super) struct Inbox {
    pub(super) video: ArrayQueue<Relayed>,
    pub(super) voice: ArrayQueue<Relayed>,
    pub(super) notes: ArrayQueue<Note>,
    pub(super) forwarded: ArrayQueue<Forwarded>,
    commands: Mutex<VecDeque<Command>>,
    /// Whether the worker has been woken and not yet looked: spares a system call for each packet.
    rung: AtomicBool,
    waker: mio::Waker,
}

impl Inbox {
    pub(super) fn new(waker: mio::Waker) -> Self {
        Self {
            video: ArrayQueue::new(VIDEO_MAX),
            voice: ArrayQueue::new(VOICE_MAX),
            notes: ArrayQueue::new(NOTES_MAX),
            forwarded: ArrayQueue::new(FORWARDED_MAX),
            commands: Mutex::default(),
            rung: AtomicBool::new(false),
            waker,
        }
    }

    /// Makes the worker look.
    pub(super) fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // Fails only when the process is out of memory or the worker is gone; it looks every tick anyway.
            let _ = self.waker.wake();
        }
    }

    /// The worker looks now: whatever is put in from here on rings again.
    pub(super) fn looking(&self) {
        self.rung.store(false, Ordering::Release);
    }

    /// Hands over a packet. `false`: the video queue is full, the packet is dropped and the caller drops the
    /// layer's further packets until a keyframe. Voice drops its oldest instead.
    pub(super) fn relay(&self, relayed: Relayed) -> bool {
        if relayed.incoming.slot.kind() == domain::MediaKind::Audio {
            // full: the oldest voice packet goes; the newest is what a listener needs.
            drop(self.voice.force_push(relayed));
            return true;
        }
        // full: dropped, and the layer with it until its next keyframe.
        self.video.push(relayed).is_ok()
    }

    /// Hands over a note. Full: dropped; clocks and wishes are repeated, and a lost route costs one more
    /// look-up at the next check.
    pub(super) fn note(&self, note: Note) -> bool {
        self.notes.push(note).is_ok()
    }

    /// Hands over a datagram. Full: dropped, as any network may.
    pub(super) fn forward(&self, forwarded: Forwarded) -> bool {
        self.forwarded.push(forwarded).is_ok()
    }

    /// Hands over a command and wakes the worker.
    ///
    /// # Errors
    /// [`Full`] when 4,096 wait already. Closing, slots opened and kept, events and the end are taken all the same:
    /// there are a few of each for a peer at most.
    pub(super) fn command(&self, command: Command) -> Result<(), Full> {
        {
            let mut commands = self.commands.lock().unwrap_or_else(PoisonError::into_inner);
            let may_wait = matches!(
                command,
                Command::Demand { .. } | Command::Fragment { .. } | Command::Stream(_) | Command::Wish { .. }
            );
            if may_wait && commands.len() >= COMMANDS_MAX {
                return Err(Full);
            }
            commands.push_back(command);
        }
        self.ring();
        Ok(())
    }

    /// Everything the HTTP side has said since the last time.
    pub(super) fn take_commands(&self) -> VecDeque<Command> {
        std::mem::take(&mut self.commands.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

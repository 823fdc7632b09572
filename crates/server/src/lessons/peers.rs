//! The lesson's media connections: who may open one, and what the workers say of them.

use super::{
    call::Opened,
    links::{PageAbilities, Viewing},
    room::{Room, leads},
};
use crate::{
    media::{CloseReason, MediaEvent, OwnerId, PeerRole, PeerStats, PublishSpec, SessionAnswer, SlotSet},
    problem::media_problem,
    seat::Seat,
    segments::Watcher,
    sessions::MediaSession,
    token::Token,
};
use domain::{
    Action, Fact, Identity, LessonCommand, LessonState, PeerId, PlaceId, Refusal, Role, Slot, Timestamp,
};
use signalling::{Problem, ServerMessage, Uplink};
use std::time::Duration;
use tracing::{debug, info};

/// A viewer whose last feedback is older than this receives nothing any more; the slowest clients report every 5 s.
const HEARD_WITHIN: Duration = Duration::from_millis(5_500);

/// Loss before repair from which a speaking room's uplink is called weak, when two reports in a row (4 s) say so.
const WEAK_LOSS: f32 = 0.15;
const WEAK_REPORTS: u32 = 2;

/// A media connection of the lesson.
pub(super) struct Peer {
    pub(super) who: Identity,
    pub(super) role: PeerRole,
    /// It watches as segments and is nothing the media workers know.
    pub(super) segments: bool,
    slots: Vec<Slot>,
    pub(super) connected_at: Option<Timestamp>,
    /// A room that may speak.
    pub(super) guest: Option<PlaceId>,
    /// A guest's open slots.
    pub(super) granted: SlotSet,
    /// Slots kept from a viewer.
    pub(super) blocked: SlotSet,
    /// Its newest numbers.
    pub(super) stats: Option<PeerStats>,
    /// When packets were last sent to a viewer.
    pub(super) moved_at: Option<Timestamp>,
    /// Reports in a row that said that a publisher's uplink is weak.
    weak_reports: u32,
    /// What a viewer's page said of itself, and what it was told of its link.
    pub(super) seen: Viewing,
}

impl Peer {
    fn new(who: Identity, role: PeerRole) -> Self {
        Self {
            who,
            role,
            segments: false,
            slots: Vec::new(),
            connected_at: None,
            guest: None,
            granted: SlotSet::default(),
            blocked: SlotSet::default(),
            stats: None,
            moved_at: None,
            weak_reports: 0,
            seen: Viewing::default(),
        }
    }

    /// Whether it sends into the lesson.
    pub(super) fn publishes(&self) -> bool {
        self.role == PeerRole::Publisher
    }

    /// The place whose screen it is, once it is connected.
    pub(super) fn viewing_place(&self) -> Option<PlaceId> {
        match self.who {
            Identity::Place { place } if !self.publishes() && self.connected_at.is_some() => Some(place),
            _ => None,
        }
    }

    fn follow(&mut self, now: Timestamp, stats: PeerStats) {
        // What is sent to a screen that lost its power is not received.
        let is_heard = stats.since_heard.is_some_and(|since| since < HEARD_WITHIN);
        if is_heard && self.stats.is_none_or(|before| stats.packets > before.packets) {
            self.moved_at = Some(now);
        }
        self.seen.climb(stats.ladder.map(|ladder| ladder.rung));
        self.stats = Some(stats);
    }
}

impl Room {
    pub(super) fn publish(
        &mut self,
        who: Identity,
        offer: String,
        first_slot: Slot,
    ) -> Result<Opened, Problem> {
        if let Some(place) = who.place() {
            return self.publish_guest(who, place, offer);
        }
        self.lesson.permits(who, Action::Publish)?;
        let owner = who.invitation().ok_or(Refusal::Forbidden { role: who.role() })?;
        self.stage.check(owner, [first_slot])?;
        self.check_room(who)?;
        let spec = PublishSpec { offer, first_slot, owner: owner_id(who), guest: false };
        let answer =
            self.tools.media.publish(self.lesson.id(), &spec).map_err(|error| media_problem(&error))?;
        Ok(self.opened(who, PeerRole::Publisher, None, answer))
    }

    /// A room connects camera and microphone; nobody hears them before it has the word.
    fn publish_guest(&mut self, who: Identity, place: PlaceId, offer: String) -> Result<Opened, Problem> {
        self.lesson.permits(who, Action::Speak)?;
        if !self.participation.floor.may_connect(place) {
            return Err(Refusal::NotCalled.into());
        }
        self.check_room(who)?;
        // The room is the owner, not the device: phone and screen take over from each other.
        let owner = OwnerId(place.0);
        let spec = PublishSpec { offer, first_slot: Slot::ExtraVideo, owner, guest: true };
        let answer =
            self.tools.media.publish(self.lesson.id(), &spec).map_err(|error| media_problem(&error))?;
        Ok(self.opened(who, PeerRole::Publisher, Some(place), answer))
    }

    pub(super) fn play(
        &mut self,
        who: Identity,
        seat: Option<Seat>,
        can: PageAbilities,
        offer: &str,
    ) -> Result<Opened, Problem> {
        self.lesson.permits(who, Action::Watch)?;
        self.let_in(who, seat)?;
        self.check_room(who)?;
        let carried = who.place().and_then(|place| self.carried.get(&place)).copied();
        let answer = self
            .tools
            .media
            .play(self.lesson.id(), offer, owner_id(who), carried)
            .map_err(|error| media_problem(&error))?;
        let peer = answer.peer;
        let opened = self.opened(who, PeerRole::Viewer, None, answer);
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.seen = Viewing::of(can);
        }
        self.route();
        self.settle_terms();
        Ok(opened)
    }

    /// Somebody watches as segments: in the books like any viewer, without a connection of the media workers.
    pub(super) fn watch(&mut self, who: Identity, seat: Option<Seat>) -> Result<Watcher, Problem> {
        self.lesson.permits(who, Action::Watch)?;
        self.let_in(who, seat)?;
        self.check_room(who)?;
        let id = PeerId(rand::random());
        let watcher = self.tools.watchers.enter(id, who, self.lesson.id());
        self.peers.insert(id, Peer { segments: true, ..Peer::new(who, PeerRole::Viewer) });
        self.peer_connected(id);
        self.route();
        Ok(watcher)
    }

    /// Whether one more connection of `who` fits.
    fn check_room(&self, who: Identity) -> Result<(), Refusal> {
        let limits = &self.tools.config.limits;
        let own = self.peers.values().filter(|peer| peer.who == who).count();
        if own >= limits.peers_per_link {
            return Err(Refusal::LessonFull { limit: limits.peers_per_link });
        }
        // The host always gets in: a lesson full of viewers without a teacher is no lesson.
        if who.role() != Role::Host && self.peers.len() >= limits.peers_per_lesson {
            return Err(Refusal::LessonFull { limit: limits.peers_per_lesson });
        }
        Ok(())
    }

    fn opened(
        &mut self,
        who: Identity,
        role: PeerRole,
        guest: Option<PlaceId>,
        answer: SessionAnswer,
    ) -> Opened {
        let SessionAnswer { peer, answer_sdp, ufrag, slots } = answer;
        let secret = Token::random();
        let session = MediaSession { peer, lesson: self.lesson.id(), who, role, ice: ufrag.clone() };
        self.tools.sessions.insert(secret.hash(), session);
        let slots = slots.into_iter().map(|(slot, _)| slot).collect();
        self.peers.insert(peer, Peer { slots, guest, ..Peer::new(who, role) });
        Opened { secret, answer: answer_sdp, ice: ufrag }
    }

    /// Closes the connections that `which` names.
    pub(super) fn close_media(&self, which: impl Fn(&Peer) -> bool) {
        for (peer, _) in self.peers.iter().filter(|(_, peer)| which(peer)) {
            self.tools.media.close(*peer, CloseReason::Removed);
            self.tools.watchers.close(*peer, CloseReason::Removed);
        }
    }

    pub(super) async fn follow(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::PeerConnected { peer, .. } => self.peer_connected(peer),
            MediaEvent::PeerClosed { peer, reason, .. } => {
                debug!(reason = reason.code(), "a media connection closed: {}", reason.code());
                self.peer_closed(peer);
            }
            MediaEvent::SlotStarted { slot, codec, .. } => {
                if self.published.insert(slot, codec) != Some(codec) {
                    let id = self.lesson.id();
                    info!(lesson.id = %id, ?slot, ?codec, "lesson {id} carries {slot:?} in {codec:?} now");
                    self.broadcast(&self.media());
                }
                self.start_by_itself(slot).await;
            }
            MediaEvent::SlotStopped { slot, .. } => {
                self.follow_slides(slot);
                if self.published.remove(&slot).is_some() {
                    let id = self.lesson.id();
                    info!(lesson.id = %id, ?slot, "lesson {id} carries no {slot:?} any more");
                    self.broadcast(&self.media());
                }
            }
            MediaEvent::PublisherReport { peer, loss, rtt, rate, .. } => {
                let uplink = ServerMessage::Uplink(Uplink {
                    loss: loss.clamp(0.0, 1.0),
                    rtt_ms: rtt.map(|rtt| rtt.as_millis() as u32),
                    kbps: rate.as_kbps() as u32,
                });
                self.note_uplink(peer, loss);
                if let Some(Peer { who, .. }) = self.peers.get(&peer) {
                    self.broadcast_to(&uplink, |member| member.who == *who);
                }
            }
            MediaEvent::ViewerReport { peer, stats, .. } => {
                metrics::histogram!("nhipcau_viewer_loss_ratio").record(f64::from(stats.loss));
                if let Some(rtt) = stats.rtt {
                    metrics::histogram!("nhipcau_viewer_round_trip_seconds").record(rtt.as_secs_f64());
                }
                let now = self.tools.clock.now();
                if let Some(peer) = self.peers.get_mut(&peer) {
                    peer.follow(now, *stats);
                    if let (Some(place), Some(estimate)) = (peer.who.place(), stats.estimate)
                        && peer.moved_at == Some(now)
                    {
                        self.carried.insert(place, estimate);
                    }
                }
            }
            MediaEvent::CodecMissing { slot, codec, .. } => {
                debug!(?slot, ?codec, "a viewer cannot decode what is published");
                metrics::counter!("nhipcau_viewers_without_codec_total").increment(1);
            }
        }
    }

    fn peer_connected(&mut self, id: PeerId) {
        let now = self.tools.clock.now();
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.connected_at = Some(now);
        let (who, guest) = (peer.who, peer.guest);
        match (peer.role, who.invitation()) {
            (PeerRole::Publisher, Some(owner)) => {
                match self.stage.publish(owner, id, peer.slots.iter().copied()) {
                    Ok(replaced) => {
                        for old in replaced {
                            self.tools.media.close(old, CloseReason::Replaced);
                        }
                    }
                    // Two hosts connected at the same moment: the first one has the slot.
                    Err(_) => self.tools.media.close(id, CloseReason::Removed),
                }
            }
            (PeerRole::Publisher, None) => {
                if let Some(place) = guest {
                    self.note(Fact::MediaBegan(place));
                    self.route();
                }
            }
            (PeerRole::Viewer, _) => {
                self.roster.media_started(id, who);
                if let Identity::Place { place } = who {
                    self.count_join(place);
                }
            }
        }
    }

    pub(super) fn peer_closed(&mut self, id: PeerId) {
        // What it received since the last look counts too.
        self.count_rooms();
        let gone = self.peers.remove(&id);
        self.tools.sessions.remove(id);
        self.roster.media_stopped(id);
        self.stage.leave(id);
        let Some(gone) = gone else { return };
        self.spend(&gone);
        self.log_presence(&gone);
        // Another device of the room may be connected already.
        if let Some(place) = gone.guest.filter(|place| !self.has_guest(*place)) {
            self.note(Fact::MediaEnded(place));
        }
    }

    /// Whether a room's camera or microphone is connected.
    pub(super) fn has_guest(&self, place: PlaceId) -> bool {
        self.peers.values().any(|peer| peer.guest == Some(place) && peer.connected_at.is_some())
    }

    /// A speaking room whose uplink suffers goes on without picture, so that its voice stays.
    fn note_uplink(&mut self, id: PeerId, loss: f32) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.weak_reports = if loss >= WEAK_LOSS { peer.weak_reports + 1 } else { 0 };
        if let Some(place) = peer.guest.filter(|_| peer.weak_reports >= WEAK_REPORTS) {
            peer.weak_reports = 0;
            self.note(Fact::WeakUplink(place));
        }
    }

    /// Goes live because the host's encoder sends, where the configuration wants that.
    async fn start_by_itself(&mut self, slot: Slot) {
        let waiting = matches!(self.lesson.state(), LessonState::Scheduled | LessonState::TestRun);
        if !self.tools.config.lesson.autostart_on_publish || !waiting {
            return;
        }
        if let Some(publication) = self.stage.publication(slot) {
            let who = Identity::Host { invitation: publication.owner, lesson: self.lesson.id() };
            // A refusal here is a race with a person who pressed the button; a failure of the database was
            // logged, and the button is still there.
            let _ = self.command(who, LessonCommand::Start).await;
        }
    }

    pub(super) fn media(&self) -> ServerMessage {
        ServerMessage::media(self.published.iter().map(|(slot, codec)| (*slot, *codec)))
    }

    /// Whether media of the lesson may be seen and heard by `who` at all: rooms that check themselves before the day
    /// connect, and get nothing of a teacher who only looks at herself.
    pub(super) fn is_shown_to(&self, who: Identity) -> bool {
        leads(who) || self.lesson.state().is_on_air()
    }
}

/// The media workers' name for a link: its id, or the place's.
fn owner_id(who: Identity) -> OwnerId {
    let invitation = who.invitation().map(|invitation| invitation.0);
    let helper = who.helper().map(|link| link.0);
    OwnerId(invitation.or(helper).or(who.place().map(|place| place.0)).unwrap_or_default())
}

//! One lesson's task: owns the lesson, knows who is here and what is being published.

use super::{
    Lessons, Tools,
    call::{Call, Opened, Page},
};
use crate::{
    clock::Clock,
    lines::{Cut, Line},
    media::{CloseReason, MediaEvent, OwnerId, PeerRole, PublishSpec, SessionAnswer},
    problem::{media_problem, store_problem},
    sessions::MediaSession,
    token::Token,
};
use axum::extract::ws::Utf8Bytes;
use domain::{
    Action, Codec, ConnectionId, Identity, Lesson, LessonCommand, LessonEvent, LessonRecord, LessonState,
    PeerId, Refusal, Role, Roster, RosterLimits, Slot, Stage,
};
use signalling::{ClosingReason, LessonInfo, Problem, ServerMessage, Uplink};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Interval, MissedTickBehavior, interval},
};
use tracing::{debug, info};

/// How often the board is looked at; pages hear of it only when it changed.
const BOARD_EVERY: Duration = Duration::from_secs(1);

/// A media connection of the lesson.
struct Peer {
    who: Identity,
    role: PeerRole,
    slots: Vec<Slot>,
}

/// A page of the lesson.
struct Member {
    who: Identity,
    line: Line,
}

pub(super) struct Room {
    lesson: Lesson,
    tools: Tools,
    lessons: Arc<Lessons>,
    roster: Roster,
    stage: Stage,
    members: BTreeMap<ConnectionId, Member>,
    peers: HashMap<PeerId, Peer>,
    published: BTreeMap<Slot, Codec>,
    /// The board and the codec as hosts and organisers know them.
    board_told: Option<ServerMessage>,
    codec_told: Option<Codec>,
}

impl Room {
    pub(super) fn new(lesson: Lesson, tools: Tools, lessons: Arc<Lessons>) -> Self {
        let limits =
            RosterLimits { connections: tools.config.limits.pages_per_lesson, ..RosterLimits::default() };
        Self {
            lesson,
            tools,
            lessons,
            roster: Roster::new(limits),
            stage: Stage::new(),
            members: BTreeMap::new(),
            peers: HashMap::new(),
            published: BTreeMap::new(),
            board_told: None,
            codec_told: None,
        }
    }

    /// Serves the lesson until it is deleted.
    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Call>) {
        let mut board = interval(BOARD_EVERY);
        board.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                call = inbox.recv() => {
                    let Some(call) = call else { return };
                    if self.handle(call, &mut board).await.is_break() {
                        return;
                    }
                }
                _ = board.tick() => self.show_board(),
            }
        }
    }

    async fn handle(&mut self, call: Call, board: &mut Interval) -> std::ops::ControlFlow<()> {
        match call {
            Call::Join(page, reply) => {
                let _ = reply.send(self.join(page, board));
            }
            Call::Leave(connection, reply) => {
                self.members.remove(&connection);
                self.roster.leave(connection);
                let _ = reply.send(Ok(()));
            }
            Call::Report(connection, report) => {
                self.roster.report(self.tools.clock.now(), connection, report);
            }
            Call::Command(who, command, reply) => {
                let _ = reply.send(self.command(who, command).await);
            }
            Call::Publish { who, offer, first_slot, reply } => {
                let _ = reply.send(self.publish(who, offer, first_slot));
            }
            Call::Play { who, offer, reply } => {
                let _ = reply.send(self.play(who, &offer));
            }
            Call::Delete(who, reply) => {
                let deleted = self.delete(who).await;
                let gone = deleted.is_ok();
                let _ = reply.send(deleted);
                if gone {
                    return std::ops::ControlFlow::Break(());
                }
            }
            Call::Media(event) => self.follow(event).await,
        }
        std::ops::ControlFlow::Continue(())
    }

    fn join(&mut self, page: Page, board: &mut Interval) -> Result<(), Problem> {
        let Page { connection, who, codecs, line, told } = page;
        self.lesson.permits(who, Action::Look)?;
        for old in self.roster.join(connection, who, codecs)? {
            if let Some(member) = self.members.remove(&old) {
                member.line.cut(Cut::Closing(ClosingReason::Replaced));
            }
        }
        let now = self.info();
        if now != told {
            line.send(&ServerMessage::Lesson { lesson: Some(now) });
        }
        line.send(&self.media());
        if leads(who) {
            // The newcomer need not wait for the next look at the board; the others then wait a full turn,
            // so nobody hears of it more than once a second.
            line.send(&self.board());
            board.reset();
        }
        if who.role() == Role::Host {
            line.send(&ServerMessage::prefer(self.roster.preferred_codec()));
        }
        self.members.insert(connection, Member { who, line });
        Ok(())
    }

    async fn command(&mut self, who: Identity, command: LessonCommand) -> Result<LessonRecord, Problem> {
        if matches!(command, LessonCommand::Edit(_)) {
            // A place deleted since the lesson was read must not come back with the list of the invited.
            let stored = self.tools.store.lesson(self.lesson.id()).await;
            self.lesson = Lesson::restore(stored.map_err(|error| store_problem(&error))?);
        }
        let mut lesson = self.lesson.clone();
        let events = lesson.apply(Clock::wall(), who, command)?;
        if events.is_empty() {
            return Ok(lesson.record().clone());
        }
        self.tools
            .store
            .save_lesson(lesson.record(), &events)
            .await
            .map_err(|error| store_problem(&error))?;
        self.lesson = lesson;
        self.announce(&events);
        Ok(self.lesson.record().clone())
    }

    /// Tells everybody what a stored command changed, and takes the audience off the air where it says so.
    fn announce(&mut self, events: &[LessonEvent]) {
        let (id, state) = (self.lesson.id(), self.lesson.state());
        info!(lesson.id = %id, %state, pages = self.members.len(), "lesson {id} is {state} now");
        // The pages first: a place's page that then leaves for another lesson has this news in its line.
        self.broadcast(&ServerMessage::Lesson { lesson: Some(self.info()) });
        self.lessons.note_lesson(self.lesson.record());
        if state == LessonState::Ended {
            self.tools.media.close_lesson(id, CloseReason::Removed);
        } else if events.iter().any(LessonEvent::takes_off_air) {
            for (peer, Peer { who, .. }) in &self.peers {
                if matches!(who.role(), Role::Place | Role::Observer) {
                    self.tools.media.close(*peer, CloseReason::Removed);
                }
            }
        }
    }

    fn publish(&mut self, who: Identity, offer: String, first_slot: Slot) -> Result<Opened, Problem> {
        self.lesson.permits(who, Action::Publish)?;
        let owner = who.invitation().ok_or(Refusal::Forbidden { role: who.role() })?;
        self.stage.check(owner, [first_slot])?;
        self.check_room(who)?;
        let spec = PublishSpec { offer, first_slot, owner: owner_id(who) };
        let answer =
            self.tools.media.publish(self.lesson.id(), &spec).map_err(|error| media_problem(&error))?;
        Ok(self.opened(who, PeerRole::Publisher, answer))
    }

    fn play(&mut self, who: Identity, offer: &str) -> Result<Opened, Problem> {
        self.lesson.permits(who, Action::Watch)?;
        self.check_room(who)?;
        let answer = self
            .tools
            .media
            .play(self.lesson.id(), offer, owner_id(who))
            .map_err(|error| media_problem(&error))?;
        Ok(self.opened(who, PeerRole::Viewer, answer))
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

    fn opened(&mut self, who: Identity, role: PeerRole, answer: SessionAnswer) -> Opened {
        let SessionAnswer { peer, answer_sdp, ufrag, slots } = answer;
        let secret = Token::random();
        let session = MediaSession { peer, lesson: self.lesson.id(), who, role, ice: ufrag.clone() };
        self.tools.sessions.insert(secret.hash(), session);
        self.peers.insert(peer, Peer { who, role, slots: slots.into_iter().map(|(slot, _)| slot).collect() });
        Opened { secret, answer: answer_sdp, ice: ufrag }
    }

    async fn delete(&mut self, who: Identity) -> Result<(), Problem> {
        self.lesson.permits(who, Action::Delete)?;
        let id = self.lesson.id();
        self.tools.store.delete_lesson(id).await.map_err(|error| store_problem(&error))?;
        self.tools.media.close_lesson(id, CloseReason::Removed);
        for peer in self.peers.keys() {
            self.tools.sessions.remove(*peer);
        }
        for member in self.members.values() {
            // A place's page belongs to the place, not to the lesson: it stays and is told that it has no
            // lesson any more, by the change of the directory.
            if member.who.role() != Role::Place {
                member.line.cut(Cut::Closing(ClosingReason::LessonDeleted));
            }
        }
        self.lessons.forget_lesson(id);
        info!(lesson.id = %id, "lesson {id} was deleted");
        Ok(())
    }

    async fn follow(&mut self, event: MediaEvent) {
        match event {
            MediaEvent::PeerConnected { peer, .. } => self.peer_connected(peer),
            MediaEvent::PeerClosed { peer, reason, .. } => {
                debug!(reason = reason.code(), "a media connection closed: {}", reason.code());
                self.peers.remove(&peer);
                self.tools.sessions.remove(peer);
                self.roster.media_stopped(peer);
                self.stage.leave(peer);
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
                if let Some(Peer { who, .. }) = self.peers.get(&peer) {
                    self.broadcast_to(&uplink, |member| member.who == *who);
                }
            }
            MediaEvent::ViewerReport { stats, .. } => {
                metrics::histogram!("nhipcau_viewer_loss_ratio").record(f64::from(stats.loss));
                if let Some(rtt) = stats.rtt {
                    metrics::histogram!("nhipcau_viewer_round_trip_seconds").record(rtt.as_secs_f64());
                }
            }
            MediaEvent::CodecMissing { slot, codec, .. } => {
                debug!(?slot, ?codec, "a viewer cannot decode what is published");
                metrics::counter!("nhipcau_viewers_without_codec_total").increment(1);
            }
        }
    }

    fn peer_connected(&mut self, peer: PeerId) {
        let Some(Peer { who, role, slots }) = self.peers.get(&peer) else { return };
        match (role, who.invitation()) {
            (PeerRole::Publisher, Some(owner)) => {
                let slots = slots.iter().copied();
                match self.stage.publish(owner, peer, slots) {
                    Ok(replaced) => {
                        for old in replaced {
                            self.tools.media.close(old, CloseReason::Replaced);
                        }
                    }
                    // Two hosts connected at the same moment: the first one has the slot.
                    Err(_) => self.tools.media.close(peer, CloseReason::Removed),
                }
            }
            _ => self.roster.media_started(peer, *who),
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

    /// Tells hosts and organisers what changed on the board, and hosts which codec suits everybody.
    fn show_board(&mut self) {
        if !self.members.values().any(|member| leads(member.who)) {
            self.board_told = None;
            self.codec_told = None;
            return;
        }
        let board = self.board();
        if self.board_told.as_ref() != Some(&board) {
            self.broadcast_to(&board, |member| leads(member.who));
            self.board_told = Some(board);
        }
        let codec = self.roster.preferred_codec();
        if self.codec_told != Some(codec) {
            self.broadcast_to(&ServerMessage::prefer(codec), |member| member.who.role() == Role::Host);
            self.codec_told = Some(codec);
        }
    }

    fn board(&self) -> ServerMessage {
        let directory = self.lessons.directory();
        let invited = directory.invited(self.lesson.record());
        self.roster.view(self.tools.clock.now(), invited, &self.tools.lines.places()).into()
    }

    fn media(&self) -> ServerMessage {
        ServerMessage::media(self.published.iter().map(|(slot, codec)| (*slot, *codec)))
    }

    fn info(&self) -> LessonInfo {
        LessonInfo::from(self.lesson.record())
    }

    fn broadcast(&self, message: &ServerMessage) {
        self.broadcast_to(message, |_| true);
    }

    fn broadcast_to(&self, message: &ServerMessage, which: impl Fn(&Member) -> bool) {
        let text = Utf8Bytes::from(message.to_json());
        for member in self.members.values().filter(|member| which(member)) {
            member.line.send_text(&text);
        }
    }
}

/// Whether somebody sees the board.
fn leads(who: Identity) -> bool {
    matches!(who.role(), Role::Host | Role::Organiser)
}

/// The media workers' name for a link: its id, or the place's.
fn owner_id(who: Identity) -> OwnerId {
    OwnerId(
        who.invitation().map_or_else(|| who.place().map_or(0, |place| place.0), |invitation| invitation.0),
    )
}

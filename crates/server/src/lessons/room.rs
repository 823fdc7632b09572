//! One lesson's task: owns the lesson, knows who is here, what is published and what the rooms do.
//!
//! This file has the loop, the pages and the lesson's own commands. Its other rooms: `peers.rs` (media connections),
//! `taking_part.rs` (what rooms do, stored before it is acknowledged), `news.rs` (what pages are told of it), `board.rs` (how
//! every room is), `links.rs` (what each link may carry, and where it stands), `stills.rs` (slides as images), `guests.rs` (who is
//! heard), `accounts.rs` (who received how much).

use super::{
    Lessons, Tools,
    board::Desk,
    call::{Call, Looked, Page, Reply},
    guests::Routing,
    links::{Carried, Spent},
    news::Told,
    peers::Peer,
    stills::Stills,
    taking_part::Unsaved,
};
use crate::{
    clock::Clock,
    lines::{Cut, Line},
    media::CloseReason,
    problem::store_problem,
    seat::Seat,
};
use axum::extract::ws::Utf8Bytes;
use domain::{
    Action, Attendance, Codec, ConnectionId, Fact, Identity, InvitationId, Lesson, LessonCommand,
    LessonEvent, LessonRecord, LessonState, Participation, PeerId, PlaceId, Refusal, Role, Roster,
    RosterLimits, SeatId, Slot, Stage,
};
use signalling::{ClosingReason, LessonInfo, Problem, ProblemCode, ServerMessage};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use store::StoreError;
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval},
};
use tracing::info;

/// How often a lesson with people in it looks around: the board's and the tally's pace.
pub(super) const BEAT: Duration = Duration::from_millis(400);
/// Calls that are taken together: what they change is stored by one write.
const CALLS_TOGETHER: usize = 256;

/// A page of the lesson.
pub(super) struct Member {
    pub(super) who: Identity,
    pub(super) line: Line,
    /// An observer's seat and name.
    pub(super) seat: Option<SeatId>,
    pub(super) name: Option<String>,
}

pub(super) struct Room {
    pub(super) lesson: Lesson,
    pub(super) tools: Tools,
    pub(super) lessons: Arc<Lessons>,
    pub(super) roster: Roster,
    pub(super) stage: Stage,
    pub(super) members: BTreeMap<ConnectionId, Member>,
    pub(super) peers: HashMap<PeerId, Peer>,
    pub(super) published: BTreeMap<Slot, Codec>,
    pub(super) participation: Participation,
    pub(super) attendance: Attendance,
    pub(super) unsaved: Unsaved,
    pub(super) routing: Routing,
    pub(super) desk: Desk,
    pub(super) told: Told,
    /// Host links that work, with the organiser's notes on them.
    pub(super) hosts: Vec<(InvitationId, Option<String>)>,
    pub(super) beats: u64,
    /// Rooms entered the lesson for the first time since the accounts were stored.
    pub(super) newcomers: bool,
    pub(super) stills: Stills,
    pub(super) spent: Spent,
    pub(super) carried: Carried,
}

impl Room {
    /// The lesson with what is stored of it.
    pub(super) async fn open(
        lesson: Lesson,
        tools: Tools,
        lessons: Arc<Lessons>,
    ) -> Result<Self, StoreError> {
        let id = lesson.id();
        let limits =
            RosterLimits { connections: tools.config.limits.pages_per_lesson, ..RosterLimits::default() };
        let participation = Participation::replay(&tools.store.participation_events(id).await?);
        let attendance = tools.store.attendance(id).await?;
        let mut room = Self {
            lesson,
            lessons,
            roster: Roster::new(limits),
            stage: Stage::new(),
            members: BTreeMap::new(),
            peers: HashMap::new(),
            published: BTreeMap::new(),
            participation,
            attendance,
            unsaved: Unsaved::default(),
            routing: Routing::default(),
            desk: Desk::default(),
            told: Told::default(),
            hosts: Vec::new(),
            beats: 0,
            newcomers: false,
            stills: Stills::default(),
            spent: Spent::default(),
            carried: Carried::default(),
            tools,
        };
        room.read_hosts().await?;
        // Whoever spoke when the server went down is waited for, as after any broken connection.
        let speaking: Vec<_> = room.participation.floor.turns().iter().map(|turn| turn.place).collect();
        for place in speaking {
            room.note(Fact::MediaEnded(place));
        }
        Ok(room)
    }

    /// Serves the lesson until it is deleted.
    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Call>) {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut calls = Vec::with_capacity(CALLS_TOGETHER);
        loop {
            tokio::select! {
                taken = inbox.recv_many(&mut calls, CALLS_TOGETHER) => {
                    if taken == 0 {
                        return;
                    }
                    for call in calls.drain(..) {
                        if self.handle(call).await.is_break() {
                            return;
                        }
                    }
                    self.save().await;
                    if std::mem::take(&mut self.newcomers) {
                        // Who was here is what a locked lesson goes by: a kill must not forget it.
                        self.save_accounts().await;
                    }
                }
                // A lesson that nobody is in costs nothing.
                _ = beat.tick(), if self.is_lively() => self.look_around().await,
            }
        }
    }

    async fn handle(&mut self, call: Call) -> std::ops::ControlFlow<()> {
        match call {
            Call::Join(page, reply) => {
                let _ = reply.send(self.join(page).await);
            }
            Call::Leave(connection, reply) => {
                self.leave(connection);
                let _ = reply.send(Ok(()));
            }
            Call::Report(connection, report) => self.note_report(connection, report),
            Call::Terms { connection, who, peer, terms } => self.take_terms(connection, who, peer, &terms),
            Call::PutStill { who, image, reply } => {
                let _ = reply.send(self.put_still(who, image));
            }
            Call::GetStill { who, no, reply } => {
                let _ = reply.send(self.get_still(who, no));
            }
            Call::Command(who, command, reply) => {
                self.save().await;
                let _ = reply.send(self.command(who, command).await);
            }
            Call::Participate(who, command, reply) => self.participate(who, command, reply),
            Call::OfferWork { who, key, jpeg, reply } => self.offer_work(who, &key, jpeg, reply),
            Call::Remote(who, remote, reply) => {
                let _ = reply.send(self.remote(who, remote));
            }
            Call::Name(connection, name, reply) => {
                let _ = reply.send(self.name(connection, &name));
            }
            Call::Look(reply) => {
                self.save().await;
                let _ = reply.send(Ok(Looked {
                    record: self.lesson.record().clone(),
                    participation: self.participation.clone(),
                    attendance: self.attendance.clone(),
                }));
            }
            Call::SeeWork(who, no, reply) => {
                let _ = reply.send(self.see_work(who, no));
            }
            Call::Publish { who, offer, first_slot, reply } => {
                let _ = reply.send(self.publish(who, offer, first_slot));
            }
            Call::Play { who, seat, can, offer, reply } => {
                let _ = reply.send(self.play(who, seat, can, &offer));
            }
            Call::Links(revoked) => self.follow_links(revoked).await,
            Call::Places => self.refresh_board(),
            Call::Purge(reply) => {
                self.purge(reply).await;
            }
            Call::Watch { who, seat, reply } => {
                let _ = reply.send(self.watch(who, seat));
            }
            Call::Unwatch(peer) => self.peer_closed(peer),
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

    /// Whether anything can change without a call.
    fn is_lively(&self) -> bool {
        !self.members.is_empty() || !self.peers.is_empty() || !self.participation.floor.turns().is_empty()
    }

    async fn look_around(&mut self) {
        self.beats += 1;
        self.show_board();
        self.show_links();
        self.show_hands();
        self.show_tally();
        if self.beats.is_multiple_of(3) {
            self.note(Fact::Tick);
            self.show_roster();
            self.save().await;
        }
        if self.beats.is_multiple_of(5) {
            self.count_rooms();
            self.settle_terms();
        }
        if self.beats.is_multiple_of(25) {
            self.save_accounts().await;
        }
    }

    async fn join(&mut self, page: Page) -> Result<(), Problem> {
        let Page { connection, who, codecs, line, told, seat, name } = page;
        self.lesson.permits(who, Action::Look)?;
        self.let_in(who, seat)?;
        for old in self.roster.join(self.tools.clock.now(), connection, who, codecs)? {
            if let Some(member) = self.members.remove(&old) {
                member.line.cut(Cut::Closing(ClosingReason::Replaced));
            }
        }
        let now = self.info();
        if now != told {
            line.send(&ServerMessage::Lesson { lesson: Some(now) });
        }
        let seat = seat.map(|seat| seat.id);
        if let Some(seat) = seat {
            self.attendance.seated(seat, name.as_deref());
        }
        if leads(who) && self.hosts.is_empty() {
            self.read_hosts().await.map_err(|error| store_problem(&error))?;
        }
        let place = who.place();
        self.members.insert(connection, Member { who, line, seat, name });
        if let Some(place) = place {
            self.enter(place);
        }
        self.welcome(connection);
        Ok(())
    }

    fn leave(&mut self, connection: ConnectionId) {
        self.roster.leave(connection);
        if let Some(member) = self.members.remove(&connection) {
            self.note_presence(member.who);
        }
    }

    /// Whether somebody may come in although the lesson is locked.
    pub(super) fn let_in(&self, who: Identity, seat: Option<Seat>) -> Result<(), Refusal> {
        let Some(locked_at) = self.lesson.record().control.locked_at else { return Ok(()) };
        let was_here = match who {
            Identity::Host { .. } | Identity::Organiser { .. } => true,
            Identity::Place { place } | Identity::Helper { place, .. } => self.attendance.knows(place),
            Identity::Observer { .. } => seat.is_some_and(|seat| seat.given_at <= locked_at),
        };
        if was_here { Ok(()) } else { Err(Refusal::LessonLocked) }
    }

    pub(super) async fn command(
        &mut self,
        who: Identity,
        command: LessonCommand,
    ) -> Result<LessonRecord, Problem> {
        if matches!(command, LessonCommand::Edit(_)) {
            // A place deleted since the lesson was read must not come back with the list of the invited.
            let stored = self.tools.store.lesson(self.lesson.id()).await;
            self.lesson = Lesson::restore(stored.map_err(|error| store_problem(&error))?);
        }
        if let LessonCommand::HandOver(to) = command {
            self.lesson.permits(who, Action::HandOver)?;
            self.read_hosts().await.map_err(|error| store_problem(&error))?;
            if !self.hosts.iter().any(|(host, _)| *host == to) {
                return Err(ProblemCode::InvitationUnknown.into());
            }
        }
        let mut lesson = self.lesson.clone();
        let events = lesson.apply(Clock::wall(), who, command)?;
        if !events.is_empty() {
            self.save_lesson(lesson, &events).await?;
        }
        Ok(self.lesson.record().clone())
    }

    async fn save_lesson(&mut self, lesson: Lesson, events: &[LessonEvent]) -> Result<(), Problem> {
        let saved = self.tools.store.save_lesson(lesson.record(), events).await;
        saved.map_err(|error| store_problem(&error))?;
        self.lesson = lesson;
        self.announce(events).await;
        Ok(())
    }

    /// Tells everybody what a stored command changed, and does what follows from it.
    async fn announce(&mut self, events: &[LessonEvent]) {
        let (id, state) = (self.lesson.id(), self.lesson.state());
        info!(lesson.id = %id, %state, pages = self.members.len(), "lesson {id} is {state} now");
        // The pages first: a place's page that then leaves for another lesson has this news in its line.
        self.broadcast(&ServerMessage::Lesson { lesson: Some(self.info()) });
        self.lessons.note_lesson(self.lesson.record());
        for event in events {
            match event {
                LessonEvent::WentLive { .. } => self.begin().await,
                LessonEvent::TestStarted { .. } => self.enter_everybody(),
                LessonEvent::TestEnded { .. } | LessonEvent::Ended { .. } => self.go_off_air().await,
                LessonEvent::PlaceRemoved { place, .. } => self.send_out(*place),
                LessonEvent::HandedOver { to, .. } => self.change_charge(*to),
                LessonEvent::Edited { .. }
                | LessonEvent::PlaceReadmitted { .. }
                | LessonEvent::Locked { .. }
                | LessonEvent::Unlocked { .. } => {}
            }
        }
        self.route();
        self.refresh_board();
        self.save().await;
    }

    /// The lesson is live: what a rehearsal left behind is no part of it.
    async fn begin(&mut self) {
        self.note(Fact::WentLive);
        self.forget_rehearsal().await;
        self.enter_everybody();
    }

    async fn go_off_air(&mut self) {
        self.note(Fact::OffAir);
        self.count_last();
        self.save_accounts().await;
        if self.lesson.state() == LessonState::Ended {
            self.tools.media.close_lesson(self.lesson.id(), CloseReason::Removed);
            self.tools.watchers.close_lesson(self.lesson.id(), CloseReason::Removed);
        } else {
            self.close_media(|peer| !leads(peer.who));
        }
    }

    /// A place was sent out. Its pages follow the change of the directory to their next lesson, or to none.
    fn send_out(&mut self, place: PlaceId) {
        self.note(Fact::PlaceLeft(place));
        self.close_media(|peer| peer.who.place() == Some(place));
    }

    fn change_charge(&mut self, to: Option<InvitationId>) {
        if let Some(to) = to {
            let others = |who: Identity| who.role() == Role::Host && who.invitation() != Some(to);
            self.close_media(|peer| peer.publishes() && others(peer.who));
        }
        self.show_charge();
    }

    /// Invitations changed. A lesson is never in the hands of a link that no longer works.
    async fn follow_links(&mut self, revoked: Option<InvitationId>) {
        let mut lesson = self.lesson.clone();
        if let Some(event) = revoked.and_then(|link| lesson.release(Clock::wall(), link)) {
            // What fails here is tried again with the next change; until then organisers can still hand over.
            let _ = self.save_lesson(lesson, &[event]).await;
        }
        if let Err(error) = self.read_hosts().await {
            // Logged where it is counted; the list is read again with the next change.
            let _ = store_problem(&error);
        }
        self.show_charge();
    }

    async fn read_hosts(&mut self) -> Result<(), StoreError> {
        let now = Clock::wall();
        let invitations = self.tools.store.invitations(Some(self.lesson.id())).await?;
        let hosts = invitations.into_iter().filter(|link| link.role == Role::Host && link.open(now).is_ok());
        self.hosts = hosts.map(|link| (link.id, link.label)).collect();
        Ok(())
    }

    async fn delete(&mut self, who: Identity) -> Result<(), Problem> {
        self.lesson.permits(who, Action::Delete)?;
        let id = self.lesson.id();
        self.tools.store.delete_lesson(id).await.map_err(|error| store_problem(&error))?;
        self.tools.media.close_lesson(id, CloseReason::Removed);
        self.tools.watchers.close_lesson(id, CloseReason::Removed);
        for peer in self.peers.keys() {
            self.tools.sessions.remove(*peer);
        }
        for member in self.members.values() {
            // A room's pages belong to the place, not to the lesson: they stay and are told that they have no
            // lesson any more, by the change of the directory.
            if member.who.place().is_none() {
                member.line.cut(Cut::Closing(ClosingReason::LessonDeleted));
            }
        }
        self.lessons.forget_lesson(id);
        info!(lesson.id = %id, "lesson {id} was deleted");
        Ok(())
    }

    pub(super) fn info(&self) -> LessonInfo {
        LessonInfo::from(self.lesson.record())
    }

    pub(super) fn broadcast(&self, message: &ServerMessage) {
        self.broadcast_to(message, |_| true);
    }

    pub(super) fn broadcast_to(&self, message: &ServerMessage, which: impl Fn(&Member) -> bool) {
        let mut members = self.members.values().filter(|member| which(member)).peekable();
        if members.peek().is_none() {
            return;
        }
        let text = Utf8Bytes::from(message.to_json());
        for member in members {
            member.line.send_text(&text);
        }
    }
}

/// Whether somebody sees the board.
pub(super) fn leads(who: Identity) -> bool {
    matches!(who.role(), Role::Host | Role::Organiser)
}

/// Answers that nobody waits for any more are nobody's loss.
pub(super) fn answer<T>(reply: Reply<T>, outcome: Result<T, Problem>) {
    let _ = reply.send(outcome);
}

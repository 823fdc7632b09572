//! What rooms and leads do in the lesson: decided by `domain::Participation`, stored, and only then acknowledged.
//!
//! Everything that comes in one batch of calls is stored by one write, so two hundred answers in a second cost a few
//! writes to the disk and none is acknowledged before it is there.

use super::{
    call::Reply,
    room::{Room, answer, leads},
};
use crate::{clock::Clock, problem::store_problem};
use domain::{
    Action, ConnectionId, Deed, Fact, Identity, OBSERVER_NAME_CHARS_MAX, Participation, ParticipationCommand,
    ParticipationEvent, Refusal, Role, Work, WorkEvent,
};
use signalling::{Problem, Remote, ServerMessage};
use store::WorkPicture;

/// What happened and is not stored yet, and who waits for that.
#[derive(Default)]
pub(super) struct Unsaved {
    events: Vec<ParticipationEvent>,
    pictures: Vec<WorkPicture>,
    waiting: Vec<Waiting>,
}

/// Hears what became of it.
type Waiting = Box<dyn FnOnce(Result<(), Problem>) + Send>;

fn tell_all(waiting: Vec<Waiting>, outcome: &Result<(), Problem>) {
    for tell in waiting {
        tell(outcome.clone());
    }
}

impl Room {
    /// Carries out a command; the answer comes when it is stored.
    pub(super) fn participate(&mut self, who: Identity, command: ParticipationCommand, reply: Reply<()>) {
        match self.participation.apply(Clock::wall(), &self.lesson, who, command) {
            Ok(events) => {
                self.unsaved.events.extend(events);
                // A room that warmed up is on the air the moment it agrees.
                if let Some(place) = who.place().filter(|place| self.has_guest(*place)) {
                    self.note(Fact::MediaBegan(place));
                }
                // Also when nothing changed: the first copy of the same message may not be stored yet.
                self.unsaved.waiting.push(Box::new(|outcome| answer(reply, outcome)));
            }
            Err(refusal) => answer(reply, Err(refusal.into())),
        }
    }

    /// Takes a photo; its number comes back when it is stored.
    pub(super) fn offer_work(&mut self, who: Identity, key: &str, jpeg: Vec<u8>, reply: Reply<u32>) {
        let offer = ParticipationCommand::OfferWork(key.to_owned());
        let events = match self.participation.apply(Clock::wall(), &self.lesson, who, offer) {
            Ok(events) => events,
            Err(refusal) => return answer(reply, Err(refusal.into())),
        };
        let known = who.place().and_then(|place| self.participation.works.by_key(place, key));
        let Some(no) = known.map(|work| work.no) else {
            return answer(reply, Err(Refusal::WorkUnknown.into()));
        };
        if !events.is_empty() {
            self.unsaved.pictures.push(WorkPicture { no, jpeg });
        }
        self.unsaved.events.extend(events);
        self.unsaved.waiting.push(Box::new(move |outcome| answer(reply, outcome.map(|()| no))));
    }

    /// Follows what the server saw; stored with the next batch.
    pub(super) fn note(&mut self, fact: Fact) {
        let events = self.participation.follow(Clock::wall(), fact);
        self.unsaved.events.extend(events);
    }

    /// Stores what happened, answers who waits, and tells the pages.
    pub(super) async fn save(&mut self) {
        let Unsaved { events, pictures, waiting } = std::mem::take(&mut self.unsaved);
        if events.is_empty() {
            tell_all(waiting, &Ok(()));
            return;
        }
        let id = self.lesson.id();
        match self.tools.store.save_participation(id, &events, &pictures).await {
            Ok(()) => {
                tell_all(waiting, &Ok(()));
                self.follow_deeds(&events);
            }
            Err(error) => {
                let problem = store_problem(&error);
                tell_all(waiting, &Err(problem));
                // Memory is ahead of the disk: what nobody was promised is taken back.
                match self.tools.store.participation_events(id).await {
                    Ok(stored) => self.participation = Participation::replay(&stored),
                    // Nothing can be read either; the next write tries again.
                    Err(error) => drop(store_problem(&error)),
                }
                self.route();
                self.tell_everything();
            }
        }
    }

    /// Deletes pupils' works that nobody keeps.
    pub(super) async fn purge(&mut self, reply: Reply<()>) {
        let at = Clock::wall();
        for work in self.participation.works.not_kept() {
            let event = ParticipationEvent { at, deed: Deed::Work(WorkEvent::Deleted { work }) };
            self.participation.evolve(&event);
            self.unsaved.events.push(event);
        }
        self.unsaved.waiting.push(Box::new(|outcome| answer(reply, outcome)));
        self.save().await;
    }

    /// Whether somebody may see a pupil's work: leads any, a helper her own room's, everybody what is on the screens. To
    /// all others it does not exist.
    pub(super) fn see_work(&self, who: Identity, no: u32) -> Result<(), Problem> {
        let work = self.participation.works.get(no);
        let own = |work: &Work| who.helper().is_some() && who.place() == Some(work.place);
        let may = work.is_some_and(|work| leads(who) || work.shown || own(work));
        if may { Ok(()) } else { Err(Refusal::WorkUnknown.into()) }
    }

    /// Passes a push of a button on to a room's screens.
    pub(super) fn remote(&mut self, who: Identity, remote: Remote) -> Result<(), Problem> {
        self.lesson.permits(who, Action::Remote)?;
        let place = match who.place() {
            Some(own) => own,
            None => remote.place.filter(|place| self.lesson.includes(*place)).ok_or(Refusal::PlaceUnknown)?,
        };
        let message = ServerMessage::Remote(Remote { place: Some(place), ..remote });
        self.broadcast_to(&message, |member| member.who == Identity::Place { place });
        Ok(())
    }

    /// An observer says her name.
    pub(super) fn name(&mut self, connection: ConnectionId, name: &str) -> Result<(), Problem> {
        let name = observer_name(name)?;
        let Some(member) = self.members.get_mut(&connection) else { return Ok(()) };
        if let Some(seat) = member.seat {
            self.attendance.seated(seat, Some(&name));
        }
        member.name = Some(name);
        let who = member.who;
        self.note_presence(who);
        Ok(())
    }

    /// Who is told of private messages of a room.
    pub(super) fn hears_of(who: Identity, place: Option<domain::PlaceId>) -> bool {
        leads(who) || (who.role() == Role::Helper && place.is_none_or(|place| who.place() == Some(place)))
    }
}

/// A name as an observer gives it, on one line.
pub(crate) fn observer_name(name: &str) -> Result<String, Refusal> {
    let shown = |c: &char| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let words: Vec<String> = name
        .split_whitespace()
        .map(|word| word.chars().filter(shown).collect::<String>())
        .filter(|word| !word.is_empty())
        .collect();
    let name = words.join(" ");
    if (1..=OBSERVER_NAME_CHARS_MAX).contains(&name.chars().count()) {
        Ok(name)
    } else {
        Err(Refusal::TextLength { field: "name", max_chars: OBSERVER_NAME_CHARS_MAX })
    }
}

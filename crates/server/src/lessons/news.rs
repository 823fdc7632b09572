//! What pages are told of the rooms: each page once in full, then what changed.

use super::room::{Member, Room, leads};
use domain::{
    ConnectionId, Deed, HelpCall, HelpEvent, Identity, MessageEvent, ParticipationEvent, PlaceId,
    QuestionEvent, Role,
};
use signalling::{
    ChargeNews, Exhibit, ExhibitNews, FloorNews, HandsNews, HostLink, MessageNews, MessagesNews, NamedPin,
    NamedTurn, ObserversNews, OwnAnswer, OwnHand, QuestionNews, RoomAnswer, RoomNews, ServerMessage,
    ShownQuestion, TallyNews, WorksNews,
};
use std::collections::{BTreeMap, BTreeSet};

/// Messages a page is told of when it comes.
const MESSAGES_AT_FIRST: usize = 200;

/// What was told last, so that only news is told.
#[derive(Default)]
pub(super) struct Told {
    floor: FloorNews,
    exhibit: ExhibitNews,
    rooms: BTreeMap<PlaceId, RoomNews>,
    charge: Option<ServerMessage>,
    observers: Vec<Option<String>>,
    /// Rooms whose answers the leads have not seen.
    answered: BTreeSet<PlaceId>,
    /// The queue of hands changed since the leads were told.
    hands_changed: bool,
}

impl Room {
    /// Tells a page that came in what it needs to draw itself.
    pub(super) fn welcome(&mut self, connection: ConnectionId) {
        let Some(member) = self.members.get(&connection) else { return };
        let (who, line) = (member.who, member.line.clone());
        line.send(&self.media());
        if let Some(still) = self.still_news() {
            line.send(&still);
        }
        line.send(&ServerMessage::Floor(self.floor()));
        line.send(&self.question());
        line.send(&ServerMessage::Exhibit(self.exhibit()));
        if let Some(place) = who.place() {
            line.send(&ServerMessage::Room(self.room_of(place)));
        }
        if who.role() == Role::Helper || leads(who) {
            line.send(&self.messages(who.place()));
            line.send(&self.works(who.place()));
        }
        if leads(who) {
            line.send(&self.roster_now());
            line.send(&self.board_now());
            line.send(&self.hands());
            if let Some(tally) = self.tally(None) {
                line.send(&tally);
            }
            line.send(&self.charge(who));
            line.send(&ServerMessage::Observers(ObserversNews { names: self.observer_names() }));
        }
        if who.role() == Role::Host {
            line.send(&ServerMessage::prefer(self.roster.preferred_codec()));
        }
        self.note_presence(who);
    }

    /// Somebody came or went: tells those who see it.
    pub(super) fn note_presence(&mut self, who: Identity) {
        match who.role() {
            Role::Host => self.show_charge(),
            Role::Observer => {
                let names = self.observer_names();
                if names != self.told.observers {
                    let message = ServerMessage::Observers(ObserversNews { names: names.clone() });
                    self.broadcast_to(&message, |member| leads(member.who));
                    self.told.observers = names;
                }
            }
            Role::Helper => self.show_rooms(who.place()),
            Role::Place | Role::Organiser => {}
        }
    }

    /// Tells the pages what stored deeds changed, and has the media follow.
    pub(super) fn follow_deeds(&mut self, events: &[ParticipationEvent]) {
        let (mut floor, mut works) = (false, false);
        let mut touched = BTreeSet::new();
        for event in events {
            match &event.deed {
                Deed::Floor(_) => floor = true,
                Deed::Help(HelpEvent::HelpCalled { place, .. } | HelpEvent::HelpEnded { place, .. }) => {
                    touched.insert(*place);
                }
                Deed::Message(MessageEvent::Sent { place, from, key, .. }) => {
                    let known = self.participation.messages.all().iter().rev();
                    let sent = known
                        .clone()
                        .find(|known| known.key == *key && known.from == *from && known.place == *place);
                    if let Some(message) = sent.cloned() {
                        let message = ServerMessage::Message(MessageNews { message });
                        self.broadcast_to(&message, |member| Self::hears_of(member.who, *place));
                    }
                }
                Deed::Question(QuestionEvent::Answered { place, .. }) => {
                    self.told.answered.insert(*place);
                    touched.insert(*place);
                }
                Deed::Question(_) => {
                    self.told.answered.clear();
                    self.broadcast(&self.question());
                    if let Some(tally) = self.tally(None) {
                        self.broadcast_to(&tally, |member| leads(member.who));
                    }
                }
                Deed::Work(_) => works = true,
            }
        }
        if floor {
            self.route();
            self.show_floor();
            self.show_rooms(None);
        } else {
            for place in touched {
                self.show_rooms(Some(place));
            }
        }
        if works {
            self.show_works();
        }
    }

    /// Tells everybody everything: what was told may have been taken back.
    pub(super) fn tell_everything(&mut self) {
        self.told = Told::default();
        self.show_floor();
        self.show_rooms(None);
        self.show_works();
        self.broadcast(&self.question());
        if let Some(tally) = self.tally(None) {
            self.broadcast_to(&tally, |member| leads(member.who));
        }
    }

    /// The leads hear of new answers; everybody, when results are shown.
    pub(super) fn show_tally(&mut self) {
        let answered = std::mem::take(&mut self.told.answered);
        if answered.is_empty() {
            return;
        }
        if let Some(tally) = self.tally(Some(&answered)) {
            self.broadcast_to(&tally, |member| leads(member.who));
        }
        if self.participation.questions.current().is_some_and(|question| question.shown) {
            self.broadcast(&self.question());
        }
    }

    /// Leads hear which host link is in charge.
    pub(super) fn show_charge(&mut self) {
        let now = self.charge_of(None);
        if self.told.charge.as_ref() == Some(&now) {
            return;
        }
        for member in self.members.values().filter(|member| leads(member.who)) {
            member.line.send(&self.charge(member.who));
        }
        self.told.charge = Some(now);
    }

    fn show_floor(&mut self) {
        let floor = self.floor();
        if floor != self.told.floor {
            self.broadcast(&ServerMessage::Floor(floor.clone()));
            self.told.floor = floor;
        }
        self.told.hands_changed = true;
    }

    /// The leads hear of the queue: two hundred hands that go up together are told a few times, not two hundred.
    pub(super) fn show_hands(&mut self) {
        if std::mem::take(&mut self.told.hands_changed) {
            self.broadcast_to(&self.hands(), |member| leads(member.who));
        }
    }

    /// Tells rooms (`None`: all) what changed for them.
    fn show_rooms(&mut self, which: Option<PlaceId>) {
        let mut of_place: BTreeMap<PlaceId, Vec<&Member>> = BTreeMap::new();
        for member in self.members.values() {
            if let Some(place) =
                member.who.place().filter(|place| which.is_none_or(|wanted| wanted == *place))
            {
                of_place.entry(place).or_default().push(member);
            }
        }
        let mut news = Vec::new();
        for (place, members) in of_place {
            let now = self.room_of(place);
            if self.told.rooms.get(&place) == Some(&now) {
                continue;
            }
            let text = axum::extract::ws::Utf8Bytes::from(ServerMessage::Room(now.clone()).to_json());
            for member in members {
                member.line.send_text(&text);
            }
            news.push((place, now));
        }
        self.told.rooms.extend(news);
    }

    fn show_works(&mut self) {
        self.broadcast_to(&self.works(None), |member| leads(member.who));
        for member in self.members.values().filter(|member| member.who.role() == Role::Helper) {
            member.line.send(&self.works(member.who.place()));
        }
        let exhibit = self.exhibit();
        if exhibit != self.told.exhibit {
            self.broadcast(&ServerMessage::Exhibit(exhibit.clone()));
            self.told.exhibit = exhibit;
        }
    }

    fn room_of(&self, place: PlaceId) -> RoomNews {
        let part = &self.participation;
        let floor = &part.floor;
        let hand = floor
            .position(place)
            .map(|position| OwnHand { since: floor.hands()[position].since, position: position + 1 });
        let own_answer = part.questions.current().and_then(|question| {
            let answer = question.answers.get(&place)?;
            Some(OwnAnswer { question: question.no, value: answer.value.clone(), late: answer.late })
        });
        let is_helper =
            |member: &&Member| member.who.role() == Role::Helper && member.who.place() == Some(place);
        RoomNews {
            place,
            hand,
            turn: floor.turn(place).copied(),
            word: floor.word() == Some(place),
            pinned: floor.pinned().filter(|pinned| pinned.place == place),
            may_connect: self.lesson.state().is_on_air() && floor.may_connect(place),
            help: part.help.of(place).map(|(kind, since)| HelpCall { kind, since }).collect(),
            answer: own_answer,
            helpers: self.members.values().filter(is_helper).count(),
        }
    }

    fn floor(&self) -> FloorNews {
        let floor = &self.participation.floor;
        let directory = self.lessons.directory();
        let name =
            |place| directory.place(place).map_or_else(String::new, |place| directory.full_name(place));
        FloorNews {
            turns: floor.turns().iter().map(|&turn| NamedTurn { name: name(turn.place), turn }).collect(),
            word: floor.word(),
            pinned: floor.pinned().map(|pinned| NamedPin { name: name(pinned.place), pinned }),
        }
    }

    fn hands(&self) -> ServerMessage {
        ServerMessage::Hands(HandsNews { hands: self.participation.floor.hands().to_vec() })
    }

    fn question(&self) -> ServerMessage {
        let question = self.participation.questions.current().map(ShownQuestion::from);
        ServerMessage::Question(QuestionNews { question })
    }

    /// The answers to the newest question; only these rooms', when they are named.
    fn tally(&self, rooms: Option<&BTreeSet<PlaceId>>) -> Option<ServerMessage> {
        let question =
            self.participation.questions.current().or(self.participation.questions.all().last())?;
        let wanted = |place: &PlaceId| rooms.is_none_or(|rooms| rooms.contains(place));
        let answers = question.answers.iter().filter(|(place, _)| wanted(place));
        Some(ServerMessage::Tally(TallyNews {
            question: question.no,
            tally: question.tally(),
            answers: answers
                .map(|(place, answer)| RoomAnswer {
                    place: *place,
                    value: answer.value.clone(),
                    at: answer.at,
                    late: answer.late,
                })
                .collect(),
            full: rooms.is_none(),
        }))
    }

    fn messages(&self, place: Option<PlaceId>) -> ServerMessage {
        let known = &self.participation.messages;
        let messages = match place {
            Some(place) => known.of(place, MESSAGES_AT_FIRST).into_iter().cloned().collect(),
            None => known.all()[known.all().len().saturating_sub(MESSAGES_AT_FIRST)..].to_vec(),
        };
        ServerMessage::Messages(MessagesNews { messages })
    }

    fn works(&self, place: Option<PlaceId>) -> ServerMessage {
        let all = self.participation.works.all();
        let works = all.filter(|work| place.is_none_or(|place| work.place == place)).cloned().collect();
        ServerMessage::Works(WorksNews { works })
    }

    fn exhibit(&self) -> ExhibitNews {
        let directory = self.lessons.directory();
        let shown = self.participation.works.all().filter(|work| work.shown);
        let exhibit = |work: &domain::Work| Exhibit {
            no: work.no,
            name: directory.place(work.place).filter(|_| work.named).map(|place| directory.full_name(place)),
        };
        ExhibitNews { works: shown.map(exhibit).collect() }
    }

    fn charge(&self, who: Identity) -> ServerMessage {
        self.charge_of(Some(who).filter(|who| who.role() == Role::Host))
    }

    fn charge_of(&self, host: Option<Identity>) -> ServerMessage {
        let connected: BTreeSet<_> = self
            .members
            .values()
            .filter(|member| member.who.role() == Role::Host)
            .filter_map(|member| member.who.invitation())
            .collect();
        let link = |(id, label): &(domain::InvitationId, Option<String>)| HostLink {
            id: *id,
            label: label.clone(),
            connected: connected.contains(id),
        };
        ServerMessage::Charge(ChargeNews {
            in_charge: self.lesson.record().control.in_charge,
            own: host.and_then(Identity::invitation),
            hosts: self.hosts.iter().map(link).collect(),
        })
    }

    fn observer_names(&self) -> Vec<Option<String>> {
        let observers = self.members.values().filter(|member| member.who.role() == Role::Observer);
        let mut names: Vec<_> = observers.map(|member| member.name.clone()).collect();
        names.sort();
        names
    }
}

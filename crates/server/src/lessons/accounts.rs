//! Who received how much: looks, stores, and says it in the log where nobody can change it later.

use super::{peers::Peer, room::Room};
use crate::{clock::Clock, problem::store_problem};
use domain::{Attendance, ConnectionId, Identity, LessonState, PlaceId, ViewerReport};
use tracing::info;

impl Room {
    /// A viewer's page says how its screen is.
    pub(super) fn note_report(&mut self, connection: ConnectionId, report: ViewerReport) {
        let now = self.tools.clock.now();
        self.roster.report(now, connection, report);
        if let Some(seat) = self.members.get(&connection).and_then(|member| member.seat)
            && self.lesson.state() == LessonState::Live
        {
            self.attendance.observed(now, Clock::wall(), seat, report.frames_decoded);
        }
    }

    /// A room's page is here while the lesson is on the air.
    pub(super) fn enter(&mut self, place: PlaceId) {
        if self.lesson.state().is_on_air() {
            self.newcomers |= self.attendance.entered(place);
        }
    }

    /// The lesson goes on the air: everybody who is here is in it.
    pub(super) fn enter_everybody(&mut self) {
        let here: Vec<_> = self.members.values().filter_map(|member| member.who.place()).collect();
        for place in here {
            self.enter(place);
        }
    }

    pub(super) fn count_join(&mut self, place: PlaceId) {
        self.enter(place);
        if self.lesson.state() == LessonState::Live {
            self.attendance.joined(self.tools.clock.now(), Clock::wall(), place);
        }
    }

    /// A look at every room while the lesson is live.
    pub(super) fn count_rooms(&mut self) {
        if self.lesson.state() == LessonState::Live {
            self.count_last();
        }
    }

    /// The same at the moment when the lesson ends.
    pub(super) fn count_last(&mut self) {
        let (now, at) = (self.tools.clock.now(), Clock::wall());
        let moments = self.moments();
        self.attendance.follow(at, &moments);
        for (place, moment) in moments {
            self.attendance.look(now, at, place, moment);
        }
    }

    /// Stores the accounts that changed.
    pub(super) async fn save_accounts(&mut self) {
        let accounts = self.attendance.take_changes();
        if accounts.is_empty() {
            return;
        }
        let saved = self.tools.store.save_attendance(self.lesson.id(), &accounts).await;
        if let Err(error) = saved {
            // Logged there; they are stored with the next ones.
            let _ = store_problem(&error);
            self.attendance.give_back(&accounts);
        }
    }

    /// What was counted in a rehearsal is no attendance of the lesson.
    pub(super) async fn forget_rehearsal(&mut self) {
        let names: Vec<_> =
            self.members.values().filter_map(|member| Some((member.seat?, member.name.clone()))).collect();
        self.attendance = Attendance::default();
        for (seat, name) in names {
            self.attendance.seated(seat, name.as_deref());
        }
        if let Err(error) = self.tools.store.clear_attendance(self.lesson.id()).await {
            // Logged there. The rehearsal's rows stay until rooms write their own over them.
            let _ = store_problem(&error);
        }
        let viewers: Vec<_> = self.peers.values().filter_map(Peer::viewing_place).collect();
        for place in viewers {
            self.count_join(place);
        }
    }

    /// The server's own log of who was connected for how long, beside the accounts and counted otherwise.
    pub(super) fn log_presence(&self, gone: &Peer) {
        let (Some(connected_at), Identity::Place { place }) = (gone.connected_at, gone.who) else { return };
        if gone.publishes() {
            return;
        }
        let received_s = self.tools.clock.now().saturating_since(connected_at).as_secs_f64();
        let packets = gone.stats.map_or(0, |stats| stats.packets);
        let (id, state) = (self.lesson.id(), self.lesson.state());
        info!(lesson.id = %id, place.id = %place, received_s, packets, %state, "place {place} left lesson {id} after {received_s:.1} s");
    }
}

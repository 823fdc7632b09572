//! What the doors (HTTP, WebSocket, media workers) ask of a lesson's task.

use super::links::PageAbilities;
use crate::{lines::Line, media::MediaEvent, seat::Seat, segments::Watcher};
use bytes::Bytes;
use domain::{
    Attendance, Bitrate, CodecSupport, ConnectionId, Identity, InvitationId, LessonCommand, LessonRecord,
    Participation, ParticipationCommand, PeerId, Slot, ViewerReport,
};
use signalling::{LessonInfo, PageTerms, Problem, Remote};
use tokio::sync::{mpsc, oneshot};

/// Where an answer goes. Whoever asked may have left meanwhile; then the answer is for nobody.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Problem>>;

/// One request to a lesson's task.
pub(super) enum Call {
    /// A page wants to belong to the lesson.
    Join(Page, Reply<()>),
    /// A page is gone, or a place's page went to another lesson.
    Leave(ConnectionId, Reply<()>),
    /// A viewer's page says how its screen is.
    Report(ConnectionId, ViewerReport),
    /// A viewer's page says what it can do and may use.
    Terms { connection: ConnectionId, who: Identity, peer: PeerId, terms: PageTerms },
    /// The host shows a slide: a still of it, for whoever does not get it moving.
    PutStill { who: Identity, image: Bytes, reply: Reply<u32> },
    /// Somebody wants to see a still.
    GetStill { who: Identity, no: u32, reply: Reply<FetchedStill> },
    /// Somebody wants to change the lesson.
    Command(Identity, LessonCommand, Reply<LessonRecord>),
    /// Somebody takes part.
    Participate(Identity, ParticipationCommand, Reply<()>),
    /// A helper sends in a photo of a pupil's work, re-encoded.
    OfferWork { who: Identity, key: String, jpeg: Vec<u8>, reply: Reply<u32> },
    /// A room's screens should do something.
    Remote(Identity, Remote, Reply<()>),
    /// An observer says her name.
    Name(ConnectionId, String, Reply<()>),
    /// Somebody wants to know what happened.
    Look(Reply<Looked>),
    /// Somebody wants to see a pupil's work.
    SeeWork(Identity, u32, Reply<()>),
    /// A WHIP offer.
    Publish { who: Identity, offer: String, first_slot: Slot, reply: Reply<Opened> },
    /// A WHEP offer.
    Play { who: Identity, seat: Option<Seat>, can: PageAbilities, offer: String, reply: Reply<Opened> },
    /// Invitations of the lesson changed; this one, if any, was revoked.
    Links(Option<InvitationId>),
    /// Units or names of places changed.
    Places,
    /// The lesson has been over for long: pupils' works that nobody keeps go.
    Purge(Reply<()>),
    /// Somebody wants to watch as segments.
    Watch { who: Identity, seat: Option<Seat>, reply: Reply<Watcher> },
    /// And has stopped.
    Unwatch(PeerId),
    /// An organiser wants the lesson gone.
    Delete(Identity, Reply<()>),
    /// News of its connections.
    Media(MediaEvent),
}

/// A page that joins.
pub(crate) struct Page {
    /// Its number.
    pub(crate) connection: ConnectionId,
    /// Who it is.
    pub(crate) who: Identity,
    /// What it can decode.
    pub(crate) codecs: CodecSupport,
    /// How to speak to it.
    pub(crate) line: Line,
    /// The lesson as the page was told; it hears at once if that is old.
    pub(crate) told: LessonInfo,
    /// An observer's seat.
    pub(crate) seat: Option<Seat>,
    /// An observer's name.
    pub(crate) name: Option<String>,
}

/// What happened in a lesson so far.
pub(crate) struct Looked {
    /// The lesson.
    pub(crate) record: LessonRecord,
    /// What the rooms did.
    pub(crate) participation: Participation,
    /// Who received what.
    pub(crate) attendance: Attendance,
}

/// A still on its way to a page.
pub(crate) struct FetchedStill {
    /// The image, as the host's page made it.
    pub(crate) image: Bytes,
    /// What the link of whoever asked has to spare beside its voice; `None`: enough for it to go as it is.
    pub(crate) pace: Option<Bitrate>,
}

/// A WHIP or WHEP session that was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The last part of its address.
    pub(crate) secret: crate::token::Token,
    /// The SDP answer.
    pub(crate) answer: String,
    /// The ICE session, for the entity tag.
    pub(crate) ice: String,
}

/// Speaks to one lesson's task. Cheap to clone.
#[derive(Clone)]
pub(crate) struct LessonHandle {
    calls: mpsc::Sender<Call>,
}

impl LessonHandle {
    pub(super) fn new(calls: mpsc::Sender<Call>) -> Self {
        Self { calls }
    }

    /// Lets a page in.
    pub(crate) async fn join(&self, page: Page) -> Result<(), Problem> {
        self.ask(|reply| Call::Join(page, reply)).await
    }

    /// A page is gone. When this returns, the lesson sends nothing more to it.
    pub(crate) async fn leave(&self, connection: ConnectionId) {
        // A lesson that was deleted has let the page go.
        let _ = self.ask(|reply| Call::Leave(connection, reply)).await;
    }

    /// A page says how its screen is.
    pub(crate) async fn report(&self, connection: ConnectionId, report: ViewerReport) {
        self.tell(Call::Report(connection, report)).await;
    }

    /// A viewer's page says what it can do and may use.
    pub(crate) async fn terms(
        &self,
        connection: ConnectionId,
        who: Identity,
        peer: PeerId,
        terms: PageTerms,
    ) {
        self.tell(Call::Terms { connection, who, peer, terms }).await;
    }

    /// Shows a still of the slides; its number.
    pub(crate) async fn put_still(&self, who: Identity, image: Bytes) -> Result<u32, Problem> {
        self.ask(|reply| Call::PutStill { who, image, reply }).await
    }

    /// A still, and how fast it may go to whoever asks.
    pub(crate) async fn get_still(&self, who: Identity, no: u32) -> Result<FetchedStill, Problem> {
        self.ask(|reply| Call::GetStill { who, no, reply }).await
    }

    /// Changes the lesson.
    pub(crate) async fn command(
        &self,
        who: Identity,
        command: LessonCommand,
    ) -> Result<LessonRecord, Problem> {
        self.ask(|reply| Call::Command(who, command, reply)).await
    }

    /// Takes part. When this returns, what it changed is stored.
    pub(crate) async fn participate(
        &self,
        who: Identity,
        command: ParticipationCommand,
    ) -> Result<(), Problem> {
        self.ask(|reply| Call::Participate(who, command, reply)).await
    }

    /// Sends in a photo; its number.
    pub(crate) async fn offer_work(&self, who: Identity, key: String, jpeg: Vec<u8>) -> Result<u32, Problem> {
        self.ask(|reply| Call::OfferWork { who, key, jpeg, reply }).await
    }

    /// Works a room's screens.
    pub(crate) async fn remote(&self, who: Identity, remote: Remote) -> Result<(), Problem> {
        self.ask(|reply| Call::Remote(who, remote, reply)).await
    }

    /// An observer says her name.
    pub(crate) async fn name(&self, connection: ConnectionId, name: String) -> Result<(), Problem> {
        self.ask(|reply| Call::Name(connection, name, reply)).await
    }

    /// What happened so far.
    pub(crate) async fn look(&self) -> Result<Looked, Problem> {
        self.ask(Call::Look).await
    }

    /// Whether somebody may see a pupil's work now.
    pub(crate) async fn see_work(&self, who: Identity, no: u32) -> Result<(), Problem> {
        self.ask(|reply| Call::SeeWork(who, no, reply)).await
    }

    /// Answers a WHIP offer.
    pub(crate) async fn publish(
        &self,
        who: Identity,
        offer: String,
        first_slot: Slot,
    ) -> Result<Opened, Problem> {
        self.ask(|reply| Call::Publish { who, offer, first_slot, reply }).await
    }

    /// Answers a WHEP offer.
    pub(crate) async fn play(
        &self,
        who: Identity,
        seat: Option<Seat>,
        can: PageAbilities,
        offer: String,
    ) -> Result<Opened, Problem> {
        self.ask(|reply| Call::Play { who, seat, can, offer, reply }).await
    }

    /// Deletes pupils' works that nobody keeps.
    pub(crate) async fn purge(&self) -> Result<(), Problem> {
        self.ask(Call::Purge).await
    }

    /// Lets somebody watch as segments; [`LessonHandle::unwatch`] must follow.
    pub(crate) async fn watch(&self, who: Identity, seat: Option<Seat>) -> Result<Watcher, Problem> {
        self.ask(|reply| Call::Watch { who, seat, reply }).await
    }

    /// Somebody has stopped watching as segments.
    pub(crate) async fn unwatch(&self, peer: PeerId) {
        self.tell(Call::Unwatch(peer)).await;
    }

    /// Deletes the lesson.
    pub(crate) async fn delete(&self, who: Identity) -> Result<(), Problem> {
        self.ask(|reply| Call::Delete(who, reply)).await
    }

    /// Whether the task runs.
    pub(super) fn is_served(&self) -> bool {
        !self.calls.is_closed()
    }

    pub(super) async fn tell(&self, call: Call) {
        // A lesson that was deleted a moment ago has nobody left to tell.
        let _ = self.calls.send(call).await;
    }

    async fn ask<T>(&self, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, Problem> {
        let gone = || Problem::new(signalling::ProblemCode::LessonUnknown);
        let (reply, answer) = oneshot::channel();
        self.calls.send(call(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

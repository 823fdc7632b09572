//! The WebSocket of a page: drives `signalling::Session` between the socket and the lessons.

use super::extract::Asked;
use crate::{
    address::ClientAddress,
    auth::{self, Caller},
    clock::Clock,
    lessons::{Directory, LessonHandle, Page, observer_name},
    lines::{Cut, Line, LineEnd, OnLine},
    problem::Answer,
    seat::Seat as ObserverSeat,
    seats::Seat,
    state::{AppState, Parts},
    token,
};
use axum::{
    extract::{
        State,
        ws::{
            CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection,
        },
    },
    response::Response,
};
use domain::{CodecSupport, ConnectionId, Identity, LessonId, PeerId, Refusal, Timestamp};
use serde::Deserialize;
use signalling::{
    CloseCode, ClosingReason, Demand, Hello, LessonInfo, Output, PROTOCOL_VERSION, Problem, ProblemCode,
    Reference, ServerMessage, Session, SessionLimits, Welcome,
};
use std::time::Duration;
use tokio::{
    sync::watch,
    time::{Instant, interval, sleep_until, timeout},
};

/// A frame beyond this is not even read to the end; a shorter one over the protocol's limit gets an answer.
const FRAME_MAX: usize = 256 * 1024;
/// A socket that takes nothing for this long is dead or hostile.
const SEND_PATIENCE: Duration = Duration::from_secs(3);
/// How long we listen for the page's half of the closing handshake.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);
/// How often a place's page is asked anew which lesson it should announce.
const ANNOUNCE_EVERY: Duration = Duration::from_mins(1);

#[derive(Deserialize)]
pub(super) struct WsQuery {
    /// The lesson an organiser of the whole server looks at; everybody else's follows from the token.
    lesson: Option<LessonId>,
}

/// `GET /api/ws`
pub(super) async fn connect(
    State(state): State<AppState>,
    address: ClientAddress,
    Asked(WsQuery { lesson }): Asked<WsQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer<Response> {
    let upgrade = upgrade.map_err(|error| {
        Problem::new(ProblemCode::BodyMalformed).because(format_args!("a WebSocket is opened here; {error}"))
    })?;
    let most = state.config.limits.waiting_sockets_per_address;
    let Some(seat) = state.waiting.take(address.0, most) else {
        return Err(Refusal::RateLimited { retry_after: SessionLimits::default().hello_within }.into());
    };
    let pages = state.pages.clone();
    Ok(upgrade.max_frame_size(FRAME_MAX).max_message_size(FRAME_MAX).on_upgrade(move |socket| {
        // Tracked, so that a stopping server waits until the page has been told.
        pages.track_future(async move { Connection::new(&state, address, lesson, socket, seat).run().await })
    }))
}

/// The page is in, and perhaps in a lesson.
struct Admitted<'a> {
    caller: Caller,
    codecs: CodecSupport,
    /// An observer's seat and name.
    seat: Option<ObserverSeat>,
    name: Option<String>,
    entry: OnLine<'a>,
    lesson: Option<(LessonId, LessonHandle)>,
}

struct Connection<'a> {
    state: &'a Parts,
    address: ClientAddress,
    wanted: Option<LessonId>,
    socket: WebSocket,
    session: Session,
    line: Line,
    end: LineEnd,
    directory: watch::Receiver<Directory>,
    admitted: Option<Admitted<'a>>,
    /// Held until the page has said who it is.
    seat: Option<Seat>,
}

/// The socket is of no more use.
struct Gone;

impl<'a> Connection<'a> {
    fn new(
        state: &'a Parts,
        address: ClientAddress,
        wanted: Option<LessonId>,
        socket: WebSocket,
        seat: Seat,
    ) -> Self {
        let (line, end) = Line::new();
        Self {
            state,
            address,
            wanted,
            socket,
            session: Session::new(state.clock.now(), SessionLimits::default()),
            line,
            end,
            directory: state.lessons.watch(),
            admitted: None,
            seat: Some(seat),
        }
    }

    async fn run(mut self) {
        // Whichever way it ends, the page's entries are taken back.
        let _ = self.serve().await;
        if let Some(Admitted { entry, lesson: Some((_, handle)), .. }) = &self.admitted {
            handle.leave(entry.connection).await;
        }
    }

    async fn serve(&mut self) -> Result<(), Gone> {
        let mut announce = interval(ANNOUNCE_EVERY);
        announce.reset();
        loop {
            while let Some(output) = self.session.poll_output() {
                self.carry_out(output).await?;
            }
            let Some(wake_at) = self.session.poll_timeout() else { return Ok(()) };
            let wake_at = self.instant(wake_at);
            // A room's pages, screen and phone, follow the room from lesson to lesson.
            let is_place = self.admitted.as_ref().is_some_and(|page| page.caller.who.place().is_some());
            tokio::select! {
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => self.received(message),
                    Some(Err(_)) | None => return Err(Gone),
                },
                next = self.end.next() => match next {
                    Ok(text) => self.send(text).await?,
                    Err(Cut::Closing(reason)) => self.session.close(reason),
                    Err(Cut::Slow) => self.session.close_slow(),
                },
                () = self.state.drain.cancelled() => self.session.close(ClosingReason::Draining),
                Ok(()) = self.directory.changed(), if is_place => self.follow_place().await?,
                _ = announce.tick(), if is_place => self.follow_place().await?,
                () = sleep_until(wake_at) => self.session.handle_timeout(self.state.clock.now()),
            }
        }
    }

    fn received(&mut self, message: Message) {
        let now = self.state.clock.now();
        match message {
            Message::Text(text) => self.session.handle_text(now, &text),
            Message::Binary(_) => self.session.handle_binary(now),
            // The close frame is answered by the library; the next read says that it is over.
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => self.session.handle_pong(now),
        }
    }

    async fn carry_out(&mut self, output: Output) -> Result<(), Gone> {
        match output {
            Output::Authenticate(hello) => match self.admit(&hello).await {
                Ok(welcome) => self.session.accept(welcome),
                Err(problem) => self.session.refuse(problem),
            },
            Output::Send(message) => self.send(message.to_json().into()).await?,
            Output::Ping => self.write(Message::Ping(bytes::Bytes::new())).await?,
            Output::Command(command, reference) => {
                let done = match self.lesson() {
                    Ok((who, lesson)) => lesson.command(who, command).await.map(drop),
                    Err(problem) => Err(problem),
                };
                self.session.done(done, reference);
            }
            Output::Participate(command, reference) => {
                let done = match self.lesson() {
                    Ok((who, lesson)) => lesson.participate(who, command).await,
                    Err(problem) => Err(problem),
                };
                self.session.done(done, reference);
            }
            Output::Remote(remote, reference) => {
                let done = match self.lesson() {
                    Ok((who, lesson)) => lesson.remote(who, remote).await,
                    Err(problem) => Err(problem),
                };
                self.session.done(done, reference);
            }
            Output::Name(name, reference) => self.take_name(name, reference).await,
            Output::Demand(demand) => {
                if let Err(problem) = self.demand(&demand) {
                    self.session.reject(problem);
                }
            }
            Output::Terms(terms) => {
                // Found out before anything is awaited: a page's socket is not to be borrowed meanwhile.
                match self.viewer(&terms.peer) {
                    Ok((lesson, connection, who, peer)) => lesson.terms(connection, who, peer, terms).await,
                    Err(problem) => self.session.reject(problem),
                }
            }
            Output::Report(report) => {
                if let Some(Admitted { entry, lesson: Some((_, lesson)), .. }) = &self.admitted {
                    lesson.report(entry.connection, report).await;
                }
            }
            Output::Close(code) => self.close(code).await?,
        }
        Ok(())
    }

    /// Who the page is, and the lesson it is in.
    fn lesson(&self) -> Result<(Identity, &LessonHandle), Problem> {
        let page = self.admitted.as_ref().ok_or(ProblemCode::HelloFirst)?;
        let (_, lesson) = page.lesson.as_ref().ok_or(ProblemCode::LessonUnknown)?;
        Ok((page.caller.who, lesson))
    }

    /// An observer says her name.
    async fn take_name(&mut self, name: String, reference: Reference) {
        let done = match &self.admitted {
            Some(Admitted { entry, lesson: Some((_, lesson)), .. }) => {
                lesson.name(entry.connection, name).await
            }
            _ => Err(ProblemCode::LessonUnknown.into()),
        };
        self.session.done(done, reference);
    }

    /// Lets the page in: finds out who it is and takes it to its lesson.
    async fn admit(&mut self, hello: &Hello) -> Result<Welcome, Problem> {
        self.seat = None;
        let (state, limits) = (self.state, &self.state.config.limits);
        if state.is_draining() {
            return Err(ProblemCode::Draining.into());
        }
        let caller = auth::authenticate(state, self.address, &hello.token).await?;
        let entry = state
            .lines
            .add(caller.who, self.line.clone(), limits.sockets_per_link)
            .ok_or(Refusal::LessonFull { limit: limits.sockets_per_link })?;
        // In the books first, then asked again: see `still_good`.
        caller.still_good(state).await?;
        let directory = self.directory.borrow_and_update().clone();
        let lesson = match self.wanted.filter(|_| caller.who.organises_server()) {
            Some(id) => Some(directory.lesson(id).cloned().ok_or(ProblemCode::LessonUnknown)?),
            None => directory.lesson_of(caller.who, None, Clock::wall()).cloned(),
        };
        let (seat, shown_seat) = self.seat(&caller, hello).unzip();
        // A name that cannot be shown keeps nobody out.
        let name = hello.name.as_deref().and_then(|name| observer_name(name).ok());
        let welcome = Welcome {
            v: PROTOCOL_VERSION,
            role: caller.who.role(),
            lesson: lesson.as_ref().map(LessonInfo::from),
            place: caller.who.place().and_then(|id| directory.shown_place(id)),
            server_time: Clock::wall(),
            seat: shown_seat,
        };
        let codecs = hello.device.codec_support();
        self.admitted = Some(Admitted { caller, codecs, seat, name, entry, lesson: None });
        if let Some(told) = &welcome.lesson {
            self.enter(told).await?;
        }
        Ok(welcome)
    }

    /// An observer's seat, the one she shows or a new one, and as text for her page to keep.
    fn seat(&self, caller: &Caller, hello: &Hello) -> Option<(ObserverSeat, String)> {
        let Identity::Observer { invitation, lesson } = caller.who else { return None };
        let seats = &self.state.seats;
        let shown = hello.seat.as_deref().and_then(|text| seats.open(text, lesson, invitation));
        let new = || ObserverSeat { id: token::seat_id(), given_at: Clock::wall() };
        let seat = shown.unwrap_or_else(new);
        Some((seat, seats.seal(seat, lesson, invitation)))
    }

    /// Joins the lesson the page was told of. What the lesson says waits in the line.
    async fn enter(&mut self, told: &LessonInfo) -> Result<(), Problem> {
        let Some(page) = &mut self.admitted else { return Ok(()) };
        let lesson = self.state.lessons.lesson(told.id)?;
        lesson
            .join(Page {
                connection: page.entry.connection,
                who: page.caller.who,
                codecs: page.codecs,
                line: self.line.clone(),
                told: told.clone(),
                seat: page.seat,
                name: page.name.clone(),
            })
            .await?;
        page.lesson = Some((told.id, lesson));
        Ok(())
    }

    /// Takes a place's page to the lesson it should show now, if that is another one.
    async fn follow_place(&mut self) -> Result<(), Gone> {
        self.directory.mark_unchanged();
        let Some(page) = &mut self.admitted else { return Ok(()) };
        let current = page.lesson.as_ref().map(|(id, _)| *id);
        let next = self.state.lessons.lesson_of(page.caller.who, current);
        if next.as_ref().map(|lesson| lesson.id) == current {
            return Ok(());
        }
        if let Some((_, old)) = page.lesson.take() {
            old.leave(page.entry.connection).await;
        }
        // What the old lesson said last ("ended") comes before news of the next.
        while let Some(text) = self.end.waiting() {
            self.send(text).await?;
        }
        let told = next.as_ref().map(LessonInfo::from);
        self.send(ServerMessage::Lesson { lesson: told.clone() }.to_json().into()).await?;
        if let Some(told) = told
            && let Err(problem) = self.enter(&told).await
        {
            // Deleted a moment ago: the change of the directory that says so is on its way.
            tracing::debug!(code = %problem.code, "a place could not follow to its next lesson");
        }
        Ok(())
    }

    fn demand(&self, demand: &Demand) -> Result<(), Problem> {
        let who = self.admitted.as_ref().map(|page| page.caller.who).ok_or(ProblemCode::HelloFirst)?;
        let session = self.state.sessions.find(&token::hash(&demand.peer), who);
        let session = session.ok_or(ProblemCode::SessionUnknown)?;
        self.state.media.set_demand(session.peer, demand.slot, demand.layer);
        Ok(())
    }

    /// The media session of this secret, if it is this page's to speak of, with its lesson.
    fn viewer(&self, secret: &str) -> Result<(LessonHandle, ConnectionId, Identity, PeerId), Problem> {
        let page = self.admitted.as_ref().ok_or(ProblemCode::HelloFirst)?;
        let session = self.state.sessions.find(&token::hash(secret), page.caller.who);
        let session = session.ok_or(ProblemCode::SessionUnknown)?;
        let (_, lesson) = page.lesson.as_ref().ok_or(ProblemCode::LessonUnknown)?;
        Ok((lesson.clone(), page.entry.connection, page.caller.who, session.peer))
    }

    async fn send(&mut self, text: Utf8Bytes) -> Result<(), Gone> {
        self.write(Message::Text(text)).await
    }

    async fn write(&mut self, message: Message) -> Result<(), Gone> {
        match timeout(SEND_PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }

    async fn close(&mut self, code: CloseCode) -> Result<(), Gone> {
        self.seat = None;
        let frame = CloseFrame { code: code.as_u16(), reason: Utf8Bytes::from_static("") };
        self.write(Message::Close(Some(frame))).await?;
        let farewell = async { while let Some(Ok(_)) = self.socket.recv().await {} };
        // A page that does not answer in time has heard enough.
        let _ = timeout(CLOSE_PATIENCE, farewell).await;
        Ok(())
    }

    fn instant(&self, at: Timestamp) -> Instant {
        Instant::now() + at.saturating_since(self.state.clock.now())
    }
}

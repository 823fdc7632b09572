//! The lesson over a WebSocket, for Media Source Extensions (`PROTOCOL.md`, "Segments").

use crate::{
    address::ClientAddress,
    auth,
    clock::Clock,
    media::CloseReason,
    problem::Answer,
    seats::Seat,
    segments::{Hub, Progress, Watcher, linger},
    state::{AppState, Parts},
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
use bytes::{BufMut as _, Bytes, BytesMut};
use domain::{Layer, Refusal, Slot};
use segments::{Send, Viewer};
use signalling::{ClosingReason, Problem, ProblemCode, SegmentsRequest, SegmentsWord, SessionLimits};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

/// Longest message of a page.
const FRAME_MAX: usize = 4 * 1024;
/// A socket that takes nothing for this long is dead; a mountain link's outage is repaired by a new one.
const SEND_PATIENCE: Duration = Duration::from_secs(12);
/// A clock that is known this much better is told again, microseconds.
const CLOCK_STEP_US: u64 = 10_000;
/// How often the page is asked for a sign of life, and how long none may come.
const PING_EVERY: Duration = Duration::from_secs(4);
const SILENT_MAX: Duration = Duration::from_secs(20);
/// How long we listen for the page's half of the closing handshake.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// `GET /api/segments`
pub(super) async fn connect(
    State(state): State<AppState>,
    address: ClientAddress,
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
        pages.track_future(async move {
            let mut socket = socket;
            let ending = serve(&state, address, &mut socket, seat).await;
            if let Some((code, word)) = ending {
                farewell(&mut socket, code, &word).await;
            }
        })
    }))
}

/// How a connection ends: the close code, and what is said before. `None`: the page is gone.
type Ending = Option<(u16, SegmentsWord)>;

/// Close codes, as on the signalling WebSocket.
mod code {
    pub(super) const RETRY_NOW: u16 = 1012;
    pub(super) const PROTOCOL: u16 = 4400;
    pub(super) const TOKEN_REFUSED: u16 = 4401;
    pub(super) const REVOKED: u16 = 4403;
    pub(super) const SILENT: u16 = 4408;
    /// The lesson has left the air; the signalling WebSocket says when it is on again.
    pub(super) const OFF_AIR: u16 = 4410;
}

async fn serve(state: &Parts, address: ClientAddress, socket: &mut WebSocket, seat: Seat) -> Ending {
    let first = timeout(SessionLimits::default().hello_within, socket.recv()).await;
    let Ok(Some(Ok(Message::Text(text)))) = first else {
        return Some((code::PROTOCOL, SegmentsWord::error(&ProblemCode::HelloFirst.into())));
    };
    drop(seat);
    let play = match serde_json::from_str(&text) {
        Ok(SegmentsRequest::Play(play)) => play,
        Ok(_) => return Some((code::PROTOCOL, SegmentsWord::error(&ProblemCode::HelloFirst.into()))),
        Err(_) => return Some((code::PROTOCOL, SegmentsWord::error(&ProblemCode::MessageMalformed.into()))),
    };
    let admitted = async {
        if state.is_draining() {
            return Err(Problem::from(ProblemCode::Draining));
        }
        let caller = auth::authenticate(state, address, &play.token).await?;
        caller.permit(state, play.lesson, domain::Action::Watch).map_err(|refused| refused.0)?;
        state.limits.sessions.take(state.clock.now(), address).map_err(Problem::from)?;
        let lesson = state.lessons.lesson(play.lesson)?;
        let link = caller.who.invitation();
        let shown = play.seat.as_deref().zip(link);
        let seat = shown.and_then(|(seat, link)| state.seats.open(seat, play.lesson, link));
        let watcher = lesson.watch(caller.who, seat).await?;
        // In the books first, then asked again: see `Caller::still_good`.
        let good = caller.still_good(state).await;
        Ok((lesson, watcher, good))
    };
    let (lesson, watcher, good) = match admitted.await {
        Ok(admitted) => admitted,
        Err(problem) => return Some((refusal_code(&problem), SegmentsWord::error(&problem))),
    };
    let peer = watcher.peer;
    let ending = match good {
        Ok(()) => {
            metrics::counter!("nhipcau_sessions_opened_total", "door" => "segments").increment(1);
            metrics::gauge!("nhipcau_segment_viewers").increment(1);
            let hub = state.hubs.of(play.lesson, &state.media);
            let ending = Show::new(state, Arc::clone(&hub), socket, watcher).run().await;
            linger(hub);
            metrics::gauge!("nhipcau_segment_viewers").decrement(1);
            ending
        }
        Err(problem) => Some((code::REVOKED, SegmentsWord::error(&problem))),
    };
    lesson.unwatch(peer).await;
    ending
}

fn refusal_code(problem: &Problem) -> u16 {
    match problem.status {
        401 | 403 => code::TOKEN_REFUSED,
        404 | 409 => code::OFF_AIR,
        _ => 1013,
    }
}

/// What the page knows of its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rung {
    Unsaid,
    Said(Option<Layer>),
}

/// One viewer's connection while it watches.
struct Show<'a> {
    state: &'a Parts,
    hub: Arc<Hub>,
    socket: &'a mut WebSocket,
    watcher: Watcher,
    viewer: Viewer,
    /// What the page shows; it gets of that what is not kept from it.
    wanted: [Option<Layer>; Slot::COUNT],
    changes: watch::Receiver<u64>,
    heard_at: Instant,
    /// The rung the page was told.
    told: Rung,
    /// How late the timeline was when the page was told its clock.
    told_late_us: Option<i64>,
}

impl<'a> Show<'a> {
    fn new(state: &'a Parts, hub: Arc<Hub>, socket: &'a mut WebSocket, watcher: Watcher) -> Self {
        let (viewer, changes) = (Viewer::new(hub.now()), hub.changes());
        let (wanted, heard_at) = ([Some(Layer::High); Slot::COUNT], Instant::now());
        let mut show = Self {
            state,
            hub,
            socket,
            watcher,
            viewer,
            wanted,
            changes,
            heard_at,
            told: Rung::Unsaid,
            told_late_us: None,
        };
        show.apply_wanted();
        show
    }

    async fn run(mut self) -> Ending {
        self.tell_rung().await?;
        let mut ping = interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.changes.mark_unchanged();
            self.tell_clock().await?;
            while let Some(send) = self.next() {
                self.deliver(&send).await?;
            }
            for (slot, layer) in self.viewer.take_wishes() {
                self.hub.wish(slot, layer);
            }
            self.tell_rung().await?;
            tokio::select! {
                Ok(()) = self.changes.changed() => {}
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => {
                        self.heard_at = Instant::now();
                        if let Some(ending) = self.received(&message) {
                            return Some(ending);
                        }
                    }
                    Some(Err(_)) | None => return None,
                },
                reason = self.watcher.ordered() => match reason {
                    Some(reason) => return Some(ended(reason)),
                    None => self.apply_wanted(),
                },
                () = self.state.drain.cancelled() => return Some(ended(CloseReason::Draining)),
                _ = ping.tick() => {
                    if self.heard_at.elapsed() > SILENT_MAX {
                        return Some((code::SILENT, SegmentsWord::closing(ClosingReason::Removed, true)));
                    }
                    self.write(Message::Ping(Bytes::new())).await?;
                }
            }
        }
    }

    fn next(&mut self) -> Option<Send> {
        let lesson = self.hub.look();
        self.viewer.poll(self.hub.now(), &lesson)
    }

    async fn deliver(&mut self, send: &Send) -> Option<()> {
        let bytes = frame(send);
        metrics::counter!("nhipcau_segment_sent_bytes_total").increment(bytes.len() as u64);
        self.write(Message::Binary(bytes)).await?;
        if let Send::Chunk { slot, layer, chunk } = send {
            let lesson = self.hub.look();
            let now = self.hub.now();
            self.viewer.sent(now, *slot, *layer, chunk, &lesson);
            self.watcher.note(Progress { at: self.state.clock.now(), rung: self.viewer.rung() });
        }
        Some(())
    }

    fn received(&mut self, message: &Message) -> Ending {
        let Message::Text(text) = message else { return None };
        match serde_json::from_str(text) {
            Ok(SegmentsRequest::Want(want)) => {
                self.wanted[want.slot.index()] = want.layer;
                self.apply_wanted();
                None
            }
            Ok(SegmentsRequest::Play(_)) => {
                Some((code::PROTOCOL, SegmentsWord::error(&ProblemCode::HelloTwice.into())))
            }
            Err(_) => Some((code::PROTOCOL, SegmentsWord::error(&ProblemCode::MessageMalformed.into()))),
        }
    }

    fn apply_wanted(&mut self) {
        let blocked = self.watcher.blocked();
        for slot in Slot::ALL {
            let wanted = self.wanted[slot.index()].filter(|_| !blocked[slot.index()]);
            self.viewer.set_wanted(slot, wanted);
        }
    }

    /// Says what the link is trusted with, when that has changed.
    async fn tell_rung(&mut self) -> Option<()> {
        let rung = self.viewer.rung();
        if self.told == Rung::Said(rung) {
            return Some(());
        }
        self.told = Rung::Said(rung);
        self.write(Message::Text(SegmentsWord::Rung { layer: rung }.to_json().into())).await
    }

    /// Says when the lesson's timeline is, at first and when that is known better: notes about what is shown carry the relay's clock,
    /// whatever buffers lie between.
    async fn tell_clock(&mut self) -> Option<()> {
        let late_us = self.hub.look().late_us();
        if self.told_late_us.is_some_and(|told| told.abs_diff(late_us) < CLOCK_STEP_US) {
            return Some(());
        }
        self.told_late_us = Some(late_us);
        let timeline = self.hub.now().as_micros().saturating_add_signed(late_us);
        self.write(Message::Text(SegmentsWord::Clock { timeline, at: Clock::wall() }.to_json().into())).await
    }

    async fn write(&mut self, message: Message) -> Option<()> {
        match timeout(SEND_PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Some(()),
            _ => None,
        }
    }
}

fn ended(reason: CloseReason) -> (u16, SegmentsWord) {
    match reason {
        CloseReason::Draining => (code::RETRY_NOW, SegmentsWord::closing(ClosingReason::Draining, true)),
        CloseReason::Revoked => (code::REVOKED, SegmentsWord::closing(ClosingReason::Revoked, false)),
        _ => (code::OFF_AIR, SegmentsWord::closing(ClosingReason::Removed, false)),
    }
}

async fn farewell(socket: &mut WebSocket, code: u16, word: &SegmentsWord) {
    let goodbye = async {
        socket.send(Message::Text(word.to_json().into())).await?;
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static("") };
        socket.send(Message::Close(Some(frame))).await?;
        while let Some(Ok(_)) = socket.recv().await {}
        Ok::<(), axum::Error>(())
    };
    // A page that does not answer in time has heard enough.
    let _ = timeout(CLOSE_PATIENCE, goodbye).await;
}

/// Kinds of binary messages.
const INIT: u8 = 0;
const CHUNK: u8 = 1;

/// A binary message: kind, slot, layer, flags (1: begins with a keyframe), media time in µs and the host's wall clock in ms (0: unknown) as
/// 64-bit numbers, big endian; then the chunk, or the length of the MIME type in two bytes, the type and the initialisation segment.
fn frame(send: &Send) -> Bytes {
    let (kind, slot, layer) = match send {
        Send::Init { slot, layer, .. } => (INIT, slot, layer),
        Send::Chunk { slot, layer, .. } => (CHUNK, slot, layer),
    };
    let mut bytes = BytesMut::new();
    bytes.put_slice(&[kind, slot.index() as u8, layer.index() as u8]);
    match send {
        Send::Init { init, .. } => {
            bytes.put_slice(&[0; 17]);
            bytes.put_u16(init.mime.len() as u16);
            bytes.put_slice(init.mime.as_bytes());
            bytes.put_slice(&init.bytes);
        }
        Send::Chunk { chunk, .. } => {
            bytes.put_u8(u8::from(chunk.is_start));
            bytes.put_u64(chunk.begin.0);
            bytes.put_u64(chunk.wall_ms.unwrap_or(0));
            bytes.put_slice(&chunk.bytes);
        }
    }
    bytes.freeze()
}

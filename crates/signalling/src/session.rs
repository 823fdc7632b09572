//! One page's WebSocket as a state machine: text and time go in, decisions come out.
//!
//! ```text
//!                 hello                accept
//! awaiting hello ───────▶ authenticating ──────▶ open
//!       │ 5 s, or another message │ refuse         │ protocol error, silence, close
//!       └─────────────────────────┴────────────────┴──────▶ closed
//! ```
//!
//! The caller owns socket, clock and database: it feeds [`Session::handle_text`] and
//! [`Session::handle_timeout`], drains [`Session::poll_output`] after each call, and wakes up at
//! [`Session::poll_timeout`]. Messages the server sends by itself (`lesson`, `media`, `roster` …) do not
//! pass through here; they may be written to the socket from the moment `welcome` left.

use crate::{
    ClientMessage, ClosingReason, Demand, ErrorMessage, Hello, PROTOCOL_VERSION, PageTerms, Problem,
    ProblemCode, Remote, ServerMessage, Welcome, act::reference, news::Ack,
};
use domain::{
    Action, LessonCommand, ParticipationCommand, RateLimit, Refusal, Role, Timestamp, TokenBucket,
    ViewerReport,
};
use serde::Deserialize;
use std::{collections::VecDeque, time::Duration};

/// What a WebSocket may cost us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// How soon `hello` must come.
    pub hello_within: Duration,
    /// Longest message, bytes.
    pub message_bytes_max: usize,
    /// Messages of an open session.
    pub messages: RateLimit,
    /// Mistakes (malformed, unknown, too many messages) before the session is closed.
    pub mistakes: RateLimit,
    /// How often the page is asked for a sign of life (a WebSocket ping, which browsers answer by themselves).
    pub ping_every: Duration,
    /// After how long without any sign of life the connection is given up.
    pub silent_max: Duration,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            hello_within: Duration::from_secs(5),
            message_bytes_max: 64 * 1024,
            // A page says one report in 5 s, one ping in a few seconds and up to five demands when its
            // layout changes: ten times that is a page gone wrong.
            messages: RateLimit { burst: 40, refill: Duration::from_millis(100) },
            mistakes: RateLimit { burst: 10, refill: Duration::from_secs(10) },
            ping_every: Duration::from_secs(4),
            // The host must learn of a vanished classroom within seconds. A mountain link that returns
            // later costs the page one reconnect of the WebSocket; its media goes on.
            silent_max: Duration::from_secs(12),
        }
    }
}

/// The name a page gave its message, if it wants to hear what became of it.
pub type Reference = Option<String>;

/// What the caller has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Look the token up, then call [`Session::accept`] or [`Session::refuse`].
    Authenticate(Hello),
    /// Send this message.
    Send(ServerMessage),
    /// Send a WebSocket ping frame.
    Ping,
    /// Give this command to the lesson. What became of it comes back by [`Session::done`].
    Command(LessonCommand, Reference),
    /// The same for a room's part in the lesson.
    Participate(ParticipationCommand, Reference),
    /// A room's screens should do something. Comes back by [`Session::done`].
    Remote(Remote, Reference),
    /// An observer said her name. Comes back by [`Session::done`].
    Name(String, Reference),
    /// A viewer shows a slot in another size.
    Demand(Demand),
    /// Apply them to the viewer's media session.
    Terms(PageTerms),
    /// A viewer's screen says how it is.
    Report(ViewerReport),
    /// Close the socket with this code. The last output.
    Close(CloseCode),
}

/// WebSocket close codes (RFC 6455 section 7.4; 4000 and above are ours).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum CloseCode {
    /// The server restarts; come back at once, with jitter.
    Draining = 1012,
    /// No room at the moment, or the page reads too slowly; come back later.
    TryAgainLater = 1013,
    /// The page broke the protocol.
    Protocol = 4400,
    /// The token was refused: do not try it again.
    Unauthorized = 4401,
    /// The link was revoked or the page removed: do not try it again.
    Revoked = 4403,
    /// No sign of life; come back.
    Silent = 4408,
    /// Another page of the same link took over: do not fight it.
    Replaced = 4409,
    /// The lesson was deleted.
    LessonDeleted = 4410,
}

impl CloseCode {
    /// The number on the wire.
    pub fn as_u16(self) -> u16 {
        self as u16
    }
}

impl ClosingReason {
    /// The close code that follows it.
    pub fn close_code(self) -> CloseCode {
        match self {
            ClosingReason::Draining => CloseCode::Draining,
            ClosingReason::Revoked | ClosingReason::Removed => CloseCode::Revoked,
            ClosingReason::Replaced => CloseCode::Replaced,
            ClosingReason::LessonDeleted => CloseCode::LessonDeleted,
        }
    }

    /// Whether the page should connect again by itself.
    pub fn retry(self) -> bool {
        self == ClosingReason::Draining
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    AwaitingHello { until: Timestamp },
    Authenticating,
    Open { role: Role },
    Closed,
}

/// One page's WebSocket.
#[derive(Debug)]
pub struct Session {
    limits: SessionLimits,
    state: State,
    messages: TokenBucket,
    mistakes: TokenBucket,
    heard_at: Timestamp,
    pinged_at: Timestamp,
    /// At most a few per call; the caller drains it after each.
    outputs: VecDeque<Output>,
}

impl Session {
    /// A WebSocket that was opened at `now`.
    pub fn new(now: Timestamp, limits: SessionLimits) -> Self {
        Self {
            limits,
            state: State::AwaitingHello { until: now + limits.hello_within },
            messages: TokenBucket::default(),
            mistakes: TokenBucket::default(),
            heard_at: now,
            pinged_at: now,
            outputs: VecDeque::new(),
        }
    }

    /// A text message arrived.
    pub fn handle_text(&mut self, now: Timestamp, text: &str) {
        if self.state == State::Closed {
            return;
        }
        self.heard_at = now;
        if text.len() > self.limits.message_bytes_max {
            self.fail(Problem::new(ProblemCode::TooLarge), CloseCode::Protocol);
            return;
        }
        if self.messages.take(now, self.limits.messages).is_err() {
            self.mistake(now, Problem::new(ProblemCode::MessageTooOften));
            return;
        }
        let Incoming { reference, message } = read(text);
        match (self.state, message) {
            (State::AwaitingHello { .. }, Ok(ClientMessage::Hello(hello))) => {
                if hello.v == PROTOCOL_VERSION {
                    self.state = State::Authenticating;
                    self.outputs.push_back(Output::Authenticate(hello));
                } else {
                    self.fail(Problem::new(ProblemCode::VersionUnsupported), CloseCode::Protocol);
                }
            }
            (State::AwaitingHello { .. }, Ok(_)) => {
                self.fail(Problem::new(ProblemCode::HelloFirst), CloseCode::Protocol);
            }
            (State::AwaitingHello { .. }, Err(problem)) => self.fail(problem, CloseCode::Protocol),
            (_, Err(problem)) => self.mistake_in(now, problem, reference),
            (State::Authenticating | State::Open { .. }, Ok(ClientMessage::Hello(_))) => {
                self.mistake(now, Problem::new(ProblemCode::HelloTwice));
            }
            (State::Authenticating, Ok(_)) => self.mistake(now, Problem::new(ProblemCode::HelloFirst)),
            (State::Open { role }, Ok(message)) => self.handle_message(role, message, reference),
            (State::Closed, Ok(_)) => {}
        }
    }

    /// A binary message arrived; the protocol has none.
    pub fn handle_binary(&mut self, now: Timestamp) {
        if self.state != State::Closed {
            self.heard_at = now;
            let problem = Problem::new(ProblemCode::MessageMalformed).because("binary message");
            self.mistake(now, problem);
        }
    }

    /// A WebSocket pong (or ping) frame arrived: the page lives.
    pub fn handle_pong(&mut self, now: Timestamp) {
        self.heard_at = now;
    }

    /// The token was good. Sends `welcome`; the session is open.
    pub fn accept(&mut self, welcome: Welcome) {
        if self.state == State::Authenticating {
            self.state = State::Open { role: welcome.role };
            self.outputs.push_back(Output::Send(ServerMessage::Welcome(welcome)));
        }
    }

    /// The page cannot be let in. Says why and closes, with a code that tells it whether to come back.
    pub fn refuse(&mut self, problem: Problem) {
        let close = match problem.code {
            ProblemCode::Draining => CloseCode::Draining,
            ProblemCode::LessonFull
            | ProblemCode::RateLimited
            | ProblemCode::StorageFull
            | ProblemCode::Internal => CloseCode::TryAgainLater,
            _ => CloseCode::Unauthorized,
        };
        self.fail(problem, close);
    }

    /// A command, demand or report of the page could not be carried out; the session goes on.
    pub fn reject(&mut self, problem: Problem) {
        self.done(Err(problem), None);
    }

    /// What became of a message: an `ack` if it had a name, an `error` if it was refused.
    pub fn done(&mut self, outcome: Result<(), Problem>, reference: Reference) {
        if self.state == State::Closed {
            return;
        }
        let answer = match (outcome, reference) {
            (Ok(()), None) => return,
            (Ok(()), Some(reference)) => ServerMessage::Ack(Ack { reference }),
            (Err(problem), reference) => refused(problem, reference),
        };
        self.outputs.push_back(Output::Send(answer));
    }

    /// The server ends the session.
    pub fn close(&mut self, reason: ClosingReason) {
        if self.state != State::Closed {
            let retry = reason.retry();
            self.outputs.push_back(Output::Send(ServerMessage::Closing { reason, retry }));
            self.shut(reason.close_code());
        }
    }

    /// The page reads too slowly: its queue of messages is full. Nothing more is sent.
    pub fn close_slow(&mut self) {
        if self.state != State::Closed {
            self.shut(CloseCode::TryAgainLater);
        }
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Timestamp) {
        match self.state {
            State::AwaitingHello { until } if now >= until => {
                let problem = Problem::new(ProblemCode::HelloFirst).because("no hello in time");
                self.fail(problem, CloseCode::Protocol);
            }
            State::Authenticating | State::Open { .. } => {
                if now >= self.heard_at + self.limits.silent_max {
                    self.shut(CloseCode::Silent);
                } else if now >= self.next_ping() {
                    self.pinged_at = now;
                    self.outputs.push_back(Output::Ping);
                }
            }
            State::AwaitingHello { .. } | State::Closed => {}
        }
    }

    /// When [`Session::handle_timeout`] wants to be called; `None` once closed.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        match self.state {
            State::AwaitingHello { until } => Some(until),
            State::Authenticating | State::Open { .. } => {
                Some(self.next_ping().min(self.heard_at + self.limits.silent_max))
            }
            State::Closed => None,
        }
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether the session is over; outputs may still be waiting.
    pub fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    fn handle_message(&mut self, role: Role, message: ClientMessage, reference: Reference) {
        // The lesson judges again, with scope, state and moment; asking here spares it the traffic of
        // pages that never may.
        let refuse = |this: &mut Self, reference| {
            this.done(Err(Refusal::Forbidden { role }.into()), reference);
        };
        if let Some(command) = message.lesson_command() {
            if role.may(command.action()) {
                self.outputs.push_back(Output::Command(command, reference));
            } else {
                refuse(self, reference);
            }
            return;
        }
        if let Some(command) = message.participation_command() {
            if role.may(command.action_of(role)) {
                self.outputs.push_back(Output::Participate(command, reference));
            } else {
                refuse(self, reference);
            }
            return;
        }
        match message {
            ClientMessage::Demand(demand) => self.outputs.push_back(Output::Demand(demand)),
            ClientMessage::Terms(terms) => self.outputs.push_back(Output::Terms(terms)),
            ClientMessage::Report(report) if matches!(role, Role::Place | Role::Observer | Role::Helper) => {
                self.outputs.push_back(Output::Report(report.into()));
            }
            ClientMessage::Remote(remote) if role.may(Action::Remote) => {
                self.outputs.push_back(Output::Remote(remote, reference));
            }
            ClientMessage::Name(name) if role == Role::Observer => {
                self.outputs.push_back(Output::Name(name.name, reference));
            }
            ClientMessage::Report(_) | ClientMessage::Remote(_) | ClientMessage::Name(_) => {
                refuse(self, reference);
            }
            ClientMessage::Ping { t } => self.outputs.push_back(Output::Send(ServerMessage::Pong { t })),
            // A hello was answered before; everything else was a command.
            _ => {}
        }
    }

    /// Answers a mistake; too many of them close the session.
    fn mistake(&mut self, now: Timestamp, problem: Problem) {
        self.mistake_in(now, problem, None);
    }

    fn mistake_in(&mut self, now: Timestamp, problem: Problem, reference: Reference) {
        if self.mistakes.take(now, self.limits.mistakes).is_ok() {
            self.done(Err(problem), reference);
        } else {
            self.fail(problem, CloseCode::Protocol);
        }
    }

    fn fail(&mut self, problem: Problem, close: CloseCode) {
        if self.state != State::Closed {
            self.outputs.push_back(Output::Send(problem.into()));
            self.shut(close);
        }
    }

    fn shut(&mut self, code: CloseCode) {
        self.state = State::Closed;
        self.outputs.push_back(Output::Close(code));
    }

    fn next_ping(&self) -> Timestamp {
        self.heard_at.max(self.pinged_at) + self.limits.ping_every
    }
}

impl From<Problem> for ServerMessage {
    fn from(problem: Problem) -> Self {
        refused(problem, None)
    }
}

fn refused(problem: Problem, reference: Reference) -> ServerMessage {
    let Problem { code, detail_vi, detail, .. } = problem;
    ServerMessage::Error(ErrorMessage { code, detail_vi, detail, reference })
}

/// Reads one message.
///
/// # Errors
/// `message_unknown` for a `type` we do not have, `message_malformed` for everything else.
pub fn parse(text: &str) -> Result<ClientMessage, Problem> {
    read(text).message
}

/// One message as it came.
struct Incoming {
    /// Chosen by the page; comes back in `ack` or `error`, and also with a refusal where it could be read.
    reference: Reference,
    message: Result<ClientMessage, Problem>,
}

fn read(text: &str) -> Incoming {
    #[derive(Deserialize, Default)]
    struct Envelope {
        #[serde(rename = "type", default)]
        kind: Option<String>,
        #[serde(rename = "ref", default, deserialize_with = "reference")]
        reference: Reference,
    }
    let Envelope { kind, reference } = serde_json::from_str(text).unwrap_or_default();
    let refused = |error| match kind {
        Some(kind) if !ClientMessage::TYPES.contains(&kind.as_str()) => {
            Problem::new(ProblemCode::MessageUnknown).because(format_args!("type {kind:?}"))
        }
        _ => Problem::new(ProblemCode::MessageMalformed).because(error),
    };
    Incoming { reference, message: serde_json::from_str(text).map_err(refused) }
}

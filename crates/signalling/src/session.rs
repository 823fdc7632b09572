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
    ClientMessage, ClosingReason, Demand, ErrorMessage, Hello, PROTOCOL_VERSION, Problem, ProblemCode,
    ServerMessage, Welcome,
};
use domain::{LessonCommand, RateLimit, Refusal, Role, Timestamp, TokenBucket, ViewerReport};
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

/// What the caller has to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Look the token up, then call [`Session::accept`] or [`Session::refuse`].
    Authenticate(Hello),
    /// Send this message.
    Send(ServerMessage),
    /// Send a WebSocket ping frame.
    Ping,
    /// Give this command to the lesson; a refusal comes back by [`Session::reject`].
    Command(LessonCommand),
    /// A viewer shows a slot in another size.
    Demand(Demand),
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
        let message = parse(text);
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
            (_, Err(problem)) => self.mistake(now, problem),
            (State::Authenticating | State::Open { .. }, Ok(ClientMessage::Hello(_))) => {
                self.mistake(now, Problem::new(ProblemCode::HelloTwice));
            }
            (State::Authenticating, Ok(_)) => self.mistake(now, Problem::new(ProblemCode::HelloFirst)),
            (State::Open { role }, Ok(message)) => self.handle_message(role, message),
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
        if self.state != State::Closed {
            self.outputs.push_back(Output::Send(problem.into()));
        }
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

    fn handle_message(&mut self, role: Role, message: ClientMessage) {
        if let Some(command) = message.lesson_command() {
            // The lesson judges again, with scope and state; asking here spares it the traffic of
            // pages that never may.
            if matches!(role, Role::Host | Role::Organiser) {
                self.outputs.push_back(Output::Command(command));
            } else {
                self.reject(Refusal::Forbidden { role }.into());
            }
            return;
        }
        match message {
            ClientMessage::Demand(demand) => self.outputs.push_back(Output::Demand(demand)),
            ClientMessage::Report(report) if matches!(role, Role::Place | Role::Observer) => {
                self.outputs.push_back(Output::Report(report.into()));
            }
            ClientMessage::Report(_) => self.reject(Refusal::Forbidden { role }.into()),
            ClientMessage::Ping { t } => self.outputs.push_back(Output::Send(ServerMessage::Pong { t })),
            ClientMessage::Hello(_)
            | ClientMessage::LessonTest
            | ClientMessage::LessonStart
            | ClientMessage::LessonEnd => {}
        }
    }

    /// Answers a mistake; too many of them close the session.
    fn mistake(&mut self, now: Timestamp, problem: Problem) {
        if self.mistakes.take(now, self.limits.mistakes).is_ok() {
            self.reject(problem);
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
        let Problem { code, detail_vi, detail, .. } = problem;
        ServerMessage::Error(ErrorMessage { code, detail_vi, detail })
    }
}

/// Reads one message.
///
/// # Errors
/// `message_unknown` for a `type` we do not have, `message_malformed` for everything else.
pub fn parse(text: &str) -> Result<ClientMessage, Problem> {
    #[derive(Deserialize)]
    struct Envelope {
        #[serde(rename = "type")]
        kind: String,
    }
    serde_json::from_str(text).map_err(|error| match serde_json::from_str::<Envelope>(text) {
        Ok(Envelope { kind }) if !ClientMessage::TYPES.contains(&kind.as_str()) => {
            Problem::new(ProblemCode::MessageUnknown).because(format_args!("type {kind:?}"))
        }
        _ => Problem::new(ProblemCode::MessageMalformed).because(error),
    })
}

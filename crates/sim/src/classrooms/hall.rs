//! A thread with many classrooms: one socket each, read in batches (GRO), one clock tick for all.

use super::{
    classroom::Classroom,
    reception::Counts,
    summary::Record,
    wire::{Line, Wire},
};
use crate::batch::Memory;
use domain::Timestamp;
use mio::{Events, Poll, Token, Waker};
use std::{
    io,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How often classrooms look at their clocks: NACK and DTLS timers need no finer one.
const TICK: Duration = Duration::from_millis(10);
const WAKER: Token = Token(usize::MAX);

/// A handle to a thread of classrooms.
pub struct Hall {
    doors: mpsc::Sender<Command>,
    waker: Arc<Waker>,
    thread: JoinHandle<io::Result<Vec<Record>>>,
}

enum Command {
    Enter(Line, Box<Classroom>),
    Look(mpsc::Sender<Glance>),
    Close,
}

/// What a look at classrooms shows while they watch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Glance {
    /// Classrooms that are connected.
    pub connected: usize,
    /// Classrooms that have had picture and sound.
    pub watching: usize,
    /// All their streams together.
    pub counts: Counts,
}

impl std::ops::AddAssign for Glance {
    fn add_assign(&mut self, other: Self) {
        self.connected += other.connected;
        self.watching += other.watching;
        self.counts += other.counts;
    }
}

struct Seat {
    wire: Wire,
    classroom: Classroom,
}

impl Hall {
    /// Starts a thread; `epoch` is the instant that is [`Timestamp::ZERO`] for its classrooms. With `gro` its sockets take a
    /// sender's bursts as one piece.
    ///
    /// # Errors
    /// When the system gives no poll or thread.
    pub fn open(name: &str, epoch: Instant, gro: bool) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        // Unbounded, but it never holds more than the classrooms of the run and one command to end it.
        let (doors, commands) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || sit(poll, &commands, epoch, gro))?;
        Ok(Self { doors, waker, thread })
    }

    /// Seats a classroom whose peer has its answer.
    ///
    /// # Errors
    /// When the thread has ended.
    pub fn enter(&self, line: Line, classroom: Classroom) -> io::Result<()> {
        self.doors.send(Command::Enter(line, Box::new(classroom))).map_err(|_| io::ErrorKind::BrokenPipe)?;
        self.waker.wake()
    }

    /// Looks at the classrooms without disturbing them.
    ///
    /// # Errors
    /// When the thread has ended.
    pub fn look(&self) -> io::Result<Glance> {
        let (answer, look) = mpsc::channel();
        self.doors.send(Command::Look(answer)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        self.waker.wake()?;
        look.recv().map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// All classrooms leave; waits for the thread and hands out their records.
    ///
    /// # Errors
    /// When the thread broke down.
    pub fn close(self) -> io::Result<Vec<Record>> {
        // A thread that has ended on its own tells why below.
        let _ = self.doors.send(Command::Close);
        self.waker.wake()?;
        self.thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread of classrooms panicked")))
    }
}

fn sit(
    mut poll: Poll,
    commands: &mpsc::Receiver<Command>,
    epoch: Instant,
    gro: bool,
) -> io::Result<Vec<Record>> {
    let clock = || Timestamp::from_micros(epoch.elapsed().as_micros() as u64);
    let mut events = Events::with_capacity(1_024);
    let mut seats: Vec<Seat> = Vec::new();
    let mut memory = Memory::new();
    let mut next_tick = Instant::now();
    loop {
        let timeout = next_tick.saturating_duration_since(Instant::now());
        if let Err(error) = poll.poll(&mut events, Some(timeout))
            && error.kind() != io::ErrorKind::Interrupted
        {
            return Err(error);
        }
        for event in &events {
            if let Some(seat) = seats.get_mut(event.token().0) {
                let Seat { wire, classroom } = seat;
                wire.drain(&mut memory, |from, datagram, send| {
                    classroom.datagram(clock(), from, datagram, send);
                });
            }
        }
        for command in commands.try_iter() {
            match command {
                Command::Enter(line, classroom) => {
                    let mut wire = Wire::open(line, gro, poll.registry(), Token(seats.len()))?;
                    let mut classroom = *classroom;
                    classroom.tick(clock(), |to, bytes| wire.send(to, bytes));
                    seats.push(Seat { wire, classroom });
                }
                Command::Look(answer) => {
                    let mut all = Glance::default();
                    for seat in &seats {
                        all += seat.classroom.glance();
                    }
                    // Whoever asked may have given up waiting.
                    let _ = answer.send(all);
                }
                Command::Close => {
                    return Ok(seats
                        .into_iter()
                        .map(|Seat { mut wire, classroom }| {
                            classroom.leave(clock(), |to, bytes| wire.send(to, bytes))
                        })
                        .collect());
                }
            }
        }
        if next_tick <= Instant::now() {
            next_tick = Instant::now() + TICK;
            for Seat { wire, classroom } in &mut seats {
                classroom.tick(clock(), |to, bytes| wire.send(to, bytes));
            }
        }
    }
}

//! One direction of a link under a clock given from outside: every packet is told when it arrives, or why it does not.

use super::profile::Shape;
use domain::Timestamp;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::time::Duration;

/// What becomes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It comes out at this time.
    Arrives(Timestamp),
    /// It does not come out.
    Lost(Lost),
}

/// Why a packet is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Chance, alone or in a burst.
    Chance,
    /// It would have waited longer than the queue is.
    QueueFull,
    /// Nothing passes at this time.
    Outage,
}

/// Why a stream may not send now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotNow {
    /// Others are before it; ask again at this time.
    Until(Timestamp),
    /// Nothing passes, and nobody says for how long: whoever sends into it learns of the end by trying.
    Outage,
}

/// What a direction has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct PipeStats {
    /// Packets that arrive.
    pub packets: u64,
    /// Bytes that arrive.
    pub bytes: u64,
    /// Of those, bytes of streams.
    pub stream_bytes: u64,
    /// Packets lost by chance.
    pub lost_by_chance: u64,
    /// Packets lost at a full queue.
    pub lost_at_queue: u64,
    /// Bytes of those.
    pub bytes_lost_at_queue: u64,
    /// Packets lost in an outage.
    pub lost_in_outage: u64,
}

/// One direction of a link.
#[derive(Debug)]
pub struct Pipe {
    shape: Shape,
    random: StdRng,
    /// Outages count from here.
    shaped_at: Timestamp,
    /// The line is busy with earlier packets until then.
    busy_until: Timestamp,
    last_arrival: Timestamp,
    in_burst: bool,
    stats: PipeStats,
}

impl Pipe {
    /// A direction that begins at [`Timestamp::ZERO`]; the same seed and packets give the same fates.
    pub fn new(shape: Shape, seed: u64) -> Self {
        Self {
            shape,
            random: StdRng::seed_from_u64(seed),
            shaped_at: Timestamp::ZERO,
            busy_until: Timestamp::ZERO,
            last_arrival: Timestamp::ZERO,
            in_burst: false,
            stats: PipeStats::default(),
        }
    }

    /// Another shape from `now` on; packets that were told their time keep it.
    pub fn change(&mut self, now: Timestamp, shape: Shape) {
        self.shape = shape;
        self.shaped_at = now;
        self.in_burst = false;
    }

    /// What has been carried and lost so far.
    pub fn stats(&self) -> PipeStats {
        self.stats
    }

    /// How long a packet that came now would wait for its turn.
    pub fn backlog(&self, now: Timestamp) -> Duration {
        self.busy_until.saturating_since(now)
    }

    /// Decides about a datagram of `len` bytes (with its headers) that enters at `now`.
    pub fn datagram(&mut self, now: Timestamp, len: usize) -> Fate {
        let fate = if self.outage_ends(now).is_some() {
            Fate::Lost(Lost::Outage)
        } else if self.shape.rate.is_some() && self.backlog(now) > self.shape.queue {
            Fate::Lost(Lost::QueueFull)
        } else {
            // A packet that the air loses was sent all the same: it takes its time on the line.
            let sent = self.occupy(now, len);
            if self.is_lost_by_chance() {
                Fate::Lost(Lost::Chance)
            } else {
                Fate::Arrives(self.arrival(sent))
            }
        };
        match fate {
            Fate::Arrives(_) => {
                self.stats.packets += 1;
                self.stats.bytes += len as u64;
            }
            Fate::Lost(Lost::Chance) => self.stats.lost_by_chance += 1,
            Fate::Lost(Lost::QueueFull) => {
                self.stats.lost_at_queue += 1;
                self.stats.bytes_lost_at_queue += len as u64;
            }
            Fate::Lost(Lost::Outage) => self.stats.lost_in_outage += 1,
        }
        fate
    }

    /// Whether a stream may hand in another segment.
    ///
    /// A stream leaves a quarter of the queue to others, as a TCP whose window has settled does.
    ///
    /// # Errors
    /// Why not now.
    pub fn stream_may_send(&self, now: Timestamp) -> Result<(), NotNow> {
        if self.outage_ends(now).is_some() {
            return Err(NotNow::Outage);
        }
        let allowed = self.shape.queue.mul_f64(0.75);
        let backlog = self.backlog(now);
        match backlog.checked_sub(allowed) {
            Some(wait) if self.shape.rate.is_some() && !wait.is_zero() => Err(NotNow::Until(now + wait)),
            _ => Ok(()),
        }
    }

    /// When a segment of a stream, `len` bytes, comes out. What is lost comes a round trip later; what is behind it in the same stream
    /// waits for it, which is for the stream to keep. Others on the line do not.
    pub fn segment(&mut self, now: Timestamp, len: usize) -> Timestamp {
        let mut sent = self.occupy(now, len);
        let mut again = Duration::ZERO;
        // Ends with certainty unless everything is lost, which a stream would not survive either.
        for _ in 0..8 {
            if !self.is_lost_by_chance() {
                break;
            }
            self.stats.lost_by_chance += 1;
            sent = self.occupy(now, len);
            again += self.shape.delay * 2;
        }
        self.stats.packets += 1;
        self.stats.bytes += len as u64;
        self.stats.stream_bytes += len as u64;
        sent + again + self.swing()
    }

    /// When the last bit of a packet that enters at `now` has left.
    fn occupy(&mut self, now: Timestamp, len: usize) -> Timestamp {
        let Some(rate) = self.shape.rate else { return now };
        let begins = self.busy_until.max(now);
        let micros = len as u64 * 8_000_000 / rate.as_bps().max(1);
        self.busy_until = begins + Duration::from_micros(micros);
        self.busy_until
    }

    fn arrival(&mut self, sent: Timestamp) -> Timestamp {
        self.last_arrival = self.last_arrival.max(sent + self.swing());
        self.last_arrival
    }

    /// The way from end to end, this time.
    fn swing(&mut self) -> Duration {
        let jitter = self.shape.jitter.as_secs_f64();
        let swing = if jitter > 0.0 { self.random.random_range(-jitter..=jitter) } else { 0.0 };
        Duration::from_secs_f64((self.shape.delay.as_secs_f64() + swing).max(0.0))
    }

    fn is_lost_by_chance(&mut self) -> bool {
        if let Some(burst) = self.shape.burst {
            let ends = 1.0 / burst.mean_packets.max(1.0);
            let turn = if self.in_burst { ends } else { burst.chance };
            if self.random.random_bool(turn.clamp(0.0, 1.0)) {
                self.in_burst = !self.in_burst;
            }
        }
        let alone = self.random.random_bool(self.shape.loss.clamp(0.0, 1.0));
        self.in_burst || alone
    }

    /// The end of the outage that covers `now`.
    fn outage_ends(&self, now: Timestamp) -> Option<Timestamp> {
        let since = now.saturating_since(self.shaped_at);
        self.shape
            .outages
            .iter()
            .filter_map(|outage| {
                let into = since.checked_sub(outage.first_at)?;
                let into = match outage.every {
                    Some(every) if !every.is_zero() => {
                        Duration::from_nanos((into.as_nanos() % every.as_nanos()) as u64)
                    }
                    _ => into,
                };
                let left = outage.lasts.checked_sub(into)?;
                (!left.is_zero()).then(|| now + left)
            })
            .max()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::profile::*, *};
    use domain::Bitrate;

    fn ms(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn megabit() -> Shape {
        Shape { rate: Some(Bitrate::from_kbps(1_000)), queue: Duration::from_millis(100), ..Shape::perfect() }
    }

    #[test]
    fn a_megabit_line_lets_a_kilobyte_and_a_quarter_out_every_ten_milliseconds() {
        let mut pipe = Pipe::new(megabit(), 1);
        let out: Vec<_> = (0..5).map(|_| pipe.datagram(ms(0), 1_250)).collect();
        assert_eq!(out, [10, 20, 30, 40, 50].map(|at| Fate::Arrives(ms(at))));
    }

    #[test]
    fn a_full_queue_drops_and_never_delays_beyond_its_length() {
        let mut pipe = Pipe::new(megabit(), 1);
        let fates: Vec<_> = (0..30).map(|_| pipe.datagram(ms(0), 1_250)).collect();
        let latest = fates.iter().filter_map(|fate| match fate {
            Fate::Arrives(at) => Some(*at),
            Fate::Lost(_) => None,
        });
        assert_eq!(latest.max(), Some(ms(110)));
        assert_eq!(fates[29], Fate::Lost(Lost::QueueFull));
        assert_eq!(
            pipe.stats(),
            PipeStats {
                packets: 11,
                bytes: 13_750,
                lost_at_queue: 19,
                bytes_lost_at_queue: 23_750,
                ..PipeStats::default()
            }
        );
    }

    #[test]
    fn the_same_seed_loses_the_same_packets_and_about_as_many_as_promised() {
        let fates = |seed| {
            let mut pipe = Pipe::new(profile("P3").unwrap().down, seed);
            (0..20_000).map(|n| pipe.datagram(ms(n * 50), 100)).collect::<Vec<_>>()
        };
        let first = fates(7);
        assert_eq!(first, fates(7));
        assert_ne!(first, fates(8));
        let lost = first.iter().filter(|fate| **fate == Fate::Lost(Lost::Chance)).count();
        assert!((1_450..1_750).contains(&lost), "{lost}");
    }

    #[test]
    fn bursts_are_as_long_as_wanted() {
        let burst = Some(Burst { chance: 0.01, mean_packets: 6.0 });
        let mut pipe = Pipe::new(Shape { burst, ..Shape::perfect() }, 3);
        let lost: Vec<_> =
            (0..100_000).map(|n| pipe.datagram(ms(n), 100) == Fate::Lost(Lost::Chance)).collect();
        let bursts = lost.windows(2).filter(|pair| !pair[0] && pair[1]).count();
        let mean = lost.iter().filter(|lost| **lost).count() as f64 / bursts as f64;
        assert!((5.5..6.5).contains(&mean), "{mean}");
    }

    #[test]
    fn jitter_moves_arrivals_but_keeps_their_order() {
        let mut pipe = Pipe::new(
            Shape {
                delay: Duration::from_millis(125),
                jitter: Duration::from_millis(75),
                ..Shape::perfect()
            },
            5,
        );
        let delays: Vec<_> = (0..2_000)
            .map(|n| match pipe.datagram(ms(n * 20), 100) {
                Fate::Arrives(at) => at.saturating_since(ms(n * 20)).as_millis(),
                Fate::Lost(lost) => panic!("{lost:?}"),
            })
            .collect();
        assert!(delays.iter().all(|delay| (50..=200).contains(delay)));
        assert!(delays.iter().max() > Some(&180) && delays.iter().min() < Some(&75));
    }

    #[test]
    fn an_outage_comes_when_it_was_promised_and_again() {
        let mut pipe = Pipe::new(profile("P4").unwrap().down, 9);
        let mut out = |second: u64| pipe.datagram(ms(second * 1_000), 100) == Fate::Lost(Lost::Outage);
        let dark: Vec<_> = (0..1_300).filter(|&second| out(second)).collect();
        let expected: Vec<_> =
            (300..320).chain(600..620).chain(720..900).chain(900..920).chain(1_200..1_220).collect();
        assert_eq!(dark, expected);
    }

    #[test]
    fn a_link_that_gets_better_is_better_at_once() {
        let mut pipe = Pipe::new(megabit(), 1);
        assert_eq!(pipe.datagram(ms(0), 1_250), Fate::Arrives(ms(10)));
        pipe.change(ms(20), Shape::perfect());
        assert_eq!(pipe.datagram(ms(20), 1_250), Fate::Arrives(ms(20)));
    }

    #[test]
    fn a_stream_loses_nothing_but_time() {
        let shape = Shape { loss: 0.2, delay: Duration::from_millis(20), ..megabit() };
        let mut pipe = Pipe::new(shape, 2);
        let (mut now, mut last) = (ms(0), ms(0));
        for _ in 0..1_000 {
            while let Err(NotNow::Until(later)) = pipe.stream_may_send(now) {
                now = later;
            }
            last = last.max(pipe.segment(now, 1_250));
        }
        // A quarter more bits for what was lost, and the pauses.
        assert!(last > ms(12_000) && last < ms(40_000), "{last:?}");
        assert!(pipe.stats().lost_by_chance > 150);
        assert_eq!(pipe.stats().stream_bytes, 1_250_000);
    }

    #[test]
    fn what_a_stream_sends_again_does_not_hold_up_the_packets_of_others() {
        let shape = Shape { loss: 1.0, delay: Duration::from_millis(100), ..megabit() };
        let mut pipe = Pipe::new(shape, 2);
        let late = pipe.segment(ms(0), 125);
        pipe.change(ms(0), Shape { delay: Duration::from_millis(100), ..megabit() });
        let Fate::Arrives(at) = pipe.datagram(ms(0), 125) else { panic!("it is lost") };
        assert!(late >= ms(1_700), "{late:?}");
        assert!(at <= ms(120), "{at:?}");
    }
}

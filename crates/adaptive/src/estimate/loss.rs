//! Splits loss into what the air loses anyway (*inherent*) and what a full queue drops (*congestion*).
//!
//! The idea of GCC's second loss controller, in its simplest form: what is lost while no queue stands is the link's nature, and only
//! what comes on top of that speaks against the rate. A link that drops without ever queueing (a policer) shows as loss that
//! came with a higher rate; there the estimator lowers the rate once and looks whether the loss goes with it.

/// Packets judged together, at least.
const PACKETS_MIN: u32 = 20;
/// Loss beyond the inherent that chance does not explain begins here.
const EXCESS_MIN: f64 = 0.08;
/// This much at once needs no second sample.
const EXCESS_HEAVY: f64 = 0.35;

/// What a sample of packets says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LossVerdict {
    /// Too few packets, or nothing unusual.
    Usual,
    /// More is lost than this link loses by nature.
    Excess,
}

/// See the module's description.
#[derive(Debug, Clone, Default)]
pub(crate) struct LossSplit {
    packets: u32,
    lost: u32,
    inherent: Option<f64>,
    smooth: f64,
    latest: f64,
    excesses: u32,
    run: Run,
}

/// Lengths of runs of lost packets.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    under_way: u32,
    mean: f64,
}

impl LossSplit {
    /// One packet, in the order of sending.
    pub(crate) fn on_packet(&mut self, arrived: bool) {
        self.packets += 1;
        if arrived {
            if self.run.under_way > 0 {
                let length = f64::from(self.run.under_way.min(50));
                self.run.mean +=
                    (length - self.run.mean.max(1.0)) * 0.1 + (self.run.mean.max(1.0) - self.run.mean);
                self.run.under_way = 0;
            }
        } else {
            self.lost += 1;
            self.run.under_way += 1;
        }
    }

    /// Judges what has been collected, once it is enough. `queues`: a queue stands, so that loss is no nature.
    pub(crate) fn judge(&mut self, queues: bool) -> LossVerdict {
        if self.packets < PACKETS_MIN {
            return LossVerdict::Usual;
        }
        let packets = f64::from(self.packets);
        let loss = f64::from(self.lost) / packets;
        (self.packets, self.lost) = (0, 0);
        self.latest = loss;
        self.smooth += (loss - self.smooth) * 0.2;
        let known = self.inherent;
        if !queues {
            // Quickly down, slowly up: one bad moment is not the link's nature.
            self.inherent = Some(known.map_or(loss.min(0.3), |known| {
                known + (loss - known) * if loss < known { 0.2 } else { 0.08 }
            }));
        }
        let Some(known) = known else { return LossVerdict::Usual };
        let chance = 2.0 * (known.max(0.01) * (1.0 - known) / packets).sqrt();
        let excess = loss - known - chance;
        self.excesses = if excess > EXCESS_MIN { self.excesses + 1 } else { 0 };
        if self.excesses >= 2 || excess > EXCESS_HEAVY { LossVerdict::Excess } else { LossVerdict::Usual }
    }

    /// The rate has just been lowered: what was lost before it says nothing any more.
    pub(crate) fn restart(&mut self) {
        (self.packets, self.lost, self.excesses) = (0, 0, 0);
    }

    /// The loss did not go with the rate: it is the link's nature.
    pub(crate) fn accept(&mut self) {
        self.inherent = Some(self.latest.max(self.inherent.unwrap_or(0.0)).min(0.6));
        self.excesses = 0;
    }

    /// Share lost in the last sample.
    pub(crate) fn latest(&self) -> f64 {
        self.latest
    }

    /// Share lost lately, smoothed.
    pub(crate) fn smooth(&self) -> f64 {
        self.smooth
    }

    /// Share this link loses by nature; 0 while unknown.
    pub(crate) fn inherent(&self) -> f64 {
        self.inherent.unwrap_or(0.0)
    }

    /// Packets lost in a row, mean; 0 before any was lost.
    pub(crate) fn run_length(&self) -> f64 {
        self.run.mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `samples` of 50 packets, of which so many are lost.
    fn feed(split: &mut LossSplit, samples: u32, lost_of_50: u32, queues: bool) -> Vec<LossVerdict> {
        (0..samples)
            .map(|_| {
                for packet in 0..50 {
                    split.on_packet(packet * lost_of_50 % 50 >= lost_of_50);
                }
                split.judge(queues)
            })
            .collect()
    }

    #[test]
    fn a_link_that_always_loses_a_fifth_is_not_overfull() {
        let mut split = LossSplit::default();
        assert!(feed(&mut split, 20, 10, false).iter().all(|verdict| *verdict == LossVerdict::Usual));
        assert!((split.inherent() - 0.2).abs() < 0.05, "{}", split.inherent());
    }

    #[test]
    fn loss_that_comes_with_a_queue_is_congestion() {
        let mut split = LossSplit::default();
        feed(&mut split, 10, 1, false);
        let verdicts = feed(&mut split, 3, 15, true);
        assert_eq!(verdicts[1], LossVerdict::Excess);
        assert!(split.inherent() < 0.05, "{}", split.inherent());
    }

    #[test]
    fn one_unlucky_moment_is_not_an_overfull_link() {
        let mut split = LossSplit::default();
        feed(&mut split, 10, 1, false);
        assert_eq!(feed(&mut split, 1, 10, false), [LossVerdict::Usual]);
        assert_eq!(feed(&mut split, 1, 1, false), [LossVerdict::Usual]);
    }

    #[test]
    fn what_stays_at_a_lower_rate_is_nature() {
        let mut split = LossSplit::default();
        feed(&mut split, 10, 1, false);
        assert_eq!(feed(&mut split, 2, 20, true)[1], LossVerdict::Excess);
        split.restart();
        split.accept();
        assert!(split.inherent() > 0.3);
        assert_eq!(feed(&mut split, 2, 20, true), [LossVerdict::Usual; 2]);
    }

    #[test]
    fn losses_in_a_row_are_counted_as_such() {
        let mut split = LossSplit::default();
        for n in 0..1_000 {
            split.on_packet(n % 25 >= 5);
        }
        assert!((4.0..=5.0).contains(&split.run_length()), "{}", split.run_length());
    }
}

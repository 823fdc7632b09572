//! Logs when ingest packets arrived and reports it to their sender.

use super::build::{Compound, feedback_head};
use domain::Timestamp;
use std::{collections::VecDeque, time::Duration};

/// Sequence numbers one report may span: a second of 1,000 packets/s, ten reports' worth.
const MAX_SPAN: usize = 1000;
const TICK_MICROS: u64 = 250;
const REFERENCE_MICROS: u64 = 64_000;

/// Collects arrivals and builds transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1).
///
/// Holds at most one report's worth of arrivals. Full: the oldest are forgotten unreported, which the sender takes for loss.
#[derive(Debug)]
pub struct TwccRecorder {
    interval: Duration,
    due: Option<Timestamp>,
    /// Extended sequence number of `arrivals[0]`, and from where the next report starts.
    base: Option<u64>,
    arrivals: VecDeque<Option<Timestamp>>,
    count: u8,
}

impl TwccRecorder {
    /// Reports every `interval`; 50–100 ms is usual.
    pub fn new(interval: Duration) -> Self {
        Self { interval, due: None, base: None, arrivals: VecDeque::new(), count: 0 }
    }

    /// Notes that the packet with this transport-wide sequence number arrived.
    pub fn record(&mut self, sequence: u16, arrival: Timestamp) {
        let base = *self.base.get_or_insert(u64::from(sequence) + (1 << 32));
        let offset = i64::from(sequence.wrapping_sub(base as u16).cast_signed());
        let Ok(mut at) = usize::try_from(offset) else {
            // Older than anything unreported: the report that said "missing" has left already.
            return;
        };
        if at >= 2 * MAX_SPAN {
            // A jump no loss explains: a sender that restarted. Begin again there.
            self.arrivals.clear();
            self.base = Some(base + offset.cast_unsigned());
            at = 0;
        }
        while at >= MAX_SPAN {
            self.arrivals.pop_front();
            self.base = self.base.map(|base| base + 1);
            at -= 1;
        }
        if self.arrivals.len() <= at {
            self.arrivals.resize(at + 1, None);
        }
        if let Some(entry) = self.arrivals.get_mut(at) {
            entry.get_or_insert(arrival);
        }
        self.due.get_or_insert(arrival + self.interval);
    }

    /// When [`report`](Self::report) has something to say.
    pub fn poll_timeout(&self) -> Option<Timestamp> {
        self.due
    }

    /// Appends the report that is due by `now`, if any, to `compound`. `media` is any SSRC of the sender's.
    pub fn report(&mut self, now: Timestamp, sender: u32, media: u32, mut compound: Compound) -> Compound {
        if self.due.is_none_or(|due| now < due) {
            return compound;
        }
        self.due = None;
        let (Some(base), Some(first)) = (self.base, self.arrivals.iter().flatten().next().copied()) else {
            return compound;
        };
        let arrivals = std::mem::take(&mut self.arrivals);
        self.base = Some(base + arrivals.len() as u64);
        let reference = first.as_micros() / REFERENCE_MICROS;
        let mut clock = reference * REFERENCE_MICROS / TICK_MICROS;
        let mut symbols = Vec::with_capacity(arrivals.len());
        let mut deltas = Vec::with_capacity(arrivals.len());
        for arrival in &arrivals {
            let Some(arrival) = arrival else {
                symbols.push(0u16);
                continue;
            };
            let ticks = arrival.as_micros() / TICK_MICROS;
            // Eight seconds between two neighbours saturate; the clock follows what was said, so the next is right again.
            let delta =
                (ticks.cast_signed() - clock.cast_signed()).clamp(i64::from(i16::MIN), i64::from(i16::MAX));
            clock = clock.saturating_add_signed(delta);
            if let Ok(small) = u8::try_from(delta) {
                symbols.push(1);
                deltas.push(small);
            } else {
                symbols.push(2);
                deltas.extend_from_slice(&(delta as i16).to_be_bytes());
            }
        }
        let count = self.count;
        self.count = self.count.wrapping_add(1);
        compound.packet(205, 15, |bytes| {
            feedback_head(bytes, sender, media);
            bytes.extend_from_slice(&(base as u16).to_be_bytes());
            bytes.extend_from_slice(&(symbols.len() as u16).to_be_bytes());
            bytes.extend_from_slice(
                &(((reference & 0x00FF_FFFF) as u32) << 8 | u32::from(count)).to_be_bytes(),
            );
            write_chunks(bytes, &symbols);
            bytes.extend_from_slice(&deltas);
        });
        compound
    }
}

/// Runs of seven or more become run-length chunks, the rest two-bit vectors.
fn write_chunks(bytes: &mut Vec<u8>, symbols: &[u16]) {
    let mut rest = symbols;
    while let Some(&symbol) = rest.first() {
        let run = rest.iter().take(0x1FFF).take_while(|&&other| other == symbol).count();
        let (chunk, taken) = if run >= 7 || run == rest.len() {
            (symbol << 13 | run as u16, run)
        } else {
            let taken = rest.len().min(7);
            let vector = rest
                .iter()
                .take(7)
                .enumerate()
                .fold(0xC000, |vector, (n, &symbol)| vector | symbol << (12 - 2 * n));
            (vector, taken)
        };
        bytes.extend_from_slice(&chunk.to_be_bytes());
        rest = rest.get(taken..).unwrap_or(&[]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Feedback, TwccReport, parse};
    use super::*;
    use proptest::prelude::*;

    fn report(recorder: &mut TwccRecorder, now: Timestamp) -> Option<TwccReport> {
        let bytes = recorder.report(now, 1, 2, Compound::new()).finish();
        parse(&bytes).into_iter().find_map(|item| match item {
            Feedback::Twcc(report) => Some(report),
            _ => None,
        })
    }

    #[test]
    fn a_sender_learns_what_arrived_when_and_what_did_not_across_the_wrap() {
        let mut recorder = TwccRecorder::new(Duration::from_millis(50));
        for (sequence, millis) in [(65_534, 1000), (0, 1002), (65_535, 1010), (3, 1200)] {
            recorder.record(sequence, Timestamp::from_millis(millis));
        }
        assert_eq!(report(&mut recorder, Timestamp::from_millis(1049)), None);
        let found = report(&mut recorder, Timestamp::from_millis(1250)).expect("a report is due");
        let expected = [Some(1000), Some(1010), Some(1002), None, None, Some(1200)];
        assert_eq!((found.base_sequence, found.count), (65_534, 0));
        assert_eq!(found.arrivals, expected.map(|millis| millis.map(Timestamp::from_millis)));
        recorder.record(4, Timestamp::from_millis(1300));
        let next = report(&mut recorder, Timestamp::from_millis(1350)).expect("a second report is due");
        assert_eq!((next.base_sequence, next.count), (4, 1));
    }

    #[test]
    fn a_sender_that_restarts_does_not_fill_the_memory() {
        let mut recorder = TwccRecorder::new(Duration::from_millis(50));
        for sequence in [0, 30_000, 5, 20_000] {
            recorder.record(sequence, Timestamp::from_millis(10));
            assert!(recorder.arrivals.len() <= MAX_SPAN);
        }
    }

    proptest! {
        #[test]
        fn every_arrival_in_a_report_is_one_that_was_recorded(
            packets in prop::collection::vec((0u16..400, 0u64..2_000_000), 1..300)
        ) {
            let mut recorder = TwccRecorder::new(Duration::from_millis(50));
            let mut recorded = std::collections::HashMap::new();
            for &(sequence, micros) in &packets {
                let base = recorder.base;
                recorder.record(sequence, Timestamp::from_micros(micros));
                if base.is_none_or(|base| u64::from(sequence) + (1 << 32) >= base) {
                    recorded.entry(sequence).or_insert(micros / 250 * 250);
                }
            }
            if let Some(report) = report(&mut recorder, Timestamp::from_millis(10_000)) {
                for (n, arrival) in report.arrivals.iter().enumerate() {
                    let sequence = report.base_sequence.wrapping_add(n as u16);
                    prop_assert_eq!(arrival.map(Timestamp::as_micros), recorded.get(&sequence).copied());
                }
            }
        }
    }
}

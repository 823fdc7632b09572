//! The send arena: packets to one address are written one behind the other and leave in as few system
//! calls as the kernel allows.
//!
//! UDP GSO (`UDP_SEGMENT`) takes one buffer and cuts it into datagrams of one size, of which only the last may
//! be shorter. [`Burst`] finds such runs while packets are being written; forwarding pads the packets of a frame so that
//! they are equal and the frame is one run.

use relay::DATAGRAM_MAX;
use std::net::{IpAddr, SocketAddr};
use transport::Remote;

/// Bytes a run may have: what the kernel takes (65,507) less a little for its own headers.
const RUN_BYTES_MAX: usize = 65_000;
/// Datagrams a run may have (`UDP_MAX_SEGMENTS`).
const RUN_SEGMENTS_MAX: usize = 64;

/// Where a burst goes, and from which local address (`None`: the kernel's choice).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) to: Remote,
    pub(super) from: Option<IpAddr>,
}

/// Takes finished runs: `bytes` cut every `segment` bytes, the last datagram may be shorter.
pub(super) trait Sink {
    fn send(&mut self, path: Path, bytes: &[u8], segment: usize);
}

/// The arena. One per worker, reused for every receiver, so that it stays in the core's cache.
pub(super) struct Burst {
    bytes: Box<[u8]>,
    path: Path,
    segments_max: usize,
    /// The open run: `bytes[start..end]`, cut every `segment` bytes.
    start: usize,
    end: usize,
    segment: usize,
    segments: usize,
    /// A shorter datagram was added: nothing may follow it in this run.
    closed: bool,
}

impl Burst {
    /// An empty arena whose runs have at most `segments_max` datagrams (1 where GSO is refused).
    pub(super) fn new(segments_max: usize) -> Self {
        Self {
            bytes: vec![0; RUN_BYTES_MAX + 8 * DATAGRAM_MAX].into(),
            path: Path { to: SocketAddr::from(([0, 0, 0, 0], 0)).into(), from: None },
            segments_max: segments_max.clamp(1, RUN_SEGMENTS_MAX),
            start: 0,
            end: 0,
            segment: 0,
            segments: 0,
            closed: false,
        }
    }

    /// Limits later runs to `segments_max` datagrams: GSO was refused.
    pub(super) fn limit_segments(&mut self, segments_max: usize) {
        self.segments_max = segments_max.clamp(1, RUN_SEGMENTS_MAX);
    }

    /// Begins a burst to another receiver. The one before must have been flushed.
    pub(super) fn aim(&mut self, path: Path) {
        debug_assert_eq!(self.segments, 0, "a burst is flushed before the next begins");
        self.path = path;
    }

    /// Room for the next packet, at least [`DATAGRAM_MAX`] bytes.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.bytes[self.end..]
    }

    /// The first `len` bytes of [`Burst::room`] are a finished datagram. It joins the open run, or the open run
    /// leaves and a new one begins with it.
    pub(super) fn commit(&mut self, len: usize, sink: &mut impl Sink) {
        let joins = self.segments == 0
            || (!self.closed
                && len <= self.segment
                && self.segments < self.segments_max
                && self.end - self.start + len <= RUN_BYTES_MAX);
        if !joins {
            sink.send(self.path, &self.bytes[self.start..self.end], self.segment);
            self.start = self.end;
            self.segments = 0;
        }
        if self.segments == 0 {
            self.segment = len;
            self.closed = false;
        } else if len < self.segment {
            self.closed = true;
        }
        self.segments += 1;
        self.end += len;
        if self.bytes.len() - self.end < DATAGRAM_MAX {
            self.flush(sink);
        }
    }

    /// Sends what is left.
    pub(super) fn flush(&mut self, sink: &mut impl Sink) {
        if self.segments > 0 {
            sink.send(self.path, &self.bytes[self.start..self.end], self.segment);
        }
        self.start = 0;
        self.end = 0;
        self.segments = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Sent(Vec<(usize, usize)>);

    impl Sink for Sent {
        fn send(&mut self, _: Path, bytes: &[u8], segment: usize) {
            self.0.push((bytes.len(), segment));
        }
    }

    fn sent(segments_max: usize, lens: &[usize]) -> Vec<(usize, usize)> {
        let mut burst = Burst::new(segments_max);
        let mut sink = Sent::default();
        for &len in lens {
            assert!(burst.room().len() >= DATAGRAM_MAX);
            burst.commit(len, &mut sink);
        }
        burst.flush(&mut sink);
        sink.0
    }

    #[test]
    fn a_frame_of_equal_packets_with_a_short_tail_is_one_system_call() {
        assert_eq!(sent(64, &[1100, 1100, 1100, 300]), [(3600, 1100)]);
    }

    #[test]
    fn nothing_follows_the_short_tail_and_a_longer_packet_begins_anew() {
        assert_eq!(sent(64, &[1100, 300, 300]), [(1400, 1100), (300, 300)]);
        assert_eq!(sent(64, &[300, 1100, 1100]), [(300, 300), (2200, 1100)]);
    }

    #[test]
    fn a_run_keeps_the_kernels_limits() {
        assert_eq!(sent(64, &[100; 65]), [(6400, 100), (100, 100)]);
        let runs = sent(64, &[1200; 70]);
        assert_eq!(runs.iter().map(|run| run.0).sum::<usize>(), 70 * 1200);
        assert!(runs.iter().all(|run| run.0 <= RUN_BYTES_MAX), "{runs:?}");
    }

    #[test]
    fn without_gso_every_packet_leaves_alone() {
        assert_eq!(sent(1, &[500, 500, 400]), [(500, 500), (500, 500), (400, 400)]);
    }
}

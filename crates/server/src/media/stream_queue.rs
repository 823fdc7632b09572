//! What waits to leave over one TCP connection.

use std::collections::VecDeque;
use transport::framing;

/// Bytes that wait at most. Pictures stop long before ([`super::receiver`]), so what fills it is voice and reports that a dead
/// connection does not take. Full: the oldest datagram that has not begun to leave goes.
pub(super) const BYTES_MAX: usize = 256 * 1024;
/// Memory of datagrams that have left is given back after this much.
const COMPACT_AFTER: usize = 32 * 1024;
/// Memory an empty queue keeps.
const IDLE_BYTES: usize = 16 * 1024;

/// Framed datagrams (RFC 4571) in the order they leave. A datagram that has begun to leave leaves whole.
#[derive(Debug, Default)]
pub(super) struct StreamQueue {
    bytes: Vec<u8>,
    /// Where the first datagram begins, and up to where it has left.
    head: usize,
    sent: usize,
    /// Lengths of the datagrams from `head` on, headers included.
    frames: VecDeque<u32>,
}

impl StreamQueue {
    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.sent
    }

    /// Appends a datagram; how many had to go for it, or because it cannot be framed.
    pub(super) fn push(&mut self, datagram: &[u8]) -> u64 {
        let Some(header) = framing::header(datagram.len()) else { return 1 };
        let len = datagram.len() + header.len();
        let mut dropped = 0;
        while self.len() + len > BYTES_MAX {
            dropped += 1;
            // full: the oldest goes; a single one that is half gone leaves the new one no room.
            if !self.drop_oldest() {
                return dropped;
            }
        }
        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(datagram);
        self.frames.push_back(len as u32);
        dropped
    }

    fn drop_oldest(&mut self) -> bool {
        let begun = usize::from(self.sent > self.head);
        let start = if begun == 1 {
            self.head + self.frames.front().map_or(0, |len| *len as usize)
        } else {
            self.head
        };
        let Some(len) = self.frames.remove(begun) else { return false };
        self.bytes.drain(start..start + len as usize);
        true
    }

    /// What may be written now.
    pub(super) fn waiting(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// The first `count` bytes of [`StreamQueue::waiting`] have left.
    pub(super) fn advance(&mut self, count: usize) {
        self.sent = (self.sent + count).min(self.bytes.len());
        while let Some(&len) = self.frames.front()
            && self.head + len as usize <= self.sent
        {
            self.head += len as usize;
            self.frames.pop_front();
        }
        if self.frames.is_empty() {
            self.bytes.clear();
            self.bytes.shrink_to(IDLE_BYTES);
            (self.head, self.sent) = (0, 0);
        } else if self.head >= COMPACT_AFTER {
            self.bytes.drain(..self.head);
            self.sent -= self.head;
            self.head = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use transport::framing::Deframer;

    #[test]
    fn a_connection_that_takes_nothing_loses_its_oldest_voice_and_keeps_the_newest() {
        let mut queue = StreamQueue::default();
        queue.push(&[0; 200]);
        queue.advance(50);
        let mut dropped = 0;
        for n in 1..=3_000u16 {
            let mut voice = vec![0; 200];
            voice[..2].copy_from_slice(&n.to_be_bytes());
            dropped += queue.push(&voice);
        }
        assert!(queue.len() <= BYTES_MAX);
        assert!(dropped > 1_000, "{dropped}");
        let mut deframer = Deframer::new(2_048);
        // The half that has left already.
        deframer.push(&[0, 200]);
        deframer.push(&[0; 48]);
        deframer.push(queue.waiting());
        let mut numbers = Vec::new();
        while let Some(frame) = deframer.next_frame().expect("frames are whole") {
            numbers.push(u16::from_be_bytes([frame[0], frame[1]]));
        }
        assert_eq!(numbers.first(), Some(&0), "what has begun to leave leaves whole");
        assert_eq!(numbers.last(), Some(&3_000));
        assert!(numbers[1..].windows(2).all(|pair| pair[1] == pair[0] + 1), "the newest, in order");
    }

    proptest! {
        #[test]
        fn what_leaves_is_always_whole_datagrams_in_order(
            steps in prop::collection::vec((any::<bool>(), 1usize..4_000), 1..400),
        ) {
            let mut queue = StreamQueue::default();
            let mut deframer = Deframer::new(65_535);
            let (mut pushed, mut newest) = (0u32, None::<u32>);
            for (writes, size) in steps {
                if writes {
                    let count = size.min(queue.len());
                    deframer.push(&queue.waiting()[..count]);
                    queue.advance(count);
                } else {
                    let mut datagram = vec![0xaa; size.max(4)];
                    datagram[..4].copy_from_slice(&pushed.to_be_bytes());
                    queue.push(&datagram);
                    pushed += 1;
                }
                prop_assert!(queue.len() <= BYTES_MAX);
                while let Some(frame) = deframer.next_frame().expect("frames are whole") {
                    let number = u32::from_be_bytes([frame[0], frame[1], frame[2], frame[3]]);
                    prop_assert!(frame[4..].iter().all(|byte| *byte == 0xaa));
                    prop_assert!(newest < Some(number));
                    newest = Some(number);
                }
            }
        }
    }
}

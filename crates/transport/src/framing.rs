//! Datagrams over a byte stream: each behind its length in two bytes (RFC 4571 section 2), as ICE-TCP carries them (RFC 6544 section 3).

/// Bytes of a frame's header.
pub const HEADER: usize = 2;

/// Memory an idle stream keeps at most.
const IDLE_BYTES: usize = 4_096;

/// The header of a datagram of `len` bytes; `None` when no header can say it.
pub fn header(len: usize) -> Option<[u8; HEADER]> {
    u16::try_from(len).ok().map(u16::to_be_bytes)
}

/// A frame of a stream is longer than any datagram the other side has a reason to send.
///
/// The stream cannot be read on: where the next frame would begin is known only after bytes nobody wants to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {len} bytes, expected at most {most}")]
pub struct TooLong {
    /// Bytes announced.
    pub len: usize,
    /// Bytes allowed.
    pub most: usize,
}

/// Takes a stream's bytes as they come and hands out its datagrams.
///
/// Holds no more than one unfinished frame and what was read behind it. An idle stream holds none.
#[derive(Debug)]
pub struct Deframer {
    /// Bytes of frames; those before `at` have been handed out.
    buffer: Vec<u8>,
    at: usize,
    most: usize,
}

impl Deframer {
    /// Frames may be up to `most` bytes long.
    pub fn new(most: usize) -> Self {
        Self { buffer: Vec::new(), at: 0, most }
    }

    /// Appends what was read.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.at == self.buffer.len() {
            self.buffer.clear();
            self.buffer.shrink_to(IDLE_BYTES);
        } else {
            self.buffer.drain(..self.at);
        }
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole datagram; `None`: more must be read first. Empty frames are passed over.
    ///
    /// # Errors
    /// [`TooLong`] as soon as a header says so, before any of its bytes is kept. The stream is of no more use.
    pub fn next_frame(&mut self) -> Result<Option<&mut [u8]>, TooLong> {
        loop {
            let Some(head) = self.buffer.get(self.at..).and_then(<[u8]>::first_chunk::<HEADER>) else {
                return Ok(None);
            };
            let len = usize::from(u16::from_be_bytes(*head));
            if len > self.most {
                return Err(TooLong { len, most: self.most });
            }
            let begin = self.at + HEADER;
            if self.buffer.len() < begin + len {
                return Ok(None);
            }
            self.at = begin + len;
            if len > 0 {
                return Ok(self.buffer.get_mut(begin..begin + len));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn framed(datagrams: &[Vec<u8>]) -> Vec<u8> {
        let mut stream = Vec::new();
        for datagram in datagrams {
            stream.extend(header(datagram.len()).expect("short"));
            stream.extend(datagram);
        }
        stream
    }

    proptest! {
        #[test]
        fn datagrams_come_out_whole_however_the_stream_was_cut(
            datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20),
            cuts in prop::collection::vec(1usize..50, 1..200),
        ) {
            let stream = framed(&datagrams);
            let mut deframer = Deframer::new(200);
            let mut out = Vec::new();
            let mut rest = &stream[..];
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (read, later) = rest.split_at((*cut).min(rest.len()));
                rest = later;
                deframer.push(read);
                while let Some(frame) = deframer.next_frame().expect("none is too long") {
                    out.push(frame.to_vec());
                }
            }
            let wanted: Vec<_> = datagrams.into_iter().filter(|datagram| !datagram.is_empty()).collect();
            prop_assert_eq!(out, wanted);
        }

        #[test]
        fn whatever_comes_no_more_is_kept_than_one_frame_and_one_read(
            reads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..50),
        ) {
            let mut deframer = Deframer::new(100);
            for read in reads {
                deframer.push(&read);
                loop {
                    match deframer.next_frame() {
                        Ok(Some(frame)) => prop_assert!(frame.len() <= 100),
                        Ok(None) => break,
                        Err(TooLong { len, most: 100 }) if len > 100 => return Ok(()),
                        Err(error) => prop_assert!(false, "{}", error),
                    }
                }
                prop_assert!(deframer.buffer.len() - deframer.at < 102, "only an unfinished frame waits");
            }
        }
    }

    #[test]
    fn a_length_that_nobody_needs_ends_the_stream_before_its_bytes_come() {
        let mut deframer = Deframer::new(1_500);
        deframer.push(&[0, 1, 7, 0xff, 0xff]);
        assert_eq!(deframer.next_frame().map(|frame| frame.map(|bytes| bytes.to_vec())), Ok(Some(vec![7])));
        assert_eq!(deframer.next_frame(), Err(TooLong { len: 65_535, most: 1_500 }));
    }

    #[test]
    fn a_datagram_too_long_for_a_header_is_not_framed() {
        assert_eq!(header(65_535), Some([0xff, 0xff]));
        assert_eq!(header(65_536), None);
    }
}

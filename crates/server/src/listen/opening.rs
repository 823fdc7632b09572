//! How a media connection begins (RFC 6544 section 4.2): with one connectivity check, read before anybody is told of it.

use std::net::SocketAddr;
use transport::{
    framing::{Deframer, HEADER, header},
    reach, stun,
};

/// The first frame is a connectivity check, which is never longer.
pub(super) const CHECK_MAX: usize = 1_024;

/// What has been read so far comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Begun {
    /// Nothing yet.
    Unfinished,
    /// A check that names a peer: the media workers take the connection with what was read of it.
    Check(Vec<u8>),
    /// Somebody only asks whether this way is open: these bytes are the answer, and the connection is over.
    Question(Vec<u8>),
    /// Nothing of ours.
    Nothing,
}

/// Bytes of a connection until its first frame is whole. Holds no more than that and one read.
pub(super) struct Opening {
    remote: SocketAddr,
    read: Vec<u8>,
    frames: Deframer,
}

impl Opening {
    pub(super) fn new(remote: SocketAddr) -> Self {
        Self { remote, read: Vec::new(), frames: Deframer::new(CHECK_MAX) }
    }

    /// Takes what was read.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Begun {
        // Empty frames are allowed, an endless row of them is not.
        if self.read.len() > CHECK_MAX + HEADER {
            return Begun::Nothing;
        }
        self.read.extend_from_slice(bytes);
        self.frames.push(bytes);
        let first = match self.frames.next_frame() {
            Ok(Some(first)) => first,
            Ok(None) => return Begun::Unfinished,
            Err(_) => return Begun::Nothing,
        };
        if stun::local_ufrag_of(first).is_some() {
            return Begun::Check(std::mem::take(&mut self.read));
        }
        let answer = reach::answer(first, self.remote);
        let framed = answer.and_then(|answer| Some([header(answer.len())?.as_slice(), &answer].concat()));
        framed.map_or(Begun::Nothing, Begun::Question)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn remote() -> SocketAddr {
        SocketAddr::from(([203, 0, 113, 7], 40_000))
    }

    /// A binding request as clients send it, with the attributes that matter here.
    fn check(name: &[u8]) -> Vec<u8> {
        let padded = name.len().next_multiple_of(4);
        let mut check = vec![0, 1, 0, (4 + padded) as u8, 0x21, 0x12, 0xA4, 0x42];
        check.extend([7; 12]);
        check.extend([0, 6, 0, name.len() as u8]);
        check.extend(name);
        check.resize(24 + padded, 0);
        check
    }

    fn framed(frame: &[u8]) -> Vec<u8> {
        [header(frame.len()).expect("short").as_slice(), frame].concat()
    }

    fn read(stream: &[u8], cut: usize) -> (Begun, usize) {
        let mut opening = Opening::new(remote());
        for (index, bytes) in stream.chunks(cut).enumerate() {
            match opening.push(bytes) {
                Begun::Unfinished => {}
                begun => return (begun, index * cut),
            }
        }
        (Begun::Unfinished, stream.len())
    }

    #[test]
    fn a_check_is_handed_on_with_all_that_was_read() {
        let stream = framed(&check(b"ours:theirs"));
        assert_eq!(read(&stream, stream.len()).0, Begun::Check(stream.clone()));
        assert_eq!(read(&stream, 1).0, Begun::Check(stream.clone()), "however slowly it came");
        let more = [stream.as_slice(), &[0, 5, 22]].concat();
        assert_eq!(read(&more, more.len()).0, Begun::Check(more.clone()), "what came behind it is not lost");
    }

    #[test]
    fn a_question_is_answered_and_what_is_neither_is_not() {
        let question = framed(&reach::request([3; 12]).expect("it can be written"));
        let Begun::Question(answer) = read(&question, 10).0 else { panic!("no answer") };
        assert_eq!(reach::seen_as(&answer[2..], [3; 12]), Some(remote()));
        assert_eq!(read(&framed(&check(b"")), 10).0, Begun::Nothing, "a name of nobody");
        assert_eq!(read(&framed(b"hello"), 10).0, Begun::Nothing);
        assert_eq!(read(&[4, 1, 0, 0], 4).0, Begun::Nothing, "a length that no check has");
    }

    #[test]
    fn an_endless_row_of_empty_frames_is_not_read_for_ever() {
        let (begun, taken) = read(&vec![0; 64 * 1_024], 100);
        assert_eq!(begun, Begun::Nothing);
        assert!(taken <= CHECK_MAX + HEADER + 100, "{taken}");
    }

    proptest! {
        #[test]
        fn whatever_comes_the_verdict_does_not_depend_on_how_it_was_cut(
            mut stream in prop::collection::vec(any::<u8>(), 1..1_500),
            like in 0..3,
            cut in 1usize..300,
            changed in any::<prop::sample::Index>(),
        ) {
            let whole = match like {
                0 => framed(&check(b"ours:theirs")),
                1 => framed(&reach::request([3; 12]).expect("it can be written")),
                _ => stream.clone(),
            };
            stream = whole;
            let at = changed.index(stream.len());
            stream[at] = stream[at].wrapping_add(1);
            let (at_once, in_pieces) = (read(&stream, stream.len()).0, read(&stream, cut).0);
            let same = match (&at_once, &in_pieces) {
                // More may have been read behind the check.
                (Begun::Check(all), Begun::Check(some)) => all.starts_with(some),
                (all, some) => all == some || *some == Begun::Nothing && *all == Begun::Unfinished,
            };
            prop_assert!(same, "{:?} at once, {:?} in pieces of {}", at_once, in_pieces, cut);
        }
    }
}

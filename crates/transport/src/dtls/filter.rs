//! What of a DTLS datagram rtc-dtls gets to see.

const RECORD_HEADER: usize = 13;
const HANDSHAKE_HEADER: usize = 12;
const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// Records fed before the handshake is done. Three flights of five messages, two fragments each, sent eight times, are 240.
const MAX_HANDSHAKE_RECORDS: u32 = 512;
/// Records fed afterwards: repeats of a last flight, and goodbyes.
const MAX_LATER_RECORDS: u32 = 64;
/// The largest message is a certificate chain.
const MAX_MESSAGE: usize = 16 * 1024;
/// The last message of a DTLS 1.2 handshake has number 5 or so.
const MAX_SEQUENCE: u16 = 16;
/// Messages that may be in pieces at one time.
const MAX_PARTIAL: usize = 4;
/// Pieces of one message that may be apart from each other.
const MAX_RANGES: usize = 32;

/// What to do with a datagram.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing in it is of use.
    Drop,
    /// Fragments of a message that is not whole yet.
    Wait,
    /// The other side repeats a flight that was answered: our answer was lost.
    Repeat,
    /// These records, one datagram again.
    Feed(Vec<u8>),
}

/// Counts and checks records, and puts fragmented plaintext messages together: rtc-dtls sees whole messages, each once.
#[derive(Debug)]
pub(super) struct Filter {
    is_client: bool,
    fed: u32,
    fed_later: u32,
    /// Bit n: message n was fed.
    fed_messages: u32,
    /// Highest message fed so far, and up to which our own flights answered.
    highest: Option<u16>,
    answered: Option<u16>,
    /// Messages of which fragments came; at most [`MAX_PARTIAL`].
    partial: Vec<Partial>,
}

impl Filter {
    pub(super) fn new(is_client: bool) -> Self {
        Self {
            is_client,
            fed: 0,
            fed_later: 0,
            fed_messages: 0,
            highest: None,
            answered: None,
            partial: Vec::new(),
        }
    }

    /// Whether a flight was sent in answer to anything.
    pub(super) fn has_answered(&self) -> bool {
        self.answered.is_some()
    }

    /// A flight was sent in answer to all that was fed.
    pub(super) fn answered(&mut self) {
        self.answered = self.highest;
    }

    pub(super) fn judge(&mut self, datagram: &[u8], connected: bool) -> Verdict {
        let mut accepted = Vec::with_capacity(datagram.len());
        let (mut repeats, mut waits) = (false, false);
        let mut rest = datagram;
        while let Some((record, after)) = split_record(rest) {
            rest = after;
            match self.judge_record(record, connected) {
                Part::Repeat => repeats = true,
                Part::Stored => waits = true,
                Part::AsItIs => accepted.extend_from_slice(record),
                Part::Whole(body) => {
                    // Plaintext, so nothing but the length of the record changes.
                    accepted.extend_from_slice(record.get(..RECORD_HEADER - 2).unwrap_or(&[]));
                    accepted.extend_from_slice(&(body.len() as u16).to_be_bytes());
                    accepted.extend_from_slice(&body);
                }
                Part::Dropped => {}
            }
        }
        if !accepted.is_empty() {
            Verdict::Feed(accepted)
        } else if repeats {
            Verdict::Repeat
        } else if waits {
            Verdict::Wait
        } else {
            Verdict::Drop
        }
    }

    fn judge_record(&mut self, record: &[u8], connected: bool) -> Part {
        let &[kind, 0xFE, _, epoch_high, epoch_low, ..] = record else { return Part::Dropped };
        let epoch = u16::from_be_bytes([epoch_high, epoch_low]);
        if connected {
            // A goodbye; or, to a server, a client's last message again, because ours was lost. Both are encrypted: whoever forges the
            // source address can neither end the session nor make us send anything.
            let of_use = epoch == 1 && (kind == ALERT || (kind == HANDSHAKE && !self.is_client));
            self.fed_later = self.fed_later.saturating_add(u32::from(of_use));
            return if of_use && self.fed_later <= MAX_LATER_RECORDS { Part::AsItIs } else { Part::Dropped };
        }
        self.fed = self.fed.saturating_add(1);
        if self.fed > MAX_HANDSHAKE_RECORDS {
            return Part::Dropped;
        }
        match (kind, epoch) {
            (HANDSHAKE, 0) => self.judge_handshake(record.get(RECORD_HEADER..).unwrap_or(&[])),
            (HANDSHAKE, 1) | (CHANGE_CIPHER_SPEC | ALERT, 0 | 1) => Part::AsItIs,
            _ => Part::Dropped,
        }
    }

    /// Plaintext handshake messages and fragments of them.
    fn judge_handshake(&mut self, mut body: &[u8]) -> Part {
        let mut whole = Vec::new();
        let (mut repeats, mut stored) = (false, false);
        while let Some(fragment) = Fragment::read(body) {
            body = body.get(HANDSHAKE_HEADER + fragment.data.len()..).unwrap_or(&[]);
            let sequence = fragment.sequence;
            // A server's first answer is the cookie, and that one rtc-dtls repeats by itself when it sees the hello again.
            let hello_again = !self.is_client && sequence == 0 && self.answered == Some(0);
            if !hello_again {
                if self.answered.is_some_and(|answered| sequence <= answered) {
                    repeats = true;
                    continue;
                }
                if self.fed_messages >> sequence & 1 == 1 {
                    continue;
                }
            }
            match self.assemble(&fragment) {
                Some(message) => {
                    whole.extend_from_slice(&message);
                    self.fed_messages |= 1 << sequence;
                    self.highest = self.highest.max(Some(sequence));
                }
                None => stored = true,
            }
        }
        if !whole.is_empty() {
            Part::Whole(whole)
        } else if repeats {
            Part::Repeat
        } else if stored {
            Part::Stored
        } else {
            Part::Dropped
        }
    }

    /// The whole message, header first, once this fragment completes it.
    fn assemble(&mut self, fragment: &Fragment<'_>) -> Option<Vec<u8>> {
        let kind_and_length = fragment.head.first_chunk::<4>().copied()?;
        let mut data = None;
        if fragment.data.len() == fragment.length {
            data = Some(fragment.data.to_vec());
        } else {
            let same = |partial: &Partial| {
                partial.sequence == fragment.sequence && partial.kind_and_length == kind_and_length
            };
            let at = match self.partial.iter().position(same) {
                Some(at) => at,
                None if self.partial.len() < MAX_PARTIAL => {
                    self.partial.push(Partial::new(fragment.sequence, kind_and_length, fragment.length));
                    self.partial.len() - 1
                }
                // Full: whoever fragments four messages at a time will send them again.
                None => return None,
            };
            if self.partial.get_mut(at)?.add(fragment) {
                data = Some(self.partial.swap_remove(at).data);
            }
        }
        let data = data?;
        self.partial.retain(|partial| partial.sequence != fragment.sequence);
        let mut message = Vec::with_capacity(HANDSHAKE_HEADER + data.len());
        message.extend_from_slice(&kind_and_length);
        message.extend_from_slice(&fragment.sequence.to_be_bytes());
        message.extend_from_slice(&[0, 0, 0]);
        message.extend_from_slice(kind_and_length.get(1..)?);
        message.extend_from_slice(&data);
        Some(message)
    }
}

enum Part {
    Dropped,
    Repeat,
    /// Fragments kept for later.
    Stored,
    /// Feed the record unchanged.
    AsItIs,
    /// Feed a record with these whole messages instead.
    Whole(Vec<u8>),
}

/// One handshake header and the bytes it announces.
struct Fragment<'a> {
    head: [u8; HANDSHAKE_HEADER],
    length: usize,
    sequence: u16,
    offset: usize,
    data: &'a [u8],
}

impl<'a> Fragment<'a> {
    fn read(body: &'a [u8]) -> Option<Self> {
        let head: [u8; HANDSHAKE_HEADER] = body.first_chunk().copied()?;
        let length = usize::from(head[1]) << 16 | usize::from(head[2]) << 8 | usize::from(head[3]);
        let sequence = u16::from_be_bytes([head[4], head[5]]);
        let offset = usize::from(head[6]) << 16 | usize::from(head[7]) << 8 | usize::from(head[8]);
        let size = usize::from(head[9]) << 16 | usize::from(head[10]) << 8 | usize::from(head[11]);
        // An empty fragment of a message that is not empty leads nowhere (GHSA-cm8f-h6j3-p25c: into a stack overflow).
        let fits = length <= MAX_MESSAGE
            && offset + size <= length
            && (size > 0 || length == 0)
            && sequence <= MAX_SEQUENCE;
        let data = body.get(HANDSHAKE_HEADER..HANDSHAKE_HEADER + size).filter(|_| fits)?;
        Some(Self { head, length, sequence, offset, data })
    }
}

/// A message of which some fragments came.
#[derive(Debug)]
struct Partial {
    sequence: u16,
    kind_and_length: [u8; 4],
    data: Vec<u8>,
    /// Which bytes are there: sorted, not touching, at most [`MAX_RANGES`].
    ranges: Vec<(usize, usize)>,
}

impl Partial {
    fn new(sequence: u16, kind_and_length: [u8; 4], length: usize) -> Self {
        Self { sequence, kind_and_length, data: vec![0; length], ranges: Vec::new() }
    }

    /// True when the message is whole.
    fn add(&mut self, fragment: &Fragment<'_>) -> bool {
        let (mut start, mut end) = (fragment.offset, fragment.offset + fragment.data.len());
        let Some(place) = self.data.get_mut(start..end) else { return false };
        if self.ranges.len() >= MAX_RANGES {
            return false;
        }
        place.copy_from_slice(fragment.data);
        self.ranges.retain(|&(from, to)| {
            let touches = from <= end && start <= to;
            if touches {
                (start, end) = (start.min(from), end.max(to));
            }
            !touches
        });
        self.ranges.push((start, end));
        self.ranges.sort_unstable();
        self.ranges == [(0, self.data.len())]
    }
}

fn split_record(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let head: [u8; RECORD_HEADER] = bytes.first_chunk().copied()?;
    let length = usize::from(u16::from_be_bytes([head[11], head[12]]));
    bytes.split_at_checked(RECORD_HEADER + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handshake(sequence: u16, length: u32, offset: u32, fragment: &[u8]) -> Vec<u8> {
        let mut body = vec![1];
        body.extend_from_slice(&length.to_be_bytes()[1..]);
        body.extend_from_slice(&sequence.to_be_bytes());
        body.extend_from_slice(&offset.to_be_bytes()[1..]);
        body.extend_from_slice(&(fragment.len() as u32).to_be_bytes()[1..]);
        body.extend_from_slice(fragment);
        let mut record = vec![HANDSHAKE, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0];
        record.extend_from_slice(&(body.len() as u16).to_be_bytes());
        record.extend_from_slice(&body);
        record
    }

    #[test]
    fn empty_and_overlong_fragments_are_dropped() {
        let mut filter = Filter::new(false);
        for datagram in [
            handshake(0, 5, 0, &[]),
            handshake(0, 5, 4, &[1, 2]),
            handshake(0, 0xFF_FFFF, 0, &[1]),
            handshake(99, 1, 0, &[1]),
            vec![HANDSHAKE, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            vec![23, 0xFE, 0xFD, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 7],
        ] {
            assert_eq!(filter.judge(&datagram, false), Verdict::Drop, "{datagram:?}");
        }
        assert!(matches!(filter.judge(&handshake(0, 2, 0, &[1, 2]), false), Verdict::Feed(_)));
    }

    #[test]
    fn an_answered_flight_that_comes_again_is_a_repeat() {
        let mut filter = Filter::new(false);
        assert!(matches!(filter.judge(&handshake(0, 1, 0, &[1]), false), Verdict::Feed(_)));
        filter.answered();
        assert!(
            matches!(filter.judge(&handshake(0, 1, 0, &[1]), false), Verdict::Feed(_)),
            "the cookie is sent again by rtc-dtls"
        );
        assert!(matches!(filter.judge(&handshake(1, 1, 0, &[1]), false), Verdict::Feed(_)));
        assert_eq!(filter.judge(&handshake(1, 1, 0, &[1]), false), Verdict::Drop, "rtc-dtls has it already");
        filter.answered();
        assert_eq!(filter.judge(&handshake(1, 1, 0, &[1]), false), Verdict::Repeat);
        assert!(matches!(filter.judge(&handshake(2, 1, 0, &[1]), false), Verdict::Feed(_)));
    }

    /// Chromium's hello with a post-quantum key share takes two datagrams.
    #[test]
    fn a_message_in_pieces_is_fed_whole_whatever_their_order() {
        let mut filter = Filter::new(false);
        let whole = handshake(0, 6, 0, b"abcdef");
        assert_eq!(filter.judge(&handshake(0, 6, 4, b"ef"), false), Verdict::Wait);
        assert_eq!(filter.judge(&handshake(0, 6, 0, b"ab"), false), Verdict::Wait);
        assert_eq!(filter.judge(&handshake(0, 6, 4, b"ef"), false), Verdict::Wait);
        assert_eq!(filter.judge(&handshake(0, 6, 1, b"bcd"), false), Verdict::Feed(whole));
        assert!(filter.partial.is_empty());
    }

    #[test]
    fn a_flood_of_fragments_ends_at_its_budget() {
        let mut filter = Filter::new(false);
        let looked_at = (0..10_000u32).filter(|n| {
            let piece = handshake((n % 16) as u16, 16_000, n * 2 % 16_000, &[1]);
            filter.judge(&piece, false) != Verdict::Drop
        });
        assert!(looked_at.count() <= MAX_HANDSHAKE_RECORDS as usize);
        assert!(filter.partial.len() <= MAX_PARTIAL);
    }

    #[test]
    fn after_the_handshake_only_encrypted_goodbyes_and_last_messages_pass() {
        let mut filter = Filter::new(false);
        let record = |kind, epoch| vec![kind, 0xFE, 0xFD, 0, epoch, 0, 0, 0, 0, 0, 0, 0, 1, 7];
        assert_eq!(filter.judge(&record(ALERT, 0), true), Verdict::Drop);
        assert_eq!(filter.judge(&handshake(0, 1, 0, &[1]), true), Verdict::Drop);
        assert!(matches!(filter.judge(&record(ALERT, 1), true), Verdict::Feed(_)));
        assert!(matches!(filter.judge(&record(HANDSHAKE, 1), true), Verdict::Feed(_)));
        let floods = (0..1000).filter(|_| filter.judge(&record(ALERT, 1), true) != Verdict::Drop).count();
        assert!(floods <= MAX_LATER_RECORDS as usize);
    }
}

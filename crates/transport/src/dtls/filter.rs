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

/// What to do with a datagram.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing in it is of use.
    Drop,
    /// The other side repeats a flight that was answered: our answer was lost.
    Repeat,
    /// These records, one datagram again.
    Feed(Vec<u8>),
}

/// Counts and checks records.
#[derive(Debug)]
pub(super) struct Filter {
    is_client: bool,
    fed: u32,
    fed_later: u32,
    /// Highest message number fed so far, and up to which our own flights answered.
    highest: Option<u16>,
    answered: Option<u16>,
}

impl Filter {
    pub(super) fn new(is_client: bool) -> Self {
        Self { is_client, fed: 0, fed_later: 0, highest: None, answered: None }
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
        let mut repeats = false;
        let mut new = false;
        let mut rest = datagram;
        while let Some((record, after)) = split_record(rest) {
            rest = after;
            match self.judge_record(record, connected) {
                Some(Part::Repeat) => repeats = true,
                Some(Part::New) => new = true,
                None => continue,
            }
            accepted.extend_from_slice(record);
        }
        if new {
            Verdict::Feed(accepted)
        } else if repeats {
            Verdict::Repeat
        } else {
            Verdict::Drop
        }
    }

    fn judge_record(&mut self, record: &[u8], connected: bool) -> Option<Part> {
        let &[kind, 0xFE, _, epoch_high, epoch_low, ..] = record else { return None };
        let epoch = u16::from_be_bytes([epoch_high, epoch_low]);
        if connected {
            // A goodbye; or, to a server, a client's last message again, because ours was lost. Both are encrypted: whoever forges the
            // source address can neither end the session nor make us send anything.
            let of_use = epoch == 1 && (kind == ALERT || (kind == HANDSHAKE && !self.is_client));
            self.fed_later = self.fed_later.saturating_add(u32::from(of_use));
            return (of_use && self.fed_later <= MAX_LATER_RECORDS).then_some(Part::New);
        }
        let part = match (kind, epoch) {
            (HANDSHAKE, 0) => self.judge_handshake(record.get(RECORD_HEADER..)?)?,
            (HANDSHAKE, 1) | (CHANGE_CIPHER_SPEC | ALERT, 0 | 1) => Part::New,
            _ => return None,
        };
        self.fed = self.fed.saturating_add(1);
        (self.fed <= MAX_HANDSHAKE_RECORDS).then_some(part)
    }

    /// Plaintext handshake messages and fragments of them.
    fn judge_handshake(&mut self, mut body: &[u8]) -> Option<Part> {
        let mut highest = None;
        while !body.is_empty() {
            let head: [u8; HANDSHAKE_HEADER] = body.first_chunk().copied()?;
            let length = usize::from(head[1]) << 16 | usize::from(head[2]) << 8 | usize::from(head[3]);
            let sequence = u16::from_be_bytes([head[4], head[5]]);
            let offset = usize::from(head[6]) << 16 | usize::from(head[7]) << 8 | usize::from(head[8]);
            let fragment = usize::from(head[9]) << 16 | usize::from(head[10]) << 8 | usize::from(head[11]);
            // An empty fragment of a message that is not empty leads nowhere (GHSA-cm8f-h6j3-p25c: into a stack overflow).
            let whole = length <= MAX_MESSAGE && offset + fragment <= length && (fragment > 0 || length == 0);
            if !whole || sequence > MAX_SEQUENCE {
                return None;
            }
            body = body.get(HANDSHAKE_HEADER + fragment..)?;
            highest = highest.max(Some(sequence));
        }
        let highest = highest?;
        // The first answer of a server is the cookie, and rtc-dtls itself repeats that one.
        let asked_before =
            self.answered.is_some_and(|answered| highest <= answered && (self.is_client || answered > 0));
        if asked_before {
            return Some(Part::Repeat);
        }
        self.highest = self.highest.max(Some(highest));
        Some(Part::New)
    }
}

enum Part {
    Repeat,
    New,
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
        filter.answered();
        assert_eq!(filter.judge(&handshake(1, 1, 0, &[1]), false), Verdict::Repeat);
        assert!(matches!(filter.judge(&handshake(2, 1, 0, &[1]), false), Verdict::Feed(_)));
    }

    #[test]
    fn a_flood_of_fragments_ends_at_its_budget() {
        let mut filter = Filter::new(false);
        let fed = (0..10_000)
            .filter(|offset| {
                filter.judge(&handshake(0, 16_000, offset % 16_000, &[1]), false) != Verdict::Drop
            })
            .count();
        assert_eq!(fed, MAX_HANDSHAKE_RECORDS as usize);
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

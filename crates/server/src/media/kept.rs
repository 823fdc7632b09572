//! Voice packets of one receiver as they were sealed, to be sent again as they were.
//!
//! Voice has no repair stream: a browser that negotiated NACK for it expects the identical packet (and must get the
//! identical one: sealing anything else under the same number would give the key away). So the last second of voice is
//! kept for every receiver that may ask.

/// Packets kept: a second and a quarter of voice.
const PACKETS: usize = 64;
/// Longer ones are not kept: 20 ms of sound at 85 kbit/s, sealed.
const BYTES_MAX: usize = 256;

struct Kept {
    sequence: u16,
    len: u16,
    bytes: [u8; BYTES_MAX],
}

/// A ring of sealed packets, 17 kB. Full: the oldest goes.
pub(super) struct KeptVoice(Box<[Kept]>);

impl KeptVoice {
    pub(super) fn new() -> Self {
        Self((0..PACKETS).map(|_| Kept { sequence: 0, len: 0, bytes: [0; BYTES_MAX] }).collect())
    }

    /// Keeps a packet that is leaving.
    pub(super) fn keep(&mut self, sequence: u16, sealed: &[u8]) {
        let kept = &mut self.0[usize::from(sequence) % PACKETS];
        kept.len = 0;
        if let Some(room) = kept.bytes.get_mut(..sealed.len()) {
            room.copy_from_slice(sealed);
            kept.sequence = sequence;
            kept.len = sealed.len() as u16;
        }
    }

    /// The packet with this number, when it is still here.
    pub(super) fn find(&self, sequence: u16) -> Option<&[u8]> {
        let kept = &self.0[usize::from(sequence) % PACKETS];
        (kept.len > 0 && kept.sequence == sequence).then(|| &kept.bytes[..usize::from(kept.len)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_voice_packets_come_back_as_they_were() {
        let mut kept = KeptVoice::new();
        assert_eq!(kept.find(0), None);
        for sequence in 65_500..=65_535u16 {
            kept.keep(sequence, &sequence.to_be_bytes());
        }
        for sequence in 0..40u16 {
            kept.keep(sequence, &sequence.to_be_bytes());
        }
        kept.keep(40, &[1; BYTES_MAX + 1]);
        assert_eq!(kept.find(39), Some(&39u16.to_be_bytes()[..]));
        assert_eq!(kept.find(65_520), Some(&65_520u16.to_be_bytes()[..]));
        assert_eq!(kept.find(65_505), None, "another one has its place");
        assert_eq!(kept.find(40), None, "too long to keep");
    }
}

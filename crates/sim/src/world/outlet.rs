//! The way out of the relay in a simulation: packets in the clear, as long as sealed ones, handed to the links.

use domain::{Slot, Timestamp};
use relay::{DATAGRAM_MAX, Egress, Outlet, Packet, Refused, Stream};
use std::collections::HashMap;

/// What AES-128-GCM adds.
const TAG: usize = 16;
/// Packets of voice kept to be sent again.
const KEPT: u16 = 64;

/// Packets that left in this step, by place.
#[derive(Debug, Default)]
pub(super) struct WireEgress {
    pub(super) now: Timestamp,
    pub(super) out: Vec<(usize, Vec<u8>)>,
    records: Vec<Vec<u8>>,
    /// Packets of the teacher's voice that left, by place, repeats not counted.
    voice: HashMap<usize, u64>,
}

impl WireEgress {
    pub(super) fn record(&mut self, places: usize) {
        self.records = vec![Vec::new(); places];
    }

    pub(super) fn recorded(&self, place: usize) -> &[u8] {
        self.records.get(place).map_or(&[], Vec::as_slice)
    }

    pub(super) fn voice(&self, place: usize) -> u64 {
        self.voice.get(&place).copied().unwrap_or(0)
    }

    fn send(&mut self, place: usize, bytes: Vec<u8>) {
        if let Some(record) = self.records.get_mut(place) {
            record.extend_from_slice(&self.now.as_micros().to_be_bytes());
            record.extend_from_slice(&bytes);
        }
        self.out.push((place, bytes));
    }
}

impl Egress for WireEgress {
    fn now(&self) -> Timestamp {
        self.now
    }
}

/// See the module's description.
#[derive(Debug)]
pub(super) struct WireOutlet {
    place: usize,
    kept: HashMap<(Slot, u16), Vec<u8>>,
    /// Numbers used so far: a second packet under one number would give the key away.
    used: HashMap<(Slot, bool), std::collections::HashSet<u64>>,
}

impl WireOutlet {
    pub(super) fn new(place: usize) -> Self {
        Self { place, kept: HashMap::new(), used: HashMap::new() }
    }
}

impl Outlet for WireOutlet {
    type Egress = WireEgress;

    fn begin(&mut self, _: &mut WireEgress) {}

    fn packet(
        &mut self,
        egress: &mut WireEgress,
        packet: Packet,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Result<usize, Refused> {
        let used = self.used.entry((packet.slot, packet.stream == Stream::Repair)).or_default();
        assert!(used.insert(packet.index), "{packet:?} was sealed before");
        let mut bytes = vec![0; DATAGRAM_MAX];
        let length = write(&mut bytes[..DATAGRAM_MAX - TAG]).ok_or(Refused::TooLong)?;
        bytes.truncate(length + TAG);
        if packet.keep {
            let sequence = packet.index as u16;
            self.kept.insert((packet.slot, sequence), bytes.clone());
            self.kept.remove(&(packet.slot, sequence.wrapping_sub(KEPT)));
        }
        if packet.slot == Slot::ProgramAudio {
            *egress.voice.entry(self.place).or_default() += 1;
        }
        egress.send(self.place, bytes);
        Ok(length + TAG)
    }

    fn again(&mut self, egress: &mut WireEgress, slot: Slot, sequence: u16) -> Option<usize> {
        let bytes = self.kept.get(&(slot, sequence))?.clone();
        let length = bytes.len();
        egress.send(self.place, bytes);
        Some(length)
    }

    fn end(&mut self, _: &mut WireEgress) {}
}

//! One viewer's way out: written into the worker's arena, sealed there with the viewer's key, sent to where the viewer is.

use super::{
    burst::{Burst, Path},
    kept::KeptVoice,
    sockets::Sockets,
};
use domain::{Bitrate, Slot, Timestamp};
use relay::{DATAGRAM_MAX, Packet, Refused, Stream};
use std::time::Instant;
use transport::{Negotiated, Sealer, SendStreams};

/// What a worker's viewers share: one arena, one socket, one clock.
pub(super) struct Egress {
    pub(super) burst: Burst,
    pub(super) socket: Sockets,
    pub(super) epoch: Instant,
}

impl relay::Egress for Egress {
    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.epoch.elapsed()
    }
}

/// See the module's description.
pub(super) struct Outlet {
    pub(super) path: Path,
    sealer: Sealer,
    streams: [Option<SendStreams>; Slot::COUNT],
    /// Voice to send again as it was, made with the first packet; only where the receiver may ask for it.
    kept: [Option<KeptVoice>; Slot::COUNT],
}

impl Outlet {
    pub(super) fn new(path: Path, sealer: Sealer, negotiated: &Negotiated) -> Self {
        let mut streams = [None; Slot::COUNT];
        for section in &negotiated.sections {
            streams[section.slot.index()] = section.send;
        }
        Self { path, sealer, streams, kept: Default::default() }
    }
}

impl relay::Outlet for Outlet {
    type Egress = Egress;

    fn begin(&mut self, egress: &mut Egress) {
        egress.burst.aim(self.path);
    }

    fn is_clogged(&self, egress: &Egress, estimate: Bitrate) -> bool {
        egress.socket.is_clogged(self.path, estimate)
    }

    fn packet(
        &mut self,
        egress: &mut Egress,
        packet: Packet,
        write: impl FnOnce(&mut [u8]) -> Option<usize>,
    ) -> Result<usize, Refused> {
        let streams = self.streams[packet.slot.index()].as_ref().ok_or(Refused::Unsealed)?;
        let stream = match packet.stream {
            Stream::Media => streams.stream,
            Stream::Repair => streams.rtx_stream.ok_or(Refused::Unsealed)?,
        };
        let tag_len = self.sealer.tag_len();
        let room = egress.burst.room();
        let plain = room.get_mut(..DATAGRAM_MAX - tag_len).and_then(write).ok_or(Refused::TooLong)?;
        let total = plain + tag_len;
        let sealed = room.get_mut(..total).ok_or(Refused::TooLong)?;
        self.sealer
            .seal_rtp(stream, packet.index, sealed, packet.header_len)
            .map_err(|_| Refused::Unsealed)?;
        if packet.keep {
            self.kept[packet.slot.index()]
                .get_or_insert_with(KeptVoice::new)
                .keep(packet.index as u16, sealed);
        }
        egress.burst.commit(total, &mut egress.socket);
        Ok(total)
    }

    fn again(&mut self, egress: &mut Egress, slot: Slot, sequence: u16) -> Option<usize> {
        let sealed = self.kept[slot.index()].as_ref()?.find(sequence)?;
        egress.burst.room().get_mut(..sealed.len())?.copy_from_slice(sealed);
        egress.burst.commit(sealed.len(), &mut egress.socket);
        Some(sealed.len())
    }

    fn end(&mut self, egress: &mut Egress) {
        egress.burst.flush(&mut egress.socket);
    }
}

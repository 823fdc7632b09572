//! Lets key frame requests through to us: `webrtc` ends all inbound RTCP inside its interceptor chain unless one marks it.

use rtc::{
    interceptor::{Attribute, Interceptor, Packet, StreamInfo, TaggedPacket},
    rtcp::payload_feedbacks::{
        full_intra_request::FullIntraRequest, picture_loss_indication::PictureLossIndication,
    },
    sansio::Protocol,
    shared::error::Error,
};
use std::{collections::VecDeque, time::Instant};

/// The last interceptor of the chain: marks PLI and FIR for the application and drops the RTCP that others have dealt with.
///
/// Both queues hold only what the chain moves on in the same call, so they stay at a packet or two.
#[derive(Default)]
pub(super) struct KeyframeRequests {
    inbound: VecDeque<TaggedPacket>,
    outbound: VecDeque<TaggedPacket>,
}

/// The SSRCs a packet asks key frames of.
pub(super) fn requested_ssrcs(packet: &dyn rtc::rtcp::Packet) -> Vec<u32> {
    let packet = packet.as_any();
    if let Some(pli) = packet.downcast_ref::<PictureLossIndication>() {
        vec![pli.media_ssrc]
    } else if let Some(fir) = packet.downcast_ref::<FullIntraRequest>() {
        fir.fir.iter().map(|entry| entry.ssrc).collect()
    } else {
        Vec::new()
    }
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for KeyframeRequests {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, mut packet: TaggedPacket) -> Result<(), Error> {
        if let Packet::Rtcp(all) = &mut packet.message.packet {
            all.retain(|one| !requested_ssrcs(one.as_ref()).is_empty());
            if all.is_empty() {
                return Ok(());
            }
            packet.message.add(Attribute::DeliverToApplication);
        }
        self.inbound.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.inbound.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.outbound.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.outbound.pop_front()
    }
}

impl Interceptor for KeyframeRequests {
    fn bind_local_stream(&mut self, _: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

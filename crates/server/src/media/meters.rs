//! The workers' numbers in the metrics: registered once, added to once a second.

use super::{counts::Ingress, sockets::Sockets};
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};
use relay::Counts;

/// Handles of one worker's metrics. Make them after the process's recorder is installed, or nothing is recorded.
pub(super) struct Meters {
    packets_sent: Counter,
    bytes_sent: Counter,
    repaired: Counter,
    repair_refused: Counter,
    seal_refused: Counter,
    too_long: Counter,
    skipped: Counter,
    padded: Counter,
    latency: Histogram,
    calls: Counter,
    datagrams: Counter,
    gso_refused: Counter,
    waited: Counter,
    overflowed: Counter,
    refused: Counter,
    packets_received: Counter,
    bytes_received: Counter,
    publisher_repaired: Counter,
    publisher_nacked: Counter,
    keyframe_requests: Counter,
    keyframe_wishes: Counter,
    unknown: Counter,
    flooded: Counter,
    handshakes_dropped: Counter,
    forwarded: Counter,
    relay_full: Counter,
    tap_full: Counter,
    refused_stun: Counter,
    refused_unvalidated: Counter,
    refused_dtls: Counter,
    refused_srtp: Counter,
    refused_unrouted: Counter,
    refused_unknown: Counter,
    events_dropped: Counter,
    stream_calls: Counter,
    stream_bytes: Counter,
    stream_overflowed: Counter,
    stream_gone: Counter,
    streams: Gauge,
    publishers: Gauge,
    viewers: Gauge,
}

impl Meters {
    pub(super) fn new(worker: usize) -> Self {
        let worker = worker.to_string();
        let dropped = |why: &'static str| counter!("nhipcau_media_dropped_total", "why" => why);
        Self {
            packets_sent: counter!("nhipcau_media_sent_packets_total"),
            bytes_sent: counter!("nhipcau_media_sent_bytes_total"),
            repaired: counter!("nhipcau_media_repaired_packets_total", "side" => "viewer"),
            repair_refused: counter!("nhipcau_media_repair_refused_total"),
            seal_refused: dropped("seal_refused"),
            too_long: dropped("too_long"),
            skipped: counter!("nhipcau_media_skipped_to_keyframe_total"),
            padded: counter!("nhipcau_media_padded_packets_total"),
            latency: histogram!("nhipcau_media_latency_seconds"),
            calls: counter!("nhipcau_media_send_calls_total"),
            datagrams: counter!("nhipcau_media_send_datagrams_total"),
            gso_refused: counter!("nhipcau_media_gso_refused_total"),
            waited: counter!("nhipcau_media_send_waited_total"),
            overflowed: dropped("send_queue_full"),
            refused: dropped("kernel_refused"),
            packets_received: counter!("nhipcau_media_received_packets_total"),
            bytes_received: counter!("nhipcau_media_received_bytes_total"),
            publisher_repaired: counter!("nhipcau_media_repaired_packets_total", "side" => "publisher"),
            publisher_nacked: counter!("nhipcau_media_publisher_nacked_total"),
            keyframe_requests: counter!("nhipcau_media_keyframe_requests_total"),
            keyframe_wishes: counter!("nhipcau_media_keyframe_wishes_total"),
            unknown: dropped("unknown_address"),
            flooded: dropped("flooded"),
            handshakes_dropped: dropped("handshake_queue_full"),
            forwarded: counter!("nhipcau_media_forwarded_datagrams_total"),
            relay_full: dropped("relay_queue_full"),
            tap_full: dropped("tap_queue_full"),
            refused_stun: dropped("stun"),
            refused_unvalidated: dropped("unvalidated_address"),
            refused_dtls: dropped("dtls"),
            refused_srtp: dropped("srtp"),
            refused_unrouted: dropped("unrouted"),
            refused_unknown: dropped("unknown_protocol"),
            events_dropped: dropped("event_queue_full"),
            stream_calls: counter!("nhipcau_media_stream_send_calls_total"),
            stream_bytes: counter!("nhipcau_media_stream_sent_bytes_total"),
            stream_overflowed: dropped("stream_queue_full"),
            stream_gone: dropped("stream_gone"),
            streams: gauge!("nhipcau_media_streams", "worker" => worker.clone()),
            publishers: gauge!("nhipcau_media_peers", "role" => "publisher", "worker" => worker.clone()),
            viewers: gauge!("nhipcau_media_peers", "role" => "viewer", "worker" => worker),
        }
    }

    /// Adds what has been counted and starts the counts anew.
    pub(super) fn flush(
        &self,
        mut out: Counts,
        sockets: &mut Sockets,
        ingress: &mut Ingress,
        events_dropped: &mut u64,
    ) {
        for (seconds, count) in out.latency.take() {
            self.latency.record_many(seconds, count as usize);
        }
        let sent = std::mem::take(&mut sockets.udp.counts);
        let streamed = std::mem::take(&mut sockets.streams.counts);
        self.streams.set(sockets.streams.len() as f64);
        let seen = std::mem::take(ingress);
        for (counter, count) in [
            (&self.packets_sent, out.packets),
            (&self.bytes_sent, out.bytes),
            (&self.repaired, out.repaired),
            (&self.repair_refused, out.repair_refused),
            (&self.seal_refused, out.seal_refused),
            (&self.too_long, out.too_long),
            (&self.skipped, out.skipped),
            (&self.padded, out.padded),
            (&self.calls, sent.calls),
            (&self.datagrams, sent.datagrams),
            (&self.gso_refused, sent.gso_refused),
            (&self.waited, sent.waited),
            (&self.overflowed, sent.overflowed),
            (&self.refused, sent.refused),
            (&self.stream_calls, streamed.calls),
            (&self.stream_bytes, streamed.bytes),
            (&self.stream_overflowed, streamed.overflowed),
            (&self.stream_gone, streamed.gone),
            (&self.packets_received, seen.packets),
            (&self.bytes_received, seen.bytes),
            (&self.publisher_repaired, seen.repaired),
            (&self.publisher_nacked, seen.nacked),
            (&self.keyframe_requests, seen.keyframe_requests),
            (&self.keyframe_wishes, seen.wishes),
            (&self.unknown, seen.unknown),
            (&self.flooded, seen.flooded),
            (&self.handshakes_dropped, seen.handshakes_dropped),
            (&self.forwarded, seen.forwarded),
            (&self.relay_full, seen.relay_full),
            (&self.tap_full, seen.tap_full),
            (&self.refused_stun, seen.refused.stun),
            (&self.refused_unvalidated, seen.refused.unvalidated),
            (&self.refused_dtls, seen.refused.dtls),
            (&self.refused_srtp, seen.refused.srtp),
            (&self.refused_unrouted, seen.refused.unrouted),
            (&self.refused_unknown, seen.refused.unknown),
            (&self.events_dropped, std::mem::take(events_dropped)),
        ] {
            if count > 0 {
                counter.increment(count);
            }
        }
    }

    pub(super) fn peers(&self, publishers: usize, viewers: usize) {
        self.publishers.set(publishers as f64);
        self.viewers.set(viewers as f64);
    }
}

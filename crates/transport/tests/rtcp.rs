//! What our RTCP builders write, read by rtc-rtcp.

use domain::Timestamp;
use rtc_rtcp::header::PacketType;
use rtc_rtcp::transport_feedbacks::transport_layer_cc::TransportLayerCc;
use std::time::Duration;
use transport::feedback::{Compound, ReportBlock, SenderInfo, TwccRecorder};

#[test]
fn an_independent_reader_finds_every_packet() {
    let compound = Compound::new()
        .sender_report(
            &SenderInfo { ssrc: 7, ..SenderInfo::default() },
            &[ReportBlock { ssrc: 9, ..ReportBlock::default() }],
        )
        .cname(7, "điểm cầu")
        .nack(7, 9, &[1, 2, 30])
        .pli(7, 9)
        .fir(7, 9, 3)
        .remb(7, 300_000, &[9])
        .bye(7);
    let bytes = compound.finish();
    let packets = rtc_rtcp::packet::unmarshal(&mut &bytes[..]).expect("rtc-rtcp reads it");
    let kinds: Vec<_> = packets.iter().map(|packet| packet.header().packet_type).collect();
    let expected = [
        PacketType::SenderReport,
        PacketType::SourceDescription,
        PacketType::TransportSpecificFeedback,
        PacketType::PayloadSpecificFeedback,
        PacketType::PayloadSpecificFeedback,
        PacketType::PayloadSpecificFeedback,
        PacketType::Goodbye,
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn arrivals_are_read_as_they_were_recorded() {
    let mut recorder = TwccRecorder::new(Duration::from_millis(50));
    for (sequence, micros) in [(10, 1_000_000), (11, 1_000_500), (14, 1_200_000), (13, 1_199_000)] {
        recorder.record(sequence, Timestamp::from_micros(micros));
    }
    let bytes = recorder.report(Timestamp::from_millis(1_300), 1, 2, Compound::new()).finish();
    let packets = rtc_rtcp::packet::unmarshal(&mut &bytes[..]).expect("rtc-rtcp reads it");
    let report = packets[0].as_any().downcast_ref::<TransportLayerCc>().expect("transport-wide feedback");
    assert_eq!((report.base_sequence_number, report.packet_status_count, report.reference_time), (10, 5, 15));
    // 15 x 64 ms = 960 ms; then 40 ms, 0.5 ms, 198.5 ms and 1 ms further.
    let deltas: Vec<_> = report.recv_deltas.iter().map(|delta| delta.delta).collect();
    assert_eq!(deltas, [40_000, 500, 198_500, 1_000]);
}

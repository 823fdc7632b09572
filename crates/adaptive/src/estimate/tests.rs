use super::*;
use proptest::prelude::*;

fn at(ms: u64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn report(loss: f64) -> LossReport {
    LossReport { loss, rtt: Some(Duration::from_millis(80)) }
}

/// Sends at `kbps` and reports `loss` each second from second `from` to `to`.
fn live(link: &mut LinkEstimator, from: u64, to: u64, kbps: u64, loss: f64) {
    for ms in (from * 1_000..to * 1_000).step_by(20) {
        link.on_sent(at(ms), (kbps * 20 / 8) as usize);
        if ms % 1_000 == 980 {
            link.on_loss_report(at(ms), report(loss));
        }
    }
}

#[test]
fn one_report_of_a_fifth_lost_cuts_below_what_was_sent() {
    let mut link = LinkEstimator::new(Bitrate::from_kbps(2_000));
    live(&mut link, 0, 10, 1_000, 0.0);
    assert!(link.estimate() > Bitrate::from_kbps(2_000));
    live(&mut link, 10, 11, 1_000, 0.2);
    assert!(link.estimate() <= Bitrate::from_kbps(930), "{}", link.estimate());
}

#[test]
fn a_little_loss_neither_raises_nor_lowers() {
    let mut link = LinkEstimator::new(Bitrate::from_kbps(700));
    live(&mut link, 0, 20, 500, 0.05);
    assert_eq!(link.estimate(), Bitrate::from_kbps(700));
    assert!((link.loss() - 0.05).abs() < 0.001);
}

#[test]
fn a_link_that_heals_is_believed_again_within_half_a_minute() {
    let mut link = LinkEstimator::new(Bitrate::from_kbps(2_000));
    live(&mut link, 0, 5, 2_000, 0.4);
    let worst = link.estimate();
    assert!(worst < Bitrate::from_kbps(1_000), "{worst}");
    live(&mut link, 5, 30, 400, 0.0);
    assert!(link.estimate() > Bitrate::from_kbps(2_000), "{}", link.estimate());
}

#[test]
fn hope_does_not_run_away_from_what_is_really_sent() {
    let mut link = LinkEstimator::new(Bitrate::from_kbps(300));
    live(&mut link, 0, 120, 100, 0.0);
    assert!((550..=650).contains(&link.estimate().as_kbps()), "{}", link.estimate());
}

#[test]
fn a_receivers_own_estimate_limits_only_what_it_can_have_seen() {
    let mut link = LinkEstimator::new(Bitrate::from_kbps(2_000));
    live(&mut link, 0, 2, 80, 0.05);
    link.on_remb(at(2_000), Bitrate::from_kbps(130));
    assert_eq!(link.estimate(), Bitrate::from_kbps(2_000), "80 kbit/s flow freely through 130");
    live(&mut link, 2, 4, 1_000, 0.05);
    link.on_remb(at(4_000), Bitrate::from_kbps(600));
    assert_eq!(link.estimate(), Bitrate::from_kbps(600));
}

/// Feedback for packets of 1,200 bytes each 10 ms (960 kbit/s) whose delay is `delay_ms(n)`.
fn feed(link: &mut LinkEstimator, from: u64, to: u64, delay_ms: impl Fn(u64) -> Option<u64>) {
    for start in (from..to).step_by(10) {
        let seen: Vec<Seen> = (start..start + 10)
            .map(|n| Seen {
                sent: at(n * 10),
                received: delay_ms(n).map(|delay| at(77_000_000 + n * 10 + delay)),
                size: 1_200,
            })
            .collect();
        for packet in &seen {
            link.on_sent(packet.sent, 1_200);
        }
        link.on_feedback(at((start + 10) * 10), &seen);
    }
}

#[test]
fn what_waited_through_an_outage_and_arrives_at_once_is_not_taken_for_the_links_rate() {
    let mut link = LinkEstimator::new(Bitrate::from_kbps(700));
    feed(&mut link, 0, 500, |_| Some(40));
    link.restart(at(25_000), Bitrate::from_kbps(350));
    // Twenty seconds of voice, 64 kbit/s, stood in the modem and come out within a quarter of a second.
    let waited: Vec<Seen> = (0..1_000)
        .map(|n| Seen { sent: at(5_000 + n * 20), received: Some(at(77_025_000 + n / 4)), size: 160 })
        .collect();
    for some in waited.chunks(50) {
        link.on_feedback(at(25_300), some);
    }
    assert!(link.estimate() <= Bitrate::from_kbps(700), "{}", link.estimate());
}

#[test]
fn a_link_that_fails_twice_is_still_known_by_what_it_carried_and_by_no_fault_of_its_own() {
    let kbps = Bitrate::from_kbps;
    let mut link = LinkEstimator::new(kbps(700));
    link.restart(at(25_000), kbps(350));
    link.restart(at(31_000), kbps(175));
    assert_eq!(link.ceiling(), Some((at(31_000), kbps(700))));
    assert!(!link.was_overfull());
    link.restart(at(131_000), kbps(90));
    assert_eq!(link.ceiling(), Some((at(131_000), kbps(175))), "by now it is another link");
    link.disprove(at(132_000), kbps(100));
    assert!(link.was_overfull());
}

#[test]
fn a_queue_that_builds_up_cuts_before_anything_is_lost() {
    let mut link = LinkEstimator::new(Bitrate::from_kbps(1_500));
    feed(&mut link, 0, 500, |_| Some(40));
    feed(&mut link, 500, 600, |n| Some(40 + (n - 500) * 4));
    assert!(link.estimate() < Bitrate::from_kbps(900), "{}", link.estimate());
}

#[test]
fn a_great_queue_is_trusted_with_no_more_than_comes_out_of_it_now() {
    let mut link = LinkEstimator::new(Bitrate::from_kbps(2_000));
    feed(&mut link, 0, 500, |_| Some(40));
    // A fifth of a second in which the link carries 480 kbit/s: each packet takes twice as long to come out as it took to go in.
    feed(&mut link, 500, 520, |n| Some(40 + (n - 500) * 10));
    let trusted = link.trusted(at(5_200));
    assert!(link.is_doubted(at(5_200)));
    assert!(trusted < Bitrate::from_kbps(600), "{trusted}: what got through lately was 960");
}

#[test]
fn a_shaking_radio_link_is_not_taken_for_a_queue() {
    let mut link = LinkEstimator::new(Bitrate::from_kbps(1_500));
    feed(&mut link, 0, 2_000, |n| Some(100 + n * 7_919 % 60));
    assert!(link.estimate() >= Bitrate::from_kbps(1_500), "{}", link.estimate());
}

#[test]
fn loss_that_was_there_from_the_beginning_is_the_links_nature() {
    let mut link = LinkEstimator::new(Bitrate::from_kbps(1_500));
    feed(&mut link, 0, 1_000, |n| (n % 5 != 0).then_some(40));
    assert_eq!(link.estimate(), Bitrate::from_kbps(1_500));
    assert!((0.15..0.25).contains(&link.inherent_loss()), "{}", link.inherent_loss());
}

#[test]
fn one_unlucky_moment_is_not_an_overfull_link_but_two_are_looked_into() {
    let unlucky = |n: u64| (!n.is_multiple_of(5)).then_some(40);
    let mut link = LinkEstimator::new(Bitrate::from_kbps(1_500));
    feed(&mut link, 0, 500, |_| Some(40));
    feed(&mut link, 500, 520, unlucky);
    feed(&mut link, 520, 600, |_| Some(40));
    assert_eq!(link.estimate(), Bitrate::from_kbps(1_500));
    feed(&mut link, 600, 640, unlucky);
    assert!(link.estimate() < Bitrate::from_kbps(1_100), "{}", link.estimate());
    feed(&mut link, 640, 1_200, unlucky);
    assert!(
        link.estimate() >= Bitrate::from_kbps(1_100),
        "it stayed when less was sent: {}",
        link.estimate()
    );
}

#[test]
fn feedback_makes_receiver_reports_unnecessary() {
    let mut link = LinkEstimator::new(Bitrate::from_kbps(1_500));
    feed(&mut link, 0, 100, |_| Some(40));
    let now = link.estimate();
    link.on_loss_report(at(1_100), report(0.9));
    assert_eq!(link.estimate(), now);
}

proptest! {
    #[test]
    fn lying_feedback_stays_within_bounds(
        reports in prop::collection::vec((0u64..1_000, any::<f64>(), any::<u64>(), prop::option::of(any::<u64>()), any::<u32>()), 0..100),
    ) {
        let mut link = LinkEstimator::new(Bitrate::from_kbps(500));
        let mut now = 0;
        for (passed, loss, value, received, size) in reports {
            now += passed;
            link.on_sent(at(now), size as usize);
            link.on_loss_report(at(now), LossReport { loss, rtt: Some(Duration::from_millis(value % 10_000)) });
            link.on_remb(at(now), Bitrate::from_bps(value));
            let sent = Timestamp::from_micros(value);
            let received = received.map(Timestamp::from_micros);
            link.on_feedback(at(now), &[Seen { sent, received, size }]);
            let estimate = link.estimate().as_bps();
            prop_assert!((20_000..=50_000_000).contains(&estimate), "{}", estimate);
            prop_assert!((0.0..=1.0).contains(&link.loss()));
        }
    }
}

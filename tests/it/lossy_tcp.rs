//! Places behind a firewall at the end of a bad line: TCP repeats what is lost, and everything behind it waits. The lesson must go on all the same.

use crate::rig::Rig;
use anyhow::{Result, ensure};
use domain::{Bitrate, Codec};
use sim::{
    classrooms::{self, ClassroomsConfig, Entry},
    host::{self, HostConfig, HostStatus},
    link::{Profile, Shape},
};
use std::time::Duration;
use tokio::sync::watch;

#[tokio::test(flavor = "multi_thread")]
async fn places_that_come_over_tcp_keep_seeing_and_hearing_at_three_per_cent_loss() -> Result<()> {
    let rig = Rig::start().await?;
    let lesson = rig.lesson("Âm nhạc 6").await?;
    let (_, teacher) = rig.invite(&lesson, "host").await?;
    let server = rig.url("");
    host::start_lesson(&server, &teacher).await?;
    let (status, mut on_air) = watch::channel(HostStatus::default());
    let (_stop, stop) = watch::channel(false);
    tokio::spawn(host::run(HostConfig::new(&server, &lesson, &teacher), status, stop));
    on_air.wait_for(|status| status.playing).await?;

    let direction =
        Shape::new(Bitrate::from_kbps(1_500), Duration::from_millis(80), Duration::from_millis(20), 0.03);
    let line = Profile {
        name: "3 % loss",
        down: direction.clone(),
        up: direction,
        udp_blocked: true,
        download: false,
    };
    let seconds = 12;
    let summary = classrooms::run(ClassroomsConfig {
        server,
        lesson,
        entry: Entry::Organiser(rig.organiser().to_owned()),
        count: 4,
        duration: Duration::from_secs(seconds),
        join_over: Duration::from_millis(200),
        threads: 1,
        gro: false,
        codecs: vec![Codec::Vp8],
        link: Some((line, 7)),
        over_tcp: true,
    })
    .await?;
    println!("{summary:?}");
    ensure!(summary.joined == 4 && summary.failed == 0, "{summary:?}");
    ensure!(summary.first_media_ms.max < 5_000.0, "{summary:?}");
    // Voice alone is fifty packets a second; pictures add at least as many.
    let per_place = summary.packets / 4;
    ensure!(per_place > 80 * (seconds - 3), "{per_place} packets a place: {summary:?}");
    ensure!(summary.unrecovered * 50 < summary.packets, "nothing is lost on such a line: {summary:?}");
    Ok(())
}

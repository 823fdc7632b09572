//! Metrics for Prometheus: names, help and buckets. Names are `nhipcau_<thing>_<unit>[_total]`.

use anyhow::Context as _;
use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::{Mutex, PoisonError};

/// Installed once for the process: several servers in one process (tests) count into the same metrics.
static INSTALLED: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// The process's metrics.
///
/// # Errors
/// When something else has installed a recorder before.
pub(crate) fn install() -> anyhow::Result<PrometheusHandle> {
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let seconds = [0.001, 0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
    // The bounds the media workers count with: what is finer than a page's answer must be seen finer.
    let media = [0.000_25, 0.000_5, 0.001, 0.001_5, 0.002, 0.003, 0.004, 0.006, 0.008, 0.012, 0.02, 0.05];
    let ratios = [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &seconds)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_ratio".to_owned()), &ratios))
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Full("nhipcau_media_latency_seconds".to_owned()), &media)
        })
        .and_then(PrometheusBuilder::install_recorder)
        .context("cannot install the metrics")?;
    describe();
    *installed = Some(handle.clone());
    Ok(handle)
}

fn describe() {
    describe_counter!("nhipcau_http_requests_total", "HTTP requests by route and status");
    describe_histogram!("nhipcau_http_request_seconds", "Time to answer an HTTP request");
    describe_counter!(
        "nhipcau_connections_refused_total",
        "TCP connections refused: one address held too many"
    );
    describe_gauge!("nhipcau_pages", "Open pages (WebSockets) by role");
    describe_gauge!("nhipcau_lessons", "Lessons by state");
    describe_counter!("nhipcau_sessions_opened_total", "WHIP and WHEP sessions opened");
    describe_counter!("nhipcau_sessions_closed_total", "Media connections that ended, by reason");
    describe_counter!("nhipcau_lesson_breakdowns_total", "Tasks of lessons that a fault of ours ended");
    describe_histogram!("nhipcau_viewer_loss_ratio", "Loss that viewers report, 0 to 1");
    describe_histogram!("nhipcau_viewer_round_trip_seconds", "Round trip to viewers");
    describe_counter!("nhipcau_viewers_without_codec_total", "Viewers that cannot decode what is published");
    describe_counter!("nhipcau_note_registers_total", "Fields of observers' sheets that came in");
    describe_counter!("nhipcau_store_failures_total", "Failures of the database that nobody asked for");
}

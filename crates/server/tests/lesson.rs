//! A whole lesson with many rooms against the program as it is run: nothing acknowledged is ever lost.
//!
//! Long runs are commands: `nhipcau-sim recover --rounds 20`, `nhipcau-sim classrooms --count 200 --act lesson`.

use sim::lesson::{ActConfig, RecoverConfig, act, recover};
use std::{env, path::PathBuf, time::Duration};

/// Kills in this test; the variable is for whoever wants more.
const ROUNDS: &str = "NHIPCAU_KILL_ROUNDS";

fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_nhipcau"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_mid_lesson_comes_back_with_all_it_acknowledged() -> anyhow::Result<()> {
    let rounds = env::var(ROUNDS).ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3);
    let summary = recover(&RecoverConfig { server: program(), rounds, rooms: 6, seed: 11 }).await?;
    assert_eq!(summary.recovered, rounds, "{:?}", summary.failures);
    assert!(summary.acknowledged > 0, "nothing was acknowledged, so nothing was shown");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_that_answer_together_are_all_counted_and_the_board_keeps_up() -> anyhow::Result<()> {
    let config = ActConfig {
        server: program(),
        count: 12,
        duration: Duration::from_secs(15),
        media: true,
        threads: 1,
        seed: 3,
    };
    let summary = act(&config).await?;
    assert_eq!((summary.answers, summary.answers_lost, summary.answers_unacknowledged), (12, 0, 0));
    assert!(summary.changes > 5 && summary.changes_lost == 0, "{summary:?}");
    // Seconds are whole in the report, and this lesson is short; a run of a minute comes below 1 %.
    assert!(summary.attendance_off_pct.is_some_and(|(all, _)| all < 3.0), "{summary:?}");
    assert!(summary.board_lag_ms.p95 <= 1_000.0 && summary.chart_ms.max <= 3_000.0, "{summary:?}");
    Ok(())
}

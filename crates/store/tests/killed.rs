//! A server killed with SIGKILL in the middle of writing: what it acknowledged is there, the file is whole.

use domain::{Identity, InvitationId, Invited, Lesson, LessonCommand, LessonId, UnixMillis};
use std::{
    env, fs,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};
use store::Store;

const FILE: &str = "NHIPCAU_TEST_KILLED_FILE";
const NOW: UnixMillis = UnixMillis::clamped(1_792_303_200_000);
const HOST: Identity = Identity::Host { invitation: InvitationId(1), lesson: LessonId(1) };

/// Not a test by itself: the process that gets killed. Says the log's length after each acknowledged write.
#[tokio::test]
#[ignore = "started by the test below"]
async fn write_until_killed() {
    let Ok(file) = env::var(FILE) else { return };
    let store = Store::open(file).await.expect("a fresh store");
    let mut lesson =
        Lesson::schedule(LessonId(1), "Phân số", None, None, Invited::All, NOW).expect("a good title");
    store.insert_lesson(lesson.record()).await.expect("a new lesson");
    for turn in 0u64.. {
        let command = if turn % 2 == 0 { LessonCommand::Test } else { LessonCommand::End };
        let events = lesson.apply(NOW, HOST, command).expect("the host may");
        store.save_lesson(lesson.record(), &events).await.expect("it is stored");
        println!("acknowledged {}", turn + 1);
    }
}

#[tokio::test]
async fn a_server_killed_while_writing_loses_nothing_it_acknowledged() {
    for kill_after in [1, 7, 40, 150] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("nhipcau.db");
        let mut child = Command::new(env::current_exe().expect("this test"))
            .args(["--exact", "write_until_killed", "--ignored", "--nocapture"])
            .env(FILE, &file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the test starts itself");
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut acknowledged = 0;
        for line in lines.map_while(Result::ok) {
            let Some((_, count)) = line.rsplit_once("acknowledged ") else { continue };
            acknowledged = count.parse().expect("a number");
            if acknowledged == kill_after {
                child.kill().expect("SIGKILL");
            }
        }
        child.wait().expect("it is gone");
        assert!(acknowledged >= kill_after, "the child stopped by itself");

        let store = Store::open(&file).await.expect("the file is whole");
        let log = store.lesson_events(LessonId(1), 0).await.expect("a log");
        assert!(log.len() as u64 >= acknowledged, "{} of {acknowledged} events are left", log.len());
        let mut replayed =
            Lesson::schedule(LessonId(1), "Phân số", None, None, Invited::All, NOW).expect("a good title");
        for entry in &log {
            replayed.evolve(&entry.event);
        }
        let stored = store.lesson(LessonId(1)).await.expect("it exists");
        assert_eq!(&stored, replayed.record(), "lesson and log belong together");
    }
}

/// A power cut may tear the write-ahead log anywhere; what is left opens and is a prefix of what was written.
#[tokio::test]
async fn a_log_torn_anywhere_opens_as_some_earlier_moment() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("nhipcau.db");
    let store = Store::open(&file).await.expect("a fresh store");
    let mut lesson =
        Lesson::schedule(LessonId(1), "Phân số", None, None, Invited::All, NOW).expect("a good title");
    store.insert_lesson(lesson.record()).await.expect("a new lesson");
    for command in [LessonCommand::Test, LessonCommand::End].into_iter().cycle().take(20) {
        let events = lesson.apply(NOW, HOST, command).expect("the host may");
        store.save_lesson(lesson.record(), &events).await.expect("it is stored");
    }
    let wal_of = |file: &std::path::Path| file.with_extension("db-wal");
    let (database, wal) = (fs::read(&file).expect("the file"), fs::read(wal_of(&file)).expect("its log"));
    assert!(wal.len() > 20 * 4_096, "nothing was folded into the file yet");
    let mut lengths = Vec::new();
    for cut in (0..=8).map(|eighths| wal.len() * eighths / 8 - usize::from(eighths > 0) * 100) {
        let torn = folder.path().join(format!("torn-{cut}.db"));
        fs::write(&torn, &database).expect("a copy");
        fs::write(wal_of(&torn), &wal[..cut]).expect("a copy");
        let store = Store::open(&torn).await.expect("a torn log is no damage");
        let log = store.lesson_events(LessonId(1), 0).await.expect("a log");
        if let Ok(stored) = store.lesson(LessonId(1)).await {
            let state = if log.len() % 2 == 0 { "scheduled" } else { "test_run" };
            assert_eq!(stored.state.as_str(), state, "lesson and log belong together");
        } else {
            assert!(log.is_empty());
        }
        lengths.push(log.len());
    }
    assert!(lengths.is_sorted() && lengths[0] == 0 && lengths[8] >= 19, "{lengths:?}");
}

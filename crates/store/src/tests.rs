//! Failures that need a hand inside: full disk, read-only file, rules held by the tables.

use super::*;
use domain::{
    Identity, Invitation, InvitationId, Invited, Lesson, LessonCommand, LessonId, LessonState, Place,
    PlaceId, Role, UnixMillis,
};
use sqlx::AssertSqlSafe;

const NOW: UnixMillis = UnixMillis::clamped(1_792_303_200_000);
const HOST: Identity = Identity::Host { invitation: InvitationId(1), lesson: LessonId(1) };

async fn new_store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open(folder.path().join("nhipcau.db")).await.expect("a fresh store");
    (folder, store)
}

fn lesson(id: u64) -> Lesson {
    Lesson::schedule(LessonId(id), "Phân số", None, None, Invited::All, NOW).expect("a good title")
}

fn place(id: u64) -> Place {
    Place { id: PlaceId(id), name: format!("Phòng {id}"), unit: None, created_at: NOW }
}

async fn on_writer(store: &Store, sql: &str) -> Result<(), StoreError> {
    let done = sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&store.writer).await;
    done.map(drop).map_err(|error| store.failed(error))
}

async fn pragma(store: &Store, pool: &SqlitePool, name: &str) -> String {
    let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
    let value = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(pool).await;
    value.map_err(|error| store.failed(error)).expect("a pragma")
}

/// No page may be added from now on. The limit belongs to the connection, and a full disk replaces it.
async fn fill_disk(store: &Store) {
    let pages = pragma(store, &store.writer, "page_count").await;
    on_writer(store, &format!("PRAGMA max_page_count = {pages}")).await.expect("a pragma");
}

#[tokio::test]
async fn the_file_is_set_up_for_power_cuts_and_parallel_readers() {
    let (_folder, store) = new_store().await;
    assert_eq!(pragma(&store, &store.writer, "journal_mode").await, "wal");
    assert_eq!(pragma(&store, &store.writer, "synchronous").await, "2", "FULL");
    assert_eq!(pragma(&store, &store.writer, "foreign_keys").await, "1");
    assert_eq!(pragma(&store, &store.readers, "query_only").await, "1");
}

#[tokio::test]
async fn a_full_disk_is_named_and_what_was_stored_stays_readable() {
    let (_folder, store) = new_store().await;
    let mut taught = lesson(1);
    store.insert_lesson(taught.record()).await.expect("there is room");
    fill_disk(&store).await;

    let mut stored = 0;
    let refused = loop {
        let mut place = place(stored + 1);
        place.name = "ấ".repeat(200);
        match store.insert_place(&place, TokenHash([stored as u8; 32])).await {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 250, "the disk never fills up");
    };
    assert!(matches!(&refused, StoreError::DiskFull { .. }), "{refused}");
    assert!(refused.to_string().contains("nhipcau.db"), "{refused}");
    assert_eq!(store.places().await.expect("reading goes on").len() as u64, stored, "no half-stored place");

    // What is refused in the middle of a transaction must leave lesson and log as they were.
    fill_disk(&store).await;
    let before = store.lesson(LessonId(1)).await.expect("reading goes on");
    let events = taught.apply(NOW, HOST, LessonCommand::Start).expect("the host may");
    let many: Vec<_> = events.into_iter().cycle().take(500).collect();
    let refused = store.save_lesson(taught.record(), &many).await;
    assert!(matches!(refused, Err(StoreError::DiskFull { .. })), "{refused:?}");
    assert_eq!(store.lesson(LessonId(1)).await.expect("reading goes on"), before);
    assert_eq!(store.lesson_events(LessonId(1), 0).await.expect("reading goes on"), []);

    on_writer(&store, "PRAGMA max_page_count = 100000").await.expect("room is made");
    store.save_lesson(taught.record(), &many).await.expect("the same store goes on");
    store.set_setting("still", "writing").await.expect("the same store goes on");
    assert_eq!(store.lesson_events(LessonId(1), 0).await.expect("reading goes on").len(), 500);
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told_from_a_full_disk() {
    let (_folder, store) = new_store().await;
    on_writer(&store, "PRAGMA query_only = ON").await.expect("a pragma");
    let refused = store.insert_lesson(lesson(1).record()).await;
    assert!(matches!(refused, Err(StoreError::ReadOnly { .. })), "{refused:?}");
    assert_eq!(store.lessons().await.expect("reading goes on"), []);
}

#[tokio::test]
async fn the_log_of_a_lesson_cannot_be_rewritten_and_goes_only_with_it() {
    let (_folder, store) = new_store().await;
    let mut lesson = lesson(1);
    store.insert_lesson(lesson.record()).await.expect("a new lesson");
    for command in [LessonCommand::Test, LessonCommand::End, LessonCommand::Start] {
        let events = lesson.apply(NOW, HOST, command).expect("the host may");
        store.save_lesson(lesson.record(), &events).await.expect("it is stored");
    }
    for sql in ["UPDATE lesson_events SET at = 0", "DELETE FROM lesson_events WHERE seq = 2"] {
        let refused = on_writer(&store, sql).await.expect_err("the log is append-only");
        assert!(refused.to_string().contains("append-only"), "{refused}");
    }
    assert_eq!(store.lesson_events(LessonId(1), 0).await.expect("a log").len(), 3);
    store.delete_lesson(LessonId(1)).await.expect("the lesson exists");
    assert_eq!(store.lesson_events(LessonId(1), 0).await.expect("a log"), []);
}

#[tokio::test]
async fn tables_refuse_what_no_rule_of_the_program_would_write() {
    let (_folder, store) = new_store().await;
    for sql in [
        "INSERT INTO lessons (id, title, state, invites_all, created_at) VALUES ('0000000000001', 'x', 'paused', 1, 0)",
        "INSERT INTO invitations (id, token_hash, role, created_at) VALUES ('0000000000001', zeroblob(32), 'host', 0)",
        "INSERT INTO invitations (id, token_hash, role, created_at) VALUES ('0000000000001', x'00', 'organiser', 0)",
        "INSERT INTO places (id, name, created_at) VALUES ('short', 'x', 0)",
    ] {
        assert!(on_writer(&store, sql).await.is_err(), "{sql}");
    }
}

#[tokio::test]
async fn a_row_edited_by_hand_is_reported_with_the_files_name() {
    let (_folder, store) = new_store().await;
    on_writer(&store, "INSERT INTO places (id, name, created_at) VALUES ('uuuuuuuuuuuuu', 'x', 0)")
        .await
        .expect("SQL");
    let refused = store.places().await.expect_err("u is not in our alphabet");
    assert!(matches!(&refused, StoreError::Corrupted { .. }), "{refused}");
    assert!(refused.to_string().contains("nhipcau.db"), "{refused}");
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_alone() {
    let (folder, store) = new_store().await;
    on_writer(
        &store,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', TRUE, zeroblob(48), 0)",
    )
    .await
    .expect("SQL");
    store.close().await;
    let refused = Store::open(folder.path().join("nhipcau.db")).await.expect_err("it is newer");
    assert!(matches!(&refused, StoreError::FromNewerVersion { version: 9999, .. }), "{refused}");
}

#[tokio::test]
async fn the_ninth_paired_screen_of_a_room_takes_the_place_of_the_first() {
    let (_folder, store) = new_store().await;
    store.insert_place(&place(1), TokenHash([200; 32])).await.expect("a new place");
    for n in 0..=SCREENS_PER_PLACE_MAX as u8 {
        let paired_at = UnixMillis::clamped(NOW.get() + i64::from(n));
        store.add_place_screen(PlaceId(1), TokenHash([n; 32]), paired_at).await.expect("the place exists");
    }
    let works = async |n: u8| store.place_by_token(TokenHash([n; 32])).await.expect("a look-up").is_some();
    assert!(!works(0).await, "the oldest screen is forgotten");
    for n in (1..=SCREENS_PER_PLACE_MAX as u8).chain([200]) {
        assert!(works(n).await, "screen {n}");
    }
}

#[tokio::test]
async fn writers_that_come_together_wait_for_each_other() {
    let (_folder, store) = new_store().await;
    let all = (0..50).map(|n| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .insert_place(&place(n), TokenHash([n as u8; 32]))
                .await
                .expect("nobody meets a locked file");
            assert!(!store.places().await.expect("nobody meets a locked file").is_empty());
        })
    });
    for one in all.collect::<Vec<_>>() {
        one.await.expect("no panic");
    }
    assert_eq!(store.places().await.expect("places").len(), 50);
}

#[tokio::test]
async fn a_write_given_up_half_way_leaves_nothing_and_blocks_nobody() {
    let (_folder, store) = new_store().await;
    let mut transaction = store.begin().await.expect("a transaction");
    sqlx::query("INSERT INTO settings (key, value) VALUES ('a', 'b')")
        .execute(&mut *transaction)
        .await
        .expect("SQL");
    drop(transaction);
    store.set_setting("c", "d").await.expect("the writer is free again");
    assert_eq!(store.setting("a").await.expect("a look-up"), None);
}

#[tokio::test]
async fn an_invitation_row_keeps_every_field() {
    let (_folder, store) = new_store().await;
    store.insert_lesson(lesson(1).record()).await.expect("a new lesson");
    for (n, role) in [Role::Host, Role::Observer, Role::Organiser].into_iter().enumerate() {
        let id = InvitationId(n as u64);
        let expires_at = Some(NOW).filter(|_| role == Role::Observer);
        let invitation =
            Invitation::new(id, role, Some(LessonId(1)), Some("Cụm 3"), NOW, expires_at).expect("valid");
        store.insert_invitation(&invitation, TokenHash([n as u8; 32])).await.expect("a new invitation");
        assert_eq!(store.invitation(id).await.expect("it exists"), invitation);
    }
    assert_eq!(store.lesson(LessonId(1)).await.expect("it exists").state, LessonState::Scheduled);
}

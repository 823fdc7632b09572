//! What an observer notices of the store: words are there once, in order, and only hers.

use domain::{CommentId, Invited, Lesson, LessonId, SheetId, UnixMillis};
use notes::{Key, Minutes, Register, Tick, built_in_forms};
use serde_json::json;
use std::collections::BTreeMap;
use store::{Comment, Entity, LessonNotes, PictureInfo, Store, StoreError, TimelineDoor, TokenHash, Weight};

const NOW: UnixMillis = UnixMillis::clamped(1_792_303_200_000);
const LATER: UnixMillis = UnixMillis::clamped(1_792_303_260_000);
const LIMIT: Weight = Weight { count: 1_000, bytes: 1_000_000 };
const LESSON: LessonId = LessonId(7);

struct School {
    folder: tempfile::TempDir,
    store: Store,
}

impl School {
    async fn with_lesson() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(folder.path().join("nhipcau.db")).await.expect("a fresh store");
        let lesson = Lesson::schedule(LESSON, "Phân số", None, None, Invited::All, NOW).expect("a title");
        store.insert_lesson(lesson.record()).await.expect("a new lesson");
        Self { folder, store }
    }

    async fn restart(self) -> Self {
        self.store.close().await;
        let store = Store::open(self.folder.path().join("nhipcau.db")).await.expect("it opens again");
        Self { store, ..self }
    }

    async fn sheet(&self, number: u8) -> SheetId {
        let id = SheetId(u64::from(number));
        self.store.insert_sheet(id, token(number), LESSON, "Phân số", NOW).await.expect("a new sheet");
        id
    }
}

fn token(n: u8) -> TokenHash {
    TokenHash([n; 32])
}

fn written(key: &str, replica: &str, millis: u64, text: &str) -> (Key, Register) {
    let mut register = Register::default();
    register.write(Tick::new(millis, 0).by(replica.parse().expect("a replica")), json!(text));
    (key.parse().expect("a key"), register)
}

fn comment(id: u64, author: Option<SheetId>, on_sheet: SheetId) -> Comment {
    Comment {
        id: CommentId(id),
        author,
        on_sheet,
        on_row: "r1".to_owned(),
        text: "Em cũng thấy vậy".to_owned(),
        created_at: NOW,
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_restart_once_and_a_retry_changes_nothing() {
    let school = School::with_lesson().await;
    let id = school.sheet(1).await;
    let rows: BTreeMap<Key, Register> = (0..40)
        .map(|row| written(&format!("row.r{row}.pupils"), "laptop00", 1_000 + row, "Thảo luận"))
        .collect();
    let first = school.store.merge_sheet(id, &rows, 0, LIMIT, NOW).await.expect("a merge");
    assert_eq!((first.seq, first.news.len()), (1, 0));
    let again = school.store.merge_sheet(id, &rows, 0, LIMIT, LATER).await.expect("the same again");
    assert_eq!((again.seq, again.news.len()), (1, 0));
    let school = school.restart().await;
    let content = school.store.sheet_content(id).await.expect("it is there");
    assert_eq!(content.registers(), &rows);
    assert_eq!(school.store.sheet(id).await.expect("it is there").changed_at, NOW);
}

#[tokio::test]
async fn a_phone_gets_what_the_laptop_wrote_and_nothing_twice() {
    let school = School::with_lesson().await;
    let id = school.sheet(1).await;
    let laptop = BTreeMap::from([written("row.a.remark", "laptop00", 1_000, "Rõ ràng")]);
    let phone = BTreeMap::from([
        written("row.a.remark", "phone000", 2_000, "Rõ, dễ hiểu"),
        written("row.b.remark", "phone000", 2_000, "Nhanh"),
    ]);
    school.store.merge_sheet(id, &laptop, 0, LIMIT, NOW).await.expect("a merge");
    let told = school.store.merge_sheet(id, &phone, 0, LIMIT, NOW).await.expect("a merge");
    // Both wrote into one cell without knowing of each other: the phone learns of the laptop's words.
    let both = &told.news[&"row.a.remark".parse::<Key>().expect("a key")];
    assert_eq!(both.heads.len(), 2);
    assert_eq!(told.news.len(), 1);
    let news = school.store.merge_sheet(id, &BTreeMap::new(), 1, LIMIT, NOW).await.expect("asked");
    assert_eq!((news.seq, news.news.len()), (2, 2));
    let nothing = school.store.merge_sheet(id, &BTreeMap::new(), 2, LIMIT, NOW).await.expect("asked");
    assert_eq!(nothing.news.len(), 0);
}

#[tokio::test]
async fn a_token_opens_one_sheet_and_taking_an_id_that_is_taken_is_refused() {
    let school = School::with_lesson().await;
    let id = school.sheet(1).await;
    let again = school.store.insert_sheet(id, token(1), LESSON, "Phân số", LATER).await.expect("a retry");
    assert_eq!(again.created_at, NOW);
    for (id, token) in [(id, token(2)), (SheetId(2), token(1))] {
        let refused = school.store.insert_sheet(id, token, LESSON, "Phân số", NOW).await;
        assert!(matches!(refused, Err(StoreError::Conflict { what: Entity::Sheet })), "{refused:?}");
    }
    let found = school.store.sheet_by_token(token(1)).await.expect("asked").expect("there is one");
    assert_eq!(found.id, id);
    assert_eq!(school.store.sheet_by_token(token(9)).await.expect("asked"), None);
}

#[tokio::test]
async fn a_full_sheet_refuses_more_and_keeps_what_it_has() {
    let school = School::with_lesson().await;
    let id = school.sheet(1).await;
    let small = Weight { count: 2, bytes: 10_000 };
    let two = BTreeMap::from([
        written("row.a.remark", "laptop00", 1, "a"),
        written("row.b.remark", "laptop00", 1, "b"),
    ]);
    school.store.merge_sheet(id, &two, 0, small, NOW).await.expect("two fit");
    let third = BTreeMap::from([written("row.c.remark", "laptop00", 2, "c")]);
    let refused = school.store.merge_sheet(id, &third, 0, small, NOW).await;
    assert!(matches!(refused, Err(StoreError::Full { what: Entity::Sheet })), "{refused:?}");
    let longer = BTreeMap::from([written("row.a.remark", "laptop00", 3, &"ấ".repeat(4_000))]);
    let refused = school.store.merge_sheet(id, &longer, 0, small, NOW).await;
    assert!(matches!(refused, Err(StoreError::Full { what: Entity::Sheet })), "{refused:?}");
    let shorter = BTreeMap::from([written("row.a.remark", "laptop00", 4, "x")]);
    school.store.merge_sheet(id, &shorter, 0, small, NOW).await.expect("a change still fits");
    assert_eq!(school.store.sheet_content(id).await.expect("it is there").registers().len(), 2);
}

#[tokio::test]
async fn a_sheet_outlives_its_lesson_and_goes_when_nobody_wrote_on_it_for_long() {
    let school = School::with_lesson().await;
    let id = school.sheet(1).await;
    school.store.delete_lesson(LESSON).await.expect("the lesson goes");
    assert_eq!(school.store.sheet(id).await.expect("the sheet stays").lesson_title, "Phân số");
    assert_eq!(school.store.delete_orphaned_sheets(NOW).await.expect("asked"), 0);
    assert_eq!(school.store.delete_orphaned_sheets(LATER).await.expect("asked"), 1);
}

#[tokio::test]
async fn a_picture_is_stored_once_and_goes_with_its_sheet() {
    let school = School::with_lesson().await;
    let id = school.sheet(1).await;
    let picture = PictureInfo { id: "p1".to_owned(), media_type: "image/webp".to_owned(), bytes: 4 };
    let limit = Weight { count: 1, bytes: 100 };
    school.store.insert_picture(id, &picture, b"RIFF", LIMIT, NOW).await.expect("a picture");
    school.store.insert_picture(id, &picture, b"RIFF", LIMIT, NOW).await.expect("a retry");
    assert_eq!(school.store.pictures(id).await.expect("asked"), std::slice::from_ref(&picture));
    let second = PictureInfo { id: "p2".to_owned(), ..picture };
    let refused = school.store.insert_picture(id, &second, b"RIFF", limit, NOW).await;
    assert!(matches!(refused, Err(StoreError::Full { what: Entity::Picture })), "{refused:?}");
    assert_eq!(school.store.picture(id, "p1").await.expect("it is there").1, b"RIFF");
    school.store.delete_sheet(id).await.expect("the sheet goes");
    assert!(school.store.picture(id, "p1").await.is_err());
}

#[tokio::test]
async fn an_old_sheet_keeps_its_version_of_a_form() {
    let school = School::with_lesson().await;
    let mut form = built_in_forms().remove(0);
    form.id = "mau-11".to_owned();
    let first = school.store.insert_form(form.clone(), 1, NOW).await.expect("version 1");
    form.title = "Mẫu 11 tiêu chí, sửa".to_owned();
    let second = school.store.insert_form(form, 1, LATER).await.expect("version 2");
    assert_eq!((first.version, second.version), (1, 2));
    assert_eq!(school.store.form(&first.reference()).await.expect("it stays"), first);
    school.store.retire_form("mau-11", LATER).await.expect("retired");
    let offered = school.store.forms().await.expect("asked");
    assert_eq!(offered.len(), 1);
    assert_eq!((offered[0].form.version, offered[0].retired_at), (2, Some(LATER)));
}

#[tokio::test]
async fn minutes_saved_by_two_people_at_once_are_not_overwritten_unseen() {
    let school = School::with_lesson().await;
    let minutes = Minutes { chair: "Cô Hà".to_owned(), ..Minutes::default() };
    assert_eq!(school.store.minutes(LESSON).await.expect("asked"), None);
    assert_eq!(school.store.save_minutes(LESSON, 0, &minutes, NOW).await.expect("saved"), 1);
    let second = school.store.save_minutes(LESSON, 0, &minutes, NOW).await;
    assert!(matches!(second, Err(StoreError::Conflict { what: Entity::Minutes })), "{second:?}");
    assert_eq!(school.store.save_minutes(LESSON, 1, &minutes, NOW).await.expect("saved"), 2);
    assert_eq!(school.store.minutes(LESSON).await.expect("asked").expect("saved").revision, 2);
}

#[tokio::test]
async fn the_timelines_version_changes_with_everything_it_shows() {
    let school = School::with_lesson().await;
    let version = async || school.store.timeline_version(LESSON).await.expect("asked");
    let mut seen = vec![version().await];
    let id = school.sheet(1).await;
    seen.push(version().await);
    let one = BTreeMap::from([written("row.a.remark", "laptop00", 1, "a")]);
    school.store.merge_sheet(id, &one, 0, LIMIT, NOW).await.expect("a merge");
    seen.push(version().await);
    school.store.insert_comment(LESSON, &comment(1, Some(id), id), 9).await.expect("a comment");
    seen.push(version().await);
    school.store.insert_comment(LESSON, &comment(2, None, id), 9).await.expect("a comment");
    let thief = school.store.delete_comment(LESSON, CommentId(2), Some(id)).await;
    assert!(matches!(thief, Err(StoreError::NotFound { what: Entity::Comment })), "{thief:?}");
    school.store.delete_comment(LESSON, CommentId(1), Some(id)).await.expect("her own");
    seen.push(version().await);
    let full = school.store.insert_comment(LESSON, &comment(3, None, id), 1).await;
    assert!(matches!(full, Err(StoreError::Full { what: Entity::Comment })), "{full:?}");
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "{seen:?}");
    let chosen = LessonNotes { form: Some(built_in_forms()[0].reference()), timeline: TimelineDoor::Open };
    school.store.set_lesson_notes(LESSON, &chosen).await.expect("stored");
    assert_eq!(school.store.lesson_notes(LESSON).await.expect("asked"), chosen);
    assert_eq!(school.store.lesson_notes(LessonId(9)).await.expect("asked"), LessonNotes::default());
}

//! What an organiser notices of the store: things are still there, and links work exactly as long as they should.

use domain::{
    Identity, Invitation, InvitationId, Invited, Lesson, LessonCommand, LessonEdit, LessonEvent, LessonId,
    Place, PlaceId, Refusal, Role, UnixMillis,
};
use std::{fs, path::PathBuf, time::Duration};
use store::{Credential, Entity, Store, StoreError, TokenHash};

const NOW: UnixMillis = UnixMillis::clamped(1_792_303_200_000);
const HOST: Identity = Identity::Host { invitation: InvitationId(1), lesson: LessonId(1) };

struct School {
    folder: tempfile::TempDir,
    store: Store,
}

impl School {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(folder.path().join("data/nhipcau.db")).await.expect("a fresh store");
        Self { folder, store }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("data/nhipcau.db")
    }

    async fn restart(self) -> Self {
        self.store.close().await;
        let store = Store::open(self.file()).await.expect("the same file opens again");
        Self { store, ..self }
    }
}

fn token(n: u8) -> TokenHash {
    TokenHash([n; 32])
}

fn place(id: u64, name: &str) -> Place {
    Place::new(PlaceId(id), name, NOW).expect("a good name")
}

fn lesson(id: u64, invited: Invited) -> Lesson {
    let title = "Tiếng Anh 3 – Unit 5";
    Lesson::schedule(LessonId(id), title, Some("Hà Nội, lớp 3A"), Some(NOW), invited, NOW)
        .expect("a good title")
}

fn invitation(id: u64, role: Role, lesson: Option<u64>) -> Invitation {
    Invitation::new(InvitationId(id), role, lesson.map(LessonId), None, NOW, None)
        .expect("a valid invitation")
}

fn not_found<T: std::fmt::Debug>(result: &Result<T, StoreError>, expected: Entity) {
    assert!(matches!(result, Err(StoreError::NotFound { what }) if *what == expected), "{result:?}");
}

fn conflict<T: std::fmt::Debug>(result: &Result<T, StoreError>, expected: Entity) {
    assert!(matches!(result, Err(StoreError::Conflict { what }) if *what == expected), "{result:?}");
}

#[tokio::test]
async fn everything_survives_a_restart() {
    let school = School::new().await;
    let (room_a, room_b) = (place(1, "Mèo Vạc – phòng 3A"), place(2, "Sủng Trà"));
    school.store.insert_place(&room_a, token(1)).await.expect("a new place");
    school.store.insert_place(&room_b, token(2)).await.expect("a new place");
    let mut for_one = lesson(1, Invited::Only([PlaceId(2)].into()));
    let for_all = lesson(2, Invited::All);
    school.store.insert_lesson(for_one.record()).await.expect("a new lesson");
    school.store.insert_lesson(for_all.record()).await.expect("a new lesson");
    let events = for_one.apply(NOW, HOST, LessonCommand::Start).expect("the host may");
    school.store.save_lesson(for_one.record(), &events).await.expect("it is stored");
    let host = invitation(1, Role::Host, Some(1));
    school.store.insert_invitation(&host, token(3)).await.expect("a new invitation");
    school.store.set_setting("base_url", "https://a").await.expect("a setting");
    school.store.set_setting("base_url", "https://b").await.expect("a setting");

    let school = school.restart().await;
    assert_eq!(school.store.places().await.expect("places"), [room_a, room_b.clone()]);
    assert_eq!(
        school.store.lessons().await.expect("lessons"),
        [for_one.record().clone(), for_all.record().clone()]
    );
    assert_eq!(&school.store.lesson(LessonId(1)).await.expect("it exists"), for_one.record());
    assert_eq!(
        school.store.credential(token(3)).await.expect("a look-up"),
        Some(Credential::Invitation(host))
    );
    assert_eq!(school.store.place_by_token(token(2)).await.expect("a look-up"), Some(room_b));
    assert_eq!(school.store.setting("base_url").await.expect("a look-up").as_deref(), Some("https://b"));
    assert_eq!(school.store.setting("never set").await.expect("a look-up"), None);
}

#[tokio::test]
async fn a_revoked_link_is_known_as_revoked_and_opens_nothing() {
    let School { store, folder: _folder } = School::new().await;
    store.insert_lesson(lesson(1, Invited::All).record()).await.expect("a new lesson");
    store
        .insert_invitation(&invitation(1, Role::Observer, Some(1)), token(1))
        .await
        .expect("a new invitation");
    let opens = async || store.credential(token(1)).await.expect("a look-up").expect("it is known").open(NOW);
    assert_eq!(opens().await, Ok(Identity::Observer { invitation: InvitationId(1), lesson: LessonId(1) }));
    let revoked = store.revoke_invitation(InvitationId(1), NOW).await.expect("it exists");
    assert_eq!(revoked.revoked_at, Some(NOW));
    assert_eq!(opens().await, Err(Refusal::InvitationRevoked));
    let again =
        store.revoke_invitation(InvitationId(1), NOW.plus(Duration::from_secs(9))).await.expect("it exists");
    assert_eq!(again.revoked_at, Some(NOW), "the first time counts");
    assert_eq!(store.invitations(Some(LessonId(1))).await.expect("a list").len(), 1, "it stays listed");
    assert_eq!(store.credential(token(9)).await.expect("a look-up"), None);
}

#[tokio::test]
async fn a_new_link_of_a_place_kills_the_old_one_and_every_paired_screen() {
    let School { store, folder: _folder } = School::new().await;
    let room = place(1, "Phòng 3A");
    store.insert_place(&room, token(1)).await.expect("a new place");
    store.add_place_screen(PlaceId(1), token(2), NOW).await.expect("the place exists");
    for n in [1, 2] {
        assert_eq!(store.place_by_token(token(n)).await.expect("a look-up"), Some(room.clone()));
    }
    assert_eq!(store.rotate_place_link(PlaceId(1), token(3), NOW).await.expect("the place exists"), room);
    for n in [1, 2] {
        assert_eq!(store.place_by_token(token(n)).await.expect("a look-up"), None);
        let known = store.credential(token(n)).await.expect("a look-up").expect("the screen should be told");
        assert_eq!(known.open(NOW), Err(Refusal::InvitationRevoked));
    }
    let known = store.credential(token(3)).await.expect("a look-up").expect("it is known");
    assert_eq!(known.open(NOW), Ok(Identity::Place { place: PlaceId(1) }));
}

#[tokio::test]
async fn a_link_cannot_be_made_twice_nor_for_what_does_not_exist() {
    let School { store, folder: _folder } = School::new().await;
    store.insert_place(&place(1, "Phòng 3A"), token(1)).await.expect("a new place");
    conflict(&store.insert_place(&place(1, "Phòng 3B"), token(2)).await, Entity::Place);
    conflict(&store.insert_place(&place(2, "Phòng 3B"), token(1)).await, Entity::Token);
    not_found(&store.place(PlaceId(2)).await, Entity::Place);
    conflict(&store.rotate_place_link(PlaceId(1), token(1), NOW).await, Entity::Token);
    assert!(
        store.place_by_token(token(1)).await.expect("a look-up").is_some(),
        "a failed change changes nothing"
    );
    conflict(
        &store.insert_invitation(&invitation(1, Role::Host, Some(7)), token(3)).await,
        Entity::Invitation,
    );
    conflict(
        &store.insert_lesson(lesson(1, Invited::Only([PlaceId(9)].into())).record()).await,
        Entity::Place,
    );
    not_found(&store.lesson(LessonId(1)).await, Entity::Lesson);
    store.insert_invitation(&invitation(1, Role::Organiser, None), token(3)).await.expect("a new invitation");
    conflict(
        &store.insert_invitation(&invitation(2, Role::Organiser, None), token(3)).await,
        Entity::Invitation,
    );
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let School { store, folder: _folder } = School::new().await;
    not_found(&store.lesson(LessonId(1)).await, Entity::Lesson);
    not_found(&store.save_lesson(lesson(1, Invited::All).record(), &[]).await, Entity::Lesson);
    not_found(&store.delete_lesson(LessonId(1)).await, Entity::Lesson);
    not_found(&store.place(PlaceId(1)).await, Entity::Place);
    not_found(&store.update_place(&place(1, "Phòng 3A")).await, Entity::Place);
    not_found(&store.delete_place(PlaceId(1)).await, Entity::Place);
    not_found(&store.rotate_place_link(PlaceId(1), token(1), NOW).await, Entity::Place);
    not_found(&store.add_place_screen(PlaceId(1), token(1), NOW).await, Entity::Place);
    not_found(&store.invitation(InvitationId(1)).await, Entity::Invitation);
    not_found(&store.revoke_invitation(InvitationId(1), NOW).await, Entity::Invitation);
}

#[tokio::test]
async fn deleting_takes_along_what_belongs_to_it_and_nothing_else() {
    let School { store, folder: _folder } = School::new().await;
    let mut room = place(1, "Phòng 3A");
    store.insert_place(&room, token(1)).await.expect("a new place");
    store.insert_place(&place(2, "Phòng 3B"), token(2)).await.expect("a new place");
    let both = Invited::Only([PlaceId(1), PlaceId(2)].into());
    store.insert_lesson(lesson(1, both).record()).await.expect("a new lesson");
    store.insert_invitation(&invitation(1, Role::Host, Some(1)), token(3)).await.expect("a new invitation");
    room.rename("Phòng 3C").expect("a good name");
    store.update_place(&room).await.expect("it exists");
    assert_eq!(store.place(PlaceId(1)).await.expect("it exists").name, "Phòng 3C");

    store.delete_place(PlaceId(2)).await.expect("it exists");
    assert_eq!(store.credential(token(2)).await.expect("a look-up"), None);
    let left = store.lesson(LessonId(1)).await.expect("it exists").invited;
    assert_eq!(left, Invited::Only([PlaceId(1)].into()));

    store.delete_lesson(LessonId(1)).await.expect("it exists");
    assert_eq!(store.credential(token(3)).await.expect("a look-up"), None);
    assert_eq!(store.places().await.expect("places"), [room]);
}

#[tokio::test]
async fn a_lesson_can_be_replayed_from_its_log() {
    let School { store, folder: _folder } = School::new().await;
    let planned = lesson(1, Invited::All);
    store.insert_lesson(planned.record()).await.expect("a new lesson");
    let organiser = Identity::Organiser { invitation: InvitationId(2), lesson: None };
    let edit = LessonEdit { title: Some("Phân số".into()), ..LessonEdit::default() };
    let mut taught = planned.clone();
    for (who, command) in [
        (HOST, LessonCommand::Test),
        (organiser, LessonCommand::Edit(edit)),
        (HOST, LessonCommand::End),
        (HOST, LessonCommand::Start),
        (HOST, LessonCommand::End),
    ] {
        let events = taught.apply(NOW, who, command).expect("it is allowed");
        store.save_lesson(taught.record(), &events).await.expect("it is stored");
    }
    let log = store.lesson_events(LessonId(1), 0).await.expect("a log");
    assert_eq!(log.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    let mut replayed = planned;
    for entry in &log {
        replayed.evolve(&entry.event);
    }
    assert_eq!(replayed, taught);
    assert_eq!(store.lesson(LessonId(1)).await.expect("it exists"), *taught.record());
    let last = store.lesson_events(LessonId(1), 4).await.expect("a log");
    assert!(matches!(last[..], [store::LoggedEvent { seq: 5, event: LessonEvent::Ended { .. } }]));
}

#[tokio::test]
async fn the_first_start_is_recognised_and_so_is_being_locked_out() {
    let School { store, folder: _folder } = School::new().await;
    let links = async |now| store.organiser_invitations(now).await.expect("a count");
    assert_eq!(links(NOW).await, 0);
    store.insert_lesson(lesson(1, Invited::All).record()).await.expect("a new lesson");
    store
        .insert_invitation(&invitation(1, Role::Organiser, Some(1)), token(1))
        .await
        .expect("a new invitation");
    assert_eq!(links(NOW).await, 0, "an organiser of one lesson cannot add another");
    let mut for_a_day = invitation(2, Role::Organiser, None);
    for_a_day.expires_at = Some(NOW.plus(Duration::from_hours(24)));
    store.insert_invitation(&for_a_day, token(2)).await.expect("a new invitation");
    store.insert_invitation(&invitation(3, Role::Organiser, None), token(3)).await.expect("a new invitation");
    assert_eq!(links(NOW).await, 2);
    assert_eq!(links(NOW.plus(Duration::from_hours(24))).await, 1);
    store.revoke_invitation(InvitationId(3), NOW).await.expect("it exists");
    assert_eq!(links(NOW).await, 1);
    assert_eq!(store.invitations(None).await.expect("a list").len(), 2);
}

#[tokio::test]
async fn a_backup_made_while_lessons_go_on_is_whole_and_opens() {
    let school = School::new().await;
    let copy = school.folder.path().join("backup.db");
    school.store.insert_place(&place(1, "Phòng 3A"), token(1)).await.expect("a new place");
    let writer = {
        let store = school.store.clone();
        tokio::spawn(async move {
            for n in 2..60 {
                store.insert_place(&place(n, "Phòng"), token(n as u8)).await.expect("writing goes on");
            }
        })
    };
    school.store.backup_to(&copy).await.expect("a backup");
    writer.await.expect("no panic");
    conflict(&school.store.backup_to(&copy).await, Entity::BackupFile);
    assert!(!school.folder.path().join("backup.db.partial").exists());

    let restored = Store::open(&copy).await.expect("the copy opens");
    assert!(restored.place_by_token(token(1)).await.expect("a look-up").is_some());
    assert_eq!(school.store.places().await.expect("places").len(), 59);
    let nowhere = school.folder.path().join("no/such/folder/backup.db");
    let refused = school.store.backup_to(&nowhere).await.expect_err("there is no such folder");
    assert!(matches!(&refused, StoreError::CannotOpen { .. }), "{refused:?}");
}

#[tokio::test]
async fn a_damaged_file_is_named_before_the_lesson_not_in_it() {
    let school = School::new().await;
    for n in 0..100 {
        school.store.insert_place(&place(n, &"ấ".repeat(200)), token(n as u8)).await.expect("a new place");
    }
    school.store.close().await;
    let whole = fs::read(school.file()).expect("the file");
    let check = async |bytes: Vec<u8>| {
        fs::write(school.file(), bytes).expect("the file");
        let refused = Store::open(school.file()).await.expect_err("it is damaged");
        assert!(matches!(&refused, StoreError::Corrupted { .. }), "{refused:?}");
        assert!(refused.to_string().contains("nhipcau.db"), "{refused}");
    };
    check(b"this is a letter, not a database. ".repeat(200)).await;
    let mut middle = whole.clone();
    let half = middle.len() / 2;
    middle[half..half + 8_192].fill(0xAB);
    check(middle).await;
    check(whole[..half].to_vec()).await;
    fs::write(school.file(), &whole).expect("the file");
    let store = Store::open(school.file()).await.expect("the restored file opens");
    assert_eq!(store.places().await.expect("places").len(), 100);
}

#[tokio::test]
async fn a_file_that_cannot_be_opened_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("data"), "a file where a folder should be").expect("a file");
    let refused = Store::open(folder.path().join("data/nhipcau.db")).await.expect_err("no folder");
    assert!(matches!(&refused, StoreError::CannotOpen { .. }), "{refused:?}");
    let refused = Store::open(folder.path()).await.expect_err("a folder is no file");
    assert!(matches!(&refused, StoreError::CannotOpen { .. }), "{refused:?}");
    assert!(refused.to_string().contains(&folder.path().display().to_string()), "{refused}");
}

#[tokio::test]
async fn the_store_says_when_it_is_ready() {
    let School { store, folder: _folder } = School::new().await;
    store.ready().await.expect("it is ready");
    store.close().await;
    assert!(store.ready().await.is_err());
}

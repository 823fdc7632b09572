//! What survives of a lesson's rooms: units, phones, deeds, pictures, checks, accounts; and a copy that is put back.

use domain::{
    AnswerMode, AnswerValue, CheckResult, Deed, HELPERS_PER_PLACE_MAX, HelperId, HelperLink, Identity,
    InvitationId, Invited, Lesson, LessonCommand, LessonEdit, LessonId, NewQuestion, Participation,
    ParticipationCommand, Place, PlaceId, QuestionKind, Refusal, RoomMoment, SeatId, Timestamp, Unit, UnitId,
    UnixMillis, WorkEvent,
};
use std::{path::PathBuf, time::Duration};
use store::{Entity, Store, StoreError, TokenHash, WorkPicture};

const NOW: UnixMillis = UnixMillis::clamped(1_792_303_200_000);
const LESSON: LessonId = LessonId(1);
const HOST: Identity = Identity::Host { invitation: InvitationId(1), lesson: LESSON };
const ROOM: PlaceId = PlaceId(7);
const PHONE: Identity = Identity::Helper { place: ROOM, link: HelperId(1) };

struct School {
    folder: tempfile::TempDir,
    store: Store,
}

impl School {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let store = Store::open(folder.path().join("nhipcau.db")).await.expect("a fresh store");
        Self { folder, store }
    }

    /// With a live lesson and a room.
    async fn teaching() -> (Self, Lesson) {
        let school = Self::new().await;
        school.store.insert_place(&place(ROOM, None), token(7)).await.expect("a new place");
        let mut lesson =
            Lesson::schedule(LESSON, "Phân số", None, None, Invited::All, NOW).expect("a good title");
        school.store.insert_lesson(lesson.record()).await.expect("a new lesson");
        let events = lesson.apply(NOW, HOST, LessonCommand::Start).expect("the host may");
        school.store.save_lesson(lesson.record(), &events).await.expect("it is stored");
        (school, lesson)
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("nhipcau.db")
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

fn place(id: PlaceId, unit: Option<UnitId>) -> Place {
    Place { id, name: format!("Phòng {}", id.0), unit, created_at: NOW }
}

fn unit(id: u64, parent: Option<u64>) -> Unit {
    Unit {
        id: UnitId(id), parent: parent.map(UnitId), level: "Trường".into(), name: format!("Trường {id}")
    }
}

#[tokio::test]
async fn an_import_is_stored_whole_or_not_at_all() {
    let school = School::new().await;
    let units = [unit(1, None), unit(2, Some(1))];
    let new = [(place(PlaceId(1), Some(UnitId(2))), token(1)), (place(PlaceId(2), None), token(2))];
    school.store.import(&units, &new, &[]).await.expect("an import");
    school.store.set_partners((UnitId(1), UnitId(2)), true).await.expect("two units");
    let moved = Place { unit: Some(UnitId(1)), ..place(PlaceId(2), None) };
    // The second file names a place that was deleted meanwhile: nothing of it is taken.
    let refused =
        school.store.import(&[unit(3, None)], &[], &[moved.clone(), place(PlaceId(99), None)]).await;
    assert!(matches!(refused, Err(StoreError::NotFound { what: Entity::Place })), "{refused:?}");
    let school = school.restart().await;
    let known = school.store.units().await.expect("units");
    assert_eq!(known.all().count(), 2);
    assert_eq!(known.partners().collect::<Vec<_>>(), [(UnitId(1), UnitId(2))]);
    let units_of = |places: Vec<Place>| places.into_iter().map(|place| place.unit).collect::<Vec<_>>();
    assert_eq!(units_of(school.store.places().await.expect("places")), [Some(UnitId(2)), None]);
    school.store.import(&[], &[], &[moved]).await.expect("the place exists");
    assert_eq!(units_of(school.store.places().await.expect("places")), [Some(UnitId(2)), Some(UnitId(1))]);
    let refused = school.store.delete_unit(UnitId(1)).await;
    assert!(matches!(refused, Err(StoreError::Conflict { what: Entity::Unit })), "a unit belongs to it");
    school.store.delete_unit(UnitId(2)).await.expect("it is empty but for a room");
    assert_eq!(school.store.units().await.expect("units").partners().count(), 0);
    assert_eq!(units_of(school.store.places().await.expect("places"))[0], None, "the room stays");
}

#[tokio::test]
async fn a_ninth_phone_ends_the_first_and_a_new_link_ends_all() {
    let school = School::new().await;
    school.store.insert_place(&place(ROOM, None), token(200)).await.expect("a new place");
    let come_in = async |n: u8| {
        let at = NOW.plus(Duration::from_secs(u64::from(n)));
        let link = HelperLink::new(HelperId(u64::from(n)), ROOM, Some("Android"), at);
        school.store.insert_helper(&link, token(n)).await.expect("the place exists")
    };
    for n in 1..=HELPERS_PER_PLACE_MAX as u8 {
        assert_eq!(come_in(n).await, []);
    }
    assert_eq!(come_in(9).await, [HelperId(1)]);
    let opens = async |n: u8| {
        let credential = school.store.credential(token(n)).await.expect("a look-up");
        credential.map(|credential| credential.open(NOW.plus(Duration::from_mins(1))))
    };
    assert_eq!(opens(1).await, Some(Err(Refusal::InvitationRevoked)));
    assert_eq!(opens(9).await, Some(Ok(Identity::Helper { place: ROOM, link: HelperId(9) })));
    school.store.revoke_helper(HelperId(9), NOW).await.expect("it exists");
    assert_eq!(opens(9).await, Some(Err(Refusal::InvitationRevoked)));
    school.store.rotate_place_link(ROOM, token(201), NOW).await.expect("the place exists");
    assert_eq!(opens(2).await, Some(Err(Refusal::InvitationRevoked)));
    let unknown = school.store.revoke_helper(HelperId(99), NOW).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { what: Entity::Helper })));
    let nowhere = HelperLink::new(HelperId(50), PlaceId(99), None, NOW);
    let refused = school.store.insert_helper(&nowhere, token(50)).await;
    assert!(matches!(refused, Err(StoreError::NotFound { what: Entity::Place })));
}

#[tokio::test]
async fn deeds_and_pictures_are_stored_together_and_replay_to_the_same_state() {
    let (school, lesson) = School::teaching().await;
    let mut part = Participation::default();
    let question =
        NewQuestion { kind: QuestionKind::Choice, mode: AnswerMode::Room, options: None, prompt: None };
    for (who, command) in [
        (PHONE, ParticipationCommand::RaiseHand(true)),
        (HOST, ParticipationCommand::Ask(question)),
        (PHONE, ParticipationCommand::Answer(1, AnswerValue::Option(2))),
        (PHONE, ParticipationCommand::OfferWork("p1".into())),
    ] {
        let events = part.apply(NOW, &lesson, who, command).expect("it is allowed");
        let is_work = matches!(events[0].deed, Deed::Work(_));
        let pictures = is_work.then(|| WorkPicture { no: 1, jpeg: vec![1, 2, 3] });
        let pictures: Vec<_> = pictures.into_iter().collect();
        school.store.save_participation(LESSON, &events, &pictures).await.expect("it is stored");
    }
    let school = school.restart().await;
    let stored = school.store.participation_events(LESSON).await.expect("a log");
    assert_eq!(Participation::replay(&stored), part);
    assert_eq!(school.store.work_picture(LESSON, 1).await.expect("a picture"), [1, 2, 3]);
    assert_eq!(school.store.lessons_with_pictures().await.expect("lessons"), [LESSON]);
    let deleted = part.apply(NOW, &lesson, PHONE, ParticipationCommand::DeleteWork(1)).expect("it is hers");
    assert!(matches!(deleted[0].deed, Deed::Work(WorkEvent::Deleted { work: 1 })));
    school.store.save_participation(LESSON, &deleted, &[]).await.expect("it is stored");
    let gone = school.store.work_picture(LESSON, 1).await;
    assert!(
        matches!(gone, Err(StoreError::NotFound { what: Entity::Work })),
        "no trace of the photo is left"
    );
    // Half a batch is never there: the second picture clashes with the first.
    let events =
        part.apply(NOW, &lesson, PHONE, ParticipationCommand::OfferWork("p2".into())).expect("allowed");
    let twice = WorkPicture { no: 2, jpeg: vec![4] };
    let refused = school.store.save_participation(LESSON, &events, &[twice.clone(), twice]).await;
    assert!(matches!(refused, Err(StoreError::Conflict { what: Entity::Work })), "{refused:?}");
    assert_eq!(school.store.participation_events(LESSON).await.expect("a log").len(), stored.len() + 1);
    school.store.delete_lesson(LESSON).await.expect("it exists");
    assert_eq!(school.store.participation_events(LESSON).await.expect("a log"), []);
    let late = school.store.save_participation(LESSON, &events, &[]).await;
    assert!(matches!(late, Err(StoreError::Conflict { what: Entity::Lesson })), "{late:?}");
}

#[tokio::test]
async fn who_holds_a_lesson_and_whom_it_keeps_out_survives_a_restart() {
    let (school, mut lesson) = School::teaching().await;
    let edit = LessonEdit { rehearsal: Some(true), ..LessonEdit::default() };
    let organiser = Identity::Organiser { invitation: InvitationId(2), lesson: None };
    for (who, command) in [
        (organiser, LessonCommand::Edit(edit)),
        (HOST, LessonCommand::Lock(true)),
        (HOST, LessonCommand::Remove(ROOM)),
        (HOST, LessonCommand::HandOver(InvitationId(9))),
    ] {
        let events = lesson.apply(NOW, who, command).expect("it is allowed");
        school.store.save_lesson(lesson.record(), &events).await.expect("it is stored");
    }
    let school = school.restart().await;
    assert_eq!(&school.store.lesson(LESSON).await.expect("it exists"), lesson.record());
    assert_eq!(school.store.lessons().await.expect("lessons"), [lesson.record().clone()]);
    let log = school.store.lesson_events(LESSON, 0).await.expect("a log");
    assert_eq!(log.len(), 5);
    // A place that is deleted is kept out of nothing any more.
    school.store.delete_place(ROOM).await.expect("it exists");
    assert!(school.store.lesson(LESSON).await.expect("it exists").control.removed.is_empty());
}

#[tokio::test]
async fn checks_and_accounts_are_kept_and_a_rehearsal_s_are_forgotten() {
    let (school, _) = School::teaching().await;
    let weak = CheckResult { down_kbps: Some(250), ..CheckResult::default() };
    let strong = CheckResult { down_kbps: Some(5_000), loss: Some(0.015_625), ..CheckResult::default() };
    school.store.save_check(LESSON, ROOM, NOW, &weak).await.expect("it is stored");
    let later = NOW.plus(Duration::from_mins(1));
    school.store.save_check(LESSON, ROOM, later, &strong).await.expect("the newest counts");
    let mut accounts = school.store.attendance(LESSON).await.expect("accounts");
    accounts.entered(ROOM);
    accounts.seated(SeatId(u64::MAX), Some("Cô Hoa"));
    for seconds in [0, 2, 4] {
        let now = Timestamp::ZERO + Duration::from_secs(seconds);
        let moment = RoomMoment { rung: Some(6), frozen: false };
        accounts.look(now, NOW.plus(Duration::from_secs(seconds)), ROOM, moment);
        accounts.observed(now, NOW, SeatId(u64::MAX), seconds + 1);
    }
    let changed = accounts.take_changes();
    school.store.save_attendance(LESSON, &changed).await.expect("it is stored");
    let school = school.restart().await;
    assert_eq!(school.store.checks(LESSON).await.expect("checks"), [(ROOM, later, strong)]);
    let kept = school.store.attendance(LESSON).await.expect("accounts");
    let rooms: Vec<_> = kept.rooms().map(|(place, account)| (place, account.received_ms())).collect();
    assert_eq!(rooms, [(ROOM, 4_000)]);
    let observers: Vec<_> = kept.observers().map(|(seat, account)| (seat, account.name.clone())).collect();
    assert_eq!(observers, [(SeatId(u64::MAX), Some("Cô Hoa".to_owned()))]);
    school.store.clear_attendance(LESSON).await.expect("a rehearsal");
    assert_eq!(school.store.attendance(LESSON).await.expect("accounts").rooms().count(), 0);
}

#[tokio::test]
async fn a_copy_is_put_back_while_others_read_and_write_and_what_was_before_is_kept() {
    let (school, mut lesson) = School::teaching().await;
    let copy = school.folder.path().join("copy.db");
    school.store.backup_to(&copy).await.expect("a copy");
    assert_eq!(school.store.restored().await.expect("a look-up"), None);
    school.store.insert_place(&place(PlaceId(8), None), token(8)).await.expect("a new place");
    let events = lesson.apply(NOW, HOST, LessonCommand::End).expect("the host may");
    school.store.save_lesson(lesson.record(), &events).await.expect("it is stored");
    let kept = store::restore(&school.file(), &copy, "before")
        .await
        .expect("a sound copy")
        .expect("there was something");
    assert_eq!(school.store.lesson(LESSON).await.expect("it exists").state.as_str(), "live");
    assert_eq!(
        school.store.lesson_events(LESSON, 0).await.expect("a log").len(),
        1,
        "the log is the copy's too"
    );
    assert_eq!(school.store.places().await.expect("places").len(), 1);
    let first = school.store.restored().await.expect("a look-up");
    assert!(first.is_some(), "a running server finds out");
    // It goes on being written, and its log is guarded as before.
    school.store.insert_place(&place(PlaceId(9), None), token(9)).await.expect("a new place");
    let mut restored = Lesson::restore(school.store.lesson(LESSON).await.expect("it exists"));
    let events = restored.apply(NOW, HOST, LessonCommand::End).expect("the host may");
    school.store.save_lesson(restored.record(), &events).await.expect("it is stored");
    let before = Store::open(&kept).await.expect("it opens as it was");
    assert_eq!(before.places().await.expect("places").len(), 2);
    assert_eq!(before.lesson(LESSON).await.expect("it exists").state.as_str(), "ended");
    before.close().await;
    store::restore(&school.file(), &kept, "before-2").await.expect("a sound copy");
    assert_ne!(school.store.restored().await.expect("a look-up"), first, "every time");
    assert_eq!(school.store.places().await.expect("places").len(), 2);
}

#[tokio::test]
async fn what_is_no_copy_is_refused_and_changes_nothing() {
    let (school, _) = School::teaching().await;
    let folder = school.folder.path();
    let refuse = async |name: &str, content: &[u8]| {
        let file = folder.join(name);
        std::fs::write(&file, content).expect("a file");
        let refused = store::restore(&school.file(), &file, "before").await.expect_err("it is no copy");
        assert!(refused.to_string().contains(name), "{refused}");
        refused
    };
    assert!(matches!(
        refuse("text.db", b"hello, this is not a database at all").await,
        StoreError::Corrupted { .. }
    ));
    let sound = folder.join("sound.db");
    school.store.backup_to(&sound).await.expect("a copy");
    let bytes = std::fs::read(&sound).expect("a file");
    let mut torn = bytes.clone();
    torn.truncate(bytes.len() / 2);
    refuse("torn.db", &torn).await;
    let empty = Store::open(folder.join("newer.db")).await.expect("a fresh store");
    empty.close().await;
    let missing = store::restore(&school.file(), &folder.join("nowhere.db"), "before").await;
    assert!(matches!(missing, Err(StoreError::CannotOpen { .. })), "{missing:?}");
    assert_eq!(school.store.places().await.expect("places").len(), 1);
    assert_eq!(school.store.restored().await.expect("a look-up"), None);
    let left: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains("restoring") || name.contains("before"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    // Into an empty folder a copy simply becomes the database.
    let elsewhere = folder.join("elsewhere/nhipcau.db");
    assert_eq!(store::restore(&elsewhere, &sound, "before").await.expect("a sound copy"), None);
    let store = Store::open(&elsewhere).await.expect("it opens");
    assert_eq!(store.places().await.expect("places").len(), 1);
}

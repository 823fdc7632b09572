//! All lessons: each has a task that owns it, and everybody can read what is known of them.

mod accounts;
mod board;
mod call;
mod directory;
mod guests;
mod links;
mod news;
mod peers;
mod room;
mod rung;
mod stills;
mod taking_part;

use crate::{
    clock::Clock,
    config::Config,
    lines::Lines,
    media::{MediaEvent, MediaHandle},
    problem::store_problem,
    segments::Watchers,
    sessions::Sessions,
};
use call::Call;
pub(crate) use call::{LessonHandle, Looked, Opened, Page};
pub(crate) use directory::Directory;
use domain::{Identity, InvitationId, Lesson, LessonId, LessonRecord, LessonState, Place, PlaceId, Units};
pub(crate) use links::PageAbilities;
use room::Room;
use signalling::{NewLesson, Problem, ProblemCode};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use store::{Store, StoreError};
pub(crate) use taking_part::observer_name;
use tokio::sync::{mpsc, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::error;

/// Requests that may wait for one lesson.
const CALLS_MAX: usize = 1_024;

/// How long after a lesson its pupils' works stay for somebody to decide which to keep.
const WORKS_KEPT_FOR: Duration = Duration::from_hours(24);

/// What every lesson's task works with.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) media: MediaHandle,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) lines: Arc<Lines>,
    pub(crate) watchers: Watchers,
}

/// All lessons and places.
pub(crate) struct Lessons {
    tools: Tools,
    directory: watch::Sender<Directory>,
    rooms: Mutex<HashMap<LessonId, LessonHandle>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Lessons {
    /// Reads what is stored. A lesson that was live when the server stopped is live again.
    pub(crate) async fn open(tools: Tools) -> Result<Arc<Self>, StoreError> {
        let lessons = tools.store.lessons().await?.into_iter().map(|lesson| (lesson.id, lesson)).collect();
        let places = tools.store.places().await?.into_iter().map(|place| (place.id, place)).collect();
        let units = Arc::new(tools.store.units().await?);
        let directory = Directory { lessons: Arc::new(lessons), places: Arc::new(places), units };
        Ok(Arc::new(Self {
            tools,
            directory: watch::Sender::new(directory),
            rooms: Mutex::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }))
    }

    /// What is known right now.
    pub(crate) fn directory(&self) -> Directory {
        self.directory.borrow().clone()
    }

    /// What is known, with news of every change.
    pub(crate) fn watch(&self) -> watch::Receiver<Directory> {
        self.directory.subscribe()
    }

    /// The task of a lesson; started when the lesson is first asked for.
    pub(crate) fn lesson(self: &Arc<Self>, id: LessonId) -> Result<LessonHandle, Problem> {
        let mut rooms = self.rooms();
        match rooms.get(&id) {
            Some(handle) if handle.is_served() => return Ok(handle.clone()),
            Some(_) => {
                // A fault of ours ended the task. The lesson is stored and goes on; its pages come back.
                error!(lesson.id = %id, "the task of lesson {id} broke down and is started again");
                metrics::counter!("nhipcau_lesson_breakdowns_total").increment(1);
            }
            None => {}
        }
        let record = self.directory.borrow().lesson(id).cloned();
        let record = record.ok_or_else(|| Problem::new(ProblemCode::LessonUnknown))?;
        // full: whoever asks waits; only a page or request is held up, never the media.
        let (calls, inbox) = mpsc::channel(CALLS_MAX);
        let handle = LessonHandle::new(calls);
        rooms.insert(id, handle.clone());
        let room = Room::open(Lesson::restore(record), self.tools.clone(), Arc::clone(self));
        let stop = self.stop.clone();
        let serve = async move {
            match room.await {
                Ok(room) => room.run(inbox).await,
                // Whoever asks next starts it again.
                Err(error) => drop(store_problem(&error)),
            }
        };
        self.tasks.spawn(async move {
            tokio::select! {
                () = serve => {}
                () = stop.cancelled() => {}
            }
        });
        Ok(handle)
    }

    /// Plans a lesson.
    pub(crate) async fn create(&self, wanted: &NewLesson) -> Result<LessonRecord, Problem> {
        let (id, now) = (crate::token::lesson_id(), Clock::wall());
        let host_place = wanted.host_place.as_deref();
        let invited = self.directory.borrow().invite(wanted.places.clone(), wanted.units.as_ref());
        let lesson = Lesson::schedule(id, &wanted.title, host_place, wanted.starts_at, invited, now)?;
        self.tools.store.insert_lesson(lesson.record()).await.map_err(|error| store_problem(&error))?;
        self.note_lesson(lesson.record());
        Ok(lesson.record().clone())
    }

    /// Adds a place or follows its change.
    pub(crate) fn note_place(&self, place: Place) {
        self.directory.send_modify(|directory| {
            Arc::make_mut(&mut directory.places).insert(place.id, place);
        });
    }

    /// Units, partnerships, and perhaps places changed.
    pub(crate) async fn note_units(&self, units: Units, places: impl IntoIterator<Item = Place>) {
        self.directory.send_modify(|directory| {
            directory.units = Arc::new(units);
            Arc::make_mut(&mut directory.places).extend(places.into_iter().map(|place| (place.id, place)));
        });
        self.tell_all(|| Call::Places).await;
    }

    /// Invitations of a lesson changed; this one, if any, was revoked.
    pub(crate) async fn note_links(&self, lesson: LessonId, revoked: Option<InvitationId>) {
        let room = self.rooms().get(&lesson).cloned();
        if let Some(room) = room {
            room.tell(Call::Links(revoked)).await;
        }
    }

    /// Deletes pupils' works of lessons that have been over for long, unless somebody keeps them.
    pub(crate) async fn purge_works(self: &Arc<Self>) {
        let now = Clock::wall();
        let with_pictures = match self.tools.store.lessons_with_pictures().await {
            Ok(lessons) => lessons,
            // Logged there; tried again in an hour.
            Err(error) => return drop(store_problem(&error)),
        };
        for id in with_pictures {
            let ended_at = self.directory.borrow().lesson(id).and_then(|lesson| lesson.ended_at);
            if ended_at.is_some_and(|ended_at| now >= ended_at.plus(WORKS_KEPT_FOR))
                && let Ok(lesson) = self.lesson(id)
            {
                // A failure was logged where it happened; tried again in an hour.
                let _ = lesson.purge().await;
            }
        }
    }

    async fn tell_all(&self, call: impl Fn() -> Call) {
        let rooms: Vec<_> = self.rooms().values().cloned().collect();
        for room in rooms {
            room.tell(call()).await;
        }
    }

    /// A place was deleted; lessons that named it have forgotten it.
    pub(crate) async fn forget_place(&self, id: PlaceId) -> Result<(), StoreError> {
        let lessons =
            self.tools.store.lessons().await?.into_iter().map(|lesson| (lesson.id, lesson)).collect();
        self.directory.send_modify(|directory| {
            Arc::make_mut(&mut directory.places).remove(&id);
            directory.lessons = Arc::new(lessons);
        });
        Ok(())
    }

    /// Passes on what the media workers say, until they stop.
    pub(crate) async fn follow_media(self: Arc<Self>, mut events: mpsc::Receiver<MediaEvent>) {
        while let Some(event) = events.recv().await {
            let lesson = match &event {
                MediaEvent::PeerConnected { lesson, .. }
                | MediaEvent::PeerClosed { lesson, .. }
                | MediaEvent::SlotStarted { lesson, .. }
                | MediaEvent::SlotStopped { lesson, .. }
                | MediaEvent::PublisherReport { lesson, .. }
                | MediaEvent::ViewerReport { lesson, .. }
                | MediaEvent::CodecMissing { lesson, .. } => *lesson,
            };
            if let MediaEvent::PeerClosed { reason, .. } = &event {
                metrics::counter!("nhipcau_sessions_closed_total", "reason" => reason.code()).increment(1);
            }
            // A lesson that was deleted has forgotten its connections already.
            let room = self.rooms().get(&lesson).cloned();
            if let Some(room) = room {
                room.tell(Call::Media(event)).await;
            }
        }
    }

    /// How many lessons are in each state, for the metrics.
    pub(crate) fn count(&self) -> [(LessonState, usize); 4] {
        let directory = self.directory.borrow();
        LessonState::ALL
            .map(|state| (state, directory.lessons.values().filter(|lesson| lesson.state == state).count()))
    }

    /// Ends every lesson's task.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// The lesson the page of `who` is about, as [`Directory::lesson_of`] says.
    pub(crate) fn lesson_of(&self, who: Identity, current: Option<LessonId>) -> Option<LessonRecord> {
        self.directory.borrow().lesson_of(who, current, Clock::wall()).cloned()
    }

    fn note_lesson(&self, lesson: &LessonRecord) {
        self.directory.send_modify(|directory| {
            Arc::make_mut(&mut directory.lessons).insert(lesson.id, lesson.clone());
        });
    }

    fn forget_lesson(&self, id: LessonId) {
        self.rooms().remove(&id);
        self.directory.send_modify(|directory| {
            Arc::make_mut(&mut directory.lessons).remove(&id);
        });
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<LessonId, LessonHandle>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{self, MediaConfig};
    use domain::{LessonCommand, UnixMillis};

    struct House {
        lessons: Arc<Lessons>,
        store: Store,
        running: media::RunningMedia,
        _folder: tempfile::TempDir,
    }

    impl House {
        async fn open() -> anyhow::Result<Self> {
            let folder = tempfile::tempdir()?;
            let (media, _events, running) = media::start(MediaConfig {
                listen: ([127, 0, 0, 1], 0).into(),
                workers: std::num::NonZeroUsize::new(1),
                ..MediaConfig::default()
            })?;
            let store = Store::open(folder.path().join("nhipcau.db")).await?;
            let tools = Tools {
                config: Arc::default(),
                clock: Clock::start(),
                store: store.clone(),
                media,
                sessions: Arc::default(),
                lines: Arc::default(),
                watchers: Watchers::default(),
            };
            Ok(Self { lessons: Lessons::open(tools).await?, store, running, _folder: folder })
        }

        async fn close(self) -> anyhow::Result<()> {
            self.lessons.stop().await;
            self.store.close().await;
            Ok(tokio::task::spawn_blocking(|| self.running.shutdown()).await?)
        }
    }

    const ORGANISER: Identity = Identity::Organiser { invitation: InvitationId(1), lesson: None };

    #[tokio::test]
    async fn a_lesson_whose_task_broke_down_goes_on_for_the_next_caller() -> anyhow::Result<()> {
        let house = House::open().await?;
        let lessons = &house.lessons;
        let wanted = NewLesson {
            title: "Phân số".to_owned(),
            host_place: None,
            starts_at: None,
            places: None,
            units: None,
        };
        let planned = lessons.create(&wanted).await.map_err(|problem| anyhow::anyhow!(problem.detail))?.id;
        let nobody_serves = LessonHandle::new(mpsc::channel(1).0);
        lessons.rooms().insert(planned, nobody_serves);
        let served = lessons.lesson(planned).map_err(|problem| anyhow::anyhow!(problem.detail))?;
        let started = served.command(ORGANISER, LessonCommand::Start).await;
        assert_eq!(started.map(|lesson| lesson.state), Ok(LessonState::Live));
        house.close().await
    }

    #[tokio::test]
    async fn pupils_works_that_nobody_keeps_are_gone_a_day_after_the_lesson() -> anyhow::Result<()> {
        let house = House::open().await?;
        let place = Place::new(PlaceId(7), "Phòng 3A", Clock::wall())?;
        house.store.insert_place(&place, store::TokenHash([7; 32])).await?;
        let helper = Identity::Helper { place: place.id, link: domain::HelperId(1) };
        // Two lessons with a kept and a forgotten work each; one ended an hour ago, one two days ago.
        for (id, hours) in [(LessonId(1), 1), (LessonId(2), 48)] {
            let at = UnixMillis::clamped(Clock::wall().get() - hours * 3_600_000);
            let mut lesson = Lesson::schedule(id, "Phân số", None, None, domain::Invited::All, at)?;
            house.store.insert_lesson(lesson.record()).await?;
            let mut part = domain::Participation::default();
            let mut events = lesson.apply(at, ORGANISER, LessonCommand::Start)?;
            for (no, key) in [(1, "p1"), (2, "p2")] {
                let offer = domain::ParticipationCommand::OfferWork(key.to_owned());
                let deeds = part.apply(at, &lesson, helper, offer)?;
                let picture = store::WorkPicture { no, jpeg: vec![no as u8] };
                house.store.save_participation(id, &deeds, &[picture]).await?;
            }
            let keep = part.apply(at, &lesson, ORGANISER, domain::ParticipationCommand::KeepWork(2, true))?;
            house.store.save_participation(id, &keep, &[]).await?;
            events.extend(lesson.apply(at, ORGANISER, LessonCommand::End)?);
            house.store.save_lesson(lesson.record(), &events).await?;
            house.lessons.note_lesson(lesson.record());
        }
        house.lessons.purge_works().await;
        let left = async |lesson, no| house.store.work_picture(lesson, no).await.is_ok();
        assert!(left(LessonId(1), 1).await, "there is still time to decide");
        assert!(!left(LessonId(2), 1).await, "nobody kept it");
        assert!(left(LessonId(1), 2).await && left(LessonId(2), 2).await);
        let looked = house.lessons.lesson(LessonId(2)).map_err(|problem| anyhow::anyhow!(problem.detail))?;
        let looked = looked.look().await.map_err(|problem| anyhow::anyhow!(problem.detail))?;
        let works: Vec<_> = looked.participation.works.all().map(|work| work.no).collect();
        assert_eq!(works, [2]);
        house.close().await
    }
}

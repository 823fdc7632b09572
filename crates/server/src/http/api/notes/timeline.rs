//! The shared timeline of a lesson: rows of all sheets shared with the group, by minute.

use super::{form_of, is_open};
use crate::{
    auth::Caller,
    http::extract::Id,
    problem::Answer,
    state::{AppState, Parts},
};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{Action, LessonId, LessonRecord, Refusal, Role};
use notes::{
    SheetView, TimelineEntry, merge_by_minute,
    wire::{AuthorClosing, CommentInfo, Timeline},
};
use signalling::ProblemCode;
use std::collections::{BTreeMap, BTreeSet};

/// `GET /api/lessons/{lesson}/timeline`: for the organiser always, for observers when it is open.
pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Id(id): Id<LessonId>,
    headers: HeaderMap,
) -> Answer<Response> {
    let lesson = caller.permit(&state, id, Action::Look)?;
    let open = is_open(&state.store.lesson_notes(id).await?, &lesson);
    match caller.who.role() {
        Role::Organiser => {}
        Role::Observer if open => {}
        Role::Observer => return Err(ProblemCode::TimelineClosed.into()),
        role @ (Role::Host | Role::Place | Role::Helper) => return Err(Refusal::Forbidden { role }.into()),
    }
    let started_at = lesson.started_at.map_or(0, domain::UnixMillis::get);
    let version = state.store.timeline_version(id).await?;
    let tag = format!("\"{started_at}-{open}-{version}\"");
    let cache = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, "private, no-cache".to_owned())];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known == Some(tag.as_str()) {
        return Ok((StatusCode::NOT_MODIFIED, cache).into_response());
    }
    let body = if let Some(body) = state.timelines.find(id, &tag) {
        body
    } else {
        let timeline = timeline(&state, &lesson, open).await?;
        let body = Bytes::from(serde_json::to_vec(&timeline).map_err(|_| ProblemCode::Internal)?);
        state.timelines.keep(id, &tag, body.clone());
        body
    };
    Ok((cache, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// The sheets of a lesson that are shared with its group, as far as they are.
pub(super) async fn shared_views(state: &Parts, lesson: LessonId) -> Answer<Vec<(String, SheetView)>> {
    let mut views = Vec::new();
    for record in state.store.sheets(lesson).await? {
        let view = state.store.sheet_content(record.id).await?.view();
        if view.shares.cluster {
            views.push((record.id.to_string(), view));
        }
    }
    Ok(views)
}

async fn timeline(state: &Parts, lesson: &LessonRecord, open: bool) -> Answer<Timeline> {
    let views = shared_views(state, lesson.id).await?;
    let mut phases = BTreeMap::new();
    let mut forms: Vec<&notes::FormRef> = views.iter().filter_map(|(_, view)| view.form.as_ref()).collect();
    forms.sort();
    forms.dedup();
    for reference in forms {
        let form = form_of(state, Some(reference)).await?;
        phases.extend(form.into_iter().flat_map(|form| form.phases).map(|phase| (phase.id, phase.name)));
    }
    let entries = views.iter().flat_map(|(id, view)| TimelineEntry::of_sheet(id, view));
    let closings = views.iter().map(|(id, view)| AuthorClosing {
        sheet: id.clone(),
        author: view.heading.observer.clone(),
        unit: view.heading.unit.clone(),
        closing: view.closing.clone(),
    });
    // A comment goes with its row: on one that is private or not shared any more it is not shown.
    let shown: BTreeSet<(String, String)> = views
        .iter()
        .flat_map(|(id, view)| TimelineEntry::of_sheet(id, view).map(|entry| (entry.sheet, entry.row)))
        .collect();
    let mut comments = Vec::new();
    for comment in state.store.comments(lesson.id).await? {
        if !shown.contains(&(comment.on_sheet.to_string(), comment.on_row.clone())) {
            continue;
        }
        let author = match comment.author {
            None => String::new(),
            Some(sheet) => author(state, sheet).await?,
        };
        comments.push(CommentInfo {
            id: comment.id,
            author_sheet: comment.author,
            author,
            sheet: comment.on_sheet,
            row: comment.on_row,
            text: comment.text,
            created_at: comment.created_at,
        });
    }
    Ok(Timeline {
        title: lesson.title.clone(),
        started_at: lesson.started_at,
        open,
        minutes: merge_by_minute(lesson.started_at.unwrap_or_default(), entries),
        closings: closings.filter(|closing| closing.closing != notes::Closing::default()).collect(),
        comments,
        phases,
    })
}

async fn author(state: &Parts, sheet: domain::SheetId) -> Answer<String> {
    let name = state.store.sheet_register(sheet, "head.observer").await?;
    let name = name.as_ref().and_then(notes::Register::value).and_then(|value| value.as_str());
    Ok(name.unwrap_or_default().to_owned())
}

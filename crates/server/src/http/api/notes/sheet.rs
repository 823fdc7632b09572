//! A writer and her own sheet.

use super::{deletable_from, form_of, is_open, may_write};
use crate::{
    auth::{Caller, Writer},
    clock::Clock,
    http::extract::{Ids, Json},
    problem::Answer,
    state::{AppState, Parts},
    token,
};
use axum::{
    Json as Body,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use domain::{Action, LessonId, Refusal, SheetId};
use notes::{
    Form, Key, Register, Sheet, SheetError, SheetLimits, check_score,
    wire::{CommentInfo, NewSheet, RefusedRegister, SheetExport, SheetInfo, SyncReply, SyncRequest},
};
use signalling::{Problem, ProblemCode};
use std::collections::BTreeMap;
use store::{SheetRecord, StoreError, TokenHash, Weight};

/// Sheets one lesson takes.
const SHEETS_MAX: usize = 1_000;
/// What one sheet takes, pictures aside.
const LIMITS: SheetLimits = SheetLimits::DEFAULT;
const WEIGHT: Weight = Weight { count: LIMITS.registers, bytes: LIMITS.bytes as u64 };

/// `PUT /api/lessons/{lesson}/sheets/{sheet}`
pub(super) async fn begin(
    State(state): State<AppState>,
    caller: Caller,
    Ids(lesson, id): Ids<LessonId, SheetId>,
    Json(wanted): Json<NewSheet>,
) -> Answer<Body<SheetInfo>> {
    let record = caller.permit(&state, lesson, Action::Look)?;
    if !may_write(caller.who.role()) {
        return Err(Refusal::Forbidden { role: caller.who.role() }.into());
    }
    if !token::is_token(&wanted.token) {
        let cause = "token needs 26 characters of Crockford's base 32";
        return Err(Problem::new(ProblemCode::BodyMalformed).because(cause).into());
    }
    let hash = TokenHash(token::hash(&wanted.token));
    if state.store.sheet_by_token(hash).await?.is_none()
        && state.store.sheets(lesson).await?.len() >= SHEETS_MAX
    {
        return Err(ProblemCode::LessonFull.into());
    }
    let sheet = state.store.insert_sheet(id, hash, lesson, &record.title, Clock::wall()).await?;
    Ok(Body(info(&state, &sheet)))
}

/// `GET /api/sheet`
pub(super) async fn show(State(state): State<AppState>, Writer(sheet): Writer) -> Answer<Body<SheetInfo>> {
    Ok(Body(info(&state, &sheet)))
}

/// `DELETE /api/sheet`
pub(super) async fn remove(State(state): State<AppState>, Writer(sheet): Writer) -> Answer<StatusCode> {
    state.store.delete_sheet(sheet.id).await?;
    tracing::info!(sheet.id = %sheet.id, lesson.id = %sheet.lesson, "a writer deleted sheet {}", sheet.id);
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /api/sheet/registers`
pub(super) async fn sync(
    State(state): State<AppState>,
    Writer(sheet): Writer,
    Json(request): Json<SyncRequest>,
) -> Answer<Body<SyncReply>> {
    let form = scoring_form(&state, &sheet, &request.registers).await?;
    let mut refused = Vec::new();
    let mut registers = BTreeMap::new();
    for (key, register) in request.registers {
        match judge(&key, register, form.as_ref()) {
            Ok(register) => drop(registers.insert(key, register)),
            Err(refusal) => refused.push(refusal),
        }
    }
    let merged = state.store.merge_sheet(sheet.id, &registers, request.since, WEIGHT, Clock::wall()).await?;
    metrics::counter!("nhipcau_note_registers_total").increment(registers.len() as u64);
    let notes = state.store.lesson_notes(sheet.lesson).await?;
    let lesson = state.lessons.directory().lesson(sheet.lesson).cloned();
    Ok(Body(SyncReply {
        seq: merged.seq,
        registers: merged.news,
        refused,
        timeline_open: lesson.is_some_and(|lesson| is_open(&notes, &lesson)),
    }))
}

/// `GET /api/sheet/export`
pub(super) async fn export(
    State(state): State<AppState>,
    Writer(sheet): Writer,
) -> Answer<impl IntoResponse> {
    let content = state.store.sheet_content(sheet.id).await?;
    let view = content.view();
    let pictures = state.store.pictures(sheet.id).await?;
    let comments = state.store.comments_by(sheet.id).await?;
    let export = SheetExport {
        sheet: info(&state, &sheet),
        form: form_of(&state, view.form.as_ref()).await?,
        registers: content.registers().clone(),
        pictures: pictures.into_iter().map(|picture| picture.id).collect(),
        comments: comments
            .into_iter()
            .map(|comment| CommentInfo {
                id: comment.id,
                author_sheet: comment.author,
                author: view.heading.observer.clone(),
                sheet: comment.on_sheet,
                row: comment.on_row,
                text: comment.text,
                created_at: comment.created_at,
            })
            .collect(),
        view,
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], Body(export)))
}

/// The sheet as seen from outside.
pub(super) fn info(state: &Parts, sheet: &SheetRecord) -> SheetInfo {
    let lesson = state.lessons.directory().lesson(sheet.lesson).cloned();
    let ended_at = lesson.as_ref().and_then(|lesson| lesson.ended_at);
    SheetInfo {
        id: sheet.id,
        lesson: sheet.lesson,
        lesson_title: lesson
            .as_ref()
            .map_or_else(|| sheet.lesson_title.clone(), |lesson| lesson.title.clone()),
        started_at: lesson.as_ref().and_then(|lesson| lesson.started_at),
        ended_at,
        created_at: sheet.created_at,
        changed_at: sheet.changed_at,
        deletable_from: deletable_from(state, ended_at),
    }
}

/// The form to judge scores by; `None` when none are sent, or the form is not known here.
async fn scoring_form(
    state: &Parts,
    sheet: &SheetRecord,
    incoming: &BTreeMap<Key, Register>,
) -> Result<Option<Form>, StoreError> {
    if !incoming.keys().any(|key| key.as_str().starts_with("score.")) {
        return Ok(None);
    }
    let stored = state.store.sheet_register(sheet.id, "form.ref").await?;
    let mut both: Sheet = Sheet::default();
    let key: Key = "form.ref".parse().expect("a constant that is a key");
    for register in stored.iter().chain(incoming.get(&key)) {
        both.join(&key, register);
    }
    form_of(state, both.view().form.as_ref()).await
}

/// One register that came in: what is stored, or why not.
fn judge(key: &Key, register: Register, form: Option<&Form>) -> Result<Register, RefusedRegister> {
    let refuse =
        |code: &str, detail: String| RefusedRegister { key: key.clone(), code: code.to_owned(), detail };
    let register = Sheet::check(key, register, LIMITS).map_err(|error| match error {
        SheetError::RegisterTooLarge { .. } => refuse("register_too_large", error.to_string()),
        _ => refuse("register_malformed", error.to_string()),
    })?;
    if let (Some(item), Some(form)) = (key.as_str().strip_prefix("score."), form)
        && let Some(value) = register.value()
        && let Err(why) = check_score(form, item, value)
    {
        // The sheet may have been on another form before: its scores there are no mistake.
        if why != notes::ScoreRefusal::UnknownItem {
            let name = serde_json::to_value(why).ok();
            let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or("bad");
            return Err(refuse(&format!("score_{name}"), format!("{item}: {why}")));
        }
    }
    Ok(register)
}

/** Rows of all observers who shared theirs, minute by minute, with comments. */
import braces from "lucide-static/icons/braces.svg?raw";
import check from "lucide-static/icons/circle-check.svg?raw";
import fileText from "lucide-static/icons/file-text.svg?raw";
import hourglass from "lucide-static/icons/hourglass.svg?raw";
import printer from "lucide-static/icons/printer.svg?raw";
import table from "lucide-static/icons/table.svg?raw";
import trash from "lucide-static/icons/trash-2.svg?raw";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { CommentInfo, Timeline, TimelineEntry } from "../shared/notes/api.ts";
import { csvOf } from "../shared/notes/csv.ts";
import { docxOf } from "../shared/notes/docx.ts";
import { download, fileName } from "../shared/notes/download.ts";
import { printPaper } from "../shared/notes/print.ts";
import { Button } from "../shared/ui/button.tsx";
import { Icon } from "../shared/ui/icon.tsx";
import { Picture } from "../shared/ui/picture.tsx";
import {
  authorsOf,
  commentsOn,
  countEntries,
  type Filter,
  filtered,
  minutesLine,
  minuteWords,
  NO_FILTER,
  paperOfTimeline,
  timelineTable,
  timeOf,
} from "./entries.ts";
import type { MinutesDesk } from "./minutes-desk.ts";
import type { Access, Review } from "./review.ts";
import { t } from "./words.ts";

type Inside = Extract<Access, { kind: "in" }>;

export function TimelineView(props: { review: Review; access: Inside }): JSX.Element {
  const { review, access } = props;
  const shared = review.shared.value;
  const [filter, setFilter] = useState<Filter>(NO_FILTER);
  useEffect(() => {
    void review.look();
  }, [review]);
  if (shared.kind === "loading") return <p>{t("review.loading")}</p>;
  if (shared.kind === "closed") {
    return (
      <div class="review-closed" role="status">
        <Icon svg={hourglass} />
        <h2>{t("review.closed")}</h2>
        <p>{t("review.closed.advice")}</p>
      </div>
    );
  }
  const { timeline } = shared;
  if (timeline.minutes.length === 0 && timeline.closings.length === 0) {
    return (
      <div class="review-closed">
        <h2>{t("review.empty")}</h2>
        <p>{t("review.empty.advice")}</p>
      </div>
    );
  }
  const minutes = filtered(timeline, filter);
  return (
    <>
      <Tools timeline={timeline} filter={filter} onFilter={setFilter} shown={countEntries(minutes)} />
      <ol class="minutes">
        {minutes.map(({ minute, entries }) => (
          <li key={minute ?? "unknown"} class="minute">
            <h2 class="minute-head">{minuteWords(minute, t)}</h2>
            <ul>
              {entries.map((entry) => (
                <Entry
                  key={`${entry.sheet} ${entry.row}`}
                  review={review}
                  access={access}
                  timeline={timeline}
                  entry={entry}
                />
              ))}
            </ul>
          </li>
        ))}
      </ol>
      {timeline.closings.length === 0 ? null : (
        <section class="closings">
          <h2>{t("review.closings")}</h2>
          {timeline.closings.map(({ sheet, author, unit, strengths, limits, advice }) => (
            <article key={sheet} class="closing-card">
              <Author name={author} unit={unit} />
              <Words label={t("notes.close.strengths")} text={strengths} />
              <Words label={t("notes.close.limits")} text={limits} />
              <Words label={t("notes.close.advice")} text={advice} />
            </article>
          ))}
        </section>
      )}
    </>
  );
}

function Tools(props: {
  timeline: Timeline;
  filter: Filter;
  onFilter: (filter: Filter) => void;
  shown: number;
}): JSX.Element {
  const { timeline, filter, onFilter, shown } = props;
  const authors = authorsOf(timeline);
  const name = fileName(t("review.page"), timeline.title);
  return (
    <section class="review-tools" aria-label={t("review.filter")}>
      <label>
        <span>{t("review.filter.author")}</span>
        <select
          value={filter.sheet ?? ""}
          onChange={(event) => onFilter({ ...filter, sheet: event.currentTarget.value || null })}
        >
          <option value="">{t("review.filter.all")}</option>
          {authors.map(({ sheet, name }) => (
            <option key={sheet} value={sheet}>
              {name || t("notes.name.none")}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{t("review.filter.phase")}</span>
        <select
          value={filter.phase ?? ""}
          onChange={(event) => onFilter({ ...filter, phase: event.currentTarget.value || null })}
        >
          <option value="">{t("review.filter.all")}</option>
          {Object.entries(timeline.phases).map(([id, phase]) => (
            <option key={id} value={id}>
              {phase}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{t("review.filter.text")}</span>
        <input
          type="search"
          value={filter.text}
          onInput={(event) => onFilter({ ...filter, text: event.currentTarget.value })}
        />
      </label>
      <p class="review-found" role="status">
        {t("review.filter.found", {
          shown,
          all: countEntries(timeline.minutes),
          authors: authors.length,
        })}
      </p>
      <div class="review-exports">
        <Button
          icon={fileText}
          onClick={() => {
            void docxOf(paperOfTimeline(timeline, t)).then((blob) => download(`${name}.docx`, blob));
          }}
        >
          {t("notes.export.docx")}
        </Button>
        <Button icon={printer} onClick={() => void printPaper(paperOfTimeline(timeline, t))}>
          {t("notes.export.print")}
        </Button>
        <Button
          icon={table}
          onClick={() =>
            download(
              `${name}.csv`,
              new Blob([csvOf(timelineTable(timeline, t))], { type: "text/csv;charset=utf-8" }),
            )
          }
        >
          {t("notes.export.csv")}
        </Button>
        <Button
          icon={braces}
          onClick={() =>
            download(
              `${name}.json`,
              new Blob([JSON.stringify(timeline, null, 1)], { type: "application/json" }),
            )
          }
        >
          {t("notes.export.json")}
        </Button>
      </div>
    </section>
  );
}

function Author(props: { name: string; unit: string }): JSX.Element {
  return (
    <p class="author">
      <strong>{props.name || t("notes.name.none")}</strong>
      {props.unit === "" ? null : <span> · {props.unit}</span>}
    </p>
  );
}

function Words(props: { label: string; text: string }): JSX.Element | null {
  if (props.text === "") return null;
  return (
    <p class="entry-words">
      <span class="entry-label">{props.label}</span>
      <span class="entry-text">{props.text}</span>
    </p>
  );
}

function Entry(props: {
  review: Review;
  access: Inside;
  timeline: Timeline;
  entry: TimelineEntry;
}): JSX.Element {
  const { review, access, timeline, entry } = props;
  const time = timeOf(timeline, entry);
  const phase = timeline.phases[entry.phase ?? ""];
  const path = `/api/lessons/${access.lesson.id}/sheets/${entry.sheet}/pictures`;
  return (
    <li class="entry" data-own={entry.sheet === review.own.value?.id}>
      <div class="entry-head">
        <span class="entry-time">{time}</span>
        <Author name={entry.author} unit={entry.unit} />
        {phase === undefined ? null : <span class="entry-phase">{phase}</span>}
        {entry.tags.map((tag) => (
          <span key={tag} class="entry-tag">
            {tag}
          </span>
        ))}
      </div>
      <Words label={t("review.teacher")} text={entry.teacher} />
      <Words label={t("review.pupils")} text={entry.pupils} />
      <Words label={t("review.remark")} text={entry.remark} />
      {entry.pics.length === 0 ? null : (
        <p class="entry-pics">
          {entry.pics.map((id) => (
            <Picture
              key={id}
              load={() => review.api.picture(`${path}/${id}`).catch(() => null)}
              alt={t("review.picture", { author: entry.author, time })}
              away={t("notes.row.picture.away")}
            />
          ))}
        </p>
      )}
      <div class="entry-foot">
        <Comments review={review} access={access} timeline={timeline} entry={entry} time={time} />
        {access.role === "organiser" ? (
          <ToMinutes
            desk={review.minutesOf(access.lesson.id)}
            timeline={timeline}
            entry={entry}
            time={time}
          />
        ) : null}
      </div>
    </li>
  );
}

const MINUTES_PARTS = ["strengths", "shortcomings", "proposals"] as const;

/** Takes a row into the minutes, where the talk about it ends. */
function ToMinutes(props: {
  desk: MinutesDesk;
  timeline: Timeline;
  entry: TimelineEntry;
  time: string;
}): JSX.Element {
  const { desk, timeline, entry, time } = props;
  const [open, setOpen] = useState(false);
  const line = minutesLine(timeline, entry);
  const there = (part: (typeof MINUTES_PARTS)[number]): boolean =>
    desk.minutes.value?.[part].split("\n").includes(line) ?? false;
  const taken = MINUTES_PARTS.filter(there);
  return (
    <div class="to-minutes">
      {open ? (
        <fieldset>
          <legend>{t("review.to_minutes.part")}</legend>
          {MINUTES_PARTS.map((part) => (
            <Button
              key={part}
              disabled={desk.minutes.value === null || there(part)}
              onClick={() => {
                if (desk.add(part, line)) setOpen(false);
              }}
            >
              {t(`review.minutes.${part}`)}
            </Button>
          ))}
          <Button kind="quiet" onClick={() => setOpen(false)}>
            {t("common.cancel")}
          </Button>
        </fieldset>
      ) : (
        <button
          type="button"
          class="link-button"
          aria-label={t("review.to_minutes.label", { author: entry.author, time })}
          onClick={() => setOpen(true)}
        >
          {t("review.to_minutes")}
        </button>
      )}
      {taken.length === 0 ? null : (
        <p class="to-minutes-done" role="status">
          <Icon svg={check} />
          {t("review.to_minutes.done", {
            parts: taken.map((part) => t(`review.minutes.${part}`)).join(", "),
          })}
        </p>
      )}
    </div>
  );
}

function Comments(props: {
  review: Review;
  access: Inside;
  timeline: Timeline;
  entry: TimelineEntry;
  time: string;
}): JSX.Element {
  const { review, access, timeline, entry, time } = props;
  const [open, setOpen] = useState(false);
  const [text, setText] = useState("");
  const [failed, setFailed] = useState(false);
  const own = review.own.value;
  const organiser = access.role === "organiser";
  const mayWrite = organiser || own !== null;
  const done = (work: Promise<void>, after: () => void): void => {
    work.then(
      () => {
        setFailed(false);
        after();
        void review.look();
      },
      () => setFailed(true),
    );
  };
  const send = (): void => {
    const at = { sheet: entry.sheet, row: entry.row };
    const sent = organiser
      ? review.api.commentAsOrganiser(access.lesson.id, at, text)
      : own?.api.comment(at, text);
    if (sent === undefined) return;
    done(sent, () => {
      setText("");
      setOpen(false);
    });
  };
  const remove = (comment: CommentInfo): void => {
    const removed = organiser
      ? review.api.deleteCommentAsOrganiser(access.lesson.id, comment.id)
      : own?.api.deleteComment(comment.id);
    if (removed !== undefined) done(removed, () => undefined);
  };
  return (
    <div class="comments">
      {commentsOn(timeline, entry).map((comment) => (
        <p key={comment.id} class="comment">
          <strong>
            {comment.author_sheet === null
              ? t("review.comment.organiser")
              : comment.author || t("notes.name.none")}
          </strong>
          <span>{comment.text}</span>
          {organiser || (own !== null && comment.author_sheet === own.id) ? (
            <button type="button" class="link-button" onClick={() => remove(comment)}>
              <Icon svg={trash} />
              {t("review.comment.delete")}
            </button>
          ) : null}
        </p>
      ))}
      {open ? (
        <form
          class="comment-form"
          onSubmit={(event) => {
            event.preventDefault();
            send();
          }}
        >
          <textarea
            rows={2}
            maxLength={2000}
            aria-label={t("review.comment.label", { author: entry.author, time })}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <Button kind="secondary" submit disabled={text.trim() === ""}>
            {t("review.comment.send")}
          </Button>
          <Button kind="quiet" onClick={() => setOpen(false)}>
            {t("common.cancel")}
          </Button>
        </form>
      ) : mayWrite ? (
        <button type="button" class="link-button" onClick={() => setOpen(true)}>
          {t("review.comment")}
        </button>
      ) : null}
      {failed ? <p role="alert">{t("review.failed")}</p> : null}
    </div>
  );
}

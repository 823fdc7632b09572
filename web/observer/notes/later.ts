/**
 * The sheet's part of the page, which comes after the picture: while the first picture is on its way, the machine has nothing
 * better to do than to bring it.
 */
import { type Signal, signal } from "@preact/signals";
import type { LessonView, ViewerFacts } from "../../shared/viewer-state.ts";
import type { Desk } from "./desk.ts";
import type { DeskView } from "./desk-view.tsx";

export interface Notes {
  readonly desk: Desk;
  readonly View: typeof DeskView;
}

/** A picture that does not come must not keep anybody from her notes. */
export const NOTES_WAIT_MS = 1500;

/** Whether nothing is gained any more by letting the sheet wait. */
export function pictureIsDone(view: LessonView, facts: ViewerFacts): boolean {
  if (view.kind === "connecting" || view.kind === "waiting") return false;
  return view.kind !== "watching" || Object.values(facts.pictures).some((picture) => picture.seen);
}

/** `null` until it is here. */
export function loadNotes(tokens: { link: string | null; sheet: string | null }): Signal<Notes | null> {
  const notes = signal<Notes | null>(null);
  void (async () => {
    const [{ Desk }, { DeskView }] = await Promise.all([import("./desk.ts"), import("./desk-view.tsx")]);
    const desk = new Desk(tokens);
    void desk.open();
    notes.value = { desk, View: DeskView };
  })();
  return notes;
}

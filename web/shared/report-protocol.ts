/** Reports on the wire (`PROTOCOL.md`, "Report of a lesson" and "Report of a period"), and the result of a CSV import. */
import { array, nullable, number, object, string } from "./decode.ts";
import { type AskedQuestion, type BadRow, badRowDecoder, questionsDecoder } from "./lesson-protocol.ts";
import { type Lesson, lessonDecoder, type Place, placeDecoder } from "./protocol.ts";

export interface PlaceReport {
  id: string;
  name: string;
  units: string[];
  received_s: number;
  /** Seconds on each rung, 0 (nothing) to 6 (everything). */
  rung_s: number[];
  outages: number;
  outage_s: number;
  joins: number;
  freezes: number;
  frozen_s: number;
  hands: number;
  spoke_s: number;
  answers: number;
  works: number;
  help: number;
}

export interface ObserverReport {
  name: string | null;
  received_s: number;
}

export interface LessonReport {
  lesson: Lesson;
  duration_s: number;
  places: PlaceReport[];
  observers: ObserverReport[];
  questions: AskedQuestion[];
  totals: { places_invited: number; places_present: number; received_s: number; observers: number };
}

export const lessonReportDecoder = object<LessonReport>({
  lesson: lessonDecoder,
  duration_s: number,
  places: array(
    object<PlaceReport>({
      id: string,
      name: string,
      units: array(string),
      received_s: number,
      rung_s: array(number),
      outages: number,
      outage_s: number,
      joins: number,
      freezes: number,
      frozen_s: number,
      hands: number,
      spoke_s: number,
      answers: number,
      works: number,
      help: number,
    }),
  ),
  observers: array(object<ObserverReport>({ name: nullable(string), received_s: number })),
  questions: (value, path) => questionsDecoder({ questions: value }, path).questions,
  totals: object<LessonReport["totals"]>({
    places_invited: number,
    places_present: number,
    received_s: number,
    observers: number,
  }),
});

export interface PeriodLesson {
  id: string;
  title: string;
  started_at: number | null;
  duration_s: number;
  places: number;
  observers: number;
  received_s: number;
}

export interface PeriodUnit {
  id: string;
  name: string;
  level: string;
  places: number;
  place_lessons: number;
  received_s: number;
}

export interface PeriodReport {
  totals: { lessons: number; places: number; place_lessons: number; received_s: number; observers: number };
  lessons: PeriodLesson[];
  units: PeriodUnit[];
}

export const periodReportDecoder = object<PeriodReport>({
  totals: object<PeriodReport["totals"]>({
    lessons: number,
    places: number,
    place_lessons: number,
    received_s: number,
    observers: number,
  }),
  lessons: array(
    object<PeriodLesson>({
      id: string,
      title: string,
      started_at: nullable(number),
      duration_s: number,
      places: number,
      observers: number,
      received_s: number,
    }),
  ),
  units: array(
    object<PeriodUnit>({
      id: string,
      name: string,
      level: string,
      places: number,
      place_lessons: number,
      received_s: number,
    }),
  ),
});

export interface ImportResult {
  created: Place[];
  updated: number;
  unchanged: number;
  units: number;
  bad: BadRow[];
}

export const importResultDecoder = object<ImportResult>({
  created: array(placeDecoder),
  updated: number,
  unchanged: number,
  units: number,
  bad: array(badRowDecoder),
});

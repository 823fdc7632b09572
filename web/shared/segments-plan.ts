/** Which slots of a lesson play in which element; pure. */
import { type AudioSlot, type Slot, type Slots, VIDEO_SLOTS, type VideoSlot } from "./protocol.ts";

/** One element: a picture, perhaps with a sound. Sound and picture of one element play in step. */
export interface PlannedElement {
  readonly picture: VideoSlot;
  readonly shows: boolean;
  readonly sound: AudioSlot | null;
}

/**
 * @param published what there is
 * @param shown pictures the layout shows
 * @param single the device plays one element at a time (TVs have one decoder): the most important picture and the voice
 */
export function planElements(
  published: Slots,
  shown: readonly VideoSlot[],
  single: boolean,
): readonly PlannedElement[] {
  const visible = VIDEO_SLOTS.filter((slot) => published[slot] !== undefined && shown.indexOf(slot) >= 0);
  const voice = published.program_audio === undefined ? null : "program_audio";
  const second = published.extra_audio === undefined ? null : "extra_audio";
  if (single) {
    // Slides carry what is taught; a teacher beside them would be a second decoder.
    const picture = visible.indexOf("slides_video") >= 0 ? "slides_video" : (visible[0] ?? "program_video");
    const sound = voice ?? second;
    const shows = visible.length > 0;
    return shows || sound !== null ? [{ picture, shows, sound }] : [];
  }
  const elements: PlannedElement[] = [];
  for (const picture of VIDEO_SLOTS) {
    const shows = visible.indexOf(picture) >= 0;
    const sound = picture === "program_video" ? voice : picture === "extra_video" ? second : null;
    if (shows || sound !== null) elements.push({ picture, shows, sound });
  }
  return elements;
}

/** The slots an element plays. */
export function slotsOf({ picture, shows, sound }: PlannedElement): readonly Slot[] {
  const slots: Slot[] = [];
  if (shows) slots.push(picture);
  if (sound !== null) slots.push(sound);
  return slots;
}

/**
 * TVs have one decoder for pictures, and their browsers stop one element when another begins. What is known of them is their name:
 * LG (Web0S, NetCast), Samsung (Tizen, SMART-TV), Sony, Philips, Panasonic and everybody with HbbTV.
 */
export function playsOneElement(userAgent: string): boolean {
  return /Web0S|webOS|NetCast|Tizen|SMART-TV|SmartTV|BRAVIA|Viera|HbbTV|CE-HTML|NETTV/i.test(userAgent);
}

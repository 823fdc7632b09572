/** Pupils' works on the stage: up to four photos, each fetched once with the place's token, large as the space allows. */
import { backoffMs, RECONNECT } from "../shared/backoff.ts";
import type { ShownWork } from "../shared/room-facts.ts";
import { fetchPicture } from "./api.ts";
import { el, fillWith } from "./dom.ts";
import type { Words } from "./words.ts";

interface Picture {
  address: string | null;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class WorksView {
  readonly element = el("div", "works");
  private readonly pictures = new Map<string, Picture>();
  private readonly onChange: () => void;
  private drawn = "";

  constructor(onChange: () => void) {
    this.onChange = onChange;
  }

  /** @param lesson its id; `null` when there is none */
  render(token: string | null, lesson: string | null, works: readonly ShownWork[], t: Words): void {
    const wanted = token === null || lesson === null ? [] : works;
    const keys = wanted.map(({ no }) => `${lesson}/${no}`);
    this.forget(keys);
    wanted.forEach(({ no }) => {
      if (token !== null && lesson !== null)
        this.fetch(token, `${lesson}/${no}`, `/api/lessons/${lesson}/works/${no}`, 0);
    });
    const shown = wanted.map(({ name }, index) => ({
      name,
      address: this.pictures.get(keys[index] ?? "")?.address ?? null,
    }));
    const signature = JSON.stringify([shown, t("tv.works")]);
    if (signature === this.drawn) return;
    this.drawn = signature;
    this.element.setAttribute("data-count", String(shown.length));
    fillWith(
      this.element,
      shown.map(({ name, address }) => {
        const picture =
          address === null ? el("p", "work-loading", t("tv.works.loading")) : el("img", "work-picture");
        if (picture instanceof HTMLImageElement && address !== null) {
          picture.src = address;
          picture.alt = name === null ? t("tv.works") : `${t("tv.works")} – ${name}`;
        }
        return el("figure", "work", picture, name === null ? null : el("figcaption", "work-name", name));
      }),
    );
  }

  private fetch(token: string, key: string, path: string, failures: number): void {
    if (failures === 0 && this.pictures.has(key)) return;
    const picture: Picture = this.pictures.get(key) ?? { address: null, timer: undefined };
    this.pictures.set(key, picture);
    fetchPicture(token, path).then(
      (address) => {
        if (this.pictures.get(key) !== picture) {
          URL.revokeObjectURL(address);
          return;
        }
        picture.address = address;
        this.onChange();
      },
      () => {
        if (this.pictures.get(key) !== picture) return;
        const wait = backoffMs(RECONNECT, failures, Math.random());
        picture.timer = setTimeout(() => this.fetch(token, key, path, failures + 1), wait);
      },
    );
  }

  /** Lets go of what is no longer shown: a photo must not stay in the memory of a classroom's screen. */
  private forget(keys: readonly string[]): void {
    this.pictures.forEach((picture, key) => {
      if (keys.indexOf(key) >= 0) return;
      clearTimeout(picture.timer);
      if (picture.address !== null) URL.revokeObjectURL(picture.address);
      this.pictures.delete(key);
    });
  }
}

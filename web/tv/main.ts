/** The classroom TV: `/diem-cau#t=<place token>`, or without a token a screen that pairs by code. */

import { rememberedLanguage, rememberLanguage } from "../shared/i18n.ts";
import { canWatch } from "../shared/media-ways.ts";
import { canSpeak } from "../shared/room-camera.ts";
import { storedPlaceToken, storePlaceToken, tokenFromFragment } from "../shared/token.ts";
import { Viewer } from "../shared/viewer.ts";
import { impossible, wantsMedia } from "../shared/viewer-state.ts";
import { rememberedSaver, rememberSaver, type Saver } from "../shared/weak-link.ts";
import { remoteKey } from "./keys.ts";
import { startPairing } from "./pairing.ts";
import { RoomScreen } from "./room.ts";
import { commandFor, initialTv, linkIsDead, reduceTv, type TvCommand, type TvEvent } from "./state.ts";
import { View } from "./view.ts";
import { ScreenWakeLock } from "./wake-lock.ts";

/** Clocks and seconds on screen. */
const TICK_MS = 500;

class Tv {
  private facts = initialTv({
    lang: rememberedLanguage(),
    supported: canWatch(),
    token: tokenFromFragment(window.location.hash) ?? storedPlaceToken(),
    fullscreenPossible: document.fullscreenEnabled === true,
    ableToSpeak: canSpeak(),
    saver: rememberedSaver(),
  });
  private readonly view: View;
  private readonly wakeLock = new ScreenWakeLock();
  private viewer: Viewer | null = null;
  private room: RoomScreen | null = null;
  private stopPairing: (() => void) | null = null;

  constructor(root: Element) {
    this.view = new View({
      root,
      onCommand: (command) => this.obey(command),
      onOk: () => this.press("ok"),
      onPicture: () => this.render(),
    });
    rememberLanguage(this.facts.lang);
    document.addEventListener("keydown", (event) => {
      const key = remoteKey(event);
      if (key !== null && this.press(key)) event.preventDefault();
    });
    window.addEventListener("hashchange", () => {
      const token = tokenFromFragment(window.location.hash);
      if (token !== null && token !== this.facts.token) this.join(token);
    });
    setInterval(() => this.render(), TICK_MS);
  }

  start(): void {
    const { token, supported } = this.facts;
    this.render();
    if (!supported) return;
    if (token === null) this.pair(false);
    else this.join(token);
  }

  private apply(event: TvEvent): void {
    this.facts = reduceTv(this.facts, event);
    if (event.type === "check") this.room?.noteCheck(this.facts.check);
    this.render();
  }

  private render(): void {
    this.view.render(this.facts, Date.now());
  }

  /** Whether the key meant something here. */
  private press(key: NonNullable<ReturnType<typeof remoteKey>>): boolean {
    const command = commandFor(this.facts, key, Date.now());
    if (command !== null) this.obey(command);
    return command !== null;
  }

  private obey(command: TvCommand): void {
    switch (command.kind) {
      case "unblock_sound":
        this.viewer?.stage.unblock();
        // The one press this screen needs may as well give it the whole screen.
        enterFullscreen();
        break;
      case "set_muted":
        this.setMuted(command.muted);
        break;
      case "answer":
        this.room?.answer(command.answer);
        break;
      case "focus":
        if (command.key !== this.facts.focus.key || command.at !== this.facts.focus.at) {
          this.apply({ type: "focus", key: command.key, at: command.at });
        }
        break;
      case "hand":
        this.room?.raiseHand(command.up);
        this.apply({ type: "settings", settings: null });
        break;
      case "camera":
        void this.room?.setCamera(command.on);
        break;
      case "run_check":
        void this.room?.runCheck();
        this.apply({ type: "settings", settings: null });
        break;
      case "test_sound":
        void this.room?.testSound();
        break;
      case "take_over":
        if (this.facts.token !== null) this.join(this.facts.token);
        break;
      case "settings":
        this.apply({ type: "settings", settings: command.settings });
        break;
      case "language":
        rememberLanguage(command.lang);
        this.apply({ type: "language", lang: command.lang });
        break;
      case "layout":
        this.apply({ type: "layout", layout: command.layout });
        break;
      case "saver":
        this.save({ ...this.facts.saver, kbps: command.kbps });
        break;
      case "megabytes":
        this.save({ ...this.facts.saver, mb: command.mb });
        break;
      case "fullscreen":
        toggleFullscreen();
        break;
      case "unpair":
        this.pair(false);
        break;
      default:
        impossible(command);
    }
  }

  private save(saver: Saver): void {
    rememberSaver(saver);
    this.apply({ type: "saver", saver });
    this.viewer?.saverChanged();
  }

  private setMuted(muted: boolean): void {
    this.apply({ type: "muted", muted });
    this.viewer?.stage.setMuted(muted);
    if (!muted) this.viewer?.stage.unblock();
  }

  /** Watches as the place `token` belongs to. */
  private join(token: string): void {
    this.leave();
    storePlaceToken(token);
    // In the address too, so that a bookmark made now opens this place.
    if (tokenFromFragment(window.location.hash) !== token) history.replaceState(null, "", `#t=${token}`);
    this.apply({ type: "token", token, linkDied: false });
    const viewer = new Viewer({
      token,
      kind: "tv",
      language: () => this.facts.lang,
      onChange: (facts) => {
        if (viewer !== this.viewer) return;
        this.wakeLock.keep(wantsMedia(facts));
        this.apply({ type: "viewer", viewer: facts, at: Date.now() });
        this.room?.follow(facts);
        if (linkIsDead(facts)) this.pair(true);
      },
      saver: () => this.facts.saver,
      onStill: (still) => {
        if (viewer === this.viewer) this.apply({ type: "still", still });
      },
      onMessage: (message) => {
        if (viewer === this.viewer) this.room?.receive(message);
      },
    });
    this.viewer = viewer;
    this.room = new RoomScreen({
      token,
      viewer,
      apply: (event) => this.apply(event),
      onOwnCamera: (track) => this.view.setOwnCamera(track),
      setMuted: (muted) => this.setMuted(muted),
    });
    viewer.stage.setMuted(this.facts.muted);
    this.view.setStage(viewer.stage);
    this.apply({ type: "viewer", viewer: viewer.facts, at: Date.now() });
    viewer.start();
  }

  private pair(linkDied: boolean): void {
    this.leave();
    storePlaceToken(null);
    if (window.location.hash !== "") history.replaceState(null, "", window.location.pathname);
    this.apply({ type: "token", token: null, linkDied });
    this.stopPairing = startPairing({
      onChange: (pairing) => this.apply({ type: "pairing", pairing }),
      onPaired: (token) => this.join(token),
    });
  }

  private leave(): void {
    this.stopPairing?.();
    this.stopPairing = null;
    const { viewer } = this;
    this.room?.stop();
    this.room = null;
    this.viewer = null;
    this.wakeLock.keep(false);
    if (viewer === null) return;
    viewer.stop();
    this.view.setStage(null);
    this.apply({ type: "viewer", viewer: null, at: Date.now() });
    this.apply({ type: "still", still: null });
  }
}

function enterFullscreen(): void {
  if (document.fullscreenEnabled !== true || document.fullscreenElement !== null) return;
  document.documentElement.requestFullscreen().catch(() => undefined);
}

function toggleFullscreen(): void {
  if (document.fullscreenElement) document.exitFullscreen().catch(() => undefined);
  else enterFullscreen();
}

const root = document.getElementById("app");
if (root !== null) new Tv(root).start();

/**
 * Keys of remote controls. Tizen and webOS send codes of their own for Back and the media keys; `key` names differ between
 * years, so codes are asked when the name is unknown.
 */

export type RemoteKey = "up" | "down" | "left" | "right" | "ok" | "back" | "mute" | "fullscreen";

const BY_NAME: { readonly [name: string]: RemoteKey | undefined } = {
  ArrowUp: "up",
  ArrowDown: "down",
  ArrowLeft: "left",
  ArrowRight: "right",
  Enter: "ok",
  " ": "ok",
  MediaPlay: "ok",
  MediaPlayPause: "ok",
  Escape: "back",
  Backspace: "back",
  GoBack: "back",
  BrowserBack: "back",
  XF86Back: "back",
  m: "mute",
  M: "mute",
  f: "fullscreen",
  F: "fullscreen",
};

const BY_CODE: { readonly [code: number]: RemoteKey | undefined } = {
  13: "ok",
  27: "back",
  37: "left",
  38: "up",
  39: "right",
  40: "down",
  179: "ok", // play/pause on keyboards
  415: "ok", // play
  461: "back", // webOS
  10009: "back", // Tizen
  10252: "ok", // play/pause on Tizen
};

/** The key of a remote control or keyboard; `null` for every other key and for browser shortcuts. */
export function remoteKey(event: {
  key: string;
  keyCode: number;
  ctrlKey?: boolean;
  altKey?: boolean;
  metaKey?: boolean;
}): RemoteKey | null {
  if (event.ctrlKey || event.altKey || event.metaKey) return null;
  return BY_NAME[event.key] ?? BY_CODE[event.keyCode] ?? null;
}

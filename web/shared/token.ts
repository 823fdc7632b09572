/**
 * Tokens live in the fragment of a link (`/day#t=…`), which reaches neither server logs nor `Referer`. The fragment stays
 * in the address bar: a teacher's bookmark of the page must open the lesson again tomorrow.
 */

const PLACE_KEY = "nhipcau.place-token";

/** 26 characters of Crockford base 32. */
const TOKEN = /^[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}$/;

/** The token of a fragment such as `#t=ABC…`, or `null` when there is none of the right shape. */
export function tokenFromFragment(fragment: string): string | null {
  return secretFromFragment(fragment, "t");
}

/** The same for another name: `m` is the ticket of the TV's QR code. */
export function secretFromFragment(fragment: string, name: "t" | "m"): string | null {
  const match = (name === "t" ? /(?:^#?|&)t=([^&]*)/ : /(?:^#?|&)m=([^&]*)/).exec(fragment);
  const secret = match?.[1];
  return secret !== undefined && TOKEN.test(secret) ? secret : null;
}

/** The token of an observer's sheet in a personal link, `#t=…&s=…`. */
export function sheetTokenFromFragment(fragment: string): string | null {
  const token = /(?:^#?|&)s=([^&]*)/.exec(fragment)?.[1];
  return token !== undefined && TOKEN.test(token) ? token : null;
}

export function linkWithToken(origin: string, page: string, token: string): string {
  return `${origin}/${page}#t=${token}`;
}

/** The place this TV was paired with, kept on the machine so that a reboot needs nobody. */
export function storedPlaceToken(): string | null {
  try {
    const token = localStorage.getItem(PLACE_KEY);
    return token !== null && TOKEN.test(token) ? token : null;
  } catch {
    return null;
  }
}

/** `null` forgets it. */
export function storePlaceToken(token: string | null): void {
  try {
    if (token === null) localStorage.removeItem(PLACE_KEY);
    else localStorage.setItem(PLACE_KEY, token);
  } catch {
    // Without storage the TV pairs again after a reboot; the link with the fragment needs no storage.
  }
}

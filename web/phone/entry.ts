/**
 * Coming in by the TV's QR code: the ticket in the address is good for minutes and becomes this phone's own token, which is
 * kept, so that the page reopens tomorrow without another scan.
 */
import { backoffMs, RECONNECT } from "../shared/backoff.ts";
import { decode, object, string } from "../shared/decode.ts";
import { fetchWithin, HttpRefusal } from "../shared/http.ts";
import { secretFromFragment } from "../shared/token.ts";

export type Entry =
  | { kind: "entering"; slow: boolean }
  | { kind: "in"; token: string }
  /** The page was opened without scanning. */
  | { kind: "scan" }
  /** The code on the TV is another one by now. */
  | { kind: "expired" };

const TOKEN_KEY = "nhipcau.helper-token";
const HTTP_WITHIN_MS = 15_000;

/** What the address and this phone's memory bring. */
export function entryOf(fragment: string): { ticket: string } | { token: string } | null {
  const ticket = secretFromFragment(fragment, "m");
  if (ticket !== null) return { ticket };
  const token = secretFromFragment(fragment, "t") ?? storedToken();
  return token === null ? null : { token };
}

/** Comes in, however long the network takes. A ticket that was used to the end is taken out of the address. */
export async function enter(fragment: string, onChange: (entry: Entry) => void): Promise<void> {
  const found = entryOf(fragment);
  if (found === null) return onChange({ kind: "scan" });
  if ("token" in found) return adopt(found.token, onChange);
  for (let attempt = 0; ; attempt += 1) {
    onChange({ kind: "entering", slow: attempt > 0 });
    try {
      return adopt(await askToken(found.ticket), onChange);
    } catch (error) {
      if (error instanceof HttpRefusal && error.status < 500 && error.status !== 429) {
        // A phone that was in before goes on with what it has: reloading an old link is no reason to be sent away.
        const before = storedToken();
        return before === null ? onChange({ kind: "expired" }) : adopt(before, onChange);
      }
      const patience = error instanceof HttpRefusal ? (error.retryAfterMs ?? 0) : 0;
      const wait = Math.max(patience, backoffMs(RECONNECT, attempt, Math.random()));
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

/** This phone was sent away: the next opening asks for a scan. */
export function forgetToken(): void {
  try {
    localStorage.removeItem(TOKEN_KEY);
  } catch {
    // Then there was nothing to forget.
  }
}

async function askToken(ticket: string): Promise<string> {
  const response = await fetchWithin(HTTP_WITHIN_MS, "/api/helpers", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ticket, label: deviceLabel(navigator.userAgent) }),
  });
  if (!response.ok) throw await HttpRefusal.of(response);
  const read = decode(object<{ token: string }>({ token: string }), await response.json());
  if (!read.ok) throw new Error(read.problem);
  return read.value.token;
}

function adopt(token: string, onChange: (entry: Entry) => void): void {
  try {
    localStorage.setItem(TOKEN_KEY, token);
  } catch {
    // The address keeps it as long as the page is not closed.
  }
  history.replaceState(null, "", `#t=${token}`);
  onChange({ kind: "in", token });
}

function storedToken(): string | null {
  try {
    return secretFromFragment(`#t=${localStorage.getItem(TOKEN_KEY) ?? ""}`, "t");
  } catch {
    return null;
  }
}

const SYSTEMS = ["iPhone", "iPad", "Android", "Windows", "Mac OS", "Linux"];
/** Chrome's name stands in everybody's, so the others are asked first. */
const BROWSERS = ["SamsungBrowser", "Edg", "Firefox", "Chrome", "Safari"];

/** What to call this phone in an organiser's list: `Android · Chrome`. */
export function deviceLabel(userAgent: string): string {
  const named = (names: readonly string[]): string =>
    names.find((name) => userAgent.includes(name))?.replace("Edg", "Edge") ?? "?";
  return `${named(SYSTEMS)} · ${named(BROWSERS)}`;
}

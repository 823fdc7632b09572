/** Reading a link as people paste it: with words around it, from a message, from another address of the same server. */
import { linkWithToken, tokenFromFragment } from "../shared/token.ts";

const PAGES: ReadonlySet<string> = new Set(["day", "diem-cau", "du-gio", "to-chuc"]);

/**
 * The same page with the same token on this server, or `null` when the text holds no complete link.
 *
 * Only page and token are taken over: a link never leads a teacher to a stranger's server from here.
 */
export function openableLink(pasted: string, origin: string): string | null {
  const match = /https?:\/\/[^\s/]+\/([a-z-]+)(?:\?[^\s#]*)?(#\S+)/i.exec(pasted);
  const [, page, fragment] = match ?? [];
  if (page === undefined || fragment === undefined || !PAGES.has(page)) return null;
  const token = tokenFromFragment(fragment);
  return token === null ? null : linkWithToken(origin, page, token);
}

/**
 * The SDP a WHIP or WHEP client reads and writes by itself: an ICE restart over PATCH (RFC 9725 section 4.3.2, fragments of
 * RFC 8840). Plain string work in ES2016, because the TV page uses it too.
 */

/** Credentials and candidates of one side. */
export interface IceFragment {
  readonly ufrag: string;
  readonly pwd: string;
  /** Whole `a=candidate:` lines without line ends. */
  readonly candidates: readonly string[];
}

function linesOf(sdp: string): string[] {
  return sdp.split(/\r?\n/).filter((line) => line !== "");
}

function fieldOf(lines: readonly string[], prefix: string): string | null {
  const line = lines.find((candidate) => candidate.startsWith(prefix));
  return line === undefined ? null : line.slice(prefix.length);
}

/** What a client PATCHes to restart ICE: the new credentials of its offer, on the first (bundled) media section. */
export function restartFragment(offer: string): string {
  const lines = linesOf(offer);
  const starts = lines
    .map((line, index) => (line.startsWith("m=") ? index : -1))
    .filter((index) => index >= 0);
  const session = lines.slice(0, starts[0] ?? lines.length);
  const section = lines.slice(starts[0] ?? lines.length, starts[1] ?? lines.length);
  const credentials = ["a=ice-ufrag:", "a=ice-pwd:"].map((prefix) => {
    const value = fieldOf(section, prefix) ?? fieldOf(session, prefix) ?? "";
    return prefix + value;
  });
  const kept = session
    .filter((line) => line.startsWith("a=group:BUNDLE"))
    .concat(
      section.filter((line) => line.startsWith("m=") || line.startsWith("a=mid:")),
      credentials,
      section.filter((line) => line.startsWith("a=candidate:")),
    );
  return `${kept.join("\r\n")}\r\n`;
}

/** Reads a server's fragment; `null` when it carries no credentials. */
export function readFragment(fragment: string): IceFragment | null {
  const lines = linesOf(fragment);
  const ufrag = fieldOf(lines, "a=ice-ufrag:");
  const pwd = fieldOf(lines, "a=ice-pwd:");
  if (ufrag === null || pwd === null) return null;
  const candidates = lines.filter((line) => line.startsWith("a=candidate:"));
  return { ufrag, pwd, candidates: candidates.filter((line, index) => candidates.indexOf(line) === index) };
}

/**
 * The last answer with the server's new credentials wherever it had old ones. New candidates replace the old; a fragment
 * without any keeps them, as an ICE-lite server's addresses do not change with its credentials.
 */
export function restartedAnswer(answer: string, ice: IceFragment): string {
  const out: string[] = [];
  for (const line of linesOf(answer)) {
    if (line.startsWith("a=ice-ufrag:")) out.push(`a=ice-ufrag:${ice.ufrag}`);
    else if (line.startsWith("a=ice-pwd:")) out.push(`a=ice-pwd:${ice.pwd}`, ...ice.candidates);
    else if (!line.startsWith("a=candidate:") || ice.candidates.length === 0) out.push(line);
  }
  return `${out.join("\r\n")}\r\n`;
}

/** The little SDP a WHIP client must read or write itself: tuning an answer, restarting ICE. */

/** New ICE credentials and candidates of one side, as carried by a trickle fragment (RFC 8840). */
export interface IceFragment {
  readonly ufrag: string;
  readonly pwd: string;
  /** Whole `a=candidate:` lines without line ends. */
  readonly candidates: readonly string[];
}

/**
 * Asks our own encoder for Opus in-band FEC: the *answer's* fmtp is what steers a sender.
 *
 * The relay says so itself; a relay or proxy that does not still gets FEC from us. Every Opus line
 * that lacks the parameter gains it, everything else stays byte for byte.
 */
export function withInbandFec(answer: string): string {
  const opus = new Set([...answer.matchAll(/^a=rtpmap:(\d+) opus\/48000/gim)].map((match) => match[1]));
  const described = new Set<string>();
  const lines = answer.split(/\r?\n/).map((line) => {
    const fmtp = /^a=fmtp:(\d+) (.*)$/.exec(line);
    const payloadType = fmtp?.[1];
    if (payloadType === undefined || !opus.has(payloadType)) return line;
    described.add(payloadType);
    return /useinbandfec=1/.test(line) ? line : `${line.replace(/;?useinbandfec=0/, "")};useinbandfec=1`;
  });
  const complete = lines.flatMap((line) => {
    const payloadType = /^a=rtpmap:(\d+) opus\/48000/i.exec(line)?.[1];
    const bare = payloadType !== undefined && !described.has(payloadType);
    return bare ? [line, `a=fmtp:${payloadType} useinbandfec=1`] : [line];
  });
  return complete.join("\r\n");
}

/** The fragment a client PATCHes to restart ICE: our new credentials on the first media section. */
export function restartFragment(offer: string): string {
  const section = offer.split(/^(?=m=)/m)[1] ?? "";
  const kept = offer
    .split(/\r?\n/)
    .filter((line) => line.startsWith("a=group:BUNDLE"))
    .concat(
      section.split(/\r?\n/).filter((line) => /^(m=|a=mid:|a=ice-ufrag:|a=ice-pwd:|a=candidate:)/.test(line)),
    );
  return `${kept.join("\r\n")}\r\n`;
}

/** Reads credentials and candidates from a server's fragment; `null` when it has no credentials. */
export function readFragment(fragment: string): IceFragment | null {
  const ufrag = /^a=ice-ufrag:(\S+)/m.exec(fragment)?.[1];
  const pwd = /^a=ice-pwd:(\S+)/m.exec(fragment)?.[1];
  if (ufrag === undefined || pwd === undefined) return null;
  const candidates = [...fragment.matchAll(/^a=candidate:[^\r\n]*/gm)].map((match) => match[0]);
  return { ufrag, pwd, candidates: [...new Set(candidates)] };
}

/**
 * The last answer with the server's new ICE credentials in every section that had old ones.
 *
 * New candidates replace the old ones; a fragment without any keeps them (an ICE-lite server's
 * addresses do not change when its credentials do).
 */
export function restartedAnswer(answer: string, ice: IceFragment): string {
  return answer
    .split(/\r?\n/)
    .flatMap((line) => {
      if (line.startsWith("a=ice-ufrag:")) return [`a=ice-ufrag:${ice.ufrag}`];
      if (line.startsWith("a=ice-pwd:")) return [`a=ice-pwd:${ice.pwd}`, ...ice.candidates];
      if (line.startsWith("a=candidate:") && ice.candidates.length > 0) return [];
      return [line];
    })
    .join("\r\n");
}

/** The one thing a publisher changes in an answer: what its own voice encoder shall do. */

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

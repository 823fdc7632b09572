/** What a publisher adds to an answer: hints to its own encoders, which listen to the remote description. */

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

/**
 * Lets congestion control begin at `kbps` instead of Chromium's 300: when we know the line from the session before, the top
 * layer is there with the first frame instead of after seconds of ramping up.
 *
 * `x-google-start-bitrate` is read by libwebrtc from the fmtp of every picture codec; other browsers ignore it.
 */
export function withStartRate(answer: string, kbps: number): string {
  const hint = `x-google-start-bitrate=${Math.round(kbps)}`;
  const codecs = new Set(
    [...answer.matchAll(/^a=rtpmap:(\d+) (?:VP8|H264)\/90000/gim)].map((match) => match[1]),
  );
  const described = new Set([...answer.matchAll(/^a=fmtp:(\d+) /gm)].map((match) => match[1]));
  return answer
    .split(/\r?\n/)
    .flatMap((line) => {
      const [, kind, payloadType] = /^a=(rtpmap|fmtp):(\d+) /.exec(line) ?? [];
      if (payloadType === undefined || !codecs.has(payloadType)) return [line];
      if (kind === "fmtp") return [`${line};${hint}`];
      return described.has(payloadType) ? [line] : [line, `a=fmtp:${payloadType} ${hint}`];
    })
    .join("\r\n");
}

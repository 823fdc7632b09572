/** What a publisher adds to an answer: hints to its own encoders, which listen to the remote description. */

/**
 * Asks our own encoder for Opus in-band FEC: the *answer's* fmtp is what steers a sender.
 *
 * The relay says so itself; a relay or proxy that does not still gets FEC from us. Every Opus line
 * that lacks the parameter gains it, everything else stays byte for byte.
 */
export function withInbandFec(answer: string): string {
  const opus = payloadTypes(answer, /^a=rtpmap:(\d+) opus\/48000/i);
  const described = payloadTypes(answer, /^a=fmtp:(\d+) /);
  const lines: string[] = [];
  for (const line of answer.split(/\r?\n/)) {
    const parameters = /^a=fmtp:(\d+) /.exec(line)?.[1];
    if (parameters !== undefined && opus.has(parameters) && !/useinbandfec=1/.test(line)) {
      lines.push(`${line.replace(/;?useinbandfec=0/, "")};useinbandfec=1`);
      continue;
    }
    lines.push(line);
    const bare = /^a=rtpmap:(\d+) opus\/48000/i.exec(line)?.[1];
    if (bare !== undefined && !described.has(bare)) lines.push(`a=fmtp:${bare} useinbandfec=1`);
  }
  return lines.join("\r\n");
}

/**
 * Lets congestion control begin at `kbps` instead of Chromium's 300: when we know the line from the session before, the top
 * layer is there with the first frame instead of after seconds of ramping up.
 *
 * `x-google-start-bitrate` is read by libwebrtc from the fmtp of every picture codec; other browsers ignore it.
 */
export function withStartRate(answer: string, kbps: number): string {
  const hint = `x-google-start-bitrate=${Math.round(kbps)}`;
  const codecs = payloadTypes(answer, /^a=rtpmap:(\d+) (?:VP8|H264)\/90000/i);
  const described = payloadTypes(answer, /^a=fmtp:(\d+) /);
  const lines: string[] = [];
  for (const line of answer.split(/\r?\n/)) {
    const [, kind, payloadType] = /^a=(rtpmap|fmtp):(\d+) /.exec(line) ?? [];
    const ours = payloadType !== undefined && codecs.has(payloadType);
    lines.push(ours && kind === "fmtp" ? `${line};${hint}` : line);
    if (ours && kind === "rtpmap" && !described.has(payloadType)) lines.push(`a=fmtp:${payloadType} ${hint}`);
  }
  return lines.join("\r\n");
}

/** The numbers that `line` captures, over all lines. */
function payloadTypes(sdp: string, line: RegExp): ReadonlySet<string> {
  const found = new Set<string>();
  for (const text of sdp.split(/\r?\n/)) {
    const payloadType = line.exec(text)?.[1];
    if (payloadType !== undefined) found.add(payloadType);
  }
  return found;
}

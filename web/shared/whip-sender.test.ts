import { describe, expect, it } from "vitest";
import { SlotSender, type TunedSender } from "./whip-sender.ts";

/** A camera of that many lines. */
const camera = (height: number): MediaStreamTrack =>
  ({ kind: "video", getSettings: () => ({ width: (height * 16) / 9, height }) }) as MediaStreamTrack;

/** Keeps parameters as Chromium does: whoever sets them must have read them after they were last set, and no two at once. */
class ChromiumSender {
  track: MediaStreamTrack | null = null;
  refusals = 0;
  encodings: RTCRtpEncodingParameters[] = [];
  broken = false;
  #read = false;

  getParameters(): RTCRtpSendParameters {
    this.#read = true;
    return { encodings: [{}, {}, {}] } as unknown as RTCRtpSendParameters;
  }

  async setParameters({ encodings }: RTCRtpSendParameters): Promise<void> {
    await Promise.resolve();
    if (!this.#read || this.broken) {
      this.refusals += 1;
      throw new DOMException("getParameters() has never been called on this sender", "InvalidStateError");
    }
    this.#read = false;
    this.encodings = encodings;
  }

  async replaceTrack(track: MediaStreamTrack | null): Promise<void> {
    await Promise.resolve();
    this.track = track;
  }
}

const slotOf = (sender: ChromiumSender): SlotSender =>
  new SlotSender(sender as unknown as TunedSender, "program");

describe("what a slot sends", () => {
  it("is the camera that was opened last, also when the one before was being opened at that moment", async () => {
    const sender = new ChromiumSender();
    const slot = slotOf(sender);
    const [first, second] = [camera(1080), camera(720)];
    await Promise.all([slot.set(first), slot.set(null), slot.set(second), slot.tune()]);
    expect(sender.refusals).toBe(0);
    expect(slot.track).toBe(second);
  });

  it("has encodings that fit its size", async () => {
    const sender = new ChromiumSender();
    const slot = slotOf(sender);
    await slot.set(camera(1080));
    const before = sender.encodings;
    await slot.set(camera(180));
    expect(sender.encodings).not.toEqual(before);
  });

  it("is sent with encodings that do not fit rather than not at all", async () => {
    const sender = new ChromiumSender();
    sender.broken = true;
    const slot = slotOf(sender);
    const track = camera(720);
    await slot.set(track);
    expect(slot.track).toBe(track);
    sender.broken = false;
    await slot.tune();
    expect(sender.encodings).not.toEqual([]);
  });

  it("goes on after a change that failed", async () => {
    const sender = new ChromiumSender();
    const slot = slotOf(sender);
    const { replaceTrack } = sender;
    sender.replaceTrack = () => Promise.reject(new Error("closed"));
    await expect(slot.set(camera(720))).rejects.toThrow("closed");
    sender.replaceTrack = replaceTrack;
    const track = camera(720);
    await slot.set(track);
    expect(slot.track).toBe(track);
  });

  it("has nothing to say of a connection that was closed meanwhile", async () => {
    const sender = new ChromiumSender();
    const slot = slotOf(sender);
    let fails: (error: Error) => void = () => undefined;
    sender.replaceTrack = () => new Promise((_, reject) => (fails = reject));
    const changes = [slot.set(camera(720)), slot.set(null)];
    await new Promise((resolve) => setTimeout(resolve));
    slot.close();
    fails(new DOMException("The peer connection is closed.", "InvalidStateError"));
    await Promise.all(changes);
    expect(slot.track).toBeNull();
  });
});

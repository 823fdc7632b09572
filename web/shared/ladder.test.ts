import { expect, test } from "vitest";
import {
  type Abilities,
  type Health,
  type LadderState,
  look,
  noteHealth,
  startLadder,
  type Way,
} from "./ladder.ts";

const pc: Abilities = { webrtc: true, segments: true, hls: true };

/** A screen on a network: what each way does, second by second; what is shown and what runs at the end of each. */
function story(
  abilities: Abilities,
  network: (way: Way, second: number) => Health,
  seconds: number,
  remembered: Way | null = null,
): { shown: (Way | null)[]; running: string[]; state: LadderState } {
  let state = startLadder(abilities, remembered, 0);
  const shown: (Way | null)[] = [];
  const running: string[] = [];
  for (let second = 1; second <= seconds; second += 1) {
    const now = second * 1000;
    for (const way of state.running) state = noteHealth(state, way, network(way, second), now);
    state = look(state, now);
    shown.push(state.shown);
    running.push(state.running.join("+"));
  }
  return { shown, running, state };
}

test("where WebRTC works nothing else is ever tried", () => {
  const { shown, running } = story(pc, (way) => (way === "webrtc" ? "good" : "bad"), 60);
  expect(shown[0]).toBe("webrtc");
  expect(new Set(running)).toEqual(new Set(["webrtc"]));
});

test("where WebRTC is blocked the lesson comes as segments within five seconds, and WebRTC rests", () => {
  const { shown, running } = story(pc, (way) => (way === "segments" ? "good" : "bad"), 400);
  expect(shown.indexOf("segments")).toBeLessThan(5);
  expect(running[30]).toBe("segments");
  expect(running.filter((way) => way === "webrtc+segments").length).toBeLessThan(70);
  expect(new Set(shown.slice(5))).toEqual(new Set(["segments"]));
});

test("a school whose firewall was met yesterday begins with both at once", () => {
  const { shown } = story(pc, (way) => (way === "segments" ? "good" : "bad"), 3, "segments");
  expect(shown[0]).toBe("segments");
});

test("a TV without WebRTC begins with segments, one without anything but video with HLS", () => {
  expect(startLadder({ webrtc: false, segments: true, hls: true }, null, 0).running).toEqual(["segments"]);
  expect(startLadder({ webrtc: false, segments: false, hls: true }, null, 0).running).toEqual(["hls"]);
  expect(startLadder({ webrtc: false, segments: false, hls: false }, null, 0).running).toEqual([]);
});

test("segments a TV cannot play give way to HLS", () => {
  const tv = { webrtc: false, segments: true, hls: true };
  const { shown } = story(tv, (way) => (way === "hls" ? "good" : "bad"), 20);
  expect(shown[19]).toBe("hls");
});

test("a path that breaks in mid-lesson is replaced, and taken back when it holds", () => {
  const network = (way: Way, second: number): Health =>
    way === "segments" || second < 20 || second >= 40 ? "good" : "bad";
  const { shown, running } = story(pc, network, 60);
  expect(shown[18]).toBe("webrtc");
  expect(shown.slice(19, 25).indexOf("segments")).toBeLessThan(6);
  expect(shown[38]).toBe("segments");
  expect(shown[59]).toBe("webrtc");
  expect(running[59]).toBe("webrtc");
});

test("an outage of the whole link changes no way: there is none, and WebRTC comes back first", () => {
  const { shown, running } = story(
    pc,
    (way, second) => (second < 10 || second > 30 ? "good" : way === "webrtc" && second > 14 ? "cut" : "bad"),
    60,
  );
  expect(new Set(shown.slice(1))).toEqual(new Set(["webrtc"]));
  expect(running.slice(40)).toEqual(running.slice(40).map(() => "webrtc"));
});

test("what stood in once is not believed to work the next time", () => {
  const { shown, running } = story(
    pc,
    (way, second) => {
      if (way === "segments") return second < 40 ? "good" : "bad";
      return (second > 10 && second < 25) || second > 40 ? "bad" : "good";
    },
    80,
  );
  expect(shown.slice(20, 25)).toEqual(Array(5).fill("segments"));
  expect(new Set(shown.slice(30))).toEqual(new Set(["webrtc"]));
  // Nor is it given up before it has had its time.
  expect(running[47]).toBe("webrtc+segments");
});

test("what comes back a moment before WebRTC does not take the picture for that moment", () => {
  const { shown } = story(
    pc,
    (way, second) => (second < 10 || second > (way === "segments" ? 30 : 32) ? "good" : "bad"),
    60,
  );
  expect(new Set(shown)).toEqual(new Set(["webrtc"]));
});

test("nothing else is begun while the relay cannot be reached, until that has lasted too long to be believed", () => {
  const { running } = story(pc, (_, second) => (second < 10 ? "good" : "cut"), 600);
  expect(running.indexOf("webrtc+segments")).toBeGreaterThan(300);
});

test("after an outage that ends on a network without UDP the lesson comes as segments", () => {
  const { shown } = story(
    pc,
    (way, second) => (second < 10 ? "good" : second < 30 ? "cut" : way === "segments" ? "good" : "bad"),
    60,
  );
  expect(shown.indexOf("segments")).toBeGreaterThan(30);
  expect(shown.indexOf("segments")).toBeLessThan(40);
});

test("a teacher who is away makes no classroom change its way", () => {
  const network = (way: Way, second: number): Health => (way === "webrtc" && second < 10 ? "good" : "idle");
  const { shown, running } = story(pc, network, 60);
  expect(shown[59]).toBe("webrtc");
  expect(running[59]).toBe("webrtc");
});

test("a WebRTC that flickers does not take the picture from segments that work", () => {
  const network = (way: Way, second: number): Health =>
    way === "segments" || second % 2 === 0 ? "good" : "bad";
  const { shown } = story(pc, network, 30, "segments");
  const changes = shown.filter((way, at) => at > 0 && way !== shown[at - 1]).length;
  expect(changes).toBeLessThan(3);
});

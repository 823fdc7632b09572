import { describe, expect, test } from "vitest";
import { classify, DeviceError, findRemembered, pickSecondCamera } from "./devices.ts";
import { levelOfRms, loudness, meterLevel } from "./sound.ts";

const usb = { deviceId: "a1", label: "Logitech C270" };
const builtIn = { deviceId: "b2", label: "HD Webcam" };

describe("the camera chosen last week", () => {
  test("is found by its id", () => {
    expect(findRemembered({ id: "b2", label: "renamed" }, [usb, builtIn])).toBe(builtIn);
  });
  test("is found by its name when the browser has forgotten its ids", () => {
    expect(findRemembered({ id: "old", label: "Logitech C270" }, [builtIn, usb])).toBe(usb);
  });
  test("is nobody when it stayed at home", () => {
    expect(findRemembered({ id: "old", label: "Canon" }, [builtIn, usb])).toBeUndefined();
  });
  test("without permission all names are empty, and an empty name matches nothing", () => {
    expect(findRemembered({ id: "old", label: "" }, [{ deviceId: "x", label: "" }])).toBeUndefined();
  });
});

describe("the second camera", () => {
  test("is never the one already on air", () => {
    expect(pickSecondCamera(undefined, [usb, builtIn], "a1")).toBe(builtIn);
    expect(pickSecondCamera({ id: "a1", label: "" }, [usb, builtIn], "a1")).toBe(builtIn);
    expect(pickSecondCamera(undefined, [usb], "a1")).toBeUndefined();
  });
});

describe("why there is no picture", () => {
  const thrown = (name: string, message = ""): Error => Object.assign(new Error(message), { name });
  const cases: [Error, string][] = [
    [thrown("NotAllowedError", "Permission denied"), "denied"],
    [thrown("NotAllowedError", "Permission denied by system"), "denied_by_system"],
    [thrown("NotFoundError"), "missing"],
    [thrown("OverconstrainedError"), "missing"],
    [thrown("NotReadableError", "Could not start video source"), "busy"],
    [new DeviceError("insecure"), "insecure"],
    [new TypeError("undefined"), "failed"],
  ];
  test.each(cases)("%s is told as %s", (error, problem) => {
    expect(classify(error)).toBe(problem);
  });
});

describe("the level of a voice", () => {
  const tone = (amplitude: number): Float32Array =>
    Float32Array.from({ length: 2048 }, (_, n) => amplitude * Math.sin(n / 5));
  test("silence lights nothing, and a room's hum is still called silent", () => {
    expect(meterLevel(new Float32Array(2048))).toBe(0);
    expect(loudness(meterLevel(tone(0.002)))).toBe("silent");
  });
  test("a normal voice reads as good, a shout as loud", () => {
    expect(loudness(meterLevel(tone(0.1)))).toBe("good");
    expect(loudness(meterLevel(tone(0.9)))).toBe("loud");
  });
  test("stays within its scale", () => {
    expect(levelOfRms(10)).toBe(1);
    expect(levelOfRms(0)).toBe(0);
  });
});

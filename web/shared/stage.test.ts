import { expect, test } from "vitest";
import { layerForHeight } from "./stage.ts";

test("a picture is asked for in the layer that fills it, not a larger one", () => {
  expect(layerForHeight(1080)).toBe("high");
  expect(layerForHeight(540)).toBe("high");
  expect(layerForHeight(360)).toBe("mid");
  expect(layerForHeight(216)).toBe("mid");
  expect(layerForHeight(154)).toBe("low");
  expect(layerForHeight(0)).toBe("low");
});

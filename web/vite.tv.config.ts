import { defineConfig } from "vite";
import { classicScript } from "./build/classic-script.ts";
import { oldBrowser } from "./build/old-browser.ts";
import { TV_PAGE } from "./build/pages.ts";

/** A class's camera; Chrome 76 has `setCodecPreferences`, and everything else of it is older. */
const CAN_SPEAK = "room-camera.ts: canSpeak, before a camera is opened";

/**
 * The classroom TV page: one classic script and one stylesheet for Chromium 53 (LG webOS 4, Samsung 2018). It is a build of
 * its own because modules, shared chunks and `import()` do not exist there.
 */
export default defineConfig({
  plugins: [
    classicScript({ ecmaVersion: 2016 }),
    oldBrowser({
      chrome: 53,
      syntax: 2016,
      ours: [
        "adopt",
        "allow",
        "dispose",
        "draw",
        "drop",
        "fetch",
        "forget",
        "opened",
        "restartIce",
        "sample",
        "take",
      ],
      askedElsewhere: {
        RTCPeerConnection: "media-ways.ts takes WebRTC only where it is",
        MediaStream: "stage.ts wraps tracks of an RTCPeerConnection in it, and those come only from WebRTC",
        addTransceiver: "whep-session.ts: connect",
        requestVideoFrameCallback: "picture-watch.ts: start",
        cancelVideoFrameCallback: "picture-watch.ts: stop, of what requestVideoFrameCallback gave",
        RTCRtpSender: CAN_SPEAK,
        getCapabilities: CAN_SPEAK,
        setCodecPreferences: CAN_SPEAK,
        getTransceivers: CAN_SPEAK,
        replaceTrack: CAN_SPEAK,
        getParameters: CAN_SPEAK,
        setParameters: CAN_SPEAK,
        getSettings: CAN_SPEAK,
        requestFullscreen: "main.ts asks document.fullscreenEnabled, which came later",
        exitFullscreen: "main.ts asks document.fullscreenElement, which came later",
      },
    }),
  ],
  build: {
    outDir: "dist",
    emptyOutDir: false,
    // Not "chrome53": the syntax floor is ES2016, and the transform knows language years exactly.
    target: "es2016",
    cssTarget: "chrome53",
    // One linked stylesheet: split styles of a classic script would be injected by the script, after the first paint.
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: `${TV_PAGE}.html`,
      output: { format: "iife" },
    },
  },
});

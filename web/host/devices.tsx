/** Choosing camera, second camera and microphone; the choice takes effect at once and is remembered. */
import type { JSX } from "preact";
import { useId } from "preact/hooks";
import type { DeviceUse } from "../shared/devices.ts";
import { Button } from "../shared/ui/button.tsx";
import { Dialog } from "../shared/ui/dialog.tsx";
import type { HostRoom } from "./room.ts";
import type { SourceState } from "./sources.ts";
import { VoiceLevel } from "./tools.tsx";
import type { Voice } from "./voice.ts";
import { t } from "./words.ts";

export function DevicesDialog(props: { room: HostRoom; voice: Voice; onClose: () => void }): JSX.Element {
  const { room, voice, onClose } = props;
  return (
    <Dialog
      title={t("host.devices.title")}
      onClose={onClose}
      actions={
        <Button kind="primary" onClick={onClose}>
          {t("host.devices.done")}
        </Button>
      }
    >
      <div class="devices">
        <DeviceSelect room={room} use="camera" label={t("host.devices.camera")} />
        {room.sources.cameras.value.length > 1 ? (
          <DeviceSelect room={room} use="second_camera" label={t("host.devices.second")} />
        ) : null}
        <DeviceSelect room={room} use="microphone" label={t("host.devices.microphone")} />
        <VoiceLevel voice={voice} />
      </div>
    </Dialog>
  );
}

/** One labelled list of devices. Choosing from it opens the device. */
export function DeviceSelect(props: { room: HostRoom; use: DeviceUse; label: string }): JSX.Element {
  const { room, use } = props;
  const id = useId();
  const { sources } = room;
  const devices = use === "microphone" ? sources.microphones.value : sources.cameras.value;
  const state: SourceState =
    use === "camera"
      ? sources.camera.value
      : use === "second_camera"
        ? sources.secondCamera.value
        : sources.microphone.value;
  const chosen = state.kind === "on" ? state.deviceId : "";
  // Before the first permission browsers list devices without ids: there is nothing to choose yet.
  const known = devices.filter(({ deviceId }) => deviceId !== "");
  const listed = known.some(({ deviceId }) => deviceId === chosen);
  return (
    <div class="device">
      <label for={id}>{props.label}</label>
      <select
        id={id}
        class="select"
        value={listed ? chosen : ""}
        disabled={known.length === 0 || state.kind === "opening"}
        onChange={(event) => {
          if (event.currentTarget.value !== "") void sources.open(use, event.currentTarget.value);
        }}
      >
        {listed ? null : (
          <option value="">
            {state.kind === "on"
              ? plainLabel(state.label)
              : known.length === 0
                ? t("host.devices.none")
                : "–"}
          </option>
        )}
        {known.map((device, index) => (
          <option key={device.deviceId} value={device.deviceId}>
            {device.label === ""
              ? t("host.devices.nameless", { number: index + 1 })
              : plainLabel(device.label)}
          </option>
        ))}
      </select>
    </div>
  );
}

/** Chrome appends USB vendor and product numbers, `HD Webcam (046d:0825)`, which help nobody choose. */
function plainLabel(label: string): string {
  return label.replace(/ \([0-9a-f]{4}:[0-9a-f]{4}\)$/i, "");
}

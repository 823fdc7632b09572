/** Keeps the screen on while a lesson runs. Browsers without wake locks keep it on by themselves while video plays. */

export class ScreenWakeLock {
  private wanted = false;
  private lock: WakeLockSentinel | null = null;

  constructor() {
    // The browser releases a lock when the page is hidden; ask again when it is seen.
    document.addEventListener("visibilitychange", () => this.update());
  }

  keep(wanted: boolean): void {
    if (wanted === this.wanted) return;
    this.wanted = wanted;
    this.update();
  }

  private update(): void {
    const api = (navigator as { wakeLock?: WakeLock }).wakeLock;
    if (!this.wanted) {
      this.lock?.release().catch(() => undefined);
      this.lock = null;
      return;
    }
    if (api === undefined || document.visibilityState !== "visible") return;
    if (this.lock !== null && !this.lock.released) return;
    api.request("screen").then(
      (lock) => {
        if (this.wanted) this.lock = lock;
        else lock.release().catch(() => undefined);
      },
      // Refused on low battery: nothing to do, and the next visibility change asks again.
      () => undefined,
    );
  }
}

/** Keeps this page on the machine, so that it opens without a network (`offline/sw.ts`). Only where the address is secure. */

/** Everything the page may load later is loaded now, when nobody waits for it. */
export function keepPageOffline(): void {
  const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
  if (serviceWorker === undefined || !import.meta.env.PROD) return;
  void (async () => {
    try {
      await serviceWorker.register("/sw-du-gio.js", { scope: "/du-gio" });
      const ready = await serviceWorker.ready;
      // The library that writes DOCX files is large and only asked for at the end, perhaps without a network.
      await import("docx");
      const files = performance
        .getEntriesByType("resource")
        .map(({ name }) => new URL(name).pathname)
        .filter((path) => path.startsWith("/assets/"));
      ready.active?.postMessage([...new Set(files)]);
    } catch {
      // The page works all the same; it only cannot be opened without a network.
    }
  })();
}

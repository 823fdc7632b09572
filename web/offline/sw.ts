/**
 * Opens the observer's page without a network: a tab that was killed while the school was offline must come back with its
 * sheet. The page is asked of the network first, so that a newer server's page wins; its files never change and are kept.
 */

const CACHE = "nhipcau-du-gio";
const PAGE = "/du-gio";
/** A server that is down often does not refuse but says nothing. */
const PATIENCE_MS = 4000;

interface Worker extends EventTarget {
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
}
interface WorkerEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEventLike extends WorkerEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}

const worker = self as unknown as Worker;

worker.addEventListener("install", (event) => {
  (event as WorkerEvent).waitUntil(worker.skipWaiting());
});

worker.addEventListener("activate", (event) => {
  (event as WorkerEvent).waitUntil(worker.clients.claim());
});

worker.addEventListener("fetch", (event) => {
  const { request, respondWith } = event as FetchEventLike;
  const answer = respondWith.bind(event);
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" && url.pathname === PAGE) answer(page(request));
  else if (url.pathname.startsWith("/assets/")) answer(file(request));
});

/** The page says which files it needs: those are kept, the others are of an older version. */
worker.addEventListener("message", (event) => {
  const { data } = event as MessageEvent<unknown>;
  if (!Array.isArray(data)) return;
  const wanted = data.filter(
    (path): path is string => typeof path === "string" && path.startsWith("/assets/"),
  );
  (event as unknown as WorkerEvent).waitUntil(keep(wanted));
});

async function page(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE_MS);
  try {
    const fresh = await fetch(request, { signal: abort.signal });
    if (fresh.ok) await cache.put(PAGE, fresh.clone());
    return fresh;
  } catch (error) {
    const kept = await cache.match(PAGE);
    if (kept !== undefined) return kept;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function file(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request);
  if (kept !== undefined) return kept;
  const fresh = await fetch(request);
  if (fresh.ok) await cache.put(request, fresh.clone());
  return fresh;
}

async function keep(wanted: readonly string[]): Promise<void> {
  const cache = await caches.open(CACHE);
  for (const path of [PAGE, ...wanted]) {
    if ((await cache.match(path)) === undefined) await cache.add(path).catch(() => undefined);
  }
  for (const request of await cache.keys()) {
    const { pathname } = new URL(request.url);
    if (pathname !== PAGE && !wanted.includes(pathname)) await cache.delete(request);
  }
}

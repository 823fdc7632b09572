/**
 * The name a tab writes under (`crates/notes/MERGE.md`, rule 2). No two tabs may share one, and a browser that is opened fifty
 * times should not use up fifty: names are kept and taken up again under a lock that the browser frees when a tab dies.
 */
import { isReplica, type Replica, randomText } from "../../shared/notes/stamp.ts";

const KEY = "nhipcau.replicas";
const LENGTH = 8;

/** @param lasting whether what this tab writes is on the disk: only then may a later tab go on under its name */
export async function claimReplica(lasting: boolean): Promise<Replica> {
  const locks: LockManager | undefined = navigator.locks;
  if (!lasting || locks === undefined) return randomText(LENGTH);
  for (const name of [...remembered(), randomText(LENGTH)]) {
    if (await hold(locks, name)) {
      remember(name);
      return name;
    }
  }
  return randomText(LENGTH);
}

/** Holds the name for as long as the tab lives. */
function hold(locks: LockManager, name: Replica): Promise<boolean> {
  return new Promise((resolve) => {
    const held = locks.request(`nhipcau.replica.${name}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise<never>(() => undefined);
    });
    held.catch(() => resolve(false));
  });
}

function remembered(): Replica[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((name) => typeof name === "string" && isReplica(name)) : [];
  } catch {
    return [];
  }
}

function remember(name: Replica): void {
  try {
    const names = [...new Set([...remembered(), name])];
    localStorage.setItem(KEY, JSON.stringify(names.slice(-20)));
  } catch {
    // Without storage the next tab takes a new name.
  }
}

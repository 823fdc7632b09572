/**
 * Links of places made on this page. The server keeps only their hashes, so this is the one copy until it is printed;
 * it lives as long as the browser tab.
 */
const STORAGE_KEY = "nhipcau.made-links";

/** Links by place id. */
export type KnownLinks = ReadonlyMap<string, string>;

export function loadKnownLinks(): KnownLinks {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "{}");
    if (typeof value !== "object" || value === null) return new Map();
    return new Map(
      Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    );
  } catch {
    return new Map();
  }
}

export function saveKnownLinks(links: KnownLinks): void {
  try {
    sessionStorage.setItem(STORAGE_KEY, JSON.stringify(Object.fromEntries(links)));
  } catch {
    // Then the links are known until the page is closed or reloaded.
  }
}

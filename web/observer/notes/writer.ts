/** Who writes on this machine; she is asked once. */
const WRITER_KEY = "nhipcau.writer";

/** Name and unit typed last on this machine. */
export function rememberedWriter(): { name: string; unit: string } {
  try {
    const found = JSON.parse(localStorage.getItem(WRITER_KEY) ?? "{}") as { name?: unknown; unit?: unknown };
    const text = (value: unknown): string => (typeof value === "string" ? value : "");
    return { name: text(found.name), unit: text(found.unit) };
  } catch {
    return { name: "", unit: "" };
  }
}

export function rememberWriter(name: string, unit: string): void {
  try {
    localStorage.setItem(WRITER_KEY, JSON.stringify({ name: name.trim(), unit: unit.trim() }));
  } catch {
    // She types it again next time.
  }
}

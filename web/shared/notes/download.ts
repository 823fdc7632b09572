/** Hands a file to whoever looks at the page. */
export function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // Firefox reads the file after the click has returned.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A file name without what file systems refuse. */
export function fileName(...parts: readonly string[]): string {
  const name = parts
    .filter((part) => part.trim() !== "")
    .join(" - ")
    .replace(/[\\/:*?"<>|\p{Cc}]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
  return name.slice(0, 120) || "phieu";
}

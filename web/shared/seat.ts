/** An observer's seat in a lesson, kept by her browser. */

const SEAT_KEY = "nhipcau.seat";

/** The seat an observer had under this link: while the lesson is locked, only those who were there come back in. */
export function rememberedSeat(token: string): string | null {
  try {
    const [owner, seat] = (localStorage.getItem(SEAT_KEY) ?? "").split(" ");
    return owner === token.slice(-8) && seat !== undefined ? seat : null;
  } catch {
    return null;
  }
}

export function rememberSeat(token: string, seat: string): void {
  try {
    localStorage.setItem(SEAT_KEY, `${token.slice(-8)} ${seat}`);
  } catch {
    // Then a reload during a locked lesson needs the organiser to unlock it.
  }
}

/** Keeps a fresh ticket for the QR code that phones scan: asked after every `welcome`, and anew before it expires. */
import { backoffMs } from "../shared/backoff.ts";
import { helperTicketDecoder } from "../shared/lesson-protocol.ts";
import { askRelay } from "./api.ts";

const RETRY = { firstMs: 2000, maxMs: 60_000 };
/** Share of a ticket's life after which the next one is asked for: whoever is scanning right now still comes in. */
const RENEW_AT = 0.8;

export class TicketKeeper {
  private readonly token: string;
  private readonly onTicket: (url: string | null) => void;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private run = 0;

  constructor(token: string, onTicket: (url: string | null) => void) {
    this.token = token;
    this.onTicket = onTicket;
  }

  /** Asks now: the relay may have forgotten the old ticket. */
  renew(): void {
    clearTimeout(this.timer);
    this.run += 1;
    void this.ask(this.run, 0);
  }

  stop(): void {
    this.run += 1;
    clearTimeout(this.timer);
  }

  private async ask(run: number, failures: number): Promise<void> {
    try {
      const ticket = await askRelay(this.token, "POST", "/api/helpers/ticket", helperTicketDecoder);
      if (run !== this.run) return;
      this.onTicket(ticket.url);
      this.timer = setTimeout(() => this.renew(), ticket.expires_in_s * 1000 * RENEW_AT);
    } catch {
      if (run !== this.run) return;
      // A code that no longer opens anything is worse than none.
      if (failures > 2) this.onTicket(null);
      const wait = backoffMs(RETRY, failures, Math.random());
      this.timer = setTimeout(() => void this.ask(run, failures + 1), wait);
    }
  }
}

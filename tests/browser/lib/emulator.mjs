// The simulator's link emulator as a process: a bad link between a browser and the relay, changed while it runs.
import { spawn } from 'node:child_process'
import readline from 'node:readline'
import { binary, ended } from './relay.mjs'

export class Emulator {
  #child
  #waiting = []
  /** Address of this machine on which the link is found. */
  host
  /** UDP port that leads to the relay's media, TCP port that leads to its pages. */
  ports
  /** Milliseconds since the epoch at which the emulator's own clock was 0. */
  epoch

  /** A perfect link to the relay at `base`, whose losses come from `seed`; the place finds it on the address `host` of this machine. */
  static async start(base, seed, host = '127.0.0.1') {
    const emulator = new Emulator()
    emulator.host = host
    emulator.#child = spawn(binary('nhipcau-sim'), ['link', '--seed', String(seed), '--server', new URL(base).host, '--listen', host], { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines = readline.createInterface({ input: emulator.#child.stdout })
    const first = new Promise((resolve, reject) => {
      emulator.#waiting.push(resolve)
      emulator.#child.once('exit', (code) => reject(new Error(`the link ended with code ${code}`)))
    })
    lines.on('line', (line) => emulator.#waiting.shift()?.(JSON.parse(line)))
    const { udp, tcp } = await first
    emulator.ports = { udp: Number(udp.split(':').at(-1)), tcp: Number(tcp.split(':').at(-1)) }
    const before = Date.now()
    const { t_ms } = await emulator.tell({})
    emulator.epoch = (before + Date.now()) / 2 - t_ms
    return emulator
  }

  /** Sends one command and gives the answer; see `crates/sim/src/link/process.rs`. */
  async tell(command) {
    const answer = new Promise((resolve) => this.#waiting.push(resolve))
    this.#child.stdin.write(`${JSON.stringify(command)}\n`)
    const said = await answer
    if (said.error) throw new Error(`the link: ${said.error}`)
    return said
  }

  /** What was carried since the start, and the longest wait in each tenth of a second since the last time, by the clock of the machine. */
  async stats() {
    const { stats } = await this.tell({ stats: true })
    const { from_ms, every_ms, down } = stats.queue
    return { ...stats, queue: down.map((wait, step) => ({ at: this.epoch + from_ms + step * every_ms, wait })) }
  }

  /** A link of the relay as the place behind this line opens it. */
  link(url) {
    const { pathname, hash } = new URL(url)
    return `http://${this.host}:${this.ports.tcp}${pathname}${hash}`
  }

  async stop() {
    this.#child.stdin.end()
    await ended(this.#child)
  }
}

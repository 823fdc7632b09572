// Starts the real relay (and, when asked, the synthetic host) for a test, and talks to its HTTP API.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import { fileURLToPath } from 'node:url'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')
const target = process.env.CARGO_TARGET_DIR ?? path.join(root, 'target')
const profile = process.env.NHIPCAU_PROFILE ?? 'debug'
export const binary = (name) => path.join(target, profile, name)

/** Resolves when `child` has ended; never rejects. */
export const ended = (child) => new Promise((resolve) => (child.exitCode !== null || child.signalCode !== null ? resolve() : child.once('exit', resolve)))

export class Relay {
  #child
  #data = mkdtempSync(path.join(tmpdir(), 'nhipcau-test-'))
  #children = []
  #env = {}
  organiserLink
  base
  token

  /** A relay on a free port with an empty database; only this machine reaches it unless `listen` says otherwise. */
  static async start({ listen = '127.0.0.1:0', env = {} } = {}) {
    const relay = new Relay()
    relay.#env = env
    await relay.#spawn(listen)
    return relay
  }

  async #spawn(listen) {
    this.#child = spawn(binary('nhipcau'), ['serve', '--config', path.join(root, 'config/nhipcau.toml')], {
      env: { ...process.env, NHIPCAU_LISTEN: listen, NHIPCAU_DATA_DIR: this.#data, NHIPCAU_LOG__LEVEL: process.env.NHIPCAU_TEST_LOG ?? 'warn', ...this.#env },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const lines = readline.createInterface({ input: this.#child.stdout })
    if (this.base !== undefined) return this.#untilReady()
    this.organiserLink = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the relay printed no organiser link within 20 s')), 20_000)
      this.#child.once('exit', (code) => reject(new Error(`the relay ended with code ${code}`)))
      lines.on('line', (line) => {
        const link = line.split(/\s+/).find((word) => word.includes('/to-chuc#t='))
        if (link) {
          clearTimeout(timer)
          resolve(link)
        }
      })
    })
    const url = new URL(this.organiserLink)
    this.base = url.origin
    this.token = url.hash.slice('#t='.length)
  }

  async #untilReady() {
    for (let tries = 0; tries < 200; tries++) {
      const ready = await fetch(`${this.base}/readyz`).then((r) => r.ok, () => false)
      if (ready) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error('the relay did not become ready again')
  }

  /** From now on nothing comes back from the relay, neither answers nor pictures: what a page meets whose network is gone. */
  freeze() {
    this.#child.kill('SIGSTOP')
  }

  /** Kills the relay without warning (as a power cut does) or stops it politely, and starts it again on the same port after `downMs`. */
  async restart({ signal = 'SIGKILL', downMs = 1000 } = {}) {
    const { port } = new URL(this.base)
    this.#child.kill(signal)
    await ended(this.#child)
    await new Promise((resolve) => setTimeout(resolve, downMs))
    await this.#spawn(`127.0.0.1:${port}`)
  }

  async api(method, pathname, body, token = this.token) {
    const response = await fetch(this.base + pathname, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) },
      body: body ? JSON.stringify(body) : undefined,
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${pathname}: ${response.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }

  /** A lesson with one place and links for everybody. */
  async lesson({ title = 'Toán 11A2 – Phương trình bậc hai', places = ['THCS Mèo Vạc · lớp 9A'] } = {}) {
    const lesson = await this.api('POST', '/api/lessons', { title, host_place: 'THPT Đan Phượng' })
    const links = {}
    for (const role of ['host', 'observer']) {
      links[role] = (await this.api('POST', `/api/lessons/${lesson.id}/invitations`, { role, label: role })).url
    }
    links.places = []
    for (const name of places) links.places.push((await this.api('POST', '/api/places', { name })).url)
    return { id: lesson.id, ...links }
  }

  /** The board as an organiser sees it now, asked for by `page`, which is open on any address of the relay. */
  board(page, lesson) {
    const address = `${this.base.replace(/^http/, 'ws')}/api/ws?lesson=${lesson.id}`
    return page.evaluate(({ address, token }) => new Promise((resolve, reject) => {
      const socket = new WebSocket(address)
      const hello = { type: 'hello', v: 1, token, lang: 'vi', device: { kind: 'browser', codecs: [] } }
      socket.onopen = () => socket.send(JSON.stringify(hello))
      socket.onerror = () => reject(new Error('no board'))
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data)
        if (message.type !== 'roster') return
        socket.close()
        resolve(message)
      }
    }), { address, token: this.token })
  }

  /** A line of its own to the lesson, opened in `page` by the organiser or whose `token` it is: says things, and keeps what it hears. */
  async line(page, lesson, token = this.token) {
    const address = `${this.base.replace(/^http/, 'ws')}/api/ws?lesson=${lesson.id}`
    await page.evaluate(({ address, token }) => new Promise((resolve, reject) => {
      const socket = new WebSocket(address)
      const say = (message) => socket.send(JSON.stringify(message))
      window.__line = { say, heard: [] }
      socket.onopen = () => say({ type: 'hello', v: 1, token, lang: 'vi', device: { kind: 'browser', codecs: [] } })
      socket.onerror = () => reject(new Error('no line'))
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(data)
        window.__line.heard.push({ ...message, at: Date.now() })
        if (message.type === 'welcome') resolve()
        if (message.type === 'error') reject(new Error(data))
      }
    }), { address, token })
    return {
      /** Says it, and tells when. */
      say: (message) => page.evaluate((message) => { window.__line.say(message); return Date.now() }, message),
      /** What came of this type so far, with the time `at` which it came; fails when the relay refused something. */
      heard: (type) => page.evaluate((type) => {
        const refused = window.__line.heard.find((message) => message.type === 'error')
        if (refused) throw new Error(JSON.stringify(refused))
        return window.__line.heard.filter((message) => message.type === type)
      }, type),
    }
  }

  /** Teaches the sample lesson over WHIP with the synthetic host. */
  sampleLesson(lesson, extra = []) {
    const token = lesson.host.split('#t=')[1]
    const child = spawn(binary('nhipcau-sim'), ['host', '--server', this.base, '--lesson', lesson.id, '--token', token, '--start', ...extra], {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    this.#children.push(child)
    return child
  }

  async stop() {
    for (const child of [...this.#children, this.#child]) {
      child.kill('SIGTERM')
      const hard = setTimeout(() => child.kill('SIGKILL'), 6000)
      await ended(child)
      clearTimeout(hard)
    }
    rmSync(this.#data, { recursive: true, force: true })
  }
}

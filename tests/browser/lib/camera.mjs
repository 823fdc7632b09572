// A lesson as files for Chromium's fake camera and microphone: drawn and spoken here, so that no tool is needed.
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/**
 * Writes `lesson-WxH@fps.y4m` and `voice.wav` once and gives their paths.
 *
 * Every frame carries its number in 24 blocks on the top edge (see `frameNumber`), a board with lines of
 * "writing" and a figure that moves, so that an encoder has something like a teacher to work on. Numbers begin
 * with `first`: another camera of the same lesson is known by them.
 */
export function lessonFiles({ width = 640, height = 360, fps = 15, seconds = 10, first = 0 } = {}) {
  const folder = path.join(tmpdir(), 'nhipcau-fake-devices')
  mkdirSync(folder, { recursive: true })
  const video = path.join(folder, `lesson-${width}x${height}-${fps}-${seconds}-${first}.y4m`)
  const audio = path.join(folder, `voice-${seconds}.wav`)
  if (!existsSync(video)) writeVideo(video, { width, height, fps, seconds, first })
  if (!existsSync(audio)) writeVoice(audio, seconds)
  return { video, audio, first, frames: fps * seconds }
}

function writeVideo(file, { width, height, fps, seconds, first }) {
  const half = `${file}.part`
  const out = openSync(half, 'w')
  writeSync(out, `YUV4MPEG2 W${width} H${height} F${fps}:1 Ip A1:1 C420jpeg\n`)
  const luma = Buffer.alloc(width * height)
  const chroma = Buffer.alloc((width / 2) * (height / 2) * 2, 128)
  const box = (x, y, w, h, value) => {
    for (let row = Math.max(0, y | 0); row < Math.min(height, (y + h) | 0); row++) luma.fill(value, row * width + Math.max(0, x | 0), row * width + Math.min(width, (x + w) | 0))
  }
  const block = width / 40
  for (let n = 0; n < fps * seconds; n++) {
    const t = n / fps
    luma.fill(225)
    const page = Math.floor(t / 4)
    for (let line = 0; line < 8; line++) {
      for (let word = 0; word < 7; word++) {
        const length = ((page * 31 + line * 17 + word * 7) % 5) + 2
        box(width * (0.06 + word * 0.08), height * (0.18 + line * 0.09), (length * width) / 100, height * 0.03, 60)
      }
    }
    const x = width * (0.74 + 0.06 * Math.sin(t * 1.7))
    const y = height * (0.4 + 0.03 * Math.sin(t * 2.3))
    box(x - width * 0.05, y + height * 0.16, width * 0.17, height * 0.4, 90)
    box(x, y, width * 0.07, height * 0.16, 170)
    box(x + width * 0.02, y + height * 0.11, width * 0.03, height * 0.01 + height * 0.02 * Math.abs(Math.sin(t * 9)), 40)
    box(0, 0, 26 * block, block, 16)
    box(0, 0, block, block, 235)
    box(25 * block, 0, block, block, 235)
    for (let bit = 0; bit < 24; bit++) if (((first + n) >> (23 - bit)) & 1) box((bit + 1) * block, 0, block, block, 235)
    writeSync(out, 'FRAME\n')
    writeSync(out, luma)
    writeSync(out, chroma)
  }
  closeSync(out)
  renameSync(half, file)
}

/** Syllables: a 140 Hz voice with overtones, four a second, with a breath now and then. */
function writeVoice(file, seconds) {
  const rate = 48_000
  const samples = rate * seconds
  const data = Buffer.alloc(44 + samples * 2)
  data.write('RIFF', 0)
  data.writeUInt32LE(36 + samples * 2, 4)
  data.write('WAVEfmt ', 8)
  data.writeUInt32LE(16, 16)
  data.writeUInt16LE(1, 20)
  data.writeUInt16LE(1, 22)
  data.writeUInt32LE(rate, 24)
  data.writeUInt32LE(rate * 2, 28)
  data.writeUInt16LE(2, 32)
  data.writeUInt16LE(16, 34)
  data.write('data', 36)
  data.writeUInt32LE(samples * 2, 40)
  for (let i = 0; i < samples; i++) {
    const t = i / rate
    const syllable = Math.max(0, Math.sin(Math.PI * 4 * t)) ** 2
    const breath = t % 3 > 2.6 ? 0 : 1
    const pitch = 140 * (1 + 0.08 * Math.sin(2 * Math.PI * 0.7 * t))
    let voice = 0
    for (let overtone = 1; overtone <= 12; overtone++) voice += Math.sin(2 * Math.PI * pitch * overtone * t) / overtone
    data.writeInt16LE(Math.round(9000 * syllable * breath * voice * 0.6), 44 + i * 2)
  }
  const half = `${file}.part`
  const out = openSync(half, 'w')
  writeSync(out, data)
  closeSync(out)
  renameSync(half, file)
}

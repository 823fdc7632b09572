// What a classroom's people do: the TV by its remote control, the helper's phone by the TV's code; and what can be read from both.
import decodeQR from 'qr/decode.js'
import { until } from './browser.mjs'

/** Reads the QR code on the screen from its pixels, as a phone's camera does. */
export async function scan(tv) {
  const code = tv.locator('.qr-code').filter({ visible: true }).first()
  // A screen that draws itself anew meanwhile is looked at again, as a phone's camera does.
  const shot = (await until('a code on the screen', () => code.screenshot({ timeout: 3_000 }).catch(() => null))).toString('base64')
  const reader = await tv.context().newPage()
  try {
    const { data, width, height } = await reader.evaluate(async (base64) => {
      const image = new Image()
      image.src = `data:image/png;base64,${base64}`
      await image.decode()
      const canvas = document.createElement('canvas')
      Object.assign(canvas, { width: image.width, height: image.height })
      const drawing = canvas.getContext('2d')
      drawing.drawImage(image, 0, 0)
      const { data, width, height } = drawing.getImageData(0, 0, image.width, image.height)
      return { data: [...data], width, height }
    }, shot)
    return decodeQR({ data: Uint8Array.from(data), width, height })
  } finally {
    await reader.close()
  }
}

/** Presses keys of the TV's remote control one after the other. */
export async function remote(tv, ...keys) {
  for (const key of keys) await tv.keyboard.press({ up: 'ArrowUp', down: 'ArrowDown', left: 'ArrowLeft', right: 'ArrowRight', ok: 'Enter', back: 'Escape' }[key] ?? key)
}

/** Frame numbers of all pictures on the page that move and can be read: each camera has numbers of its own. */
export function frameNumbers(page) {
  return page.evaluate(() => {
    const shown = [...document.querySelectorAll('video')].filter((v) => v.videoWidth > 0 && v.readyState >= 2 && v.offsetWidth > 0 && getComputedStyle(v).visibility !== 'hidden')
    return shown.flatMap((video) => {
      const block = video.videoWidth / 40
      const canvas = document.createElement('canvas')
      canvas.width = video.videoWidth
      canvas.height = Math.max(2, Math.floor(block))
      const drawing = canvas.getContext('2d', { willReadFrequently: true })
      drawing.drawImage(video, 0, 0, canvas.width, canvas.height, 0, 0, canvas.width, canvas.height)
      const bright = (index) => {
        const [r, g, b] = drawing.getImageData(Math.floor((index + 0.5) * block), Math.floor(canvas.height / 2), 1, 1).data
        return r + g + b > 384
      }
      if (!bright(0) || !bright(25)) return []
      let number = 0
      for (let bit = 1; bit <= 24; bit++) number = number * 2 + (bright(bit) ? 1 : 0)
      return [number]
    })
  })
}

/** Energy of the sounds the page has received so far, by slot: the teacher's voice, and the class that speaks. */
export function voices(page) {
  return page.evaluate(async () => {
    const energy = { program: 0, extra: 0 }
    for (const connection of window.__connections ?? []) {
      if (connection.connectionState === 'closed') continue
      const mids = connection.getTransceivers().filter((t) => t.receiver.track.kind === 'audio').map((t) => t.mid)
      if (mids.length < 2) continue
      for (const report of (await connection.getStats()).values()) {
        if (report.type !== 'inbound-rtp' || report.kind !== 'audio') continue
        energy[report.mid === mids[0] ? 'program' : 'extra'] += report.totalAudioEnergy ?? 0
      }
    }
    return energy
  })
}

/** Waits until the class's voice reaches the page, and tells how long that took. */
export async function hearsClass(page, ms = 10_000) {
  const [began, before] = [Date.now(), await voices(page)]
  await until('the class is heard', () => voices(page), (now) => now.extra > before.extra + 1e-5, ms)
  return Date.now() - began
}

/** A phone's photo of a notebook with the place it was taken in, as phones write it (EXIF with GPS). */
export async function notebookPhoto(page) {
  const plain = Buffer.from(await page.evaluate(() => {
    const canvas = document.createElement('canvas')
    canvas.width = 1600
    canvas.height = 1200
    const drawing = canvas.getContext('2d')
    drawing.fillStyle = '#f7f3e8'
    drawing.fillRect(0, 0, 1600, 1200)
    drawing.strokeStyle = '#b9c8da'
    for (let y = 80; y < 1200; y += 60) {
      drawing.beginPath()
      drawing.moveTo(0, y)
      drawing.lineTo(1600, y)
      drawing.stroke()
    }
    drawing.fillStyle = '#23408e'
    drawing.font = '64px cursive'
    ;['x² − 5x + 6 = 0', 'Δ = 25 − 24 = 1', 'x₁ = 2, x₂ = 3', 'Thử lại: 4 − 10 + 6 = 0 ✓'].forEach((line, at) => drawing.fillText(line, 120, 200 + at * 180))
    return canvas.toDataURL('image/jpeg', 0.92).split(',')[1]
  }), 'base64')
  // TIFF, little endian: one directory with the pointer to GPS, one with the reference "N".
  const tiff = Buffer.from('49492a0008000000' + '0100' + '2588040001000000' + '1a000000' + '00000000' + '0100' + '0100020002000000' + '4e000000' + '00000000', 'hex')
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff])
  const head = Buffer.from([0xff, 0xe1, 0, 0])
  head.writeUInt16BE(body.length + 2, 2)
  return Buffer.concat([plain.subarray(0, 2), head, body, plain.subarray(2)])
}

/** Finds the button with this name as somebody without a mouse does, and presses it. */
export async function byKeyboard(page, name, tabs = 60) {
  const words = () => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '')
  for (let tab = 0; tab < tabs; tab++) {
    if (name instanceof RegExp ? name.test(await words()) : (await words()) === name) return page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
  }
  throw new Error(`no way to “${name}” with the keyboard`)
}

// Slides that a teacher shares: text of a size a class reads, their number in a strip of big blocks and again in cells as small as a letter.

/** Slides have numbers from here on, camera frames below. */
export const FIRST_SLIDE = 1 << 20

/**
 * For `addInitScript` on the host's page: sharing the screen gives slides of 1280×720 of which another comes every `everyMs`.
 * `window.__slides` holds number and time of each.
 */
export function SHARE_SLIDES({ first, everyMs }) {
  window.__slides = []
  const WORDS = ['Phương trình bậc hai', 'một ẩn là phương trình', 'có dạng ax² + bx + c = 0', 'trong đó x là ẩn số;', 'a, b, c là những số', 'cho trước, a khác 0.', 'Ví dụ: 2x² – 5x + 3 = 0', 'Biệt thức Δ = b² – 4ac', 'Nếu Δ > 0: hai nghiệm', 'Nếu Δ = 0: nghiệm kép', 'Nếu Δ < 0: vô nghiệm']
  const canvas = document.createElement('canvas')
  ;[canvas.width, canvas.height] = [1280, 720]
  const drawing = canvas.getContext('2d', { willReadFrequently: true })
  const cells = (number, x, y, width, height) => {
    drawing.fillStyle = '#000'
    drawing.fillRect(x, y, 26 * width, height)
    drawing.fillStyle = '#fff'
    for (let cell = 0; cell < 26; cell++) {
      const white = cell === 0 || cell === 25 || (number >> (24 - cell)) & 1
      if (white) drawing.fillRect(x + cell * width, y, width, height)
    }
  }
  const draw = (number) => {
    drawing.fillStyle = ['#fdfaf2', '#f2f7fd', '#f4fbf3'][number % 3]
    drawing.fillRect(0, 0, 1280, 720)
    cells(number, 0, 0, 32, 32)
    for (let copy = 0; copy < 4; copy++) cells(number, 40 + copy * 200, 44, 6, 12)
    drawing.fillStyle = '#1d2733'
    drawing.font = '600 44px sans-serif'
    drawing.fillText(`Bài ${number % 100} · Đại số 9`, 60, 130)
    drawing.font = '33px sans-serif'
    for (let line = 0; line < 11; line++) drawing.fillText(`${line + 1}. ${WORDS[(line * 5 + number) % WORDS.length]}; ${WORDS[(line * 3 + number * 7) % WORDS.length]}`, 60, 190 + line * 46)
    drawing.fillStyle = '#c65d2e'
    drawing.fillRect(1000, 160 + (number % 5) * 60, 200, 140)
  }
  navigator.mediaDevices.getDisplayMedia = async () => {
    let number = first
    const show = () => {
      draw(number)
      window.__slides.push([number, Date.now()])
    }
    show()
    setInterval(() => {
      number++
      show()
    }, everyMs)
    // A shared window is captured again and again, changed or not.
    setInterval(() => draw(number), 200)
    return canvas.captureStream(5)
  }
}

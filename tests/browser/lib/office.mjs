// Reads the papers that leave the pages: DOCX through LibreOffice, PDF through poppler.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const find = (names) => names.map((name) => `/usr/bin/${name}`).find(existsSync)

/** What a person reads in a DOCX file, and its pages as a PDF. */
export function readDocx(file) {
  const office = process.env.SOFFICE ?? find(['soffice', 'libreoffice'])
  if (!office) throw new Error('LibreOffice is needed to read DOCX files (Debian: apt-get install libreoffice-writer-nogui)')
  const folder = mkdtempSync(path.join(tmpdir(), 'nhipcau-docx-'))
  execFileSync(office, ['--headless', `-env:UserInstallation=file://${folder}/profile`, '--convert-to', 'pdf', '--outdir', folder, file], { stdio: 'ignore', timeout: 120_000 })
  const pdf = readdirSync(folder).find((name) => name.endsWith('.pdf'))
  if (!pdf) throw new Error(`LibreOffice made no PDF of ${file}`)
  return readPdf(path.join(folder, pdf))
}

/** Text, number of pages, pictures and fonts of a PDF, and a picture of its first page. */
export function readPdf(file) {
  const run = (program, args) => execFileSync(program, args, { encoding: 'utf8', timeout: 60_000 })
  const text = run('pdftotext', ['-layout', file, '-']).normalize('NFC')
  const pages = Number(/Pages:\s+(\d+)/.exec(run('pdfinfo', [file]))[1])
  const size = /Page size:\s+([\d.]+) x ([\d.]+)/.exec(run('pdfinfo', [file]))
  const pictures = run('pdfimages', ['-list', file]).split('\n').slice(2).filter((line) => / image /.test(line)).length
  const fonts = run('pdffonts', [file]).split('\n').slice(2).filter(Boolean)
  run('pdfimages', ['-png', file, `${file}.still`])
  const stills = readdirSync(path.dirname(file)).map((name) => path.join(path.dirname(file), name)).filter((name) => name.startsWith(`${file}.still`))
  run('pdftoppm', ['-r', '60', '-png', '-f', '1', '-l', '1', file, `${file}.page`])
  const image = readdirSync(path.dirname(file)).map((name) => path.join(path.dirname(file), name)).find((name) => name.startsWith(`${file}.page`))
  return { text, words: flow(text), pages, a4: Math.abs(Number(size[1]) - 595) < 2 && Math.abs(Number(size[2]) - 842) < 2, pictures, stills, fonts, image, bytes: readFileSync(file).length }
}

/** Text without what lines, columns and hyphens do to it. */
export function flow(text) {
  return text.normalize('NFC').replace(/\s+/g, ' ')
}

/** Whether every word of `sentence` stands on the paper, in order, however its cell breaks it. */
export function holds(words, sentence) {
  let at = 0
  for (const word of flow(sentence).split(' ').filter(Boolean)) {
    at = words.indexOf(word, at)
    if (at < 0) return false
    at += word.length
  }
  return true
}

/**
 * How far two pictures are from each other: mean difference of a colour, 0 to 255, at 32 × 18 points. What an office program did to a
 * picture (scaling, JPEG) stays below 8; another picture of the same lesson does not.
 * @param page any page: its browser reads both
 */
export function pictureDistance(page, one, other) {
  const texts = [one, other].map((bytes) => Buffer.from(bytes).toString('base64'))
  return page.evaluate(async (texts) => {
    const colours = await Promise.all(texts.map(async (text) => {
      const bitmap = await createImageBitmap(new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]))
      const canvas = new OffscreenCanvas(32, 18)
      const drawing = canvas.getContext('2d')
      drawing.imageSmoothingQuality = 'high'
      drawing.drawImage(bitmap, 0, 0, 32, 18)
      return drawing.getImageData(0, 0, 32, 18).data
    }))
    let sum = 0
    for (let i = 0; i < colours[0].length; i++) sum += Math.abs(colours[0][i] - colours[1][i])
    return sum / colours[0].length
  }, texts)
}

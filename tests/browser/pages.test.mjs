// Every page in both languages: no accessibility violation, no script error, and a picture for a person to look at.
import { after, before, test } from 'node:test'
import { openBrowser, openPage, received, until } from './lib/browser.mjs'
import { lessonFiles } from './lib/camera.mjs'
import { openDevices } from './lib/host.mjs'
import { LAPTOP, look, PHONE, TV } from './lib/look.mjs'
import { Relay } from './lib/relay.mjs'

let relay, lesson, teacher, school

before(async () => {
  relay = await Relay.start()
  lesson = await relay.lesson({ places: ['THCS Mèo Vạc · lớp 9A', 'THPT Chu Văn An · lớp 11A1', 'THCS Thụy An · lớp 9B'] })
  teacher = await openBrowser({ camera: lessonFiles() })
  school = await openBrowser()
})

after(async () => {
  await teacher?.close()
  await school?.close()
  await relay?.stop()
})

/** The same page in the other language, through the language a person would have remembered. */
async function inEnglish(page) {
  await page.evaluate(() => localStorage.setItem('nhipcau.lang', 'en'))
  await page.reload()
  await page.waitForFunction(() => document.documentElement.lang === 'en')
}

async function inVietnamese(page) {
  await page.evaluate(() => localStorage.setItem('nhipcau.lang', 'vi'))
  await page.reload()
  await page.waitForFunction(() => document.documentElement.lang === 'vi')
}

for (const [name, at, screen] of [
  ['landing', () => `${relay.base}/`, LAPTOP],
  ['landing-phone', () => `${relay.base}/`, PHONE],
  ['tv-pairing', () => `${relay.base}/diem-cau`, TV],
  ['tv-ready', () => lesson.places[0], TV],
  ['observer-waiting', () => lesson.observer, LAPTOP],
  ['organiser', () => relay.organiserLink, LAPTOP],
  ['organiser-phone', () => relay.organiserLink, PHONE],
]) {
  test(`${name} before the lesson`, async () => {
    const page = await openPage(school, at(), screen)
    await page.waitForTimeout(1200)
    await look(page, `${name}-vi`)
    await inEnglish(page)
    await page.waitForTimeout(1200)
    await look(page, `${name}-en`)
    await inVietnamese(page)
    await page.evaluate(() => localStorage.clear())
    await page.close()
  })
}

test('the host page before and during the lesson, and what everybody sees', async () => {
  const host = await openPage(teacher, lesson.host, LAPTOP)
  await host.waitForTimeout(2500)
  await look(host, 'host-before-vi')
  await inEnglish(host)
  await host.waitForTimeout(2500)
  await look(host, 'host-before-en')
  await inVietnamese(host)
  await openDevices(host)
  await host.waitForTimeout(2000)
  await look(host, 'host-devices-vi')
  await host.getByRole('button', { name: 'Bắt đầu tiết dạy' }).click()
  const tv = await openPage(school, lesson.places[0], TV)
  const observer = await openPage(school, lesson.observer, LAPTOP)
  for (const page of [tv, observer]) await until('a picture', () => received(page), (sum) => sum.framesDecoded > 20)
  await look(host, 'host-live-vi')
  await look(tv, 'tv-live-vi')
  await look(observer, 'observer-live-vi')
  await host.getByRole('button', { name: 'Trình chiếu' }).click()
  await tv.waitForTimeout(3000)
  await look(host, 'host-slides-vi')
  await look(tv, 'tv-slides-vi')
  await look(observer, 'observer-slides-vi')
  await observer.setViewportSize(PHONE)
  await observer.waitForTimeout(800)
  await look(observer, 'observer-phone-vi')
  await observer.setViewportSize(LAPTOP)
  for (const [page, name] of [[tv, 'tv'], [observer, 'observer']]) {
    await inEnglish(page)
    await until('a picture again', () => received(page), (sum) => sum.framesDecoded > 20)
    await look(page, `${name}-slides-en`)
  }
})

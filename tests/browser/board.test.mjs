// The organiser's board as it is on the day: two hundred rooms in sight at once, trouble first, and how it is read and searched.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openDevicesOf, until } from './lib/browser.mjs'
import { LAPTOP, look } from './lib/look.mjs'
import { Relay } from './lib/relay.mjs'

const CLUSTERS = ['Cụm Mèo Vạc', 'Cụm Đồng Văn', 'Cụm Yên Minh', 'Cụm Quản Bạ', 'Cụm Ba Vì', 'Cụm Sơn Tây', 'Cụm Đan Phượng', 'Cụm Hoài Đức']
const ROOMS = 200

let relay, lesson, desk, organiser, crowd

/** Opens every room's page as far as the relay can tell: it says hello and stays. */
const enter = (page, tokens) => page.evaluate((tokens) => {
  window.screens ??= []
  return Promise.all(tokens.map((token) => new Promise((resolve, reject) => {
    const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/api/ws`)
    const say = (message) => socket.send(JSON.stringify(message))
    const at = window.screens.push({ socket, say })
    socket.onopen = () => say({ type: 'hello', v: 1, token, lang: 'vi', device: { kind: 'tv', codecs: [] } })
    socket.onmessage = ({ data }) => {
      if (JSON.parse(data).type === 'welcome') resolve()
    }
    socket.onerror = () => reject(new Error(`no connection for screen ${at}`))
  })))
}, tokens)
/** The rooms with these numbers say what is missing. */
const callHelp = (kind, ...rooms) => crowd.evaluate(([kind, rooms]) => {
  for (const room of rooms) window.screens[room].say({ type: 'help', kind, on: true })
}, [kind, rooms])

before(async () => {
  relay = await Relay.start()
  const rows = Array.from({ length: ROOMS }, (_, n) => `Sở GDĐT,${CLUSTERS[n % CLUSTERS.length]},THCS số ${1 + (n >> 3)},Lớp ${6 + (n % 4)}${'ABC'[n % 3]}`)
  const answer = await fetch(`${relay.base}/api/places/import`, {
    method: 'POST',
    headers: { authorization: `Bearer ${relay.token}`, 'content-type': 'text/csv' },
    body: ['Sở,Cụm trường,Trường,Phòng', ...rows].join('\n'),
  })
  const { created } = await answer.json()
  assert.equal(created.length, ROOMS)
  lesson = await relay.lesson({ places: [] })
  desk = await openDevicesOf()
  crowd = await desk.device(`${relay.base}/`)
  const tokens = created.map(({ url }) => url.split('#t=')[1])
  for (let n = 0; n < ROOMS; n += 20) await enter(crowd, tokens.slice(n, n + 20))
  organiser = await desk.device(relay.organiserLink.replace('#', `?lesson=${lesson.id}&part=board#`), LAPTOP)
  await organiser.getByRole('button', { name: 'Bắt đầu tiết dạy' }).click()
})

after(async () => {
  await desk?.close()
  await relay?.stop()
})

/** The last tile's foot, the page's height, and how many tiles there are. */
const extent = (page) => page.evaluate(() => {
  const tiles = [...document.querySelectorAll('.tile')]
  return { tiles: tiles.length, foot: Math.max(...tiles.map((tile) => tile.getBoundingClientRect().bottom)), height: innerHeight, scrolls: document.documentElement.scrollHeight > innerHeight, type: parseFloat(getComputedStyle(document.querySelector('.tile-name')).fontSize) }
})

test('two hundred rooms are in sight at once on a laptop', async () => {
  await until('all tiles', () => extent(organiser), ({ tiles }) => tiles === ROOMS)
  // A few of them in trouble, as on any day; every state has its word on the tile or in the line above.
  await callHelp('no_sound', 3)
  await callHelp('frozen', 50, 51)
  await crowd.evaluate(() => [7, 90].forEach((room) => window.screens[room].socket.close()))
  await until('the line that is read aloud', () => organiser.locator('.board-sum').innerText(), (line) => /2 đứng hình/.test(line) && /1 mất tiếng/.test(line) && /2 mất kết nối/.test(line), 15_000)
  const now = await extent(organiser)
  assert.ok(now.foot <= now.height && !now.scrolls, JSON.stringify(now))
  assert.ok(now.type >= 11, `a tile's name is ${now.type} px`)
  await look(organiser, 'board-200')
})

test('trouble stands first in each cluster, and a tile says what to do', async () => {
  const first = organiser.locator('.tile').first()
  assert.match(await first.getAttribute('data-severity'), /bad/)
  await organiser.locator('.tile[data-state="no_sound"]').click()
  const room = organiser.locator('.board-room')
  await room.getByText('Xem loa: dây cắm, âm lượng, nút tắt tiếng.').waitFor()
  await look(organiser, 'board-200-room')
  await room.getByRole('button', { name: 'Đóng' }).click()
})

test('the board is searched without accents, filtered by state and grouped by another level', async () => {
  const search = organiser.getByRole('searchbox', { name: 'Tìm phòng, trường, cụm' })
  await search.fill('dan phuong')
  await until('one cluster', () => extent(organiser), ({ tiles }) => tiles === ROOMS / CLUSTERS.length)
  await search.fill('')
  await organiser.getByRole('button', { name: /^Có sự cố/ }).click()
  await until('five rooms', () => extent(organiser), ({ tiles }) => tiles === 5)
  await look(organiser, 'board-trouble')
  await organiser.locator('.board-chip').first().click()
  await organiser.getByLabel('Nhóm theo').selectOption('Trường')
  await until('schools', () => organiser.locator('.board-main').innerText(), (words) => words.includes('THCS số 25'))
  const now = await extent(organiser)
  assert.ok(now.foot <= now.height, JSON.stringify(now))
  await look(organiser, 'board-schools')
  await organiser.getByLabel('Nhóm theo').selectOption('Tự động')
})

test('the board works with the keyboard alone', async () => {
  await organiser.locator('.board-search').focus()
  for (let tab = 0; tab < 30 && !(await organiser.evaluate(() => document.activeElement.classList.contains('tile'))); tab++) await organiser.keyboard.press('Tab')
  await organiser.keyboard.press('Enter')
  await organiser.locator('.board-room').waitFor()
  await organiser.keyboard.press('Enter')
  assert.equal(await organiser.locator('.board-room').count(), 0)
})

test('at 200 % zoom nothing is cut off on any page of host and organiser', async () => {
  const zoomed = { ...LAPTOP, zoom: 2 }
  for (const [name, url] of [
    ['board', relay.organiserLink.replace('#', `?lesson=${lesson.id}&part=board#`)],
    ['prepare', relay.organiserLink.replace('#', `?lesson=${lesson.id}&part=prepare#`)],
    ['rehearsal', relay.organiserLink.replace('#', `?lesson=${lesson.id}&part=rehearsal#`)],
    ['report', relay.organiserLink.replace('#', `?lesson=${lesson.id}&part=report#`)],
    ['places', relay.organiserLink.replace('#', '?places#')],
    ['host', lesson.host],
    ['observer', lesson.observer],
  ]) {
    const page = await desk.device(url, zoomed)
    await page.getByRole('heading').first().waitFor()
    await page.waitForLoadState('networkidle').catch(() => undefined)
    await look(page, `zoom-${name}`)
    const cut = await page.evaluate(() => [...document.querySelectorAll('button, a, input, select, textarea')]
      .filter((one) => one.offsetParent !== null && !one.closest('.visually-hidden') && !one.classList.contains('visually-hidden'))
      .map((one) => ({ what: one.textContent.trim() || one.ariaLabel || one.className, box: one.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 0 && (box.left < -1 || box.right > innerWidth + 1))
      .map(({ what }) => what))
    assert.deepEqual(cut, [], `${name}: beyond the edge`)
    await page.context().close()
  }
})

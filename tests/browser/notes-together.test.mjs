// What a group makes of its notes: a form without code, papers, the shared timeline, the minutes.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { frameNumber, openBrowser, openPage, until } from './lib/browser.mjs'
import { beginSheet, sheetToken, untilSent, writeRow } from './lib/notes.mjs'
import { holds, pictureDistance, readDocx, readPdf } from './lib/office.mjs'
import { Relay, root } from './lib/relay.mjs'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const shots = path.join(root, 'tests/out/screens')
const PHONE = { width: 360, height: 740 }
const LAPTOP = { width: 1366, height: 768 }

let relay, lesson, school, observer

before(async () => {
  mkdirSync(shots, { recursive: true })
  relay = await Relay.start()
  lesson = await relay.lesson({ places: [] })
  relay.sampleLesson(lesson)
  school = await openBrowser()
})

after(async () => {
  await school?.close()
  await relay?.stop()
})

/** Axe on the page as it stands, then a screenshot. */
async function look(page, name) {
  await page.evaluate(axe)
  const result = await page.evaluate(() => window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
  await page.screenshot({ path: path.join(shots, `${name}.png`) })
  const found = result.violations.map((v) => `${v.id} (${v.impact}): ${v.nodes.map((n) => n.target).join(', ')}`)
  assert.deepEqual(found, [], name)
  assert.deepEqual(page.problems, [], name)
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  assert.ok(sideways <= 0, `${name} scrolls sideways by ${sideways} px`)
}

/** The file a click hands over. */
async function downloaded(page, name) {
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name }).click()])
  const target = path.join(root, 'tests/out', file.suggestedFilename())
  await file.saveAs(target)
  return target
}

/** The paper a click would print, as the browser saves it. */
async function printed(page, name, file) {
  await page.evaluate(() => { window.print = () => { window.__printing = true } })
  await page.getByRole('button', { name }).click()
  await page.waitForFunction(() => window.__printing === true)
  const pdf = await page.pdf({ format: 'A4', preferCSSPageSize: true, printBackground: true })
  await page.evaluate(() => { window.__printing = false; window.dispatchEvent(new Event('afterprint')) })
  const target = path.join(root, 'tests/out', file)
  writeFileSync(target, pdf)
  return readPdf(target)
}

test('an organiser makes a form of eleven criteria without code, and a lesson begins on it', { timeout: 150_000 }, async () => {
  const page = await openPage(school, `${relay.base}/mau-phieu#t=${relay.token}`)
  await page.getByRole('button', { name: 'Mẫu mới' }).click()
  await page.getByLabel('Tên mẫu').fill('Phiếu 11 tiêu chí')
  await page.getByRole('button', { name: 'Thêm nhóm' }).click()
  await page.getByLabel('Tên nhóm 1').fill('Hoạt động dạy và học')
  for (let item = 1; item <= 11; item++) {
    if (item > 1) await page.getByRole('button', { name: 'Thêm tiêu chí' }).click()
    await page.getByLabel(`Tiêu chí ${item}`, { exact: true }).fill(`Tiêu chí thứ ${item} của trường`)
    await page.getByLabel(`Điểm tối đa của tiêu chí ${item}`, { exact: true }).fill(item <= 9 ? '2' : '1')
  }
  await page.getByLabel('Tên loại 1').fill('Chưa đạt')
  await page.getByRole('button', { name: 'Thêm loại' }).click()
  await page.getByLabel('Tên loại 2').fill('Tốt')
  await page.getByText('các loại phải xếp từ cao xuống thấp').waitFor()
  await look(page, 'forms-editor-vi')
  await page.getByLabel('Tên loại 1').fill('Tốt')
  await page.getByLabel('Điểm từ của loại 1').fill('17,5')
  await page.getByRole('button', { name: 'Thêm điều kiện bắt buộc cho loại 1' }).click()
  await page.getByLabel('Tên loại 2').fill('Chưa đạt')
  assert.match(await page.locator('.editor-foot').innerText(), /Tổng điểm tối đa: 20/)
  await page.getByRole('button', { name: 'Lưu mẫu' }).click()
  await page.getByText('Đã lưu bản 1').waitFor()
  const { forms } = await relay.api('GET', '/api/forms')
  const form = forms.find(({ title }) => title === 'Phiếu 11 tiêu chí')
  assert.equal(form.groups[0].items.length, 11)
  await page.goto(`${relay.base}/rut-kinh-nghiem?lesson=${lesson.id}#t=${relay.token}`)
  await page.getByRole('button', { name: 'Thiết lập' }).click()
  await page.getByLabel('Mẫu phiếu của tiết này').selectOption(form.id)
  await until('the lesson has the form', () => relay.api('GET', `/api/lessons/${lesson.id}/notes`), (notes) => notes.form.id === form.id)
  await look(page, 'review-settings-vi')
  await page.close()
})

test('an observer scores on the new form, takes a still, and the sheet leaves as DOCX, PDF, CSV', { timeout: 150_000 }, async () => {
  observer = await openPage(school, lesson.observer)
  await until('a picture', () => frameNumber(observer), (number) => number !== null, 30_000)
  await until('the lesson\'s form is offered', () => observer.locator('.start select').inputValue(), (id) => id.startsWith('phieu-11'))
  await look(observer, 'notes-start-vi')
  await beginSheet(observer, { name: 'Nguyễn Thị Lan', share: true })
  await writeRow(observer, 'Nêu câu hỏi: “Phương trình nào có nghiệm kép?”', 'Cả lớp suy nghĩ, 5 em giơ tay', 'Câu hỏi gợi mở, đúng trọng tâm')
  await observer.getByRole('button', { name: /Chụp (hình|trang chiếu)/ }).first().click()
  await observer.locator('.row-pic img').waitFor()
  await observer.getByText('Luyện tập', { exact: true }).first().click()
  await writeRow(observer, 'Giao bài tập theo nhóm', 'Thảo luận sôi nổi; nhóm 4 còn lúng túng', 'Nên chia việc rõ hơn trong nhóm')
  await observer.getByRole('button', { name: 'Làm việc nhóm' }).click()
  await writeRow(observer, 'Ghi chú riêng', '', '')
  await observer.getByRole('button', { name: 'Riêng tôi' }).click()
  await look(observer, 'notes-rows-vi')
  await observer.getByRole('tab', { name: 'Chấm điểm' }).click()
  for (let item = 0; item < 11; item++) await observer.locator('.criterion').nth(item).locator('.quick-score').last().click()
  await observer.getByText('Tốt', { exact: true }).waitFor()
  await look(observer, 'notes-scores-vi')
  await observer.getByRole('tab', { name: 'Nhận xét chung' }).click()
  await observer.getByLabel('Ưu điểm').fill('Câu hỏi gợi mở\nBao quát lớp')
  await observer.getByLabel('Góp ý').fill('Dành thêm thời gian cho vận dụng')
  await look(observer, 'notes-closing-vi')
  await observer.getByRole('tab', { name: 'Thông tin và xuất' }).click()
  await observer.getByLabel('Người dạy').fill('Trần Thị Hương')
  await observer.getByLabel('Lớp', { exact: true }).fill('11A2')
  await observer.getByLabel('Nộp cả phiếu').check()
  await untilSent(observer)
  await look(observer, 'notes-about-vi')

  const expected = [
    'Nêu câu hỏi: “Phương trình nào có nghiệm kép?”', 'Cả lớp suy nghĩ, 5 em giơ tay', 'Thảo luận sôi nổi; nhóm 4 còn lúng túng',
    'Luyện tập', '[Làm việc nhóm]', 'Tiêu chí thứ 11 của trường', 'Tổng điểm', 'Xếp loại: Tốt', 'Câu hỏi gợi mở', 'Dành thêm thời gian cho vận dụng',
    'Trường: THPT Đan Phượng', 'Trần Thị Hương', '11A2', 'Nguyễn Thị Lan', 'THCS Mèo Vạc', 'Người dự giờ', '(Ký, ghi rõ họ tên)',
  ]
  const still = await (async () => {
    const token = await sheetToken(observer)
    const { view } = await relay.api('GET', '/api/sheet/export', undefined, token)
    const response = await fetch(`${relay.base}/api/sheet/pictures/${view.rows[0].pics[0]}`, { headers: { authorization: `Bearer ${token}` } })
    return Buffer.from(await response.arrayBuffer())
  })()
  const docx = readDocx(await downloaded(observer, 'Word (DOCX)'))
  const pdf = await printed(observer, 'In hoặc lưu PDF', 'phieu.pdf')
  for (const [kind, paper] of [['DOCX', docx], ['PDF', pdf]]) {
    for (const sentence of expected) assert.ok(holds(paper.words, sentence), `${kind} lacks “${sentence}”:\n${paper.text}`)
    assert.ok(!paper.words.includes('Ghi chú riêng'), `${kind} shows a private row`)
    assert.ok(paper.a4, `${kind} is A4`)
    assert.equal(paper.pictures, 1, `${kind} holds the still`)
    const distance = await pictureDistance(observer, still, readFileSync(paper.stills[0]))
    assert.ok(distance < 8, `${kind}: the still differs by ${distance}`)
    assert.ok(paper.pages <= 3, `${kind} has ${paper.pages} pages`)
  }
  // Whoever opens the file must see Vietnamese letters, not boxes: the fonts are in the paper.
  assert.ok(pdf.fonts.some((line) => /BeVietnamPro/i.test(line) && / yes /.test(line)), pdf.fonts.join('\n'))
  const csv = readFileSync(await downloaded(observer, 'Bảng tính (CSV)'), 'utf8')
  assert.ok(csv.startsWith('\uFEFF') && csv.includes('nhóm 4 còn lúng túng'))
  const json = JSON.parse(readFileSync(await downloaded(observer, 'Dữ liệu (JSON)'), 'utf8'))
  assert.equal(json.score.total, 20)
  assert.equal(json.score.rank, 'Tốt')
})

test('colleagues see the shared rows by minute and comment; private rows stay private', { timeout: 150_000 }, async () => {
  const elsewhere = await openBrowser()
  try {
    const minh = await openPage(elsewhere, lesson.observer)
    await minh.locator('.start').waitFor()
    await beginSheet(minh, { name: 'Lê Văn Minh', unit: 'THCS Đồng Tháp' })
    await writeRow(minh, 'Thầy Minh ghi', 'Chưa chia sẻ')
    await untilSent(minh)
    await minh.goto(`${relay.base}/rut-kinh-nghiem#t=${lesson.observer.split('#t=')[1]}`)
    await minh.getByText('Dòng thời gian chung chưa mở').waitFor()

    const organiser = await openPage(school, `${relay.base}/rut-kinh-nghiem?lesson=${lesson.id}#t=${relay.token}`)
    await organiser.locator('.entry').first().waitFor()
    assert.equal(await organiser.locator('.entry').count(), 2)
    assert.ok(!(await organiser.innerText('body')).includes('Ghi chú riêng'))
    await organiser.getByRole('button', { name: 'Thiết lập' }).click()
    await organiser.getByLabel('Mở ngay').check()
    await minh.locator('.entry').first().waitFor({ timeout: 20_000 })
    await minh.locator('.entry').first().getByRole('button', { name: 'Bình luận' }).click()
    await minh.locator('.comment-form textarea').fill('Em cũng thấy vậy ạ')
    await minh.getByRole('button', { name: 'Gửi' }).click()
    await minh.getByText('Em cũng thấy vậy ạ').waitFor()
    await look(minh, 'review-timeline-vi')
    await minh.getByLabel('Tìm chữ').fill('lung tung')
    await until('the search finds one row', () => minh.locator('.entry').count(), (count) => count === 1)
    await minh.getByLabel('Tìm chữ').fill('')
    const timeline = readDocx(await downloaded(minh, 'Word (DOCX)'))
    for (const sentence of ['Nguyễn Thị Lan', 'nhóm 4 còn lúng túng', 'Em cũng thấy vậy ạ', 'Phút 1']) assert.ok(holds(timeline.words, sentence), sentence)
    assert.ok(!timeline.words.includes('Chưa chia sẻ'))

    await organiser.getByRole('button', { name: 'Dòng thời gian', exact: true }).click()
    await organiser.locator('.entry').nth(1).getByRole('button', { name: /Đưa vào biên bản/ }).click()
    await organiser.getByRole('button', { name: 'Tồn tại' }).click()
    await organiser.getByText('Đã ở trong biên bản: Tồn tại').waitFor()

    await organiser.getByRole('button', { name: 'Phiếu', exact: true }).click()
    await organiser.getByText('20 / 20 điểm · Tốt').waitFor()
    await look(organiser, 'review-sheets-vi')
    await organiser.getByRole('button', { name: 'Mở phiếu' }).click()
    await organiser.getByText('Tiêu chí thứ 11 của trường').waitFor()
    assert.ok(!(await organiser.innerText('body')).includes('Ghi chú riêng'))
    await look(organiser, 'review-sheet-vi')

    await organiser.getByRole('button', { name: 'Biên bản', exact: true }).click()
    const strengths = organiser.getByLabel('Ưu điểm')
    await until('the draft is there', () => strengths.inputValue(), (text) => text.includes('– Câu hỏi gợi mở (Nguyễn Thị Lan)'))
    assert.match(await organiser.getByLabel('Tồn tại').inputValue(), /– Nên chia việc rõ hơn trong nhóm \(Nguyễn Thị Lan, \d\d:\d\d\)/)
    await organiser.getByLabel('Chủ trì').fill('Phạm Thị Hà')
    await organiser.getByLabel('Kết luận').fill('Thống nhất tăng thời gian vận dụng')
    await organiser.getByText('Đã lưu', { exact: true }).waitFor()
    await look(organiser, 'review-minutes-vi')
    const minutes = readDocx(await downloaded(organiser, 'Word (DOCX)'))
    for (const sentence of ['BIÊN BẢN SINH HOẠT CHUYÊN MÔN', 'Chủ trì: Phạm Thị Hà', 'Thống nhất tăng thời gian vận dụng', 'Dành thêm thời gian cho vận dụng']) {
      assert.ok(holds(minutes.words, sentence), `${sentence}\n${minutes.text}`)
    }
    await organiser.reload()
    await organiser.getByRole('button', { name: 'Biên bản', exact: true }).click()
    await until('the minutes are kept', () => organiser.getByLabel('Chủ trì').inputValue(), (text) => text === 'Phạm Thị Hà')
    await organiser.setViewportSize(PHONE)
    await look(organiser, 'review-minutes-phone-vi')
    await organiser.close()
  } finally {
    await elsewhere.close()
  }
})

test('the taught teacher sees a sheet only when it was shared with her', { timeout: 150_000 }, async () => {
  const context = await openBrowser()
  try {
    const token = lesson.host.split('#t=')[1]
    const page = await openPage(context, `${relay.base}/rut-kinh-nghiem#t=${token}`)
    await page.getByText('Chưa có người dự nào chia sẻ phiếu với thầy/cô.').waitFor()
    await observer.getByLabel('Giáo viên dạy được xem cả phiếu').check()
    await untilSent(observer)
    await page.reload()
    await page.getByRole('button', { name: 'Mở phiếu' }).click()
    await page.getByText('Tiêu chí thứ 11 của trường').waitFor()
    assert.ok(!(await page.innerText('body')).includes('Ghi chú riêng'))
  } finally {
    await context.close()
  }
})

test('the sheet fits a tablet and a phone, and reads in English', { timeout: 150_000 }, async () => {
  for (const [name, screen] of [['tablet', { width: 820, height: 1180 }], ['phone', PHONE]]) {
    await observer.setViewportSize(screen)
    await observer.getByRole('tab', { name: 'Diễn biến' }).click()
    await look(observer, `notes-${name}-vi`)
  }
  await observer.setViewportSize(LAPTOP)
  await observer.locator('.arrangements .segment').nth(1).click()
  await look(observer, 'notes-corner-vi')
  await observer.locator('.arrangements .segment').first().click()
  await observer.evaluate(() => localStorage.setItem('nhipcau.lang', 'en'))
  await observer.reload()
  await observer.locator('.row').first().waitFor()
  await until('a picture', () => frameNumber(observer), (number) => number !== null, 30_000)
  await look(observer, 'notes-rows-en')
})

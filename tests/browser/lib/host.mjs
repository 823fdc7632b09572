// What a teacher does on the host page.

/**
 * Opens camera and microphone. A browser that was allowed before opens them by itself; one that was not
 * waits for the click that browsers demand before a page may film.
 */
export async function openDevices(page) {
  const button = page.getByRole('button', { name: 'Bật camera và mic' }).first()
  const open = page.getByRole('button', { name: 'Tắt camera' })
  await button.or(open).first().waitFor()
  // Seen for a moment while the page still asks the browser about its permissions: then there is nothing to click.
  if (await button.isVisible()) await button.click({ timeout: 1000 }).catch(() => undefined)
  await open.waitFor()
}

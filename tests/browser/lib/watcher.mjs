// What a classroom's screen shows and sounds, moment by moment, written down in the page itself.

/**
 * For `addInitScript` on a screen's page: media goes through the link on `host`, ports `udp` and `tcp`, and `window.__watched` holds what happened.
 * Times are milliseconds since the epoch.
 */
export function WATCH({ host = '127.0.0.1', udp, tcp, firstSlide }) {
  const watched = {
    /** When each connection was begun. */
    connections: [],
    /** Camera frames as they were presented: [time, number in the picture or null, lines]. */
    camera: [],
    /** What the slides' place showed when it changed: [time, number, readable, element]. */
    slides: [],
    /** Sound so far: [time, samples played, of those made up, packets]. */
    sound: [],
    /** Pictures so far: [time, frames decoded]. */
    decoded: [],
    /** When each step of the first connection was done: [step, time]. */
    steps: [],
    /** The last whole report of sound, camera and slides. */
    reports: {},
  }
  window.__watched = watched
  const live = []
  const step = (name) => {
    if (!watched.steps.some(([known]) => known === name)) watched.steps.push([name, Date.now()])
  }
  const { fetch, WebSocket } = window
  window.fetch = (address, ...more) => {
    const answer = fetch.call(window, address, ...more)
    if (!/\/whep\b/.test(String(address))) return answer
    step('asked')
    return answer.then((response) => {
      step(response.ok ? 'answered' : 'refused')
      return response
    })
  }
  window.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args)
      step('socket')
      this.addEventListener('open', () => step('open'))
      this.addEventListener('message', () => step('welcome'))
    }
  }
  const Original = window.RTCPeerConnection
  window.RTCPeerConnection = class extends Original {
    constructor(...args) {
      super(...args)
      live.push(this)
      watched.connections.push(Date.now())
      this.addEventListener('iceconnectionstatechange', () => step(`ice ${this.iceConnectionState}`))
      this.addEventListener('connectionstatechange', () => step(`media ${this.connectionState}`))
    }
    setRemoteDescription({ type, sdp }) {
      return super.setRemoteDescription({ type, sdp: throughLink(sdp) })
    }
  }
  /** Of each section the first candidate of each protocol, led through the link; the others would lead past it. */
  function throughLink(sdp) {
    let led = new Set()
    const lines = sdp.split(/\r?\n/).flatMap((line) => {
      if (line.startsWith('m=')) led = new Set()
      const [, head, protocol, priority, tail] = /^(a=candidate:\S+ \d+) (udp|tcp) (\d+) \S+ \d+ (.*)$/i.exec(line) ?? []
      if (protocol === undefined) return [line]
      if (led.has(protocol.toLowerCase())) return []
      led.add(protocol.toLowerCase())
      return [`${head} ${protocol} ${priority} ${host} ${protocol.toLowerCase() === 'udp' ? udp : tcp} ${tail}`]
    })
    return lines.join('\r\n')
  }

  const canvas = document.createElement('canvas')
  ;[canvas.width, canvas.height] = [104, 4]
  const drawing = canvas.getContext('2d', { willReadFrequently: true })
  /** 26 cells of a region of `source`: their brightness, 0 to 255. */
  const cells = (source, x, y, width, height) => {
    drawing.drawImage(source, x, y, width, height, 0, 0, 104, 4)
    const { data } = drawing.getImageData(0, 0, 104, 4)
    const bright = (column, row) => data[(row * 104 + column) * 4 + 1]
    return Array.from({ length: 26 }, (_, cell) => (bright(cell * 4 + 1, 1) + bright(cell * 4 + 2, 1) + bright(cell * 4 + 1, 2) + bright(cell * 4 + 2, 2)) / 4)
  }
  /** The number in 26 cells, `null` when a cell is neither dark nor light. */
  const numberIn = (values, dark, light) => {
    if (values.some((value) => value > dark && value < light) || values[0] <= dark || values[25] <= dark) return null
    return values.slice(1, 25).reduce((number, value) => number * 2 + (value >= light ? 1 : 0), 0)
  }
  const widthOf = (element) => element.videoWidth ?? element.naturalWidth ?? element.width
  const strip = (element) => numberIn(cells(element, 0, 0, (widthOf(element) / 40) * 26, widthOf(element) / 40), 127, 128)
  /** Whether letters can be read: the number again in cells of 6 pixels of 1280, whole in two copies of four. */
  const isReadable = (element, number) => {
    const scale = widthOf(element) / 1280
    const copies = [0, 1, 2, 3].map((copy) => numberIn(cells(element, (40 + copy * 200) * scale, 44 * scale, 156 * scale, 12 * scale), 105, 150))
    return copies.filter((copy) => copy === number).length >= 2
  }

  const isSeen = (element) => {
    if (!element.isConnected || element.offsetWidth < 50 || widthOf(element) === 0) return false
    const style = getComputedStyle(element)
    return style.visibility !== 'hidden' && Number(style.opacity) > 0.5
  }
  /** Of two elements at the same place the one that is in front. */
  const depth = (element) => {
    const { left, top, width, height } = element.getBoundingClientRect()
    const at = document.elementsFromPoint(left + width / 2, top + height / 2).indexOf(element)
    return at < 0 ? 1000 : at
  }

  const followed = new WeakSet()
  const follow = (video) => {
    if (followed.has(video)) return
    followed.add(video)
    const next = (_now, { width, height }) => {
      const program = current()?.camera?.receiver.track
      const shown = video.srcObject?.getVideoTracks()[0]
      const read = strip(video)
      const number = read !== null && read < firstSlide ? read : null
      // A lesson that comes as segments has no track to know the teacher's picture by.
      if ((program && program.id === shown?.id) || number !== null) watched.camera.push([Date.now(), number, Math.min(width, height)])
      video.requestVideoFrameCallback(next)
    }
    video.requestVideoFrameCallback(next)
  }
  const current = () => {
    const connection = live.findLast((one) => one.connectionState !== 'closed')
    if (!connection) return null
    const sections = connection.getTransceivers()
    const [voice] = sections.filter((one) => one.receiver.track.kind === 'audio')
    const [camera, slides] = sections.filter((one) => one.receiver.track.kind === 'video')
    return { voice, camera, slides }
  }
  const inbound = async (section) => [...((await section?.receiver.getStats()) ?? new Map()).values()].find((report) => report.type === 'inbound-rtp')

  const lookAtSlides = () => {
    const shown = [...document.querySelectorAll('video, img, canvas')].filter((element) => isSeen(element) && (element.videoWidth === undefined || element.readyState >= 2))
    const found = shown.map((element) => ({ element, number: strip(element) })).filter(({ number }) => number !== null && number >= firstSlide)
    found.sort((a, b) => depth(a.element) - depth(b.element))
    const [front] = found
    const now = front ? [front.number, isReadable(front.element, front.number), front.element.tagName.toLowerCase()] : [null, false, null]
    const before = watched.slides.at(-1)
    if (!before || before.slice(1).some((value, at) => value !== now[at])) watched.slides.push([Date.now(), ...now])
  }
  const listen = async () => {
    const sections = current()
    if (!sections) return
    const [voice, camera, slides] = await Promise.all([inbound(sections.voice), inbound(sections.camera), inbound(sections.slides)])
    const now = Date.now()
    // One line for each connection: a new one counts from nothing again.
    const which = watched.connections.length
    if (voice?.packetsReceived > 0) watched.sound.push([now, voice.totalSamplesReceived, voice.concealedSamples, voice.packetsReceived, which])
    if (camera) watched.decoded.push([now, camera.framesDecoded, which])
    watched.reports = { voice, camera, slides }
  }
  let busy = false
  let turn = 0
  setInterval(() => {
    if (document.documentElement === null) return
    for (const video of document.querySelectorAll('video')) follow(video)
    if (turn++ % 2 === 0) lookAtSlides()
    if (busy) return
    busy = true
    listen().catch(() => undefined).finally(() => {
      busy = false
    })
  }, 50)
}

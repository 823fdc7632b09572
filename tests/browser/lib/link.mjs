// A school's network between a browser and the relay: TCP on one port, no UDP, and what else a firewall refuses.
import net from 'node:net'

/** First byte of a framed connectivity check (ICE-TCP): the high half of a short length. TLS begins with 22, HTTP with a capital letter. */
const isIceTcp = (byte) => byte < 8

export class Firewall {
  #server
  #target
  #sockets = new Set()
  /** Whether connections that are neither TLS nor HTTP are cut, as a proxy that reads protocols does. */
  blockIceTcp = false
  /** Connections that carried ICE-TCP. */
  iceTcpConnections = 0
  port

  /** Listens on a free port of `host`; nothing answers UDP there. */
  static async open(host = '127.0.0.1') {
    const firewall = new Firewall()
    firewall.#server = net.createServer((client) => firewall.#connect(client))
    await new Promise((resolve) => firewall.#server.listen(0, host, resolve))
    firewall.port = firewall.#server.address().port
    return firewall
  }

  /** Where connections go: `http://host:port`. */
  set target(base) {
    const { hostname, port } = new URL(base)
    this.#target = { host: hostname, port: Number(port) }
  }

  get base() {
    return `http://127.0.0.1:${this.port}`
  }

  /** A link of the relay as somebody behind the firewall opens it. */
  link(url) {
    const { pathname, hash } = new URL(url)
    return `${this.base}${pathname}${hash}`
  }

  #connect(client) {
    this.#sockets.add(client)
    client.on('close', () => this.#sockets.delete(client))
    client.on('error', () => client.destroy())
    client.once('data', (first) => {
      if (isIceTcp(first[0])) {
        if (this.blockIceTcp) {
          client.destroy()
          return
        }
        this.iceTcpConnections += 1
      }
      const server = net.connect(this.#target)
      this.#sockets.add(server)
      server.on('close', () => this.#sockets.delete(server))
      server.on('error', () => client.destroy())
      client.on('close', () => server.destroy())
      server.on('close', () => client.destroy())
      server.setNoDelay(true)
      client.setNoDelay(true)
      server.write(first)
      client.pipe(server)
      server.pipe(client)
    })
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

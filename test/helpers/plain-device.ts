// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { request } from 'node:https'
import type { TestContext } from 'node:test'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import type { LocalCloud } from './local-cloud.ts'

interface Heard {
  readonly topic: string
  readonly payload: Buffer
}

/** A device made of mqtt.js alone, without anything of the agent: it shows what the cloud does by itself. */
export class PlainDevice {
  readonly client: MqttClient
  readonly heard: Heard[] = []
  readonly #waiting = new Set<() => void>()
  #next = 1

  constructor(client: MqttClient) {
    this.client = client
    client.on('message', (topic, payload) => {
      this.heard.push({ topic, payload })
      for (const wake of this.#waiting) wake()
    })
  }

  say(topic: string, payload: string | Buffer, qos: 0 | 1 = 1): void {
    this.client.publish(topic, payload, { qos }, () => {})
  }

  /** The n-th message on a topic, as it came. */
  async bytes(topic: string, n = 1): Promise<Buffer> {
    for (;;) {
      const found = this.heard.filter(one => one.topic === topic)[n - 1]
      if (found !== undefined) return found.payload
      await new Promise<void>((resolve, reject) => {
        const timer = setTimeout(() => {
          this.#waiting.delete(wake)
          reject(new Error(`nothing came on ${topic}; there came ${this.heard.map(one => one.topic).join(', ')}`))
        }, 10_000)
        const wake = () => {
          clearTimeout(timer)
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: a test looks into it without parsing
  async json(topic: string, n = 1): Promise<any> {
    return JSON.parse((await this.bytes(topic, n)).toString())
  }

  /** Sends one command and returns its result. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into it without parsing
  async command(command: string, params?: object): Promise<any> {
    const suffix = `t${this.#next++}`
    this.say(`api/${suffix}`, JSON.stringify({ '1': { command, ...(params === undefined ? {} : { params }) } }))
    const reply = await this.json(`reply/${suffix}`)
    return reply['1'] ?? reply
  }
}

/** Connects a device with the thing key as client id and user name; it ends with the test. */
export async function plainDevice(
  t: TestContext,
  cloud: LocalCloud,
  thingKey: string,
  options: IClientOptions & { url?: string } = {},
): Promise<PlainDevice> {
  const { url = `mqtt://127.0.0.1:${cloud.mqtt}`, ...more } = options
  const client = connect(url, {
    clientId: thingKey,
    username: thingKey,
    password: cloud.token,
    reconnectPeriod: 0,
    connectTimeout: 10_000,
    ca: readFileSync(cloud.ca),
    ...more,
  })
  t.after(() => client.end(true))
  // It listens before it is connected: what the cloud says at once must not be missed.
  const device = new PlainDevice(client)
  await new Promise<void>((resolve, reject) => {
    client.on('error', reject)
    client.once('close', () => reject(new Error('the cloud closed the connection')))
    client.once('connect', () => resolve())
  })
  return device
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  /** Whether the body came to its end. */
  readonly isWhole: boolean
}

/** One HTTPS request to the cloud, with nothing but what it is given. */
export function http(
  cloud: LocalCloud,
  method: string,
  path: string,
  o: { headers?: Record<string, string>; body?: string | Buffer; isChunked?: boolean } = {},
): Promise<HttpAnswer> {
  const { headers = {}, body, isChunked = false } = o
  return new Promise((resolve, reject) => {
    const length = body === undefined || isChunked ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
    const sent = request({
      host: '127.0.0.1',
      port: cloud.https,
      method,
      path,
      ca: readFileSync(cloud.ca),
      headers: { ...length, ...(isChunked ? { 'Transfer-Encoding': 'chunked' } : {}), ...headers },
    })
    sent.on('error', reject)
    sent.on('response', response => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', () => {})
      response.on('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(parts),
          isWhole: response.complete,
        }),
      )
    })
    sent.end(body)
  })
}

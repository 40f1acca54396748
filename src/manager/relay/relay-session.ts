// SPDX-License-Identifier: Apache-2.0
import type { WebSocket } from 'ws'
import type { Clock, Timer } from '../../base/clock.ts'
import { messageOf } from '../../base/errors.ts'
import { IdleTimer } from '../../base/idle-timer.ts'
import type { Log } from '../../base/log.ts'
import { Backpressure } from './backpressure.ts'
import { type ChannelEffect, type ChannelInput, type ChannelState, nextStep } from './channel-state.ts'
import { dataMessage, disconnectMessage, type Framing, readFrame } from './frame.ts'
import { type RelayLimits, relayLimits } from './limits.ts'
import type { OpenLocalEnd } from './local-end.ts'
import { LocalPipe } from './local-pipe.ts'
import { RelayLine } from './relay-line.ts'

interface Channel {
  state: ChannelState
  pipe: LocalPipe | undefined
}

export interface RelaySessionParts {
  /** Open and paused. */
  readonly webSocket: WebSocket
  /** Whether the session outlives its last local connection [TR50 6.1]. */
  readonly reconnect: boolean
  readonly open: OpenLocalEnd
  readonly limits: Pick<RelayLimits, 'maxChannels' | 'idleTimeoutS' | 'maxDurationS'>
  readonly clock: Clock
  readonly log: Log
  /** Called once, when the WebSocket is closed and no local connection is left. */
  readonly onEnd: (reason: string) => void
}

/** The counts of a session. */
export interface RelayCounts {
  /** Local connections that are open, being made or ending. */
  readonly openChannels: number
  readonly channels: number
  readonly bytesFromCloud: number
  readonly bytesToCloud: number
}

/** One WebSocket to the relay and the local connections behind it [TR50 6]. */
export class RelaySession {
  readonly #parts: RelaySessionParts
  readonly #line: RelayLine
  readonly #channels = new Map<number, Channel>()
  readonly #pipes = new Set<LocalPipe>()
  readonly #backpressure: Backpressure
  readonly #idle: IdleTimer | undefined
  readonly #duration: Timer | undefined
  #framing: Framing = 'none'
  #reason: string | undefined
  #lineClosed = false
  #ended = false
  #counts = { channels: 0, bytesFromCloud: 0, bytesToCloud: 0 }

  constructor(parts: RelaySessionParts) {
    const { webSocket, clock, limits } = parts
    this.#parts = parts
    this.#line = new RelayLine({
      webSocket,
      clock,
      listener: {
        message: (bytes, isBinary) => this.#take(bytes, isBinary),
        drained: () => {
          for (const pipe of this.#pipes) pipe.resume()
        },
        silent: () => this.#cut('the relay does not answer any more'),
        closed: (code, error) => this.#closed(code, error),
      },
    })
    const drop = (pipe: LocalPipe) => this.#drop(pipe)
    this.#backpressure = new Backpressure({ line: this.#line, pipes: this.#pipes, clock, drop })
    const { idleTimeoutS, maxDurationS } = limits
    const onIdle = () => this.end(`no data for ${idleTimeoutS} s (remote_access.idle_timeout)`)
    if (idleTimeoutS > 0) this.#idle = new IdleTimer(clock, idleTimeoutS * 1000, onIdle, { background: true })
    this.#idle?.touch()
    const onDuration = () => this.end(`its time is over: ${maxDurationS} s (remote_access.max_duration)`)
    this.#duration = maxDurationS > 0 ? clock.timer(maxDurationS * 1000, onDuration, { background: true }) : undefined
  }

  /** Begins to read from the relay. */
  start(): void {
    this.#line.start()
  }

  counts(): RelayCounts {
    return { ...this.#counts, openChannels: this.#pipes.size }
  }

  /** Ends the local connections at once and closes the WebSocket. The first reason counts. */
  end(reason: string): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    for (const pipe of [...this.#pipes]) pipe.destroy()
    this.#channels.clear()
    this.#line.close(1000, '')
  }

  /** Ends everything at once. */
  destroy(reason: string): void {
    this.#cut(reason)
    for (const pipe of [...this.#pipes]) pipe.destroy()
  }

  #cut(reason: string): void {
    this.#reason ??= reason
    this.#line.terminate()
  }

  #take(message: Buffer, isBinary: boolean): void {
    if (this.#reason !== undefined) return
    const isOpen = (index: number) => {
      const state = this.#channels.get(index)?.state
      return state === 'open' || state === 'connecting'
    }
    const frame = readFrame(message, isBinary, this.#framing, isOpen)
    switch (frame.kind) {
      case 'start':
        this.#framing = 'single'
        this.#step(0, 'cloud-connect')
        break
      case 'connect':
        // Before the local connection is made: its first bytes must carry the index already [TR50 6.5 rule 4].
        this.#framing = 'multi'
        this.#step(frame.index, 'cloud-connect')
        break
      case 'disconnect':
        this.#step(frame.index, 'cloud-disconnect')
        break
      case 'data':
        this.#deliver(frame.index, frame.bytes)
        break
      case 'stray':
        this.#parts.log.limited('relay stray', 'debug', 'a message of the relay is for no channel', {
          bytes: message.length,
        })
    }
  }

  #deliver(index: number, bytes: Buffer): void {
    const channel = this.#channels.get(index)
    if (channel?.pipe === undefined || channel.state === 'closing') return
    this.#counts.bytesFromCloud += bytes.length
    this.#idle?.touch()
    channel.pipe.write(bytes)
    this.#backpressure.written()
  }

  #step(index: number, input: ChannelInput): void {
    const channel = this.#channels.get(index) ?? { state: 'closed', pipe: undefined }
    const { state, effects } = nextStep(channel.state, input)
    channel.state = state
    this.#channels.set(index, channel)
    for (const effect of effects) this.#run(effect, index, channel)
    // A dial may have failed at once.
    if (channel.state === 'closed') this.#channels.delete(index)
    if (input === 'local-closed') this.#endIfDone()
  }

  #run(effect: ChannelEffect, index: number, channel: Channel): void {
    const { pipe } = channel
    switch (effect) {
      case 'dial':
        this.#dial(index, channel)
        break
      case 'finish':
        pipe?.finish()
        break
      case 'leave':
        channel.pipe = undefined
        pipe?.leave()
        break
      case 'abandon':
        channel.pipe = undefined
        pipe?.destroy()
        break
      case 'notify-cloud':
        this.#tellCloud(index)
    }
  }

  #dial(index: number, channel: Channel): void {
    const { clock, open, limits, log } = this.#parts
    if (this.#pipes.size >= limits.maxChannels) {
      const limit = `remote_access.max_channels ${limits.maxChannels}`
      log.limited('relay channels', 'warn', 'channel refused: too many at once', { index, limit })
      channel.pipe = undefined
      this.#step(index, 'dial-failed')
      return
    }
    this.#counts.channels++
    this.#idle?.touch()
    const ifMine = (act: () => void) => {
      if (channel.pipe === pipe) act()
    }
    const pipe: LocalPipe = new LocalPipe({
      clock,
      open,
      listener: {
        opened: () => ifMine(() => this.#step(index, 'dialed')),
        failed: error =>
          ifMine(() => {
            log.limited(`relay dial ${messageOf(error)}`, 'warn', 'local connection not made', { index, error })
            this.#step(index, 'dial-failed')
          }),
        data: bytes => ifMine(() => this.#send(index, bytes)),
        closed: () => ifMine(() => this.#step(index, 'local-closed')),
        taken: () => this.#backpressure.taken(),
        gone: () => this.#gone(pipe),
      },
    })
    channel.pipe = pipe
    this.#pipes.add(pipe)
    if (this.#line.isFull) pipe.pause()
  }

  #send(index: number, bytes: Buffer): void {
    if (this.#lineClosed || this.#reason !== undefined) return
    this.#counts.bytesToCloud += bytes.length
    this.#idle?.touch()
    const messages: Buffer[] = []
    const prefix = this.#framing === 'multi' ? index : undefined
    for (let at = 0; at < bytes.length; at += relayLimits.frameBytes)
      messages.push(dataMessage(prefix, bytes.subarray(at, at + relayLimits.frameBytes)))
    this.#line.send(messages, bytes.length)
    if (this.#line.isFull) for (const pipe of this.#pipes) pipe.pause()
  }

  /** Reports that the local side of a channel has closed; a session of one channel ends instead [TR50 6.5 rule 5] [TR50 6.5 rule 6]. */
  #tellCloud(index: number): void {
    if (this.#lineClosed || this.#reason !== undefined) return
    if (this.#framing === 'multi') {
      this.#line.sendText(disconnectMessage(index))
      return
    }
    this.#finish('the local service closed')
  }

  #endIfDone(): void {
    const isDone = this.#framing === 'multi' && !this.#parts.reconnect && this.#channels.size === 0
    if (isDone && !this.#lineClosed) this.#finish('the local services closed')
  }

  /** Closes the WebSocket after the last byte. */
  #finish(reason: string): void {
    if (this.#reason !== undefined) return
    this.#reason = reason
    this.#line.close(1000, '')
  }

  #drop(pipe: LocalPipe): void {
    for (const [index, channel] of [...this.#channels]) {
      if (channel.pipe !== pipe) continue
      this.#parts.log.warn('channel ended: its local service takes nothing and stalls the others', { index })
      this.#step(index, 'dropped')
    }
  }

  #gone(pipe: LocalPipe): void {
    this.#pipes.delete(pipe)
    this.#backpressure.taken()
    this.#endWhenEmpty()
  }

  #closed(code: number, error: Error | undefined): void {
    this.#lineClosed = true
    this.#idle?.stop()
    this.#duration?.cancel()
    this.#backpressure.stop()
    const why = error === undefined ? '' : `: ${messageOf(error)}`
    this.#reason ??=
      code === 1006 ? `the connection to the relay broke${why}` : `the relay closed the session (${code})${why}`
    this.#channels.clear()
    // Bytes that the cloud has sent are still delivered.
    for (const pipe of [...this.#pipes]) pipe.leave()
    this.#endWhenEmpty()
  }

  #endWhenEmpty(): void {
    if (this.#ended || !this.#lineClosed || this.#pipes.size > 0) return
    this.#ended = true
    this.#parts.onEnd(this.#reason ?? '')
  }
}

// SPDX-License-Identifier: Apache-2.0
import { maxJsonDepth, parseJson } from '../../base/json.ts'
import { parseCutWrittenJson } from '../../base/written-json.ts'
import { limits } from '../../protocol/limits.ts'
import { Status } from '../../protocol/status.ts'
import { isMailId, type Mail, parseMail, refusedMail } from './mail.ts'
import { charsOfMail } from './page.ts'

/** The largest call that is taken: as large as a whole page may be. */
export const maxMailBytes = limits.maxReplyBytes
/** How many characters of parameters one page may bring; the calls beyond it are refused, so that their callers learn of it. */
export const maxPageChars = 8 * limits.maxReplyBytes

/** How many refused and unusable mails one page may bring beside its calls: many more than an agent ever asks for. */
export const maxRefused = 10_000

/** Depth of the list of mails, which is in the params of the answer in the reply, and of each mail in that list. */
const listDepth = 4
const mailDepth = listDepth + 1
/** As in a page of ordinary size: one level more than parameters may have, so that parameters that are too deep are noticed. */
const maxMailDepth = 2 + maxJsonDepth + 1
/** What is kept of a text that may be a key or an id. */
const maxTextBytes = 2048

/** How much of the buffer is kept from one mail to the next. */
const maxKeptBytes = 64 * 1024

const [quote, backslash, colon, comma] = [0x22, 0x5c, 0x3a, 0x2c]
const [listStart, listEnd, objectStart, objectEnd] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Reads the mails of a page that is too large to hold in memory, as its bytes come [TR50 mailbox.check]. The cloud has handed these
 * calls out and may never do so again, so none may be lost: each is taken on its own, and of a call that is too large for any page
 * the id is read, so that it can be answered. Memory never holds more than one call and the calls already read; of a page of
 * countless tiny calls, the calls beyond the limits are only counted.
 */
export class LargePage {
  readonly #mails: Mail[] = []
  #chars = 0
  readonly #refusals = { refused: 0, unusable: 0 }
  #dropped = 0
  #bytes = 0
  #depth = 0
  #inText = false
  #isEscaped = false
  /** Whether the list at its depth is the one with the mails. */
  #inMessages = false
  /** The bytes of the last text that may be a key or an id, without its quotes. */
  #text: number[] = []
  /** The name of the member of the mail that comes next. */
  #key = ''
  /** The mail that is being read: its bytes while it is not too large, and its id once that is known. */
  #held = Buffer.alloc(0)
  #mailBytes = 0
  #id: string | undefined

  /** How many bytes came. */
  get bytes(): number {
    return this.#bytes
  }

  /** How many mails were dropped because there were too many. */
  get dropped(): number {
    return this.#dropped
  }

  /** Removes and returns the mails that are complete, in their order. */
  takeMails(): Mail[] {
    return this.#mails.splice(0)
  }

  /** Reads the next bytes. Text that is not JSON yields no mails, or invalid ones that are refused; it never throws. */
  take(piece: Uint8Array): void {
    this.#bytes += piece.byteLength
    let from = 0
    for (let at = 0; at < piece.length; at++) {
      const byte = piece[at] ?? 0
      if (this.#inText) {
        this.#readText(byte)
        continue
      }
      switch (byte) {
        case quote:
          this.#inText = true
          this.#text = []
          break
        case objectStart:
        case listStart:
          this.#depth++
          if (this.#depth === listDepth) this.#inMessages = byte === listStart && this.#lastText() === 'messages'
          if (this.#depth === mailDepth && this.#inMessages) {
            from = at
            this.#beginMail()
          }
          break
        case objectEnd:
        case listEnd:
          if (this.#depth === mailDepth && this.#inMessages) {
            this.#keep(piece.subarray(from, at + 1))
            this.#endMail()
          }
          this.#depth--
          if (this.#depth < listDepth) this.#inMessages = false
          break
        case colon:
          if (this.#depth === mailDepth) this.#key = this.#lastText()
          break
        case comma:
          if (this.#depth === mailDepth) this.#key = ''
          break
      }
    }
    if (this.#depth >= mailDepth && this.#inMessages) this.#keep(piece.subarray(from))
  }

  #readText(byte: number): void {
    const isEnd = byte === quote && !this.#isEscaped
    this.#isEscaped = byte === backslash && !this.#isEscaped
    if (isEnd) {
      this.#inText = false
      if (this.#depth === mailDepth && this.#key === 'id') {
        this.#id = this.#lastText()
        this.#key = ''
      }
    } else if (this.#depth <= mailDepth && this.#text.length < maxTextBytes) this.#text.push(byte)
  }

  #lastText(): string {
    const text = parseJson(`"${Buffer.from(this.#text).toString('utf8')}"`)
    return typeof text === 'string' ? text : ''
  }

  #beginMail(): void {
    this.#mailBytes = 0
    this.#id = undefined
    this.#key = ''
  }

  #keep(piece: Uint8Array): void {
    const from = this.#mailBytes
    this.#mailBytes += piece.byteLength
    if (this.#mailBytes > maxMailBytes) {
      this.#held = Buffer.alloc(0)
      return
    }
    // A copy, because the network reuses its buffer; a single buffer for all pieces, because each allocation has a cost.
    if (this.#held.length < this.#mailBytes) {
      const larger = Buffer.alloc(Math.min(maxMailBytes, Math.max(this.#mailBytes, 2 * this.#held.length)))
      this.#held.copy(larger, 0, 0, from)
      this.#held = larger
    }
    this.#held.set(piece, from)
  }

  #endMail(): void {
    const mail = this.#mail()
    if (this.#held.length > maxKeptBytes) this.#held = Buffer.alloc(0)
    if (mail.kind === 'call') this.#chars += charsOfMail(mail)
    else if (++this.#refusals[mail.kind] > maxRefused) {
      this.#dropped++
      return
    }
    this.#mails.push(mail)
  }

  #mail(): Mail {
    if (this.#mailBytes > maxMailBytes)
      return this.#refused(
        Status.BadParameter,
        `the call is larger than ${maxMailBytes} bytes, which is the agent's limit; the action was not run.`,
      )
    if (this.#chars + this.#mailBytes > maxPageChars)
      return this.#refused(
        Status.TryAgain,
        `too many large calls came at once, more than ${maxPageChars} bytes; the action was not run.`,
      )
    return parseMail(parseCutWrittenJson(this.#held.toString('utf8', 0, this.#mailBytes), maxMailDepth))
  }

  #refused(status: Status, problem: string): Mail {
    return isMailId(this.#id)
      ? refusedMail(this.#id, status, problem)
      : { kind: 'unusable', problem: `no id of 1 to 256 characters, and ${problem}` }
  }
}

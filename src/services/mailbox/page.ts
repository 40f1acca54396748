// SPDX-License-Identifier: Apache-2.0
import type { Json } from '../../base/json.ts'
import { nextTurn } from '../../base/wait.ts'
import { charsOf, type Mail, parseMail, type UsableMail } from './mail.ts'

/** The event loop has its turn after so many mails, also when they cost nothing: more than a cloud sends that keeps to the limit. */
const mailsPerTurn = 250

/** What a mail takes beside its parameters. */
const mailChars = 100

/** Hears of the mails of a page that are not taken. */
export interface SortingListener {
  repeated(): void
  malformed(problem: string): void
}

/** Parses a page entry by entry; what is wrong with one harms none of the others. */
export function* mailsOf(messages: readonly Json[]): Iterable<Mail> {
  for (const entry of messages) yield parseMail(entry)
}

/** The mails that can be answered, each once. */
export async function sortMails(mails: Iterable<Mail>, on: SortingListener): Promise<Page> {
  const page = new Page()
  let seen = 0
  for (const mail of mails) {
    if (++seen % mailsPerTurn === 0) await nextTurn()
    if (mail.kind === 'unusable') on.malformed(mail.problem)
    else if (page.has(mail.id)) on.repeated()
    else page.add(mail)
  }
  return page
}

/** Takes mails out of a page until `most` of them were new; resolves to how many were. */
export async function takePortion(
  page: { shift(): UsableMail | undefined },
  most: number,
  take: (mail: UsableMail) => Promise<boolean>,
): Promise<number> {
  let fresh = 0
  let seen = 0
  while (fresh < most) {
    const mail = page.shift()
    if (mail === undefined) break
    if (++seen % mailsPerTurn === 0) await nextTurn()
    if (await take(mail)) fresh++
  }
  return fresh
}

/** Mails by id, oldest first: a mail that is listed twice is there once. */
export class Page {
  readonly #mails = new Map<string, UsableMail>()
  #chars = 0

  get size(): number {
    return this.#mails.size
  }

  /** About how many characters the mails take. */
  get chars(): number {
    return this.#chars
  }

  has(id: string): boolean {
    return this.#mails.has(id)
  }

  add(mail: UsableMail): void {
    this.#mails.set(mail.id, mail)
    this.#chars += charsOfMail(mail)
  }

  /** Takes the oldest one out. */
  shift(): UsableMail | undefined {
    const { value: mail } = this.#mails.values().next()
    if (mail === undefined) return undefined
    this.#mails.delete(mail.id)
    this.#chars -= charsOfMail(mail)
    return mail
  }

  clear(): void {
    this.#mails.clear()
    this.#chars = 0
  }
}

/** About how many characters a mail takes in memory. */
export function charsOfMail(mail: UsableMail): number {
  return mailChars + (mail.kind === 'call' ? charsOf(mail.call) : 0)
}

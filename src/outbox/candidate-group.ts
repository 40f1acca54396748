// SPDX-License-Identifier: Apache-2.0
import type { Lane } from './lanes.ts'

/** A link that ends later than this after a candidate was sent says nothing about it. */
export const strikeWithinMs = 10_000
/** So many strikes make a candidate a poison item. */
export const strikesOfPoison = 3

/** How long a session serves all other items before a candidate that has ended one is sent again. */
const restMs = 2000
/** For so long nothing is on the wire before what has ended a link: an end in it is one of the link itself. */
export const quietMs = 1000
/** From so many link ends on, each rest is twice the one before: the item is never alone, or never proven, and only time shows which items end links. */
const patientEnds = 16
const maxRestMs = 300_000

/**
 * Items of a lane that were on the wire when a link ended: a server closes the connection without a word over an item that it
 * does not take, for ever. Each goes alone, after all others; a group is halved until one is left.
 */
export interface CandidateGroup {
  readonly lane: Lane
  /** The items by their marks, in the order of the lane. */
  readonly marks: readonly number[]
  /** How many of them go in one message. */
  readonly portion: number
  /** How many links ended while it, or a group that it was in, was tried. */
  readonly ends: number
  /** How many of these ends only the item itself explains. */
  readonly strikes: number
}

/** What the end of a link says about the candidates that were tried. */
export type Finding =
  /** It is one of a group: the others of the message are candidates no longer. */
  | { readonly kind: 'narrowed'; readonly group: CandidateGroup }
  /** It is a single item: from now on it lets the others of its lane pass. */
  | { readonly kind: 'held back'; readonly group: CandidateGroup }
  /** It is a poison item: it ended the link each time. */
  | { readonly kind: 'poison' }

/** A link ended while items of a lane were on the wire among everything else. */
export function groupOf(lane: Lane, marks: readonly number[]): CandidateGroup {
  return { lane, marks, portion: half(marks), ends: 0, strikes: 0 }
}

/**
 * A link ended while the candidates `sent` were alone on the wire.
 *
 * @param how.isProven whether the session had carried something else before: a link that carries nothing proves nothing
 * @param how.afterMs how long after they were sent
 */
export function afterLinkEnd(
  group: CandidateGroup,
  sent: readonly number[],
  how: { readonly isProven: boolean; readonly afterMs: number },
): Finding {
  const narrowed = { ...group, marks: sent, portion: half(sent), ends: group.ends + 1 }
  if (sent.length > 1) return { kind: 'narrowed', group: narrowed }
  const isStrike = how.isProven && how.afterMs <= strikeWithinMs
  const strikes = group.strikes + (isStrike ? 1 : 0)
  if (strikes >= strikesOfPoison) return { kind: 'poison' }
  return { kind: 'held back', group: { ...narrowed, strikes } }
}

/** The link ended by itself: ends of before may have been such as well, and none of them counts any more. */
export function afterOwnEnd(group: CandidateGroup): CandidateGroup {
  return { ...group, ends: 0, strikes: 0 }
}

/** What is left of a group when the cloud has answered some of its items; undefined when nothing is. */
export function withoutAnswered(group: CandidateGroup, answered: ReadonlySet<number>): CandidateGroup | undefined {
  const marks = group.marks.filter(mark => !answered.has(mark))
  return marks.length === 0 ? undefined : { ...group, marks }
}

/** How long a session belongs to the others before this is tried. Most links end by themselves: the first time costs no wait. */
export function restBefore({ ends }: CandidateGroup): number {
  if (ends === 0) return 0
  return Math.min(maxRestMs, restMs * 2 ** Math.max(0, ends - patientEnds))
}

function half(marks: readonly number[]): number {
  return Math.max(1, Math.floor(marks.length / 2))
}

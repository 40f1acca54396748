// SPDX-License-Identifier: Apache-2.0
import { crc32 } from '../base/crc32.ts'
import {
  afterLinkEnd,
  afterOwnEnd,
  type CandidateGroup,
  type Finding,
  groupOf,
  withoutAnswered,
} from './candidate-group.ts'
import type { Lane } from './lanes.ts'
import type { Memo } from './memo.ts'
import type { StoredItem } from './store.ts'

/** A candidate that has left its lane, so that the others of it pass. */
export interface HeldItem {
  readonly group: CandidateGroup
  readonly item: StoredItem
}

/** A group as it outlives the process; with the item when that is in no lane any more. */
export interface CandidateMemo {
  readonly group: CandidateGroup
  readonly item?: StoredItem
  /** They were on the wire at one end of a link so far, as happens to any item on a poor link. */
  readonly isFirst?: boolean
}

/** Groups of one lane that are kept; what belongs to an older one counts as new when it ends a link again. */
const maxOfLane = 8

/** Identifies an item, also in the next process, which puts an answer to an action anew, word for word. */
function markOf(item: StoredItem): number {
  return crc32(Buffer.from(item.json, 'latin1'))
}

/**
 * The items that may be poison, because the link ended while they were on the wire: those that still stand in their lane, and those held back behind all
 * others. What is known of them goes to flash when a link has ended, and never before something is sent.
 */
export class PoisonCandidates {
  readonly #memo: Memo<readonly CandidateMemo[]>
  readonly #overheadBytes: number
  /** Items that were on the wire at one end of a link: they go as all others do, and are candidates when it happens again. */
  #seenOnce: readonly CandidateGroup[] = []
  /** Groups with items that still stand in their lanes. */
  #inLanes: readonly CandidateGroup[] = []
  #held: readonly HeldItem[] = []
  #heldBytes = 0
  /** What is held back and still in its lane: it leaves that when the disk has it. */
  #leaving: StoredItem | undefined
  #isSaved = true
  #isFileThere = false
  #saving: Promise<void> | undefined

  constructor(memo: Memo<readonly CandidateMemo[]>, overheadBytes: number) {
    this.#memo = memo
    this.#overheadBytes = overheadBytes
    const { found = [] } = memo
    this.#isFileThere = memo.found !== undefined
    const inLanes = found.filter(({ item }) => item === undefined)
    this.#seenOnce = inLanes.flatMap(({ group, isFirst }) => (isFirst === true ? [group] : []))
    this.#inLanes = inLanes.flatMap(({ group, isFirst }) => (isFirst === true ? [] : [group]))
    this.#setHeld(found.flatMap(({ group, item }) => (item === undefined ? [] : [{ group, item }])))
  }

  /** Whether nothing ended a link more than once. */
  get isEmpty(): boolean {
    return this.#inLanes.length === 0 && this.#held.length === 0
  }

  /** How many items are candidates. */
  get count(): number {
    return this.#inLanes.reduce((sum, { marks }) => sum + marks.length, this.#held.length)
  }

  /** What is held back, the oldest first. */
  get held(): readonly HeldItem[] {
    return this.#held
  }

  /** Bytes of what is held back, as they count against the bound of the outbox. */
  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Whether a process that ended now would lose nothing that is held back. */
  get isSafe(): boolean {
    return this.#isSaved || this.#held.every(({ group }) => group.lane === 'ack')
  }

  bytesOf(held: readonly HeldItem[]): number {
    return held.reduce((sum, { item }) => sum + item.json.length + this.#overheadBytes, 0)
  }

  /** What is held back of a lane. */
  heldOf(lane: Lane): readonly HeldItem[] {
    return this.#held.length === 0 ? this.#held : this.#held.filter(({ group }) => group.lane === lane)
  }

  /** Whether a lane has candidates among its items. */
  isIn(lane: Lane): boolean {
    return this.#inLanes.length > 0 && this.#inLanes.some(group => group.lane === lane)
  }

  /** The items before the first candidate. */
  before(lane: Lane, items: readonly StoredItem[]): readonly StoredItem[] {
    const first = items.findIndex(item => this.#find(lane, markOf(item)) !== undefined)
    return first < 0 ? items : items.slice(0, first)
  }

  /** The group of the first item, and the items in front that share it: as many as are tried in one message. */
  atHead(
    lane: Lane,
    items: readonly StoredItem[],
  ): { readonly group: CandidateGroup; readonly items: readonly StoredItem[] } | undefined {
    const [first] = items
    const group = first === undefined ? undefined : this.#find(lane, markOf(first))
    if (group === undefined) return undefined
    const marks = new Set(group.marks)
    const end = items.findIndex(item => !marks.has(markOf(item)))
    const sharing = end < 0 ? items : items.slice(0, end)
    return { group, items: sharing.slice(0, group.portion) }
  }

  /** The group of a lane that will be tried first. */
  firstOf(lane: Lane): CandidateGroup | undefined {
    return this.#inLanes.find(group => group.lane === lane)
  }

  /**
   * A link ended while `items` were on the wire among everything else. Those of them to which that happened before are candidates
   * from now on: a poor link ends over other items each time.
   */
  linkEnded(lane: Lane, items: readonly StoredItem[]): void {
    if (items.length === 0) return
    const marks = items.map(markOf)
    const before = new Set(this.#seenOnce.flatMap(one => (one.lane === lane ? one.marks : [])))
    this.#seenOnce = withNewest(
      withoutMarks(this.#seenOnce, lane, new Set(marks)),
      lane,
      marks.filter(mark => !before.has(mark)),
    )
    this.#inLanes = withNewest(
      this.#inLanes,
      lane,
      marks.filter(mark => before.has(mark)),
    )
    this.#saveSoon()
  }

  /** Whether a lane has items that a link ended over once. */
  isSeenIn(lane: Lane): boolean {
    return this.#seenOnce.length > 0 && this.#seenOnce.some(one => one.lane === lane)
  }

  /**
   * A link ended while `items` of a group were alone on the wire; a single one is held back. When it is poison, the caller
   * sets it aside and lets it go.
   */
  trialEnded(
    group: CandidateGroup,
    items: readonly StoredItem[],
    how: { readonly isProven: boolean; readonly afterMs: number },
  ): Finding {
    const finding = afterLinkEnd(group, items.map(markOf), how)
    const [item] = items
    const wasHeld = this.#held.some(held => held.group === group)
    // What becomes poison stays a candidate, on flash too, until it is set aside.
    if (finding.kind === 'poison') return finding
    if (finding.kind === 'narrowed') this.#inLanes = this.#inLanes.map(one => (one === group ? finding.group : one))
    else this.#forget(group)
    if (finding.kind === 'held back' && item !== undefined) {
      if (!wasHeld) this.#leaving = item
      this.#setHeld([...this.#held, { group: finding.group, item }])
    }
    this.#saveSoon()
    return finding
  }

  /** A link ended while nothing was on the wire: it does so by itself, and that what was tried ended it is not known any more. */
  linkEndedByItself(): void {
    const all = [...this.#inLanes, ...this.#held.map(({ group }) => group)]
    if (all.every(({ ends }) => ends === 0)) return
    this.#inLanes = this.#inLanes.map(afterOwnEnd)
    this.#setHeld(this.#held.map(({ group, item }) => ({ group: afterOwnEnd(group), item })))
    this.#saveSoon()
  }

  /**
   * Resolves to whether an item that is held back may leave its lane. It may not when the disk takes nothing: in its lane it may be
   * on flash, and behind all others it would be in memory alone. Then it is a candidate of its lane again.
   */
  async mayLeave(lane: Lane, item: StoredItem): Promise<boolean> {
    await this.saved()
    this.#leaving = undefined
    if (this.#isSaved || lane === 'ack') return true
    const stays = this.#held.filter(held => held.item === item)
    this.#setHeld(this.#held.filter(held => held.item !== item))
    this.#inLanes = [...stays.map(({ group }) => group), ...this.#inLanes]
    return false
  }

  /** The cloud has answered `items`, whatever it said: they end no link. */
  answered(lane: Lane, items: readonly StoredItem[]): void {
    const marks = new Set(items.map(markOf))
    this.#seenOnce = withoutMarks(this.#seenOnce, lane, marks)
    this.#inLanes = withoutMarks(this.#inLanes, lane, marks)
    this.#saveSoon()
  }

  /** The lane is empty: what it had of candidates is gone, some of it perhaps dropped. Answers to actions may come again. */
  laneEmptied(lane: Lane): void {
    if (lane === 'ack' || !(this.isIn(lane) || this.isSeenIn(lane))) return
    this.#seenOnce = this.#seenOnce.filter(one => one.lane !== lane)
    this.#inLanes = this.#inLanes.filter(group => group.lane !== lane)
    this.#saveSoon()
  }

  /** An item is a candidate no longer, wherever it is. */
  letGo(lane: Lane, item: StoredItem): void {
    this.#setHeld(this.#held.filter(held => held.item !== item))
    this.answered(lane, [item])
  }

  /** Resolves when what is known is on flash, or the disk has refused it. */
  async saved(): Promise<void> {
    while (this.#saving !== undefined) await this.#saving
  }

  /** Writes down what is known and not on flash, while the caller waits, because the process ends. */
  saveNow(): void {
    if (!this.#isSaved || this.#saving !== undefined) this.#memo.saveNow(this.#all(this.#leaving))
  }

  #forget(group: CandidateGroup): void {
    this.#inLanes = this.#inLanes.filter(one => one !== group)
    this.#setHeld(this.#held.filter(held => held.group !== group))
  }

  #setHeld(held: readonly HeldItem[]): void {
    this.#held = held
    this.#heldBytes = this.bytesOf(held)
  }

  #find(lane: Lane, mark: number): CandidateGroup | undefined {
    return this.#inLanes.find(group => group.lane === lane && group.marks.includes(mark))
  }

  /** One write for all that changes in one turn: a link that ends takes the messages of several lanes with it. */
  #saveSoon(): void {
    if (this.#isNothingKnown && !this.#isFileThere && this.#saving === undefined) return
    this.#isSaved = false
    this.#saving ??= Promise.resolve().then(() => this.#save())
  }

  async #save(): Promise<void> {
    while (!this.#isSaved) {
      this.#isSaved = true
      const isEmpty = this.#isNothingKnown
      const isWritten = await this.#memo.save(isEmpty ? undefined : this.#all())
      if (isWritten) this.#isFileThere = !isEmpty
      else {
        this.#isSaved = false
        break
      }
    }
    this.#saving = undefined
  }

  /** @param leaving what the lane writes down itself */
  #all(leaving?: StoredItem): readonly CandidateMemo[] {
    // The journal of actions makes an acknowledgement anew: what is known of it is enough.
    const held = this.#held.map(({ group, item }) =>
      group.lane === 'ack' || item === leaving ? { group } : { group, item },
    )
    const once = this.#seenOnce.map(group => ({ group, isFirst: true }))
    return [...once, ...this.#inLanes.map(group => ({ group })), ...held]
  }

  get #isNothingKnown(): boolean {
    return this.isEmpty && this.#seenOnce.length === 0
  }
}

/** The groups and a new one of a lane; the oldest group of that lane goes when there are too many. */
function withNewest(all: readonly CandidateGroup[], lane: Lane, marks: readonly number[]): readonly CandidateGroup[] {
  if (marks.length === 0) return all
  const others = all.filter(group => group.lane !== lane)
  const ofLane = all.filter(group => group.lane === lane)
  return [...others, ...ofLane.slice(1 - maxOfLane), groupOf(lane, marks)]
}

function withoutMarks(
  all: readonly CandidateGroup[],
  lane: Lane,
  marks: ReadonlySet<number>,
): readonly CandidateGroup[] {
  return all.flatMap(group => (group.lane === lane ? (withoutAnswered(group, marks) ?? []) : [group]))
}

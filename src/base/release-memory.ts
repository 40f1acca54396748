// SPDX-License-Identifier: Apache-2.0
import { MessageChannel, type MessagePort } from 'node:worker_threads'

/** Below this, waiting for the garbage collector costs less than the call. */
const worthwhileBytes = 4096

/** A way to give the memory of an `ArrayBuffer` back at once, leaving it empty. */
export type Release = (memory: ArrayBuffer) => void

/**
 * Gives back the memory of a piece that is used up; the piece is empty afterwards. For streams of large pieces: the
 * garbage collector counts each as the few bytes of its object, and lets tens of megabytes pile up.
 * A piece that shares its memory with others, and a small one, stays as it is.
 */
export function releaseMemory(piece: Uint8Array, release: Release = releaseOf(piece.buffer)): void {
  const { buffer } = piece
  if (piece.length < worthwhileBytes || piece.length !== buffer.byteLength) return
  if (buffer instanceof ArrayBuffer) release(buffer)
}

function releaseOf(buffer: ArrayBufferLike): Release {
  return 'transfer' in buffer ? byTransfer : byClosedPort
}

/** Node 22 and later. */
export function byTransfer(memory: ArrayBuffer & { transfer?(bytes: number): ArrayBuffer }): void {
  memory.transfer?.(0)
}

let closed: MessagePort | undefined

/** Any Node: memory that is transferred to a closed port leaves this side, and arrives nowhere. */
export function byClosedPort(memory: ArrayBuffer): void {
  if (closed === undefined) {
    const { port1, port2 } = new MessageChannel()
    port1.close()
    port2.close()
    closed = port1
  }
  closed.postMessage(undefined, [memory])
}

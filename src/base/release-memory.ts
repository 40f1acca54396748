import { MessageChannel, type MessagePort } from 'node:worker_threads'

/** Below this a collector's delay costs less than the call. */
const worthwhileBytes = 4096

/** A way to give the memory of an `ArrayBuffer` back at once, leaving it empty. */
export type Release = (memory: ArrayBuffer) => void

/**
 * Gives back the memory of a piece that was used up; the piece is empty afterwards. For streams of large pieces: the
 * collector counts them as the few bytes that an object takes, and lets tens of megabytes pile up.
 * What shares its memory with others, and what is small, is left alone.
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

/** Any Node: what is moved into a port that is closed leaves this side, and there is no other. */
export function byClosedPort(memory: ArrayBuffer): void {
  if (closed === undefined) {
    const { port1, port2 } = new MessageChannel()
    port1.close()
    port2.close()
    closed = port1
  }
  closed.postMessage(undefined, [memory])
}

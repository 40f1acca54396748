import type { Receipt } from '../../outbox/outbox.ts'
import type { DownloadOptions, UploadOptions } from '../../services/files/types.ts'
import type { ActionOutcome } from '../actions/index.ts'

/** What an update needs of the cloud. */
export interface UpdateCloud {
  /** Resolves when there is a link. */
  connected(signal: AbortSignal): Promise<void>
  /** Resolves when the cloud has answered a question asked just now. */
  reached(signal: AbortSignal): Promise<void>
  download(name: string, destination: string, options: DownloadOptions): Promise<unknown>
  upload(path: string, options: UploadOptions): Promise<unknown>
  alarm(state: number, message: string): Promise<unknown>
  event(text: string, level: 'info' | 'error'): Promise<unknown>
  /** Adds a line to the history of a call. */
  progress(id: string, text: string): Promise<unknown>
  acknowledge(id: string, outcome: ActionOutcome): Promise<Receipt>
}

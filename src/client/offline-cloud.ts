// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../base/errors.ts'
import type { Settings } from '../config/settings.ts'
import type { Receipt } from '../outbox/outbox.ts'
import { checkDelivery } from '../outbox/receipt.ts'
import type { Cloud, FileTransfers } from './cloud.ts'

/** A dropped sample counts as delivered, so that a program that waits for delivery goes on as it would online. */
const dropped: Receipt = { accepted: true, delivered: async (options = {}) => checkDelivery(options) }

const unanswerable = () =>
  Promise.reject(
    new AgentError('NOT_CONNECTED', 'The client was created with the option offline, so the cloud cannot answer.', {
      remedy: 'Create the client without the option offline.',
    }),
  )

const files: FileTransfers = {
  upload: async path => ({ path, bytes: 0, files: [] }),
  uploadFile: async ({ path }) => ({ path, bytes: 0, files: [] }),
  uploadFolder: async ({ path }) => ({ path, bytes: 0, files: [] }),
  download: unanswerable,
  downloadInto: unanswerable,
}

/** The cloud of an offline client: accepts everything, answers nothing, and uses no network. */
export function offlineCloud(settings: Settings): Cloud {
  return {
    facts: { settings },
    isUp: false,
    isAlive: false,
    ask: unanswerable,
    put: async () => dropped,
    files: async () => files,
    answerCall: async () => dropped,
    updateCall: async () => dropped,
    leftCalls: async () => [],
    start: async () => {},
    untilUp: async () => {},
    stopCalls: () => {},
    spill: async () => true,
    flush: async () => true,
    close: async () => {},
    status: () => undefined,
  }
}

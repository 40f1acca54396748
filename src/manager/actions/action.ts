// SPDX-License-Identifier: Apache-2.0
import type { ActionOutcome } from '../../protocol/action-reply.ts'
import type { ActionContext, ActionRequest } from '../../services/actions/registry.ts'

export type { ActionOutcome }

/** What an action may use while it runs, without the client: each action gets the slice of it that it needs. */
export type ActionHelp = Omit<ActionContext<unknown>, 'client'>

/**
 * An action of the device manager. Its file names it as the cloud does, with the section of the specification; its room hands it
 * over in `actions`, and `switchedBy` is a row of the settings table: a test holds each action to that.
 */
export interface ManagedAction {
  /** As the cloud calls it. */
  readonly name: string
  /** Key of `actions_enabled` in iot.cfg that switches it off; an action without one is always on. */
  readonly switchedBy?: string
  /** How many calls run at once (default 1: these actions are about the one device). */
  readonly concurrency?: number
  /** Longest time it may run; 0 = no limit of its own. */
  readonly timeoutMs?: number | undefined
  /** It changes nothing: it may run again after a power cut, and costs no forced write. */
  readonly repeatable?: boolean
  /** A thrown error becomes the outcome that fits it; undefined when the call was answered or handed over already. */
  run(request: ActionRequest, help: ActionHelp): Promise<ActionOutcome | undefined> | ActionOutcome
}

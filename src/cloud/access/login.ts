// SPDX-License-Identifier: Apache-2.0
import type { CloudRecord } from '../store/records.ts'
import type { State } from '../store/state.ts'
import type { Thing } from '../store/things.ts'
import { sameSecret } from '../values/ids.ts'
import { isKey } from '../values/params.ts'

/** CONNACK return codes of a refused login [MQTT 3.2.2.3]. */
export const refusals = { badUserOrPassword: 4, notAuthorized: 5 } as const

/** Who logged in, or why the login was refused. */
export type Login =
  | {
      readonly ok: true
      readonly who:
        | { readonly user: CloudRecord }
        | { readonly app: CloudRecord; readonly thing: Thing; readonly clientId: string }
    }
  | { readonly ok: false; readonly code: number; readonly reason: string }

const wrongPassword = 'Invalid user name or password.'

const refused = (code: number, reason: string): Login => ({ ok: false, code, reason })

/** A login over MQTT, of a user, else of the application whose thing key is the user name [TR50 1.2]. */
export function login(
  state: State,
  { clientId, username, password }: { clientId: string; username: string | undefined; password: string },
): Login {
  if (username === undefined || username === '')
    return refused(refusals.badUserOrPassword, 'The login has no user name.')
  if (state.users.find({ username }) !== undefined) return loginUser(state, username, password)
  return loginApplication(state, { clientId, thingKey: username, token: password })
}

/** A login of a user; too many wrong passwords lock the user for a while [TR50 9]. */
export function loginUser(state: State, username: string, password: string): Login {
  const user = state.users.find({ username }) ?? state.users.find({ emailAddress: username })
  if (user === undefined) return refused(refusals.badUserOrPassword, wrongPassword)
  const lockedMs = state.loginGuard.lockedMs(user)
  if (lockedMs > 0)
    return refused(
      refusals.badUserOrPassword,
      `Too many wrong passwords: this user may log in again in ${Math.ceil(lockedMs / 60_000)} minutes.`,
    )
  if (typeof user.password === 'string' && sameSecret(user.password, password)) {
    state.loginGuard.succeeded(user)
    return { ok: true, who: { user } }
  }
  if (state.loginGuard.failed(user)) state.securityEvent(`Too many wrong passwords: user ${username} is locked.`)
  return refused(refusals.badUserOrPassword, wrongPassword)
}

/** A login of an application. An unknown thing is registered; a known one must log in with its first client id. */
export function loginApplication(
  state: State,
  { clientId, thingKey, token }: { clientId: string; thingKey: string; token: string },
): Login {
  const app = state.apps.all().find(one => typeof one.token === 'string' && sameSecret(one.token, token))
  if (app === undefined) return refused(refusals.badUserOrPassword, 'Invalid application token.')
  if (!isKey(thingKey)) return refused(refusals.notAuthorized, 'The user name is not a thing key.')
  const thing = state.things.byKey(thingKey) ?? register(state, app, thingKey)
  if (thing === undefined)
    return refused(refusals.notAuthorized, `Thing ${thingKey} is not known, and this application may not register it.`)
  if (thing.appId !== undefined && thing.appId !== clientId) {
    state.securityEvent(
      `Application id mismatch: ${clientId.slice(0, 100)} instead of ${thing.appId}; possible hijack.`,
      thing,
    )
    return refused(refusals.notAuthorized, 'The application id does not match that of the first login.')
  }
  thing.appId = clientId
  return { ok: true, who: { app, thing, clientId } }
}

function register(state: State, app: CloudRecord, key: string): Thing | undefined {
  const definition = state.definitions.find({ id: app.autoRegThingDefId })
  if (definition === undefined) return undefined
  const thing = state.things.create({ key, name: `auto:${key}`, defId: definition.id, createdBy: 'AUTOREG' })
  if (Array.isArray(app.autoRegTags)) thing.tags = app.autoRegTags.map(String)
  return thing
}

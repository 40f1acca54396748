// SPDX-License-Identifier: Apache-2.0
import { loginApplication, loginUser } from '../access/login.ts'
import { type Commands, operatorOf, sessionOf } from '../requests/command.ts'
import { type Session, sessionTtlS } from '../store/sessions.ts'
import { CommandFailure, codes } from '../values/failure.ts'
import type { JsonObject } from '../values/json.ts'
import { has, optionalText, page, requiredText } from '../values/params.ts'

export const sessionCommands: Commands = {
  'api.authenticate': (params, { state, from }) => {
    const login = has(params, 'username')
      ? loginUser(state, requiredText(params, 'username'), optionalText(params, 'password') ?? '')
      : loginApplication(state, {
          clientId: requiredText(params, 'appId'),
          thingKey: requiredText(params, 'thingKey'),
          token: requiredText(params, 'appToken'),
        })
    if (!login.ok) throw new CommandFailure(codes.badLogin, login.reason)
    const session: Session = {
      id: state.sessions.newId(),
      ...from,
      ...login.who,
      bound: new Set(),
      orgId: state.org.id,
    }
    state.sessions.addHttp(session)
    return { sessionId: session.id, orgKey: state.org.key, roles: [], isOrgAdmin: session.user?.isOrgAdmin === true }
  },

  'session.info': (_, context) => {
    const session = sessionOf(context)
    const org = context.state.orgs.find({ id: session.orgId }) ?? context.state.org
    return {
      ...asShown(session),
      serverId: 'local',
      orgKey: org.key,
      hasSuperAdmin: false,
      hasSuperOps: false,
      hasOrgAdmin: session.user?.isOrgAdmin === true,
      ttl: sessionTtlS,
      locale: 'en_US',
      perms: ['*'],
      roleKeys: [],
    }
  },

  'session.org.switch': (params, context) => {
    const session = operatorOf(context)
    session.orgId = context.state.orgs.get({ key: requiredText(params, 'key') }).id
    return undefined
  },

  'session.org.list': (_, context) => {
    operatorOf(context)
    return { result: context.state.orgs.all() }
  },

  'session.list': (params, context) => {
    operatorOf(context)
    return page(params, context.state.sessions.all().map(asShown))
  },

  'session.find': (params, context) => {
    operatorOf(context)
    const key = requiredText(params, 'thingKey')
    return { result: context.state.sessions.ofThing(key).map(asShown) }
  },
}

/** A session without its id, which is a secret. */
function asShown(session: Session): JsonObject {
  const { user, app, thing } = session
  return {
    orgId: session.orgId,
    whoAmI: user === undefined ? 'app' : 'user',
    ...(user === undefined ? {} : { userId: user.id, userName: user.username }),
    ...(app === undefined ? {} : { appName: app.name, appId: session.clientId ?? '' }),
    ...(thing === undefined ? {} : { thingKey: thing.key, bound: [...session.bound] }),
    connInfo: { protocol: session.transport, remoteAddr: session.remoteAddress, connection: session.connection },
  }
}

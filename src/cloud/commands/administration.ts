// SPDX-License-Identifier: Apache-2.0
import { type Command, type Commands, operatorOf } from '../requests/command.ts'
import type { RecordTable } from '../store/records.ts'
import { type State, withoutPassword } from '../store/state.ts'
import { newSecret } from '../values/ids.ts'
import type { JsonObject } from '../values/json.ts'
import { has, optionalText, page, requiredText } from '../values/params.ts'

/** Applications, roles, definitions, users and organisations, which an administrator's script creates [TR50 3.10] [TR50 8.2]. */
export const administrationCommands: Commands = {
  ...crud('thing_def', state => state.definitions, ['id', 'key', 'name']),
  ...crud('role', state => state.roles, ['id', 'key', 'name']),
  ...crud('org', state => state.orgs, ['id', 'key', 'name']),
  ...crud('app', state => state.apps, ['id', 'name', 'token']),
  ...crud('user', state => state.users, ['id', 'username', 'emailAddress']),

  // The cloud makes a token for the application unless the caller gives one.
  'app.create': (params, context) => {
    operatorOf(context)
    const record = context.state.apps.create({
      ...params,
      token: optionalText(params, 'token') ?? newSecret().slice(0, 16),
    })
    return { id: record.id, token: record.token }
  },

  'user.create': (params, context) => {
    operatorOf(context)
    const username = optionalText(params, 'username') ?? requiredText(params, 'emailAddress')
    requiredText(params, 'password')
    const { org } = context.state
    const record = context.state.users.create({
      emailAddress: username,
      ...params,
      username,
      defaultOrgId: org.id,
      orgs: [org.id],
    })
    return { id: record.id }
  },

  'user.org.find': (params, context) => {
    operatorOf(context)
    const user = context.state.users.get({ id: requiredText(params, 'userId') })
    const org = context.state.orgs.get({ id: optionalText(params, 'orgId') ?? context.state.org.id })
    return { userId: user.id, orgId: org.id, orgKey: org.key, isOrgAdmin: user.isOrgAdmin === true }
  },
}

/** The commands to find, create, update, delete and list the records of one table. */
function crud(kind: string, tableOf: (state: State) => RecordTable, findBy: readonly string[]): Commands {
  const find = (params: JsonObject, state: State) =>
    tableOf(state).get(Object.fromEntries(findBy.map(name => [name, params[name]])))
  const create: Command = (params, context) => {
    operatorOf(context)
    return { id: tableOf(context.state).create(params).id }
  }
  const update: Command = (params, context) => {
    operatorOf(context)
    // An update names its record by id, else by its unique name.
    const record = has(params, 'id') ? tableOf(context.state).get({ id: params.id }) : find(params, context.state)
    tableOf(context.state).update(record, params)
    return undefined
  }
  return {
    [`${kind}.find`]: (params, context) => {
      operatorOf(context)
      return withoutPassword(find(params, context.state))
    },
    [`${kind}.create`]: create,
    [`${kind}.update`]: update,
    [`${kind}.delete`]: (params, context) => {
      operatorOf(context)
      tableOf(context.state).delete(find(params, context.state))
      return undefined
    },
    [`${kind}.list`]: (params, context) => {
      operatorOf(context)
      return page(params, tableOf(context.state).all().map(withoutPassword))
    },
  }
}

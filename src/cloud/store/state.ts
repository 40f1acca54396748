// SPDX-License-Identifier: Apache-2.0
import { Faults, numberOf } from '../faults/faults.ts'
import { Relays } from '../relay/relays.ts'
import { Connections } from '../traffic/connections.ts'
import { Transcript } from '../traffic/transcript.ts'
import { newSecret } from '../values/ids.ts'
import type { JsonObject } from '../values/json.ts'
import { FileStore } from './file-store.ts'
import { LoginGuard } from './login-guard.ts'
import { Logs, logLevel, logType } from './logs.ts'
import { Mailbox } from './mailbox.ts'
import { type CloudRecord, RecordTable } from './records.ts'
import { SeriesBudget } from './series.ts'
import { Sessions } from './sessions.ts'
import { type Thing, Things } from './things.ts'

export interface StateOptions {
  readonly token: string
  readonly user: string
  readonly password: string
  readonly dataDir: string
  /** Entries kept in each series of a property, attribute, alarm or location. */
  readonly history: number
}

/** Is given the payload as a function, because most of the time there are no subscribers. */
type PublishChange = (topic: string, payload: () => string) => void

/** Entries of all series together. */
const maxEntries = 3_000_000

/** The whole state of the cloud. It is in memory and lost when the cloud stops. */
export class State {
  readonly things: Things
  readonly sessions = new Sessions()
  readonly mailbox = new Mailbox()
  readonly files: FileStore
  readonly logs = new Logs()
  readonly faults = new Faults()
  readonly transcript = new Transcript()
  readonly connections = new Connections()
  readonly relays = new Relays()
  readonly loginGuard = new LoginGuard()
  readonly users = new RecordTable('user', 'username')
  readonly orgs = new RecordTable('organisation', 'key')
  readonly apps = new RecordTable('application', 'name')
  readonly roles = new RecordTable('role', 'key')
  readonly definitions = new RecordTable('thing definition', 'key')
  readonly org: CloudRecord
  #publishChange: PublishChange = () => {}

  constructor(options: StateOptions) {
    this.things = new Things({ history: options.history, budget: new SeriesBudget(maxEntries) })
    this.files = new FileStore(options.dataDir)
    this.org = this.orgs.create({ key: 'local', name: 'Local', apiRateLimit: 0 })
    const definition = this.definitions.create({
      key: 'default',
      name: 'Default',
      version: 1,
      autoDefProps: true,
      autoDefAttrs: true,
      properties: {},
      attributes: {},
      alarms: {},
      methods: {},
      ownerOrgId: this.org.id,
    })
    this.roles.create({ key: 'device', name: 'Device', perms: ['*'] })
    this.apps.create({
      name: 'default',
      desc: 'Every device that has the token may register itself',
      token: options.token,
      autoRegThingDefId: definition.id,
      autoRegTags: [],
      autoRegSecTags: [],
      roles: ['device'],
      isOrgAdmin: false,
    })
    this.users.create({
      username: options.user,
      emailAddress: options.user,
      password: options.password,
      defaultOrgId: this.org.id,
      orgs: [this.org.id],
      isOrgAdmin: true,
    })
  }

  definitionOf(thing: Thing): CloudRecord | undefined {
    return this.definitions.find({ id: thing.defId })
  }

  /** Sets the function that publishes changes under `thing/…` to subscribers [TR50 2.1]. */
  onChange(publish: PublishChange): void {
    this.#publishChange = publish
  }

  /** Publishes the change of `path`, such as `property/NAME`. */
  change(thing: Thing, path: string, payload: () => string): void {
    this.#publishChange(`thing/${thing.key}/${path}`, payload)
  }

  securityEvent(msg: string, thing?: Thing): void {
    this.logs.add({ msg, level: logLevel.warning, type: logType.security }, thing)
  }

  /** Notifies a device of a message in its mailbox [TR50 notify/mailbox_activity]. */
  notify(thingKey: string): void {
    for (const session of this.sessions.ofThing(thingKey)) {
      const circumstances = { thingKey, transport: session.transport }
      if (this.faults.take('dropNotify', circumstances)) continue
      const duplicate = this.faults.take('duplicateNotify', circumstances)
      const qos = this.faults.peek('notifyQos', circumstances)?.qos === 0 ? 0 : 1
      const payload = JSON.stringify({ sessionId: newSecret().slice(0, 24), thingKey })
      const copies = duplicate === undefined ? 1 : Math.min(100, numberOf(duplicate, 'copies', 2))
      for (let sent = 0; sent < copies; sent++) session.push?.('notify/mailbox_activity', payload, qos)
    }
  }
}

/** A record as other users may see it. */
export function withoutPassword(record: CloudRecord): JsonObject {
  const { password: _, ...shown } = record
  return shown
}

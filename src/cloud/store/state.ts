import { Faults } from '../faults/faults.ts'
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
  /** Entries kept per property, attribute, alarm and location. */
  readonly history: number
}

const maxEntriesInAll = 3_000_000

/** Everything the cloud knows. It lives in memory and is gone when the cloud stops, but for the certificates and the operator's password. */
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
  readonly #changes = new Set<(topic: string, payload: string) => void>()
  #listensForChanges: () => boolean = () => false

  constructor(options: StateOptions) {
    this.things = new Things({ history: options.history, budget: new SeriesBudget(maxEntriesInAll) })
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
      desc: 'Every device that knows the token may register itself',
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

  /** Who hears what changes under `thing/...` [TR50 2.1], and whether anybody does at the moment. */
  onChange(listener: (topic: string, payload: string) => void, isHeard: () => boolean): void {
    this.#changes.add(listener)
    this.#listensForChanges = isHeard
  }

  change(thing: Thing, what: string, payload: () => string): void {
    if (!this.#listensForChanges()) return
    for (const listener of this.#changes) listener(`thing/${thing.key}/${what}`, payload())
  }

  securityEvent(msg: string, thing?: Thing): void {
    this.logs.add({ msg, level: logLevel.warning, type: logType.security }, thing)
  }

  /** Tells a device that mail waits for it [TR50 notify/mailbox_activity]. */
  notify(thingKey: string): void {
    for (const session of this.sessions.ofThing(thingKey)) {
      const circumstances = { thingKey, transport: session.transport }
      if (this.faults.take('dropNotify', circumstances)) continue
      const copies = this.faults.take('duplicateNotify', circumstances)
      const qos = this.faults.peek('notifyQos', circumstances)?.qos === 0 ? 0 : 1
      const payload = JSON.stringify({ sessionId: newSecret().slice(0, 24), thingKey })
      const many = copies === undefined ? 1 : typeof copies.copies === 'number' ? Math.min(100, copies.copies) : 2
      for (let sent = 0; sent < many; sent++) session.push?.('notify/mailbox_activity', payload, qos)
    }
  }
}

/** What a new application or user record must not show to anybody else. */
export function withoutPassword(record: CloudRecord): JsonObject {
  const { password: _, ...shown } = record
  return shown
}

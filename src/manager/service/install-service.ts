// SPDX-License-Identifier: Apache-2.0
import { dirname, join } from 'node:path'
import { AgentError } from '../../base/errors.ts'
import { isJsonObject, type JsonObject, parseJson } from '../../base/json.ts'
import { findIdentity } from '../../config/identity.ts'
import { valuesAt } from '../../config/spelling.ts'
import { fileFacts } from '../../platform/files/file-facts.ts'
import { ensureFolder } from '../../platform/files/folders.ts'
import { makeLink } from '../../platform/files/links.ts'
import { readBoundedText } from '../../platform/files/read-file.ts'
import { createFile, replaceFile } from '../../platform/files/write-file.ts'
import { giveTree } from '../../platform/held/give-tree.ts'
import { type RootStep, rootConfigPath, rootConfigText } from '../root/index.ts'
import { type Account, findAccount } from './accounts.ts'
import { type Addition, additionsOf, sumOf, withAdditions } from './additions.ts'
import { givenFolder } from './given-folder.ts'
import { detectInitSystem, type InitSystem } from './init-system.ts'
import { ownersRules } from './owners-rules.ts'
import { planRootPart, type RootPart } from './root-part.ts'
import { type ServiceForm, serviceForms } from './service-file.ts'
import { checkedPlan, type ServicePlan } from './service-plan.ts'
import { whyMute, whyNoRootPart } from './systemd-notify.ts'

export interface InstallRequest {
  /** Folder that holds the files of the device: `/`, or that of an image. */
  readonly root: string
  /** Absent: found by its signs. */
  readonly init?: InitSystem | undefined
  /** The other parts of the plan have defaults. */
  readonly plan: Omit<ServicePlan, 'placesQueue' | 'notifies' | 'asksRoot' | 'requestDir' | 'workDir'>
  /** What root does for a manager that is not root; default: all of it. */
  readonly rootSteps?: readonly RootStep[] | undefined
  /** Whether the service of an earlier installation runs; absent: this is an image, where nothing runs. */
  readonly isRunning?: (form: ServiceForm) => Promise<boolean>
}

export interface Installation {
  readonly init: InitSystem
  readonly servicePath: string
  readonly startCommand: string
  /** Absent when nothing runs. */
  readonly restartCommand?: string
  /** Whether anything was added. */
  readonly isChanged: boolean
  /** The additions, as lines for a person. */
  readonly done: readonly string[]
  /** Notes for a person. */
  readonly notes: readonly string[]
}

const folderMode = 0o750
/** How many of them a note names. */
const maxNames = 5
const maxFileBytes = 1024 * 1024

/**
 * Puts the service on a device or into its image. All checks are made before the first byte is written; existing files stay,
 * except a service file of an earlier installation.
 *
 * @throws AgentError `NOT_SUPPORTED` (no known init system), `USAGE`, `INVALID_ARGUMENT` (no such user), `FILE_NOT_FOUND`
 *   (root or executable), `CONFIG_INVALID` and `POLICY_REFUSED` (the file for root), `PATH_REFUSED` (a folder
 *   that must not be given away), `FILE_ACCESS`, `DISK_FULL`
 */
export async function installService(request: InstallRequest): Promise<Installation> {
  const { root } = request
  if ((await fileFacts(root))?.kind !== 'folder') throw missing(root, 'the root folder', 'Name it with --root.')
  const init = request.init ?? (await detectInitSystem(root))
  const connection = await jsonIfThere(join(root, request.plan.configDir, 'iot-connect.cfg'))
  const manager = await jsonIfThere(join(root, request.plan.configDir, 'iot.cfg'))
  const muteReason = init === 'systemd' ? await whyMute(root, request.plan.user) : undefined
  const rootPart = await planRootPart(root, request.plan, {
    rules: await ownersRules(join(root, request.plan.configDir)),
    manager,
    deviceId: await deviceIdOf(join(root, request.plan.configDir)),
    steps: request.rootSteps,
    unable: init === 'systemd' ? await whyNoRootPart(root) : undefined,
  })
  const found = { placesQueue: !hasQueueFolder(connection), notifies: muteReason === undefined }
  const plan = checkedPlan({ ...request.plan, ...found, ...rootPart.places })
  await checkExecutable(root, plan.executable)
  const account = plan.user === 'root' ? undefined : await findAccount(root, plan.user)
  const form = serviceForms[init]
  const earlier = await earlierAdditions(root, form)
  const runs = earlier !== undefined && (await request.isRunning?.(form)) === true
  const links = await form.bootLinks(root)

  const configPlace = await givenFolder(root, join(root, plan.configDir), account)
  const statePlace = await givenFolder(root, join(root, plan.stateDir), account)

  const writer = new Writer(root, account)
  const notes = [
    ...(await writer.folder(plan.configDir, configPlace)),
    ...(await writer.folder(plan.stateDir, statePlace)),
  ]
  notes.push(...(await writeManagerConfig(writer, plan, configPlace)), ...(await writeRootConfig(writer, rootPart)))
  await writer.parent(form.path)
  for (const link of links) await writer.link(link)
  const additions = merge(earlier ?? [], writer.added)
  const path = join(root, form.path)
  // Links that lead nowhere until now do no harm; a service file that does not list its links would.
  const text = withAdditions(form.text(plan), additions)
  const isSame = earlier !== undefined && (await readBoundedText(path, maxFileBytes)) === text
  if (!isSame) await replaceFile(path, text, { mode: form.mode })
  const done = [
    `${form.path} (${earlier === undefined ? 'new' : isSame ? 'as it was' : 'written anew'})`,
    ...writer.added.map(({ path }) => path),
  ]
  if (muteReason !== undefined) notes.push(`${muteReason}: the unit works without a watchdog`)
  if (links.length === 0 && form.withoutLinks !== undefined) notes.push(form.withoutLinks)
  if (connection === undefined)
    notes.push(`there is no ${plan.configDir}/iot-connect.cfg yet: run "device-cloud config generate" in that folder`)
  return {
    init,
    servicePath: form.path,
    startCommand: form.startCommand,
    ...(runs ? { restartCommand: form.restartCommand } : {}),
    isChanged: !isSame || writer.added.length > 0,
    done,
    notes,
  }
}

/** Writes files under a root folder, and keeps a list of those that did not exist before. */
class Writer {
  readonly added: Addition[] = []
  readonly #root: string
  readonly #owner: Account | undefined

  constructor(root: string, owner: Account | undefined) {
    this.#root = root
    this.#owner = owner
  }

  /**
   * A folder that belongs to the user of the service: with its content, when it belonged to another user, for whom an earlier
   * installation was made.
   *
   * @param place of the folder, as it was checked
   * @returns a note for a person
   */
  async folder(path: string, place: string): Promise<readonly string[]> {
    await this.#makeFolder(path, folderMode)
    if (this.#owner === undefined || (await fileFacts(place))?.ownerId === this.#owner.userId) return []
    const left = await giveTree(place, this.#owner)
    if (left.length === 0) return []
    return [
      `files with several names (hard links) keep their owner, because the others may be anywhere: ${left.slice(0, maxNames).join(', ')}`,
    ]
  }

  /** The folder of a service file or a link, which belongs to root. */
  async parent(path: string): Promise<void> {
    await this.#makeFolder(dirname(path), 0o755)
  }

  async #makeFolder(path: string, mode: number): Promise<void> {
    const missing: string[] = []
    for (let at = path; (await fileFacts(join(this.#root, at))) === undefined; at = dirname(at)) missing.unshift(at)
    for (const one of missing) {
      await ensureFolder(join(this.#root, one), one === path ? mode : 0o755)
      this.added.push({ kind: 'folder', path: one })
    }
  }

  /** A folder that belongs to root, also when the service runs as another user. */
  async rootFolder(path: string): Promise<void> {
    await this.#makeFolder(path, 0o755)
  }

  /**
   * Writes a file of settings; false when it exists already.
   *
   * @param place absent: it is root's own, and not the service's
   */
  async file(path: string, text: string, place?: string): Promise<boolean> {
    const owner = place === undefined ? undefined : this.#owner
    if (!(await createFile(place ?? join(this.#root, path), text, { mode: 0o644, owner }))) return false
    this.added.push({ kind: 'file', path, sum: sumOf(text) })
    return true
  }

  async link(link: Extract<Addition, { kind: 'link' }>): Promise<void> {
    await this.parent(link.path)
    if (await makeLink(join(this.#root, link.path), link.leadsTo)) this.added.push(link)
  }
}

/** Writes `iot.cfg`, which says where the state is, so that every command finds the manager. An existing file stays as it is. */
async function writeManagerConfig(writer: Writer, plan: ServicePlan, configPlace: string): Promise<string[]> {
  const path = `${plan.configDir}/iot.cfg`
  const text = `${JSON.stringify({ runtime_dir: plan.stateDir }, null, 2)}\n`
  const isNew = await writer.file(path, text, join(configPlace, 'iot.cfg'))
  return isNew ? [] : [`${path} was there and stays; its runtime_dir says where the state is`]
}

/** Writes the configuration of root's part. An existing file stays as it is. */
async function writeRootConfig(writer: Writer, { config, notes }: RootPart): Promise<readonly string[]> {
  if (config === undefined) return notes
  await writer.rootFolder(config.workDir)
  await writer.file(rootConfigPath, rootConfigText(config))
  return notes
}

async function checkExecutable(root: string, path: string): Promise<void> {
  const facts = await fileFacts(join(root, path))
  if (facts?.kind !== 'file')
    throw missing(join(root, path), 'the executable', 'Copy it there, or name its place with --executable.')
  if ((facts.mode & 0o111) === 0)
    throw new AgentError(
      'FILE_ACCESS',
      `${join(root, path)} is not executable, and nothing was written. Run: chmod 755 ${path}`,
    )
}

function missing(path: string, what: string, remedy: string): AgentError {
  return new AgentError('FILE_NOT_FOUND', `${what} ${path} is not there, and nothing was written.`, { remedy })
}

/** The additions of an earlier installation; undefined when there was none. A service file of another origin is not touched. */
async function earlierAdditions(root: string, form: ServiceForm): Promise<readonly Addition[] | undefined> {
  const place = join(root, form.path)
  if ((await fileFacts(place, { followLinks: false })) === undefined) return undefined
  const additions = additionsOf(await readBoundedText(place, maxFileBytes))
  if (additions !== undefined) return additions
  throw new AgentError(
    'FILE_ACCESS',
    `${place} was not written by "device-cloud service install", so it stays, and nothing was written.`,
    { remedy: 'Move it away, and install again.' },
  )
}

function merge(earlier: readonly Addition[], added: readonly Addition[]): readonly Addition[] {
  return [...earlier.filter(old => !added.some(({ path }) => path === old.path)), ...added]
}

async function jsonIfThere(path: string): Promise<JsonObject | undefined> {
  if ((await fileFacts(path)) === undefined) return undefined
  try {
    const value = parseJson(await readBoundedText(path, maxFileBytes))
    return isJsonObject(value) ? value : {}
  } catch {
    // The manager and "config check" report the mistake.
    return {}
  }
}

/** Undefined also for a broken file of the identity, which the manager reports. */
async function deviceIdOf(configDir: string): Promise<string | undefined> {
  return (await findIdentity({ configDir, appId: '' }).catch(() => undefined))?.deviceId
}

function hasQueueFolder(connection: JsonObject | undefined): boolean {
  return valuesAt(connection ?? {}, 'queue.directory').some(path => typeof path === 'string' && path !== '')
}

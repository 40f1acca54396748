// SPDX-License-Identifier: Apache-2.0
/** What root has, and what a manager's user may write, on a device whose folders are in a temporary one. Needs root. */
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { packFolder } from '../../src/manager/ota/package/pack.ts'
import { publicKeyText } from '../../src/manager/ota/package/signature.ts'
import { type RootConfig, rootConfigText } from '../../src/manager/root/root-config.ts'
import { type RootRequest, requestFileName, requestText } from '../../src/manager/root/root-request.ts'
import { type RootResult, RootResults } from '../../src/manager/root/root-results.ts'
import { readBootId } from '../../src/platform/system/system-facts.ts'
import { tempDir } from './temp-dir.ts'

/** A user that every Debian and every BusyBox has. */
export const managerUser = { name: 'nobody', id: 65_534 }

export class RootScene {
  readonly folder: string
  readonly configPath: string
  readonly key: KeyObject
  readonly config: RootConfig

  private constructor(folder: string, key: KeyObject, config: RootConfig) {
    this.folder = folder
    this.configPath = join(folder, 'root.cfg')
    this.key = key
    this.config = config
  }

  static make(t: TestContext, more: Partial<RootConfig> = {}): RootScene {
    const folder = tempDir(t)
    chmodSync(folder, 0o755)
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const scene = new RootScene(folder, privateKey, {
      user: managerUser.name,
      stateDir: join(folder, 'state'),
      workDir: join(folder, 'root'),
      steps: ['reboot', 'shutdown', 'install'],
      publicKeys: [publicKeyText(publicKey)],
      names: [],
      extraParams: false,
      ...more,
    })
    scene.writeConfig(rootConfigText(scene.config))
    for (const name of ['state', 'state/download']) {
      mkdirSync(join(folder, name))
      chownSync(join(folder, name), managerUser.id, managerUser.id)
    }
    for (const name of ['reboot', 'poweroff']) {
      mkdirSync(join(folder, 'sbin'), { recursive: true })
      writeFileSync(join(folder, 'sbin', name), `#!/bin/sh\necho ${name} $(id -u) >>${folder}/down\n`, { mode: 0o755 })
    }
    return scene
  }

  /** Where the programs of the machine are. */
  get powerOptions(): { readonly root: string } {
    return { root: this.folder }
  }

  get requestPath(): string {
    return join(this.folder, 'state', requestFileName)
  }

  writeConfig(text: string): void {
    writeFileSync(this.configPath, text, { mode: 0o644 })
  }

  /** Writes as the manager's user does. */
  asManager(path: string, content: string | Buffer): void {
    writeFileSync(join(this.folder, 'state', path), content, { mode: 0o600 })
    chownSync(join(this.folder, 'state', path), managerUser.id, managerUser.id)
  }

  ask(request: RootRequest | string): void {
    this.asManager(requestFileName, typeof request === 'string' ? request : requestText(request))
  }

  async askForPower(id: string, step: 'reboot' | 'shutdown' = 'reboot'): Promise<void> {
    this.ask({ id, step, bootId: (await readBootId()) ?? '' })
  }

  /** A package in the download folder; returns the request for it. */
  async package(
    id: string,
    manifest: object,
    { signed = true, name = `p${id}.tar.gz` } = {},
  ): Promise<Extract<RootRequest, { step: 'install' }>> {
    const content = join(this.folder, `content-${id}`)
    mkdirSync(content)
    writeFileSync(join(content, 'update.json'), JSON.stringify({ name: 'app', release: 1, ...manifest }))
    const path = join(this.folder, `packed-${id}.tar.gz`)
    await packFolder(content, path, signed ? [this.key] : [])
    const bytes = readFileSync(path)
    this.asManager(`download/${name}`, bytes)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { id, step: 'install', package: name, sha256, extraParams: '' }
  }

  result(id: string): Promise<RootResult | undefined> {
    return new RootResults(this.config.workDir).of(id)
  }

  /** Lines of a file that a program of the device wrote. */
  lines(name: string): string[] {
    const path = join(this.folder, name)
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
  }
}

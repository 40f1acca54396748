// SPDX-License-Identifier: Apache-2.0
import { Status } from '../../protocol/status.ts'
import { packagePath } from './fetch-package.ts'
import { PackageRecord, UnverifiedPackage, type UpdateManifest } from './package/index.ts'
import type { UpdateState } from './state/index.ts'
import { admissionParts, type StepParts } from './steps.ts'

/** The manifest of the unpacked package that this process may trust, because it has unpacked the package or verified it. */
export class PackageVerification {
  readonly #parts: StepParts
  readonly #signal: AbortSignal
  #known: UpdateManifest | undefined

  constructor(parts: StepParts, signal: AbortSignal) {
    this.#parts = parts
    this.#signal = signal
  }

  /** The manifest; undefined while nothing was unpacked or verified. */
  get known(): UpdateManifest | undefined {
    return this.#known
  }

  /** This process has unpacked the package. */
  unpacked(manifest: UpdateManifest): void {
    this.#known = manifest
  }

  /**
   * The manifest to act by. A package that another process has unpacked is verified once.
   *
   * @throws UnverifiedPackage
   */
  async manifestOf({ request, manifest, changed }: UpdateState): Promise<UpdateManifest> {
    if (this.#known !== undefined) return this.#known
    if (manifest === undefined)
      throw new UnverifiedPackage('POLICY_REFUSED', Status.NoPermission, 'The journal of the update names no package.')
    const { places, log } = this.#parts
    const { verifyPackage } = await import('./verify-package.ts')
    this.#known = await verifyPackage(manifest, changed, {
      ...admissionParts(this.#parts),
      path: packagePath(request, places),
      folder: places.packageFolder,
      record: new PackageRecord(places.record),
      log,
      signal: this.#signal,
    })
    return this.#known
  }
}

// SPDX-License-Identifier: Apache-2.0
import manifest from '../../package.json' with { type: 'json' }

/** The version of device-cloud, from package.json. */
export const version: string = manifest.version

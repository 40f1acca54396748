// SPDX-License-Identifier: Apache-2.0
import { rootCertificates } from './ca-bundle.ts'

/** The embedded root certificates as PEM text. */
export function embeddedRoots(): string {
  return rootCertificates
    .split('\n')
    .map(base64 => `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END CERTIFICATE-----\n`)
    .join('')
}

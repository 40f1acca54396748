// SPDX-License-Identifier: Apache-2.0
import { version } from '../../base/version.ts'
import type { SystemFacts } from '../../platform/system/system-facts.ts'

/** Version of the relay protocol that this device speaks; portals read it from the attribute [TR50 6]. */
export const relayVersion = '2.0.0'

/** What the Python agent published for a device without a network card. */
const noMacAddress = '00:00:00:00:00:00'

/**
 * The attributes that every device manager publishes at start, in the order of [TR50 4.5], and then those of attributes.cfg.
 * `hdc_version` is always the agent's own; for any other name that is in both, attributes.cfg decides, because the Python
 * agent published it last.
 */
export function platformAttributes(
  facts: SystemFacts,
  configured: readonly { readonly name: string; readonly text: string }[],
): Map<string, string> {
  const attributes = new Map([
    ['os_name', facts.osName],
    ['os_version', facts.osVersion],
    ['architecture', facts.architecture],
    ['hostname', facts.hostname],
    ['kernel', facts.kernel],
    ['hdc_version', version],
    ['mac_address', facts.macAddress?.toUpperCase() ?? noMacAddress],
    ['relay_version', relayVersion],
  ])
  for (const { name, text } of configured) if (name !== 'hdc_version') attributes.set(name, text)
  return attributes
}

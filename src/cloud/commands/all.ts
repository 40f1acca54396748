// SPDX-License-Identifier: Apache-2.0
import type { Commands } from '../requests/command.ts'
import { administrationCommands } from './administration.ts'
import { alarmCommands } from './alarms.ts'
import { attributeCommands } from './attributes.ts'
import { cloudCommands } from './cloud.ts'
import { diagnosticCommands } from './diagnostics.ts'
import { eventCommands } from './events.ts'
import { fileCommands } from './files.ts'
import { locationCommands } from './locations.ts'
import { mailboxCommands } from './mailbox.ts'
import { propertyCommands } from './properties.ts'
import { relayCommands } from './relay.ts'
import { sessionCommands } from './sessions.ts'
import { thingCommands } from './things.ts'

/** Every command of this cloud by its name. */
export const allCommands: Commands = {
  ...alarmCommands,
  ...attributeCommands,
  ...propertyCommands,
  ...locationCommands,
  ...eventCommands,
  ...diagnosticCommands,
  ...fileCommands,
  ...mailboxCommands,
  ...thingCommands,
  ...sessionCommands,
  ...administrationCommands,
  ...relayCommands,
  ...cloudCommands,
}

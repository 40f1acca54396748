// SPDX-License-Identifier: Apache-2.0
/** Makes the documentation site in dist/docs/, which opens from that folder: `npm run docs`. A warning or a dead link fails it. */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BuildError, runAsProgram } from '../build-error.ts'
import { distFolder, root } from '../places.ts'
import { makeSite } from './site.ts'
import { deadSiteLinks } from './site-links.ts'

await runAsProgram(async () => {
  const folder = join(root, distFolder, 'docs')
  await makeSite(folder)
  const dead = deadSiteLinks(folder)
  if (dead.length > 0) throw new BuildError(`the site has dead links:\n${dead.join('\n')}`)
  console.log(`documentation: ${pathToFileURL(join(folder, 'index.html'))}`)
})

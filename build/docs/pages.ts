// SPDX-License-Identifier: Apache-2.0
/** Every Markdown page of the repository, and where it stands in the site's navigation. */
import { readdirSync } from 'node:fs'
import { join, normalize } from 'node:path'

/** The paths of the pages below `root`, relative to it, in order; not those of packages, products and test data. */
export function findPages(root: string, below = ''): string[] {
  return readdirSync(join(root, below), { withFileTypes: true })
    .flatMap(entry => {
      const path = join(below, entry.name)
      if (entry.isDirectory()) return isOurs(entry.name) ? findPages(root, path) : []
      return entry.name.endsWith('.md') ? [path] : []
    })
    .sort()
}

function isOurs(folder: string): boolean {
  return !folder.startsWith('.') && !['node_modules', 'dist', 'coverage', 'fixtures'].includes(folder)
}

/** The section of the library's reference, which is no page of Markdown. */
export const librarySection = 'Library'

/** The sections of the navigation, in order. */
export const sectionOrder = [
  'Tutorials',
  'How-to guides',
  'Reference',
  librarySection,
  'Explanation',
  'More',
  'Project',
]

/** Folder → section; the first that fits. */
const sectionOfFolder = [
  ['share/tutorial/', 'Tutorials'],
  ['share/how-to/', 'How-to guides'],
  ['share/reference/', 'Reference'],
  ['share/explanation/', 'Explanation'],
  ['share/project/', 'Project'],
  ['share/', 'More'],
] as const

/** Where a page stands: by its folder. What is not in share/ is for people who work on the project. */
export function sectionOf(page: string): string {
  return sectionOfFolder.find(([folder]) => page.startsWith(folder))?.[1] ?? 'Project'
}

/** The pages in the order in which share/README.md, whose text this takes, leads to them: the first update after the first device. */
export function readingOrder(readme: string): readonly string[] {
  return [...readme.matchAll(/\]\(([^):#]+\.md)\b/g)].map(([, target = '']) => normalize(join('share', target)))
}

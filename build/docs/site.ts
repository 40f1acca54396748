// SPDX-License-Identifier: Apache-2.0
/** Makes the documentation site with typedoc: the reference of the library, and every Markdown page of the repository. */
import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import {
  Application,
  Comment,
  type CommentDisplayPart,
  CommentTag,
  type Context,
  Converter,
  DocumentReflection,
  IndexEvent,
  type NormalizedPath,
  normalizePath,
  PageEvent,
  type ProjectReflection,
  type Reflection,
  ReflectionKind,
  type TypeDocOptions,
} from 'typedoc'
import { BuildError } from '../build-error.ts'
import { root } from '../places.ts'
import { readMarkdown } from './markdown-page.ts'
import { findPages, librarySection, readingOrder, sectionOf, sectionOrder } from './pages.ts'
import { SiteRouter } from './site-router.ts'

/** Writes the site into `folder`, which it empties first. Throws a {@link BuildError} on any warning of typedoc, which prints it. */
export async function makeSite(folder: string): Promise<void> {
  const app = await Application.bootstrap(options(folder))
  app.renderer.defineRouter('site', SiteRouter)
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, page) => placePage(page))
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, placeLibrary)
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, unlinkFolders)
  // After typedoc has made the sections, which it does at -100.
  app.converter.on(Converter.EVENT_RESOLVE_END, orderPages, -200)
  app.renderer.on(PageEvent.END, nameFirstPage)
  const project = await app.convert()
  if (project === undefined) throw new BuildError('the site cannot be made')
  app.renderer.on(IndexEvent.PREPARE_INDEX, event => event.searchResults.push(firstPage(project)))
  app.validate(project)
  await app.generateOutputs(project)
  if (app.logger.hasErrors() || app.logger.hasWarnings()) throw new BuildError('the site has warnings')
}

function options(folder: string): TypeDocOptions {
  const pages = findPages(root).filter(page => page !== 'README.md')
  return {
    name: 'device-cloud',
    includeVersion: true,
    entryPoints: [join(root, 'src/index.ts')],
    alwaysCreateEntryPointModule: true,
    tsconfig: join(root, 'tsconfig.json'),
    readme: join(root, 'README.md'),
    projectDocuments: pages.map(page => join(root, page)),
    out: folder,
    // `npm run typecheck` says what is wrong with the types, and in less time.
    skipErrorChecking: true,
    router: 'site',
    customCss: join(import.meta.dirname, 'site.css'),
    // A page has its title in its text.
    headings: { readme: false, document: false },
    navigation: { includeGroups: true, includeCategories: false, includeFolders: false },
    groupOrder: [...sectionOrder, 'Classes', 'Interfaces', 'Type Aliases', 'Variables'],
    sort: ['kind', 'alphabetical'],
    searchInComments: true,
    searchInDocuments: true,
    highlightLanguages: [
      'bash',
      'sh',
      'console',
      'javascript',
      'typescript',
      'json',
      'jsonc',
      'python',
      'ini',
      'http',
      'diff',
    ],
    disableSources: true,
    excludePrivate: true,
    excludeInternal: true,
    hideGenerator: true,
    githubPages: false,
    includeHierarchySummary: false,
    // They only take other types and tables apart; the sentences beside them say what comes out.
    intentionallyNotExported: [
      ...['Keys', 'ValueOf', 'SectionOf', 'SettingsOf', 'Effective', 'ConnectionRow', 'logLevels', 'Lane'],
      // For any owner; the library has the one for its client.
      'src/services/actions/registry.ts:ActionHandler',
    ],
    validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
    // The names of properties say what they are where no comment does.
    requiredToBeDocumented: ['Class', 'Interface', 'TypeAlias', 'Variable', 'Function', 'Method', 'Accessor'],
  }
}

/** Gives a page the title that it carries, and the section of its folder. */
function placePage(page: DocumentReflection): void {
  const { files } = page.project
  const path = files.getReflectionPath(page)
  if (path === undefined) throw new BuildError(`${page.name}: a page without a file`)
  page.name = readMarkdown(readFileSync(path, 'utf8')).title ?? relative(root, path)
  page.frontmatter.group = sectionOf(relative(root, path))
  // A link to a folder leads to its README.
  if (basename(path) === 'README.md') files.registerReflectionPath(normalizePath(dirname(path)), page)
}

/** Puts the pages of each section into the order of share/README.md. What that does not name stays behind them, by its title. */
function orderPages({ project }: Context): void {
  const order = readingOrder(readFileSync(join(root, 'share/README.md'), 'utf8'))
  const placeOf = (reflection: Reflection): number => {
    const path = reflection.isDocument() ? project.files.getReflectionPath(reflection) : undefined
    const place = path === undefined ? -1 : order.indexOf(relative(root, path))
    return place === -1 ? order.length : place
  }
  for (const { children } of project.groups ?? []) children.sort((one, other) => placeOf(one) - placeOf(other))
}

function placeLibrary({ project }: Context): void {
  for (const module of project.getReflectionsByKind(ReflectionKind.Module)) {
    module.comment ??= new Comment()
    module.comment.blockTags.push(new CommentTag('@group', [{ kind: 'text', text: librarySection }]))
  }
}

/**
 * A link to a folder that has no page leads to a listing where the repository is shown. In a site that opens from a folder it
 * would lead nowhere: only its text stays.
 */
function unlinkFolders({ project }: Context): void {
  const documents = project.getReflectionsByKind(ReflectionKind.Document)
  const contents = documents.flatMap(page => (page.isDocument() ? [page.content] : []))
  for (const content of [project.readme ?? [], ...contents]) {
    for (const [index, part] of content.entries()) {
      const folder = folderOf(part, project)
      if (folder === undefined) continue
      unlink(content, index)
      // So that typedoc does not look for a file to put into the site.
      project.files.registerReflectionPath(folder, project)
    }
  }
}

/** The folder without a page that `part` links to. */
function folderOf(part: CommentDisplayPart, project: ProjectReflection): NormalizedPath | undefined {
  if (part.kind !== 'relative-link' || part.target === undefined) return undefined
  const path = project.files.resolve(part.target, project)
  if (typeof path !== 'string' || !statSync(path, { throwIfNoEntry: false })?.isDirectory()) return undefined
  return normalizePath(path)
}

/** `[text](` `target` `)` becomes `text`. */
function unlink(content: CommentDisplayPart[], index: number): void {
  const [before, after] = [content[index - 1], content[index + 1]]
  if (before === undefined || after === undefined) return
  before.text = before.text.replace(/\[([^[\]]*)\]\($/, '$1')
  after.text = after.text.replace(/^\)/, '')
  content[index] = { kind: 'text', text: '' }
}

/** README.md as a page like the others: typedoc's search does not look into what stands first. */
function firstPage(project: ProjectReflection): DocumentReflection {
  return new DocumentReflection(project.name, project, project.readme ?? [], {})
}

/** typedoc links to the folder of the first page, which a server would answer with that page. */
function nameFirstPage(page: PageEvent): void {
  page.contents &&= page.contents.replace(/ href="(\.\/|(?:\.\.\/)+)(#[^"]*)?"/g, ' href="$1index.html$2"')
}

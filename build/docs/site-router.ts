// SPDX-License-Identifier: Apache-2.0
/** Where the pages of the site stand, and their anchors: both as in the repository, so that links mean the same in both. */
import { relative } from 'node:path'
import {
  DocumentReflection,
  KindRouter,
  type PageDefinition,
  type ProjectReflection,
  type Reflection,
  type RouterTarget,
  Slugger,
} from 'typedoc'
import { root } from '../places.ts'
import { HeadingAnchors } from './heading-anchors.ts'

export class SiteRouter extends KindRouter {
  readonly #sluggers = new Map<Slugger, Slugger>()

  /** README.md is the first page; a list of all sections beside the navigation says nothing more. */
  override buildPages(project: ProjectReflection): PageDefinition[] {
    const pages = super.buildPages(project)
    this.fullUrls.set(project, 'index.html')
    return pages.filter(({ url }) => url !== 'modules.html')
  }

  override getFullUrl(target: RouterTarget): string {
    const isReadme = target instanceof DocumentReflection && target.content === target.project.readme
    return isReadme ? 'index.html' : super.getFullUrl(target)
  }

  override getSlugger(target: RouterTarget): Slugger {
    const given = super.getSlugger(target)
    const own = this.#sluggers.get(given) ?? new GitHubSlugger({ lowercase: true })
    this.#sluggers.set(given, own)
    return own
  }

  protected override getIdealBaseName(reflection: Reflection): string {
    const path = reflection.isDocument() ? reflection.project.files.getReflectionPath(reflection) : undefined
    return path === undefined ? super.getIdealBaseName(reflection) : relative(root, path).replace(/\.md$/, '')
  }
}

class GitHubSlugger extends Slugger {
  readonly #anchors = new HeadingAnchors()

  override slug(heading: string): string {
    return this.#anchors.add(heading)
  }

  override hasAnchor(anchor: string): boolean {
    return this.#anchors.has(anchor)
  }

  override getSimilarAnchors(): string[] {
    return [...this.#anchors]
  }
}

import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { answer } from './body.ts'

const pages: Readonly<Record<string, { file: string; type: string }>> = {
  '/': { file: 'page.html', type: 'text/html; charset=utf-8' },
  '/console.js': { file: 'page.js', type: 'text/javascript; charset=utf-8' },
  '/console.css': { file: 'page.css', type: 'text/css; charset=utf-8' },
}

/** Nothing from elsewhere, nothing inline, in no frame: what devices publish is shown here, and they are not trusted. */
const safety = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-store',
}

/** The console page for a person, at `/`. */
export async function serveConsole(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  const page = Object.hasOwn(pages, path) ? pages[path] : undefined
  if (page === undefined) return answer(response, 404, 'Nothing here')
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return answer(response, 405, 'GET only', { Allow: 'GET, HEAD' })
  const text = await readFile(join(import.meta.dirname, 'console', page.file), 'utf8')
  answer(response, 200, text, { ...safety, 'Content-Type': page.type })
}

// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { answer } from './body.ts'
import type { Exchange } from './exchange.ts'

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
}

/**
 * The page shows what untrusted devices publish. Therefore it may load nothing from other origins, run nothing inline, be in no
 * frame, and put no text into itself as markup.
 */
const safety = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

/** Serves one file of the console page. */
export async function serveConsole({ response }: Exchange, file: string): Promise<void> {
  const text = await readFile(join(import.meta.dirname, 'console', file), 'utf8')
  answer(response, 200, text, { ...safety, 'Content-Type': types[extname(file)] ?? 'text/plain' })
}

// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util'
import type { Setting } from '../../src/config/setting.ts'

/** Two values of a setting as a file writes them: neither is its default, and both pass its check. */
export function otherValues({ key, type, default: byDefault }: Setting): readonly [unknown, unknown] {
  const [one, other] = candidates(type).filter(value => !isDeepStrictEqual(value, byDefault))
  if (one === undefined) throw new Error(`no value for ${key}`)
  // A switch has no third value: then the default is the other one.
  return [one, other ?? byDefault]
}

function candidates(type: Setting['type']): readonly unknown[] {
  switch (type.kind) {
    case 'text':
      return ['some text', 'another text']
    case 'host':
      return ['one.example.test', 'two.example.test']
    case 'integer':
    case 'number':
      return [...new Set([type.min, type.min + 1, Math.min(type.max, type.min + 2)])]
    case 'boolean':
      return [true, false]
    case 'choice':
      return type.choices
    case 'path':
      return ['/srv/one', '/srv/two']
    case 'texts':
      return [['one'], ['two']]
    case 'paths':
      return [['/srv/one'], ['/srv/two']]
    case 'addresses':
      return [['one:502'], ['two:502']]
    case 'hosts':
      return [['one.example.test'], ['two.example.test']]
    case 'keys':
      return [[publicKey(1)], [publicKey(2)]]
    case 'services':
      return [[{ name: 'One', port: 22 }], [{ name: 'Two', port: 23 }]]
  }
}

function publicKey(byte: number): string {
  return `ed25519:${Buffer.alloc(32, byte).toString('base64')}`
}

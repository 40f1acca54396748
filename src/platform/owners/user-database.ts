// SPDX-License-Identifier: Apache-2.0
import { AgentError } from '../../base/errors.ts'
import { readBoundedText } from '../files/read-file.ts'

const maxBytes = 1024 * 1024
const noLogin = /(?:^|\/)(?:nologin|false|sync|shutdown|halt)$/

/** Where the users of a machine are listed; another folder in tests. */
const systemFolder = '/etc'

/** The name of a user in `passwd`; undefined when there is none. */
export async function userNameOf(userId: number, folder = systemFolder): Promise<string | undefined> {
  const account = (await accounts(folder)).find(one => one.userId === userId)
  return account?.name
}

/** The name of a group in `group`; undefined when there is none. */
export async function groupNameOf(groupId: number, folder = systemFolder): Promise<string | undefined> {
  return (await groups(folder)).find(one => one.groupId === groupId)?.name
}

/**
 * Whether `passwd` and `group` list no members of a group but root and one other user. Accounts without a login do not count.
 * Users that only a directory service knows, and processes that have the group without being a member, cannot be seen.
 */
export async function isGroupOf(groupId: number, userId: number, folder = systemFolder): Promise<boolean> {
  const known = await accounts(folder)
  const own = new Set(known.filter(one => one.userId === 0 || one.userId === userId).map(({ name }) => name))
  const members = (await groups(folder)).filter(one => one.groupId === groupId).flatMap(one => one.members)
  if (members.some(name => !own.has(name))) return false
  return known.every(one => one.groupId !== groupId || own.has(one.name) || noLogin.test(one.shell))
}

async function accounts(folder: string) {
  return (await linesOf(`${folder}/passwd`)).map(line => {
    const [name = '', , userId = '', groupId = '', , , shell = ''] = line.split(':')
    return { name, userId: idOf(userId), groupId: idOf(groupId), shell }
  })
}

async function groups(folder: string) {
  return (await linesOf(`${folder}/group`)).map(line => {
    const [name = '', , groupId = '', members = ''] = line.split(':')
    return { name, groupId: idOf(groupId), members: members.split(',').filter(member => member !== '') }
  })
}

function idOf(text: string): number {
  return /^\d{1,10}$/.test(text) ? Number(text) : -1
}

async function linesOf(path: string): Promise<readonly string[]> {
  try {
    const text = await readBoundedText(path, maxBytes)
    return text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  } catch (error) {
    // A small image may have no such file.
    if (error instanceof AgentError && error.code === 'FILE_NOT_FOUND') return []
    throw error
  }
}

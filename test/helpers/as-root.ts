// SPDX-License-Identifier: Apache-2.0
/** For tests that give files to other users, or act as one. */
export const needsRoot = { skip: process.geteuid?.() === 0 ? false : 'needs root, to act for another user' }

/** A user of the machine that no file of the agent belongs to, by number: none of that name need exist. */
export const stranger = 4711

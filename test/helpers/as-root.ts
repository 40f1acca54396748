/** For tests that give files to other users. */
export const needsRoot = { skip: process.geteuid?.() === 0 ? false : 'needs root, to give files to another user' }

/** A user of the machine that no file of the agent belongs to, by number: none of that name need exist. */
export const stranger = 4711

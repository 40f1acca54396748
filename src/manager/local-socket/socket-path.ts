/** Name of the local socket in the runtime folder. */
export const socketFileName = 'device-cloud.sock'

/** The longest path of a Unix socket on Linux, in bytes: 108 with the closing NUL. */
export const maxSocketPathBytes = 107

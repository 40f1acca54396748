/** Name of the local socket in the runtime folder. */
export const socketFileName = 'device-cloud.sock'

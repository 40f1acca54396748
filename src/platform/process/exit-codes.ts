/** With this exit code the manager asks its supervisor to start it again at once; systems keep it for "try again". */
export const againExitCode = 75

/** With this exit code a manager that is not root has left a request for root: it is started again when that is done. */
export const rootStepExitCode = 76

// SPDX-License-Identifier: Apache-2.0
/** The exit code by which the manager asks its supervisor to start it again at once (EX_TEMPFAIL of sysexits.h). */
export const againExitCode = 75

/** The exit code of a manager without root that has left a request for root: it is started again when that is done. */
export const rootStepExitCode = 76

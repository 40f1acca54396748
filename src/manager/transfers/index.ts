// SPDX-License-Identifier: Apache-2.0
/** Transfers of files that the cloud asks for: `file_upload` and `file_download`, and how far they reach on this device. */
export { removeStaleArchives } from './folder-archive.ts'
export { Transfers } from './transfers.ts'

// SPDX-License-Identifier: Apache-2.0
import { optionsCheck } from '../../config/known-options.ts'
import { checkedFlag, checkedTexts, checkWait } from '../../protocol/call-fields.ts'
import { invalid } from '../../protocol/sample-fields.ts'
import type { DownloadOptions, FileMarks, UploadOptions } from './types.ts'

const downloadNames = { global: true, timeoutMs: true, signal: true, onProgress: true } as const
const checkDownloadNames = optionsCheck<DownloadOptions>('files.download', downloadNames)
const checkUploadNames = optionsCheck<UploadOptions>('files.upload', {
  ...downloadNames,
  name: true,
  public: true,
  tags: true,
  secTags: true,
  logComplete: true,
})

/** Throws `INVALID_ARGUMENT` naming the option that is unknown or has a wrong value. */
export function checkDownload(options: DownloadOptions): void {
  checkDownloadNames(options)
  checkTransfer(options)
}

/** As {@link checkDownload}. */
export function checkUpload(options: UploadOptions): void {
  checkUploadNames(options)
  checkTransfer(options)
  marksOf(options)
}

/** What a file is stored with, checked; what is absent stays so. */
export function marksOf({ public: isPublic, tags, secTags, logComplete }: FileMarks) {
  return {
    public: isPublic === undefined ? undefined : checkedFlag('public', isPublic),
    tags: tags === undefined ? undefined : checkedTexts('tags', tags),
    secTags: secTags === undefined ? undefined : checkedTexts('secTags', secTags),
    logComplete: logComplete === undefined ? undefined : checkedFlag('logComplete', logComplete),
  }
}

function checkTransfer({ global, onProgress, ...wait }: DownloadOptions): void {
  checkWait(wait)
  if (global !== undefined) checkedFlag('global', global)
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw invalid('onProgress', onProgress, 'must be a function')
}

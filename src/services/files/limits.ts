// SPDX-License-Identifier: Apache-2.0
/** The limits of file transfers, each with its unit. */
export const fileLimits = {
  /** Transfers that run at the same time; more wait for their turn. */
  concurrent: 4,
  /** Transfers that may wait for their turn. */
  waiting: 1000,
  /** Failed tries in a row that a transfer survives; a try that moved {@link progressBytes} further starts the count again. */
  triesInARow: 8,
  /** How long each try waits for the link: as long as the longest pause of the link between its own tries. */
  linkWaitMs: 300_000,
  /** How many bytes further than ever before a download must get for its try to count as progress. */
  progressBytes: 256 * 1024,
  /** How often a download may start again from its first byte, over all tries. */
  startOvers: 4,
  /** How often an upload may find that its file changed, or that the cloud got something else. */
  mismatches: 3,
  /** The longest wait that the file service may ask for (`Retry-After`). */
  retryAfterMs: 300_000,
  /** Time to reach the file service, TLS included. */
  connectTimeoutMs: 30_000,
  /** Time in which at least one byte of a download must move. */
  downloadIdleMs: 60_000,
  /** The same for an upload; longer, because a store may confirm late, and another try sends all bytes again. */
  uploadIdleMs: 120_000,
  /** One read of an upload: each costs a turn of the thread pool. */
  readBytes: 256 * 1024,
  /** Buffers of that size per upload. */
  readBuffers: 3,
  /**
   * One block of an upload: enough for a socket of any Node version to report backpressure, and no more. With more in flight, the
   * answer of a service that refuses early is lost: the reset for the unread bytes discards it.
   */
  sendBytes: 64 * 1024,
  /** One write of a download; two such buffers exist per download. */
  writeBytes: 256 * 1024,
  /** A download is forced to the disk each time so much more of it has been written. */
  syncEveryBytes: 16 * 1024 * 1024,
  /** Space that a download leaves free: this much, or a hundredth of a small file system. */
  reserveBytes: 16 * 1024 * 1024,
  /** The free space is looked at each time so much more of a download has come, or half of what is free. */
  spaceEveryBytes: 16 * 1024 * 1024,
  /** What a download may bring when neither the cloud nor the file service gives its size, and no setting says less or more. */
  unknownSizeBytes: 1024 * 1024 * 1024,
  /** Inodes that a download leaves free, or a hundredth of a small file system. */
  reserveFiles: 16,
  /** Files in one folder upload, sub-folders included. */
  folderFiles: 10_000,
  /** Everything that a folder upload looks at. */
  folderEntries: 50_000,
  /** Sub-folders below each other in one folder upload. */
  folderDepth: 32,
  /** Characters in the name of a file in the cloud. */
  nameLength: 1024,
  /** Characters in a file id of the cloud. */
  fileIdLength: 512,
  /** Entries of a folder that are searched for left-over temporary files. */
  staleSearch: 10_000,
  /** Age from which a temporary file of a process that is gone may be removed. */
  staleMs: 600_000,
  /** Age from which it may be removed although a process of that number runs. */
  staleInUseMs: 86_400_000,
  /** Progress is reported at most this often, and at the end. */
  progressEveryMs: 100,
} as const

/** Waits between tries. */
export const retryBackoff = { firstMs: 1000, maxMs: 60_000 } as const

// SPDX-License-Identifier: Apache-2.0
/** `device-cloud` on a file system that has neither hard links nor sockets. */
import '../../helpers/on-fat.ts'
import '../../../src/main.ts'

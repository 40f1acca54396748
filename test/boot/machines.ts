// SPDX-License-Identifier: Apache-2.0
/** The emulated machines, one for each target. */
import { join } from 'node:path'
import { cacheFolder, root } from '../../build/places.ts'
import type { TargetName } from '../../build/target.ts'
import type { DebianKernel } from './debian-packages.ts'

/** Where unpacked packages of Debian are kept. */
export const bootCache = join(root, cacheFolder, 'boot')

export interface MachineKind {
  readonly kernel: DebianKernel
  readonly emulator: { readonly program: string; readonly debianPackage: string; readonly args: readonly string[] }
  /** Suffix of virtio's device models. */
  readonly virtio: 'pci' | 'device'
  /** The serial port that the kernel knows as its console. */
  readonly console: string
  /** Where the C library's loader is expected, and where this machine has the libraries. */
  readonly loader: string
  readonly libraries: readonly string[]
  /** Folders of this machine that may have them. */
  readonly libraryFolders: readonly string[]
}

const libraries = ['libc.so.6', 'libm.so.6', 'libdl.so.2', 'libpthread.so.0', 'libgcc_s.so.1', 'libstdc++.so.6']

export const machineKinds: Readonly<Record<TargetName, MachineKind>> = {
  x64: {
    kernel: { architecture: 'amd64', metaPackage: 'linux-image-cloud-amd64' },
    emulator: { program: 'qemu-system-x86_64', debianPackage: 'qemu-system-x86', args: ['-M', 'pc', '-cpu', 'max'] },
    virtio: 'pci',
    console: 'ttyS0',
    loader: '/lib64/ld-linux-x86-64.so.2',
    libraries,
    libraryFolders: ['/usr/x86_64-linux-gnu/lib', '/lib/x86_64-linux-gnu', '/usr/lib/x86_64-linux-gnu'],
  },
  arm64: {
    kernel: { architecture: 'arm64', metaPackage: 'linux-image-cloud-arm64' },
    emulator: {
      program: 'qemu-system-aarch64',
      debianPackage: 'qemu-system-arm',
      args: ['-M', 'virt', '-cpu', 'cortex-a53'],
    },
    virtio: 'device',
    console: 'ttyAMA0',
    loader: '/lib/ld-linux-aarch64.so.1',
    libraries,
    libraryFolders: ['/usr/aarch64-linux-gnu/lib', '/lib/aarch64-linux-gnu'],
  },
  armv7: {
    kernel: { architecture: 'armhf', metaPackage: 'linux-image-armmp-lpae' },
    emulator: {
      program: 'qemu-system-arm',
      debianPackage: 'qemu-system-arm',
      args: ['-M', 'virt,highmem=off', '-cpu', 'cortex-a7'],
    },
    virtio: 'device',
    console: 'ttyAMA0',
    loader: '/lib/ld-linux-armhf.so.3',
    libraries: [...libraries, 'libatomic.so.1'],
    libraryFolders: ['/usr/arm-linux-gnueabihf/lib', '/lib/arm-linux-gnueabihf'],
  },
}

/** Modules in the order in which they are loaded; one that the kernel has built in has no file. */
export const kernelModules = [
  'crc16',
  'crc32c_generic',
  'libcrc32c',
  'mbcache',
  'jbd2',
  'ext4',
  'squashfs',
  'rng-core',
  'virtio_ring',
  'virtio',
  'virtio_pci_legacy_dev',
  'virtio_pci_modern_dev',
  'virtio_pci',
  'virtio_mmio',
  'virtio_blk',
  'virtio-rng',
  'failover',
  'net_failover',
  'virtio_net',
] as const

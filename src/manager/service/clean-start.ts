// SPDX-License-Identifier: Apache-2.0
/**
 * Variables that could make the manager run foreign code, or trust foreign certificates, without a trace in its configuration. An
 * owner who needs one of them sets it in the settings file of the service.
 */
const names = [
  'OPENSSL_CONF',
  'OPENSSL_ENGINES',
  'OPENSSL_MODULES',
  'SSL_CERT_DIR',
  'SSL_CERT_FILE',
  'SSLKEYLOGFILE',
  'GCONV_PATH',
  'GLIBC_TUNABLES',
]
/** systemd takes no patterns. */
const namesOfFamilies = [
  'NODE_CHANNEL_FD',
  'NODE_COMPILE_CACHE',
  'NODE_DEBUG',
  'NODE_DEBUG_NATIVE',
  'NODE_EXTRA_CA_CERTS',
  'NODE_ICU_DATA',
  'NODE_NO_WARNINGS',
  'NODE_OPTIONS',
  'NODE_PATH',
  'NODE_PENDING_DEPRECATION',
  'NODE_PRESERVE_SYMLINKS',
  'NODE_REDIRECT_WARNINGS',
  'NODE_REPL_EXTERNAL_MODULE',
  'NODE_REPL_HISTORY',
  'NODE_TLS_REJECT_UNAUTHORIZED',
  'NODE_USE_ENV_PROXY',
  'NODE_USE_SYSTEM_CA',
  'NODE_V8_COVERAGE',
  'LD_AUDIT',
  'LD_BIND_NOT',
  'LD_DEBUG',
  'LD_DEBUG_OUTPUT',
  'LD_LIBRARY_PATH',
  'LD_ORIGIN_PATH',
  'LD_PRELOAD',
  'LD_PROFILE',
  'LD_PROFILE_OUTPUT',
  'LD_SHOW_AUXV',
]

/** Files that the manager makes are for its user and group. The scripts of an update and the consoles have 022 all the same. */
export const serviceUmask = '027'

/** Lines for a shell script that clear the environment. They stand before the owner's own settings are read. */
export const cleanShell = `# No caller's environment reaches the manager.
unset ${names.join(' ')}
for variable in $(env | sed -n 's/^\\(\\(NODE\\|LD\\)_[A-Za-z0-9_]*\\)=.*/\\1/p'); do unset "$variable"; done`

/** The same for a unit of systemd. */
export const cleanUnit = [names, ...families()].map(some => `UnsetEnvironment=${some.join(' ')}`).join('\n')

function families(): readonly string[][] {
  return ['NODE_', 'LD_'].map(prefix => namesOfFamilies.filter(name => name.startsWith(prefix)))
}

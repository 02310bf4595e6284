import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const kubernetesVersion = '1.34.4'
const programs = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
]
const recipe = import.meta.dirname
const run = promisify(execFile)

/** A folder with etcd, kube-apiserver, kube-controller-manager and kubectl, or the reason why there is none. */
export type ControlPlaneBinaries = { readonly folder: string } | { readonly missing: string }

/**
 * Finds the control plane's programs: in KUBEBUILDER_ASSETS, else in the cache under the home folder, else by
 * building them with Go, which takes minutes the first time and a second later.
 */
export async function controlPlaneBinaries(): Promise<ControlPlaneBinaries> {
  const assets = process.env.KUBEBUILDER_ASSETS
  if (assets !== undefined && assets !== '') {
    if (existsSync(join(assets, 'kube-apiserver'))) return { folder: assets }
    return { missing: `KUBEBUILDER_ASSETS is ${assets}, which has no kube-apiserver` }
  }
  const goVersion = findGo()
  if (goVersion === null) return { missing: 'Go is not installed and KUBEBUILDER_ASSETS is not set' }
  const folder = join(homedir(), '.cache', 'streamhouse', 'kube', fingerprint(goVersion))
  if (!existsSync(join(folder, 'kube'))) await build(folder)
  return { folder }
}

function findGo(): string | null {
  try {
    return execFileSync('go', ['env', 'GOVERSION', 'GOOS', 'GOARCH'], { cwd: recipe, encoding: 'utf8' })
  } catch {
    return null
  }
}

function fingerprint(goVersion: string): string {
  const hash = createHash('sha256').update(goVersion).update(kubernetesVersion)
  for (const file of ['go.mod', 'go.sum', 'main.go']) hash.update(readFileSync(join(recipe, file)))
  return hash.digest('hex').slice(0, 16)
}

async function build(folder: string): Promise<void> {
  const staging = `${folder}.${process.pid}`
  mkdirSync(staging, { recursive: true })
  console.log(`Building Kubernetes ${kubernetesVersion} once, into ${folder}: this takes minutes`)
  try {
    await run(
      'go',
      ['build', '-p', '2', '-trimpath', '-ldflags', linkerFlags(), '-o', join(staging, 'kube'), '.'],
      {
        cwd: recipe,
        env: { ...process.env, CGO_ENABLED: '0' },
        maxBuffer: 64 << 20,
      },
    )
    for (const program of programs) symlinkSync('kube', join(staging, program))
    renameSync(staging, folder)
  } catch (error) {
    // Another test run may have finished the same build first.
    if (!existsSync(join(folder, 'kube'))) throw error
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}

function linkerFlags(): string {
  const [major, minor] = kubernetesVersion.split('.')
  const values = {
    gitVersion: `v${kubernetesVersion}`,
    gitMajor: major,
    gitMinor: minor,
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
  }
  const flags = ['-s', '-w']
  for (const owner of ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']) {
    for (const [name, value] of Object.entries(values)) flags.push(`-X ${owner}.${name}=${value}`)
  }
  return flags.join(' ')
}

if (import.meta.main) console.log(await controlPlaneBinaries())

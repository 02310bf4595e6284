import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { kubeconfig, writePki } from './pki.ts'

/** A Kubernetes API server of its own, with etcd and the controllers that delete namespaces and collect garbage. */
export interface ControlPlane {
  /** File that kubectl and the operator read. */
  readonly kubeconfigPath: string
  /** Runs kubectl and returns what it printed; rejects with its error output. */
  kubectl(args: readonly string[], input?: string): Promise<string>
  /** Stops etcd and the API server where they stand, without telling clients. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

interface Program {
  readonly process: ChildProcess
  readonly exited: Promise<unknown>
}

/** Starts the programs of `binaries` on free ports of 127.0.0.1, with fresh state; ready in about five seconds. */
export async function startControlPlane(binaries: string): Promise<ControlPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'kube-'))
  const pki = join(folder, 'pki')
  writePki(pki)
  const [etcdPort, apiPort, controllersPort] = await freePorts(3)
  const etcdUrl = `http://127.0.0.1:${etcdPort}`
  const server = `https://127.0.0.1:${apiPort}`
  const kubeconfigPath = join(folder, 'admin.kubeconfig')
  const controllersKubeconfig = join(folder, 'controllers.kubeconfig')
  writeFileSync(kubeconfigPath, kubeconfig(pki, 'admin', server))
  writeFileSync(controllersKubeconfig, kubeconfig(pki, 'controllers', server))
  const start = (name: string, flags: readonly string[]): Program =>
    startProgram(binaries, folder, name, flags)
  const programs: Program[] = []
  const stop = async (): Promise<void> => {
    for (const program of programs.toReversed()) {
      program.process.kill('SIGKILL')
      await program.exited
    }
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    const etcd = start('etcd', etcdFlags(folder, etcdUrl))
    programs.push(etcd)
    const api = start('kube-apiserver', apiServerFlags(pki, etcdUrl, apiPort))
    programs.push(api)
    await untilAnswering(pki, server, '/readyz', api)
    const controllers = start(
      'kube-controller-manager',
      controllerFlags(pki, controllersKubeconfig, controllersPort),
    )
    programs.push(controllers)
    await untilAnswering(pki, server, '/api/v1/namespaces/default/serviceaccounts/default', controllers)
    const signal = (name: NodeJS.Signals) => [api, etcd].map((program) => program.process.kill(name))
    return {
      kubeconfigPath,
      kubectl: (args, input) => kubectl(join(binaries, 'kubectl'), kubeconfigPath, args, input),
      freeze: () => signal('SIGSTOP'),
      thaw: () => signal('SIGCONT'),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function startProgram(binaries: string, folder: string, name: string, flags: readonly string[]): Program {
  const child = spawn(join(binaries, name), flags, { stdio: ['ignore', 'pipe', 'pipe'] })
  const log = createWriteStream(join(folder, `${name}.log`))
  child.stdout.pipe(log, { end: false })
  child.stderr.pipe(log, { end: false })
  return { process: child, exited: once(child, 'exit').then(() => log.end()) }
}

function etcdFlags(folder: string, url: string): string[] {
  return [
    ...[`--data-dir=${join(folder, 'etcd')}`, '--unsafe-no-fsync', '--log-level=warn'],
    ...[
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      '--listen-peer-urls=http://127.0.0.1:0',
    ],
  ]
}

function apiServerFlags(pki: string, etcdUrl: string, port: number): string[] {
  return [
    ...[`--etcd-servers=${etcdUrl}`, '--bind-address=127.0.0.1', `--secure-port=${port}`],
    ...[
      '--advertise-address=127.0.0.1',
      '--endpoint-reconciler-type=none',
      '--service-cluster-ip-range=10.96.0.0/16',
    ],
    ...[`--tls-cert-file=${pki}/apiserver.crt`, `--tls-private-key-file=${pki}/apiserver.key`],
    ...[`--client-ca-file=${pki}/ca.crt`, '--authorization-mode=Node,RBAC', '--allow-privileged=true'],
    '--service-account-issuer=https://kubernetes.default.svc',
    ...[`--service-account-signing-key-file=${pki}/sa.key`, `--service-account-key-file=${pki}/sa.pub`],
    ...[
      `--requestheader-client-ca-file=${pki}/proxy-ca.crt`,
      '--requestheader-allowed-names=front-proxy-client',
    ],
    ...['--requestheader-username-headers=X-Remote-User', '--requestheader-group-headers=X-Remote-Group'],
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    ...[
      `--proxy-client-cert-file=${pki}/proxy-client.crt`,
      `--proxy-client-key-file=${pki}/proxy-client.key`,
    ],
    ...['--shutdown-delay-duration=0s', '--profiling=false'],
  ]
}

function controllerFlags(pki: string, config: string, port: number): string[] {
  return [
    ...[
      `--kubeconfig=${config}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      '--leader-elect=false',
    ],
    ...[
      '--kube-api-qps=1000',
      '--kube-api-burst=2000',
      '--use-service-account-credentials=true',
      '--profiling=false',
    ],
    ...[`--service-account-private-key-file=${pki}/sa.key`, `--root-ca-file=${pki}/ca.crt`],
    `--controllers=namespace-controller,garbage-collector-controller,serviceaccount-controller,serviceaccount-token-controller,root-ca-certificate-publisher-controller`,
  ]
}

async function untilAnswering(pki: string, server: string, path: string, program: Program): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (program.process.exitCode !== null)
      throw new Error(`${program.process.spawnfile} ended with ${program.process.exitCode}`)
    if ((await statusOf(pki, server + path)) === 200) return
    await sleep(100)
  }
  throw new Error(`${server}${path} did not answer within a minute`)
}

function statusOf(pki: string, url: string): Promise<number> {
  const tls = {
    ca: readFileSync(`${pki}/ca.crt`),
    cert: readFileSync(`${pki}/admin.crt`),
    key: readFileSync(`${pki}/admin.key`),
  }
  return new Promise((resolve) => {
    const call = request(url, { ...tls, agent: false, timeout: 2_000 }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    call.on('timeout', () => call.destroy())
    call.on('error', () => resolve(0))
    call.end()
  })
}

function kubectl(binary: string, config: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, KUBECONFIG: config }, maxBuffer: 64 << 20 }
    const child = execFile(binary, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout + stderr)
      else reject(new Error(stderr.trim() === '' ? error.message : stderr.trim()))
    })
    child.stdin?.end(input)
  })
}

/** Ports that were free a moment ago; all are held at once so that they differ. */
async function freePorts(count: number): Promise<[number, number, number]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports as [number, number, number]
}

import { execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Leaf {
  readonly name: string
  readonly authority: string
  readonly subject: string
  readonly usage: 'serverAuth' | 'clientAuth'
  readonly alternativeNames?: string
}

const leaves: readonly Leaf[] = [
  {
    name: 'apiserver',
    authority: 'ca',
    subject: '/CN=kube-apiserver',
    usage: 'serverAuth',
    alternativeNames:
      'DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:localhost,IP:127.0.0.1,IP:10.96.0.1',
  },
  { name: 'proxy-client', authority: 'proxy-ca', subject: '/CN=front-proxy-client', usage: 'clientAuth' },
  { name: 'admin', authority: 'ca', subject: '/O=system:masters/CN=admin', usage: 'clientAuth' },
  {
    name: 'controllers',
    authority: 'ca',
    subject: '/CN=system:kube-controller-manager',
    usage: 'clientAuth',
  },
]

/** Writes the keys and certificates of a control plane that listens on 127.0.0.1 into `folder`. */
export function writePki(folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const name of ['ca', 'proxy-ca']) writeAuthority(folder, name)
  for (const leaf of leaves) writeLeaf(folder, leaf)
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  writeFileSync(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }))
  writeFileSync(join(folder, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }))
}

/** A kubeconfig for one of the client certificates in `folder`. */
export function kubeconfig(folder: string, user: 'admin' | 'controllers', server: string): string {
  return `apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "${server}", certificate-authority: ${join(folder, 'ca.crt')}}}]
users: [{name: test, user: {client-certificate: ${join(folder, `${user}.crt`)}, client-key: ${join(folder, `${user}.key`)}}}]
contexts: [{name: test, context: {cluster: test, user: test}}]
current-context: test
`
}

function writeKey(folder: string, name: string): void {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  writeFileSync(join(folder, `${name}.key`), privateKey.export({ type: 'sec1', format: 'pem' }))
}

function writeAuthority(folder: string, name: string): void {
  writeKey(folder, name)
  const extensions = [
    'basicConstraints=critical,CA:TRUE',
    'keyUsage=critical,keyCertSign,cRLSign,digitalSignature',
  ]
  openssl(folder, [
    ...[
      'req',
      '-x509',
      '-new',
      '-key',
      `${name}.key`,
      '-days',
      '30',
      '-subj',
      `/CN=${name}`,
      '-out',
      `${name}.crt`,
    ],
    ...extensions.flatMap((extension) => ['-addext', extension]),
  ])
}

function writeLeaf(folder: string, { name, authority, subject, usage, alternativeNames }: Leaf): void {
  writeKey(folder, name)
  openssl(folder, ['req', '-new', '-key', `${name}.key`, '-subj', subject, '-out', `${name}.csr`])
  const names = alternativeNames === undefined ? '' : `\nsubjectAltName=${alternativeNames}`
  writeFileSync(join(folder, `${name}.ext`), `extendedKeyUsage=${usage}${names}\n`)
  openssl(folder, [
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', `${authority}.crt`, '-CAkey', `${authority}.key`],
    ...['-CAcreateserial', '-days', '30', '-extfile', `${name}.ext`, '-out', `${name}.crt`],
  ])
}

function openssl(folder: string, args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
}

import https from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'
import type { Clock } from '@streamhouse/platform/clock'
import { describeError, OperatorError } from '../../errors.ts'
import type { Authorize } from './https-api.ts'

/** Where the API server is and how to prove who we are. */
export interface ClusterAccess {
  readonly server: string
  readonly authorize: Authorize
  /** Namespace that the context, or the pod, is in. */
  readonly namespace: string
}

/** Certificates and tokens are read again after this time, since they rotate. */
const credentialsMaxAgeMs = 10_000
const maxIdleSockets = 32

/** Reads a kubeconfig file; without one, what kubectl or a pod would use. */
export function loadClusterAccess(path: string | undefined, clock: Clock): ClusterAccess {
  const config = new KubeConfig()
  try {
    if (path === undefined) config.loadFromDefault()
    else config.loadFromFile(path)
  } catch (error) {
    throw new OperatorError('InvalidConfig', `Cannot read the kubeconfig: ${describeError(error)}`, {
      cause: error,
    })
  }
  const server = config.getCurrentCluster()?.server
  if (server === undefined) {
    throw new OperatorError(
      'InvalidConfig',
      `The kubeconfig ${path ?? ''} has no current context with a cluster`,
    )
  }
  return {
    server,
    authorize: authorizeBy(config, clock),
    namespace: config.getContextObject(config.currentContext)?.namespace ?? 'default',
  }
}

function authorizeBy(config: KubeConfig, clock: Clock): Authorize {
  // The library's own agent makes a connection, with a TLS handshake, for each request.
  const agent = new https.Agent({ keepAlive: true, maxFreeSockets: maxIdleSockets })
  let credentials: Promise<https.RequestOptions> | null = null
  let readMs = 0
  return async (options) => {
    if (credentials === null || clock.monotonicMs() - readMs > credentialsMaxAgeMs) {
      readMs = clock.monotonicMs()
      credentials = readCredentials(config, agent)
      credentials.catch(() => {
        credentials = null
      })
    }
    const { headers, ...others } = await credentials
    Object.assign(options, others, { headers: { ...options.headers, ...headers } })
  }
}

async function readCredentials(config: KubeConfig, agent: https.Agent): Promise<https.RequestOptions> {
  const options: https.RequestOptions = {}
  await config.applyToHTTPSOptions(options)
  // An agent of another class goes through a proxy.
  if (options.agent instanceof https.Agent && options.agent.constructor === https.Agent) options.agent = agent
  return options
}

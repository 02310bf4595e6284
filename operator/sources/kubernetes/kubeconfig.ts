import { KubeConfig } from '@kubernetes/client-node'
import { describeError, OperatorError } from '../../errors.ts'
import type { Authorize } from './https-api.ts'

/** Where the API server is and how to prove who we are. */
export interface ClusterAccess {
  readonly server: string
  readonly authorize: Authorize
  /** Namespace that the context, or the pod, is in. */
  readonly namespace: string
}

/** Reads a kubeconfig file; without one, what kubectl or a pod would use. */
export function loadClusterAccess(path: string | undefined): ClusterAccess {
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
    authorize: (options) => config.applyToHTTPSOptions(options),
    namespace: config.getContextObject(config.currentContext)?.namespace ?? 'default',
  }
}

import { hostname } from 'node:os'
import {
  describeSettings,
  oneOf,
  optionalText,
  readSettings,
  type Settings,
  text,
  wholeNumber,
  yesNo,
} from '@streamhouse/platform/std/config-table'

const table = {
  source: oneOf(['kubernetes', 'folder'], {
    variable: 'STREAMHOUSE_SOURCE',
    fallback: 'kubernetes',
    doc: 'Where the resources come from',
  }),
  manifests: text({
    variable: 'STREAMHOUSE_MANIFESTS',
    fallback: 'manifests',
    placeholder: 'FOLDER',
    doc: 'Folder of YAML manifests, for the source folder',
  }),
  dataDir: text({
    variable: 'STREAMHOUSE_DATA_DIR',
    fallback: '.streamhouse',
    placeholder: 'FOLDER',
    doc: 'Where the source folder remembers identities and statuses',
  }),
  kubeconfig: optionalText({
    variable: 'STREAMHOUSE_KUBECONFIG',
    placeholder: 'FILE',
    doc: 'Kubeconfig; what kubectl or the pod would use when absent',
  }),
  namespaces: text({
    variable: 'STREAMHOUSE_NAMESPACES',
    fallback: '',
    placeholder: 'A,B',
    doc: 'Namespaces to look at, separated by commas; empty for all',
  }),
  clusterId: optionalText({
    variable: 'STREAMHOUSE_CLUSTER_ID',
    placeholder: 'ID',
    doc: 'Tells this cluster from others on the same database; the uid of kube-system when absent',
  }),
  postgres: text({
    variable: 'STREAMHOUSE_POSTGRES',
    placeholder: 'URL',
    doc: 'Postgres with the metadata, postgres://user:password@host:port/database',
  }),
  postgresConnections: wholeNumber({
    variable: 'STREAMHOUSE_POSTGRES_CONNECTIONS',
    ...{ fallback: 16, min: 2, max: 500, placeholder: 'COUNT' },
    doc: 'Connections to Postgres at most',
  }),
  leaderElect: yesNo({
    variable: 'STREAMHOUSE_LEADER_ELECT',
    fallback: true,
    doc: 'Takes part in the election of a leader, for the source kubernetes',
  }),
  leaseNamespace: optionalText({
    variable: 'STREAMHOUSE_LEASE_NAMESPACE',
    placeholder: 'NAMESPACE',
    doc: 'Namespace of the Lease; the one of the pod when absent',
  }),
  leaseName: text({
    variable: 'STREAMHOUSE_LEASE_NAME',
    fallback: 'streamhouse-operator',
    placeholder: 'NAME',
    doc: 'Name of the Lease',
  }),
  identity: text({
    variable: 'STREAMHOUSE_IDENTITY',
    fallback: hostname(),
    placeholder: 'NAME',
    doc: 'Who this process is in the election, followed by something random',
  }),
  concurrency: wholeNumber({
    variable: 'STREAMHOUSE_CONCURRENCY',
    ...{ fallback: 16, min: 1, max: 256, placeholder: 'COUNT' },
    doc: 'Resources of a kind that are worked on at a time',
  }),
  sweepInterval: wholeNumber({
    variable: 'STREAMHOUSE_SWEEP_INTERVAL',
    ...{ fallback: 120, min: 1, max: 86_400, placeholder: 'SECONDS' },
    doc: 'How often everything is compared with the metadata',
  }),
  healthHost: text({
    variable: 'STREAMHOUSE_HEALTH_HOST',
    fallback: '0.0.0.0',
    placeholder: 'ADDRESS',
    doc: 'Address of /livez, /readyz and /metrics',
  }),
  healthPort: wholeNumber({
    variable: 'STREAMHOUSE_HEALTH_PORT',
    ...{ fallback: 9404, min: 0, max: 65_535, placeholder: 'PORT' },
    doc: 'Port of /livez, /readyz and /metrics',
  }),
  logLevel: oneOf(['debug', 'info', 'warn', 'error'], {
    variable: 'STREAMHOUSE_LOG_LEVEL',
    fallback: 'info',
    doc: 'The least important lines that are printed',
  }),
  logFormat: oneOf(['json', 'text'], {
    variable: 'STREAMHOUSE_LOG_FORMAT',
    fallback: 'json',
    doc: 'Lines for collectors, or for people',
  }),
}

export type OperatorConfig = Settings<typeof table>

/** Reads the operator's settings; throws a ConfigError that names all that are wrong. */
export function readConfig(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): OperatorConfig {
  return readSettings(table, argv, environment)
}

/** The text of --help. */
export function describeConfig(): string {
  return describeSettings(table)
}

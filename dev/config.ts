import {
  oneOf,
  optionalText,
  type Settings,
  text,
  wholeNumber,
  yesNo,
} from '@streamhouse/platform/std/config-table'

/** Every setting of `streamhouse dev`. */
export const devSettings = {
  once: yesNo({
    variable: 'STREAMHOUSE_ONCE',
    doc: 'Stop after the demonstration, with exit code 0 if it succeeded',
  }),
  manifests: text({
    variable: 'STREAMHOUSE_MANIFESTS',
    fallback: 'examples/quickstart',
    placeholder: 'FOLDER',
    doc: 'Folder of manifests to apply and to watch',
  }),
  dataDir: text({
    variable: 'STREAMHOUSE_DATA_DIR',
    fallback: '.streamhouse',
    placeholder: 'FOLDER',
    doc: 'Where records and metadata lie, for the next start to find them',
  }),
  tenant: text({
    variable: 'STREAMHOUSE_TENANT',
    fallback: 'quickstart',
    placeholder: 'TENANT',
    doc: 'Tenant that Kafka clients belong to',
  }),
  kafkaPort: wholeNumber({
    variable: 'STREAMHOUSE_KAFKA_PORT',
    fallback: 9092,
    min: 0,
    max: 65_535,
    placeholder: 'PORT',
    doc: 'Port for Kafka clients; 0 takes a free one',
  }),
  healthPort: wholeNumber({
    variable: 'STREAMHOUSE_HEALTH_PORT',
    fallback: 9404,
    min: 0,
    max: 65_535,
    placeholder: 'PORT',
    doc: 'Port of /livez, /readyz and /metrics; 0 takes a free one',
  }),
  postgres: optionalText({
    variable: 'STREAMHOUSE_POSTGRES',
    placeholder: 'URL',
    doc: 'A Postgres of your own in place of the embedded one',
  }),
  postgresPort: wholeNumber({
    variable: 'STREAMHOUSE_POSTGRES_PORT',
    fallback: 0,
    min: 0,
    max: 65_535,
    placeholder: 'PORT',
    doc: 'Port of the embedded Postgres; 0 takes a free one',
  }),
  s3: optionalText({
    variable: 'STREAMHOUSE_S3',
    placeholder: 's3://BUCKET/PREFIX',
    doc: 'A bucket of your own in place of the local folder; credentials come from the AWS variables',
  }),
  s3Endpoint: optionalText({
    variable: 'STREAMHOUSE_S3_ENDPOINT',
    placeholder: 'URL',
    doc: 'Endpoint of an S3-compatible server',
  }),
  s3Region: text({
    variable: 'STREAMHOUSE_S3_REGION',
    fallback: 'us-east-1',
    placeholder: 'REGION',
    doc: 'Region of the bucket',
  }),
  durability: oneOf(['sync', 'os'], {
    variable: 'STREAMHOUSE_DURABILITY',
    fallback: 'sync',
    doc: 'sync: acknowledged records are on disk; os: the operating system may still hold them',
  }),
  logLevel: oneOf(['debug', 'info', 'warn', 'error'], {
    variable: 'STREAMHOUSE_LOG_LEVEL',
    fallback: 'warn',
    doc: 'Least level of log lines',
  }),
} as const

export type DevConfig = Settings<typeof devSettings>

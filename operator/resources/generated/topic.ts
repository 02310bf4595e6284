// Generated from crds/streamhouse.io_topics.yaml by operator/resources/generate.ts: change that file and run npm run generate.
import type { ResourceDefinition } from '../definition.ts'
import type { Condition, Resource } from '../resource.ts'

/** The tenant that the topic belongs to. A tenant in another namespace must allow this namespace. */
export interface TopicSpecTenantRef {
  /** Name of the Tenant. */
  readonly name: string
  /** Namespace of the Tenant; the topic's own namespace when absent. */
  readonly namespace?: string
}

/** How long and how much is kept. A limit that is absent is not managed. */
export interface TopicSpecRetention {
  /** Age after which records may be removed, such as 36h or 7d; -1 keeps them for ever. */
  readonly time?: string
  /** Size of a partition above which its oldest records may be removed, such as 10Gi; -1 sets no limit. */
  readonly bytes?: number | string
}

/** Schema, in the same namespace, that record keys are validated against when produced. */
export interface TopicSpecKeySchemaRef {
  /** Name of the Schema. */
  readonly name: string
}

/** Schema, in the same namespace, that record values are validated against when produced. */
export interface TopicSpecValueSchemaRef {
  /** Name of the Schema. */
  readonly name: string
}

/** Ages at which records move to cheaper storage. */
export interface TopicSpecStorageTiering {
  /** Age up to which records stay in the fastest storage. */
  readonly hot?: string
  /** Age at which records move to infrequent access. */
  readonly cold?: string
  /** Age at which records move to the archive. */
  readonly archive?: string
}

/** Where the topic's records are kept. Immutable. */
export interface TopicSpecStorage {
  /** Storage class of new records. */
  readonly class?: 'Standard' | 'Express'
  /** Ages at which records move to cheaper storage. */
  readonly tiering?: TopicSpecStorageTiering
}

/** What the topic should be. */
export interface TopicSpec {
  /** The tenant that the topic belongs to. A tenant in another namespace must allow this namespace. */
  readonly tenantRef: TopicSpecTenantRef
  /** Name that Kafka clients use; metadata.name when absent. Immutable. */
  readonly topicName?: string
  /**
   * Number of partitions, which may grow but not shrink; the tenant's default when the topic is made without
   * it, and not managed afterwards.
   */
  readonly partitions?: number
  /** How old records are removed. */
  readonly cleanupPolicy?: readonly ('Delete' | 'Compact')[]
  /** How long and how much is kept. A limit that is absent is not managed. */
  readonly retention?: TopicSpecRetention
  /** Any other Kafka topic config. */
  readonly config?: Readonly<Record<string, string>>
  /** Names of configs that are set when the topic is made and left alone afterwards. */
  readonly ignoredConfigKeys?: readonly string[]
  /** What to do when the topic was changed behind the resource's back. */
  readonly driftPolicy: 'Revert' | 'Report'
  /** Whether a topic that exists already, and has no owner, may be taken over. */
  readonly adoptionPolicy: 'IfEqual' | 'Always' | 'Never'
  /** Schema, in the same namespace, that record keys are validated against when produced. */
  readonly keySchemaRef?: TopicSpecKeySchemaRef
  /** Schema, in the same namespace, that record values are validated against when produced. */
  readonly valueSchemaRef?: TopicSpecValueSchemaRef
  /** Where the topic's records are kept. Immutable. */
  readonly storage?: TopicSpecStorage
  /** Whether the topic is deleted together with the resource. */
  readonly reclaimPolicy: 'Delete' | 'Retain'
  /** Time during which a deleted topic can be restored. */
  readonly deletionGracePeriod: string
  /** Refuses to delete the topic while true. */
  readonly deletionProtection: boolean
}

export interface TopicStatusDrift {
  /** Name of the config, or partitions. */
  readonly key: string
  /** Value that the resource asks for; absent when the resource does not set it. */
  readonly desired?: string
  /** Value that the topic has; absent when the topic does not set it. */
  readonly actual?: string
}

/** What the operator last observed. Written by the operator only. */
export interface TopicStatus {
  /** The generation of the spec that this status was computed from. */
  readonly observedGeneration?: number
  /** The identifier in the metadata store. */
  readonly externalID?: string
  /** What the operator last observed about the resource, one entry per type. */
  readonly conditions?: readonly Condition[]
  /** Name that Kafka clients use. */
  readonly topicName?: string
  /** Kafka's id of the topic, a UUID. */
  readonly topicID?: string
  /** Partitions that the topic has. */
  readonly partitions?: number
  /** Hash of the configs that the topic should have. */
  readonly configHash?: string
  /** The uid of the resource that owns the topic. */
  readonly ownerUID?: string
  /** What differs between the resource and the topic; the first 20. */
  readonly drift?: readonly TopicStatusDrift[]
}

/** A topic of a tenant. */
export type Topic = Resource<TopicSpec, TopicStatus>

export const topicDefinition: ResourceDefinition = {
  group: 'streamhouse.io',
  version: 'v1alpha1',
  kind: 'Topic',
  plural: 'topics',
  schema: {
    "description": "A topic of a tenant.",
    "type": "object",
    "required": [
      "spec"
    ],
    "x-kubernetes-validations": [
      {
        "rule": "has(self.spec.topicName) || size(self.metadata.name) <= 249",
        "message": "metadata.name is longer than 249 characters, which a topic name may not be; set spec.topicName"
      },
      {
        "rule": "(has(self.spec.topicName) ? self.spec.topicName : self.metadata.name) == (has(oldSelf.spec.topicName) ? oldSelf.spec.topicName : oldSelf.metadata.name)",
        "message": "the topic's name is immutable; create another Topic instead"
      }
    ],
    "properties": {
      "apiVersion": {
        "type": "string"
      },
      "kind": {
        "type": "string"
      },
      "metadata": {
        "type": "object"
      },
      "spec": {
        "description": "What the topic should be.",
        "type": "object",
        "required": [
          "tenantRef"
        ],
        "x-kubernetes-validations": [
          {
            "rule": "self.tenantRef == oldSelf.tenantRef",
            "message": "tenantRef is immutable"
          },
          {
            "rule": "!has(self.partitions) || !has(oldSelf.partitions) || self.partitions >= oldSelf.partitions",
            "message": "partitions may not shrink"
          },
          {
            "rule": "has(self.storage) == has(oldSelf.storage) && (!has(self.storage) || self.storage == oldSelf.storage)",
            "message": "storage is immutable"
          },
          {
            "rule": "!has(self.cleanupPolicy) || !has(self.config) || !('cleanup.policy' in self.config)",
            "message": "cleanup.policy is set by cleanupPolicy already"
          },
          {
            "rule": "!has(self.retention) || !has(self.retention.time) || !has(self.config) || !('retention.ms' in self.config)",
            "message": "retention.ms is set by retention.time already"
          },
          {
            "rule": "!has(self.retention) || !has(self.retention.bytes) || !has(self.config) || !('retention.bytes' in self.config)",
            "message": "retention.bytes is set by retention.bytes already"
          }
        ],
        "properties": {
          "tenantRef": {
            "description": "The tenant that the topic belongs to. A tenant in another namespace must allow this namespace.",
            "type": "object",
            "required": [
              "name"
            ],
            "properties": {
              "name": {
                "description": "Name of the Tenant.",
                "type": "string",
                "minLength": 1,
                "maxLength": 253,
                "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
              },
              "namespace": {
                "description": "Namespace of the Tenant; the topic's own namespace when absent.",
                "type": "string",
                "minLength": 1,
                "maxLength": 63,
                "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
              }
            }
          },
          "topicName": {
            "description": "Name that Kafka clients use; metadata.name when absent. Immutable.",
            "type": "string",
            "minLength": 1,
            "maxLength": 249,
            "pattern": "^[a-zA-Z0-9._-]+$",
            "x-kubernetes-validations": [
              {
                "rule": "self != '.' && self != '..' && !self.startsWith('__')",
                "message": "a topic name may not be . or .. nor start with __"
              }
            ]
          },
          "partitions": {
            "description": "Number of partitions, which may grow but not shrink; the tenant's default when the topic is made without it, and not managed afterwards.",
            "type": "integer",
            "format": "int32",
            "minimum": 1,
            "maximum": 10000
          },
          "cleanupPolicy": {
            "description": "How old records are removed.",
            "type": "array",
            "minItems": 1,
            "maxItems": 2,
            "x-kubernetes-list-type": "set",
            "items": {
              "type": "string",
              "enum": [
                "Delete",
                "Compact"
              ]
            }
          },
          "retention": {
            "description": "How long and how much is kept. A limit that is absent is not managed.",
            "type": "object",
            "minProperties": 1,
            "properties": {
              "time": {
                "description": "Age after which records may be removed, such as 36h or 7d; -1 keeps them for ever.",
                "type": "string",
                "maxLength": 32,
                "pattern": "^(-1|([0-9]{1,15}(ms|s|m|h|d)){1,5})$"
              },
              "bytes": {
                "description": "Size of a partition above which its oldest records may be removed, such as 10Gi; -1 sets no limit.",
                "x-kubernetes-int-or-string": true,
                "anyOf": [
                  {
                    "type": "integer"
                  },
                  {
                    "type": "string"
                  }
                ],
                "minimum": -1,
                "maxLength": 24,
                "pattern": "^(-1|[0-9]+(\\.[0-9]{1,3})?(k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?)$"
              }
            }
          },
          "config": {
            "description": "Any other Kafka topic config.",
            "type": "object",
            "maxProperties": 64,
            "additionalProperties": {
              "type": "string",
              "maxLength": 4096
            }
          },
          "ignoredConfigKeys": {
            "description": "Names of configs that are set when the topic is made and left alone afterwards.",
            "type": "array",
            "maxItems": 64,
            "x-kubernetes-list-type": "set",
            "items": {
              "type": "string",
              "minLength": 1,
              "maxLength": 249
            }
          },
          "driftPolicy": {
            "description": "What to do when the topic was changed behind the resource's back.",
            "type": "string",
            "enum": [
              "Revert",
              "Report"
            ],
            "default": "Revert"
          },
          "adoptionPolicy": {
            "description": "Whether a topic that exists already, and has no owner, may be taken over.",
            "type": "string",
            "enum": [
              "IfEqual",
              "Always",
              "Never"
            ],
            "default": "IfEqual"
          },
          "keySchemaRef": {
            "description": "Schema, in the same namespace, that record keys are validated against when produced.",
            "type": "object",
            "required": [
              "name"
            ],
            "properties": {
              "name": {
                "description": "Name of the Schema.",
                "type": "string",
                "minLength": 1,
                "maxLength": 253,
                "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
              }
            }
          },
          "valueSchemaRef": {
            "description": "Schema, in the same namespace, that record values are validated against when produced.",
            "type": "object",
            "required": [
              "name"
            ],
            "properties": {
              "name": {
                "description": "Name of the Schema.",
                "type": "string",
                "minLength": 1,
                "maxLength": 253,
                "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
              }
            }
          },
          "storage": {
            "description": "Where the topic's records are kept. Immutable.",
            "type": "object",
            "minProperties": 1,
            "properties": {
              "class": {
                "description": "Storage class of new records.",
                "type": "string",
                "enum": [
                  "Standard",
                  "Express"
                ]
              },
              "tiering": {
                "description": "Ages at which records move to cheaper storage.",
                "type": "object",
                "minProperties": 1,
                "properties": {
                  "hot": {
                    "description": "Age up to which records stay in the fastest storage.",
                    "type": "string",
                    "maxLength": 32,
                    "pattern": "^([0-9]{1,15}(ms|s|m|h|d)){1,5}$"
                  },
                  "cold": {
                    "description": "Age at which records move to infrequent access.",
                    "type": "string",
                    "maxLength": 32,
                    "pattern": "^([0-9]{1,15}(ms|s|m|h|d)){1,5}$"
                  },
                  "archive": {
                    "description": "Age at which records move to the archive.",
                    "type": "string",
                    "maxLength": 32,
                    "pattern": "^([0-9]{1,15}(ms|s|m|h|d)){1,5}$"
                  }
                }
              }
            }
          },
          "reclaimPolicy": {
            "description": "Whether the topic is deleted together with the resource.",
            "type": "string",
            "enum": [
              "Delete",
              "Retain"
            ],
            "default": "Delete"
          },
          "deletionGracePeriod": {
            "description": "Time during which a deleted topic can be restored.",
            "type": "string",
            "default": "72h",
            "maxLength": 32,
            "pattern": "^([0-9]{1,15}(ms|s|m|h|d)){1,5}$"
          },
          "deletionProtection": {
            "description": "Refuses to delete the topic while true.",
            "type": "boolean",
            "default": false
          }
        }
      },
      "status": {
        "description": "What the operator last observed. Written by the operator only.",
        "type": "object",
        "default": {
          "conditions": [
            {
              "type": "Ready",
              "status": "Unknown",
              "reason": "Pending",
              "message": "Waiting for the operator",
              "lastTransitionTime": "1970-01-01T00:00:00Z"
            }
          ]
        },
        "properties": {
          "observedGeneration": {
            "description": "The generation of the spec that this status was computed from.",
            "type": "integer",
            "format": "int64",
            "minimum": 0
          },
          "externalID": {
            "description": "The identifier in the metadata store.",
            "type": "string",
            "maxLength": 64
          },
          "conditions": {
            "description": "What the operator last observed about the resource, one entry per type.",
            "type": "array",
            "maxItems": 16,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [
              "type"
            ],
            "items": {
              "type": "object",
              "required": [
                "type",
                "status",
                "lastTransitionTime",
                "reason",
                "message"
              ],
              "properties": {
                "type": {
                  "description": "The aspect that this condition speaks of.",
                  "type": "string",
                  "maxLength": 63,
                  "pattern": "^[A-Z][A-Za-z0-9]*$"
                },
                "status": {
                  "description": "Whether the condition holds.",
                  "type": "string",
                  "enum": [
                    "True",
                    "False",
                    "Unknown"
                  ]
                },
                "observedGeneration": {
                  "description": "The generation of the spec that the condition was computed from.",
                  "type": "integer",
                  "format": "int64",
                  "minimum": 0
                },
                "lastTransitionTime": {
                  "description": "When the status last changed.",
                  "type": "string",
                  "format": "date-time"
                },
                "reason": {
                  "description": "A word for programs that says why.",
                  "type": "string",
                  "minLength": 1,
                  "maxLength": 63,
                  "pattern": "^[A-Z][A-Za-z0-9]*$"
                },
                "message": {
                  "description": "A sentence for people that says why.",
                  "type": "string",
                  "maxLength": 4096
                }
              }
            }
          },
          "topicName": {
            "description": "Name that Kafka clients use.",
            "type": "string",
            "maxLength": 249
          },
          "topicID": {
            "description": "Kafka's id of the topic, a UUID.",
            "type": "string",
            "maxLength": 64
          },
          "partitions": {
            "description": "Partitions that the topic has.",
            "type": "integer",
            "format": "int32",
            "minimum": 0
          },
          "configHash": {
            "description": "Hash of the configs that the topic should have.",
            "type": "string",
            "maxLength": 64
          },
          "ownerUID": {
            "description": "The uid of the resource that owns the topic.",
            "type": "string",
            "maxLength": 64
          },
          "drift": {
            "description": "What differs between the resource and the topic; the first 20.",
            "type": "array",
            "maxItems": 20,
            "x-kubernetes-list-type": "map",
            "x-kubernetes-list-map-keys": [
              "key"
            ],
            "items": {
              "type": "object",
              "required": [
                "key"
              ],
              "properties": {
                "key": {
                  "description": "Name of the config, or partitions.",
                  "type": "string",
                  "maxLength": 249
                },
                "desired": {
                  "description": "Value that the resource asks for; absent when the resource does not set it.",
                  "type": "string",
                  "maxLength": 4096
                },
                "actual": {
                  "description": "Value that the topic has; absent when the topic does not set it.",
                  "type": "string",
                  "maxLength": 4096
                }
              }
            }
          }
        }
      }
    }
  },
}

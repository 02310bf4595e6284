// Generated from crds/streamhouse.io_tenants.yaml by operator/resources/generate.ts: change that file and run npm run generate.
import type { ResourceDefinition } from '../definition.ts'
import type { Condition, Resource } from '../resource.ts'

export interface TenantSpecAllowedNamespacesSelectorMatchExpression {
  /** Name of the label. */
  readonly key: string
  /** How the label is compared. */
  readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
  /** Values to compare with. */
  readonly values?: readonly string[]
}

/** Matches namespaces by their labels. */
export interface TenantSpecAllowedNamespacesSelector {
  /** Labels that the namespace must carry. */
  readonly matchLabels?: Readonly<Record<string, string>>
  /** Further requirements on the namespace's labels. */
  readonly matchExpressions?: readonly TenantSpecAllowedNamespacesSelectorMatchExpression[]
}

/** Namespaces whose resources may refer to the tenant. */
export interface TenantSpecAllowedNamespaces {
  /** The tenant's own namespace, those that the selector matches, or all. */
  readonly from: 'Same' | 'Selector' | 'All'
  /** Matches namespaces by their labels. */
  readonly selector?: TenantSpecAllowedNamespacesSelector
}

/** Limits that the agents enforce; a limit that is absent is not enforced. */
export interface TenantSpecQuotas {
  /** Bytes per second that the tenant may produce. */
  readonly produceBytesPerSecond?: number | string
  /** Bytes per second that the tenant may consume. */
  readonly consumeBytesPerSecond?: number | string
  /** Requests per second. */
  readonly requestsPerSecond?: number
  /** Topics. */
  readonly maxTopics?: number
  /** Partitions of all topics together. */
  readonly maxPartitions?: number
  /** Connections that are open at a time. */
  readonly maxConnections?: number
  /** Stream queries. */
  readonly maxQueries?: number
  /** Bytes kept in the object store. */
  readonly storageBytes?: number | string
}

/** How long and how much is kept. A limit that is absent is not managed. */
export interface TenantSpecDefaultsRetention {
  /** Age after which records may be removed, such as 36h or 7d; -1 keeps them for ever. */
  readonly time?: string
  /** Size of a partition above which its oldest records may be removed, such as 10Gi; -1 sets no limit. */
  readonly bytes?: number | string
}

/**
 * What topics of the tenant have unless they say otherwise. Late bound, so that a change reaches existing
 * topics.
 */
export interface TenantSpecDefaults {
  /** Partitions of topics that are made without a number of their own. */
  readonly partitions?: number
  /** How long and how much is kept. A limit that is absent is not managed. */
  readonly retention?: TenantSpecDefaultsRetention
  /** Any other Kafka topic config. */
  readonly config?: Readonly<Record<string, string>>
}

export interface TenantSpecIsolationAgentPoolRef {
  /** Name of the AgentPool. */
  readonly name: string
}

/** Whether the tenant shares agents with others. */
export interface TenantSpecIsolation {
  /** Shared or dedicated agents. */
  readonly mode: 'Shared' | 'Dedicated'
  /** The agent pools that serve the tenant. */
  readonly agentPoolRefs?: readonly TenantSpecIsolationAgentPoolRef[]
}

/** What the tenant should be. */
export interface TenantSpec {
  /** Name that is unique in the installation; metadata.name when absent. Immutable. */
  readonly tenantID?: string
  /** Namespaces whose resources may refer to the tenant. */
  readonly allowedNamespaces: TenantSpecAllowedNamespaces
  /** Limits that the agents enforce; a limit that is absent is not enforced. */
  readonly quotas?: TenantSpecQuotas
  /**
   * What topics of the tenant have unless they say otherwise. Late bound, so that a change reaches existing
   * topics.
   */
  readonly defaults?: TenantSpecDefaults
  /** Whether the tenant shares agents with others. */
  readonly isolation: TenantSpecIsolation
  /** Refuses the tenant's clients and keeps its data. */
  readonly suspended: boolean
  /** Whether the tenant's data is deleted together with the resource. */
  readonly reclaimPolicy: 'Retain' | 'Delete'
  /** Refuses to delete the tenant while true. */
  readonly deletionProtection: boolean
}

/** What the tenant uses, refreshed at most once a minute. */
export interface TenantStatusUsage {
  /** Topics. */
  readonly topics?: number
  /** Partitions of all topics together. */
  readonly partitions?: number
  /** Stream queries. */
  readonly queries?: number
  /** Bytes kept in the object store. */
  readonly storageBytes?: number
}

/** What the operator last observed. Written by the operator only. */
export interface TenantStatus {
  /** The generation of the spec that this status was computed from. */
  readonly observedGeneration?: number
  /** The identifier in the metadata store. */
  readonly externalID?: string
  /** What the operator last observed about the resource, one entry per type. */
  readonly conditions?: readonly Condition[]
  /** The tenant's id in the metadata store, a UUID. */
  readonly organizationID?: string
  /** Name that is unique in the installation. */
  readonly tenantID?: string
  /** What the tenant uses, refreshed at most once a minute. */
  readonly usage?: TenantStatusUsage
}

/** A tenant, whose topics, records and clients are kept apart from every other tenant's. */
export type Tenant = Resource<TenantSpec, TenantStatus>

export const tenantDefinition: ResourceDefinition = {
  group: 'streamhouse.io',
  version: 'v1alpha1',
  kind: 'Tenant',
  plural: 'tenants',
  schema: {
    "description": "A tenant, whose topics, records and clients are kept apart from every other tenant's.",
    "type": "object",
    "required": [
      "spec"
    ],
    "x-kubernetes-validations": [
      {
        "rule": "has(self.spec.tenantID) || self.metadata.name.matches('^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$')",
        "message": "metadata.name is not a DNS label of at most 63 characters, which a tenant's ID must be; set spec.tenantID"
      },
      {
        "rule": "(has(self.spec.tenantID) ? self.spec.tenantID : self.metadata.name) == (has(oldSelf.spec.tenantID) ? oldSelf.spec.tenantID : oldSelf.metadata.name)",
        "message": "the tenant's ID is immutable; create another Tenant instead"
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
        "description": "What the tenant should be.",
        "type": "object",
        "properties": {
          "tenantID": {
            "description": "Name that is unique in the installation; metadata.name when absent. Immutable.",
            "type": "string",
            "minLength": 1,
            "maxLength": 63,
            "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
          },
          "allowedNamespaces": {
            "description": "Namespaces whose resources may refer to the tenant.",
            "type": "object",
            "default": {},
            "x-kubernetes-validations": [
              {
                "rule": "has(self.selector) == (has(self.from) && self.from == 'Selector')",
                "message": "selector is required when from is Selector, and forbidden otherwise"
              }
            ],
            "properties": {
              "from": {
                "description": "The tenant's own namespace, those that the selector matches, or all.",
                "type": "string",
                "enum": [
                  "Same",
                  "Selector",
                  "All"
                ],
                "default": "Same"
              },
              "selector": {
                "description": "Matches namespaces by their labels.",
                "type": "object",
                "properties": {
                  "matchLabels": {
                    "description": "Labels that the namespace must carry.",
                    "type": "object",
                    "maxProperties": 32,
                    "additionalProperties": {
                      "type": "string",
                      "maxLength": 63
                    }
                  },
                  "matchExpressions": {
                    "description": "Further requirements on the namespace's labels.",
                    "type": "array",
                    "maxItems": 32,
                    "x-kubernetes-list-type": "atomic",
                    "items": {
                      "type": "object",
                      "required": [
                        "key",
                        "operator"
                      ],
                      "x-kubernetes-validations": [
                        {
                          "rule": "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
                          "message": "values are required by In and NotIn, and forbidden otherwise"
                        }
                      ],
                      "properties": {
                        "key": {
                          "description": "Name of the label.",
                          "type": "string",
                          "minLength": 1,
                          "maxLength": 317
                        },
                        "operator": {
                          "description": "How the label is compared.",
                          "type": "string",
                          "enum": [
                            "In",
                            "NotIn",
                            "Exists",
                            "DoesNotExist"
                          ]
                        },
                        "values": {
                          "description": "Values to compare with.",
                          "type": "array",
                          "maxItems": 32,
                          "x-kubernetes-list-type": "atomic",
                          "items": {
                            "type": "string",
                            "maxLength": 63
                          }
                        }
                      }
                    }
                  }
                }
              }
            }
          },
          "quotas": {
            "description": "Limits that the agents enforce; a limit that is absent is not enforced.",
            "type": "object",
            "properties": {
              "produceBytesPerSecond": {
                "description": "Bytes per second that the tenant may produce.",
                "x-kubernetes-int-or-string": true,
                "anyOf": [
                  {
                    "type": "integer"
                  },
                  {
                    "type": "string"
                  }
                ],
                "minimum": 0,
                "maxLength": 24,
                "pattern": "^[0-9]+(\\.[0-9]{1,3})?(k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
              },
              "consumeBytesPerSecond": {
                "description": "Bytes per second that the tenant may consume.",
                "x-kubernetes-int-or-string": true,
                "anyOf": [
                  {
                    "type": "integer"
                  },
                  {
                    "type": "string"
                  }
                ],
                "minimum": 0,
                "maxLength": 24,
                "pattern": "^[0-9]+(\\.[0-9]{1,3})?(k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
              },
              "requestsPerSecond": {
                "description": "Requests per second.",
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "maximum": 1000000000
              },
              "maxTopics": {
                "description": "Topics.",
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "maximum": 1000000000
              },
              "maxPartitions": {
                "description": "Partitions of all topics together.",
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "maximum": 1000000000
              },
              "maxConnections": {
                "description": "Connections that are open at a time.",
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "maximum": 1000000000
              },
              "maxQueries": {
                "description": "Stream queries.",
                "type": "integer",
                "format": "int64",
                "minimum": 0,
                "maximum": 1000000000
              },
              "storageBytes": {
                "description": "Bytes kept in the object store.",
                "x-kubernetes-int-or-string": true,
                "anyOf": [
                  {
                    "type": "integer"
                  },
                  {
                    "type": "string"
                  }
                ],
                "minimum": 0,
                "maxLength": 24,
                "pattern": "^[0-9]+(\\.[0-9]{1,3})?(k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
              }
            }
          },
          "defaults": {
            "description": "What topics of the tenant have unless they say otherwise. Late bound, so that a change reaches existing topics.",
            "type": "object",
            "properties": {
              "partitions": {
                "description": "Partitions of topics that are made without a number of their own.",
                "type": "integer",
                "format": "int32",
                "minimum": 1,
                "maximum": 10000
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
              }
            }
          },
          "isolation": {
            "description": "Whether the tenant shares agents with others.",
            "type": "object",
            "default": {},
            "x-kubernetes-validations": [
              {
                "rule": "has(self.agentPoolRefs) == (has(self.mode) && self.mode == 'Dedicated')",
                "message": "agentPoolRefs are required when mode is Dedicated, and forbidden otherwise"
              }
            ],
            "properties": {
              "mode": {
                "description": "Shared or dedicated agents.",
                "type": "string",
                "enum": [
                  "Shared",
                  "Dedicated"
                ],
                "default": "Shared"
              },
              "agentPoolRefs": {
                "description": "The agent pools that serve the tenant.",
                "type": "array",
                "minItems": 1,
                "maxItems": 16,
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": [
                  "name"
                ],
                "items": {
                  "type": "object",
                  "required": [
                    "name"
                  ],
                  "properties": {
                    "name": {
                      "description": "Name of the AgentPool.",
                      "type": "string",
                      "minLength": 1,
                      "maxLength": 253,
                      "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
                    }
                  }
                }
              }
            }
          },
          "suspended": {
            "description": "Refuses the tenant's clients and keeps its data.",
            "type": "boolean",
            "default": false
          },
          "reclaimPolicy": {
            "description": "Whether the tenant's data is deleted together with the resource.",
            "type": "string",
            "enum": [
              "Retain",
              "Delete"
            ],
            "default": "Retain"
          },
          "deletionProtection": {
            "description": "Refuses to delete the tenant while true.",
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
          "organizationID": {
            "description": "The tenant's id in the metadata store, a UUID.",
            "type": "string",
            "maxLength": 64
          },
          "tenantID": {
            "description": "Name that is unique in the installation.",
            "type": "string",
            "maxLength": 63
          },
          "usage": {
            "description": "What the tenant uses, refreshed at most once a minute.",
            "type": "object",
            "properties": {
              "topics": {
                "description": "Topics.",
                "type": "integer",
                "format": "int64",
                "minimum": 0
              },
              "partitions": {
                "description": "Partitions of all topics together.",
                "type": "integer",
                "format": "int64",
                "minimum": 0
              },
              "queries": {
                "description": "Stream queries.",
                "type": "integer",
                "format": "int64",
                "minimum": 0
              },
              "storageBytes": {
                "description": "Bytes kept in the object store.",
                "type": "integer",
                "format": "int64",
                "minimum": 0
              }
            }
          }
        }
      }
    }
  },
}

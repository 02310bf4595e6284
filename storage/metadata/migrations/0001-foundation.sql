-- The tables every later migration builds on, the application role, and row-level security.
--
-- A tenant table carries organization_id first in its primary key, and is listed once, at the end of this file, where it
-- gets row-level security that holds for its owner too. The tenant is a setting of the transaction
-- (streamhouse.organization_id); without it the policies match no row, so forgetting it fails closed.

do $$ begin
  create role streamhouse_app nologin nosuperuser nobypassrls nocreatedb nocreaterole;
exception when duplicate_object or unique_violation then null; -- roles belong to the server: another database made it
end $$;

create function current_organization() returns uuid language sql stable parallel safe as
$$ select nullif(current_setting('streamhouse.organization_id', true), '')::uuid $$;

-- One row per tenant. Not a tenant table itself: agents look tenants up by name before they have one.
create table organizations (
  id               uuid primary key,
  tenant_id        text not null unique,
  suspended        boolean not null default false,
  quotas           jsonb not null default '{}',
  defaults         jsonb not null default '{}',
  owner_uid        text,
  owner_name       text,
  reclaim_policy   text not null default 'Retain' check (reclaim_policy in ('Retain', 'Delete')),
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now()
);

-- Running agents; node_id is the broker id that clients see.
create table agents (
  node_id          integer primary key check (node_id >= 0),
  incarnation      uuid not null,
  host             text not null,
  port             integer not null,
  rack             text,
  started_at       timestamptz not null default now(),
  heartbeat_at     timestamptz not null default now()
);

create sequence producer_ids as bigint minvalue 0 start 0 cache 1;

create table topics (
  organization_id  uuid not null references organizations (id),
  id               uuid not null,
  name             text not null,
  partition_count  integer not null check (partition_count > 0),
  config           jsonb not null default '{}',
  owner_uid        text,
  owner_name       text,
  reclaim_policy   text not null default 'Delete' check (reclaim_policy in ('Retain', 'Delete')),
  created_at       timestamptz not null default now(),
  updated_at       timestamptz not null default now(),
  deleted_at       timestamptz,
  purge_after      timestamptz,
  primary key (organization_id, id)
);
create unique index topics_by_name on topics (organization_id, name) where deleted_at is null;

-- The sequencer: whoever holds the row lock gives out the next offsets. Updated by every commit, so it leaves room in
-- its pages for HOT updates and is vacuumed early.
create table partitions (
  organization_id  uuid not null,
  topic_id         uuid not null,
  partition        integer not null,
  log_start        bigint not null default 0,
  high_watermark   bigint not null default 0,
  last_stable      bigint not null default 0,
  size_bytes       bigint not null default 0,
  -- Largest timestamp so far and the base offset of the extent that brought it; -1 while empty.
  max_timestamp    bigint not null default -1,
  max_timestamp_at bigint not null default -1,
  primary key (organization_id, topic_id, partition),
  foreign key (organization_id, topic_id) references topics (organization_id, id),
  check (0 <= log_start and log_start <= last_stable and last_stable <= high_watermark)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- One row per object in the store. `outcomes` and `base_offsets` are the answer the commit gave, kept so that a repeated
-- call gives it again.
create table objects (
  organization_id  uuid not null,
  id               uuid not null,
  key              text not null,
  size_bytes       bigint not null,
  live_extents     integer not null,
  outcomes         smallint[] not null,
  base_offsets     bigint[] not null,
  committed_at     timestamptz not null default now(),
  primary key (organization_id, id)
) with (autovacuum_vacuum_scale_factor = 0.02);

-- Where a contiguous range of offsets lies: `stored_*` is the byte range in the object, `slice_*` the part of those bytes
-- (after decoding) that belongs to this extent. `running_max_timestamp` never falls along a partition, so that the first
-- extent that reaches a time can be found by bisection.
create table extents (
  organization_id  uuid not null,
  topic_id         uuid not null,
  partition        integer not null,
  base_offset      bigint not null,
  last_offset      bigint not null,
  object_id        uuid not null,
  stored_start     integer not null,
  stored_length    integer not null,
  encoding         smallint not null,
  slice_start      integer not null,
  slice_length     integer not null,
  max_timestamp    bigint not null,
  running_max_timestamp bigint not null,
  primary key (organization_id, topic_id, partition, last_offset)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);

-- The last five batches of an idempotent producer in a partition, newest last (Kafka's ProducerStateEntry keeps five).
create table producer_partitions (
  organization_id  uuid not null,
  topic_id         uuid not null,
  partition        integer not null,
  producer_id      bigint not null,
  producer_epoch   smallint not null,
  first_sequences  integer[] not null,
  last_sequences   integer[] not null,
  base_offsets     bigint[] not null,
  updated_at       timestamptz not null default now(),
  primary key (organization_id, topic_id, partition, producer_id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- Who does a piece of work for a tenant. The epoch grows with every change of holder and is checked by every write made
-- under the lease; expiry only decides when another may take over.
create table leases (
  organization_id  uuid not null,
  name             text not null,
  holder           integer not null,
  incarnation      uuid not null,
  epoch            bigint not null,
  expires_at       timestamptz not null,
  primary key (organization_id, name)
) with (fillfactor = 70);

-- A consumer group as of its last stable generation.
create table groups (
  organization_id  uuid not null,
  group_id         text not null,
  generation       integer not null,
  protocol_type    text,
  state            jsonb not null,
  updated_at       timestamptz not null default now(),
  primary key (organization_id, group_id)
) with (fillfactor = 70);

create table group_offsets (
  organization_id  uuid not null,
  group_id         text not null,
  topic_id         uuid not null,
  partition        integer not null,
  committed_offset bigint not null,
  leader_epoch     integer not null,
  metadata         text not null,
  committed_at     timestamptz not null default now(),
  primary key (organization_id, group_id, topic_id, partition)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- Who changed what: administrative acts only.
create table audit (
  organization_id  uuid not null,
  id               bigint generated always as identity,
  at               timestamptz not null default now(),
  actor            text not null,
  action           text not null,
  subject          text not null,
  details          jsonb not null default '{}',
  primary key (organization_id, id)
);

do $$
declare
  tenant_table text;
begin
  foreach tenant_table in array array['topics', 'partitions', 'objects', 'extents', 'producer_partitions', 'leases',
                                      'groups', 'group_offsets', 'audit'] loop
    execute format('alter table %I enable row level security', tenant_table);
    execute format('alter table %I force row level security', tenant_table);
    execute format('create policy tenant on %I using (organization_id = current_organization())'
                   ' with check (organization_id = current_organization())', tenant_table);
  end loop;
end $$;

grant usage on schema public to streamhouse_app;
grant select, insert, update, delete on organizations, agents, topics, partitions, objects, extents, producer_partitions,
  leases, groups, group_offsets to streamhouse_app;
grant select, insert on audit to streamhouse_app;
grant usage on all sequences in schema public to streamhouse_app;

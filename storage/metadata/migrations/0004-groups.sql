-- Takes or renews a lease: the epoch grows when the holder changes. Returns the holder after the call, who may be another.
create function take_lease(
  p_organization_id uuid, p_name text, p_holder integer, p_incarnation uuid, p_duration_ms integer,
  out holder integer, out epoch bigint
) language plpgsql as $$
begin
  perform set_config('streamhouse.organization_id', p_organization_id::text, true);
  insert into leases as l (organization_id, name, holder, incarnation, epoch, expires_at)
  values (p_organization_id, p_name, p_holder, p_incarnation, 1, clock_timestamp() + p_duration_ms * interval '1 ms')
  on conflict (organization_id, name) do update
    set holder = excluded.holder, incarnation = excluded.incarnation, expires_at = excluded.expires_at,
        epoch = l.epoch + (case when l.incarnation = excluded.incarnation then 0 else 1 end)
    where l.incarnation = excluded.incarnation or l.expires_at <= clock_timestamp()
  returning l.holder, l.epoch into take_lease.holder, take_lease.epoch;
  if not found then
    select l.holder, -1 into take_lease.holder, take_lease.epoch
      from leases l where l.organization_id = p_organization_id and l.name = p_name;
  end if;
end $$;

-- Whether the lease still has this epoch, holding it there until the transaction ends.
create function hold_lease(p_organization_id uuid, p_name text, p_epoch bigint) returns boolean language plpgsql as $$
begin
  perform set_config('streamhouse.organization_id', p_organization_id::text, true);
  perform 1 from leases l
    where l.organization_id = p_organization_id and l.name = p_name and l.epoch = p_epoch
      for share;
  return found;
end $$;

-- Stores offsets of a group under its coordinator's lease. False when the lease has moved on: nothing was stored.
create function commit_group_offsets(
  p_organization_id uuid, p_group_id text, p_epoch bigint, p_topic_ids uuid[], p_partitions integer[], p_offsets bigint[],
  p_leader_epochs integer[], p_metadata text[]
) returns boolean language plpgsql as $$
begin
  if not hold_lease(p_organization_id, 'group/' || p_group_id, p_epoch) then
    return false;
  end if;
  insert into group_offsets (organization_id, group_id, topic_id, partition, committed_offset, leader_epoch, metadata)
  select p_organization_id, p_group_id, c.topic_id, c.partition, c.committed_offset, c.leader_epoch, c.metadata
    from unnest(p_topic_ids, p_partitions, p_offsets, p_leader_epochs, p_metadata)
      as c (topic_id, partition, committed_offset, leader_epoch, metadata)
   order by c.topic_id, c.partition
  on conflict (organization_id, group_id, topic_id, partition) do update
    set committed_offset = excluded.committed_offset, leader_epoch = excluded.leader_epoch, metadata = excluded.metadata,
        committed_at = now();
  return true;
end $$;

-- Stores a group's stable generation under its coordinator's lease; false when the lease has moved on.
create function save_group(
  p_organization_id uuid, p_group_id text, p_epoch bigint, p_generation integer, p_protocol_type text, p_state jsonb
) returns boolean language plpgsql as $$
begin
  if not hold_lease(p_organization_id, 'group/' || p_group_id, p_epoch) then
    return false;
  end if;
  insert into groups (organization_id, group_id, generation, protocol_type, state)
  values (p_organization_id, p_group_id, p_generation, p_protocol_type, p_state)
  on conflict (organization_id, group_id) do update
    set generation = excluded.generation, protocol_type = excluded.protocol_type, state = excluded.state, updated_at = now();
  return true;
end $$;

-- Where to read from: for each wanted position the partition's bounds and the extents from there on, in offset order,
-- until the bytes asked for are covered. At least one extent is given wherever data exists, so that no reader is stuck
-- behind a batch larger than its budget. The scan follows the primary key and stops early: its cost does not depend on
-- how long the partition is. The limit is what makes the planner choose that scan; without it, it joins and sorts all that
-- follows the position.
--
-- Rows come in the order of the positions. A position outside the log, or a partition without data there, gives one row
-- whose extent columns are null; an unknown partition gives a row with null bounds.
create function read_log(
  p_organization_id uuid, p_topic_ids uuid[], p_partitions integer[], p_offsets bigint[], p_max_bytes integer[],
  p_total_bytes integer
) returns table (
  slot integer, log_start bigint, high_watermark bigint, last_stable bigint, base_offset bigint, last_offset bigint,
  object_key text, object_size bigint, stored_start integer, stored_length integer, encoding smallint,
  slice_start integer, slice_length integer
) language plpgsql as $$
declare
  v_partition record;
  v_extent    record;
  v_bytes     bigint;
  v_total     bigint := 0;
begin
  perform set_config('streamhouse.organization_id', p_organization_id::text, true);
  for i in 1 .. cardinality(p_topic_ids) loop
    slot := i - 1;
    base_offset := null; last_offset := null; object_key := null; object_size := null; stored_start := null;
    stored_length := null; encoding := null; slice_start := null; slice_length := null;
    select p.log_start, p.high_watermark, p.last_stable into v_partition
      from partitions p
      join topics t on t.organization_id = p.organization_id and t.id = p.topic_id and t.deleted_at is null
     where p.organization_id = p_organization_id and p.topic_id = p_topic_ids[i] and p.partition = p_partitions[i];
    log_start := v_partition.log_start;
    high_watermark := v_partition.high_watermark;
    last_stable := v_partition.last_stable;
    v_bytes := 0;
    if p_offsets[i] >= log_start and p_offsets[i] < high_watermark and (v_total < p_total_bytes or v_total = 0) then
      for v_extent in
        select e.base_offset, e.last_offset, o.key, o.size_bytes, e.stored_start, e.stored_length, e.encoding, e.slice_start,
               e.slice_length
          from extents e
          join objects o on o.organization_id = e.organization_id and o.id = e.object_id
         where e.organization_id = p_organization_id and e.topic_id = p_topic_ids[i] and e.partition = p_partitions[i]
           and e.last_offset >= p_offsets[i]
         order by e.organization_id, e.topic_id, e.partition, e.last_offset
         limit 1000
      loop
        base_offset := v_extent.base_offset;
        last_offset := v_extent.last_offset;
        object_key := v_extent.key;
        object_size := v_extent.size_bytes;
        stored_start := v_extent.stored_start;
        stored_length := v_extent.stored_length;
        encoding := v_extent.encoding;
        slice_start := v_extent.slice_start;
        slice_length := v_extent.slice_length;
        return next;
        v_bytes := v_bytes + slice_length;
        v_total := v_total + slice_length;
        exit when v_bytes >= p_max_bytes[i] or v_total >= p_total_bytes;
      end loop;
    end if;
    if v_bytes = 0 then
      return next;
    end if;
  end loop;
end $$;

-- The bounds of many partitions, of many tenants: what long polls wait for. One row per position, null when unknown.
create function partition_bounds(p_organization_ids uuid[], p_topic_ids uuid[], p_partitions integer[])
returns table (slot integer, log_start bigint, high_watermark bigint, last_stable bigint, max_timestamp bigint,
               max_timestamp_at bigint)
language plpgsql as $$
declare
  v_wanted record;
begin
  -- A tenant's positions at a time, for the tenant is a setting; each position is one look-up by primary key.
  for v_wanted in
    select w.organization_id, array_agg(w.topic_id) as topic_ids, array_agg(w.partition) as partitions,
           array_agg((w.ordinality - 1)::integer) as slots
      from unnest(p_organization_ids, p_topic_ids, p_partitions) with ordinality
        as w (organization_id, topic_id, partition, ordinality)
     group by w.organization_id
  loop
    perform set_config('streamhouse.organization_id', v_wanted.organization_id::text, true);
    return query
      select w.slot, b.log_start, b.high_watermark, b.last_stable, b.max_timestamp, b.max_timestamp_at
        from unnest(v_wanted.topic_ids, v_wanted.partitions, v_wanted.slots) as w (topic_id, partition, slot)
        left join lateral (
          select p.log_start, p.high_watermark, p.last_stable, p.max_timestamp, p.max_timestamp_at
            from partitions p
            join topics t on t.organization_id = p.organization_id and t.id = p.topic_id and t.deleted_at is null
           where p.organization_id = v_wanted.organization_id and p.topic_id = w.topic_id and p.partition = w.partition
           limit 1) b on true;
  end loop;
end $$;

-- The base offset of the first extent that holds a record at or after the time, or null. The running maximum never falls
-- along a partition, so bisection over the primary key finds it in a logarithmic number of look-ups.
create function first_extent_since(p_organization_id uuid, p_topic_id uuid, p_partition integer, p_timestamp bigint)
returns bigint language plpgsql as $$
declare
  v_low    bigint;
  v_high   bigint;
  v_middle bigint;
  v_extent record;
  v_answer bigint;
begin
  perform set_config('streamhouse.organization_id', p_organization_id::text, true);
  select p.log_start, p.high_watermark - 1 into v_low, v_high
    from partitions p
   where p.organization_id = p_organization_id and p.topic_id = p_topic_id and p.partition = p_partition;
  while v_low <= v_high loop
    v_middle := v_low + (v_high - v_low) / 2;
    select e.base_offset, e.last_offset, e.running_max_timestamp into v_extent
      from extents e
     where e.organization_id = p_organization_id and e.topic_id = p_topic_id and e.partition = p_partition
       and e.last_offset >= v_middle
     order by e.organization_id, e.topic_id, e.partition, e.last_offset
     limit 1;
    exit when not found;
    if v_extent.running_max_timestamp >= p_timestamp then
      v_answer := v_extent.base_offset;
      v_high := least(v_extent.base_offset, v_middle) - 1;
    else
      v_low := v_extent.last_offset + 1;
    end if;
  end loop;
  return v_answer;
end $$;

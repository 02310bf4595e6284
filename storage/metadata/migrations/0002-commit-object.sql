-- Commits one uploaded object: gives every batch in it its offsets, in one round trip.
--
-- Repeatable: the answer is stored with the object, and a second call for the same object returns it. The partition row
-- locks, taken in (topic, partition) order by every caller, are what makes offsets gapless and the check sound; two calls
-- for one object meet at those locks too, so the check for a stored answer comes after them.
--
-- Input. Slots are the partitions touched, in (topic id, partition) order. Runs are stored byte ranges, batches lie in runs.
-- Batches come ordered by slot, then run, then position. Sequences follow Kafka's ProducerAppendInfo and
-- ProducerStateEntry: five remembered batches, wrap-around at 2^31 - 1, a new epoch starts at sequence 0.
--
-- Outcomes: 0 accepted, 1 duplicate (base offset is the original's), 2 out-of-order sequence, 3 producer epoch fenced,
-- 4 no such partition.
create function commit_object(
  p_organization_id uuid, p_object_id uuid, p_object_key text, p_size_bytes bigint,
  p_topic_ids uuid[], p_partitions integer[],
  p_run_slots integer[], p_run_starts integer[], p_run_lengths integer[], p_run_encodings smallint[],
  p_batch_runs integer[], p_batch_starts integer[], p_batch_lengths integer[], p_batch_records integer[],
  p_batch_timestamps bigint[], p_producer_ids bigint[], p_producer_epochs smallint[], p_sequences integer[],
  out outcomes smallint[], out base_offsets bigint[], out log_starts bigint[]
) language plpgsql set plan_cache_mode = force_generic_plan as $$
declare
  v_slots      integer := cardinality(p_topic_ids);
  v_batches    integer := cardinality(p_batch_runs);
  v_next       bigint[] := array_fill(-1::bigint, array[v_slots]); -- next offset of each slot, -1: no such partition
  v_first      bigint[] := v_next;
  v_bytes      bigint[] := array_fill(0::bigint, array[v_slots]);
  v_max_ts     bigint[] := v_next;
  v_max_ts_at  bigint[] := v_next;
  v_row        record;
  v_slot       integer := 0;
  v_run        integer;
  v_pid        bigint;
  v_last_seq   integer;
  v_outcome    smallint;
  v_offset     bigint;
  -- What is remembered of each (slot, producer), in that order; null where nothing is.
  s_slot       integer[] := '{}';
  s_pid        bigint[] := '{}';
  s_state      producer_partitions[] := '{}';
  s_dirty      boolean[] := '{}';
  s            integer := 0; -- the one that is at work, in the variables below
  v_state      producer_partitions;
  v_known      boolean;
  v_dirty      boolean;
  v_epoch      smallint;
  v_firsts     integer[];
  v_lasts      integer[];
  v_bases      bigint[];
  v_match      integer;
  x            integer := 0; -- extents so far
  x_open       boolean := false;
  x_slot integer[] := '{}'; x_run integer[] := '{}'; x_base bigint[] := '{}'; x_last bigint[] := '{}';
  x_start integer[] := '{}'; x_length integer[] := '{}'; x_max bigint[] := '{}'; x_running bigint[] := '{}';
begin
  perform set_config('streamhouse.organization_id', p_organization_id::text, true);
  log_starts := v_next;

  for v_row in
    select s.slot, p.high_watermark, p.log_start, p.max_timestamp, p.max_timestamp_at
      from unnest(p_topic_ids, p_partitions) with ordinality as s (topic_id, partition, slot)
      join partitions p on p.organization_id = p_organization_id and p.topic_id = s.topic_id and p.partition = s.partition
      join topics t on t.organization_id = p_organization_id and t.id = s.topic_id and t.deleted_at is null
     order by p.topic_id, p.partition
       for no key update of p
  loop
    v_next[v_row.slot] := v_row.high_watermark;
    v_first[v_row.slot] := v_row.high_watermark;
    v_max_ts[v_row.slot] := v_row.max_timestamp;
    v_max_ts_at[v_row.slot] := v_row.max_timestamp_at;
    log_starts[v_row.slot] := v_row.log_start;
  end loop;

  select o.outcomes, o.base_offsets into outcomes, base_offsets
    from objects o where o.organization_id = p_organization_id and o.id = p_object_id;
  if found then
    return;
  end if;

  for v_row in
    select d.slot, d.pid, pp as state
      from (select distinct p_run_slots[b.run] as slot, b.pid
              from unnest(p_batch_runs, p_producer_ids) as b (run, pid) where b.pid >= 0) d
      left join producer_partitions pp
        on pp.organization_id = p_organization_id and pp.topic_id = p_topic_ids[d.slot]
       and pp.partition = p_partitions[d.slot] and pp.producer_id = d.pid
     order by d.slot, d.pid
  loop
    s := s + 1;
    s_slot[s] := v_row.slot;
    s_pid[s] := v_row.pid;
    s_state[s] := v_row.state;
    s_dirty[s] := false;
  end loop;
  s := 0;

  outcomes := array_fill(0::smallint, array[v_batches]);
  base_offsets := array_fill(-1::bigint, array[v_batches]);

  for i in 1 .. v_batches loop
    v_run := p_batch_runs[i];
    v_slot := p_run_slots[v_run];
    v_pid := p_producer_ids[i];
    v_outcome := 0;
    v_offset := v_next[v_slot];

    if v_offset < 0 then
      v_outcome := 4;
    elsif v_pid >= 0 then
      if s = 0 or s_slot[s] <> v_slot or s_pid[s] <> v_pid then
        if s > 0 and v_dirty then
          s_dirty[s] := true;
          s_state[s] := row(p_organization_id, p_topic_ids[s_slot[s]], p_partitions[s_slot[s]], s_pid[s], v_epoch, v_firsts,
                            v_lasts, v_bases, now())::producer_partitions;
        end if;
        -- Batches come by slot, so the search starts over only among the producers of one partition.
        if s = 0 or s_slot[s] > v_slot or (s_slot[s] = v_slot and s_pid[s] > v_pid) then
          s := greatest(s, 1);
          while s > 1 and s_slot[s - 1] >= v_slot loop
            s := s - 1;
          end loop;
        end if;
        while s_slot[s] <> v_slot or s_pid[s] <> v_pid loop
          s := s + 1;
        end loop;
        v_state := s_state[s];
        v_known := v_state.producer_id is not null;
        v_epoch := v_state.producer_epoch;
        v_firsts := v_state.first_sequences;
        v_lasts := v_state.last_sequences;
        v_bases := v_state.base_offsets;
        v_dirty := false;
      end if;
      v_last_seq := case when p_sequences[i] > 2147483647 - (p_batch_records[i] - 1)
                         then p_batch_records[i] - 1 - (2147483647 - p_sequences[i]) - 1
                         else p_sequences[i] + (p_batch_records[i] - 1) end;
      if not v_known then
        v_firsts := '{}'; v_lasts := '{}'; v_bases := '{}';
        -- Kafka takes any sequence of a producer it does not know. Here a producer's second object can arrive although its
        -- first one failed: taken, it would come before the first, which then could never be appended.
        if p_sequences[i] <> 0 then
          v_outcome := 2;
        end if;
      elsif p_producer_epochs[i] < v_epoch then
        v_outcome := 3;
      elsif p_producer_epochs[i] > v_epoch then
        if p_sequences[i] <> 0 then
          v_outcome := 2;
        else
          v_firsts := '{}'; v_lasts := '{}'; v_bases := '{}';
        end if;
      else
        v_match := null;
        for k in reverse cardinality(v_firsts) .. 1 loop
          if v_firsts[k] = p_sequences[i] and v_lasts[k] = v_last_seq then
            v_match := k;
            exit;
          end if;
        end loop;
        if v_match is not null then
          v_outcome := 1;
          v_offset := v_bases[v_match];
        elsif p_sequences[i] <> (case when v_lasts[cardinality(v_lasts)] = 2147483647 then 0
                                      else v_lasts[cardinality(v_lasts)] + 1 end) then
          v_outcome := 2;
        end if;
      end if;
      if v_outcome = 0 then
        v_known := true;
        v_dirty := true;
        v_epoch := p_producer_epochs[i];
        v_match := greatest(cardinality(v_firsts) - 3, 1); -- keep the newest four, this one is the fifth
        v_firsts := v_firsts[v_match:] || p_sequences[i];
        v_lasts := v_lasts[v_match:] || v_last_seq;
        v_bases := v_bases[v_match:] || v_offset;
      end if;
    end if;

    outcomes[i] := v_outcome;
    if v_outcome > 1 then
      x_open := false;
      continue;
    end if;
    base_offsets[i] := v_offset;
    if v_outcome = 1 then
      x_open := false;
      continue;
    end if;

    v_next[v_slot] := v_offset + p_batch_records[i];
    v_bytes[v_slot] := v_bytes[v_slot] + p_batch_lengths[i];
    if not x_open or x_run[x] <> v_run then
      x := x + 1;
      x_open := true;
      x_slot[x] := v_slot; x_run[x] := v_run; x_base[x] := v_offset;
      x_start[x] := p_batch_starts[i]; x_length[x] := 0; x_max[x] := -1;
    end if;
    x_last[x] := v_next[v_slot] - 1;
    x_length[x] := x_length[x] + p_batch_lengths[i];
    x_max[x] := greatest(x_max[x], p_batch_timestamps[i]);
    if p_batch_timestamps[i] > v_max_ts[v_slot] then
      v_max_ts[v_slot] := p_batch_timestamps[i];
      v_max_ts_at[v_slot] := x_base[x];
    end if;
    x_running[x] := v_max_ts[v_slot];
  end loop;

  if s > 0 and v_dirty then
    s_dirty[s] := true;
    s_state[s] := row(p_organization_id, p_topic_ids[s_slot[s]], p_partitions[s_slot[s]], s_pid[s], v_epoch, v_firsts, v_lasts,
                      v_bases, now())::producer_partitions;
  end if;
  if true = any(s_dirty) then
    insert into producer_partitions (organization_id, topic_id, partition, producer_id, producer_epoch, first_sequences,
                                     last_sequences, base_offsets, updated_at)
    select d.organization_id, d.topic_id, d.partition, d.producer_id, d.producer_epoch, d.first_sequences, d.last_sequences,
           d.base_offsets, d.updated_at
      from unnest(s_state) with ordinality as d (organization_id, topic_id, partition, producer_id, producer_epoch,
                                                 first_sequences, last_sequences, base_offsets, updated_at, i)
     where s_dirty[d.i]
    on conflict (organization_id, topic_id, partition, producer_id) do update
      set producer_epoch = excluded.producer_epoch, first_sequences = excluded.first_sequences,
          last_sequences = excluded.last_sequences, base_offsets = excluded.base_offsets, updated_at = excluded.updated_at;
  end if;

  insert into objects (organization_id, id, key, size_bytes, live_extents, outcomes, base_offsets)
  values (p_organization_id, p_object_id, p_object_key, p_size_bytes, x, outcomes, base_offsets);

  if x > 0 then
    insert into extents (organization_id, topic_id, partition, base_offset, last_offset, object_id, stored_start,
                         stored_length, encoding, slice_start, slice_length, max_timestamp, running_max_timestamp)
    select p_organization_id, p_topic_ids[e.slot], p_partitions[e.slot], e.base, e.last, p_object_id, p_run_starts[e.run],
           p_run_lengths[e.run], p_run_encodings[e.run], e.start, e.length, e.max, e.running
      from unnest(x_slot, x_run, x_base, x_last, x_start, x_length, x_max, x_running)
        as e (slot, run, base, last, start, length, max, running);

    update partitions p
       set high_watermark = s.next, last_stable = s.next, size_bytes = p.size_bytes + s.bytes,
           max_timestamp = s.max_ts, max_timestamp_at = s.max_ts_at
      from unnest(p_topic_ids, p_partitions, v_first, v_next, v_bytes, v_max_ts, v_max_ts_at)
        as s (topic_id, partition, first, next, bytes, max_ts, max_ts_at)
     where p.organization_id = p_organization_id and p.topic_id = s.topic_id and p.partition = s.partition
       and s.next > s.first;
  end if;
end $$;

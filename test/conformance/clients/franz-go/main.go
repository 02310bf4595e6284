// Command client puts franz-go behind the operations of program-client.ts.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const wait = 60 * time.Second

type record struct {
	Partition int32                `json:"partition"`
	Offset    int64                `json:"offset"`
	Key       []byte               `json:"key"`
	Value     []byte               `json:"value"`
	Headers   [][2]json.RawMessage `json:"headers"`
	Timestamp *int64               `json:"timestamp"`
}

type order struct {
	Op         string            `json:"op"`
	Topic      string            `json:"topic"`
	Codec      string            `json:"codec"`
	Acks       int               `json:"acks"`
	Idempotent bool              `json:"idempotent"`
	Records    []record          `json:"records"`
	Partitions int32             `json:"partitions"`
	Partition  int32             `json:"partition"`
	Count      int               `json:"count"`
	Group      string            `json:"group"`
	First      int               `json:"first"`
	More       []record          `json:"more"`
	Configs    map[string]string `json:"configs"`
	Total      int               `json:"total"`
	At         any               `json:"at"`
}

type outcome struct {
	Alone     []int32   `json:"alone"`
	Split     [][]int32 `json:"split"`
	First     []record  `json:"first"`
	Second    []record  `json:"second"`
	Committed []int64   `json:"committed"`
}

type client struct {
	bootstrap string
	admin     *kadm.Client
}

func main() {
	c := &client{bootstrap: os.Args[1]}
	connection, err := kgo.NewClient(kgo.SeedBrokers(c.bootstrap))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	c.admin = kadm.NewClient(connection)
	input := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := input.ReadBytes('\n')
		if err != nil {
			return
		}
		reply := map[string]any{}
		var o order
		err = json.Unmarshal(line, &o)
		if err == nil {
			ctx, cancel := context.WithTimeout(context.Background(), wait)
			reply["result"], err = c.perform(ctx, o)
			cancel()
		}
		if err != nil {
			reply = map[string]any{"error": err.Error(), "code": nil}
			var known *kerr.Error
			if errors.As(err, &known) {
				reply["code"] = known.Code
			}
		}
		text, _ := json.Marshal(reply)
		fmt.Printf("%s\n", text)
	}
}

func (c *client) perform(ctx context.Context, o order) (any, error) {
	switch o.Op {
	case "produce":
		return c.produce(ctx, o)
	case "consume":
		return c.consume(ctx, o)
	case "group":
		return c.group(ctx, o)
	case "createTopic":
		configs := map[string]*string{}
		for name, value := range o.Configs {
			configs[name] = &value
		}
		_, err := c.admin.CreateTopic(ctx, o.Partitions, 1, configs, o.Topic)
		return nil, err
	case "deleteTopic":
		_, err := c.admin.DeleteTopic(ctx, o.Topic)
		return nil, err
	case "listTopics":
		found, err := c.admin.ListTopics(ctx)
		return found.Names(), err
	case "partitionCount":
		found, err := c.admin.ListTopics(ctx, o.Topic)
		if err != nil {
			return nil, err
		}
		return len(found[o.Topic].Partitions), found[o.Topic].Err
	case "createPartitions":
		answers, err := c.admin.UpdatePartitions(ctx, o.Total, o.Topic)
		if err != nil {
			return nil, err
		}
		return nil, answers.Error()
	case "topicConfigs":
		return c.topicConfigs(ctx, o.Topic)
	case "alterTopicConfigs":
		var changes []kadm.AlterConfig
		for name, value := range o.Configs {
			changes = append(changes, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value})
		}
		answers, err := c.admin.AlterTopicConfigs(ctx, changes, o.Topic)
		if err != nil {
			return nil, err
		}
		return nil, answers[0].Err
	case "offset":
		return c.offset(ctx, o)
	}
	return nil, fmt.Errorf("unknown operation %q", o.Op)
}

func (c *client) produce(ctx context.Context, o order) (any, error) {
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	acks := map[int]kgo.Acks{0: kgo.NoAck(), 1: kgo.LeaderAck(), -1: kgo.AllISRAcks()}
	options := []kgo.Opt{
		kgo.SeedBrokers(c.bootstrap), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.DefaultProduceTopic(o.Topic),
		kgo.ProducerBatchCompression(codecs[o.Codec]), kgo.RequiredAcks(acks[o.Acks]),
		kgo.ProducerLinger(5 * time.Millisecond), kgo.ProducerBatchMaxBytes(8 << 20),
	}
	if !o.Idempotent {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	producer, err := kgo.NewClient(options...)
	if err != nil {
		return nil, err
	}
	defer producer.Close()
	sent := make([]*kgo.Record, len(o.Records))
	for i, r := range o.Records {
		sent[i] = &kgo.Record{Partition: r.Partition, Key: r.Key, Value: r.Value}
		if r.Timestamp != nil {
			sent[i].Timestamp = time.UnixMilli(*r.Timestamp)
		}
		for _, pair := range r.Headers {
			var header kgo.RecordHeader
			json.Unmarshal(pair[0], &header.Key)
			json.Unmarshal(pair[1], &header.Value)
			sent[i].Headers = append(sent[i].Headers, header)
		}
	}
	placed := make([]*int64, len(sent))
	if err := producer.ProduceSync(ctx, sent...).FirstErr(); err != nil {
		return nil, err
	}
	for i, r := range sent {
		if o.Acks != 0 && r.Offset >= 0 {
			placed[i] = &r.Offset
		}
	}
	return placed, nil
}

func (c *client) consume(ctx context.Context, o order) (any, error) {
	places := map[int32]kgo.Offset{}
	for partition := int32(0); partition < o.Partitions; partition++ {
		places[partition] = kgo.NewOffset().AtStart()
	}
	consumer, err := kgo.NewClient(kgo.SeedBrokers(c.bootstrap),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{o.Topic: places}))
	if err != nil {
		return nil, err
	}
	defer consumer.Close()
	records := []record{}
	for len(records) < o.Count && ctx.Err() == nil {
		if records, err = poll(ctx, consumer, 500*time.Millisecond, records); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// A member of a group, which knows what it was assigned.
type groupMember struct {
	*kgo.Client
	lock       sync.Mutex
	partitions map[int32]bool
}

func (c *client) join(o order) (*groupMember, error) {
	m := &groupMember{partitions: map[int32]bool{}}
	take := func(owned bool) func(context.Context, *kgo.Client, map[string][]int32) {
		return func(_ context.Context, _ *kgo.Client, changed map[string][]int32) {
			m.lock.Lock()
			defer m.lock.Unlock()
			for _, partition := range changed[o.Topic] {
				if owned {
					m.partitions[partition] = true
				} else {
					delete(m.partitions, partition)
				}
			}
		}
	}
	var err error
	m.Client, err = kgo.NewClient(kgo.SeedBrokers(c.bootstrap), kgo.ConsumerGroup(o.Group), kgo.ConsumeTopics(o.Topic),
		kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.SessionTimeout(10*time.Second), kgo.HeartbeatInterval(500*time.Millisecond),
		kgo.OnPartitionsAssigned(take(true)), kgo.OnPartitionsRevoked(take(false)), kgo.OnPartitionsLost(take(false)))
	return m, err
}

func (m *groupMember) owned() []int32 {
	m.lock.Lock()
	defer m.lock.Unlock()
	return slices.Sorted(maps.Keys(m.partitions))
}

func (c *client) group(ctx context.Context, o order) (any, error) {
	result := outcome{Split: [][]int32{}, First: []record{}, Second: []record{}}
	first, err := c.join(o)
	if err != nil {
		return nil, err
	}
	defer first.Close()
	for len(first.owned()) < int(o.Partitions) || len(result.First) < o.First {
		if result.First, err = poll(ctx, first.Client, 200*time.Millisecond, result.First); err != nil {
			return nil, err
		}
	}
	result.Alone = first.owned()
	if err := first.CommitUncommittedOffsets(ctx); err != nil {
		return nil, err
	}
	if len(o.More) > 0 {
		second, err := c.join(o)
		if err != nil {
			return nil, err
		}
		defer second.Close()
		if err := c.share(ctx, o, []*groupMember{first, second}, &result); err != nil {
			return nil, err
		}
	}
	committed, err := c.admin.FetchOffsets(ctx, o.Group)
	if err != nil {
		return nil, err
	}
	for partition := int32(0); partition < o.Partitions; partition++ {
		found, _ := committed.Lookup(o.Topic, partition)
		result.Committed = append(result.Committed, max(found.At, 0))
	}
	return result, nil
}

func (c *client) share(ctx context.Context, o order, members []*groupMember, result *outcome) (err error) {
	read := func() error {
		for _, m := range members {
			if result.Second, err = poll(ctx, m.Client, 200*time.Millisecond, result.Second); err != nil {
				return err
			}
		}
		return ctx.Err()
	}
	for {
		if err := read(); err != nil {
			return err
		}
		one, two := members[0].owned(), members[1].owned()
		if len(one) > 0 && len(two) > 0 && len(one)+len(two) == int(o.Partitions) {
			result.Split = [][]int32{one, two}
			break
		}
	}
	if _, err := c.produce(ctx, order{Topic: o.Topic, Codec: "none", Acks: -1, Idempotent: true, Records: o.More}); err != nil {
		return err
	}
	for len(result.Second) < len(o.More) {
		if err := read(); err != nil {
			return err
		}
	}
	for _, m := range members {
		if err := m.CommitUncommittedOffsets(ctx); err != nil {
			return err
		}
	}
	return nil
}

func poll(ctx context.Context, consumer *kgo.Client, timeout time.Duration, into []record) ([]record, error) {
	if ctx.Err() != nil {
		return into, ctx.Err()
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	fetches := consumer.PollFetches(limited)
	for _, failed := range fetches.Errors() {
		if !errors.Is(failed.Err, context.DeadlineExceeded) {
			return into, failed.Err
		}
	}
	fetches.EachRecord(func(got *kgo.Record) {
		timestamp := got.Timestamp.UnixMilli()
		r := record{Partition: got.Partition, Offset: got.Offset, Key: got.Key, Value: got.Value, Timestamp: &timestamp}
		r.Headers = [][2]json.RawMessage{}
		for _, header := range got.Headers {
			name, _ := json.Marshal(header.Key)
			value, _ := json.Marshal(header.Value)
			r.Headers = append(r.Headers, [2]json.RawMessage{name, value})
		}
		into = append(into, r)
	})
	return into, nil
}

func (c *client) topicConfigs(ctx context.Context, topic string) (any, error) {
	found, err := c.admin.DescribeTopicConfigs(ctx, topic)
	if err != nil {
		return nil, err
	}
	configs := map[string]*string{}
	for _, config := range found[0].Configs {
		configs[config.Key] = config.Value
	}
	return configs, found[0].Err
}

func (c *client) offset(ctx context.Context, o order) (any, error) {
	var found kadm.ListedOffsets
	var err error
	switch at := o.At.(type) {
	case float64:
		found, err = c.admin.ListOffsetsAfterMilli(ctx, int64(at), o.Topic)
	case string:
		if at == "earliest" {
			found, err = c.admin.ListStartOffsets(ctx, o.Topic)
		} else {
			found, err = c.admin.ListEndOffsets(ctx, o.Topic)
		}
	}
	if err != nil {
		return nil, err
	}
	place, _ := found.Lookup(o.Topic, o.Partition)
	return place.Offset, place.Err
}

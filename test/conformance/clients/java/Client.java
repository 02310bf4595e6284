import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Kafka's own Java client behind the operations of program-client.ts. */
public class Client {
    private static final long WAIT_MS = 60_000;
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, Object> common;
    private Admin adminClient;

    Client(String bootstrap) {
        common = Map.of("bootstrap.servers", bootstrap);
    }

    public static void main(String[] args) throws Exception {
        Client client = new Client(args[0]);
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            ObjectNode reply = JSON.createObjectNode();
            try {
                reply.set("result", JSON.valueToTree(client.perform(JSON.readTree(line))));
            } catch (Exception error) {
                Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
                Errors known = Errors.forException(cause);
                reply.put("error", cause.toString());
                if (known != Errors.UNKNOWN_SERVER_ERROR) reply.put("code", (int) known.code());
            }
            System.out.println(JSON.writeValueAsString(reply));
        }
        System.exit(0);
    }

    private Object perform(JsonNode order) throws Exception {
        String topic = order.path("topic").asText();
        switch (order.get("op").asText()) {
            case "produce":
                return produce(topic, order.get("codec").asText(), order.get("acks").asInt(),
                    order.get("idempotent").asBoolean(), order.get("records"));
            case "consume":
                return consume(topic, order.get("partitions").asInt(), order.get("count").asInt());
            case "group":
                return group(topic, order);
            case "createTopic":
                NewTopic wanted = new NewTopic(topic, order.get("partitions").asInt(), (short) 1);
                admin().createTopics(List.of(wanted.configs(texts(order.get("configs"))))).all().get();
                return null;
            case "deleteTopic":
                admin().deleteTopics(List.of(topic)).all().get();
                return null;
            case "listTopics":
                return admin().listTopics().names().get();
            case "partitionCount":
                return admin().describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
            case "createPartitions":
                NewPartitions total = NewPartitions.increaseTo(order.get("total").asInt());
                admin().createPartitions(Map.of(topic, total)).all().get();
                return null;
            case "topicConfigs":
                return topicConfigs(topic);
            case "alterTopicConfigs":
                alterTopicConfigs(topic, texts(order.get("configs")));
                return null;
            case "offset":
                return offset(new TopicPartition(topic, order.get("partition").asInt()), order.get("at"));
            default:
                throw new IllegalArgumentException("Unknown operation " + order.get("op"));
        }
    }

    private List<Long> produce(String topic, String codec, int acks, boolean idempotent, JsonNode records)
        throws Exception {
        Map<String, Object> settings = new HashMap<>(common);
        settings.put("acks", String.valueOf(acks));
        settings.put("enable.idempotence", idempotent);
        settings.put("compression.type", codec);
        settings.put("linger.ms", 5);
        settings.put("max.request.size", 8 * 1024 * 1024);
        List<Long> placed = new ArrayList<>();
        try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (JsonNode record : records) sent.add(producer.send(toRecord(topic, record)));
            producer.flush();
            for (Future<RecordMetadata> future : sent) {
                RecordMetadata place = future.get();
                placed.add(place.hasOffset() ? place.offset() : null);
            }
        }
        return placed;
    }

    private List<ObjectNode> consume(String topic, int partitions, int count) {
        Map<String, Object> settings = new HashMap<>(common);
        settings.put("enable.auto.commit", false);
        List<ObjectNode> records = new ArrayList<>();
        try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            List<TopicPartition> places = places(topic, partitions);
            consumer.assign(places);
            consumer.seekToBeginning(places);
            long deadline = System.currentTimeMillis() + WAIT_MS;
            while (records.size() < count && System.currentTimeMillis() < deadline) poll(consumer, 500, records);
        }
        return records;
    }

    private ObjectNode group(String topic, JsonNode order) throws Exception {
        int partitions = order.get("partitions").asInt();
        List<KafkaConsumer<byte[], byte[]>> members = new ArrayList<>();
        try {
            List<ObjectNode> first = new ArrayList<>();
            List<ObjectNode> second = new ArrayList<>();
            ObjectNode outcome = JSON.createObjectNode();
            members.add(member(order.get("group").asText(), topic));
            long deadline = System.currentTimeMillis() + WAIT_MS;
            while (members.get(0).assignment().size() < partitions || first.size() < order.get("first").asInt()) {
                poll(members.get(0), 200, first);
                check(deadline, "the first member reads");
            }
            outcome.set("alone", JSON.valueToTree(numbers(members.get(0).assignment())));
            members.get(0).commitSync();
            List<List<Integer>> split = List.of();
            if (order.get("more").size() > 0) {
                members.add(member(order.get("group").asText(), topic));
                split = share(members, partitions, topic, order.get("more"), second);
            }
            List<TopicPartition> places = places(topic, partitions);
            Map<TopicPartition, OffsetAndMetadata> committed = members.get(0).committed(new HashSet<>(places));
            ArrayNode offsets = outcome.putArray("committed");
            for (TopicPartition place : places)
                offsets.add(Optional.ofNullable(committed.get(place)).map(OffsetAndMetadata::offset).orElse(0L));
            outcome.set("split", JSON.valueToTree(split));
            outcome.set("first", JSON.valueToTree(first));
            outcome.set("second", JSON.valueToTree(second));
            return outcome;
        } finally {
            for (KafkaConsumer<byte[], byte[]> member : members) member.close();
        }
    }

    private List<List<Integer>> share(List<KafkaConsumer<byte[], byte[]>> members, int partitions, String topic,
        JsonNode more, List<ObjectNode> second) throws Exception {
        long deadline = System.currentTimeMillis() + WAIT_MS;
        List<List<Integer>> shares;
        do {
            check(deadline, "both members have a share");
            for (KafkaConsumer<byte[], byte[]> member : members) poll(member, 200, second);
            shares = members.stream().map(member -> numbers(member.assignment())).toList();
        } while (shares.stream().anyMatch(List::isEmpty)
            || shares.stream().mapToInt(List::size).sum() != partitions);
        produce(topic, "none", -1, false, more);
        while (second.size() < more.size()) {
            check(deadline, "both members read");
            for (KafkaConsumer<byte[], byte[]> member : members) poll(member, 200, second);
        }
        for (KafkaConsumer<byte[], byte[]> member : members) member.commitSync();
        return shares;
    }

    private KafkaConsumer<byte[], byte[]> member(String group, String topic) {
        Map<String, Object> settings = new HashMap<>(common);
        settings.put("group.id", group);
        settings.put("enable.auto.commit", false);
        settings.put("auto.offset.reset", "earliest");
        settings.put("session.timeout.ms", 10_000);
        settings.put("heartbeat.interval.ms", 500);
        var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        consumer.subscribe(List.of(topic));
        return consumer;
    }

    private static void poll(KafkaConsumer<byte[], byte[]> consumer, long timeoutMs, List<ObjectNode> into) {
        for (ConsumerRecord<byte[], byte[]> got : consumer.poll(Duration.ofMillis(timeoutMs))) {
            ObjectNode record = JSON.createObjectNode();
            record.put("partition", got.partition());
            record.put("offset", got.offset());
            record.put("timestamp", got.timestamp());
            record.put("key", text(got.key()));
            record.put("value", text(got.value()));
            ArrayNode headers = record.putArray("headers");
            for (Header header : got.headers()) headers.addArray().add(header.key()).add(text(header.value()));
            into.add(record);
        }
    }

    private Map<String, String> topicConfigs(String topic) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Map<String, String> configs = new HashMap<>();
        for (ConfigEntry entry : admin().describeConfigs(List.of(resource)).all().get().get(resource).entries())
            configs.put(entry.name(), entry.value());
        return configs;
    }

    private void alterTopicConfigs(String topic, Map<String, String> configs) throws Exception {
        ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        Collection<AlterConfigOp> changes = new ArrayList<>();
        configs.forEach((name, value) ->
            changes.add(new AlterConfigOp(new ConfigEntry(name, value), AlterConfigOp.OpType.SET)));
        admin().incrementalAlterConfigs(Map.of(resource, changes)).all().get();
    }

    private long offset(TopicPartition place, JsonNode at) throws Exception {
        OffsetSpec spec = at.isNumber() ? OffsetSpec.forTimestamp(at.asLong())
            : at.asText().equals("earliest") ? OffsetSpec.earliest() : OffsetSpec.latest();
        return admin().listOffsets(Map.of(place, spec)).all().get().get(place).offset();
    }

    private Admin admin() {
        if (adminClient == null) adminClient = Admin.create(common);
        return adminClient;
    }

    private static ProducerRecord<byte[], byte[]> toRecord(String topic, JsonNode record) {
        List<Header> headers = new ArrayList<>();
        for (JsonNode header : record.get("headers"))
            headers.add(new RecordHeader(header.get(0).asText(), bytes(header.get(1))));
        Long timestamp = record.get("timestamp").isNull() ? null : record.get("timestamp").asLong();
        return new ProducerRecord<>(topic, record.get("partition").asInt(), timestamp, bytes(record.get("key")),
            bytes(record.get("value")), headers);
    }

    private static byte[] bytes(JsonNode text) {
        return text.isNull() ? null : Base64.getDecoder().decode(text.asText());
    }

    private static String text(byte[] bytes) {
        return bytes == null ? null : Base64.getEncoder().encodeToString(bytes);
    }

    private static Map<String, String> texts(JsonNode object) {
        Map<String, String> texts = new HashMap<>();
        object.fields().forEachRemaining(entry -> texts.put(entry.getKey(), entry.getValue().asText()));
        return texts;
    }

    private static List<TopicPartition> places(String topic, int partitions) {
        List<TopicPartition> places = new ArrayList<>();
        for (int partition = 0; partition < partitions; partition++) places.add(new TopicPartition(topic, partition));
        return places;
    }

    private static List<Integer> numbers(Set<TopicPartition> places) {
        return places.stream().map(TopicPartition::partition).sorted().toList();
    }

    private static void check(long deadline, String what) {
        if (System.currentTimeMillis() > deadline)
            throw new IllegalStateException("Waited " + WAIT_MS + " ms until " + what);
    }
}

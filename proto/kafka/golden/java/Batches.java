import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.zip.CRC32;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.record.internal.*;

/**
 * Record batches of every format and codec, filled the same way each time. The package `record.internal` is called
 * `record` before 4.x; whoever compiles against 3.9 replaces it.
 */
final class Batches {
  static final long BASE_TIMESTAMP = 1_700_000_000_000L;

  static MemoryRecords small() {
    return MemoryRecords.withRecords(Compression.NONE, new SimpleRecord(BASE_TIMESTAMP, "k".getBytes(), "v".getBytes()));
  }

  static byte[] value(int i) {
    if (i == 3) return null;
    StringBuilder text = new StringBuilder();
    for (int j = 0; j < 4 * i; j++) text.append("value ").append(i * j % 10).append(';');
    return text.toString().getBytes(StandardCharsets.UTF_8);
  }

  static byte[] build(byte magic, Compression compression, TimestampType type, int count) {
    ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
    MemoryRecordsBuilder builder = MemoryRecords.builder(buffer, magic, compression, type, 1000L, BASE_TIMESTAMP + 999);
    for (int i = 0; i < count; i++) {
      byte[] key = i % 2 == 0 ? ("key-" + i).getBytes(StandardCharsets.UTF_8) : null;
      Header[] headers = magic < 2 || i % 3 != 0 ? new Header[0] : new Header[] {
        new RecordHeader("h" + i, ("x" + i).getBytes(StandardCharsets.UTF_8)), new RecordHeader("none", (byte[]) null)
      };
      builder.append(BASE_TIMESTAMP + i * 10L, key, value(i), headers);
    }
    return bytes(builder.build());
  }

  static byte[] bytes(MemoryRecords records) {
    ByteBuffer buffer = records.buffer().duplicate();
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }

  static void write() {
    for (CompressionType type : CompressionType.values()) {
      for (byte magic = 0; magic <= 2; magic++) {
        if (type == CompressionType.ZSTD && magic < 2) continue;
        Compression compression = Compression.of(type).build();
        Golden.line("records", type.name, magic, "create", build(magic, compression, TimestampType.CREATE_TIME, 60));
        if (magic == 0) continue;
        Golden.line("records", type.name, magic, "append", build(magic, compression, TimestampType.LOG_APPEND_TIME, 60));
      }
    }
    EndTransactionMarker commit = new EndTransactionMarker(ControlRecordType.COMMIT, 7);
    Golden.line("records", "control", 2, "commit",
        bytes(MemoryRecords.withEndTransactionMarker(77L, BASE_TIMESTAMP, 5, 4242L, (short) 3, commit)));
  }

  static String describe(String base64) {
    try {
      MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(Base64.getDecoder().decode(base64)));
      CRC32 crc = new CRC32();
      int count = 0;
      for (RecordBatch batch : records.batches()) {
        batch.ensureValid();
        for (var record : batch) {
          record.ensureValid();
          count++;
          crc.update((record.offset() + ":" + record.timestamp() + ":").getBytes());
          if (record.hasKey()) crc.update(record.key().duplicate());
          if (record.hasValue()) crc.update(record.value().duplicate());
          for (Header header : record.headers()) {
            crc.update(header.key().getBytes());
            if (header.value() != null) crc.update(header.value());
          }
        }
      }
      return count + " " + Long.toHexString(crc.getValue());
    } catch (Exception e) {
      return "error " + e;
    }
  }
}

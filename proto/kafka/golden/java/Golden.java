import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.zip.CRC32;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.types.BoundField;
import org.apache.kafka.common.protocol.types.Field;
import org.apache.kafka.common.protocol.types.Schema;
import org.apache.kafka.common.protocol.types.TaggedFields;

/**
 * Writes messages and record batches with Kafka's own client classes, one line each, and reads batches back.
 * `write` prints: kind, name, version, variant, base64. `read` takes lines of base64 and prints what it found.
 */
public final class Golden {
  public static void main(String[] args) throws Exception {
    if (args[0].equals("read")) {
      BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
      for (String line = in.readLine(); line != null; line = in.readLine()) System.out.println(Batches.describe(line));
      return;
    }
    for (ApiMessageType api : ApiMessageType.values()) {
      if (api.apiKey() < 0) continue;
      try {
        messages("request", api.name, api.newRequest());
        messages("response", api.name, api.newResponse());
      } catch (org.apache.kafka.common.errors.UnsupportedVersionException removed) {
        System.err.println("No messages for key " + api.apiKey());
      }
    }
    String base = "org.apache.kafka.common.message.";
    for (String name : List.of("ConsumerProtocolAssignment", "ConsumerProtocolSubscription", "EndTxnMarker",
        "ControlRecordTypeSchema", "DefaultPrincipalData", "RequestHeader", "ResponseHeader")) {
      Class<?> type;
      try {
        type = Class.forName(base + name + (name.endsWith("Data") ? "" : "Data"));
      } catch (ClassNotFoundException absent) {
        try {
          type = Class.forName(base + name);
        } catch (ClassNotFoundException alsoAbsent) {
          continue;
        }
      }
      messages("data", name, (ApiMessage) type.getDeclaredConstructor().newInstance());
    }
    Batches.write();
  }

  static void messages(String kind, String name, ApiMessage prototype) throws Exception {
    Schema[] schemas = (Schema[]) prototype.getClass().getField("SCHEMAS").get(null);
    for (short v = prototype.lowestSupportedVersion(); v <= prototype.highestSupportedVersion(); v++) {
      for (String variant : List.of("full", "sparse")) {
        ApiMessage message = (ApiMessage) prototype.getClass().getDeclaredConstructor().newInstance();
        fill(message, schemas[v], variant.equals("full"), name);
        line(kind, name, v, variant, bytes(message, v));
      }
    }
  }

  static byte[] bytes(Message message, short version) {
    ObjectSerializationCache cache = new ObjectSerializationCache();
    ByteBuffer buffer = ByteBuffer.allocate(message.size(cache, version));
    message.write(new ByteBufferAccessor(buffer), cache, version);
    return buffer.array();
  }

  static void line(String kind, String name, int version, String variant, byte[] bytes) {
    System.out.println(String.join("\t", kind, name, String.valueOf(version), variant,
        Base64.getEncoder().encodeToString(bytes)));
  }

  static void fill(Object target, Schema schema, boolean full, String path) throws Exception {
    for (BoundField bound : schema.fields()) {
      Field field = bound.def;
      if (field.type instanceof TaggedFields) {
        if (!full) continue;
        for (Map.Entry<Integer, Field> tagged : tags((TaggedFields) field.type).entrySet()) {
          set(target, tagged.getValue(), full, path);
        }
      } else {
        set(target, field, full, path);
      }
    }
  }

  /** The getter is missing from 3.9. */
  @SuppressWarnings("unchecked")
  static Map<Integer, Field> tags(TaggedFields type) throws Exception {
    java.lang.reflect.Field fields = TaggedFields.class.getDeclaredField("fields");
    fields.setAccessible(true);
    return (Map<Integer, Field>) fields.get(type);
  }

  static void set(Object target, Field field, boolean full, String path) throws Exception {
    String wanted = "set" + field.name.replace("_", "");
    for (Method method : target.getClass().getMethods()) {
      if (method.getParameterCount() != 1 || !method.getName().toLowerCase(Locale.ROOT).equals(wanted)) continue;
      Object value = value(method.getGenericParameterTypes()[0], method.getParameterTypes()[0], field.type, full,
          path + "." + field.name);
      method.invoke(target, value);
      return;
    }
    throw new IllegalStateException("No setter for " + path + "." + field.name);
  }

  static int hash(String path) {
    CRC32 crc = new CRC32();
    crc.update(path.getBytes(StandardCharsets.UTF_8));
    return (int) crc.getValue();
  }

  static Object value(Type generic, Class<?> type, org.apache.kafka.common.protocol.types.Type wire, boolean full,
      String path) throws Exception {
    if (!full && wire.isNullable()) return null;
    int hash = full ? hash(path) : 0;
    if (type == boolean.class || type == Boolean.class) return (hash & 1) == 1;
    if (type == byte.class || type == Byte.class) return (byte) hash;
    if (type == short.class || type == Short.class) return (short) hash;
    if (type == int.class || type == Integer.class) {
      return wire.toString().equals("UINT16") ? Integer.valueOf(hash & 0xffff) : Integer.valueOf(hash);
    }
    if (type == long.class || type == Long.class) return ((long) hash << 31) ^ hash;
    if (type == double.class) return hash / 7.0;
    if (type == String.class) return full ? path.substring(path.lastIndexOf('.') + 1) + "-é" : "";
    if (type == Uuid.class) return full ? new Uuid((long) hash << 20, hash) : Uuid.ZERO_UUID;
    if (type == byte[].class) return full ? path.getBytes(StandardCharsets.UTF_8) : new byte[0];
    if (type == ByteBuffer.class) return ByteBuffer.wrap(full ? path.getBytes(StandardCharsets.UTF_8) : new byte[0]);
    if (type.getSimpleName().equals("BaseRecords")) return Batches.small();
    if (Collection.class.isAssignableFrom(type)) return collection(generic, type, wire, full, path);
    Object struct = type.getDeclaredConstructor().newInstance();
    fill(struct, (Schema) wire, full, path);
    return struct;
  }

  @SuppressWarnings("unchecked")
  static Object collection(Type generic, Class<?> type, org.apache.kafka.common.protocol.types.Type wire,
      boolean full, String path) throws Exception {
    Type of = type == List.class ? generic : type.getGenericSuperclass();
    Class<?> element = (Class<?>) ((ParameterizedType) of).getActualTypeArguments()[0];
    Collection<Object> result =
        type == List.class ? new ArrayList<>() : (Collection<Object>) type.getDeclaredConstructor().newInstance();
    if (!full) return result;
    for (int i = 0; i < 2; i++) {
      result.add(value(element, element, wire.arrayElementType().get(), full, path + i));
    }
    return result;
  }
}

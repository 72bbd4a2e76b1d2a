import com.google.protobuf.DescriptorProtos.FileDescriptorProto;
import com.google.protobuf.DescriptorProtos.FileDescriptorSet;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FileDescriptor;
import com.google.protobuf.DynamicMessage;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.apicurio.registry.resolver.ParsedSchema;
import io.apicurio.registry.resolver.strategy.ArtifactReference;
import io.apicurio.registry.resolver.strategy.ArtifactReferenceResolverStrategy;
import io.apicurio.registry.resolver.data.Record;
import io.apicurio.registry.serde.config.SerdeConfig;
import io.apicurio.registry.serde.protobuf.MessageIndexesUtil;
import io.apicurio.registry.serde.protobuf.ProtobufDeserializer;
import io.apicurio.registry.serde.protobuf.ProtobufSerializer;
import io.apicurio.registry.utils.protobuf.schema.ProtobufSchema;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Scanner;

/**
 * A client in Java, on Apicurio's serde with Confluent's ids and message indexes.
 *
 * <p>Arguments: the registry's address and a file with a FileDescriptorSet. Reads one line at a
 * time and answers with one:
 *
 * <pre>
 * write TOPIC TYPE JSON   ->  the value in hex
 * read TOPIC HEX          ->  TYPE JSON
 * </pre>
 */
public final class Client {
  public static void main(String[] arguments) throws Exception {
    var types = types(FileDescriptorSet.parseFrom(Files.readAllBytes(Path.of(arguments[1]))));
    var config = new SerdeConfig(config(arguments[0]));
    var serializer = new Writer();
    var deserializer = new Reader();
    serializer.configure(config, false);
    deserializer.configure(config, false);
    var lines = new Scanner(System.in);
    while (lines.hasNextLine()) {
      var words = lines.nextLine().split(" ", 4);
      var answer =
          switch (words[0]) {
            case "write" -> {
              var message = DynamicMessage.newBuilder(types.get(words[2]));
              JsonFormat.parser().merge(words[3], message);
              var value = serializer.serializeData(words[1], message.build());
              yield HexFormat.of().formatHex(value);
            }
            case "read" -> {
              var value = HexFormat.of().parseHex(words[2]);
              var message = deserializer.deserializeData(words[1], value);
              var json = JsonFormat.printer().omittingInsignificantWhitespace().print(message);
              yield message.getDescriptorForType().getFullName() + " " + json;
            }
            default -> throw new IllegalArgumentException(words[0]);
          };
      System.out.println(answer);
    }
    System.exit(0); // the registry's client leaves threads behind
  }

  private static Map<String, Object> config(String registry) {
    return Map.of(
        "apicurio.registry.url", registry,
        "apicurio.registry.artifact-resolver-strategy", TopicRecordName.class.getName(),
        "apicurio.registry.auto-register", false, // a producer never registers
        "apicurio.registry.find-latest", true,
        "apicurio.registry.use-id", "contentId", // the id of Confluent's API
        "apicurio.registry.serde.send-type-ref", false,
        "apicurio.registry.serde.send-indexes", true,
        "apicurio.registry.serde.validation-enabled", false); // knows top-level messages only
  }

  /** Confluent's TopicRecordNameStrategy: topic, dash, full name. */
  public static final class TopicRecordName
      implements ArtifactReferenceResolverStrategy<ProtobufSchema, Message> {
    @Override
    public ArtifactReference artifactReference(
        Record<Message> record, ParsedSchema<ProtobufSchema> schema) {
      var topic = ((io.apicurio.registry.serde.data.SerdeMetadata) record.metadata()).getTopic();
      var name = record.payload().getDescriptorForType().getFullName();
      return ArtifactReference.builder().groupId("default").artifactId(topic + "-" + name).build();
    }

    @Override
    public boolean loadSchema() {
      return false;
    }
  }

  /** The serializer remembers schemas by Java class, and ours all have the same one. */
  private static final class Writer extends ProtobufSerializer<Message> {
    @Override
    protected Object getSchemaCacheKey(Message message) {
      return message.getDescriptorForType().getFullName();
    }
  }

  /** The deserializer skips the message path; this one follows it in the registry's schema. */
  private static final class Reader extends ProtobufDeserializer<Message> {
    @Override
    protected Message internalReadData(
        ParsedSchema<ProtobufSchema> schema, ByteBuffer buffer, int start, int length) {
      var data = new ByteArrayInputStream(buffer.array(), start, length);
      try {
        var path = MessageIndexesUtil.readFrom(data);
        var file = schema.getParsedSchema().getFileDescriptor();
        return DynamicMessage.parseFrom(follow(file.getMessageTypes(), path), data);
      } catch (IOException error) {
        throw new UncheckedIOException(error);
      }
    }

    private static Descriptor follow(List<Descriptor> among, List<Integer> path) {
      var found = among.get(path.get(0));
      var rest = path.subList(1, path.size());
      return rest.isEmpty() ? found : follow(found.getNestedTypes(), rest);
    }
  }

  private static Map<String, Descriptor> types(FileDescriptorSet set) throws Exception {
    var files = new HashMap<String, FileDescriptor>();
    var types = new HashMap<String, Descriptor>();
    for (FileDescriptorProto proto : set.getFileList()) { // imports stand before what imports them
      var imports = proto.getDependencyList().stream().map(files::get).toArray(FileDescriptor[]::new);
      var file = FileDescriptor.buildFrom(proto, imports);
      files.put(proto.getName(), file);
      file.getMessageTypes().forEach(type -> add(types, type));
    }
    return types;
  }

  private static void add(Map<String, Descriptor> types, Descriptor type) {
    types.put(type.getFullName(), type);
    type.getNestedTypes().forEach(nested -> add(types, nested));
  }
}

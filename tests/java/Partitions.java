import java.util.HexFormat;
import java.util.Scanner;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;

/** Says where kafka-clients itself puts a key: reads keys in hex, one a line; argument: partitions. */
public final class Partitions {
  public static void main(String[] arguments) {
    var partitions = Integer.parseInt(arguments[0]);
    var lines = new Scanner(System.in);
    while (lines.hasNextLine()) {
      var key = HexFormat.of().parseHex(lines.nextLine());
      System.out.println(BuiltInPartitioner.partitionForKey(key, partitions));
    }
  }
}

import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerInterceptor;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.tools.ConsumerPerformance;

/**
 * Kafka's own ConsumerPerformance: fetches, and does nothing with the records. Arguments: the number of events, then what
 * ConsumerPerformance takes; its configuration must name {@link Watch} as an interceptor.
 *
 * <p>An interceptor sees every poll's records as they come, and so measures from the first record to the last as the other
 * contenders do; ConsumerPerformance's own figure has its start-up in it.
 */
public final class FetchPeer {
    private static Clock clock;

    private FetchPeer() {}

    public static void main(String[] arguments) throws Exception {
        clock = new Clock(Long.parseLong(arguments[0]));
        String[] rest = new String[arguments.length - 1];
        System.arraycopy(arguments, 1, rest, 0, rest.length);
        ConsumerPerformance.main(rest);
        clock.report(null);
    }

    /** Starts the clock with the first records and counts all. */
    public static final class Watch implements ConsumerInterceptor<byte[], byte[]> {
        @Override
        public ConsumerRecords<byte[], byte[]> onConsume(ConsumerRecords<byte[], byte[]> records) {
            if (!records.isEmpty()) {
                clock.begin(records.count());
                clock.done(records.count());
            }
            return records;
        }

        @Override
        public void onCommit(Map<TopicPartition, OffsetAndMetadata> offsets) {}

        @Override
        public void configure(Map<String, ?> settings) {}

        @Override
        public void close() {}
    }
}

import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.module.blackbird.BlackbirdModule;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.Record;

/**
 * Kafka Streams, one thread, Jackson. Arguments: bootstrap servers, topic, events.
 *
 * <p>Settings, for throughput: one stream thread; 20,000 records a poll and a partition's buffer, in place of 1,000, which
 * took less CPU in trials (fetches above the default of 1 MiB, a larger young generation and the serial collector took more);
 * Jackson with Blackbird and one ObjectReader into a class with public fields. The sums are a HashMap in a processor: a
 * windowed aggregation would add a state store and its changelog, which the other contenders do not have either.
 */
public final class StreamsPeer {
    /** One event as it is in the topic, all of its fields. */
    public static final class Event {
        public String user;
        public long time;
        public String sport;
        public int heart_rate_bpm;
        public int power_w;
        public int cadence_rpm;
        public double speed_m_s;
        public double distance_m;
    }

    private record UserMinute(String user, long minute) {}

    private static final long MINUTE_MS = 60_000;
    private static final int POLL_RECORDS = 20_000;

    private StreamsPeer() {}

    public static void main(String[] arguments) throws Exception {
        Clock clock = new Clock(Long.parseLong(arguments[2]));
        CountDownLatch finished = new CountDownLatch(1);
        Map<UserMinute, Long> sums = new HashMap<>();
        ObjectReader reader = JsonMapper.builder().addModule(new BlackbirdModule()).build().readerFor(Event.class);
        Deserializer<Event> decode = (topic, value) -> {
            clock.begin(1);
            try {
                return reader.readValue(value);
            } catch (IOException error) {
                throw new UncheckedIOException(error);
            }
        };

        StreamsBuilder builder = new StreamsBuilder();
        builder.stream(
                        arguments[1],
                        Consumed.with(Serdes.ByteArray(), Serdes.serdeFrom((topic, event) -> new byte[0], decode)))
                .process(() -> (Processor<byte[], Event, Void, Void>) (Record<byte[], Event> record) -> {
                    Event event = record.value();
                    sums.merge(new UserMinute(event.user, event.time / MINUTE_MS), (long) event.power_w, Long::sum);
                    if (clock.done(1)) {
                        finished.countDown();
                    }
                });

        Path state = Files.createTempDirectory("bench-streams");
        KafkaStreams streams = new KafkaStreams(builder.build(), settings(arguments[0], state));
        streams.setUncaughtExceptionHandler(error -> {
            error.printStackTrace();
            Runtime.getRuntime().halt(1);
            return null;
        });
        streams.start();
        finished.await();
        streams.close();
        streams.cleanUp();
        Files.deleteIfExists(state);
        clock.report(digest(sums));
    }

    private static Properties settings(String bootstrap, Path state) {
        Properties settings = new Properties();
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "bench-" + UUID.randomUUID());
        settings.put(StreamsConfig.STATE_DIR_CONFIG, state.toString());
        settings.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 1);
        settings.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, POLL_RECORDS);
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        settings.put(StreamsConfig.consumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), POLL_RECORDS);
        return settings;
    }

    private static String digest(Map<UserMinute, Long> sums) throws Exception {
        MessageDigest sha = MessageDigest.getInstance("SHA-256");
        sums.entrySet().stream()
                .map(entry -> entry.getKey().user() + ' ' + entry.getKey().minute() + ' ' + entry.getValue() + '\n')
                .sorted()
                .forEach(line -> sha.update(line.getBytes(StandardCharsets.UTF_8)));
        return HexFormat.of().formatHex(sha.digest());
    }
}

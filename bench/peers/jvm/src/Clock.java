import java.util.Locale;

/** Counts records, and takes the time from the first to the last. */
final class Clock {
    private final long expected;
    private long left;
    private long first;
    private long beganNs;
    private long endedNs;

    Clock(long expected) {
        this.expected = expected;
        this.left = expected;
    }

    /** The first {@code count} records are here, in one hand. Later calls do nothing. */
    void begin(long count) {
        if (beganNs == 0) {
            first = count;
            beganNs = System.nanoTime();
        }
    }

    /** Says that {@code count} more were dealt with; whether these were the last. */
    boolean done(long count) {
        left -= count;
        if (left > 0) {
            return false;
        }
        endedNs = System.nanoTime();
        return true;
    }

    /** Prints the result as one line of JSON, the last that this process writes. */
    void report(String digest) {
        System.out.printf(
                Locale.ROOT,
                "{\"events\": %d, \"first\": %d, \"seconds\": %.6f, \"digest\": %s}%n",
                expected - left,
                first,
                (endedNs - beganNs) / 1e9,
                digest == null ? "null" : '"' + digest + '"');
    }
}

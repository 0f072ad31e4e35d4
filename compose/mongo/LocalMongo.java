import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.util.List;
import org.h2.mvstore.MVStore;

/**
 * Starts MongoDB's local stand-in on loopback: {@code java LocalMongo PORT FILE}. Ends cleanly, with all
 * written, on SIGTERM.
 */
public final class LocalMongo {

    /** PyMongo 4.20 refuses a server below wire version 8; 13 is what a real MongoDB 5.0 reports. */
    private static final MongoVersion MONGO_5_0 = new MongoVersion() {
        @Override
        public List<Integer> getVersionArray() {
            return List.of(5, 0, 0);
        }

        @Override
        public int getWireVersion() {
            return 13;
        }
    };

    private static final int CACHE_MB = 64;

    private LocalMongo() {}

    public static void main(String[] args) {
        MVStore store = new MVStore.Builder().fileName(args[1]).cacheSize(CACHE_MB).open();
        MongoServer server = new MongoServer(new H2Backend(store).version(MONGO_5_0));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            server.shutdownNow();
            if (!store.isClosed()) {
                store.close();
            }
        }));
        server.bind("127.0.0.1", Integer.parseInt(args[0]));
    }
}

import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.backend.h2.H2Database;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
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

    /** What these commands did is on the disk before they are answered, as in MongoDB. */
    private static final Set<String> WRITES =
            Set.of("insert", "update", "delete", "findAndModify", "findandmodify", "renameCollection");

    /** Renames as MongoDB does: no other command sees the state in between, and a restart finds the new name. */
    private static final class Backend extends H2Backend {
        private final ReadWriteLock names = new ReentrantReadWriteLock();

        Backend(MVStore store) {
            super(store);
        }

        @Override
        public Document handleMessage(MongoMessage message) {
            String command = message.getDocument().keySet().iterator().next();
            Lock lock = command.equals("renameCollection") ? names.writeLock() : names.readLock();
            Document answer;
            lock.lock();
            // A long scan reads the state that it began with; compaction must not take that away meanwhile.
            MVStore.TxCounter version = getMvStore().registerVersionUsage();
            try {
                answer = super.handleMessage(message);
            } finally {
                getMvStore().deregisterVersionUsage(version);
                lock.unlock();
            }
            if (WRITES.contains(command)) {
                getMvStore().commit(); // without the lock: a slow disk must not keep a rename, and by it all others, waiting
            }
            return answer;
        }

        @Override
        protected MongoDatabase openOrCreateDatabase(String name) {
            return new Database(name, getMvStore(), getCursorRegistry());
        }
    }

    private static final class Database extends H2Database {
        private final MVStore store;

        Database(String name, MVStore store, CursorRegistry cursors) {
            super(name, store, cursors);
            this.store = store;
        }

        /**
         * The library (1.47) looks for the collection's maps after it has given the collection its new name, so it renames
         * none, and a restart finds the documents under the old name. Here they move too.
         */
        @Override
        public void moveCollection(MongoDatabase from, MongoCollection<?> collection, String newName) {
            String was = collection.getFullName();
            super.moveCollection(from, collection, newName);
            String is = collection.getFullName();
            rename("databases." + was, "databases." + is);
            rename("meta." + was, "meta." + is);
            for (String map : List.copyOf(store.getMapNames())) {
                if (map.startsWith(was + "._index_")) {
                    rename(map, is + map.substring(was.length()));
                }
            }
        }

        private void rename(String was, String is) {
            if (store.hasMap(is)) {
                store.removeMap(is); // an empty one, made by the library on its way
            }
            if (store.hasMap(was)) {
                store.renameMap(store.openMap(was), is);
            }
        }
    }

    private LocalMongo() {}

    public static void main(String[] args) {
        MVStore store = new MVStore.Builder().fileName(args[1]).cacheSize(CACHE_MB).open();
        MongoServer server = new MongoServer(new Backend(store).version(MONGO_5_0));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            server.shutdownNow();
            if (!store.isClosed()) {
                store.close();
            }
        }));
        server.bind("127.0.0.1", Integer.parseInt(args[0]));
    }
}

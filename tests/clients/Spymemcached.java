/* Operations of spymemcached, and what they come to. Arguments: HOST PORT */
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.Future;
import java.util.logging.Level;
import java.util.logging.Logger;
import net.spy.memcached.BinaryConnectionFactory;
import net.spy.memcached.CASValue;
import net.spy.memcached.MemcachedClient;

public class Spymemcached {
    static void show(String what, Callable<?> operation) {
        Object result;
        try {
            result = operation.call();
            if (result instanceof Future) {
                result = ((Future<?>) result).get();
            }
        } catch (Exception error) {
            result = error.getClass().getSimpleName();
        }
        String text = result instanceof byte[] ? Arrays.toString((byte[]) result) : String.valueOf(result);
        System.out.println(what + " " + (text.length() > 200 ? text.length() + " letters" : text));
    }

    public static void main(String[] arguments) throws Exception {
        System.setProperty("net.spy.log.LoggerImpl", "net.spy.memcached.compat.log.SunLogger");
        Logger.getLogger("").setLevel(Level.OFF);
        MemcachedClient client = new MemcachedClient(new BinaryConnectionFactory(), List.of(
            new InetSocketAddress(arguments[0], Integer.parseInt(arguments[1]))));
        show("get of nothing", () -> client.get("missing"));
        show("set", () -> client.set("key", 1000, "value"));
        show("get", () -> client.get("key"));
        show("add of what is there", () -> client.add("key", 0, "other"));
        show("add", () -> client.add("new", 0, new byte[] {0, -1, 13, 10}));
        show("get", () -> client.get("new"));
        show("replace", () -> client.replace("key", 0, "second"));
        show("replace of nothing", () -> client.replace("missing", 0, "x"));
        show("append", () -> client.append("key", " and more"));
        show("prepend", () -> client.prepend("key", "first and "));
        show("append to nothing", () -> client.append("missing", "x"));
        show("get", () -> client.get("key"));
        CASValue<Object> gets = client.gets("key");
        show("gets", gets::getValue);
        show("cas", () -> client.cas("key", gets.getCas(), "third"));
        show("stale cas", () -> client.cas("key", gets.getCas(), "fourth"));
        show("touch", () -> client.touch("key", 500));
        show("touch of nothing", () -> client.touch("missing", 500));
        show("get and touch", () -> client.getAndTouch("key", 500).getValue());
        show("incr of nothing", () -> client.incr("number", 1));
        show("incr", () -> client.incr("number", 5, 41));
        show("incr", () -> client.incr("number", 1));
        show("decr", () -> client.decr("number", 100));
        show("incr of text", () -> client.incr("key", 1));
        List<Future<Boolean>> sets = new ArrayList<>();
        List<String> keys = new ArrayList<>();
        for (int i = 0; i < 220; i++) {
            keys.add("key" + i);
            if (i < 200) {
                sets.add(client.set("key" + i, 0, "value" + i));
            }
        }
        for (Future<Boolean> set : sets) {
            set.get();
        }
        show("many at once", () -> new TreeMap<>(client.getBulk(keys)).toString().hashCode());
        byte[] large = new byte[900000];
        new java.util.Random(1).nextBytes(large);
        show("large", () -> client.set("large", 0, large));
        show("get", () -> Arrays.hashCode((byte[]) client.get("large")));
        show("delete", () -> client.delete("key"));
        show("delete of nothing", () -> client.delete("key"));
        show("statistics", () -> client.getStats().values().iterator().next().containsKey("curr_items"));
        show("flush", client::flush);
        show("get", () -> client.get("new"));
        client.shutdown();
    }
}

// An agency that takes its deliveries from Falaj over RabbitMQ, with com.rabbitmq:amqp-client (Debian: librabbitmq-client-java,
// libslf4j-java), for an agency whose connector says mode = "binary":
//
//     CLASSPATH=/usr/share/java/amqp-client.jar:/usr/share/java/slf4j-api.jar
//     AMQP_URL=amqp://moi:password@broker.example:5672/falaj AGENCY=moi java -cp $CLASSPATH Consumer.java
//
// It does what consumer.py does, and says there why. Its register is a file; with a database, put what was seen into the same
// transaction as what was done.

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Envelope;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;

public class Consumer {
    static final String AGENCY = System.getenv("AGENCY");
    static final String URL = System.getenv("AMQP_URL");
    /** To try a refusal: subjects that begin with this are refused. */
    static final String UNKNOWN = System.getenv().getOrDefault("UNKNOWN", "");
    /** How long the broker may take to confirm an outcome, in milliseconds. */
    static final long CONFIRM_MS = 30_000;

    /** What was seen and done: one line each, on the disk before it counts. Fields: word, message id, sequence, outcome, subject. */
    static class Register {
        final Map<String, String> seen = new HashMap<>();
        final Map<String, Long> newest = new HashMap<>();
        final FileChannel file;

        Register(Path path) throws IOException {
            if (Files.exists(path)) {
                for (String line : Files.readAllLines(path)) {
                    String[] parts = line.split("\t", 5);
                    take(parts[0], parts[1], Long.parseLong(parts[2]), parts[3], parts[4]);
                }
            }
            file = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        }

        void take(String word, String id, long sequence, String outcome, String subject) {
            seen.put(id, outcome);
            if (word.equals("applied")) newest.put(subject, sequence);
        }

        String write(String word, String id, long sequence, String outcome, String subject) throws IOException {
            String line = String.join("\t", word, id, Long.toString(sequence), outcome, subject) + "\n";
            file.write(ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8)));
            file.force(true);
            take(word, id, sequence, outcome, subject);
            return word;
        }

        String apply(String id, String subject, long sequence, boolean redrive, byte[] data) throws IOException {
            String before = seen.get(id);
            // What was refused and is sent again because a person asked for it is looked at again.
            if (before != null && !(redrive && before.equals("refused"))) return "repeat";
            if (newest.getOrDefault(subject, 0L) > sequence && !redrive) return write("stale", id, sequence, "applied", subject);
            if (!UNKNOWN.isEmpty() && subject.startsWith(UNKNOWN)) return write("refused", id, sequence, "refused", subject);
            // Here the data is stored.
            return write("applied", id, sequence, "applied", subject);
        }
    }

    static String text(Map<String, Object> headers, String name) {
        Object value = headers.get(name);
        return value == null ? "" : value.toString();
    }

    static void consume(Register register) throws Exception {
        ConnectionFactory factory = new ConnectionFactory();
        factory.setUri(URL);
        // Its own recovery would go on with channels whose messages were offered to somebody else meanwhile.
        factory.setAutomaticRecoveryEnabled(false);
        try (Connection connection = factory.newConnection()) {
            CountDownLatch ended = new CountDownLatch(1);
            connection.addShutdownListener(cause -> ended.countDown());
            Channel outcomes = connection.createChannel();
            outcomes.confirmSelect();
            Channel deliveries = connection.createChannel();
            deliveries.basicQos(20);
            deliveries.addShutdownListener(cause -> ended.countDown());
            deliveries.basicConsume("falaj.out." + AGENCY, false, new DefaultConsumer(deliveries) {
                @Override
                public void handleCancel(String tag) {
                    // The queue is gone.
                    ended.countDown();
                }

                @Override
                public void handleDelivery(String tag, Envelope envelope, AMQP.BasicProperties properties, byte[] body)
                        throws IOException {
                    Map<String, Object> headers = properties.getHeaders() == null ? Map.of() : properties.getHeaders();
                    String id = properties.getMessageId();
                    if (id == null || !(headers.get("falaj-sequence") instanceof Long) || !headers.containsKey("cloudEvents:type")) {
                        System.out.println("rejected " + id);
                        deliveries.basicReject(envelope.getDeliveryTag(), false);
                        return;
                    }
                    long sequence = (Long) headers.get("falaj-sequence");
                    String subject = text(headers, "cloudEvents:subject");
                    boolean redrive = Boolean.TRUE.equals(headers.get("falaj-redrive"));
                    String word = register.apply(id, subject, sequence, redrive, body);
                    String outcome = register.seen.get(id);
                    String delivery = headers.containsKey("falaj-delivery") ? text(headers, "falaj-delivery") : id;
                    String reason = outcome.equals("refused") ? ",\"reason\":\"the register does not know this person\"" : "";
                    String report = "{\"delivery\":\"" + delivery + "\",\"outcome\":\"" + outcome + "\"" + reason + "}";
                    AMQP.BasicProperties says = new AMQP.BasicProperties.Builder()
                            .userId(factory.getUsername()).contentType("application/json").deliveryMode(2).build();
                    try {
                        // Confirmed before the delivery is acknowledged: whoever dies in between is offered it again, and says it again.
                        outcomes.basicPublish("falaj.outcome", AGENCY, true, says, report.getBytes(StandardCharsets.UTF_8));
                        outcomes.waitForConfirmsOrDie(CONFIRM_MS);
                    } catch (Exception unconfirmed) {
                        ended.countDown();
                        return;
                    }
                    deliveries.basicAck(envelope.getDeliveryTag(), false);
                    System.out.println(word + " " + id + " " + subject + " " + sequence);
                }
            });
            System.out.println("waiting for deliveries to " + AGENCY);
            ended.await();
        }
    }

    public static void main(String[] args) throws Exception {
        Register register = new Register(Path.of(System.getenv().getOrDefault("REGISTER", AGENCY + ".tsv")));
        for (long wait = 1; ; wait = Math.min(wait * 2, 30)) {
            long begun = System.nanoTime();
            try {
                consume(register);
            } catch (Exception error) {
                System.err.println("connecting again: " + error);
            }
            if (System.nanoTime() - begun > 60_000_000_000L) wait = 1;
            Thread.sleep(wait * 1000);
        }
    }
}

package org.telltale;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java example of README.md compiles and runs, here with tiny models in the place of the real ones. */
class ReadmeExampleTest {
    @Test
    void theExampleRuns(@TempDir Path folder) throws Exception {
        String source = example();
        source = replaced(
                source, "Salesforce/blip-image-captioning-large", "../models/src/test/resources/golden/blip/tiny-blip");
        source = replaced(source, "models/bert-disaster", "../models/src/test/resources/golden/bert/tiny-bert");
        source = replaced(
                source, "flood.jpg", "../models/src/test/resources/golden/blip/pictures/0-gradient-64x48-rgb.png");
        assertThat(run(folder, source)).matches("(?s)[a-z ]+: \\w+ [0-9.]+\\R");
    }

    private static String example() throws IOException {
        String readme = Files.readString(Path.of("..", "README.md"));
        Matcher block = Pattern.compile("## From Java.*?```java\n(.*?)```", Pattern.DOTALL)
                .matcher(readme);
        assertThat(block.find()).as("a java block below 'From Java'").isTrue();
        return block.group(1);
    }

    private static String replaced(String source, String from, String to) {
        assertThat(source).contains(from);
        return source.replace(from, to);
    }

    private static String run(Path folder, String source) throws Exception {
        Matcher name = Pattern.compile("public class (\\w+)").matcher(source);
        assertThat(name.find()).isTrue();
        Path file = Files.writeString(folder.resolve(name.group(1) + ".java"), source);
        String classPath = System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        int code = ToolProvider.getSystemJavaCompiler()
                .run(null, errors, errors, "-cp", classPath, "-d", folder.toString(), file.toString());
        assertThat(code).as(errors.toString(StandardCharsets.UTF_8)).isZero();
        PrintStream before = System.out;
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (URLClassLoader loader = new URLClassLoader(
                new URL[] {new File(folder.toString()).toURI().toURL()})) {
            System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
            loader.loadClass(name.group(1)).getMethod("main", String[].class).invoke(null, (Object) new String[0]);
        } finally {
            System.setOut(before);
        }
        return out.toString(StandardCharsets.UTF_8);
    }
}

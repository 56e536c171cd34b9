package org.telltale;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** What must never be imported where: the table of ARCHITECTURE.md, row by row. */
class ArchitectureTest {
    private static final String VECTOR_API = "jdk.incubator.vector..";
    private static final String TORNADO = "uk.ac.manchester.tornado..";
    private static final String[] JAVA_BASE = {
        "java.io..",
        "java.lang..",
        "java.math..",
        "java.net..",
        "java.nio..",
        "java.security..",
        "java.text..",
        "java.time..",
        "java.util",
        "java.util.concurrent..",
        "java.util.function..",
        "java.util.random..",
        "java.util.regex..",
        "java.util.stream..",
        "java.util.zip..",
        "org.jspecify.annotations..",
        "org.telltale.engine.."
    };

    private static final JavaClasses OURS = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .withImportOption(location -> !location.contains("-tests.jar"))
            .importPackages("org.telltale");

    private static final Map<String, ArchRule> RULES = rules();

    private static Map<String, ArchRule> rules() {
        Map<String, ArchRule> rules = new LinkedHashMap<>();
        rules.put(
                "engine imports java.base only",
                classes()
                        .that()
                        .resideInAPackage("org.telltale.engine..")
                        .should()
                        .onlyDependOnClassesThat()
                        .resideInAnyPackage(JAVA_BASE));
        never(rules, "org.telltale.engine.nn..", "org.telltale.engine.io..");
        never(rules, "org.telltale.engine.autograd..", "org.telltale.engine.spi..");
        never(rules, "org.telltale.engine.io..", "org.telltale.engine.nn..");
        never(rules, "org.telltale.engine.spi..", "org.telltale.kernels..", "org.telltale.models..");
        never(
                rules,
                "org.telltale.kernels.vector..",
                "org.telltale.models..",
                "org.telltale.app..",
                "org.telltale.api..",
                TORNADO,
                "java.util.stream..");
        never(
                rules,
                "org.telltale.kernels.tornado..",
                "org.telltale.models..",
                "org.telltale.app..",
                "org.telltale.api..",
                VECTOR_API);
        never(rules, "org.telltale.models..", "org.telltale.kernels..", "org.telltale.engine.spi..");
        never(rules, "org.telltale.convert..", "org.telltale.kernels..", "org.telltale.models..");
        never(rules, "org.telltale.app..", VECTOR_API, TORNADO, "org.telltale.kernels..");
        never(rules, "org.telltale.api..", VECTOR_API, TORNADO, "org.telltale.kernels..", "org.telltale.app..");
        rules.put(
                "kernels show one public class",
                classes()
                        .that()
                        .resideInAPackage("org.telltale.kernels..")
                        .and()
                        .resideOutsideOfPackage("org.telltale.kernels.vector.jit..")
                        .and()
                        .arePublic()
                        .and()
                        .areTopLevelClasses()
                        .should()
                        .haveSimpleNameEndingWith("Backend"));
        rules.put(
                "emitted code is the kernels' own",
                classes()
                        .that()
                        .resideInAPackage("org.telltale.kernels.vector.jit..")
                        .should()
                        .onlyHaveDependentClassesThat()
                        .resideInAPackage("org.telltale.kernels.vector.."));
        rules.put(
                "only Main ends the process",
                noClasses()
                        .that()
                        .doNotHaveFullyQualifiedName("org.telltale.app.Main")
                        .should()
                        .callMethod(System.class, "exit", int.class)
                        .orShould()
                        .callMethod(Runtime.class, "exit", int.class)
                        .orShould()
                        .callMethod(Runtime.class, "halt", int.class));
        return rules;
    }

    private static void never(Map<String, ArchRule> rules, String from, String... to) {
        rules.put(
                from + " never imports " + List.of(to),
                noClasses()
                        .that()
                        .resideInAPackage(from)
                        .should()
                        .dependOnClassesThat()
                        .resideInAnyPackage(to)
                        .allowEmptyShould(true));
    }

    @TestFactory
    Stream<DynamicTest> everyRowHolds() {
        return RULES.entrySet().stream()
                .map(r -> dynamicTest(r.getKey(), () -> r.getValue().check(OURS)));
    }

    @Test
    void theClassesOfEveryModuleAreSeen() {
        for (String name : List.of(
                "org.telltale.engine.Tensor",
                "org.telltale.kernels.vector.VectorBackend",
                "org.telltale.kernels.tornado.TornadoBackend",
                "org.telltale.models.Blip",
                "org.telltale.convert.Convert",
                "org.telltale.api.Captioner",
                "org.telltale.app.Main")) {
            assertThat(OURS.contain(name)).as(name).isTrue();
        }
    }

    @Test
    void plantedImportsAreCaught() {
        JavaClasses planted = new ClassFileImporter()
                .importPackages(
                        "org.telltale.models.planted",
                        "org.telltale.kernels.vector.planted",
                        "org.telltale.engine.planted");
        List<String> broken = RULES.entrySet().stream()
                .filter(r ->
                        r.getValue().allowEmptyShould(true).evaluate(planted).hasViolation())
                .map(Map.Entry::getKey)
                .toList();
        assertThat(broken)
                .containsExactly(
                        "engine imports java.base only",
                        "org.telltale.kernels.vector.. never imports [org.telltale.models.., org.telltale.app..,"
                                + " org.telltale.api.., uk.ac.manchester.tornado.., java.util.stream..]",
                        "org.telltale.models.. never imports [org.telltale.kernels.., org.telltale.engine.spi..]",
                        "kernels show one public class",
                        "only Main ends the process");
    }
}

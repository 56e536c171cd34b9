package org.telltale.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.telltale.engine.spi.Backend;

class DeviceTest {
    private static List<Device.Status> gpus() {
        return Device.all(1).stream().filter(s -> s.device().startsWith("gpu")).toList();
    }

    @Test
    void everyBackendIsListedWithWhatItIsOrWhyItCannotBeUsed() {
        assertThat(Device.all(1)).anySatisfy(s -> {
            assertThat(s.device()).isEqualTo("cpu");
            assertThat(s.usable()).isTrue();
        });
        assertThat(gpus()).isNotEmpty().allSatisfy(s -> assertThat(s.detail()).isNotBlank());
    }

    @Test
    void withoutTheSdkAGpuIsRefusedByWhatIsMissingAndNoClassOfItIsThere() {
        Assumptions.assumeFalse(gpus().getFirst().usable(), "a gpu is there");
        assertThatThrownBy(() -> new Device("gpu:1").open(1))
                .isInstanceOf(DeviceException.class)
                .hasMessageStartingWith("device 'gpu:1' cannot be used: gpu: ")
                .hasMessageContaining("TORNADOVM_HOME")
                .hasMessageContaining("docs/tornadovm.md");
        assertThatThrownBy(() -> Class.forName("uk.ac.manchester.tornado.api.TaskGraph"))
                .isInstanceOf(ClassNotFoundException.class);
    }

    @Test
    void autoIsTheCpu() {
        try (Backend auto = Device.auto().open(1)) {
            assertThat(auto.description()).startsWith("cpu");
        }
    }

    @Test
    void aSecondCpuIsNotThere() {
        assertThatThrownBy(() -> new Device("cpu:1").open(1))
                .isInstanceOf(DeviceException.class)
                .hasMessageContaining("there are 1, so that cpu:1 is none of them");
    }

    @Test
    void aNameThatIsNotAWordAndANumberIsRefusedAsAWhole() {
        for (String wrong : List.of("", "gpu:", "gpu:x", "gpu:-1", "gpu:1:2", ":1", "gpu:99999999999")) {
            assertThatThrownBy(() -> new Device(wrong))
                    .isExactlyInstanceOf(IllegalArgumentException.class)
                    .hasMessage("no device has the name '" + wrong
                            + "', expected auto, cpu, gpu or gpu:K, where K is a number");
        }
    }
}

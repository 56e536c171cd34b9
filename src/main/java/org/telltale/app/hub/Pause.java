package org.telltale.app.hub;

import java.time.Duration;

/** How one waits before another try; tests do not. */
@FunctionalInterface
interface Pause {
    void of(Duration time) throws InterruptedException;
}

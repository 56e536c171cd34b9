package org.telltale.engine.autograd;

/** The learning rate by the step, which counts from 0 over all epochs. */
public sealed interface Schedule {
    double at(long step);

    /** The same rate always. */
    record Constant(double rate) implements Schedule {
        @Override
        public double at(long step) {
            return rate;
        }
    }

    /**
     * Rises from 0 in a straight line over the warm-up, then falls to 0 at the last step on the line that starts at the
     * full rate at step 0, so it drops where the warm-up ends: TensorFlow's model garden (SPEC §13.3).
     */
    record WarmUpThenLinear(double rate, long warmUp, long total) implements Schedule {
        public WarmUpThenLinear {
            if (warmUp < 0 || total < 1 || warmUp > total) {
                throw new IllegalArgumentException("a warm-up of " + warmUp + " steps of " + total);
            }
        }

        @Override
        public double at(long step) {
            return step < warmUp
                    ? rate * (double) step / (double) warmUp
                    : rate * (1 - (double) Math.min(step, total) / (double) total);
        }
    }

    /** Rises in a straight line over the warm-up, then falls to 0 after the last step as half a cosine. */
    record Cosine(double rate, long warmUp, long total) implements Schedule {
        public Cosine {
            if (warmUp < 0 || total < 1 || warmUp > total) {
                throw new IllegalArgumentException("a warm-up of " + warmUp + " steps of " + total);
            }
        }

        @Override
        public double at(long step) {
            if (step < warmUp) {
                return rate * (double) (step + 1) / (double) warmUp;
            }
            double done = (double) (Math.min(step, total) - warmUp) / (double) Math.max(total - warmUp, 1);
            return rate * 0.5 * (1 + StrictMath.cos(Math.PI * done));
        }
    }
}

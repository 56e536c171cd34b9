package org.telltale.app.data;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.telltale.engine.DType;
import org.telltale.engine.HostTensor;
import org.telltale.engine.Shape;
import org.telltale.models.image.Augmenter;
import org.telltale.models.image.ImageException;
import org.telltale.models.image.ImageReader;
import org.telltale.models.image.PictureException;
import org.telltale.models.image.Preprocess;

/** Pictures as [height, width, 3] floats, decoded or from a cache. */
final class PictureRows implements BatchRows {
    private static final String PICTURES = "pictures";

    private final List<Sample.Picture> samples;
    private final int[] labels;
    private final PictureOptions options;
    private final Preprocess preprocess;
    private final long seed;
    private final int values;

    /** Whether levels are kept, and rounded, as bytes. */
    private final boolean bytes;

    private final @Nullable PictureCache cache;

    PictureRows(List<Sample.Picture> samples, int[] labels, PictureOptions options, long seed) {
        this.samples = samples;
        this.labels = labels;
        this.options = options;
        this.preprocess = options.preprocess();
        this.seed = seed;
        values = Math.multiplyExact(Math.multiplyExact(preprocess.height(), preprocess.width()), 3);
        bytes = preprocess.wholeLevels() || options.cache().levels() == PictureOptions.Levels.ROUNDED;
        cache = options.cache().used()
                ? PictureCache.open(
                        options.cache(),
                        samples,
                        preprocess.resizing() + " " + options.exif() + (bytes ? " bytes" : " floats"),
                        bytes ? values : values * Float.BYTES)
                : null;
    }

    @Override
    public int count() {
        return samples.size();
    }

    @Override
    public int label(int sample) {
        return labels[sample];
    }

    @Override
    public Map<String, HostTensor> allocate(Arena arena, int batch) {
        Shape shape = Shape.of(batch, preprocess.height(), preprocess.width(), 3);
        return Map.of(PICTURES, HostTensor.allocate(arena, DType.F32, shape));
    }

    @Override
    public void blank(Map<String, HostTensor> tensors, int row) {
        tensors.values()
                .forEach(t -> t.data()
                        .asSlice((long) row * values * Float.BYTES, (long) values * Float.BYTES)
                        .fill((byte) 0));
    }

    @Override
    public Writer writer() {
        return new PictureWriter();
    }

    private final class PictureWriter implements Writer {
        private final float[] levels = new float[values];
        private final Augmenter augmenter =
                new Augmenter(options.augmentation(), preprocess.height(), preprocess.width());
        private final byte[] kept = new byte[cache == null ? 0 : cache.payload()];

        @Override
        public void write(Map<String, HostTensor> tensors, int row, int sample, long epoch, long batch)
                throws IOException {
            read(sample);
            augmenter.apply(levels, seed, epoch, sample, batch);
            for (HostTensor t : tensors.values()) {
                preprocess.normalize(levels, t.data(), (long) row * values * Float.BYTES);
            }
        }

        private void read(int sample) throws ImageException {
            if (cache == null) {
                decode(sample);
            } else if (cache.get(sample, kept)) {
                fromKept();
            } else {
                decode(sample);
                toKept();
                cache.put(sample, kept);
                fromKept();
            }
        }

        private void decode(int sample) throws ImageException {
            Sample.Picture picture = samples.get(sample);
            try {
                preprocess.resizeInto(ImageReader.read(picture.file(), options.exif()), levels);
            } catch (PictureException e) {
                throw new ImageException(picture.file() + ": " + e.getMessage(), e);
            }
        }

        private void toKept() {
            if (bytes) {
                for (int i = 0; i < values; i++) {
                    kept[i] = (byte) (int) (levels[i] + 0.5f);
                }
            } else {
                ByteBuffer.wrap(kept)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .asFloatBuffer()
                        .put(levels);
            }
        }

        private void fromKept() {
            if (bytes) {
                for (int i = 0; i < values; i++) {
                    levels[i] = kept[i] & 0xff;
                }
            } else {
                ByteBuffer.wrap(kept)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .asFloatBuffer()
                        .get(levels);
            }
        }
    }

    @Override
    public List<String> notes() {
        return cache == null ? List.of() : cache.notes();
    }

    @Override
    public void close() {
        if (cache != null) {
            cache.close();
        }
    }
}

package org.telltale.app.experiment;

import java.util.Locale;
import java.util.function.BooleanSupplier;
import org.telltale.api.AttendedCaption;
import org.telltale.api.AttentionCaptioner;
import org.telltale.api.Caption;
import org.telltale.api.Captioner;
import org.telltale.api.Interrogator;
import org.telltale.api.ModelOptions;
import org.telltale.api.Timings;
import org.telltale.app.data.CaptionRecord;
import org.telltale.app.data.Entry;
import org.telltale.app.data.Header;
import org.telltale.app.data.PromptRecord;
import org.telltale.app.data.UserCache;
import org.telltale.app.pipeline.TableProgress;
import org.telltale.models.decode.BeamSearch;
import org.telltale.models.decode.GenerationOptions;
import org.telltale.models.image.Pixels;
import org.telltale.models.interrogate.Rules;
import tools.jackson.databind.node.ObjectNode;

/** A captioner of a plan, opened. */
interface Captioning extends AutoCloseable {
    /** What it says of a picture. */
    Entry of(String id, Pixels picture, BooleanSupplier cancelled);

    /** What computes. */
    String device();

    @Override
    void close();

    /** The kind of the records that a captioner makes. */
    static String kind(Plan.Captioner captioner) {
        return captioner instanceof Plan.Interrogated ? Header.PROMPTS : Header.CAPTIONS;
    }

    /** What decides about a captioner's texts, for the header. */
    static void describe(Plan.Captioner captioner, Setup setup, Hashes hashes, ObjectNode node) {
        ObjectNode configuration = node.putObject("configuration");
        configuration.put("captioner", captioner.name());
        configuration.put("exif", setup.options().exif().name().toLowerCase(Locale.ROOT));
        node.put("precision", setup.options().precision().name().toLowerCase(Locale.ROOT));
        switch (captioner) {
            case Plan.Blip b -> {
                node.set("sha256", hashes.model(b.model()));
                configuration.put("prompt", b.prompt());
                configuration.put("minLength", b.how().minLength());
                configuration.put("maxLength", b.how().limit());
                if (b.how().strategy() instanceof BeamSearch s) {
                    configuration.put("beams", s.beams());
                    configuration.put("rule", s.rule().name().toLowerCase(Locale.ROOT));
                }
            }
            case Plan.AttentionGru a -> {
                node.set("sha256", hashes.model(a.model()));
                a.sampled().ifPresent(seed -> configuration.put("sampleSeed", seed));
            }
            case Plan.Interrogated i -> {
                node.set("sha256", hashes.model(i.model()));
                configuration.set("captionerSha256", hashes.model(i.captioner()));
                configuration.set("listsSha256", hashes.folder(i.lists()));
                configuration.put("rules", i.rules() == Rules.V2_2 ? "2.2" : "0.6");
                configuration.put("mode", i.mode().name().toLowerCase(Locale.ROOT));
                configuration.put("maxFlavors", i.flavors().orElse(i.mode().defaultFlavors()));
                i.beams().ifPresent(n -> configuration.put("beams", n));
            }
            case Plan.Given g -> configuration.put("file", g.file().toString());
        }
    }

    /** Opens a captioner that computes. */
    static Captioning open(Plan.Captioner captioner, Setup setup) {
        return switch (captioner) {
            case Plan.Blip b -> new Blip(b, setup.options());
            case Plan.AttentionGru a -> new Words(a, setup.options());
            case Plan.Interrogated i -> new Prompts(i, setup);
            case Plan.Given g -> throw new IllegalArgumentException(g.name() + " has its captions already");
        };
    }

    /** BLIP. */
    final class Blip implements Captioning {
        private final Captioner captioner;
        private final GenerationOptions how;

        Blip(Plan.Blip plan, ModelOptions options) {
            how = plan.how();
            captioner = Captioner.model(plan.model())
                    .options(options)
                    .prompt(plan.prompt())
                    .open();
            captioner.check(how);
        }

        @Override
        public Entry of(String id, Pixels picture, BooleanSupplier cancelled) {
            Caption c = captioner.caption(picture, how, cancelled);
            return new CaptionRecord(id, c.text(), c.logProb());
        }

        @Override
        public String device() {
            return captioner.device();
        }

        @Override
        public void close() {
            captioner.close();
        }
    }

    /** The attention and GRU captioner. */
    final class Words implements Captioning {
        private final AttentionCaptioner captioner;
        private final Plan.AttentionGru plan;

        Words(Plan.AttentionGru plan, ModelOptions options) {
            this.plan = plan;
            captioner = AttentionCaptioner.open(plan.model(), options);
        }

        /** Where words are drawn every picture has draws of its own, wherever the captioning begins. */
        @Override
        public Entry of(String id, Pixels picture, BooleanSupplier cancelled) {
            GenerationOptions how = plan.sampled().isPresent()
                    ? captioner.sampling(plan.sampled().getAsLong() * 31 + id.hashCode())
                    : captioner.greedy();
            AttendedCaption c = captioner.caption(picture, how, cancelled);
            return new CaptionRecord(id, c.caption().text(), c.caption().logProb());
        }

        @Override
        public String device() {
            return captioner.device();
        }

        @Override
        public void close() {
            captioner.close();
        }
    }

    /** The CLIP Interrogator. */
    final class Prompts implements Captioning {
        private final Interrogator interrogator;

        Prompts(Plan.Interrogated plan, Setup setup) {
            Interrogator.Builder builder = Interrogator.model(
                            plan.model(), plan.lists(), plan.cache().orElseGet(UserCache::tables))
                    .captioner(plan.captioner())
                    .rules(plan.rules())
                    .mode(plan.mode())
                    .options(setup.options())
                    .timings(new Timings())
                    .listener(new TableProgress(setup.terminal(), setup.verbose()));
            plan.flavors().ifPresent(builder::flavors);
            plan.beams().ifPresent(builder::beams);
            plan.tableName().ifPresent(builder::tableName);
            interrogator = builder.open();
        }

        @Override
        public Entry of(String id, Pixels picture, BooleanSupplier cancelled) {
            Interrogator.Answer a = interrogator.interrogate(picture, cancelled);
            return new PromptRecord(
                    id, a.found().prompt(), a.caption(), a.found().similarity(), null);
        }

        @Override
        public String device() {
            return interrogator.device();
        }

        @Override
        public void close() {
            interrogator.close();
        }
    }
}

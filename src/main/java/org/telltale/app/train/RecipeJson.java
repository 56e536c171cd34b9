package org.telltale.app.train;

import org.telltale.engine.autograd.Adam;
import org.telltale.engine.autograd.Optimizer;
import org.telltale.engine.autograd.RmsProp;
import org.telltale.engine.autograd.Sgd;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A recipe as a run folder and a model card tell it: every number that it takes to repeat the run. */
final class RecipeJson {
    private RecipeJson() {}

    static ObjectNode of(Recipe recipe) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("name", recipe.name());
        node.put("size", recipe.size());
        node.put("batch", recipe.batch());
        node.put("dropRemainder", recipe.dropRemainder());
        ArrayNode augmentation = node.putArray("augmentation");
        recipe.augmentation().transforms().forEach(t -> augmentation.add(t.toString()));
        ObjectNode head = node.putObject("head");
        head.put("norm", recipe.head().norm());
        head.put("dropout", recipe.head().dropout());
        ArrayNode phases = node.putArray("phases");
        for (Recipe.Phase p : recipe.phases()) {
            ObjectNode phase = phases.addObject();
            phase.put("name", p.name());
            phase.put("epochs", p.epochs());
            switch (p.rate()) {
                case Recipe.Rate.Constant c -> phase.put("learningRate", c.rate());
                case Recipe.Rate.WarmUp w -> {
                    phase.put("learningRate", w.rate());
                    phase.put("warmUp", w.share());
                }
                case Recipe.Rate.Cosine c -> {
                    phase.put("learningRate", c.rate());
                    phase.put("warmUp", c.share());
                    phase.put("fall", "cosine");
                }
            }
            phase.set("optimizer", of(p.optimizer()));
            phase.put("clip", p.clip());
            phase.put("trained", p.trained().pattern());
        }
        if (recipe.smoothing() > 0) {
            node.put("smoothing", recipe.smoothing());
        }
        return node;
    }

    private static ObjectNode of(Optimizer optimizer) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        switch (optimizer) {
            case Adam a -> {
                node.put("rule", "adam");
                node.put("beta1", a.beta1());
                node.put("beta2", a.beta2());
                node.put("epsilon", a.epsilon());
                node.put("epsilonPlace", a.place().name());
                node.put("decay", a.decay());
                node.put("undecayed", a.undecayed().pattern());
            }
            case RmsProp r -> {
                node.put("rule", "rmsprop");
                node.put("rho", r.rho());
                node.put("epsilon", r.epsilon());
                node.put("epsilonPlace", r.place().name());
            }
            case Sgd s -> {
                node.put("rule", "sgd");
                node.put("momentum", s.momentum());
                node.put("nesterov", s.nesterov());
            }
        }
        return node;
    }
}

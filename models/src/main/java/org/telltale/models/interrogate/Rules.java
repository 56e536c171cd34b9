package org.telltale.models.interrogate;

import java.util.ArrayList;
import java.util.List;

/** Whose logic: that of the paper's notebook 2.2, or that of the library from 0.4.3 to 0.6.0 (SPEC §12.9). */
public enum Rules {
    V2_2("dribble"),
    V0_6("dribbble");

    private final String dribble;

    Rules(String dribble) {
        this.dribble = dribble;
    }

    /** The labels that name web sites; 2.2 misspells one of them. */
    public List<String> trendings() {
        List<String> sites = List.of(
                "Artstation",
                "behance",
                "cg society",
                "cgsociety",
                "deviantart",
                dribble,
                "flickr",
                "instagram",
                "pexels",
                "pinterest",
                "pixabay",
                "pixiv",
                "polycount",
                "reddit",
                "shutterstock",
                "tumblr",
                "unsplash",
                "zbrush central");
        List<String> all = new ArrayList<>(sites);
        sites.forEach(s -> all.add("trending on " + s));
        sites.forEach(s -> all.add("featured on " + s));
        sites.forEach(s -> all.add(s + " contest winner"));
        return List.copyOf(all);
    }
}

package org.telltale.app.hub;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.telltale.api.ModelFolder;
import org.telltale.app.data.DataException;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The files of a revision, as the hub lists them.
 *
 * @param commit of the revision, 40 hexadecimal digits
 * @param licence as the model's card names it, or empty
 */
public record RepoListing(ModelFolder.Id id, String commit, String licence, List<RemoteFile> files) {
    static final int MAX_BYTES = 16 << 20;

    /** Reads the answer of {@code /api/models/ID/revision/REVISION?blobs=true}. */
    static RepoListing parse(ModelFolder.Id id, byte[] json) {
        JsonNode root;
        try {
            root = JsonMapper.shared().readTree(json);
        } catch (JacksonException e) {
            throw new DataException(id + ": the list of files is not JSON: " + Names.shown(e.getOriginalMessage()), e);
        }
        String commit = root.path("sha").stringValue("");
        if (!Names.isCommit(commit) || !root.path("siblings").isArray()) {
            throw new DataException(id + ": the list of files has no commit or no siblings, expected the answer of"
                    + " Hugging Face's /api/models");
        }
        List<RemoteFile> files = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        for (JsonNode s : root.path("siblings")) {
            String path = Names.path(id.toString(), s.path("rfilename").stringValue(""));
            if (!seen.add(path)) {
                throw new DataException(id + ": the server names the file \"" + Names.shown(path) + "\" twice");
            }
            JsonNode lfs = s.path("lfs");
            String hash = lfs.isObject()
                    ? lfs.path("sha256").stringValue(lfs.path("oid").stringValue(""))
                    : s.path("blobId").stringValue("");
            int digits = lfs.isObject() ? RemoteFile.SHA256 : RemoteFile.GIT;
            if (!hash.isEmpty() && (Names.hash(hash).isEmpty() || hash.length() != digits)) {
                throw new DataException(id + ": " + Names.shown(path) + " has the hash \"" + Names.shown(hash)
                        + "\", expected " + digits + " hexadecimal digits");
            }
            JsonNode size = s.has("size") ? s.path("size") : lfs.path("size");
            boolean isSize = size.isIntegralNumber() && size.canConvertToLong() && size.longValue() >= 0;
            if (!size.isMissingNode() && !size.isNull() && !isSize) {
                throw new DataException(
                        id + ": " + Names.shown(path) + " has the size " + Names.shown(size.toString()));
            }
            files.add(new RemoteFile(path, isSize ? size.longValue() : -1, hash));
        }
        return new RepoListing(id, commit, licence(root), List.copyOf(files));
    }

    private static String licence(JsonNode root) {
        JsonNode card = root.path("cardData").path("license");
        String licence = card.isArray() ? card.path(0).stringValue("") : card.stringValue("");
        for (JsonNode tag : root.path("tags")) {
            String text = tag.stringValue("");
            if (licence.isEmpty() && text.startsWith("license:")) {
                licence = text.substring("license:".length());
            }
        }
        return Names.shown(licence);
    }
}

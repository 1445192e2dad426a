package record

import (
	"strings"

	"tenon/fhir/tree"
)

// caseExtension makes a resource a member of a case that no element of R4 could
// tie to it. Its valueReference is Task/{root}.
const caseExtension = "urn:tenon:extension:case"

// cutRef splits "Type/id" or "Type/id/_history/n".
func cutRef(ref string) (typ, id string, ok bool) {
	typ, rest, ok := strings.Cut(ref, "/")
	if !ok || typ == "" {
		return "", "", false
	}
	id, _, _ = strings.Cut(rest, "/")
	return typ, id, id != "" && !strings.Contains(typ, ":")
}

// local turns a reference string into "Type/id" when it points into this server.
func (r *Recorder) local(ref string) (typ, id string, ok bool) {
	if base := r.o.BaseURL; base != "" {
		ref = strings.TrimPrefix(strings.TrimPrefix(ref, base), "/")
	}
	typ, id, ok = cutRef(ref)
	return typ, id, ok && r.o.Model.IsResource(typ)
}

// references calls each for every literal reference in the resource, with the
// node of the string.
func references(n tree.Node, each func(ref tree.Node)) {
	switch n.Kind() {
	case tree.Object:
		for name, child := range n.Fields() {
			if name == "reference" && child.Kind() == tree.String {
				each(child)
				continue
			}
			references(child, each)
		}
	case tree.Array:
		for child := range n.Items() {
			references(child, each)
		}
	}
}

// about is the patient that a resource is about ("Patient/x"), or "".
func (r *Recorder) about(root tree.Node, id string) string {
	if root.Path("resourceType").Str() == "Patient" {
		return "Patient/" + id
	}
	for _, name := range []string{"subject", "patient", "for", "beneficiary", "individual"} {
		typ, id, ok := r.local(root.Path(name, "reference").Str())
		if ok && typ == "Patient" {
			return "Patient/" + id
		}
	}
	return ""
}

// attachments calls each for every Binary that the resource names as content of
// an Attachment, with the SHA-256 that the resource states for it ("" if none).
func (r *Recorder) attachments(n tree.Node, each func(binaryID, sha256 string)) {
	switch n.Kind() {
	case tree.Object:
		if typ, id, ok := r.local(n.Field("url").Str()); ok && typ == "Binary" {
			each(id, statedDigest(n))
		}
		for _, child := range n.Fields() {
			r.attachments(child, each)
		}
	case tree.Array:
		for child := range n.Items() {
			r.attachments(child, each)
		}
	}
}

// statedDigest is the SHA-256 extension of an Attachment: its own hash element
// is SHA-1 by definition.
func statedDigest(attachment tree.Node) string {
	for ext := range attachment.Field("extension").Items() {
		if ext.Field("url").Str() == "urn:tenon:extension:sha-256" {
			return strings.ToLower(ext.Field("valueString").Str())
		}
	}
	return ""
}

package validate

// https://hl7.org/fhir/R4/bundle.html#references

import (
	"strings"

	"tenon/fhir/tree"
)

// bundle is a Bundle that the value in hand stands in, with its entry.
type bundle struct {
	node, entry tree.Node
	index       *bundleIndex // made when a reference is first looked for
}

// bundleIndex finds the resources of a Bundle by fullUrl, and by Type/id where
// an entry has none. Of two the first counts.
type bundleIndex struct{ byURL, byName map[string]tree.Node }

func (b *bundle) indexed() *bundleIndex {
	if b.index != nil {
		return b.index
	}
	b.index = &bundleIndex{map[string]tree.Node{}, map[string]tree.Node{}}
	for entry := range b.node.Field("entry").Items() {
		resource := entry.Field("resource")
		if !resource.Exists() {
			continue
		}
		in, key := b.index.byURL, entry.Field("fullUrl").Str()
		if key == "" {
			in, key = b.index.byName, resource.Field("resourceType").Str()+"/"+resource.Field("id").Str()
		}
		if _, taken := in[key]; !taken {
			in[key] = resource
		}
	}
	return b.index
}

// resolved finds the target of a Reference, canonical or uri.
func (w *walker) resolved(v value) (tree.Node, bool) {
	ref := v.node.Str()
	if v.node.Kind() == tree.Object {
		ref = v.node.Field("reference").Str()
	}
	return w.resolve(ref)
}

// resolve finds what a literal reference points to: a contained resource, an
// entry of the Bundle around, or what the caller knows.
func (w *walker) resolve(ref string) (tree.Node, bool) {
	switch {
	case ref == "":
		return tree.Node{}, false
	case ref == "#":
		return w.container, w.container.Exists()
	case ref[0] == '#':
		n := w.contained(ref[1:])
		return n, n.Exists()
	}
	if n, ok := w.inBundle(ref); ok {
		return n, true
	}
	if w.o.Resolve != nil {
		if n, ok := w.o.Resolve(ref); ok && n.Kind() == tree.Object {
			return n, true
		}
	}
	return tree.Node{}, false
}

// inBundle finds an entry by the rules of fullUrl: an absolute URL is a fullUrl,
// Type/id is taken below the base of the entry that refers.
func (w *walker) inBundle(ref string) (tree.Node, bool) {
	ref, _, _ = strings.Cut(ref, "#")
	plainRef, _, _ := strings.Cut(ref, "/_history/")
	for i := len(w.bundles) - 1; i >= 0; i-- {
		b := &w.bundles[i]
		want := plainRef
		if !strings.Contains(ref, ":") {
			want = base(b.entry.Field("fullUrl").Str()) + plainRef
		}
		index := b.indexed()
		if n, ok := index.byURL[want]; ok {
			return n, true
		}
		if n, ok := index.byName[plainRef]; ok {
			return n, true
		}
	}
	return tree.Node{}, false
}

// base is the part of a RESTful URL before Type/id, with its slash; "" for what
// is none.
func base(fullURL string) string {
	if !strings.HasPrefix(fullURL, "http:") && !strings.HasPrefix(fullURL, "https:") {
		return ""
	}
	rest, _, ok := cutLast(fullURL)
	if !ok {
		return ""
	}
	rest, _, ok = cutLast(rest)
	if !ok {
		return ""
	}
	return rest + "/"
}

// elsewhere runs f with another resource as the one in hand.
func (w *walker) elsewhere(target tree.Node, f func()) {
	container, containeds, resource, root, inside := w.container, w.containeds, w.resource, w.root, w.inside
	frames, bundles := w.frames, w.bundles
	w.resource = target
	if !w.isContained(target) {
		w.container, w.containeds, w.inside = target, nil, false
	}
	if len(w.bundles) > 0 && target.Doc() == w.root.Doc() {
		w.bundles = append([]bundle(nil), w.bundles...)
		w.bundles[len(w.bundles)-1].entry = w.entryOf(target)
	} else if target.Doc() != w.root.Doc() {
		w.bundles = nil
	}
	w.frames = append(make([]frame, 0, 16), frame{name: target.Field("resourceType").Str(), index: -1})
	f()
	w.frames, w.bundles = frames, bundles
	w.container, w.containeds, w.resource, w.root, w.inside = container, containeds, resource, root, inside
}

func (w *walker) isContained(n tree.Node) bool {
	for c := range w.container.Field("contained").Items() {
		if c == n {
			return true
		}
	}
	return false
}

// entryOf finds the entry of the innermost Bundle that holds a resource.
func (w *walker) entryOf(n tree.Node) tree.Node {
	for entry := range w.bundles[len(w.bundles)-1].node.Field("entry").Items() {
		if entry.Field("resource") == n {
			return entry
		}
	}
	return tree.Node{}
}

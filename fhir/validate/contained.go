package validate

import (
	"fmt"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// fragment is a reference into the contained resources: "#id", or "#" for the
// container, and where it stands.
type fragment struct {
	text string
	from tree.Node // the resource that it stands in
}

// refers notes a reference to a contained resource or to the container.
func (w *walker) refers(text string) {
	if w.deep && len(w.fragments) < 1<<16 {
		w.fragments = append(w.fragments, fragment{text, w.resource})
	}
}

// unreferenced is dom-3: something points to each contained resource, or it
// points to its container.
func (w *walker) unreferenced(n tree.Node, seen []fragment) {
	list := n.Field("contained")
	if list.Kind() != tree.Array || w.o.Contained == IgnoreContained {
		return
	}
	pointed, back := map[string]bool{}, map[tree.Node]bool{}
	for _, f := range seen {
		pointed[f.text] = true
		if f.text == "#" {
			back[f.from] = true
		}
	}
	w.push("contained", 0)
	for c := range list.Items() {
		if id := c.Field("id").Str(); !pointed["#"+id] && !back[c] {
			w.add(issue.Invariant, "dom-3", fmt.Sprintf("nothing refers to the contained resource %s, and it does not refer to its container: leave it out or refer to it", quote(id)),
				fmt.Sprintf("没有引用指向被包含资源 %s，它也不引用其容器：请删除或引用它", quote(id)))
		}
		w.frames[len(w.frames)-1].index++
	}
	w.pop()
}

package record

import (
	"encoding/json"

	"tenon/fhir/tree"
)

// mergePatch applies a JSON Merge Patch: null takes a member out, an object is
// merged into the one that is there, anything else takes its place.
// https://www.rfc-editor.org/rfc/rfc7396
func mergePatch(target, patch tree.Node) []byte {
	if patch.Kind() != tree.Object {
		return patch.Raw()
	}
	out := []byte{'{'}
	put := func(name string, raw []byte) {
		if len(out) > 1 {
			out = append(out, ',')
		}
		quoted, _ := json.Marshal(name) // a string always marshals
		out = append(append(append(out, quoted...), ':'), raw...)
	}
	if target.Kind() == tree.Object {
		for name, old := range target.Fields() {
			switch change := patch.Field(name); {
			case !change.Exists():
				put(name, old.Raw())
			case change.Kind() != tree.Null:
				put(name, mergePatch(old, change))
			}
		}
	}
	for name, change := range patch.Fields() {
		if change.Kind() == tree.Null || target.Kind() == tree.Object && target.Field(name).Exists() {
			continue
		}
		put(name, mergePatch(tree.Node{}, change))
	}
	return append(out, '}')
}

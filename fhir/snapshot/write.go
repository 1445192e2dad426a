package snapshot

import (
	"bytes"
	"encoding/json"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

// splice puts the snapshot into the source of the definition, in front of the
// differential unless there is one to replace.
func splice(sd tree.Node, root *element) ([]byte, error) {
	w := writer{out: []byte(`{"element":[`)}
	if !w.write(root, root.name, root.name) {
		return nil, refuse(issue.TooCostly, "snapshot-size", "StructureDefinition.differential",
			"the snapshot would be larger than %d bytes", "快照将超过 %d 字节", maxBytes)
	}
	made := append(w.out, ']', '}')
	src := sd.Doc().Src()
	from, to := sd.Span()
	edit := tree.Edit{With: made}
	if old := sd.Field("snapshot"); old.Exists() {
		edit.Start, edit.End = old.Span()
	} else {
		edit.Start, _ = sd.Field("differential").NameSpan()
		edit.End = edit.Start
		edit.With = append(append([]byte(`"snapshot":`), made...), ',')
	}
	edit.Start, edit.End = edit.Start-from, edit.End-from
	return tree.Apply(src[from:to], []tree.Edit{edit}), nil
}

type writer struct {
	out  []byte
	more bool
}

// write writes an element and all below it; false when it grew too large.
func (w *writer) write(e *element, path, id string) bool {
	if len(w.out) > maxBytes {
		return false
	}
	if w.more {
		w.out = append(w.out, ',')
	}
	w.more = true
	w.element(e, path, id)
	for _, c := range e.children {
		below := id + "." + c.name
		if c.slice != "" {
			below += ":" + c.slice
		}
		if !w.write(c, path+"."+c.name, below) {
			return false
		}
	}
	for _, s := range e.slices {
		if !w.write(s, path, id+":"+s.slice) {
			return false
		}
	}
	return true
}

func (w *writer) element(e *element, path, id string) {
	w.out = append(append(w.out, `{"id":`...), quoted(id)...)
	due := []member{{name: "path", raw: []byte(quoted(path))}}
	if e.slice != "" {
		due = append(due, member{name: "sliceName", raw: []byte(quoted(e.slice))})
	}
	for _, m := range e.members {
		for len(due) > 0 && rank(due[0].name) < rank(m.name) {
			w.member(due[0])
			due = due[1:]
		}
		w.member(m)
	}
	for _, m := range due {
		w.member(m)
	}
	w.out = append(w.out, '}')
}

func (w *writer) member(m member) {
	w.out = append(append(append(w.out, `,"`...), m.name...), `":`...)
	w.out = append(w.out, m.raw...)
}

// quoted writes a JSON string.
func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return string(bytes.TrimSuffix(b.Bytes(), []byte{'\n'}))
}

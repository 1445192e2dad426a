package record

import (
	"bytes"
	"fmt"
	"slices"
	"sync"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// The code systems of the labels.
const (
	levelSystem           = "urn:tenon:data-level"
	integritySystem       = "urn:tenon:integrity"
	confidentialitySystem = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
)

// confidentiality maps a level to the code of v3-Confidentiality (grading.md §2.1).
var confidentiality = [...]string{1: "U", 2: "L", 3: "M", 4: "N", 5: "V"}

// Labelled is the version as it leaves the server: the stored bytes with the
// labels of its grade added to meta.security. The labels are no part of the
// record: grading anew makes no version and breaks no signature.
func (v *Version) Labelled() []byte { return Labelled(v.Body, v.Level, v.Integrity) }

// Labelled adds the labels of a grade to the bytes of a resource.
func Labelled(body []byte, level access.Level, integrity uint8) []byte {
	if level == 0 || int(level) >= len(confidentiality) {
		return body
	}
	labels := fmt.Appendf(nil, `{"system":%q,"code":"L%d"}`, levelSystem, level)
	if integrity > 0 {
		labels = fmt.Appendf(labels, `,{"system":%q,"code":"Q%d"}`, integritySystem, integrity)
	}
	labels = fmt.Appendf(labels, `,{"system":%q,"code":%q}`, confidentialitySystem, confidentiality[level])
	at, with, ok := labelPlace(body, labels)
	if !ok {
		return body
	}
	out := make([]byte, 0, len(body)+len(with))
	out = append(append(out, body[:at]...), with...)
	return append(out, body[at:]...)
}

// arenas are reused: every answer goes through here.
var arenas = sync.Pool{New: func() any { return new(tree.Doc) }}

// labelPlace finds where the labels go: into an existing meta.security, or as a
// new member at the end of meta. Splice has put meta into every stored body.
func labelPlace(body, labels []byte) (at int, with []byte, ok bool) {
	// Splice writes "meta" near the front, but a client may have placed it
	// anywhere; the tree finds it.
	d := arenas.Get().(*tree.Doc)
	defer arenas.Put(d)
	if err := d.Parse(body, tree.Limits{}); err != nil {
		return 0, nil, false
	}
	meta := d.Root().Field("meta")
	if meta.Kind() != tree.Object {
		return 0, nil, false
	}
	if security := meta.Field("security"); security.Kind() == tree.Array && security.Len() > 0 {
		_, end := security.Span()
		return end - 1, append([]byte{','}, labels...), true
	}
	_, end := meta.Span()
	return end - 1, bytes.Join([][]byte{[]byte(`,"security":[`), labels, []byte(`]`)}, nil), true
}

// unlabelled takes the server's own labels out of what a client sends: it read
// them with the resource and puts them back, but they are no part of the record,
// and would stand there twice, or against a later grade. The confidentiality
// code goes with the labels that it follows; one that a client sets by itself
// stays.
func unlabelled(root tree.Node) (tree.Node, error) {
	security := root.Path("meta", "security")
	if !slices.ContainsFunc(slices.Collect(security.Items()), ownLabel) {
		return root, nil
	}
	kept := []byte{'['}
	after := false // a label of ours
	for coding := range security.Items() {
		ours := ownLabel(coding)
		echo := after && coding.Field("system").Str() == confidentialitySystem
		if after = ours; ours || echo {
			continue
		}
		if len(kept) > 1 {
			kept = append(kept, ',')
		}
		kept = append(kept, coding.Raw()...)
	}
	op := "replace"
	if len(kept) == 1 {
		op = "remove" // FHIR has no empty arrays
	}
	body, err := edit(root, []string{"meta", "security"}, op, append(kept, ']'), 0)
	if err != nil {
		return root, err
	}
	return parsed(body)
}

func ownLabel(coding tree.Node) bool {
	system := coding.Field("system").Str()
	return system == levelSystem || system == integritySystem
}

package record

import (
	"bytes"
	"fmt"
	"sync"

	"tenon/fhir/tree"
	"tenon/server/access"
)

// confidentiality maps a level to the code of
// http://terminology.hl7.org/CodeSystem/v3-Confidentiality (grading.md §2.1).
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
	labels := fmt.Appendf(nil, `{"system":"urn:tenon:data-level","code":"L%d"}`, level)
	if integrity > 0 {
		labels = fmt.Appendf(labels, `,{"system":"urn:tenon:integrity","code":"Q%d"}`, integrity)
	}
	labels = fmt.Appendf(labels, `,{"system":"http://terminology.hl7.org/CodeSystem/v3-Confidentiality","code":%q}`, confidentiality[level])
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

package tree

import (
	"bytes"
	"encoding/json"
	"slices"
	"time"

	"tenon/fhir/issue"
)

// Edit replaces the bytes from Start up to End of a source.
type Edit struct {
	Start, End int
	With       []byte
}

// Apply makes a copy of src with the edits done; src stays as it is. Edits may
// come in any order; those that start at the same place keep theirs. Spans that
// overlap or leave the source are a defect of the caller, and Apply panics.
func Apply(src []byte, edits []Edit) []byte {
	edits = slices.Clone(edits)
	slices.SortStableFunc(edits, func(a, b Edit) int { return a.Start - b.Start })
	size := len(src)
	for _, e := range edits {
		size += len(e.With) - (e.End - e.Start)
	}
	out := make([]byte, 0, max(size, 0))
	from := 0
	for _, e := range edits {
		if e.Start < from || e.End < e.Start || e.End > len(src) {
			panic("tree: edits overlap or leave the source")
		}
		out = append(append(out, src[from:e.Start]...), e.With...)
		from = e.End
	}
	return append(out, src[from:]...)
}

// instant is how the server writes an instant: UTC to the millisecond.
// https://hl7.org/fhir/R4/datatypes.html#instant
const instant = "2006-01-02T15:04:05.000Z07:00"

// Splice returns the bytes of a resource with id, meta.versionId and
// meta.lastUpdated set. Everything else stays byte for byte: white space,
// order, the spelling of numbers, the client's other members of meta. Members
// that are missing are put behind resourceType, laid out as the resource is.
// The error is an *issue.Failure when the document is no resource or its meta
// is no object.
func Splice(d *Doc, id, versionID string, lastUpdated time.Time) ([]byte, error) {
	root := d.Root()
	typ, meta := root.Field("resourceType"), root.Field("meta")
	if root.Kind() != Object || typ.Str() == "" {
		return nil, issue.Errorf(issue.Structure, "expected a resource: an object with a resourceType").
			Rule("resource-type-missing").Chinese("此处应为资源：带有 resourceType 的对象")
	}
	if meta.Exists() && meta.Kind() != Object {
		return nil, issue.Errorf(issue.Structure, "expected an object, found %s", meta.Kind()).
			Rule("json-kind").At(typ.Str() + ".meta").Chinese("此处应为对象，实际为" + meta.Kind().Chinese())
	}
	s := splicer{src: d.src, lead: lead(d, root), colon: colon(d, typ)}
	anchor := s.set(root.Field("id"), typ, "id", quote(id))
	s.meta(meta, anchor, quote(versionID), quote(lastUpdated.UTC().Format(instant)))
	return Apply(d.src, s.edits), nil
}

type splicer struct {
	src         []byte
	lead, colon []byte // the layout before a member and before its value
	edits       []Edit
}

// set replaces the value of a member, or adds the member behind anchor. It
// returns the member to add the next one behind.
func (s *splicer) set(member, anchor Node, name string, value []byte) Node {
	if member.Exists() {
		start, end := member.Span()
		s.edits = append(s.edits, Edit{start, end, value})
		return member
	}
	_, end := anchor.Span()
	s.edits = append(s.edits, Edit{end, end, s.member([]byte{','}, name, value)})
	return anchor
}

// meta sets the two members in meta, or adds a meta with them behind anchor.
func (s *splicer) meta(meta, anchor Node, version, updated []byte) {
	if meta.Len() == 0 {
		both := append(append([]byte(`{"versionId":`), version...), `,"lastUpdated":`...)
		s.set(meta, anchor, "meta", append(append(both, updated...), '}'))
		return
	}
	v, u := meta.Field("versionId"), meta.Field("lastUpdated")
	if v.Exists() {
		s.set(v, v, "versionId", version)
		s.set(u, v, "lastUpdated", updated)
		return
	}
	inner := splicer{lead: lead(meta.d, meta), colon: s.colon}
	added := inner.member(nil, "versionId", version)
	if u.Exists() {
		s.set(u, u, "lastUpdated", updated)
	} else {
		added = inner.member(append(added, ','), "lastUpdated", updated)
	}
	start, _ := meta.Span()
	s.edits = append(s.edits, Edit{start + 1, start + 1, append(added, ',')})
}

func (s *splicer) member(dst []byte, name string, value []byte) []byte {
	dst = append(append(append(dst, s.lead...), '"'), name...)
	return append(append(append(dst, '"'), s.colon...), value...)
}

// lead is the white space before an object's first member, if it is short.
func lead(d *Doc, object Node) []byte {
	from, _ := object.Span()
	to, _ := object.First().NameSpan()
	return short(d.src[from+1 : to])
}

// colon is what stands between a member's name and its value.
func colon(d *Doc, member Node) []byte {
	_, from := member.NameSpan()
	to, _ := member.Span()
	if to-from > 8 {
		return []byte{':'}
	}
	return d.src[from:to]
}

func short(layout []byte) []byte {
	if len(layout) > 64 {
		return nil
	}
	return layout
}

// quote writes a JSON string.
func quote(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always encodes
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'})
}

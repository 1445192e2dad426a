package rest

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// bundleWriter splices stored bytes into a Bundle; nothing is decoded.
// https://hl7.org/fhir/R4/bundle.html
type bundleWriter struct {
	b       bytes.Buffer
	entries int
}

// link is a Bundle.link.
type link struct{ relation, url string }

func newBundle(kind string, total *int64, links ...link) *bundleWriter {
	w := &bundleWriter{}
	w.b.WriteString(`{"resourceType":"Bundle","type":"` + kind + `"`)
	if total != nil {
		w.b.WriteString(`,"total":` + strconv.FormatInt(*total, 10))
	}
	for i, l := range links {
		w.b.WriteString([]string{`,"link":[`, `,`}[min(i, 1)])
		w.b.WriteString(`{"relation":"` + l.relation + `","url":`)
		w.text(l.url)
		w.b.WriteByte('}')
	}
	if len(links) > 0 {
		w.b.WriteByte(']')
	}
	return w
}

// entry opens an entry; the caller adds members with member and raw, then
// closes it with end.
func (w *bundleWriter) entry() {
	w.b.WriteString([]string{`,"entry":[{`, `,{`}[min(w.entries, 1)])
	w.entries++
}

// member adds a member whose value is JSON already.
func (w *bundleWriter) member(name string, value []byte) {
	if last := w.b.Bytes()[w.b.Len()-1]; last != '{' {
		w.b.WriteByte(',')
	}
	w.b.WriteString(`"` + name + `":`)
	w.b.Write(value)
}

// word adds a member with a text.
func (w *bundleWriter) word(name, value string) {
	w.member(name, nil)
	w.text(value)
}

func (w *bundleWriter) end() { w.b.WriteByte('}') }

func (w *bundleWriter) text(s string) {
	quoted, _ := json.Marshal(s) // a string always encodes
	w.b.Write(quoted)
}

func (w *bundleWriter) bytes() []byte {
	if w.entries > 0 {
		w.b.WriteByte(']')
	}
	w.b.WriteByte('}')
	return w.b.Bytes()
}

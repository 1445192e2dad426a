package tree_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"tenon/fhir/tree"
)

// FuzzParse holds the parser against encoding/json: what we accept is valid
// there and means the same. (What we refuse may be valid there: duplicate
// names and lone surrogates are.)
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}]}`,
		`[1.00,-0,1e5,true,false,null,"\ud83d\ude00\n\\\"体"]`, `{"a":{},"b":[[]],"\u0061b":""}`, `[01]`, `{"a":1,"a":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		var d tree.Doc
		if d.Parse(src, tree.Limits{Bytes: 1 << 16, Nodes: 1 << 12}) != nil {
			return
		}
		dec := json.NewDecoder(bytes.NewReader(src))
		dec.UseNumber()
		var want any
		if err := dec.Decode(&want); err != nil {
			t.Fatalf("accepted %q, encoding/json says %v", src, err)
		}
		same(t, d.Root(), want)
		if out, err := tree.Splice(&d, "i", "1", time.Time{}); err == nil {
			if _, err := tree.Parse(out); err != nil {
				t.Fatalf("Splice(%q) = %q: %v", src, out, err)
			}
		}
	})
}

func same(t *testing.T, n tree.Node, want any) {
	t.Helper()
	switch w := want.(type) {
	case nil:
		is(t, n, n.Kind() == tree.Null, want)
	case bool:
		is(t, n, n.Kind() == tree.Bool && n.Bool() == w, want)
	case json.Number:
		is(t, n, n.Kind() == tree.Number && n.Text() == w.String(), want)
	case string:
		is(t, n, n.Kind() == tree.String && n.Str() == w && string(n.AppendStr(nil)) == w, want)
	case []any:
		is(t, n, n.Kind() == tree.Array && n.Len() == len(w), want)
		i := 0
		for item := range n.Items() {
			same(t, item, w[i])
			is(t, n, n.Index(i) == item, want)
			i++
		}
		is(t, n, i == len(w), want)
	case map[string]any:
		is(t, n, n.Kind() == tree.Object && n.Len() == len(w), want)
		for name, member := range n.Fields() {
			value, ok := w[name]
			is(t, n, ok && n.Field(name) == member, want)
			same(t, member, value)
		}
	}
}

func is(t *testing.T, n tree.Node, ok bool, want any) {
	t.Helper()
	if !ok {
		t.Fatalf("read %s where encoding/json reads %v", n.Raw(), want)
	}
}

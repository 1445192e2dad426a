package tree_test

import (
	"slices"
	"testing"

	"tenon/fhir/tree"
)

func parse(t testing.TB, src string) *tree.Doc {
	t.Helper()
	d, err := tree.Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestNode(t *testing.T) {
	d := parse(t, `{"a":"x\n\u4f53\ud83d\ude00","b":[1.00,[2],{"c":null}],"d":true,"\u0065":{"f":false},"g":"体"}`)
	root := d.Root()
	for _, tc := range []struct {
		name string
		node tree.Node
		kind tree.Kind
		text string
		raw  string
		len  int
	}{
		{"escaped string", root.Field("a"), tree.String, "x\n体😀", `"x\n\u4f53\ud83d\ude00"`, 0},
		{"string", root.Field("g"), tree.String, "体", `"体"`, 0},
		{"array", root.Field("b"), tree.Array, "", `[1.00,[2],{"c":null}]`, 3},
		{"number", root.Field("b").Index(0), tree.Number, "1.00", "1.00", 0},
		{"nested array", root.Field("b").Index(1).Index(0), tree.Number, "2", "2", 0},
		{"null", root.Field("b").Index(2).Field("c"), tree.Null, "", "null", 0},
		{"escaped key", root.Path("e", "f"), tree.Bool, "false", "false", 0},
		{"true", root.Field("d"), tree.Bool, "true", "true", 0},
		{"path through array", parse(t, `{"x":[{"y":[{"z":5}]}]}`).Root().Path("x", "y", "z"), tree.Number, "5", "5", 0},
		{"path to array", parse(t, `{"x":[{"y":[3,4]}]}`).Root().Path("x", "y"), tree.Array, "", "[3,4]", 2},
		{"missing", root.Field("z"), tree.Absent, "", "", 0},
		{"field of array", root.Field("b").Field("c"), tree.Absent, "", "", 0},
		{"index of object", root.Index(0), tree.Absent, "", "", 0},
		{"index too high", root.Field("b").Index(3), tree.Absent, "", "", 0},
		{"index negative", root.Field("b").Index(-1), tree.Absent, "", "", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			n := tc.node
			if n.Kind() != tc.kind || n.Text() != tc.text || string(n.Raw()) != tc.raw || n.Len() != tc.len {
				t.Errorf("node = %v %q %q %d, want %v %q %q %d", n.Kind(), n.Text(), n.Raw(), n.Len(), tc.kind, tc.text, tc.raw, tc.len)
			}
			if s, e := n.Span(); n.Exists() && string(d.Src()[s:e]) != tc.raw && n.Doc() == d {
				t.Errorf("Span() = %d, %d", s, e)
			}
		})
	}
	if !root.Field("d").Bool() || root.Path("e", "f").Bool() || root.Field("a").Bool() {
		t.Error("Bool() is true for true only")
	}
}

func TestAbsentNodeIsSafe(t *testing.T) {
	var n tree.Node
	for range n.Fields() {
		t.Error("Fields() of nothing yields")
	}
	for range n.Items() {
		t.Error("Items() of nothing yields")
	}
	s, e := n.Span()
	ks, ke := n.NameSpan()
	if n.Exists() || n.Kind() != tree.Absent || n.Doc() != nil || n.Field("a").Exists() || n.Index(0).Exists() ||
		n.Len() != 0 || n.Str() != "" || n.Text() != "" || n.Bool() || n.Raw() != nil || s+e+ks+ke != 0 || n.Name() != "" ||
		n.First().Exists() || n.Next().Exists() || n.Path("a", "b").Exists() || n.Escaped() || len(n.AppendStr(nil)) != 0 {
		t.Error("the zero Node answers something")
	}
	if new(tree.Doc).Root().Exists() {
		t.Error("an empty Doc has a root")
	}
}

func TestWalk(t *testing.T) {
	d := parse(t, `{"a":[{"b":1},2,[3]],"c":{},"d":"x"}`)
	var names []string
	for name, n := range d.Root().Fields() {
		names = append(names, name)
		if n.Name() != name {
			t.Errorf("Name() = %q, want %q", n.Name(), name)
		}
		if s, e := n.NameSpan(); string(d.Src()[s:e]) != `"`+name+`"` {
			t.Errorf("NameSpan() = %q", d.Src()[s:e])
		}
	}
	if !slices.Equal(names, []string{"a", "c", "d"}) {
		t.Errorf("Fields() = %v", names)
	}
	var items []string
	for n := range d.Root().Field("a").Items() {
		items = append(items, string(n.Raw()))
	}
	for n := range d.Root().Field("d").Items() {
		items = append(items, n.Str())
	}
	if want := []string{`{"b":1}`, "2", "[3]", "x"}; !slices.Equal(items, want) {
		t.Errorf("Items() = %q, want %q", items, want)
	}
	for range d.Root().Fields() {
		break
	}
	if d.Root().Next().Exists() {
		t.Error("the root has a sibling")
	}
}

func TestWideObject(t *testing.T) {
	root := parse(t, wideObject(1000, `,"\u006bx":{"k1":9}`)).Root()
	for _, name := range []string{"k0", "k1", "k500", "k999", "kx"} {
		if !root.Field(name).Exists() {
			t.Errorf("Field(%q) is absent", name)
		}
	}
	for _, name := range []string{"", "k", "k1000", "kX"} {
		if root.Field(name).Exists() {
			t.Errorf("Field(%q) exists", name)
		}
	}
	if full := parse(t, wideObject(1024, "")).Root(); full.Field("none").Exists() || !full.Field("k1023").Exists() {
		t.Error("a table of a power of two is wrong")
	}
	if got := root.Path("kx", "k1").Text(); got != "9" {
		t.Errorf("kx.k1 = %q, want 9", got)
	}
}

// TestUnderscored: only where it is false may siblings be passed over.
func TestUnderscored(t *testing.T) {
	for src, want := range map[string]bool{
		`{"a":1}`: false, `{}`: false, `{"a_":1,"b":{"_c":1}}`: false, `{"a":1,"_a":{}}`: true, `{"\u005fa":{}}`: true, `[{"_a":1}]`: false,
	} {
		d, err := tree.Parse([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.Root().Underscored(); got != want {
			t.Errorf("%s: Underscored() = %v, want %v", src, got, want)
		}
	}
	if (tree.Node{}).Underscored() {
		t.Error("an absent node is underscored")
	}
}

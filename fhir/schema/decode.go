package schema

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strconv"

	"tenon/fhir/tree"
)

// maxDecoded bounds the unpacked form. usual is room for that of R4, which has
// a megabyte: what is read grows no buffer.
const (
	maxDecoded = 64 << 20
	usual      = 1100 << 10
)

// Decode reads the compact form and links it. A reference to a type that is
// not there is an error. It reads by way of the element tree, four times as
// fast as encoding/json would: it is part of every start.
func Decode(r io.Reader) (*Model, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	src := bytes.NewBuffer(make([]byte, 0, usual))
	if _, err := src.ReadFrom(io.LimitReader(z, maxDecoded)); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	doc, err := tree.Parse(src.Bytes())
	if err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	return Link(readDefinitions(doc.Root()))
}

func readDefinitions(n tree.Node) *Definitions {
	return &Definitions{
		Version:      n.Field("version").Str(),
		Invariants:   list(n.Field("invariants"), readInvariant),
		Types:        list(n.Field("types"), readType),
		Search:       list(n.Field("search"), readSearchParameter),
		Compartments: readCompartments(n.Field("compartments")),
		ValueSets:    list(n.Field("valueSets"), readValueSet),
	}
}

// list reads the items of an array; nil when there is none.
func list[T any](n tree.Node, read func(tree.Node) T) []T {
	if n.Len() == 0 {
		return nil
	}
	items := make([]T, 0, n.Len())
	for item := range n.Items() {
		items = append(items, read(item))
	}
	return items
}

func integer(n tree.Node) int {
	i, err := strconv.Atoi(n.Text())
	if err != nil {
		return 0 // absent
	}
	return i
}

func readInvariant(n tree.Node) Invariant {
	return Invariant{n.Field("key").Str(), n.Field("severity").Str(), n.Field("human").Str(), n.Field("expression").Str()}
}

func readType(n tree.Node) TypeDefinition {
	var t TypeDefinition
	for name, v := range n.Fields() {
		switch name {
		case "n":
			t.Name = v.Str()
		case "b":
			t.Base = v.Str()
		case "k":
			t.Kind = Kind(integer(v)) //nolint:gosec // the generator writes 0 to 3
		case "a":
			t.Abstract = v.Bool()
		case "i":
			t.Invariants = list(v, integer)
		case "e":
			t.Elements = list(v, readElement)
		default:
			t.read(name, v)
		}
	}
	return t
}

func readElement(n tree.Node) ElementDefinition {
	var e ElementDefinition
	for name, v := range n.Fields() {
		switch name {
		case "n":
			e.Name = v.Str()
		case "l":
			e.Min = integer(v)
		case "u":
			e.Max = integer(v)
		case "x":
			e.Choice = v.Bool()
		case "t":
			e.Types = list(v, readTypeRef)
		case "c":
			e.Content = v.Str()
		case "k":
			e.Backbone = v.Bool()
		case "i":
			e.Invariants = list(v, integer)
		case "m":
			e.Modifier = v.Bool()
		case "y":
			e.Summary = v.Bool()
		default:
			e.read(name, v)
		}
	}
	return e
}

func (b *Bound) read(name string, v tree.Node) {
	switch name {
	case "s":
		b.Strength = v.Str()
	case "v":
		b.ValueSet = v.Str()
	case "w":
		b.Max = v.Str()
	}
}

func readTypeRef(n tree.Node) TypeDefinedRef {
	return TypeDefinedRef{n.Field("c").Str(), list(n.Field("p"), tree.Node.Str), list(n.Field("r"), tree.Node.Str)}
}

func readSearchParameter(n tree.Node) SearchParameter {
	text := func(name string) string { return n.Field(name).Str() }
	texts := func(name string) []string { return list(n.Field(name), tree.Node.Str) }
	return SearchParameter{
		URL: text("url"), Code: text("code"), Type: text("type"), Expression: text("expression"), Usage: text("usage"),
		Base: texts("base"), Target: texts("target"), Comparators: texts("comparators"), Modifiers: texts("modifiers"),
		Components: list(n.Field("components"), func(c tree.Node) Component {
			return Component{c.Field("definition").Str(), c.Field("expression").Str()}
		}),
		MultipleOr: n.Field("or").Bool(), MultipleAnd: n.Field("and").Bool(),
	}
}

func readCompartments(n tree.Node) map[string]map[string][]string {
	all := make(map[string]map[string][]string, n.Len())
	for name, members := range n.Fields() {
		compartment := make(map[string][]string, members.Len())
		for resource, parameters := range members.Fields() {
			compartment[resource] = list(parameters, tree.Node.Str)
		}
		all[name] = compartment
	}
	return all
}

func readValueSet(n tree.Node) ValueSet {
	return ValueSet{n.Field("url").Str(), list(n.Field("systems"), func(s tree.Node) System {
		return System{s.Field("url").Str(), list(s.Field("codes"), tree.Node.Str)}
	})}
}

package graphql

import (
	"encoding/json"
	"strings"

	"tenon/fhir/issue"
	"tenon/fhir/tree"
)

func (s *Schema) mutation() *typ {
	return s.cached(mutationType, func() *typ { return &typ{name: mutationType, kind: objectKind} })
}

// changed is what a mutation answers.
type changed struct {
	resource, information tree.Node
	location              string
}

// endings of the mutations of a type, and of the types that they answer.
var endings = []struct {
	field, typ string
	kind       fieldKind
}{{"Create", "Creation", createField}, {"Update", "Update", updateField}, {"Delete", "Deletion", deleteField}}

// mutationField is PatientCreate, PatientUpdate or PatientDelete.
// https://hl7.org/fhir/R4/graphql.html#mutations
func (s *Schema) mutationField(name string) *field {
	for _, e := range endings {
		of, ok := strings.CutSuffix(name, e.field)
		if !ok || !s.model.IsResource(of) {
			continue
		}
		return &field{name: name, kind: e.kind, of: of, typ: s.cached(of+e.typ, func() *typ {
			resource := s.of(s.model.Type(of))
			t := &typ{name: of + e.typ, kind: objectKind, of: resource, plain: []*field{
				{name: "information", kind: plainField, typ: s.of(s.model.Type("OperationOutcome")), get: func(v any) any { return v.(*changed).information }},
			}}
			if e.kind != deleteField {
				t.plain = append(t.plain,
					&field{name: "resource", kind: plainField, typ: resource, get: func(v any) any { return v.(*changed).resource }},
					&field{name: "location", kind: plainField, typ: s.scalar("String"), get: func(v any) any { return word(v.(*changed).location) }})
			}
			return t
		})}
	}
	return nil
}

// change carries out a mutation.
func (x *execution) change(fd *field, s *Selection) (found, error) {
	id, err := x.text(s, "id")
	if err != nil {
		return found{}, err
	}
	if fd.kind != createField && (id == "" || strings.ContainsAny(id, "/?#:")) {
		return found{}, refuse(issue.Value, "argument", "id 的取值无效。", "id is the id of a resource.")
	}
	var body []byte
	if fd.kind != deleteField {
		if body, err = x.body(fd, s, id); err != nil {
			return found{}, err
		}
	}
	if err := x.reading(); err != nil {
		return found{}, err
	}
	done := &changed{}
	switch fd.kind {
	case createField:
		done.resource, done.location, err = x.env.Writer.Create(x.ctx, fd.of, body)
	case updateField:
		done.resource, done.location, err = x.env.Writer.Update(x.ctx, fd.of, id, body)
	default:
		err = x.env.Writer.Delete(x.ctx, fd.of, id)
	}
	if err != nil {
		return found{}, err
	}
	done.information, err = success()
	return one(focus{typ: fd.typ, value: done}), err
}

func success() (tree.Node, error) {
	body, err := json.Marshal(issue.OutcomeOf([]issue.Issue{{Severity: issue.Information, Type: issue.Informational, Rule: "done", Text: "The change is stored.", Chinese: "操作成功。"}}))
	if err != nil {
		return tree.Node{}, err
	}
	d, err := tree.Parse(body)
	if err != nil {
		return tree.Node{}, err
	}
	return d.Root(), nil
}

// body is the argument "resource" as JSON. The type and the id stand in the
// mutation already; where the resource has them too, they must agree.
func (x *execution) body(fd *field, s *Selection, id string) ([]byte, error) {
	v, ok := x.argument(s, "resource")
	if !ok || v.Kind != ObjectValue {
		return nil, refuse(issue.Value, "argument", "resource 应为对象。", "resource is an object: the resource.")
	}
	out := append([]byte(`{"resourceType":`), quoted(fd.of)...)
	if id != "" {
		out = append(append(out, `,"id":`...), quoted(id)...)
	}
	given := map[string]string{"resourceType": fd.of, "id": id}
	for _, a := range v.Object {
		if said, ok := given[a.Name]; ok && said != "" {
			if a.Value.Text != said {
				return nil, refuse(issue.Value, "argument", a.Name+" 与 mutation 不一致。", "%s of the resource is not that of the mutation.", a.Name)
			}
			continue
		}
		out = append(append(append(out, ','), quoted(a.Name)...), ':')
		out = a.Value.appendJSON(out)
	}
	return append(out, '}'), nil
}

func (v Value) appendJSON(out []byte) []byte {
	switch v.Kind {
	case StringValue, EnumValue:
		return append(out, quoted(v.Text)...)
	case ListValue:
		out = append(out, '[')
		for i, item := range v.List {
			if i > 0 {
				out = append(out, ',')
			}
			out = item.appendJSON(out)
		}
		return append(out, ']')
	case ObjectValue:
		out = append(out, '{')
		for i, a := range v.Object {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(append(out, quoted(a.Name)...), ':')
			out = a.Value.appendJSON(out)
		}
		return append(out, '}')
	}
	return append(out, v.Text...) // numbers, booleans and null are as in JSON
}

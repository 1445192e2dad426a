package validate

// https://hl7.org/fhir/R4/fhirpath.html#functions

import (
	"tenon/fhir/fhirpath"
	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
)

// functions are those of FHIR that need the definitions. Context.Data is the
// walker.
var functions = map[string]fhirpath.Function{
	"memberOf":   {Name: "memberOf", Params: []string{"string"}, Result: "boolean", Call: memberOf},
	"conformsTo": {Name: "conformsTo", Params: []string{"string"}, Result: "boolean", Call: conformsTo},
	"subsumes":   {Name: "subsumes", Params: []string{"expr"}, Result: "boolean", Call: subsumes},
	"subsumedBy": {Name: "subsumedBy", Params: []string{"expr"}, Result: "boolean", Call: subsumedBy},
}

var (
	yes = fhirpath.Collection{fhirpath.Boolean(true)}
	no  = fhirpath.Collection{fhirpath.Boolean(false)}
)

func truth(b bool) fhirpath.Collection {
	if b {
		return yes
	}
	return no
}

func walkerOf(ctx *fhirpath.Context) (*walker, error) {
	if w, ok := ctx.Data.(*walker); ok {
		return w, nil
	}
	return nil, issue.Errorf(issue.NotSupported, "this function needs the validator").Rule("function-context")
}

// memberOf asks whether a code, Coding, CodeableConcept or Quantity is of a
// value set.
func memberOf(ctx *fhirpath.Context, focus fhirpath.Collection, args []fhirpath.Collection) (fhirpath.Collection, error) {
	w, err := walkerOf(ctx)
	if err != nil || len(focus) != 1 || len(args[0]) != 1 {
		return nil, err
	}
	n, ok := focus[0].Node()
	b := &binding{strength: "required", valueSet: args[0][0].Str()}
	verdict, asked := terminology.Unknown, true
	switch {
	case w.set.terms == nil:
	case ok && n.Exists():
		verdict, _, asked = w.bound(value{node: n, typ: focus[0].Schema()}, b)
	default:
		verdict = w.ask(b.valueSet, terminology.Coding{Code: focus[0].Str()}).Verdict
	}
	switch {
	case !asked, verdict == terminology.NotMember:
		return no, nil
	case verdict == terminology.Member:
		return yes, nil
	}
	return nil, issue.Errorf(issue.NotFound, "whether the code is of %s is not known here", cut(b.valueSet)).Rule("value-set-unknown")
}

// subsumes asks whether a Coding or CodeableConcept is the same as another or
// above it: one pair of codings of one system is enough. Without an answer it is
// empty.
func subsumes(ctx *fhirpath.Context, focus fhirpath.Collection, args []fhirpath.Collection) (fhirpath.Collection, error) {
	return stands(ctx, focus, args[0], terminology.Subsumes)
}

func subsumedBy(ctx *fhirpath.Context, focus fhirpath.Collection, args []fhirpath.Collection) (fhirpath.Collection, error) {
	return stands(ctx, focus, args[0], terminology.SubsumedBy)
}

func stands(ctx *fhirpath.Context, focus, other fhirpath.Collection, want string) (fhirpath.Collection, error) {
	w, err := walkerOf(ctx)
	if err != nil || len(focus) != 1 || len(other) != 1 || w.set.terms == nil {
		return nil, err
	}
	asked := false
	for _, a := range codingsOf(focus[0]) {
		for _, b := range codingsOf(other[0]) {
			if a.System != b.System || a.System == "" {
				continue
			}
			w.work--
			switch found, err := w.set.terms.Subsumes(a.System, a.Version, a.Code, b.Code); {
			case err != nil:
			case found == want || found == terminology.Equivalent:
				return yes, nil
			default:
				asked = true
			}
		}
	}
	if !asked {
		return nil, nil
	}
	return no, nil
}

// codingsOf lists the codings of a Coding or CodeableConcept.
func codingsOf(v fhirpath.Value) []terminology.Coding {
	n, _ := v.Node()
	if list := n.Field("coding"); list.Exists() {
		var all []terminology.Coding
		for c := range list.Items() {
			all = append(all, codingOf(c))
		}
		return all
	}
	if n.Kind() != tree.Object {
		return nil
	}
	return []terminology.Coding{codingOf(n)}
}

// conformsTo asks whether an element follows a profile.
func conformsTo(ctx *fhirpath.Context, focus fhirpath.Collection, args []fhirpath.Collection) (fhirpath.Collection, error) {
	w, err := walkerOf(ctx)
	if err != nil || len(focus) != 1 || len(args[0]) != 1 {
		return nil, err
	}
	url := args[0][0].Str()
	n, ok := focus[0].Node()
	if !ok {
		return no, nil
	}
	if !w.set.known(url) {
		return nil, issue.Errorf(issue.NotFound, "the profile %s is not known here", cut(url)).Rule("profile-unknown")
	}
	v := value{node: n, typ: focus[0].Schema()}
	if v.typ == nil {
		v.typ = w.set.typeIn(n)
	}
	return truth(w.conformsAnywhere(v, url)), nil
}

// conformsAnywhere is conforms for a resource that may stand in another.
func (w *walker) conformsAnywhere(v value, url string) bool {
	if v.node.Kind() != tree.Object || !v.node.Field("resourceType").Exists() || v.node == w.resource {
		return w.conforms(v, url)
	}
	ok := false
	w.elsewhere(v.node, func() { ok = w.conforms(v, url) })
	return ok
}

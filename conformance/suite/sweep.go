package suite

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// sweeps are the cases that hold a server to its own CapabilityStatement: one
// for each type, which asks for every search parameter that is claimed of it.
func sweeps() []*Case {
	var cases []*Case
	for _, typ := range types {
		cases = append(cases, &Case{
			ID:     "claims/" + typ,
			Title:  "every search parameter that is claimed of " + typ + " answers a value of its type",
			Clause: Specification + "capabilitystatement-definitions.html#CapabilityStatement.rest.resource.searchParam",
			Level:  Shall,
			Needs:  []Need{Need(typ + " search-type")},
			run:    func(ctx context.Context, x *exchange) error { return x.sweep(ctx, typ) },
		})
	}
	return cases
}

// samples are values of each type of search parameter that match nothing much.
var samples = map[string]string{
	"number": "1", "date": "2024-05-11", "string": "conformance", "token": "conformance-none",
	"reference": "conformance-none", "quantity": "1", "uri": "urn:tenon:conformance:none",
}

func (x *exchange) sweep(ctx context.Context, typ string) error {
	for _, p := range x.claims.types[typ].SearchParam {
		value, ok := samples[p.Type]
		switch {
		case p.Type == "composite":
			value = composite(p.Name)
		case p.Name == "near":
			value = "42.25|-83.69|11|km"
		case p.Name == "contenttype":
			value = "application/fhir+json"
		case !ok, p.Name == "_list", p.Name == "_filter", p.Name == "_text", p.Name == "_content", p.Name == "_query", p.Name == "_has", p.Name == "_type":
			continue // they have a grammar of their own, whatever type they are claimed as
		}
		a, err := x.send(ctx, http.MethodGet, typ+"?"+p.Name+"="+value+"&_count=1", "", nil)
		if err != nil {
			return err
		}
		wrong := ""
		switch {
		case a.status != http.StatusOK:
			wrong = fmt.Sprintf("%s is claimed as %s and refuses one", p.Name, p.Type)
		case text(one(a.body, "type")) != "searchset":
			wrong = p.Name + ": the answer is no searchset"
		default:
			wrong = checkSelf(a, "asked", []string{p.Name})
		}
		if wrong != "" {
			return &fault{answer: a, wrong: wrong}
		}
	}
	return nil
}

// composite is a value of a composite parameter of R4; the types of its
// components follow from its name (https://hl7.org/fhir/R4/searchparameter-registry.html).
func composite(name string) string {
	switch {
	case strings.Contains(name, "quantity"):
		return "none$1"
	case strings.HasSuffix(name, "date"):
		return "none$2024"
	case name == "chromosome-variant-coordinate", name == "chromosome-window-coordinate", name == "referenceseqid-variant-coordinate", name == "referenceseqid-window-coordinate":
		return "none$lt345$gt123" // sequence, start, end
	case name == "relationship":
		return "none$replaces"
	}
	return "none$none"
}

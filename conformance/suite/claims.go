package suite

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// claims is what a server says of itself.
// https://hl7.org/fhir/R4/capabilitystatement.html
type claims struct {
	FHIRVersion string
	Format      []string
	PatchFormat []string
	Rest        []struct {
		Mode                   string
		Interaction            []coded
		Operation, SearchParam []named
		Resource               []claimedType
	}

	types map[string]*claimedType
	raw   any // for cases that look at the statement itself
}

type (
	coded struct{ Code string }
	named struct{ Name, Type, Definition string }
)

type claimedType struct {
	Type                               string
	Versioning                         string
	Interaction                        []coded
	Operation, SearchParam             []named
	SearchInclude, SearchRevInclude    []string
	UpdateCreate                       bool
	ConditionalCreate                  bool
	ConditionalUpdate                  bool
	ConditionalDelete, ConditionalRead string
}

func readClaims(raw []byte) (*claims, error) {
	c := &claims{types: map[string]*claimedType{}}
	if err := json.Unmarshal(raw, c); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &c.raw); err != nil {
		return nil, err
	}
	for i := range c.Rest {
		for j := range c.Rest[i].Resource {
			t := &c.Rest[i].Resource[j]
			c.types[t.Type] = t
		}
	}
	if len(c.Rest) == 0 {
		return nil, errors.New("the CapabilityStatement has no rest")
	}
	return c, nil
}

// missing are the needs that are not claimed.
func (c *claims) missing(needs []Need) (out []string) {
	for _, n := range needs {
		if !c.claimed(n) {
			out = append(out, string(n))
		}
	}
	return out
}

func (c *claims) claimed(n Need) bool {
	subject, what, _ := strings.Cut(string(n), " ")
	switch subject {
	case "system":
		return c.system(what)
	case "rest": // cors alone
		return slices.ContainsFunc(texts(pick(c.raw, "rest.security.cors")), func(v string) bool { return v == "true" })
	case "format":
		return slices.ContainsFunc(c.Format, func(f string) bool { return f == what || strings.Contains(f, "+"+what) })
	case "patch":
		media := map[string]string{"json": "application/json-patch+json", "merge": "application/merge-patch+json", "fhirpath": "application/fhir+json"}
		return slices.Contains(c.PatchFormat, media[what])
	}
	t := c.types[subject]
	return t != nil && (t.claimed(what) || strings.HasPrefix(what, "$") && c.system(what))
}

func (c *claims) system(what string) bool {
	for _, r := range c.Rest {
		if slices.Contains(r.Interaction, coded{what}) || operation(r.Operation, what) {
			return true
		}
	}
	return false
}

func operation(list []named, what string) bool {
	name, ok := strings.CutPrefix(what, "$")
	return ok && slices.ContainsFunc(list, func(o named) bool { return strings.TrimPrefix(o.Name, "$") == name })
}

func (t *claimedType) claimed(what string) bool {
	kind, rest, _ := strings.Cut(what, " ")
	switch kind {
	case "include":
		return slices.Contains(t.SearchInclude, rest) || slices.Contains(t.SearchInclude, "*")
	case "revinclude":
		return slices.Contains(t.SearchRevInclude, rest) || slices.Contains(t.SearchRevInclude, "*")
	case "update-create":
		return t.UpdateCreate
	case "versioning":
		return t.Versioning == "versioned" || t.Versioning == "versioned-update"
	case "conditional-create":
		return t.ConditionalCreate
	case "conditional-update":
		return t.ConditionalUpdate
	case "conditional-delete":
		return t.ConditionalDelete == "single" || t.ConditionalDelete == "multiple"
	case "conditional-delete-several":
		return t.ConditionalDelete == "multiple"
	case "conditional-read":
		return t.ConditionalRead != "" && t.ConditionalRead != "not-supported"
	}
	if name, ok := strings.CutPrefix(what, "?"); ok {
		return slices.ContainsFunc(t.SearchParam, func(p named) bool { return p.Name == name })
	}
	return slices.Contains(t.Interaction, coded{what}) || operation(t.Operation, what)
}

package main

import (
	"slices"
	"sort"
	"strings"

	"tenon/fhir/schema"
)

type valueSet struct {
	URL     string `json:"url"`
	Compose struct {
		Include []include `json:"include"`
		Exclude []include `json:"exclude"`
	} `json:"compose"`
}

type include struct {
	System  string `json:"system"`
	Concept []struct {
		Code string `json:"code"`
	} `json:"concept"`
	Filter   []any    `json:"filter"`
	ValueSet []string `json:"valueSet"`
}

type codeSystem struct {
	URL     string    `json:"url"`
	Content string    `json:"content"`
	Concept []concept `json:"concept"`
}

type concept struct {
	Code    string    `json:"code"`
	Concept []concept `json:"concept"`
}

// valueSets lists the codes of every value set that a required binding of the
// types names. A set with filters, imports, exclusions or a system that is not
// in the package is left out: the model then says that it cannot be listed.
func valueSets(src *source, defs *schema.Definitions) ([]schema.ValueSet, error) {
	needed := map[string]bool{}
	for _, t := range defs.Types {
		for _, e := range t.Elements {
			if e.Strength == "required" {
				url, _, _ := strings.Cut(e.ValueSet, "|")
				needed[url] = true
			}
		}
	}
	systems := map[string][]string{}
	err := each(src, "CodeSystem", func(cs *codeSystem) error {
		if cs.Content == "complete" {
			systems[cs.URL] = flatten(nil, cs.Concept)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var list []schema.ValueSet
	err = each(src, "ValueSet", func(vs *valueSet) error {
		if needed[vs.URL] {
			if listed, ok := expand(vs, systems); ok {
				list = append(list, listed)
			}
		}
		return nil
	})
	sort.Slice(list, func(i, j int) bool { return list[i].URL < list[j].URL })
	return list, err
}

func flatten(codes []string, concepts []concept) []string {
	for _, c := range concepts {
		codes = flatten(append(codes, c.Code), c.Concept)
	}
	return codes
}

func expand(vs *valueSet, systems map[string][]string) (schema.ValueSet, bool) {
	out := schema.ValueSet{URL: vs.URL}
	if len(vs.Compose.Include) == 0 || len(vs.Compose.Exclude) > 0 {
		return out, false
	}
	for _, in := range vs.Compose.Include {
		if len(in.Filter) > 0 || len(in.ValueSet) > 0 {
			return out, false
		}
		codes := systems[in.System]
		if len(in.Concept) > 0 {
			codes = nil
			for _, c := range in.Concept {
				codes = append(codes, c.Code)
			}
		}
		if len(codes) == 0 {
			return out, false
		}
		at := slices.IndexFunc(out.Systems, func(s schema.System) bool { return s.URL == in.System })
		if at < 0 {
			at = len(out.Systems)
			out.Systems = append(out.Systems, schema.System{URL: in.System})
		}
		out.Systems[at].Codes = append(out.Systems[at].Codes, codes...)
	}
	return out, true
}

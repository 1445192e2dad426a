package main

import (
	"slices"
	"sort"

	"tenon/fhir/schema"
)

type searchParameter struct {
	URL         string             `json:"url"`
	Code        string             `json:"code"`
	Type        string             `json:"type"`
	Expression  string             `json:"expression"`
	Usage       string             `json:"xpathUsage"`
	Base        []string           `json:"base"`
	Target      []string           `json:"target"`
	Comparators []string           `json:"comparator"`
	Modifiers   []string           `json:"modifier"`
	Components  []schema.Component `json:"component"`
	MultipleOr  *bool              `json:"multipleOr"`
	MultipleAnd *bool              `json:"multipleAnd"`
}

// searchParameters takes those that have an expression: _content, _filter,
// _query and _text have none, and are the server's business.
func searchParameters(src *source) ([]schema.SearchParameter, error) {
	var list []schema.SearchParameter
	err := each(src, "SearchParameter", func(p *searchParameter) error {
		if !core(p.URL) || p.Expression == "" || len(p.Base) == 0 {
			return nil
		}
		if p.Usage == "normal" {
			p.Usage = ""
		}
		list = append(list, schema.SearchParameter{
			URL: p.URL, Code: p.Code, Type: p.Type, Expression: p.Expression, Usage: p.Usage,
			Base: sorted(p.Base), Target: sorted(p.Target), Comparators: p.Comparators, Modifiers: p.Modifiers,
			Components: p.Components, MultipleOr: orTrue(p.MultipleOr), MultipleAnd: orTrue(p.MultipleAnd),
		})
		return nil
	})
	sort.Slice(list, func(i, j int) bool { return list[i].URL < list[j].URL })
	return list, err
}

func orTrue(b *bool) bool { return b == nil || *b }

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

type compartmentDefinition struct {
	URL      string `json:"url"`
	Code     string `json:"code"`
	Resource []struct {
		Code  string   `json:"code"`
		Param []string `json:"param"`
	} `json:"resource"`
}

func compartments(src *source) (map[string]map[string][]string, error) {
	all := map[string]map[string][]string{}
	err := each(src, "CompartmentDefinition", func(c *compartmentDefinition) error {
		if !core(c.URL) {
			return nil
		}
		members := map[string][]string{}
		for _, r := range c.Resource {
			if len(r.Param) > 0 {
				members[r.Code] = r.Param
			}
		}
		all[c.Code] = members
		return nil
	})
	return all, err
}

package schema

import (
	"compress/gzip"
	"encoding/json"
	"io"
)

// Definitions is what a generator extracts from the published definitions:
// each type with the elements that it adds to its base. The keys are short
// because most of the file is elements.
type Definitions struct {
	Version      string                         `json:"version"`
	Invariants   []Invariant                    `json:"invariants"` // each distinct one once
	Types        []TypeDefinition               `json:"types"`      // a base before what derives from it
	Search       []SearchParameter              `json:"search"`
	Compartments map[string]map[string][]string `json:"compartments"`
	ValueSets    []ValueSet                     `json:"valueSets"`
}

// TypeDefinition is a type without what it inherits. Kind is a Kind's number.
type TypeDefinition struct {
	Name       string `json:"n"`
	Base       string `json:"b,omitempty"`
	Kind       Kind   `json:"k,omitempty"`
	Abstract   bool   `json:"a,omitempty"`
	Invariants []int  `json:"i,omitempty"` // indices into Definitions.Invariants
	Bound
	Elements []ElementDefinition `json:"e,omitempty"`
}

// ElementDefinition is an element as its type defines it.
type ElementDefinition struct {
	Name       string           `json:"n"`           // "value" for value[x]
	Min        int              `json:"l,omitempty"` // lower bound
	Max        int              `json:"u,omitempty"` // upper bound: 0 stands for 1, -1 for *
	Choice     bool             `json:"x,omitempty"`
	Types      []TypeDefinedRef `json:"t,omitempty"`
	Content    string           `json:"c,omitempty"` // type that contentReference points to: "Questionnaire.item"
	Backbone   bool             `json:"k,omitempty"` // the element's own path names its type
	Invariants []int            `json:"i,omitempty"`
	Bound
	Modifier bool `json:"m,omitempty"`
	Summary  bool `json:"y,omitempty"`
}

// Bound is the binding of an element, or of all elements of a type.
type Bound struct {
	Strength string `json:"s,omitempty"`
	ValueSet string `json:"v,omitempty"`
	Max      string `json:"w,omitempty"` // elementdefinition-maxValueSet
}

// TypeDefinedRef is one allowed type of an element.
type TypeDefinedRef struct {
	Code     string   `json:"c"`
	Profiles []string `json:"p,omitempty"`
	Targets  []string `json:"r,omitempty"`
}

// SearchParameter is a parameter by which resources of Base can be found.
// https://hl7.org/fhir/R4/searchparameter.html
type SearchParameter struct {
	URL         string      `json:"url"`
	Code        string      `json:"code"`
	Type        string      `json:"type"` // number, date, string, token, reference, composite, quantity, uri, special
	Expression  string      `json:"expression"`
	Usage       string      `json:"usage,omitempty"` // xpathUsage where it is not "normal": phonetic, nearby
	Base        []string    `json:"base"`
	Target      []string    `json:"target,omitempty"`
	Comparators []string    `json:"comparators,omitempty"`
	Modifiers   []string    `json:"modifiers,omitempty"`
	Components  []Component `json:"components,omitempty"`
	// MultipleOr and MultipleAnd are false only where the definition forbids
	// a list, or a repetition, of values.
	MultipleOr  bool `json:"or"`
	MultipleAnd bool `json:"and"`
}

// Component is one part of a composite parameter.
type Component struct {
	Definition string `json:"definition"` // URL of the part's SearchParameter
	Expression string `json:"expression"` // from the composite's focus
}

// ValueSet is a value set whose codes can be listed.
type ValueSet struct {
	URL     string   `json:"url"` // without version
	Systems []System `json:"systems"`
}

// System holds the codes that a value set takes from one code system.
type System struct {
	URL   string   `json:"url"`
	Codes []string `json:"codes"`
}

// Encode writes the compact form: JSON under gzip, the same bytes for the same
// definitions.
func Encode(w io.Writer, defs *Definitions) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	e := json.NewEncoder(z)
	e.SetEscapeHTML(false)
	if err := e.Encode(defs); err != nil {
		return err
	}
	return z.Close()
}

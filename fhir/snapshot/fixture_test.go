package snapshot_test

import (
	"fmt"
	"strings"
	"testing"

	"tenon/fhir/definition"
	"tenon/fhir/issue"
	"tenon/fhir/snapshot"
	"tenon/fhir/tree"
	"tenon/profiles/r4"
)

const hl7 = "http://hl7.org/fhir/StructureDefinition/"

// profile writes a constraint on a type or profile of R4 (a name without a
// colon) with the elements of its differential.
func profile(name, typ, base string, elements ...string) string {
	return definitionOf(name, typ, base, "constraint", "resource", elements...)
}

func definitionOf(name, typ, base, derivation, kind string, elements ...string) string {
	if !strings.Contains(base, ":") {
		base = hl7 + base
	}
	return fmt.Sprintf(`{"resourceType":"StructureDefinition","url":"urn:test:%s","name":"%[1]s","status":"draft","kind":%q,
		"abstract":false,"type":%q,"baseDefinition":%q,"derivation":%q,"differential":{"element":[%s]}}`,
		name, kind, typ, base, derivation, strings.Join(elements, ","))
}

func parse(t testing.TB, text string) tree.Node {
	t.Helper()
	doc, err := tree.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return doc.Root()
}

// library is that of R4 with some more definitions.
func library(t testing.TB, more ...string) *definition.Library {
	t.Helper()
	lib := r4.Library()
	for _, text := range more {
		res, err := definition.Read([]byte(text), "")
		if err != nil {
			t.Fatal(err)
		}
		lib = lib.With(res)
	}
	return lib
}

// generate makes the snapshot and gives its elements.
func generate(t testing.TB, text string, more ...string) listed {
	t.Helper()
	made, err := snapshot.Generate(parse(t, text), library(t, more...))
	if err != nil {
		t.Fatalf("Generate: %v", err)
	}
	return elementsOf(parse(t, string(made)))
}

// refused gives the issues of a definition that must not pass.
func refused(t testing.TB, text string, more ...string) []issue.Issue {
	t.Helper()
	made, err := snapshot.Generate(parse(t, text), library(t, more...))
	if err == nil {
		t.Fatalf("Generate = %.200s…, want a failure", made)
	}
	f := issue.As(err)
	if f == nil {
		t.Fatalf("Generate = %v, want an *issue.Failure", err)
	}
	return f.Issues
}

// says tells whether a member of an element has this JSON, white space aside.
func (l listed) says(t testing.TB, id, member, want string) {
	t.Helper()
	e, ok := l.byID[id]
	if !ok {
		t.Errorf("no element %q in %v", id, l.ids)
		return
	}
	if got := string(e.Field(member).Raw()); got != want {
		t.Errorf("%s.%s = %s, want %s", id, member, got, want)
	}
}

func (l listed) has(id string) bool { _, ok := l.byID[id]; return ok }

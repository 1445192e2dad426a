package app_test

import (
	"testing"

	"tenon/fhir/tree"
	"tenon/server/app"
)

func TestSameDefinition(t *testing.T) {
	const embedded = `{"resourceType":"CodeSystem","id":"x","version":"1.0.0","concept":[{"code":"a"}]}`
	doc, err := tree.Parse([]byte(embedded))
	if err != nil {
		t.Fatal(err)
	}
	for stored, want := range map[string]bool{
		embedded: true,
		`{"resourceType":"CodeSystem","id":"x","meta":{"versionId":"3"},"version":"1.0.0","concept":[{"code":"a"}]}`: true,
		`{"resourceType":"CodeSystem","id":"x","version":"1.0.0","concept":[{"code":"a"},{"code":"b"}]}`:             false,
		`{"resourceType":"CodeSystem","id":"x","version":"1.0.0"}`:                                                   false,
		`{"resourceType":"CodeSystem","id":"x","version":"1.0.0","concept":[{"code":"a"}],"title":"X"}`:              false,
		`{`: false,
	} {
		if got := app.SameDefinition([]byte(stored), doc.Root()); got != want {
			t.Errorf("SameDefinition(%s) = %v, want %v", stored, got, want)
		}
	}
}

package search_test

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"tenon/fhir/tree"
	"tenon/profiles/r4"
	"tenon/server/search"
)

// What the shortcut for plain paths finds is what FHIRPath finds: over the
// resources of the Synthea bundles, and some that are odd.
func TestPlainPathsAgree(t *testing.T) {
	fast := newRegistry(t)
	var slow *search.Registry
	var err error
	search.WithoutShortcuts(func() {
		slow, err = search.NewRegistry(r4.Model(), search.WithBase(base))
	})
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	compare := func(name string, n tree.Node) {
		a, errA := fast.Index(n)
		b, errB := slow.Index(n)
		if errA != nil || errB != nil {
			t.Fatalf("%s: %v, %v", name, errA, errB)
		}
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s: rows %+v, FHIRPath gives %+v", name, a, b)
		}
		compared++
	}
	for _, odd := range []string{
		`{"resourceType":"Patient","name":[null,{"given":[null,"a"],"_given":[{"id":"x"},null]}],"_birthDate":{"id":"b"},"address":{"city":"not a list"}}`,
		`{"resourceType":"Observation","valueQuantity":{"value":1},"valueString":"both","component":[{"valueString":"x"},{"valueQuantity":{"value":2}}]}`,
		`{"resourceType":"Goal","target":[{"dueDate":"2020"},{"dueDuration":{"value":1}},{"dueDate":"2021"}]}`,
		`{"resourceType":"Condition","onsetString":"long ago","abatementDateTime":"2020"}`,
		`{"resourceType":"Group","member":[{"entity":{"reference":"Patient/1"}}],"characteristic":[{"valueBoolean":true}]}`,
		`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"MessageHeader","id":"m"}}]}`,
	} {
		d, err := tree.Parse([]byte(odd))
		if err != nil {
			t.Fatal(err)
		}
		compare(odd, d.Root())
	}
	files, _ := filepath.Glob(filepath.Join(testdata(), "synthea", "*.json"))
	if len(files) == 0 {
		t.Skipf("no Synthea bundles in %s: only the odd resources were compared", testdata())
	}
	for _, file := range files[:2] {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		d, err := tree.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		for e := range d.Root().Field("entry").Items() {
			compare(file, e.Field("resource"))
		}
	}
	if compared < 100 {
		t.Errorf("only %d resources were compared", compared)
	}
}

func testdata() string {
	if dir := os.Getenv("TENON_TESTDATA"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "..", "shared", "testdata")
}

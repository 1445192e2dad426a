package revision_test

import (
	"bytes"
	"testing"

	"tenon/fhir/issue"
	"tenon/fhir/terminology"
	"tenon/fhir/tree"
	"tenon/server/revision"
)

// FuzzCodeSystem reads a CodeSystem as a stream. What is taken has codes, comes
// as often as the JSON has concepts, and no input brings anything but a failure.
func FuzzCodeSystem(f *testing.F) {
	for _, seed := range []string{
		`{"resourceType":"CodeSystem","url":"urn:x","version":"1","concept":[{"code":"a","display":"A","concept":[{"code":"b"}]},{"code":"c","property":[{"code":"p","valueCoding":{"system":"s","code":"q"}}]}]}`,
		`{"concept":[{"concept":[{"code":"b"}],"code":"a","designation":[{"language":"zh","use":{"code":"u"},"value":"甲"}]}]}`,
		`{"concept":[{"code":1}]}`, `{"concept":{}}`, `[]`, `{"concept":[[[[`, `{"text":{"div":[{}]},"concept":null}`, "",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		n := 0
		err := revision.ReadConcepts(bytes.NewReader(body), func(c *terminology.Concept) error {
			if n++; c.Code == "" {
				t.Error("a concept without a code is taken")
			}
			return nil
		})
		if err != nil && issue.As(err) == nil {
			t.Errorf("readConcepts() = %v, not a failure that a person can read", err)
		}
		if _, err := revision.ReadHead(bytes.NewReader(body)); err != nil && issue.As(err) == nil {
			t.Errorf("readHead() = %v, not a failure", err)
		}
		if doc, bad := tree.Parse(body); err == nil && bad == nil && count(doc.Root()) != n {
			t.Errorf("%d concepts are taken, %d are there", n, count(doc.Root()))
		}
	})
}

func count(n tree.Node) int {
	sum := 0
	for c := range n.Field("concept").Items() {
		sum += 1 + count(c)
	}
	return sum
}

package rest_test

import (
	"strings"
	"testing"

	"tenon/fhir/tree"
)

// TestEntryTricks: an entry is neither a way to have a Bundle carried out within
// a Bundle, nor one to put into the answer what is no resource.
func TestEntryTricks(t *testing.T) {
	h := realDoor(t)
	id := create(t, h, `{"resourceType":"Patient"}`)
	inner := `{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","active":true},"request":{"method":"POST","url":"Patient"}}]}`
	for _, url := range []string{"#$", "/#$x", "?a=b#$", "//#$", "#/$everything", base + "/#$"} {
		w := must(t, h, 200, "POST", "/fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"resource":`+inner+`,"request":{"method":"POST","url":"`+url+`"}}]}`)
		if got := entryOf(t, w.Body.Bytes()); !strings.HasPrefix(got.Path("response", "status").Str(), "4") || got.Field("resource").Exists() {
			t.Errorf("POST %q = %.300s, want it refused", url, got.Raw())
		}
	}
	if found, _, _ := find(t, h, "Patient?active=true"); len(found) != 0 {
		t.Errorf("Bundles within Bundles wrote %d Patients", len(found))
	}
	for _, url := range []string{"$graphql?query=%7BPatientList%7Bid%7D%7D", "Patient/" + id + "/$graphql?query=%7Bid%7D", "$graphql?query=nonsense"} {
		w := must(t, h, 200, "POST", "/fhir", `{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"`+url+`"}}]}`)
		if got := entryOf(t, w.Body.Bytes()); got.Field("resource").Exists() || got.Path("response", "outcome", "resourceType").Str() != "OperationOutcome" {
			t.Errorf("GET %s = %.300s, which has no resource", url, got.Raw())
		}
	}
}

func entryOf(t *testing.T, body []byte) tree.Node {
	t.Helper()
	d, err := tree.Parse(body)
	if err != nil {
		t.Fatalf("%v in %.300s", err, body)
	}
	return d.Root().Field("entry").Index(0)
}

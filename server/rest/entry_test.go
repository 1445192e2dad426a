package rest_test

// https://hl7.org/fhir/R4/http.html#brules

import (
	"fmt"
	"strings"
	"testing"

	"tenon/fhir/tree"
)

func batch(entries ...string) string {
	return strings.Replace(transaction(entries...), `"transaction"`, `"batch"`, 1)
}

func get(url string) string { return fmt.Sprintf(`{"request":{"method":"GET","url":%q}}`, url) }

// An entry that asks is answered as the same request alone.
func TestEntriesThatAsk(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		var ids []string
		for i := range 5 {
			ids = append(ids, create(t, h, fmt.Sprintf(`{"resourceType":"Patient","gender":"other","name":[{"family":"f%d"}]}`, i)))
		}
		must(t, h, 200, "PUT", "/fhir/Patient/"+ids[0], `{"resourceType":"Patient","id":"`+ids[0]+`","gender":"other"}`)
		for _, c := range []struct {
			entry, status string
			want          func(n tree.Node) bool
		}{
			{get("Patient?gender=other&_count=2&_total=accurate"), "200", func(n tree.Node) bool {
				next := false
				for l := range n.Path("resource", "link").Items() {
					next = next || l.Field("relation").Str() == "next"
				}
				full := n.Path("resource", "entry").Index(0).Field("fullUrl").Str()
				return n.Path("resource", "total").Text() == "5" && n.Path("resource", "entry").Len() == 2 && next && strings.HasPrefix(full, base+"/Patient/")
			}},
			{get("Patient?gender=other&_summary=count"), "200", func(n tree.Node) bool { return n.Path("resource", "total").Text() == "5" }},
			{get("Patient?_elements=gender&_format=xml"), "200", func(n tree.Node) bool {
				return n.Path("resource", "entry").Len() == 5 && !n.Path("resource", "entry").Index(1).Path("resource", "name").Exists()
			}},
			{get("Patient/" + ids[0] + "/_history"), "200", func(n tree.Node) bool { return n.Path("resource", "entry").Len() == 2 }},
			{get("/Patient/" + ids[0] + "/_history/1"), "200", func(n tree.Node) bool {
				return n.Path("resource", "meta", "versionId").Str() == "1" && n.Path("response", "etag").Str() == `W/"1"`
			}},
			{get(base + "/Patient/" + ids[0]), "200", func(n tree.Node) bool { return n.Path("response", "lastModified").Exists() }},
			{`{"request":{"method":"GET","url":"Patient/` + ids[0] + `","ifNoneMatch":"W/\"2\""}}`, "304", func(n tree.Node) bool { return !n.Field("resource").Exists() }},
			{`{"request":{"method":"HEAD","url":"Patient/` + ids[0] + `"}}`, "200", func(n tree.Node) bool { return !n.Field("resource").Exists() }},
			{get("Patient/" + ids[0] + "/$meta"), "200", func(n tree.Node) bool { return n.Path("resource", "resourceType").Str() == "Parameters" }},
			{get("Patient/none"), "404", told},
			{get("Patient?colour=red"), "200", func(n tree.Node) bool { return n.Path("resource", "entry").Len() > 0 }},
			{get("Patent"), "404", told},
			{get("Patient/" + ids[0] + "/$bytes"), "200", func(n tree.Node) bool { return n.Path("resource", "id").Str() == ids[0] }},
		} {
			for _, kind := range []string{batch(c.entry), transaction(c.entry)} {
				answer := entries(t, h, 200, kind)
				if got := answer[0].Path("response", "status").Str(); got != c.status || !c.want(answer[0]) {
					t.Errorf("%s = %s", c.entry, answer[0].Raw())
				}
			}
		}
		strict := must(t, h, 200, "POST", "/fhir", batch(get("Patient?colour=red")), "Prefer: handling=strict")
		if !strings.Contains(strict.Body.String(), `"status":"400"`) {
			t.Errorf("a strict batch lets an unknown parameter pass: %s", strict.Body)
		}
	})
}

func told(n tree.Node) bool { return n.Path("response", "outcome", "issue").Len() > 0 }

// In a batch each entry stands for itself, and may call an operation; a
// transaction may not, since it could not be undone.
func TestBatchEntriesStandAlone(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		validate := `{"resource":{"resourceType":"Patient","gender":"wrong"},"request":{"method":"POST","url":"Patient/$validate"}}`
		answer := entries(t, h, 200, batch(
			`{"request":{"method":"POST","url":"Patient"}}`, // lacks its resource
			`{"request":{"method":"FETCH","url":"Patient"}}`,
			validate,
			`{"resource":{"resourceType":"Bundle","type":"batch"},"request":{"method":"POST","url":""}}`,
			`{"resource":{"resourceType":"Patient"},"request":{"method":"POST","url":"Patient"}}`))
		want := []string{"400", "400", "200", "400", "201"}
		for i, e := range answer {
			if got := e.Path("response", "status").Str(); got != want[i] {
				t.Errorf("entry %d = %s, want %s", i, e.Raw(), want[i])
			}
		}
		if answer[2].Path("resource", "resourceType").Str() != "OperationOutcome" {
			t.Errorf("$validate in a batch = %s", answer[2].Raw())
		}
		w := must(t, h, 400, "POST", "/fhir", transaction(validate))
		if !strings.Contains(w.Body.String(), "entry-operation") {
			t.Errorf("an operation in a transaction = %s", w.Body)
		}
	})
}

// What a transaction asks is answered once all is written, and cannot undo it.
func TestTransactionAnswersItsQuestionsLast(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		made := `{"resource":{"resourceType":"Patient","identifier":[{"system":"urn:a","value":"1"}]},"request":{"method":"POST","url":"Patient"}}`
		answer := entries(t, h, 200, transaction(get("Patient/none"), get("Patient?identifier=urn:a|1"), made))
		if answer[0].Path("response", "status").Str() != "404" || answer[1].Path("resource", "entry").Len() != 1 || answer[2].Path("response", "status").Str() != "201" {
			t.Errorf("answers = %s %s %s", answer[0].Raw(), answer[1].Raw(), answer[2].Raw())
		}
		for ret, want := range map[string]string{"representation": `"resource":{"resourceType":"Patient"`, "OperationOutcome": `"outcome":{"resourceType":"OperationOutcome"`, "minimal": `{"response":{"status":"201"`} {
			w := must(t, h, 200, "POST", "/fhir", transaction(made), "Prefer: return="+ret)
			if !strings.Contains(w.Body.String(), want) || ret == "minimal" && strings.Contains(w.Body.String(), `"resource"`) {
				t.Errorf("return=%s answers %s", ret, w.Body)
			}
		}
	})
}

// An entry reaches what its sender reaches.
func TestEntriesKeepTheReach(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		id := create(t, h, `{"resourceType":"Patient","gender":"other"}`, "As: clin")
		for _, url := range []string{"Patient/" + id, "Patient/" + id + "/_history", "Patient/" + id + "/$meta", "Patient?gender=other"} {
			own := must(t, h, 200, "POST", "/fhir", batch(get(url)), "As: clin").Body.String()
			far := must(t, h, 200, "POST", "/fhir", batch(get(url)), "As: stranger").Body.String()
			if !strings.Contains(own, `"status":"200"`) || strings.Contains(far, `"versionId"`) || strings.Contains(far, `"gender"`) {
				t.Errorf("%s: the owner gets %s, a stranger %s", url, own, far)
			}
		}
	})
}

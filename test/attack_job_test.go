package test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tenon/test/servertest"
)

// TestExportWithinReach: an export of patients does not tell who treats those
// that the caller does not reach.
func TestExportWithinReach(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *town) {
		clin, rival := w.token["clin"], w.token["rival"]
		doctor := w.Create(t, "", `{"resourceType":"Practitioner","name":[{"family":"Only"}]}`)
		mine := w.Create(t, clin, patient("Far"))
		w.Create(t, clin, fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":%q},"performer":[{"reference":%q}]}`, mine, doctor))
		has := func(token string) bool {
			_, found := w.export(t, token, "GET", "/fhir/Patient/$export?_type=Practitioner", "")
			return strings.Contains(strings.Join(found["Practitioner"], ""), strings.TrimPrefix(doctor, "Practitioner/"))
		}
		if !has(clin) {
			t.Error("who treats a patient is not in the export")
		}
		if has(rival) {
			t.Error("a stranger's export tells that somebody treats a patient whom he does not reach")
		}
	})
}

// TestExportOfGroupsInCircles: groups that hold each other many times are read
// once each.
func TestExportOfGroupsInCircles(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *town) {
		clin := w.token["clin"]
		someone := w.Create(t, clin, patient("Circle"))
		group := func(members ...string) string {
			var all []string
			for _, m := range members {
				all = append(all, fmt.Sprintf(`{"entity":{"reference":%q}}`, m))
			}
			return `{"resourceType":"Group","type":"person","actual":true,"member":[` + strings.Join(all, ",") + `]}`
		}
		var groups []string
		for range 3 {
			groups = append(groups, w.Create(t, clin, group(someone)))
		}
		var circle []string
		for range 20 {
			circle = append(circle, groups...)
		}
		for _, g := range groups {
			body := strings.Replace(group(append(circle, someone)...), `"Group",`, `"Group","id":"`+strings.TrimPrefix(g, "Group/")+`",`, 1)
			w.Expect(t, 200, servertest.Request{Method: "PUT", Token: clin, Path: "/fhir/" + g, Body: []byte(body)})
		}
		began := time.Now()
		_, found := w.export(t, clin, "GET", "/fhir/"+groups[0]+"/$export?_type=Patient", "")
		if len(found["Patient"]) != 1 || time.Since(began) > 20*time.Second {
			t.Errorf("%d patients after %v, want 1 at once", len(found["Patient"]), time.Since(began))
		}
	})
}

// TestLateAnswerTooLarge: an answer that is kept for later is read as a whole, so
// it has a bound; the job fails at once and says so.
func TestLateAnswerTooLarge(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, w *town) {
		clin := w.token["clin"]
		large := w.Create(t, clin, `{"resourceType":"Patient","extension":[{"url":"http://example.org/x","valueBase64Binary":"`+strings.Repeat("QUJD", 1<<20)+`"}]}`)
		entries := strings.Repeat(`,{"request":{"method":"GET","url":"`+large+`"}}`, 20) // 80 MiB
		began := time.Now()
		a := w.end(t, clin, w.begin(t, servertest.Request{Method: "POST", Token: clin, Path: "/fhir", Body: []byte(`{"resourceType":"Bundle","type":"batch","entry":[` + entries[1:] + `]}`)}))
		if a.Status != 403 || !strings.Contains(string(a.Body), "async-answer") {
			t.Errorf("%d %.300s after %v, want that it is too large", a.Status, a.Body, time.Since(began))
		}
		// a smaller one is answered
		a = w.end(t, clin, w.begin(t, servertest.Request{Method: "GET", Token: clin, Path: "/fhir/" + large}))
		if a.Status != 200 || len(a.Body) < 4<<20 {
			t.Errorf("%d with %d bytes, want the patient", a.Status, len(a.Body))
		}
	})
}

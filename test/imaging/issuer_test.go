package imaging

import (
	"fmt"
	"strings"
	"testing"

	"tenon/test/servertest"
)

// testIssuer: the same Patient ID of two issuers is two persons.
func testIssuer(t *testing.T, w *ward) {
	var people []string
	for _, system := range []string{"urn:mrn:a", "urn:mrn:b"} {
		people = append(people, w.Create(t, w.clin, `{"resourceType":"Patient","identifier":[{"system":"`+system+`","value":"TWIN-1"}],"name":[{"text":"`+system+`"}]}`))
	}
	send := func(uid, issuer, query string) servertest.Request {
		return w.post("/studies"+query, "application/dicom+json", fmt.Appendf(nil, `[{"00080016":{"vr":"UI","Value":["1.2.840.10008.5.1.4.1.1.7"]},"00080018":{"vr":"UI","Value":["%s.1.1"]},"00080060":{"vr":"CS","Value":["OT"]},
			"0020000D":{"vr":"UI","Value":[%q]},"0020000E":{"vr":"UI","Value":["%s.1"]},"00100020":{"vr":"LO","Value":["TWIN-1"]},"00100021":{"vr":"LO","Value":[%q]}}]`, uid, uid, uid, issuer))
	}
	w.Expect(t, 200, send("1.2.81", "HOSPITAL A", ""))
	w.Expect(t, 200, send("1.2.82", "HOSPITAL B", ""))
	for i, study := range []string{"1.2.81", "1.2.82"} {
		if got := w.subject(t, study); got != people[i] {
			t.Errorf("study %s is of %s, want %s", study, got, people[i])
		}
	}
	if a := w.Expect(t, 409, send("1.2.83", "HOSPITAL C", "")); !strings.Contains(string(a.Body), "quarantine") { // no system of C is known: the ID is two persons'
		t.Errorf("an issuer that nobody has told of: %s", a.Body)
	}
	w.Expect(t, 409, send("1.2.84", "HOSPITAL A", "?patient="+people[1])) // is another one's
	w.Expect(t, 200, send("1.2.84", "HOSPITAL A", "?patient="+people[0]))
}

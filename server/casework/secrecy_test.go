package casework_test

import (
	"testing"
	"time"
)

// secrecyLicence is the licence of a party, in force.
func secrecyLicence(id, party string) obj {
	return obj{
		"resourceType": "DocumentReference", "id": id, "status": "current", "type": concept("urn:tenon:evidence", "secrecy-licence"),
		"masterIdentifier": obj{"value": "BM-" + id}, "authenticator": obj{"display": "保密行政管理部门"}, "custodian": ref(party),
		"date": "2026-01-01T00:00:00Z", "author": arr{ref(party)}, "description": "secrecy licence",
		"content": arr{obj{"attachment": obj{
			"extension": arr{ext("sha-256", "valueString", digestOf("x"))}, "contentType": "text/plain", "url": "Binary/scan-" + id}}}, "context": obj{"period": obj{"start": "2026-01-01", "end": "2029-01-01"}},
	}
}

var secretLabel = obj{"security": arr{obj{"system": "urn:tenon:secrecy", "code": "state-secret"}}}

// flagged lets the case bear the label on a member.
func flagged(ref string) removal { return put(ref, "meta", secretLabel) }

func TestStateSecrets(t *testing.T) {
	note := func() obj {
		return obj{"resourceType": "Observation", "id": "note", "status": "final", "code": obj{"text": "x"}, "subject": ref("Patient/p")}
	}
	for _, at := range []string{"Task/root", "Consent/consent", "Contract/agreement"} {
		t.Run("R001-032 nothing is written without a licence, label on "+at, func(t *testing.T) {
			w := stop(t, "S08 working")
			flagged(at)(w)
			refused(t, w.write(clin, note()), 409, "", "secrecy-licence", "R001-032")
			refused(t, w.write(des, w.set("S08", des, "in-progress", "working")), 409, "", "secrecy-licence")
			w.must(clin, secrecyLicence("of-hospital", "Organization/hospital"))
			refused(t, w.write(clin, note()), 409, "", "secrecy-licence") // the manufacturer processes too
			w.must(mfr, secrecyLicence("of-maker", "Organization/maker"))
			w.must(clin, note())
		})
	}
	t.Run("R001-032 label of a term of the agreement", func(t *testing.T) {
		w := stop(t, "S08 working")
		w.alter("Contract/agreement", func(b obj) {
			b["term"].([]any)[0].(obj)["securityLabel"] = arr{obj{"classification": obj{"system": "urn:tenon:secrecy", "code": "state-secret"}}}
		})
		refused(t, w.write(clin, note()), 409, "", "secrecy-licence")
	})
	licensed := func(t *testing.T) *world {
		w := stop(t, "S08 working")
		w.must(clin, secrecyLicence("of-hospital", "Organization/hospital"))
		w.must(mfr, secrecyLicence("of-maker", "Organization/maker"))
		flagged("Task/root")(w)
		return w
	}
	for name, spoil := range map[string]removal{
		"out of date": put("DocumentReference/of-maker", "context", obj{"period": obj{"start": "2025-01-01", "end": "2026-01-01"}}), "without an end": put("DocumentReference/of-maker", "context", obj{"period": obj{"start": "2025-01-01"}}),
		"superseded": put("DocumentReference/of-maker", "status", "superseded"), "of another party": put("DocumentReference/of-maker", "custodian", ref("Organization/other")),
		"without a number": put("DocumentReference/of-maker", "masterIdentifier", nil), "of another kind": put("DocumentReference/of-maker", "type", concept("urn:tenon:evidence", "licence")),
		"that has ended since": later(4 * 365 * 24 * time.Hour),
	} {
		t.Run("R001-032 a licence "+name, func(t *testing.T) {
			w := licensed(t)
			if d := w.at(t).write(clin, note()); len(d.Refusal) > 0 {
				t.Fatalf("with licences: %s", told(d.Refusal))
			}
			spoil(w)
			refused(t, w.write(clin, note()), 409, "", "secrecy-licence", "R001-032")
		})
	}
	t.Run("R001-032 the label is put on by itself, and stays", func(t *testing.T) {
		w := stop(t, "S08 working")
		root := w.get("Task/root")
		root["meta"] = secretLabel
		refused(t, w.write(clin, root, note()), 409, "", "secrecy-licence")
		w.must(clin, root)
		root = w.get("Task/root")
		delete(root, "meta")
		refused(t, w.write(clin, root), 409, "", "secrecy-label", "R001-032")
	})
	t.Run("R001-032 a licence is no cover for something else", func(t *testing.T) {
		w := stop(t, "S08 working")
		flagged("Task/root")(w)
		refused(t, w.write(clin, secrecyLicence("of-hospital", "Organization/hospital"), note()), 409, "", "secrecy-licence")
		scan := obj{"resourceType": "Binary", "id": "scan-of-hospital", "contentType": "text/plain", "data": "eA=="}
		refused(t, w.write(clin, scan), 409, "", "secrecy-licence")
		w.must(clin, scan, secrecyLicence("of-hospital", "Organization/hospital"))
	})
}

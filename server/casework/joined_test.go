package casework_test

import (
	"testing"

	"tenon/server/access"
)

func TestWhatIsNotNamedCountsForNothing(t *testing.T) {
	t.Run("R001-009 R001-150 a second team", func(t *testing.T) {
		w := stop(t, "S02 working")
		second := w.get("CareTeam/team")
		second["id"] = "second"
		second["participant"] = arr{obj{"role": arr{concept("urn:tenon:role", "CLIN")}, "member": ref(clin2.Principal)}, obj{"member": ref("PractitionerRole/stranger")}}
		put("CareTeam/team", "participant", arr{obj{"role": arr{concept("urn:tenon:role", "CLIN")}, "member": ref(clin.Principal)}})(w)
		w.must(clin, second)
		if got := ceiling(w, clin2.Principal); got != 0 {
			t.Errorf("a team that the case does not name opens it up to level %d", got)
		}
	})
	t.Run("R001-054 a second agreement", func(t *testing.T) {
		w := stop(t, "S08 working")
		unnamed(prod)(w)
		second := contract(w)
		second["id"] = "second"
		w.must(hosp, second)
		if got := ceiling(w, prod.Principal); got != 0 {
			t.Errorf("an agreement that the case does not name opens it up to level %d", got)
		}
	})
	t.Run("R001-036 a second consent permits nothing, and denies", func(t *testing.T) {
		w := stop(t, "S08 working")
		second := w.get("Consent/consent")
		second["id"] = "second"
		put("Consent/consent", "status", "inactive")(w)
		w.must(clin, second)
		refused(t, w.write(des, w.set("S08", des, "completed", "completed")), 0, "", "consent-in-force")
		put("Consent/consent", "status", "active")(w)
		second["provision"].(obj)["type"] = "deny"
		second["id"] = "third"
		w.must(clin, second)
		refused(t, w.write(des, w.set("S08", des, "completed", "completed")), 0, "", "consent-in-force")
	})
}

func TestWhoChangesWhatOpensTheCase(t *testing.T) {
	for _, doc := range []string{"CareTeam/team", "Consent/consent", "Contract/agreement"} {
		t.Run("R001-055 R001-150 "+doc, func(t *testing.T) {
			w := stop(t, "S08 working")
			b := w.get(doc)
			b["language"] = "zh"
			for _, actor := range []*access.Context{img, des, mfr, pat} {
				refused(t, w.write(actor, b), 403, "", "document-owner")
			}
			owner := clin
			if doc == "Contract/agreement" {
				owner = hosp
				delete(b, "language")
				b["status"] = "terminated"
			}
			w.must(owner, b)
		})
	}
}

func TestImagesNeedConsent(t *testing.T) {
	study := obj{"resourceType": "ImagingStudy", "id": "early", "status": "available", "subject": ref("Patient/p"), "started": "2026-03-01", "numberOfInstances": 1}
	w := stop(t, "S01 working")
	refused(t, w.write(img, study), 409, "G-CONSENT", "consent-before-images", "R001-036")
	w = stop(t, "S02 working")
	w.must(img, study)
	study["id"] = "later"
	put("Consent/consent", "status", "inactive")(w)
	refused(t, w.write(img, study), 409, "G-CONSENT", "consent-before-images", "R001-036")
}

func TestUse(t *testing.T) {
	use := func(patient, status string) obj {
		return obj{"resourceType": "Procedure", "id": "op", "status": status, "subject": ref(patient), "focalDevice": arr{obj{"manipulated": ref("Device/implant")}}}
	}
	w := stop(t, "S17 working")
	refused(t, w.write(clin, use("Patient/p", "completed")), 409, "G-USE", "released-for-use", "R001-208", "R001-212")
	w.must(clin, use("Patient/p", "preparation"))
	w = stop(t, "S18 handed-over")
	refused(t, w.write(clin, use(other, "completed")), 409, "G-USE", "right-patient", "R001-153")
	statement := obj{"resourceType": "DeviceUseStatement", "id": "st", "status": "active", "subject": ref(other), "device": ref("Device/implant")}
	refused(t, w.write(clin, statement), 409, "G-USE", "right-patient", "R001-153")
	elsewhere := use("Patient/p", "completed")
	elsewhere["performer"] = arr{obj{"actor": ref(clin.Principal), "onBehalfOf": ref("Organization/another")}}
	refused(t, w.write(clin, elsewhere), 409, "G-USE", "right-hospital", "R001-153")
	w.must(clin, use("Patient/p", "completed"))

	w = stop(t, "S18 handed-over")
	w.must(clin, obj{"resourceType": "DetectedIssue", "id": "problem", "status": "preliminary", "implicated": arr{ref("Device/implant")}})
	if got := w.members["Device/implant"].Root.Field("status").Str(); got != "inactive" {
		t.Errorf("R001-215 the device is %q after a problem, want inactive", got)
	}
	refused(t, w.write(clin, use("Patient/p", "completed")), 409, "G-USE", "device-in-order", "R001-215")
	if reasons, _ := w.get("Device/implant")["statusReason"].([]any); len(reasons) != 1 {
		t.Errorf("R001-215 the device does not say why it is inactive: %v", reasons)
	}
}

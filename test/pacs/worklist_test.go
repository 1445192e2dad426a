package pacs

import (
	"fmt"
	"strings"
	"tenon/dicomweb/dimse"
	"testing"
)

// testWorklist: a scanner asks for what it is to scan, and gets the active imaging
// orders in reach.
func (h *house) testWorklist(t *testing.T) {
	for i, o := range []struct{ status, modality, at string }{{"active", "CT", "2026-03-02T09:30:00+08:00"}, {"active", "MR", "2026-03-05T10:00:00+08:00"}, {"completed", "CT", "2026-03-02T09:00:00+08:00"}} {
		h.Create(t, h.clin, fmt.Sprintf(`{"resourceType":"ServiceRequest","status":%q,"intent":"order","code":{"coding":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":%q}]},
				"identifier":[{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"ACSN"}]},"value":"ACC-%d"}],
				"subject":{"reference":%q},"occurrenceDateTime":%q,"bodySite":[{"text":"颅骨"}]}`, o.status, o.modality, i, h.patient, o.at))
	}
	step := func(keys ...string) []string {
		args := []string{"-W", "-k", "PatientName", "-k", "PatientID", "-k", "AccessionNumber", "-k", "StudyInstanceUID", "-k", "RequestedProcedureID"}
		for _, k := range keys {
			args = append(args, "-k", k)
		}
		return args
	}
	const sps = "ScheduledProcedureStepSequence[0]."
	all := []string{sps + "Modality", sps + "ScheduledStationAETitle=CT1", sps + "ScheduledProcedureStepStartDate", sps + "ScheduledProcedureStepStartTime", sps + "ScheduledProcedureStepDescription"}
	for name, c := range map[string]struct {
		keys []string
		want int
	}{
		"all":                     {all, 2},
		"by modality":             {[]string{sps + "Modality=CT"}, 1},
		"by day":                  {[]string{sps + "ScheduledProcedureStepStartDate=20260305"}, 1},
		"by period":               {[]string{sps + "ScheduledProcedureStepStartDate=20260301-20260303"}, 1},
		"by patient":              {[]string{"PatientID=" + mrn}, 2},
		"by another patient":      {[]string{"PatientID=OTHER"}, 0},
		"by accession":            {[]string{"AccessionNumber=ACC-1"}, 1},
		"completed is not on it":  {[]string{"AccessionNumber=ACC-2"}, 0},
		"by a name in UTF-8":      {[]string{"SpecificCharacterSet=ISO_IR 192", "PatientName=王*"}, 2},
		"by a name in GB18030":    {[]string{"SpecificCharacterSet=GB18030", "PatientName=\xcd\xf5*"}, 2},
		"by another in GB18030":   {[]string{"SpecificCharacterSet=GB18030", "PatientName=\xc0\xee*"}, 0},
		"modality and day differ": {[]string{sps + "Modality=CT", sps + "ScheduledProcedureStepStartDate=20260305"}, 0},
	} {
		if got := h.found(t, "SCANNER", step(c.keys...)...); len(got) != c.want {
			t.Errorf("%s: %d steps %v, want %d", name, len(got), got, c.want)
		}
	}
	got := strings.Join(h.found(t, "SCANNER", step(append(all, sps+"Modality=CT")...)...), "\n")
	for _, want := range []string{"王", mrn, "ACC-0", "[20260302]", "[093000]", "[CT1]", "颅骨", "2.25."} {
		if !strings.Contains(got, want) {
			t.Errorf("the step lacks %s:\n%s", want, got)
		}
	}
	h.peer(t, dimse.Peer{Title: "CT1", Principal: "PractitionerRole/img-li"})
	h.Create(t, h.clin, fmt.Sprintf(`{"resourceType":"ServiceRequest","status":"active","intent":"order","code":{"coding":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"XA"}]},
		"subject":{"reference":%q},"occurrenceDateTime":"2026-03-06","performer":[{"reference":"PractitionerRole/img-li","display":"CT in room 1"}]}`, h.patient))
	for station, want := range map[string]int{"CT1": 1, "CT9": 0, "": 1} {
		if got := h.found(t, "SCANNER", step(sps+"Modality=XA", sps+"ScheduledStationAETitle="+station, sps+"ScheduledStationName")...); len(got) != want || want > 0 && (!strings.Contains(got[0], "[CT1]") || !strings.Contains(got[0], "CT in room 1")) {
			t.Errorf("by station %q: %v, want %d", station, got, want)
		}
	}
	if got := h.found(t, "DESIGNER", step()...); len(got) != 0 {
		t.Errorf("R001-046 a designer sees the worklist: %v", got)
	}
	if code, out := h.run(t, "findscu", "DEAF", step()...); code == 0 || !strings.Contains(out, "No Acceptable Presentation Contexts") {
		t.Errorf("findscu of a peer without the permission = %d:\n%s", code, out)
	}
	if _, out := h.run(t, "findscu", "SCANNER", append(step(), "-d", "--cancel", "1")...); !strings.Contains(out, "Received Final Find Response") {
		t.Errorf("cancelled: %s", out)
	}
}

package rest_test

// https://hl7.org/fhir/R4/patient-operation-everything.html
// https://hl7.org/fhir/R4/encounter-operation-everything.html

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tenon/fhir/tree"
	"tenon/server/access"
	"tenon/server/casework"
	"tenon/server/record"
)

// gathered is what one page holds, as Type/id, linked ones with a plus.
func gathered(t *testing.T, h http.Handler, path string, headers ...string) (list []string, next string) {
	t.Helper()
	w := must(t, h, 200, "GET", "/fhir/"+path, "", headers...)
	return readGathered(t, w.Body.Bytes())
}

func readGathered(t *testing.T, body []byte) (list []string, next string) {
	t.Helper()
	d, err := tree.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	valid(t, d.Root(), "Bundle")
	for e := range d.Root().Field("entry").Items() {
		name := e.Path("resource", "resourceType").Str() + "/" + e.Path("resource", "id").Str()
		if e.Path("search", "mode").Str() == "include" {
			name = "+" + name
		}
		list = append(list, name)
	}
	for l := range d.Root().Field("link").Items() {
		if l.Field("relation").Str() == "next" {
			next = strings.TrimPrefix(l.Field("url").Str(), base+"/")
		}
	}
	return list, next
}

// whole walks over all pages and refuses what comes twice.
func whole(t *testing.T, h http.Handler, path string, between func(), headers ...string) (list []string) {
	t.Helper()
	for path != "" {
		page, next := gathered(t, h, path, headers...)
		for _, ref := range page {
			if slices.Contains(list, ref) {
				t.Errorf("%s: %s comes twice", path, ref)
			}
		}
		list = append(list, page...)
		if path = next; between != nil {
			between()
		}
	}
	return list
}

func sameSet(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("%s =\n %v, want\n %v", what, got, want)
	}
}

// record of one patient: what is in the compartment, what that refers to, and
// what belongs to somebody else.
type dossierOf struct{ patient, other, org, doctor, role, place, encounter, early, late, linkedFile, note, foreign string }

func (h *house) patientRecord(t *testing.T, as ...string) (d dossierOf) {
	t.Helper()
	put := func(format string, args ...any) string {
		body := fmt.Sprintf(format, args...)
		var typ string
		_, _ = fmt.Sscanf(body, `{"resourceType":%q`, &typ)
		who := as
		if typ == "Organization" || strings.HasPrefix(typ, "Practitioner") {
			who = nil
		}
		return typ + "/" + create(t, h, body, who...)
	}
	d.org = put(`{"resourceType":"Organization","name":"Hospital"}`)
	d.doctor = put(`{"resourceType":"Practitioner","name":[{"family":"Li"}]}`)
	d.role = put(`{"resourceType":"PractitionerRole","practitioner":{"reference":%q},"organization":{"reference":%q}}`, d.doctor, d.org)
	d.place = put(`{"resourceType":"Location","name":"Ward 1"}`)
	d.patient = put(`{"resourceType":"Patient","name":[{"family":"Wang"}]}`)
	d.other = put(`{"resourceType":"Patient","name":[{"family":"Zhao"}]}`)
	d.encounter = put(`{"resourceType":"Encounter","status":"finished","class":{"code":"IMP"},"subject":{"reference":%q},"period":{"start":"2024-03-01","end":"2024-03-05"},"location":[{"location":{"reference":%q}}]}`, d.patient, d.place)
	d.early = put(`{"resourceType":"Observation","status":"final","code":{"text":"a"},"subject":{"reference":%q},"effectiveDateTime":"2020-05-01","performer":[{"reference":%q}]}`, d.patient, d.role)
	d.late = put(`{"resourceType":"Observation","status":"final","code":{"text":"b"},"subject":{"reference":%q},"encounter":{"reference":%q},"effectiveDateTime":"2024-03-02T10:00:00+08:00"}`, d.patient, d.encounter)
	d.linkedFile = put(`{"resourceType":"Binary","contentType":"text/plain","data":"aGVsbG8="}`)
	d.note = put(`{"resourceType":"DocumentReference","status":"current","subject":{"reference":%q},"content":[{"attachment":{"url":%q}}]}`, d.patient, d.linkedFile)
	d.foreign = put(`{"resourceType":"Observation","status":"final","code":{"text":"c"},"subject":{"reference":%q}}`, d.other)
	return d
}

func TestPatientEverything(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		h.at(0)
		d := h.patientRecord(t)
		all := []string{d.patient, d.encounter, d.early, d.late, d.note, "+" + d.role, "+" + d.doctor, "+" + d.org, "+" + d.place, "+" + d.linkedFile}
		at := d.patient + "/$everything"
		t.Run("compartment and what it refers to", func(t *testing.T) {
			got := whole(t, h, at, nil)
			sameSet(t, "everything", got, all...)
			if got[0] != d.patient {
				t.Errorf("first = %s, want the patient", got[0])
			}
			sameSet(t, "by POST", must1(readGathered(t, must(t, h, 200, "POST", "/fhir/"+at, `{"resourceType":"Parameters","parameter":[{"name":"_count","valueInteger":100}]}`).Body.Bytes())), all...)
		})
		t.Run("pages survive writes", func(t *testing.T) {
			added := 0
			got := whole(t, h, at+"?_count=1", func() {
				if added++; added > 3 {
					return
				}
				// what is written meanwhile neither repeats nor hides anything
				id := strings.TrimPrefix(d.early, "Observation/")
				must(t, h, 200, "PUT", "/fhir/"+d.early, fmt.Sprintf(`{"resourceType":"Observation","id":%q,"status":"amended","code":{"text":"a%d"},"subject":{"reference":%q},"effectiveDateTime":"2020-05-01","performer":[{"reference":%q}]}`, id, added, d.patient, d.role))
			})
			sameSet(t, "everything by ones", got, all...)
			h.at(10)
			must(t, h, 200, "PUT", "/fhir/"+d.place, fmt.Sprintf(`{"resourceType":"Location","id":%q,"name":"Ward 2"}`, strings.TrimPrefix(d.place, "Location/")))
		})
		for _, c := range []struct {
			query string
			want  []string
		}{
			{"_type=Observation,Encounter", []string{d.early, d.late, d.encounter}},
			{"_type=Observation&_type=Practitioner", []string{d.early, d.late, "+" + d.doctor}},
			{"_since=2026-03-01T08:05:00Z", []string{"+" + d.place}},
			{"start=2024&_type=Observation,Encounter", []string{d.late, d.encounter}},
			{"end=2020-05&_type=Observation,Encounter", []string{d.early}},
			{"start=2020-05-01&end=2020-05-01", []string{d.patient, d.early, d.note, "+" + d.role, "+" + d.doctor, "+" + d.org, "+" + d.linkedFile}},
			{"start=2024-03-04&end=2024-03-04&_type=Encounter,Observation,Location", []string{d.encounter, "+" + d.place}},
		} {
			t.Run(c.query, func(t *testing.T) {
				for _, from := range []string{at, "Patient/$everything"} {
					want := c.want
					if from != at { // all patients: the other one and his
						if slices.Contains(want, d.patient) || strings.Contains(c.query, "end=") || strings.Contains(c.query, "start=") {
							continue
						}
						if strings.Contains(c.query, "Observation") {
							want = append(slices.Clone(want), d.foreign)
						}
					}
					sameSet(t, from, whole(t, h, from+"?_count=2&"+strings.ReplaceAll(c.query, "&_count", ""), nil), want...)
				}
			})
		}
		t.Run("all patients", func(t *testing.T) {
			sameSet(t, "Patient/$everything", whole(t, h, "Patient/$everything?_count=3", nil), append(slices.Clone(all), d.other, d.foreign)...)
			sameSet(t, "period", whole(t, h, "Patient/$everything?start=2024&_type=Observation,Practitioner", nil), d.late, d.foreign)
		})
		t.Run("one encounter", func(t *testing.T) {
			sameSet(t, "Encounter/$everything", whole(t, h, d.encounter+"/$everything?_count=2", nil), d.encounter, d.late, "+"+d.patient, "+"+d.place)
			must(t, h, 400, "GET", "/fhir/"+d.encounter+"/$everything?start=2020", "", "Prefer: handling=strict")
		})
	})
}

func must1(list []string, _ string) []string { return list }

func TestEverythingRefuses(t *testing.T) {
	h := realDoor(t)
	id := create(t, h, `{"resourceType":"Patient"}`)
	gone := create(t, h, `{"resourceType":"Patient"}`)
	must(t, h, 204, "DELETE", "/fhir/Patient/"+gone, "")
	for path, status := range map[string]int{
		"Patient/none/$everything": 404, "Patient/" + gone + "/$everything": 410, "Encounter/none/$everything": 404,
		"Patient/" + id + "/$everything?_count=0": 400, "Patient/" + id + "/$everything?_count=x": 400,
		"Patient/" + id + "/$everything?_type=Patiens": 400, "Patient/" + id + "/$everything?start=soon": 400,
		"Patient/" + id + "/$everything?_since=1x": 400, "Patient/" + id + "/$everything?_after=Patient/none": 400,
		"Patient/" + id + "/$everything?_after=x": 400,
	} {
		must(t, h, status, "GET", "/fhir/"+path, "")
	}
	must(t, h, 400, "GET", "/fhir/Patient/"+id+"/$everything?colour=red", "", "Prefer: handling=strict")
	must(t, h, 200, "GET", "/fhir/Patient/"+id+"/$everything?colour=red", "")
	must(t, h, 400, "POST", "/fhir/Patient/"+id+"/$everything", `{"resourceType":"Patient"}`)
	must(t, h, 404, "GET", "/fhir/Observation/"+id+"/$everything", "")
}

// Who does not reach something does not find it in the everything of what he
// reaches, and learns nothing of parties through what he does not reach.
func TestEverythingWithinReach(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		d := h.patientRecord(t, "As: clin")
		at := d.patient + "/$everything"
		must(t, h, 404, "GET", "/fhir/"+at, "", "As: stranger")
		must(t, h, 404, "GET", "/fhir/"+d.encounter+"/$everything", "", "As: stranger")
		sameSet(t, "a stranger's patients", whole(t, h, "Patient/$everything", nil, "As: stranger"))
		hidden := "Observation/" + create(t, h, fmt.Sprintf(`{"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":%q},"performer":[{"reference":"Practitioner/%s"}]}`,
			d.patient, create(t, h, `{"resourceType":"Practitioner","name":[{"family":"Unseen"}]}`)), "As: stranger")
		mine := []string{d.patient, d.encounter, d.early, d.late, d.note, "+" + d.role, "+" + d.doctor, "+" + d.org, "+" + d.place, "+" + d.linkedFile}
		sameSet(t, "the clinician's", whole(t, h, at, nil, "As: clin"), mine...)
		sameSet(t, "the clinician's patients", whole(t, h, "Patient/$everything?_count=2", nil, "As: clin"), append(slices.Clone(mine), d.other, d.foreign)...)
		if got := whole(t, h, at, nil); !slices.Contains(got, hidden) {
			t.Errorf("the operator does not see %s: %v", hidden, got)
		}
		// a place out of reach is no place, whether it exists or not
		for _, ref := range []string{d.early, "Observation/none"} {
			w := must(t, h, 400, "GET", "/fhir/Patient/$everything?_after="+ref, "", "As: stranger")
			if got := strings.ReplaceAll(w.Body.String(), ref, "X"); !strings.Contains(got, "behind X, which is not there or no longer in your reach") {
				t.Errorf("_after=%s: %s", ref, got)
			}
		}
		t.Run("audit", func(t *testing.T) { audited(t, h, "everything", d.patient) })
	})
}

// audited fails unless there is a row of the operation for the patient.
func audited(t *testing.T, h *house, operation, patient string) {
	t.Helper()
	rows, err := auditRows(h)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(rows, func(r string) bool {
		return strings.Contains(r, fmt.Sprintf("%q", operation)) && strings.Contains(r, fmt.Sprintf("%q", patient))
	}) {
		t.Errorf("no audit of %s for %s in %d rows", operation, patient, len(rows))
	}
}

// enter makes resources members of a case that is open to a principal, as the
// process does.
func (h *house) enter(t *testing.T, root, principal string, refs ...string) {
	t.Helper()
	u := &record.Unit{Tenant: "main", At: time.Now(), Cases: []string{root}}
	for _, ref := range append(refs, "Task/"+root) {
		typ, id, _ := strings.Cut(ref, "/")
		u.Members = append(u.Members, record.Member{Case: root, Type: typ, ID: id})
	}
	u.Grants = []record.CaseGrants{{Case: root, Grants: []casework.Grant{{Principal: principal, Ceiling: access.Level(5)}}}}
	if err := h.store.Commit(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

// What R4 keeps out of the compartment belongs to the patient by the case: Task,
// Device, Binary, Contract, DeviceRequest; within reach of the case alone.
func TestEverythingOfCases(t *testing.T) {
	people["maker"] = &access.Context{Tenant: "main", Kind: access.Person, Side: access.Manufacturer, Principal: "PractitionerRole/maker",
		Organization: "Organization/maker", Roles: []access.Role{access.DES}}
	onEngines(t, func(t *testing.T, h *house) {
		put := func(format string, args ...any) string {
			body := fmt.Sprintf(format, args...)
			var typ string
			_, _ = fmt.Sscanf(body, `{"resourceType":%q`, &typ)
			return typ + "/" + create(t, h, body)
		}
		patient := put(`{"resourceType":"Patient"}`)
		root := put(`{"resourceType":"Task","status":"in-progress","intent":"order","for":{"reference":%q}}`, patient)
		device := put(`{"resourceType":"Device","patient":{"reference":%q}}`, patient)
		machine := put(`{"resourceType":"Device","deviceName":[{"name":"printer","type":"user-friendly-name"}]}`)
		contract := put(`{"resourceType":"Contract","subject":[{"reference":%q}]}`, patient)
		file := put(`{"resourceType":"Binary","contentType":"model/stl","data":"c29saWQ="}`)
		order := put(`{"resourceType":"DeviceRequest","intent":"order","codeCodeableConcept":{"text":"plate"},"subject":{"reference":%q}}`, patient)
		outside := put(`{"resourceType":"Device","deviceName":[{"name":"other","type":"user-friendly-name"}]}`)
		id := strings.TrimPrefix(root, "Task/")
		h.enter(t, id, "PractitionerRole/maker", patient, device, machine, contract, file, order)
		want := []string{patient, root, device, machine, contract, file, order}
		for _, as := range []string{"As: maker", "As: "} {
			for _, path := range []string{patient + "/$everything?_count=2", "Patient/$everything?_count=2"} {
				sameSet(t, as+" "+path, whole(t, h, path, nil, as), want...)
			}
		}
		if got := whole(t, h, patient+"/$everything", nil); slices.Contains(got, outside) {
			t.Errorf("a device of nobody's case is in %v", got)
		}
		must(t, h, 404, "GET", "/fhir/"+patient+"/$everything", "", "As: clin")
		sameSet(t, "a stranger to the case", whole(t, h, "Patient/$everything", nil, "As: stranger"))
	})
}

// That something of one's own is in a case that one does not reach is not told.
func TestEverythingOfCasesOfOthers(t *testing.T) {
	onEngines(t, func(t *testing.T, h *house) {
		patient := "Patient/" + create(t, h, `{"resourceType":"Patient"}`, "As: clin")
		machine := "Device/" + create(t, h, `{"resourceType":"Device","status":"active"}`, "As: clin")
		root := create(t, h, `{"resourceType":"Task","status":"in-progress","intent":"order","for":{"reference":"`+patient+`"}}`, "As: stranger")
		h.enter(t, root, "PractitionerRole/nobody", machine)
		for _, path := range []string{patient + "/$everything", "Patient/$everything"} {
			sameSet(t, path, whole(t, h, path, nil, "As: clin"), patient)
			sameSet(t, path+" of the operator", whole(t, h, path, nil), patient, machine, "Task/"+root)
		}
	})
}

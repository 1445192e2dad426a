package dicomweb_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"tenon/dicomweb"
	"tenon/dicomweb/sample"
	"tenon/fhir/issue"
	"tenon/server/access"
)

// ct is a series of patient P-1, whom the house knows.
func ct(seed int64, slices int) *sample.Series {
	return sample.New(sample.Options{Seed: seed, Slices: slices, PatientID: "P-1 ", PatientName: "Wang^XiaoDong=王^小东"})
}

func filesOf(s *sample.Series) [][]byte {
	files := make([][]byte, s.Len())
	for i := range files {
		files[i] = s.Slice(i)
	}
	return files
}

func TestStowStoresASeries(t *testing.T) {
	c := open(t)
	s := ct(1, 8)
	a := c.stow(t, "/studies", filesOf(s)...)
	if a.StatusCode != http.StatusOK || a.Header.Get("Content-Type") != "application/dicom+json" {
		t.Fatalf("status %d %s: %s", a.StatusCode, a.Header.Get("Content-Type"), a.body)
	}
	answer := a.object(t)
	if got, want := answer.value("00081190"), c.url+"/studies/"+s.StudyUID; got != want {
		t.Errorf("RetrieveURL = %s, want %s", got, want)
	}
	stored := answer.items(t, "00081199")
	if len(stored) != 8 || answer.items(t, "00081198") != nil {
		t.Fatalf("answer = %s", a.body)
	}
	want := c.url + "/studies/" + s.StudyUID + "/series/" + s.SeriesUID + "/instances/" + s.InstanceUID(7)
	if stored[7].value("00081155") != s.InstanceUID(7) || stored[7].value("00081190") != want || stored[7].value("00081150") != "1.2.840.10008.5.1.4.1.1.2" {
		t.Errorf("eighth instance = %v", stored[7])
	}
	t.Run("R001-042 R004-041 bytes are kept verbatim", func(t *testing.T) {
		for i := range s.Len() {
			if got := c.blobs[c.instances[s.InstanceUID(i)].Content.Digest]; !bytes.Equal(got, s.Slice(i)) {
				t.Errorf("slice %d was changed", i)
			}
		}
	})
	t.Run("one unit, one version", func(t *testing.T) {
		if len(c.drafts) != 1 || len(c.drafts[0].Ops) != 1 || len(c.drafts[0].Rows) != 12 || len(c.drafts[0].Blobs) != 8 {
			t.Errorf("%d drafts", len(c.drafts))
		}
	})
}

func TestImagingStudy(t *testing.T) {
	c := open(t, func(o *dicomweb.Options) { o.Endpoint = "Endpoint/wado" })
	s := ct(1, 2)
	if a := c.stow(t, "/studies?patient=Patient/p1&task=Task/t1", filesOf(s)...); a.StatusCode != 200 {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	got := string(c.drafts[0].Ops[0].Body)
	id := c.drafts[0].Ops[0].ID
	want := `{"resourceType":"ImagingStudy","id":"` + id + `",` +
		`"extension":[{"url":"urn:tenon:extension:case","valueReference":{"reference":"Task/t1"}}],` +
		`"identifier":[{"system":"urn:dicom:uid","use":"official","value":"urn:oid:` + s.StudyUID + `"},` +
		`{"type":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0203","code":"ACSN"}]},"value":"ACC-1"}],` +
		`"status":"available","modality":[{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"CT"}],` +
		`"subject":{"reference":"Patient/p1"},"started":"2026-01-05T09:30:00Z","numberOfSeries":1,"numberOfInstances":2,` +
		`"description":"CT head, synthetic","series":[{"uid":"` + s.SeriesUID + `","number":1,` +
		`"modality":{"system":"http://dicom.nema.org/resources/ontology/DCM","code":"CT"},"description":"Bone, axial","numberOfInstances":2,` +
		`"bodySite":{"system":"http://snomed.info/sct","code":"69536005","display":"Head"},"started":"2026-01-05T09:30:00Z",` +
		`"instance":[{"uid":"` + s.InstanceUID(0) + `","sopClass":{"system":"urn:ietf:rfc:3986","code":"urn:oid:1.2.840.10008.5.1.4.1.1.2"},"number":1},` +
		`{"uid":"` + s.InstanceUID(1) + `","sopClass":{"system":"urn:ietf:rfc:3986","code":"urn:oid:1.2.840.10008.5.1.4.1.1.2"},"number":2}]}],` +
		`"endpoint":[{"reference":"Endpoint/wado"}]}`
	if got != want {
		t.Errorf("ImagingStudy = %s\nwant           %s", got, want)
	}
}

func TestStowAgain(t *testing.T) {
	c := open(t)
	s := ct(1, 4)
	files := filesOf(s)
	c.stow(t, "/studies", files[:2]...)

	t.Run("R001-042 the same bytes again are stored already", func(t *testing.T) {
		a := c.stow(t, "/studies", files[:2]...)
		if a.StatusCode != 200 || len(a.object(t).items(t, "00081199")) != 2 || len(c.drafts) != 1 {
			t.Errorf("status %d, %d drafts: %s", a.StatusCode, len(c.drafts), a.body)
		}
	})
	t.Run("and that is audited", func(t *testing.T) {
		if n := len(c.audits); n != 1 || c.audits[0].Operation != "stow" || c.audits[0].Patient != "Patient/p1" {
			t.Errorf("audit = %+v", c.audits)
		}
	})
	t.Run("more of the study makes the next version", func(t *testing.T) {
		// What a client added to the resource stays, and the case is not lost.
		body := c.versions["ImagingStudy/"+c.studies[s.StudyUID].Resource][0].Body
		c.put("ImagingStudy", c.studies[s.StudyUID].Resource, strings.Replace(string(body), `"status"`, `"note":[{"text":"1.00 <b>"}],"status"`, 1))
		a := c.stow(t, "/studies/"+s.StudyUID, files...)
		if a.StatusCode != 200 || len(c.drafts) != 2 || c.drafts[1].Ops[0].IfMatch != "2" {
			t.Fatalf("status %d, %d drafts: %s", a.StatusCode, len(c.drafts), a.body)
		}
		got := string(c.drafts[1].Ops[0].Body)
		for _, want := range []string{`"numberOfInstances":4,"description"`, `"note":[{"text":"1.00 <b>"}]`, s.InstanceUID(0), s.InstanceUID(3)} {
			if !strings.Contains(got, want) {
				t.Errorf("ImagingStudy lacks %s: %s", want, got)
			}
		}
		if n := c.studies[s.StudyUID].Instances; *n != 4 {
			t.Errorf("the row counts %d instances", *n)
		}
	})
	t.Run("the same UID with other bytes is refused, the rest is stored", func(t *testing.T) {
		changed := bytes.Replace(files[0], []byte("BONE"), []byte("SOFT"), 1)
		other := ct(2, 1)
		a := c.stow(t, "/studies", changed, other.Slice(0))
		failed := a.object(t).items(t, "00081198")
		if a.StatusCode != http.StatusAccepted || len(failed) != 1 || failed[0].value("00081197") != "45070" || failed[0].value("00081155") != s.InstanceUID(0) {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	})
	t.Run("all refused is 409", func(t *testing.T) {
		changed := bytes.Replace(files[0], []byte("BONE"), []byte("SOFT"), 1)
		if a := c.stow(t, "/studies", changed); a.StatusCode != http.StatusConflict {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	})
	t.Run("twice in one request", func(t *testing.T) {
		x := ct(3, 1).Slice(0)
		changed := bytes.Replace(x, []byte("BONE"), []byte("SOFT"), 1)
		a := c.stow(t, "/studies", x, x, changed)
		if got := a.object(t); len(got.items(t, "00081199")) != 2 || got.items(t, "00081198")[0].value("00081197") != "45070" {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	})
}

func TestStowAdmits(t *testing.T) {
	file := func(patient string) []byte {
		return sample.New(sample.Options{Seed: 5, PatientID: patient, Slices: 1}).Slice(0)
	}
	for name, tc := range map[string]struct {
		target, patient string
		want            string // subject, or the failure reason
	}{
		"an identifier of one patient":              {"/studies", "P-2", "Patient/p2"},
		"an identifier with separators of a search": {"/studies", `T,W|I$N\`, "Patient/p2"},
		"an identifier of nobody":                   {"/studies", "P-9", "43264"},
		"an identifier of two":                      {"/studies", "TWIN", "43264"},
		"an empty identifier":                       {"/studies", " ", "43264"},
		"the patient of the URL":                    {"/studies?patient=Patient/p1", "P-9", "Patient/p1"},
		"the patient of the URL, empty identifier":  {"/studies?patient=Patient/p1", " ", "Patient/p1"},
		"the patient of the URL, two of the name":   {"/studies?patient=Patient/p3", "TWIN", "Patient/p3"},
		"another patient than that of the URL":      {"/studies?patient=Patient/p1", "P-2", "43264"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.patient == `T,W|I$N\` { // a backslash ends a value of DICOM
				tc.patient = `T,W|I$N`
			}
			c := open(t)
			c.put("Patient", "p2", `{}`)
			c.versions["Patient/p2"][0].Body = []byte(strings.Replace(string(c.versions["Patient/p2"][0].Body), `T,W|I$N\\`, `T,W|I$N`, 1))
			a := c.stow(t, tc.target, file(tc.patient))
			if strings.HasPrefix(tc.want, "Patient/") {
				if a.StatusCode != 200 || !strings.Contains(string(c.drafts[0].Ops[0].Body), `"subject":{"reference":"`+tc.want+`"}`) {
					t.Errorf("status %d: %s", a.StatusCode, a.body)
				}
				return
			}
			failed := a.object(t).items(t, "00081198")
			if a.StatusCode != http.StatusConflict || len(failed) != 1 || failed[0].value("00081197") != tc.want || len(c.blobs) != 0 {
				t.Errorf("status %d, %d blobs: %s", a.StatusCode, len(c.blobs), a.body)
			}
		})
	}
}

func TestStowRefusesRequests(t *testing.T) {
	one := multipartBody(ct(1, 1).Slice(0))
	for name, tc := range map[string]struct {
		target, contentType string
		body                []byte
		status              int
	}{
		"R000-014 another media type":  {"/studies", "application/json", one, 415},
		"R000-014 another part type":   {"/studies", related, bytes.Replace(one, []byte("application/dicom\r"), []byte("image/jpeg\r"), 1), 415},
		"DICOM JSON":                   {"/studies", `multipart/related; type="application/dicom+json"; boundary=frontier`, one, 415},
		"no boundary":                  {"/studies", `multipart/related; type="application/dicom"`, one, 400},
		"no parts":                     {"/studies", related, []byte("--frontier--\r\n"), 400},
		"no multipart":                 {"/studies", related, []byte("hello"), 400},
		"empty":                        {"/studies", related, nil, 400},
		"a study that is no UID":       {"/studies/1..2", related, one, 400},
		"an unknown parameter":         {"/studies?pateint=Patient/p1", related, one, 400},
		"a parameter that is none":     {"/studies?patient=p1", related, one, 400},
		"a patient that is not there":  {"/studies?patient=Patient/p9", related, one, 404},
		"a task that is not there":     {"/studies?task=Task/t9", related, one, 404},
		"the type without its quotes":  {"/studies", "multipart/related; type=application/dicom; boundary=frontier", one, 200},
		"no type at all":               {"/studies", "multipart/related; boundary=frontier", one, 200},
		"a single part":                {"/studies", "application/dicom", ct(1, 1).Slice(0), 200},
		"part without a type":          {"/studies", related, bytes.Replace(one, []byte("Content-Type: application/dicom\r\n"), nil, 1), 200},
		"quoted boundary with preface": {"/studies", `multipart/related; boundary="frontier"`, append([]byte("preamble\r\n"), one...), 200},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t)
			a := c.do(t, "POST", tc.target, tc.body, "Content-Type", tc.contentType)
			if a.StatusCode != tc.status {
				t.Errorf("status %d, want %d: %s", a.StatusCode, tc.status, a.body)
			}
			if tc.status >= 400 && (a.Header.Get("Content-Type") != "application/problem+json" || !json.Valid(a.body)) {
				t.Errorf("%s: %s", a.Header.Get("Content-Type"), a.body)
			}
		})
	}
}

func TestStowRefusesInstances(t *testing.T) {
	s := ct(1, 2)
	whole := s.Slice(0)
	otherUID := strings.Replace(s.InstanceUID(0), "2.25.", "2.26.", 1)
	for name, tc := range map[string]struct {
		target string
		file   []byte
		reason string
		named  bool // in the FailedSOPSequence with its UID
	}{
		"truncated in the pixel data": {"/studies", whole[:len(whole)-100], "49152", false},
		"truncated in the header":     {"/studies", whole[:700], "49152", false},
		"no DICOM":                    {"/studies", []byte("<html>"), "49152", false},
		"empty":                       {"/studies", nil, "49152", false},
		"another study than the URL":  {"/studies/1.2.3", whole, "43265", true},
		"private transfer syntax":     {"/studies", bytes.Replace(whole, []byte("1.2.840.10008.1.2.1\x00"), []byte("1.2.840.113619.5.2\x00\x00"), 1), "49442", false},
		"meta of another instance":    {"/studies", bytes.Replace(whole, []byte(s.InstanceUID(0)), []byte(otherUID), 1), "43264", true},
		"bad study UID":               {"/studies", bytes.Replace(whole, []byte(s.StudyUID), []byte(strings.Replace(s.StudyUID, "2.25", "2..5", 1)), 1), "43264", true},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t)
			a := c.stow(t, tc.target, tc.file, s.Slice(1))
			answer := a.object(t)
			sequence := "0008119A"
			if tc.named {
				sequence = "00081198"
			}
			failed := answer.items(t, sequence)
			if len(failed) == 0 || failed[0].value("00081197") != tc.reason {
				t.Fatalf("status %d: %s, want reason %s in %s", a.StatusCode, a.body, tc.reason, sequence)
			}
			if comment := failed[0].items(t, "00741048"); len(comment) != 1 || comment[0].value("00000902") == "" {
				t.Errorf("no comment in %v", failed[0])
			}
			wantStatus, wantBlobs := 202, 1
			if tc.target != "/studies" {
				wantStatus, wantBlobs = 409, 0
			}
			if a.StatusCode != wantStatus || len(c.blobs) != wantBlobs {
				t.Errorf("status %d, %d blobs; want %d, %d", a.StatusCode, len(c.blobs), wantStatus, wantBlobs)
			}
		})
	}
}

// What lies behind a deflated data set is kept too: the blob is the file.
func TestStowKeepsEveryByte(t *testing.T) {
	c := open(t)
	file := append(load(t, "transfer-syntaxes/CTImage.dcm_Deflated*.dcm"), make([]byte, 200_000)...)
	path := c.storeFile(t, file)
	if a := c.get(t, path, "application/dicom"); !bytes.Equal(a.body, file) {
		t.Errorf("%d bytes came back, want %d", len(a.body), len(file))
	}
}

func TestStowWarns(t *testing.T) {
	c := open(t)
	b := bytes.Replace(ct(1, 1).Slice(0), []byte("20260105"), []byte("2026JAN5"), 1)
	a := c.stow(t, "/studies", b)
	stored := a.object(t).items(t, "00081199")
	if a.StatusCode != http.StatusAccepted || len(stored) != 1 || stored[0].value("00081196") != "45063" {
		t.Errorf("status %d: %s", a.StatusCode, a.body)
	}
}

func TestStowOfABrokenBody(t *testing.T) {
	c := open(t)
	s := ct(1, 3)
	whole := multipartBody(filesOf(s)...)
	a := c.do(t, "POST", "/studies", whole[:len(whole)-len(s.Slice(2))/2], "Content-Type", related)
	answer := a.object(t)
	if a.StatusCode != http.StatusAccepted || len(answer.items(t, "00081199")) != 2 || len(answer.items(t, "0008119A")) == 0 || len(c.blobs) != 2 {
		t.Errorf("status %d, %d blobs: %s", a.StatusCode, len(c.blobs), a.body)
	}
}

func TestStowLimits(t *testing.T) {
	c := open(t, func(o *dicomweb.Options) { o.MaxInstance = 4000 })
	a := c.stow(t, "/studies", ct(1, 1).Slice(0))
	if failed := append(a.object(t).items(t, "00081198"), a.object(t).items(t, "0008119A")...); a.StatusCode != 409 || failed[0].value("00081197") != "42752" {
		t.Errorf("too large an instance: status %d: %s", a.StatusCode, a.body)
	}
	c = open(t, func(o *dicomweb.Options) { o.MaxParts = 2 })
	if a := c.stow(t, "/studies", filesOf(ct(1, 3))...); a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("too many parts: status %d: %s", a.StatusCode, a.body)
	}
}

func TestStowInUnits(t *testing.T) {
	c := open(t)
	s := sample.New(sample.Options{Slices: 300, Rows: 2, Columns: 2, PatientID: "P-1"})
	if a := c.stow(t, "/studies", filesOf(s)...); a.StatusCode != 200 || len(a.object(t).items(t, "00081199")) != 300 {
		t.Fatalf("status %d", a.StatusCode)
	}
	if len(c.drafts) != 2 || len(c.drafts[0].Blobs) != 256 || len(c.drafts[1].Blobs) != 44 {
		t.Errorf("%d units", len(c.drafts))
	}
	if got := c.studies[s.StudyUID]; *got.Instances != 300 || *c.series[s.SeriesUID].Instances != 300 {
		t.Errorf("rows count %d", *got.Instances)
	}
}

func TestStowListsUpToAThousand(t *testing.T) {
	c := open(t)
	s := sample.New(sample.Options{Slices: 1001, Rows: 1, Columns: 1, PatientID: "P-1"})
	files := filesOf(s)
	listed := func() int { return strings.Count(string(c.drafts[len(c.drafts)-1].Ops[0].Body), `"sopClass"`) }
	c.stow(t, "/studies", files[:1000]...)
	if got := listed(); got != 1000 {
		t.Errorf("%d of 1000 instances are listed", got)
	}
	c.stow(t, "/studies", files...)
	if got := string(c.drafts[len(c.drafts)-1].Ops[0].Body); listed() != 0 || !strings.Contains(got, `"numberOfInstances":1001`) {
		t.Errorf("%d of 1001 instances are listed", listed())
	}
}

// Another server stores into the same study while this one prepares.
func TestStowMeetsAnother(t *testing.T) {
	for _, first := range []bool{true, false} {
		t.Run(fmt.Sprintf("study is new %v", first), func(t *testing.T) {
			c := open(t)
			s := ct(1, 6)
			files := filesOf(s)
			if !first {
				c.stow(t, "/studies", files[5])
			}
			c.meanwhile = func() {
				r := httptest.NewRequest("POST", "/studies", bytes.NewReader(multipartBody(files[0], files[1])))
				r.Header.Set("Content-Type", related)
				door(c.house).ServeHTTP(httptest.NewRecorder(), r)
			}
			a := c.stow(t, "/studies", files[1], files[2])
			if a.StatusCode != 200 || len(a.object(t).items(t, "00081199")) != 2 {
				t.Errorf("status %d: %s", a.StatusCode, a.body)
			}
			want := int64(3)
			if !first {
				want = 4
			}
			if got := c.studies[s.StudyUID]; *got.Instances != want {
				t.Errorf("%d instances, want %d", *got.Instances, want)
			}
		})
	}
}

func TestStowIsRefusedByTheRecord(t *testing.T) {
	for name, tc := range map[string]struct {
		err    error
		reason string
	}{
		"R001-036 a gate": {issue.Errorf(issue.BusinessRule, "No active consent.").Rule("G-ACQUIRE/1").Clause("R001-036"), "272"},
		"a role":          {issue.Errorf(issue.Forbidden, "Not your role."), "292"},
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t)
			c.refuse = tc.err
			a := c.stow(t, "/studies", filesOf(ct(1, 2))...)
			failed := a.object(t).items(t, "00081198")
			if a.StatusCode != http.StatusConflict || len(failed) != 2 || failed[1].value("00081197") != tc.reason {
				t.Fatalf("status %d: %s", a.StatusCode, a.body)
			}
			if text := failed[0].items(t, "00741048")[0].value("00000902"); !strings.Contains(text, issue.As(tc.err).Issues[0].Text) {
				t.Errorf("comment = %q", text)
			}
		})
	}
}

func TestStowOfOthers(t *testing.T) {
	c := open(t)
	s := ct(1, 3)
	c.stow(t, "/studies", s.Slice(0))
	t.Run("a study of another patient", func(t *testing.T) {
		foreign := bytes.Replace(s.Slice(1), []byte("P-1 "), []byte("P-2 "), 1)
		a := c.stow(t, "/studies", foreign)
		if failed := a.object(t).items(t, "00081198"); len(failed) != 1 || failed[0].value("00081197") != "43264" {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	})
	t.Run("a study out of reach", func(t *testing.T) {
		c.who = &access.Context{Kind: access.Person, Principal: "PractitionerRole/x", Organization: "Organization/h", Side: access.Hospital, Roles: []access.Role{access.CLIN}}
		c.visible["PractitionerRole/x"] = []string{"Patient/p1"}
		a := c.stow(t, "/studies", s.Slice(0), s.Slice(1))
		if failed := a.object(t).items(t, "00081198"); len(failed) != 2 || failed[0].value("00081197") != "292" || failed[1].value("00081197") != "292" {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	})
	t.Run("a caller whose role may not", func(t *testing.T) {
		c.who = &access.Context{Kind: access.Person, Principal: "PractitionerRole/d", Organization: "Organization/m", Side: access.Manufacturer, Roles: []access.Role{access.DES}}
		if a := c.stow(t, "/studies", s.Slice(2)); a.StatusCode != http.StatusForbidden {
			t.Errorf("status %d: %s", a.StatusCode, a.body)
		}
	})
	t.Run("nobody", func(t *testing.T) {
		c.who = nil
		for _, target := range []string{"/studies", "/instances", "/studies/1.2/metadata"} {
			if a := c.get(t, target); a.StatusCode != http.StatusUnauthorized || a.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("GET %s: status %d", target, a.StatusCode)
			}
		}
	})
}

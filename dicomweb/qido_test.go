package dicomweb_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"tenon/dicomweb/sample"
	"tenon/server/access"
)

// archive is a house with three studies.
func archive(t testing.TB) (*clinic, []*sample.Series) {
	t.Helper()
	c := open(t)
	day := func(d int) time.Time { return time.Date(2026, 1, d, 8+d, 30, 15, 0, time.UTC) }
	list := []*sample.Series{
		sample.New(sample.Options{Seed: 1, Slices: 3, PatientID: "P-1", PatientName: "Wang^XiaoDong=王^小东", Sex: "M", BirthDate: "19700102", Acquired: day(1)}),
		sample.New(sample.Options{Seed: 2, Slices: 2, PatientID: "P-2", PatientName: "Smith^Anna", Sex: "F", Acquired: day(2)}),
		sample.New(sample.Options{Seed: 3, Slices: 1, PatientID: "P-2", PatientName: "SMITHERS^Bob", Sex: "F", Acquired: day(3)}),
	}
	for _, s := range list {
		if a := c.stow(t, "/studies", filesOf(s)...); a.StatusCode != 200 {
			t.Fatalf("status %d: %s", a.StatusCode, a.body)
		}
	}
	return c, list
}

func TestQidoStudies(t *testing.T) {
	c, s := archive(t)
	one, two, three := s[0].StudyUID, s[1].StudyUID, s[2].StudyUID
	for _, tc := range []struct {
		query string
		want  []string // newest first
	}{
		{"", []string{three, two, one}},
		{"PatientID=P-2", []string{three, two}},
		{"00100020=P-2", []string{three, two}},
		{"PatientID=p-2", nil},
		{"PatientID=", []string{three, two, one}},
		{"PatientID=P-*", []string{three, two, one}},
		{"PatientID=P-%3F", []string{three, two, one}},
		{"PatientName=smith^anna", []string{two}},
		{"PatientName=SMITH*", []string{three, two}},
		{"PatientName=*ith^an*", []string{two}},
		{"PatientName=smith", nil},
		{"PatientName=王^小东", []string{one}},
		{"PatientName=王*", []string{one}},
		{"StudyDate=20260102", []string{two}},
		{"StudyDate=20260102-", []string{three, two}},
		{"StudyDate=-20260102", []string{two, one}},
		{"StudyDate=20260101-20260102", []string{two, one}},
		{"StudyTime=0930-1030", []string{two, one}},
		{"StudyTime=10", []string{two}},
		{"StudyTime=103015", []string{two}},
		{"StudyTime=103016-", []string{three}},
		{"StudyInstanceUID=" + one + "," + three, []string{three, one}},
		{"StudyInstanceUID=" + one + `\` + three, []string{three, one}},
		{"StudyInstanceUID=1.2.3", nil},
		{"ModalitiesInStudy=CT", []string{three, two, one}},
		{"ModalitiesInStudy=MR", nil},
		{"ModalitiesInStudy=MR,CT", []string{three, two, one}},
		{"AccessionNumber=ACC-3&PatientSex=F", []string{three}},
		{"PatientBirthDate=19700102", []string{one}},
		{"NumberOfStudyRelatedInstances=3", []string{one}},
		{"limit=2", []string{three, two}},
		{"limit=2&offset=2", []string{one}},
		{"limit=5&offset=3", nil},
		{"PatientID=P-2&limit=1&offset=1", []string{two}},
		{"limit=101&offset=0&fuzzymatching=false&includefield=00081030,00080060,00080090,00100030", []string{three, two, one}},
	} {
		t.Run("R000-024 R004-041 "+tc.query, func(t *testing.T) {
			a := c.get(t, "/studies?"+strings.ReplaceAll(tc.query, "^", "%5E"), "application/dicom+json")
			if a.StatusCode != 200 || a.Header.Get("Content-Type") != "application/dicom+json" {
				t.Fatalf("status %d: %s", a.StatusCode, a.body)
			}
			var got []string
			for _, d := range a.list(t) {
				got = append(got, d.value("0020000D"))
			}
			if strings.Join(got, " ") != strings.Join(tc.want, " ") {
				t.Errorf("studies = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestQidoStudyAnswer(t *testing.T) {
	c, s := archive(t)
	a := c.get(t, "/studies?PatientID=P-1")
	want := `[{"00080020":{"vr":"DA","Value":["20260101"]},"00080030":{"vr":"TM","Value":["093015"]},` +
		`"00080050":{"vr":"SH","Value":["ACC-1"]},"00080056":{"vr":"CS","Value":["ONLINE"]},` +
		`"00080061":{"vr":"CS","Value":["CT"]},"00080090":{"vr":"PN"},"00080201":{"vr":"SH","Value":["+0000"]},` +
		`"00081030":{"vr":"LO","Value":["CT head, synthetic"]},"00081190":{"vr":"UR","Value":["` + c.url + `/studies/` + s[0].StudyUID + `"]},` +
		`"00100010":{"vr":"PN","Value":[{"Alphabetic":"Wang^XiaoDong","Ideographic":"王^小东"}]},"00100020":{"vr":"LO","Value":["P-1"]},` +
		`"00100030":{"vr":"DA","Value":["19700102"]},"00100040":{"vr":"CS","Value":["M"]},"0020000D":{"vr":"UI","Value":["` + s[0].StudyUID + `"]},` +
		`"00200010":{"vr":"SH","Value":["1"]},"00201206":{"vr":"IS","Value":[1]},"00201208":{"vr":"IS","Value":[3]}}]`
	if string(a.body) != want {
		t.Errorf("answer = %s\nwant     %s", a.body, want)
	}
	if got := c.get(t, "/studies?PatientID=P-9").body; string(got) != "[]" {
		t.Errorf("nothing found = %s", got)
	}
}

func TestQidoBelow(t *testing.T) {
	c, s := archive(t)
	study := "/studies/" + s[0].StudyUID
	for _, tc := range []struct {
		target string
		n      int
		has    string // tags that the first answer holds
		lacks  string
	}{
		{study + "/series", 1, "0020000D 0020000E 00080060 00200011 00201209 00400275 00081190", "00100010 00080018"},
		{study + "/series?Modality=MR", 0, "", ""},
		{study + "/series?Modality=CT&SeriesNumber=1", 1, "", ""},
		{"/series", 3, "0020000E 00100010 00080020", "00080018"},
		{"/series?PatientID=P-2", 2, "", ""},
		{study + "/instances", 3, "00080018 00080016 00200013 00280010 00280011 00280100 0020000E 00080060", "00100010"},
		{study + "/instances?InstanceNumber=2", 1, "", ""},
		{study + "/series/" + s[0].SeriesUID + "/instances", 3, "00080018 00200013 00280010", "00080060 00100010"},
		{study + "/series/" + s[0].SeriesUID + "/instances?includefield=all", 3, "00080060 00100010 00080008 00200052", ""},
		{study + "/series/" + s[0].SeriesUID + "/instances?includefield=ImagePositionPatient,00280030", 3, "00200032 00280030", ""},
		{study + "/series/" + s[0].SeriesUID + "/instances?SOPClassUID=1.2.840.10008.5.1.4.1.1.2&limit=2", 2, "", ""},
		{study + "/series/1.2.3/instances", 0, "", ""},
		{"/instances?PatientName=smith*", 3, "00080018 00100010 0020000D", ""},
	} {
		t.Run(tc.target, func(t *testing.T) {
			list := c.get(t, tc.target).list(t)
			if len(list) != tc.n {
				t.Fatalf("%d answers, want %d", len(list), tc.n)
			}
			for _, tag := range strings.Fields(tc.has) {
				if _, ok := list[0][tag]; !ok {
					t.Errorf("%s is missing in %v", tag, list[0])
				}
			}
			for _, tag := range strings.Fields(tc.lacks) {
				if _, ok := list[0][tag]; ok {
					t.Errorf("%s is not asked for", tag)
				}
			}
		})
	}
	t.Run("instances in the order of their number", func(t *testing.T) {
		for i, d := range c.get(t, study+"/instances").list(t) {
			if d.value("00200013") != strconv.Itoa(i+1) {
				t.Errorf("instance %d has number %s", i, d.value("00200013"))
			}
		}
	})
	t.Run("a field from the metadata", func(t *testing.T) {
		d := c.get(t, study+"/instances?includefield=ImagePositionPatient").list(t)[1]
		if len(d["00200032"].Value) != 3 || string(d["00200032"].Value[2]) != "1" {
			t.Errorf("ImagePositionPatient = %v", d["00200032"])
		}
	})
}

func TestQidoRefuses(t *testing.T) {
	c, s := archive(t)
	for _, query := range []string{
		"/studies?PatientNane=x", "/studies?00100021x=1", "/studies?includefield=Nothing", "/studies?Modality=CT",
		"/studies?SOPInstanceUID=1.2", "/series?InstanceNumber=1", "/studies?PatientComments=x", "/studies?StudyDate=yesterday",
		"/studies?StudyDate=20260101-20260102-20260103", "/studies?StudyTime=99", "/studies?limit=0", "/studies?limit=-1",
		"/studies?offset=x", "/studies?fuzzymatching=maybe", "/studies?StudyInstanceUID=abc", "/studies/abc/series",
		"/studies?StudyInstanceUID=*", "/instances?InstanceNumber=one", "/studies?DerivationCodeSequence.PatientID=P-1", "/studies?PatientID.PatientName=x", "/studies?PatientID.=x", "/studies?FFFFFFFF=1", "/studies?StudyDate=-", "/studies?PatientID=%zz", "/studies?PatientID=1;limit=2",
	} {
		if a := c.get(t, query); a.StatusCode != http.StatusBadRequest || !json.Valid(a.body) {
			t.Errorf("GET %s: status %d, want 400: %s", query, a.StatusCode, a.body)
		}
	}
	if a := c.get(t, "/studies", "image/png"); a.StatusCode != http.StatusNotAcceptable {
		t.Errorf("a picture: status %d", a.StatusCode)
	}
	if a := c.do(t, "DELETE", "/studies/"+s[0].StudyUID, nil); a.StatusCode != http.StatusMethodNotAllowed || strings.Contains(a.Header.Get("Allow"), "DELETE") {
		t.Errorf("DELETE: status %d", a.StatusCode)
	}
}

func TestQidoTells(t *testing.T) {
	c, _ := archive(t)
	if w := c.get(t, "/studies?limit=2").Header.Values("Warning"); len(w) != 1 || !strings.Contains(w[0], "additional results") {
		t.Errorf("more results: Warning = %q", w)
	}
	if w := c.get(t, "/studies?limit=3").Header.Values("Warning"); len(w) != 0 {
		t.Errorf("all results: Warning = %q", w)
	}
	if a := c.get(t, "/studies?fuzzymatching=true&PatientName=Smith"); len(a.Header.Values("Warning")) != 0 || len(a.list(t)) != 2 {
		t.Errorf("fuzzymatching: Warning = %q, %d studies", a.Header.Values("Warning"), len(a.list(t)))
	}
}

// Default deny: what is out of reach is neither listed, nor read, nor counted,
// and looks like what is not there.
func TestReach(t *testing.T) {
	c, s := archive(t)
	c.who = &access.Context{Kind: access.Person, Principal: "PractitionerRole/d", Organization: "Organization/m", Side: access.Manufacturer, Roles: []access.Role{access.DES}}
	hidden := "/studies/" + s[0].StudyUID + "/series/" + s[0].SeriesUID + "/instances/" + s[0].InstanceUID(0)
	nothing := "/studies/1.2/series/1.3/instances/1.4"
	t.Run("R001-046 before the disclosure", func(t *testing.T) {
		for _, q := range []string{"/studies", "/series", "/instances", "/studies/" + s[0].StudyUID + "/series"} {
			if a := c.get(t, q); a.StatusCode != 200 || string(a.body) != "[]" {
				t.Errorf("GET %s: status %d: %s", q, a.StatusCode, a.body)
			}
		}
		for _, suffix := range []string{"", "/metadata", "/frames/1", "/bulkdata/7FE00010"} {
			out, none := c.get(t, hidden+suffix), c.get(t, nothing+suffix)
			if out.StatusCode != http.StatusNotFound || string(out.body) != string(none.body) || none.StatusCode != out.StatusCode {
				t.Errorf("%s: status %d: %s; of nothing %d: %s", suffix, out.StatusCode, out.body, none.StatusCode, none.body)
			}
		}
	})
	t.Run("R001-046 after it", func(t *testing.T) {
		c.visible["PractitionerRole/d"] = []string{"ImagingStudy/" + c.studies[s[0].StudyUID].Resource}
		if list := c.get(t, "/instances").list(t); len(list) != 3 {
			t.Errorf("%d instances, want 3", len(list))
		}
		if a := c.get(t, hidden); a.StatusCode != 200 {
			t.Errorf("status %d", a.StatusCode)
		}
	})
}

func TestReadsAreAudited(t *testing.T) {
	c, s := archive(t)
	c.audits = nil
	c.get(t, "/studies?PatientName="+url.QueryEscape("Smith^Anna"))
	c.get(t, "/studies/"+s[0].StudyUID+"/metadata")
	instance := "/studies/" + s[0].StudyUID + "/series/" + s[0].SeriesUID + "/instances/" + s[0].InstanceUID(0)
	for _, target := range []string{instance, instance + "/metadata", instance + "/frames/1", instance + "/bulkdata/7FE00010"} {
		before := len(c.audits)
		if a := c.get(t, target); a.StatusCode != 200 || len(c.audits) != before+1 || c.audits[before].Patient != "Patient/p1" {
			t.Errorf("GET %s: status %d, audit %+v", target, a.StatusCode, c.audits[before:])
		}
	}
	if len(c.audits) != 7 {
		t.Fatalf("%d rows, want 7: %+v", len(c.audits), c.audits)
	}
	if q := c.audits[0]; q.Action != "E" || q.Operation != "qido" || strings.Contains(q.Entity, "Smith") || !strings.Contains(q.Entity, "PatientName") {
		t.Errorf("query row = %+v", q)
	}
	if p := c.audits[1]; p.Patient != "Patient/p2" {
		t.Errorf("patient row = %+v", p)
	}
	if r := c.audits[2]; r.Action != "R" || r.Patient != "Patient/p1" || !strings.HasPrefix(r.Entity, "ImagingStudy/") {
		t.Errorf("read row = %+v", r)
	}
}

// The names of a study stay found while instances are added, one by one, and the
// first instance that tells a name makes it found.
func TestQidoNamesOfAStudyThatGrows(t *testing.T) {
	c := open(t)
	of := func(name string) *sample.Series {
		return sample.New(sample.Options{Seed: 9, Slices: 4, PatientID: "P-1", PatientName: name})
	}
	nameless, named := of("  "), of("Zhao^Lei=赵^磊")
	if nameless.StudyUID != named.StudyUID {
		t.Fatal("two studies")
	}
	for i, file := range [][]byte{nameless.Slice(0), nameless.Slice(1), named.Slice(2), named.Slice(3)} {
		if a := c.stow(t, "/studies", file); a.StatusCode != 200 {
			t.Fatalf("status %d: %s", a.StatusCode, a.body)
		}
		for _, query := range []string{"PatientName=zhao*", "PatientName=%E8%B5%B5*", "PatientName=lei&fuzzymatching=true"} {
			var found []map[string]any
			if a := c.get(t, "/studies?"+query, "application/dicom+json"); len(a.body) > 0 {
				if err := json.Unmarshal(a.body, &found); err != nil {
					t.Fatal(err)
				}
			}
			if want := i / 2; len(found) != want {
				t.Errorf("%s after %d instances finds %d studies, want %d", query, i+1, len(found), want)
			}
		}
	}
}
